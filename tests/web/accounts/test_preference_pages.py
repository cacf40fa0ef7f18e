"""How somebody reads the site: language, colors and time zone hold on every page, and bad input keeps the form."""

from __future__ import annotations

import pytest
from copydesk.identity import User
from copydesk.identity.preferences import is_time_zone, time_zones
from factor_site import FactorSite, Visit

HERE = "/account/preferences"


@pytest.fixture
def reader(site: FactorSite) -> Visit:
    return site.member()


def test_what_is_chosen_is_kept_with_the_account_and_holds_on_every_page(site: FactorSite, reader: Visit) -> None:
    answer = reader.send(HERE, locale="de", scheme="dark", time_zone="Asia/Tokyo")
    assert answer.status_code == 303
    page = reader.get(answer.location).text
    assert '<html lang="de"' in page
    assert 'data-scheme="dark" data-scheme-own="dark"' in page
    assert '<option value="Asia/Tokyo" selected>' in page
    with site.runtime.database.tenant(site.tenant_id) as session:
        user = session.get_one(User, (site.tenant_id, reader.user_id))
        assert (user.locale, user.scheme, user.time_zone) == ("de", "dark", "Asia/Tokyo")


def test_moments_are_told_in_the_time_zone_of_their_reader(reader: Visit) -> None:
    before = reader.get("/account/sessions").text
    assert reader.send(HERE, time_zone="Asia/Tokyo").status_code == 303
    after = reader.get("/account/sessions").text
    assert 'title="Mar 1, 2026, 9:0' in after
    assert 'title="Mar 1, 2026, 9:0' not in before


def test_a_choice_taken_back_is_the_browsers_and_the_sites_own_again(reader: Visit) -> None:
    reader.send(HERE, scheme="light", time_zone="Asia/Tokyo")
    reader.send(HERE, scheme="", time_zone="")
    page = reader.get(HERE).text
    assert "data-scheme-own" not in page
    assert page.count(" selected>") == 2  # The language, and no coin.


def test_a_coin_is_kept_where_it_is_traded_here_in_the_sites_currency(site: FactorSite, reader: Visit) -> None:
    page = reader.get(HERE).text
    assert '<option value="BTC">' in page and "Euros, dollars and the like are not offered" in page
    assert reader.send(HERE, currency="BTC").status_code == 303
    assert '<option value="BTC" selected>' in reader.get(HERE).text
    assert reader.send(HERE, scheme="dark").status_code == 303
    assert '<option value="BTC" selected>' in reader.get(HERE).text, "what is not sent stays"
    assert reader.send(HERE, currency="").status_code == 303


@pytest.mark.parametrize(
    ("field", "value", "sentence"),
    [
        ("locale", "tlh", "Language: choose one of the list."),
        ("scheme", "neon", "Colors: choose one of the three."),
        ("currency", "EUR", "Currency: choose one of the list."),
        ("time_zone", "Europe/Atlantis", "Time zone: choose one of the list, such as Europe/Berlin."),
    ],
)
def test_a_bad_choice_keeps_the_form_and_names_the_field(reader: Visit, field: str, value: str, sentence: str) -> None:
    typed = {"locale": "en", "scheme": "dark", "time_zone": "Asia/Tokyo", field: value}
    answer = reader.send(HERE, **typed)
    assert answer.status_code == 422
    assert sentence in answer.text and f'id="error-{field}"' in answer.text
    if field != "time_zone":
        assert '<option value="Asia/Tokyo" selected>' in answer.text
    assert "data-scheme-own" not in reader.get(HERE).text


def test_every_zone_on_offer_is_one_and_others_are_none() -> None:
    assert all(is_time_zone(name) for names in time_zones().values() for name in names)
    assert is_time_zone("UTC") and is_time_zone("Europe/Berlin")
    assert not any(map(is_time_zone, ("", "localtime", "posixrules", "CET", "Europe", "../etc/passwd")))
