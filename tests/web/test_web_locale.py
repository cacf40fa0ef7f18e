"""Which language a visitor gets, and that every state and every "no" has words in it."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal

import flask_babel
import pytest
from babel.messages.pofile import read_po
from copydesk.replication.model import UNSET
from copydesk.trading import Denial, OrderStatus, SizingMode, SubscriptionState
from copydesk.web.catalogs import TRANSLATIONS
from copydesk.web.words import reason_label, sizing_words, state_words, words
from flask import Flask
from flask.testing import FlaskClient
from form_posts import submit

Visit = Callable[[str], FlaskClient]
FACTS = {
    "notional": "4.1",
    "minimum": "5",
    "currency": "USDT",
    "allocation": "500",
    "spent": "496.2",
    "allocation_needed": "122",
    "message": "no",
}
LOCALES = ("en", *sorted(path.parent.parent.name for path in TRANSLATIONS.glob("*/LC_MESSAGES/messages.po")))


def language_of(page: str) -> str:
    return page.partition('<html lang="')[2].partition('"')[0]


@pytest.mark.parametrize(
    ("brand", "accepted", "expected"),
    [
        ("aurora", "de-AT,de;q=0.9,en;q=0.5", "de"),
        ("aurora", "ar,fr", "en"),
        ("aurora", "", "en"),
        ("boreal", "ar-EG,ar;q=0.9", "ar"),
        ("boreal", "de", "en"),
    ],
)
def test_accept_language_chooses_among_the_brands_locales(
    visit: Visit, brand: str, accepted: str, expected: str
) -> None:
    page = visit(brand).get("/strategies", headers={"Accept-Language": accepted}).text
    assert language_of(page) == expected


def test_the_chosen_language_is_remembered_and_beats_accept_language(visit: Visit) -> None:
    browser = visit("aurora")
    came_from = {"Referer": "http://aurora.localhost/desk?x=1"}
    answer = submit(browser, "/language/de", headers=came_from)
    assert answer.status_code == 303
    assert answer.location == "/desk"
    page = browser.get("/", headers={"Accept-Language": "en"}).text
    assert language_of(page) == "de"


@pytest.mark.parametrize("target", ("//evil.example", "/\\evil.example", "https://evil.example/", "javascript:x"))
def test_the_way_back_never_leaves_the_site(visit: Visit, target: str) -> None:
    assert submit(visit("aurora"), "/language/de", {"next": target}).location == "/"


def test_a_language_that_the_brand_does_not_offer_is_not_found(visit: Visit) -> None:
    assert submit(visit("aurora"), "/language/ar").status_code == 404


def test_arabic_pages_read_right_to_left_and_english_ones_do_not(visit: Visit) -> None:
    browser = visit("boreal")
    assert 'dir="rtl"' in browser.get("/", headers={"Accept-Language": "ar"}).text
    assert 'dir="ltr"' in browser.get("/", headers={"Accept-Language": "en"}).text.partition("<body")[0]


@pytest.mark.parametrize("locale", LOCALES)
@pytest.mark.parametrize("facts", (FACTS, {}), ids=("with numbers", "without numbers"))
def test_every_denial_has_words_in_every_locale(app: Flask, locale: str, facts: dict[str, str]) -> None:
    with app.test_request_context(), flask_babel.force_locale(locale):
        said = {denial: words(denial, facts) for denial in Denial}
    assert all(len(sentence) > 8 and "%(" not in sentence for sentence in said.values())
    assert len(set(said.values())) == len(Denial)
    assert not [denial for denial, sentence in said.items() if str(denial) in sentence]


@pytest.mark.parametrize("locale", [locale for locale in LOCALES if locale != "en"])
def test_words_are_translated_and_not_left_in_english(app: Flask, locale: str) -> None:
    def everything() -> list[str]:
        named = [*SubscriptionState, *OrderStatus]
        return [*(reason_label(d) for d in Denial), *(state_words(s) for s in named), sizing_words("equity_ratio")]

    with app.test_request_context():
        with flask_babel.force_locale("en"):
            english = everything()
        with flask_babel.force_locale(locale):
            translated = everything()
    assert [word for word, other in zip(english, translated, strict=True) if word == other] == []


@pytest.mark.parametrize("locale", [locale for locale in LOCALES if locale != "en"])
def test_a_catalog_keeps_every_placeholder(locale: str) -> None:
    with (TRANSLATIONS / locale / "LC_MESSAGES" / "messages.po").open("rb") as file:
        catalog = read_po(file, locale)
    assert [(message.id, list(map(str, errors))) for message, errors in catalog.check()] == []


def test_numbers_in_a_reason_follow_the_locale(app: Flask) -> None:
    with app.test_request_context(), flask_babel.force_locale("de"):
        assert "4,10\u00a0USDT" in words("below_notional_min", FACTS)


@pytest.mark.parametrize("locale", LOCALES)
def test_what_must_be_changed_at_an_exchange_is_said_with_its_name(app: Flask, locale: str) -> None:
    told = {"exchange": "okx", "leverage": "5"}
    reasons = [d for d in Denial if d.startswith("key_") or d in UNSET or d is Denial.CLOCK_SKEWED]
    with app.test_request_context(), flask_babel.force_locale(locale):
        said = [words(reason, told) for reason in reasons]
    assert [sentence for sentence in said if "OKX" not in sentence] == []


def test_a_perpetual_too_small_names_the_smallest_order_of_its_exchange(app: Flask) -> None:
    facts = {"notional": "200", "minimum": "500", "currency": "USDT", "exchange": "bybit"}
    with app.test_request_context():
        assert "500.00\u00a0USDT at Bybit" in words("below_qty_min", facts)


def test_an_unknown_reason_is_still_an_honest_sentence(app: Flask) -> None:
    with app.test_request_context():
        assert words("moon_in_the_wrong_phase", {}) == "Not copied (moon_in_the_wrong_phase)."
        assert words(None) == ""


def test_every_sizing_mode_and_state_has_words(app: Flask) -> None:
    with app.test_request_context():
        assert all(state_words(state) != state for state in (*SubscriptionState, *OrderStatus, "live", "closed"))
        assert [sizing_words(mode, Decimal(25), "USDT") for mode in SizingMode] == [
            "In proportion to the trader's equity",
            "25× the share of the equity that the trader puts in",
            "25× of the trader's quantity",
            "25.00\u00a0USDT per order",
            "25 units per order",
        ]
