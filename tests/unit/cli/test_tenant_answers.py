"""A new brand from a few answers: what follows from the slug and the installation, and what cannot be had."""

from __future__ import annotations

import pytest
from copydesk.cli.tenant_answers import Given, Ground, completed, given_by
from copydesk.cli.tenant_recipe import tenant_text
from copydesk.kernel import InvalidInput
from copydesk.tenancy.document import parse_document

LISTED = frozenset({"BTC/USDT", "ETH/USDT", "BTC/USDT:USDT"})
GROUND = Ground(("core", "aurora"), {"binance": LISTED, "okx": LISTED, "bybit": frozenset({"BTC/USDT"})}, lab_runs=True)


def test_a_slug_is_enough() -> None:
    answers = completed("north-star", Given(), GROUND)
    assert (answers.name, answers.hosts, answers.theme) == ("North Star", ("north-star.localhost",), "core")
    assert answers.tagline == "Copy traders whose record you can check"
    assert {environment for _, environment, _ in answers.exchanges} == {"lab"}


def test_the_tagline_speaks_the_first_language() -> None:
    assert completed("x", Given(locales=("es", "en")), GROUND).tagline.startswith("Copia a operadores")
    assert completed("x", Given(locales=("pt_BR",)), GROUND).tagline.startswith("Copy traders")


def test_each_exchange_offers_the_markets_that_it_lists() -> None:
    found = completed("x", Given(markets=("BTC/USDT", "BTC/USDT:USDT"), exchanges=("okx", "bybit")), GROUND)
    assert found.exchanges == (
        ("okx", "lab", ("BTC/USDT", "BTC/USDT:USDT")),
        ("bybit", "lab", ("BTC/USDT",)),
    )


def test_without_a_lab_a_brand_trades_for_real() -> None:
    found = completed("x", Given(exchanges=("okx", "bybit-lab")), Ground())
    assert [(venue, environment) for venue, environment, _ in found.exchanges] == [("okx", "live"), ("bybit", "lab")]


def test_the_currency_is_what_the_markets_are_quoted_in() -> None:
    assert completed("x", Given(markets=("BTC/EUR",), exchanges=("okx-live",)), GROUND).currency == "EUR"


@pytest.mark.parametrize(
    ("slug", "given", "said"),
    [
        ("Dawn", Given(), "slug: expected 1 to 31 lower-case letters"),
        ("_dawn", Given(), "slug: expected"),
        ("dawn", Given(exchanges=("kraken",)), "exchange: expected one of binance, okx, bybit, bitget"),
        ("dawn", Given(exchanges=("okx-paper",)), "alone or with -lab or -live"),
        ("dawn", Given(markets=("DOGE/USDT",), exchanges=("okx",)), "found DOGE/USDT"),
    ],
)
def test_what_cannot_be_is_named(slug: str, given: Given, said: str) -> None:
    with pytest.raises(InvalidInput, match=said):
        completed(slug, given, GROUND)


def test_the_file_says_what_was_answered() -> None:
    given = Given(name='Say "hi": #1', locales=("de", "en"), markets=("BTC/USDT", "BTC/USDT:USDT"), exchanges=("okx",))
    data = parse_document(tenant_text(completed("dawn", given, GROUND))).data
    assert isinstance(data, dict)
    assert data["brand"]["name"] == 'Say "hi": #1'
    assert (data["locales"], data["locale_default"]) == (["de", "en"], "de")
    expected = [{"venue": "okx", "environment": "lab", "markets": ["BTC/USDT", "BTC/USDT:USDT"]}]
    assert data["exchanges"] == expected


@pytest.mark.parametrize(
    ("document", "said"),
    [
        ({"colour": "#fff"}, r"answers: colour: expected one of .* \(did you mean color\?\)"),
        ({"theme": ["a"]}, "answers: theme: expected text"),
        ({"hosts": [1]}, "answers: hosts: expected a list of texts"),
    ],
)
def test_a_wrong_answer_in_a_file_is_named(document: dict[str, object], said: str) -> None:
    with pytest.raises(InvalidInput, match=said):
        given_by(document, source="answers")


def test_what_is_answered_holds_over_the_file() -> None:
    given = Given(theme="aurora").over(given_by({"theme": "core", "hosts": "a.b"}, source="answers"))
    assert (given.theme, given.hosts) == ("aurora", ("a.b",))
