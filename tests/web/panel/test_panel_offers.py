"""Languages, wording and features in the panel, and what they leave on the site."""

from __future__ import annotations

import pytest
from form_posts import token_in
from panel_site import Browser, PanelSite, words

FEATURES = ("desk", "leaderboard", "strategy_pages", "traders")


def without(*features: str) -> dict[str, str]:
    """Return the form of features with all on but these."""
    shown = {f"features.{name}:shown": "1" for name in FEATURES}
    return shown | {f"features.{name}": "yes" for name in FEATURES if name not in features}


def test_only_languages_with_all_their_words_are_offered(site: PanelSite) -> None:
    page = site.browser().get("/panel/languages")
    assert 'name="on:de"' in page.text
    refused = site.browser().send("/panel/languages", {"on:xx": "yes", "locale_default": "en"})
    assert refused.status_code == 422
    assert "Languages: expected at least one, found none." in words(refused)


def test_a_language_less_is_gone_from_the_site(site: PanelSite) -> None:
    done = site.browser().change("/panel/languages", {"on:en": "yes", "locale_default": "en"})
    assert done.status_code == 303, words(done)
    assert site.brand().config.locales == ("en",)
    assert "Deutsch" not in words(site.browser().get("/"))


def test_the_first_language_must_be_one_that_is_offered(site: PanelSite) -> None:
    refused = site.browser().send("/panel/languages", {"on:en": "yes", "locale_default": "de"})
    assert refused.status_code == 422
    assert "First language: expected one that is offered, found de." in words(refused)


def test_the_brand_s_own_words_stand_on_its_pages(site: PanelSite) -> None:
    done = site.browser().change("/panel/wording", {"locale": "en", "said:Strategies": "Lead traders"})
    assert done.status_code == 303, words(done)
    assert "Lead traders" in words(site.browser().get("/"))
    back = site.browser().change("/panel/wording", {"locale": "en", "said:Strategies": ""})
    assert back.status_code == 303, words(back)
    assert "en" not in site.brand().config.wording


def test_a_text_is_found_by_its_words_and_its_placeholders_must_stay(site: PanelSite) -> None:
    found = site.browser().get("/panel/wording?locale=en&search=watch+live")
    assert 'name="said:Watch the live desk"' in found.text
    refused = site.browser().send("/panel/wording", {"locale": "en", "said:Follower %(number)s": "Copier"})
    assert refused.status_code == 422
    assert "the placeholders %(number)s" in words(refused)
    assert 'value="Copier"' in refused.text


def test_markup_is_no_wording(site: PanelSite) -> None:
    typed = {"locale": "en", "said:Strategies": "<b>Lead</b>"}
    refused = site.browser().send("/panel/wording", typed)
    assert refused.status_code == 422
    assert "<b>Lead</b>" not in refused.text


@pytest.mark.parametrize("brand", ["aurora", "boreal"])
@pytest.mark.parametrize("feature", ["desk", "leaderboard", "strategy_pages"])
def test_a_feature_that_is_off_leaves_no_trace(site: PanelSite, brand: str, feature: str) -> None:
    page = {"aurora": "/strategies/dawn", "boreal": "/strategies/fjord"}[brand]
    paths, trace = {
        "desk": (["/desk", "/desk/1"], 'href="/desk'),
        "leaderboard": (["/strategies"], 'href="/strategies"'),
        "strategy_pages": ([page, f"{page}/equity.json"], f'href="{page}"'),
    }[feature]
    browser = site.browser(brand=brand)
    assert trace in browser.get("/").text + browser.get("/strategies").text
    done = browser.change("/panel/features", without(feature))
    assert done.status_code == 303, words(done)
    assert [browser.get(path).status_code for path in paths] == [404 for _ in paths]
    pages = [browser.get(path).text for path in ("/", "/strategies", page, "/account", "/sitemap.xml")]
    assert not [text for text in pages if trace in text]
    assert not [path for path in paths if f"{path}<" in pages[-1]]


def test_without_traders_nobody_registers_to_be_copied(site: PanelSite) -> None:
    visitor = Browser(site.app)
    assert "Be copied" in visitor.get("/account/register").text
    site.browser().change("/panel/features", without("traders"))
    page = visitor.get("/account/register")
    assert "Be copied" not in page.text
    typed = {"role": "trader", "email": "t@example.com", "display_name": "T", "password": "seven small wet stones"}
    refused = visitor.post("/account/register", data=typed | {"csrf_token": token_in(page.text)})
    assert refused.status_code == 422
    assert "traders are invited" in words(refused)


def test_a_closed_registration_is_offered_nowhere(site: PanelSite) -> None:
    visitor = Browser(site.app)
    assert "/account/register" in visitor.get("/account/sign-in").text
    done = site.browser().change("/panel/accounts", {"identity.registration": "closed"})
    assert done.status_code == 303, words(done)
    assert not [path for path in ("/", "/account/sign-in", "/sitemap.xml") if "register" in visitor.get(path).text]
    assert visitor.get("/account/register").status_code == 403
