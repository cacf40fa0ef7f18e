"""The lab's market maker: keeps a plausible book around the replayed price.

Prices stand on a fixed grid of about half a basis point, so that a small move of the mid changes few levels.
"""

from __future__ import annotations

from decimal import ROUND_CEILING, ROUND_DOWN, ROUND_FLOOR, Decimal
from typing import NamedTuple
from zlib import crc32

from copydesk.venues.lab.floor import Floor
from copydesk.venues.lab.model import Event, LabInstrument

GRID_RATIO = Decimal("0.00005")
HALF_SPREAD_RATIO = Decimal("0.00003")
# Quote units at the best price; each further level holds 35 % of that more.
TOP_NOTIONAL = {"BTC": 40_000, "ETH": 30_000, "SOL": 20_000, "XRP": 20_000, "BNB": 15_000}
TOP_NOTIONAL_OTHER = 15_000
LEVEL_GROWTH_PERCENT = 35
TAPE_NOTIONAL = 1_000


class Ladder(NamedTuple):
    """Where one symbol is quoted: the mid, the grid (ticks per step) and the first grid step of each side."""

    mid: Decimal
    grid: int
    bid: int
    ask: int


class MarketMaker:
    """Quote `levels` prices on each side of a mid price; pure but for the last ladders it remembers.

    Sizes depend on the seed, the symbol, the price and the `depth` factor only, so equal calls give equal books.
    """

    def __init__(self, seed: int = 0, levels: int = 12) -> None:
        self.seed = seed
        self.levels = levels
        self.depth = Decimal(1)
        self._ladders: dict[str, Ladder] = {}

    def requote(self, engine: Floor, symbol: str, mid: Decimal, now_ms: int) -> list[Event]:
        """Move the quotes to `mid`, print one tape trade when the mid moved, fill crossed real orders."""
        previous = self._ladders.get(symbol)
        if previous is not None and previous.mid == mid:
            return self.replenish(engine, symbol, now_ms)
        instrument = engine.instruments[symbol]
        ladder = self._ladders[symbol] = _ladder(instrument, mid, previous)
        events: list[Event] = []
        if previous is None or ladder[1:] != previous[1:] or self._worn(engine, symbol):
            events = self._place(engine, instrument, ladder, now_ms)
        falling = previous is not None and mid < previous.mid
        px = (ladder.bid if falling else ladder.ask) * ladder.grid * instrument.px_tick
        qty = self._size(instrument, px, TAPE_NOTIONAL, ladder.bid)
        events.append(engine.print_trade(symbol, px, qty, buyer_is_maker=falling, now_ms=now_ms))
        return events + engine.fire(symbol, now_ms)

    def deepen(self, engine: Floor, factor: Decimal, now_ms: int) -> list[Event]:
        """Hold `factor` times the usual quantities from now on; every quote is made anew."""
        self.depth = factor
        return [event for symbol in list(self._ladders) for event in self.renew(engine, symbol, now_ms)]

    def renew(self, engine: Floor, symbol: str, now_ms: int) -> list[Event]:
        """Withdraw all quotes of a symbol and make them anew."""
        ladder = self._ladders.get(symbol)
        if ladder is None or symbol not in engine.instruments:
            return []
        withdrawn = engine.place_quotes(symbol, [], [], now_ms)
        return withdrawn + self._place(engine, engine.instruments[symbol], ladder, now_ms)

    def forget(self, symbol: str) -> None:
        """Begin anew with a symbol at the next mid price."""
        self._ladders.pop(symbol, None)

    def replenish(self, engine: Floor, symbol: str, now_ms: int) -> list[Event]:
        """Call after each execution: refills when half of a side's levels are gone; else costs < 1 µs."""
        ladder = self._ladders.get(symbol)
        if ladder is None or not self._worn(engine, symbol, self.levels // 2):
            return []
        return self._place(engine, engine.instruments[symbol], ladder, now_ms)

    def _worn(self, engine: Floor, symbol: str, levels_min: int | None = None) -> bool:
        least = self.levels if levels_min is None else levels_min
        book = engine.books[symbol]
        return len(book.bids.quotes) < least or len(book.asks.quotes) < least

    def _place(self, engine: Floor, instrument: LabInstrument, ladder: Ladder, now_ms: int) -> list[Event]:
        mid, grid = ladder.mid, ladder.grid
        top = TOP_NOTIONAL.get(instrument.base, TOP_NOTIONAL_OTHER)
        bids, asks = [], []
        for i in range(self.levels):
            notional = top * (100 + LEVEL_GROWTH_PERCENT * i) // 100
            if ladder.bid - i > 0:
                bids.append(((ladder.bid - i) * grid, self._size(instrument, mid, notional, ladder.bid - i)))
            asks.append(((ladder.ask + i) * grid, self._size(instrument, mid, notional, ladder.ask + i)))
        return engine.place_quotes(instrument.venue_symbol, bids, asks, now_ms)

    def _size(self, instrument: LabInstrument, px: Decimal, notional: int, salt: int) -> Decimal:
        """Turn a notional into a quantity, 75 to 125 % of it by a hash of the price, in whole steps, at least one."""
        percent = 75 + crc32(b"%d %d " % (self.seed, salt) + instrument.base.encode()) % 51
        steps = (notional * percent * self.depth / (px * instrument.qty_step * 100)).to_integral_value(ROUND_DOWN)
        return max(steps, Decimal(1)) * instrument.qty_step


def _ladder(instrument: LabInstrument, mid: Decimal, previous: Ladder | None) -> Ladder:
    """Place the grid around a mid. The grid's pitch is kept until the price has moved by a quarter."""
    tick = instrument.px_tick
    wanted = max(1, int(mid * GRID_RATIO / tick))
    grid = wanted
    if previous is not None and previous.grid * 3 <= wanted * 4 and wanted * 3 <= previous.grid * 4:
        grid = previous.grid
    pitch, half = tick * grid, mid * HALF_SPREAD_RATIO
    bid = int(((mid - half) / pitch).to_integral_value(ROUND_FLOOR))
    ask = int(((mid + half) / pitch).to_integral_value(ROUND_CEILING))
    return Ladder(mid, grid, bid, ask)
