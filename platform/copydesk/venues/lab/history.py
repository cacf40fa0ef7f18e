"""Candles and day figures of the replayed market, written in wall time as a client expects them.

The market lives at its own time (the replayed days), clients live today. A candle's open time is shifted by
the present distance between the two, rounded down to whole intervals, so that candles stay on interval
boundaries and the newest is the running one. At speed 1 the distance is constant and so are the open times;
at another speed a candle keeps its shape but moves in wall time, as if the past had been played at speed 1.
History reaches back one length of the replayed slice. Candles under 5 minutes come from the price path.
"""

from __future__ import annotations

from decimal import Decimal
from typing import NamedTuple

from copydesk.kernel import ZERO
from copydesk.venues.lab.market import Candle, Market

MINUTE_MS = 60_000
CANDLE_MS = 5 * MINUTE_MS
DAY_MS = 1440 * MINUTE_MS
PATH_STEP_MS = 15_000

INTERVALS: dict[str, int] = {
    "1m": MINUTE_MS,
    "5m": CANDLE_MS,
    "15m": 15 * MINUTE_MS,
    "30m": 30 * MINUTE_MS,
    "1h": 60 * MINUTE_MS,
    "2h": 120 * MINUTE_MS,
    "4h": 240 * MINUTE_MS,
    "6h": 360 * MINUTE_MS,
    "8h": 480 * MINUTE_MS,
    "12h": 720 * MINUTE_MS,
    "1d": DAY_MS,
}


class Day(NamedTuple):
    """The last 24 hours of one symbol; `volume` in base units, `quote_volume` at closing prices."""

    open: Decimal
    high: Decimal
    low: Decimal
    volume: Decimal
    quote_volume: Decimal


class History:
    """Answer for the market's past. `now_ms` is wall time, `market_ms` the market's own present."""

    def __init__(self, market: Market) -> None:
        self._market = market
        self._days: dict[str, tuple[int, Day]] = {}

    def klines(
        self,
        symbol: str,
        interval_ms: int,
        *,
        now_ms: float,
        market_ms: float,
        limit: int,
        start_ms: int | None = None,
        end_ms: int | None = None,
    ) -> list[Candle]:
        """Return candles with wall open times, oldest first: the first ones from `start_ms`, else the last ones."""
        shift = int((now_ms - market_ms) // interval_ms)
        newest = int(market_ms // interval_ms)
        oldest = newest - self._market.duration_ms // interval_ms
        last = newest if end_ms is None else min(newest, end_ms // interval_ms - shift)
        if start_ms is None:
            first = max(oldest, last - limit + 1)
        else:
            first = max(oldest, -(-start_ms // interval_ms) - shift)
            last = min(last, first + limit - 1)
        candles = (self._candle(symbol, i * interval_ms, interval_ms, market_ms) for i in range(first, last + 1))
        return [c._replace(open_ms=c.open_ms + shift * interval_ms) for c in candles]

    def day(self, symbol: str, market_ms: float) -> Day:
        """Return the figures of the last 24 hours, renewed with every finished 5-minute candle."""
        index = int(market_ms // CANDLE_MS)
        kept = self._days.get(symbol)
        if kept is None or kept[0] != index:
            first_ms = (index - DAY_MS // CANDLE_MS) * CANDLE_MS
            whole = self._whole(symbol, first_ms, index * CANDLE_MS)
            quote = sum((c.volume * c.close for c in self._each(symbol, first_ms, index * CANDLE_MS)), ZERO)
            kept = self._days[symbol] = (index, Day(whole.open, whole.high, whole.low, whole.volume, quote))
        return kept[1]

    def _candle(self, symbol: str, open_ms: int, interval_ms: int, market_ms: float) -> Candle:
        end_ms = open_ms + interval_ms
        if interval_ms < CANDLE_MS:
            return self._from_path(symbol, open_ms, min(float(end_ms), market_ms))
        if end_ms <= market_ms:
            return self._whole(symbol, open_ms, end_ms)
        running_ms = int(market_ms // CANDLE_MS) * CANDLE_MS
        running = self._from_path(symbol, running_ms, market_ms)
        if running_ms == open_ms:
            return running
        return _joined([self._whole(symbol, open_ms, running_ms), running], open_ms)

    def _whole(self, symbol: str, open_ms: int, end_ms: int) -> Candle:
        return _joined(self._each(symbol, open_ms, end_ms), open_ms)

    def _each(self, symbol: str, open_ms: int, end_ms: int) -> list[Candle]:
        return [self._market.candle(symbol, at) for at in range(open_ms, end_ms, CANDLE_MS)]

    def _from_path(self, symbol: str, open_ms: int, end_ms: float) -> Candle:
        prices = [self._market.price(symbol, at) for at in range(open_ms, int(end_ms), PATH_STEP_MS)]
        prices.append(self._market.price(symbol, end_ms))
        share = Decimal(int(end_ms) - open_ms) / CANDLE_MS
        volume = (self._market.candle(symbol, open_ms).volume * share).quantize(Decimal("0.00000001"))
        return Candle(open_ms, prices[0], max(prices), min(prices), prices[-1], volume)


def _joined(candles: list[Candle], open_ms: int) -> Candle:
    return Candle(
        open_ms,
        candles[0].open,
        max(c.high for c in candles),
        min(c.low for c in candles),
        candles[-1].close,
        sum((c.volume for c in candles), ZERO),
    )
