"""Stored prices: their form, and when they are too old to act on."""

from __future__ import annotations

from decimal import Decimal

import orjson
import pytest
from copydesk.marks.form import AGE_MS_MAX, FeedAge, FreshPrice, age_of, announcement, bounded, decode, encode, fresh
from copydesk.venues import Price

NOW = 1_790_000_000_000
PX, MARK = Decimal("0.00001234"), Decimal("64000.5")


@pytest.mark.parametrize(
    "price",
    [Price("BTC/USDT", PX, NOW), Price("BTC/USDT:USDT", PX, NOW, MARK, NOW - 5), Price("A/B:B", mark=MARK)],
    ids=["spot", "perpetual", "no trade yet"],
)
def test_a_price_is_read_as_it_was_written(price: Price) -> None:
    assert decode(price.symbol, encode(price)) == price


def test_decimals_are_written_as_plain_text() -> None:
    assert orjson.loads(encode(Price("A/B", PX, NOW))) == {"px": "0.00001234", "at_ms": NOW}


def test_an_announcement_names_the_environment_and_every_new_price() -> None:
    told = orjson.loads(announcement("okx-lab", [Price("A/B", PX, NOW), Price("C/B", MARK, NOW)]))
    assert told == {
        "place": "okx-lab",
        "prices": {"A/B": {"px": "0.00001234", "at_ms": NOW}, "C/B": {"px": "64000.5", "at_ms": NOW}},
    }


def test_last_price_and_mark_are_too_old_each_for_itself() -> None:
    price = Price("A/B:B", PX, NOW - AGE_MS_MAX - 1, MARK, NOW - AGE_MS_MAX)
    assert fresh(price, now_ms=NOW) == FreshPrice(None, MARK)
    assert fresh(price, now_ms=NOW - 1) == FreshPrice(PX, MARK)
    assert fresh(price, now_ms=NOW + 1) == FreshPrice(None, None)


def test_a_price_of_the_future_ages_from_now_on() -> None:
    ahead = bounded(Price("A/B:B", PX, NOW + 60_000, MARK, NOW - 7), now_ms=NOW)
    assert (ahead.at_ms, ahead.mark_at_ms) == (NOW, NOW - 7)


def test_a_feed_is_as_old_as_its_newest_price() -> None:
    stored = {"A": Price("A", PX, NOW - 40), "B": Price("B", PX, NOW - 20_000, MARK, NOW - 16_000)}
    assert age_of(stored, now_ms=NOW) == FeedAge(newest_ms=40, instruments=2, stale=1)
