"""Candles as exchanges tell them: the lengths that are asked for, and rows as values. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from decimal import Decimal
from enum import StrEnum
from typing import Any, NamedTuple

from copydesk.venues.client.wire import number

# As many as the most careful exchange tells at once (OKX).
CANDLES_ASKED = 300
_SECOND_MS = 1000


class Interval(StrEnum):
    """How long a candle lasts; days begin at midnight in UTC."""

    M1 = "1m"
    M5 = "5m"
    M15 = "15m"
    H1 = "1h"
    D1 = "1d"

    @property
    def seconds(self) -> int:
        return _SECONDS[self]


_SECONDS = {Interval.M1: 60, Interval.M5: 300, Interval.M15: 900, Interval.H1: 3600, Interval.D1: 86_400}


class Candle(NamedTuple):
    """The first, highest, lowest and last price of a while."""

    open: Decimal
    high: Decimal
    low: Decimal
    close: Decimal

    def with_px(self, px: Decimal) -> Candle:
        """Return the while after one more price."""
        return Candle(self.open, max(self.high, px), min(self.low, px), px)

    def joined(self, later: Candle) -> Candle:
        """Return this while and a later one as one."""
        return Candle(self.open, max(self.high, later.high), min(self.low, later.low), later.close)


def candles_of(rows: Iterable[Sequence[Any]]) -> dict[int, Candle]:
    """Read rows of opening time in milliseconds, open, high, low and close, whatever their order.

    Every exchange tells these first; more may follow. By their beginning in epoch seconds, the oldest first.
    """
    found = {int(row[0]) // _SECOND_MS: Candle(*(number(str(px)) for px in row[1:5])) for row in rows}
    return dict(sorted(found.items()))
