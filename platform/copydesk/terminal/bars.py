"""The candles of a chart: those that an exchange told, and the minutes that were seen since. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from decimal import Decimal
from typing import NamedTuple

from copydesk.venues.candles import Candle, Interval

MINUTE_S = 60


class Bars(NamedTuple):
    """What an exchange told of an instrument at a time; empty where it did not tell."""

    read_at_s: int = 0
    candles: Mapping[int, Candle] = {}


def minutes_between(prices: Iterable[tuple[int, Decimal]]) -> dict[int, Candle]:
    """Draw minutes from the one price that is kept of each: a minute opens where the one before it closed."""
    found: dict[int, Candle] = {}
    before: Decimal | None = None
    for at_s, px in prices:
        opened = before or px
        found[at_s // MINUTE_S * MINUTE_S] = Candle(opened, max(opened, px), min(opened, px), px)
        before = px
    return found


def going_on(bars: Bars, minutes: Mapping[int, Candle], interval: Interval) -> dict[int, Candle]:
    """Let an exchange's candles go on by the minutes that were seen since; without any, by all of them."""
    found = dict(bars.candles)
    running = max(found, default=None)
    for minute, seen in sorted(minutes.items()):
        begins = minute // interval.seconds * interval.seconds
        if running is not None and (begins < running or minute + MINUTE_S <= bars.read_at_s):
            continue
        known = found.get(begins)
        found[begins] = seen if known is None else known.joined(seen)
    return found
