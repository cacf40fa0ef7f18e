"""Stops at the exchange in every language: each state has words of its own, and what one did is told with figures."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from decimal import Decimal

import flask_babel
import pytest
from copydesk.replication import EXCHANGE_STOP, PositionStop, StopStanding
from copydesk.risk.protection import ProtectiveState
from copydesk.trading import OrderStatus, PositionSide, Side
from copydesk.web.risk.exchange_stops import BARE_SHOWN, brand_stops
from copydesk.web.stop_words import bare_words, exchange_stop_words, told_words
from flask import Flask
from test_web_locale import LOCALES

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
DONE = {"kind": EXCHANGE_STOP, "symbol": "BTC/USDT:USDT", "trigger": "80900", "closed": "0.4", "px": "81000"}
STOP = PositionStop(ProtectiveState.RESTING, Side.SELL, Decimal("0.4"), Decimal(80_900), NOW, None)
RESTS = StopStanding(1, "BTC/USDT:USDT", PositionSide.NET, STOP)


def everything(app: Flask, locale: str) -> list[str]:
    with app.test_request_context(), flask_babel.force_locale(locale):
        acts = [exchange_stop_words(facts) or "" for facts in (DONE, DONE | {"px": "0"})]
        return [*acts, *(bare_words(state) for state in (None, *ProtectiveState))]


@pytest.mark.parametrize("locale", [locale for locale in LOCALES if locale != "en"])
def test_no_word_of_a_stop_at_the_exchange_is_left_in_english(app: Flask, locale: str) -> None:
    told = everything(app, locale)
    assert not set(everything(app, "en")) & set(told)
    assert len(set(told)) == len(told)


@pytest.mark.parametrize("locale", LOCALES)
def test_the_sentence_of_an_act_names_what_was_closed_and_where(app: Flask, locale: str) -> None:
    with_price, without = everything(app, locale)[:2]
    for said in (with_price, without):
        assert "BTC" in said
        assert "BTC/USDT" in said
        assert "900" in said
    assert with_price.count("000") == 1
    assert "000" not in without


@pytest.mark.parametrize("facts", [{}, {"kind": "loss"}, {**DONE, "px": "none"}, {"kind": EXCHANGE_STOP}])
def test_what_is_no_such_act_or_says_too_little_has_no_sentence(app: Flask, facts: dict[str, str]) -> None:
    with app.test_request_context():
        assert exchange_stop_words(facts) is None


def test_an_exchanges_own_words_are_told_as_they_are_and_a_bare_state_is_not() -> None:
    assert told_words("-2021: Order would immediately trigger.") == "-2021: Order would immediately trigger."
    assert [told_words(str(state)) for state in OrderStatus] == [""] * len(OrderStatus)
    assert told_words(None) == ""


def test_the_longest_ago_seen_counts_and_few_of_many_are_named(app: Flask) -> None:
    seen_at = NOW - timedelta(seconds=40)
    old = RESTS._replace(stop=STOP._replace(verified_at=seen_at))
    absent = RESTS._replace(stop=STOP._replace(state=ProtectiveState.ABSENT))
    bare = [absent._replace(subscription_id=2 + n) for n in range(BARE_SHOWN + 3)]
    hedged = RESTS._replace(stop=None, position_side=PositionSide.SHORT)
    with app.test_request_context():
        stops = brand_stops([RESTS, old, hedged, *bare], wanted=True)
    assert (stops.resting, stops.positions, stops.missing) == (2, BARE_SHOWN + 6, BARE_SHOWN + 4)
    assert stops.seen_at == seen_at
    assert (len(stops.bare), stops.hidden) == (BARE_SHOWN, 4)
    assert [one.side for one in stops.bare[:2]] == ["short", ""]


def test_nobody_is_missing_a_stop_where_none_is_wanted(app: Flask) -> None:
    with app.test_request_context():
        stops = brand_stops([RESTS, RESTS._replace(stop=None)], wanted=False)
    assert (stops.missing, stops.bare) == (0, ())
