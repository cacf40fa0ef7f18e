"""A receipt names the limit that bit, and whose it is, in every language."""

from __future__ import annotations

import flask_babel
import pytest
from copydesk.risk.futures import LeverageBound
from copydesk.risk.model import Scope
from copydesk.trading import Denial
from copydesk.web.risk_words import limit_words
from copydesk.web.words import words
from flask import Flask
from test_web_locale import LOCALES

LINE = "order > 10 % of equity -> shrink"
BIT = {"limit_line": LINE, "limit_scope": "tenant", "limit": "10", "limit_unit": "percent"}
LESS_BY = (LeverageBound.FOLLOWER, LeverageBound.BRAND, LeverageBound.BRACKET)
WARNED = {"warned_line": "order > 5 % of equity -> warn", "warned_scope": "subscription"}


@pytest.mark.parametrize("locale", LOCALES)
def test_the_limit_is_named_by_its_line_and_everybodys_in_other_words(app: Flask, locale: str) -> None:
    with app.test_request_context(), flask_babel.force_locale(locale):
        told = [limit_words(BIT | {"limit_scope": str(scope)}) for scope in Scope]
    assert all(LINE in said for (said,) in told)
    assert len({said for (said,) in told}) == len(Scope)


def test_what_only_warned_is_told_beside_what_bit(app: Flask) -> None:
    with app.test_request_context():
        bit, warned = limit_words(BIT | WARNED)
    assert "the brand's" in bit
    assert "only warns" in warned
    assert "order > 5 % of equity -> warn" in warned


def test_a_copy_that_met_no_limit_says_nothing_of_any(app: Flask) -> None:
    with app.test_request_context():
        assert limit_words(None) == limit_words({"message": "no"}) == []


LESS = {"leverage": "20", "leverage_wanted": "100", "leverage_notional": "250000", "leverage_currency": "USDT"}


def less_leverage() -> list[str]:
    return [said for bound in LESS_BY for said in limit_words(LESS | {"leverage_bound": str(bound)})]


def test_less_leverage_than_the_traders_is_told_with_who_allows_no_more(app: Flask) -> None:
    with app.test_request_context():
        follower, brand, exchange = less_leverage()
    assert follower == "Leverage 20× instead of the trader's 100×: this subscription wants no more."
    assert brand == "Leverage 20× instead of the trader's 100×: no more is allowed here."
    assert exchange.endswith("the exchange allows no more for a position of 250,000.00\xa0USDT.")


@pytest.mark.parametrize("locale", [locale for locale in LOCALES if locale != "en"])
def test_no_such_word_is_left_in_english(app: Flask, locale: str) -> None:
    def everything(language: str) -> list[str]:
        with app.test_request_context(), flask_babel.force_locale(language):
            scopes = [limit_words(BIT | {"limit_scope": str(scope)})[0] for scope in Scope]
            return [*scopes, limit_words(WARNED)[0], *less_leverage()]

    assert not set(everything("en")) & set(everything(locale))


def test_a_denial_by_a_limit_says_where_the_limit_lies(app: Flask) -> None:
    with app.test_request_context():
        said = words(Denial.RISK_ORDER_MAX, BIT)
    assert said == "Skipped: the order is worth more than a single order may be. The limit is 10\xa0%."
