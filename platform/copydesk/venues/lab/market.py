"""The replayed market: real candles turned into one deterministic price path per symbol.

Inside a candle the path runs open → low → high → close (rising candle) or open → high → low → close
(falling one), linear between these points, with a seeded jitter that never leaves the candle's range.
"""

from __future__ import annotations

import csv
import gzip
from collections.abc import Iterable
from datetime import UTC, datetime
from decimal import ROUND_HALF_EVEN, Decimal
from itertools import pairwise
from pathlib import Path
from typing import NamedTuple
from zlib import crc32

from copydesk.venues.lab.listings import LISTINGS

CANDLE_MS = 300_000
FOLDER = Path(__file__).parent / "candles"
# Shares of a candle's time at which its second and third turning points lie.
FIRST_TURN = Decimal("0.3")
SECOND_TURN = Decimal("0.7")
JITTER_MS = 1_000
JITTER_RATIO = Decimal("0.0001")
BENT_RATIO_MIN = Decimal("0.05")


class Candle(NamedTuple):
    """One 5-minute candle; `volume` in base units."""

    open_ms: int
    open: Decimal
    high: Decimal
    low: Decimal
    close: Decimal
    volume: Decimal


class Bend(NamedTuple):
    """How a price departs from the replayed one: `px = base * (1 + (replayed / pivot - 1) * factor)`.

    With the pivot at the present price, `factor` changes how far the price goes from here, without a jump now.
    """

    pivot: Decimal
    base: Decimal
    factor: Decimal

    def apply(self, px: Decimal) -> Decimal:
        """Bend a replayed price, never below a twentieth of the base."""
        return max(self.base * (1 + (px / self.pivot - 1) * self.factor), self.base * BENT_RATIO_MIN)


class Market:
    """Tell prices by market time. The caller maps wall time: `market_ms = start_ms + elapsed_ms * speed`.

    Times after the last candle wrap around to the first. Bends last until they are lifted or the process ends;
    candles know nothing of them.
    """

    def __init__(self, symbols: Iterable[str] | None = None, seed: int = 0, folder: Path | None = None) -> None:
        """Load the slices of these symbols (default: all shipped) from `folder` (default: the shipped one)."""
        listed = {i.price_symbol: i for i in LISTINGS["binance"].spot}
        self.symbols: tuple[str, ...] = tuple(symbols) if symbols is not None else tuple(listed)
        self.seed = seed
        self._ticks = {symbol: listed[symbol].px_tick for symbol in self.symbols}
        self._candles = {symbol: load_candles((folder or FOLDER) / f"{symbol}.csv.gz") for symbol in self.symbols}
        first = self._candles[self.symbols[0]]
        assert all(len(c) == len(first) and c[0].open_ms == first[0].open_ms for c in self._candles.values())
        self.start_ms = first[0].open_ms
        self.duration_ms = len(first) * CANDLE_MS
        self.volatility = Decimal(1)
        self._bends: dict[str, Bend] = {}
        # The last price that was asked for: every exchange asks in the same millisecond.
        self._told: dict[str, tuple[int, Decimal]] = {}

    def stretch(self, factor: Decimal, market_ms: float) -> None:
        """Let every price move `factor` times as much from now on; 0 stands still, 1 goes on as the candles do."""
        self.volatility = factor
        for symbol in self.symbols:
            self._bends[symbol] = Bend(self._replayed(symbol, market_ms), self.price(symbol, market_ms), factor)
        self._told.clear()

    def jump(self, symbol: str, ratio: Decimal, market_ms: float) -> None:
        """Let one price jump to `ratio` times its present one and move on from there."""
        px, pivot = self.price(symbol, market_ms), self._replayed(symbol, market_ms)
        self._bends[symbol] = Bend(pivot, px * ratio, self.volatility)
        self._told.pop(symbol, None)

    def price(self, symbol: str, market_ms: float) -> Decimal:
        """Return the mid price at that time, a multiple of the symbol's tick."""
        at_ms = int(market_ms)
        told = self._told.get(symbol)
        if told is not None and told[0] == at_ms:
            return told[1]
        px, bend = self._replayed(symbol, at_ms), self._bends.get(symbol)
        if bend is not None:
            px = bend.apply(px)
        tick = self._ticks[symbol]
        px = (px / tick).to_integral_value(ROUND_HALF_EVEN) * tick
        self._told[symbol] = at_ms, px
        return px

    def _replayed(self, symbol: str, market_ms: float) -> Decimal:
        """Return the price on the candles' path."""
        at_ms = int(market_ms)
        candle = self.candle(symbol, at_ms)
        offset_ms = (at_ms - self.start_ms) % CANDLE_MS
        px = _path_px(candle, Decimal(offset_ms) / CANDLE_MS)
        px += px * JITTER_RATIO * self._noise(symbol, at_ms // JITTER_MS) / 1000
        return min(max(px, candle.low), candle.high)

    def candle(self, symbol: str, market_ms: float) -> Candle:
        """Return the candle that holds this time (its open_ms is in slice time)."""
        candles = self._candles[symbol]
        return candles[(int(market_ms) - self.start_ms) // CANDLE_MS % len(candles)]

    def candles(self, symbol: str, market_ms: float, limit: int) -> list[Candle]:
        """Return the last `limit` candles finished at that time, oldest first, open_ms in market time (no wrap)."""
        current = (int(market_ms) - self.start_ms) // CANDLE_MS
        candles = self._candles[symbol]
        return [
            candles[i % len(candles)]._replace(open_ms=self.start_ms + i * CANDLE_MS)
            for i in range(current - limit, current)
        ]

    def _noise(self, symbol: str, slot: int) -> int:
        """Return -1000 … 1000, fixed by seed, symbol and time slot."""
        return crc32(f"{self.seed} {symbol} {slot}".encode()) % 2001 - 1000


def _path_px(candle: Candle, share: Decimal) -> Decimal:
    """Walk the candle's path: `share` of its time has passed (0 … 1)."""
    rising = candle.close >= candle.open
    near, far = (candle.low, candle.high) if rising else (candle.high, candle.low)
    if share < FIRST_TURN:
        return candle.open + (near - candle.open) * share / FIRST_TURN
    if share < SECOND_TURN:
        return near + (far - near) * (share - FIRST_TURN) / (SECOND_TURN - FIRST_TURN)
    return far + (candle.close - far) * (share - SECOND_TURN) / (1 - SECOND_TURN)


def load_candles(path: Path) -> list[Candle]:
    """Read a slice: gzipped CSV with timestamp (UTC), open, high, low, close, volume; gaps are an error."""
    with gzip.open(path, "rt", newline="") as lines:
        rows = [_candle(row) for row in csv.DictReader(lines)]
    for before, after in pairwise(rows):
        if after.open_ms != before.open_ms + CANDLE_MS:
            raise ValueError(
                f"{path.name}: candle after {before.open_ms} expected 5 minutes later, found {after.open_ms}"
            )
    return rows


def _candle(row: dict[str, str]) -> Candle:
    opened = datetime.fromisoformat(row["timestamp"]).astimezone(UTC)
    values = (Decimal(row[name]) for name in ("open", "high", "low", "close", "volume"))
    return Candle(int(opened.timestamp()) * 1000, *values)
