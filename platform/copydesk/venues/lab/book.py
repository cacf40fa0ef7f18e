"""One symbol's order book with price-time priority; holds real orders and the maker's quotes in the same queues.

Prices are keyed by whole ticks, negated on the bid side, so that on both sides a smaller key is a better price.
"""

from __future__ import annotations

from bisect import insort
from collections.abc import Callable, Iterable
from decimal import ROUND_DOWN, Decimal
from typing import NamedTuple

from copydesk.kernel import ZERO
from copydesk.venues.lab.model import BUY, Depth, DepthDiff, LabInstrument, Order

# How much of a quantity a resting order may still give.
Room = Callable[[Order, Decimal], Decimal]


class Quote:
    """The maker's liquidity at one price; needs no order record and locks no money."""

    __slots__ = ("leaves",)

    def __init__(self, leaves: Decimal) -> None:
        self.leaves = leaves


class Level:
    """One price: what rests there, oldest first, and the sum of it."""

    __slots__ = ("px", "queue", "total")

    def __init__(self, px: Decimal) -> None:
        self.px = px
        self.total = ZERO
        self.queue: list[Order | Quote] = []


class Take(NamedTuple):
    """Take `qty` of the entry at the head of the level `key`, at `px`."""

    key: int
    px: Decimal
    entry: Order | Quote
    qty: Decimal


class Plan(NamedTuple):
    """What an incoming order would get. `short` means that the book cannot give all of it within the limit."""

    takes: list[Take]
    qty: Decimal
    cost: Decimal
    short: bool


NO_PLAN = Plan([], ZERO, ZERO, True)


class BookSide:
    """Bids or asks: levels by key and the sorted keys, best first."""

    __slots__ = ("changed", "dirty", "keys", "levels", "quotes", "sign", "tick")

    def __init__(self, tick: Decimal, sign: int) -> None:
        self.tick = tick
        self.sign = sign
        self.keys: list[int] = []
        self.levels: dict[int, Level] = {}
        self.quotes: dict[int, Quote] = {}
        self.changed: set[int] = set()
        self.dirty = False

    def key(self, px: Decimal) -> int:
        return int(px / self.tick) * self.sign

    def add(self, key: int, entry: Order | Quote) -> None:
        """Queue an entry behind whatever rests at its price."""
        level = self.levels.get(key)
        if level is None:
            level = self.levels[key] = Level(key * self.sign * self.tick)
            insort(self.keys, key)
        level.queue.append(entry)
        level.total += entry.leaves
        self._mark(key)

    def remove(self, key: int, entry: Order | Quote) -> None:
        """Take an entry out of the book with all that it has left."""
        level = self.levels[key]
        level.queue.remove(entry)
        level.total -= entry.leaves
        self._drop_if_empty(key, level)

    def consume(self, take: Take) -> None:
        """Count an execution against the head of a level; the entry's own `leaves` is already reduced."""
        key, _, entry, qty = take
        level = self.levels[key]
        level.total -= qty
        self.changed.add(key)
        self.dirty = True
        if entry.leaves:
            return
        head = level.queue.pop(0)
        assert head is entry, "executions must follow the queue"
        if isinstance(head, Quote):
            del self.quotes[key]
        self._drop_if_empty(key, level)

    def _mark(self, key: int) -> None:
        self.changed.add(key)
        self.dirty = True

    def _drop_if_empty(self, key: int, level: Level) -> None:
        self._mark(key)
        if not level.queue:
            del self.levels[key]
            self.keys.remove(key)

    def shrink(self, key: int, by: Decimal) -> None:
        """Note that an entry at this price has become smaller; its own `leaves` is already reduced."""
        self.levels[key].total -= by
        self._mark(key)

    def plan(self, qty: Decimal, limit_key: int | None, room: Room | None = None) -> Plan:
        """Plan taking `qty` base units, walking the levels up to the limit.

        `room(order, qty)` may allow less of a resting order (reduce-only ones end with their position).
        """
        takes: list[Take] = []
        left, cost = qty, ZERO
        for key in self.keys:
            if limit_key is not None and key > limit_key:
                break
            level = self.levels[key]
            px = level.px
            for entry in level.queue:
                take = entry.leaves if entry.leaves < left else left
                if room is not None and isinstance(entry, Order):
                    take = room(entry, take)
                    if not take:
                        continue
                takes.append(Take(key, px, entry, take))
                cost += px * take
                left -= take
                if not left:
                    return Plan(takes, qty, cost, False)
        return Plan(takes, qty - left, cost, True)

    def plan_quote(self, amount: Decimal, step: Decimal) -> Plan:
        """Plan spending (or raising) up to `amount` quote units in whole quantity steps, rounded down."""
        takes: list[Take] = []
        qty, cost = ZERO, ZERO
        for key in self.keys:
            px = self.levels[key].px
            for entry in self.levels[key].queue:
                affordable = ((amount - cost) / px / step).to_integral_value(ROUND_DOWN) * step
                take = min(entry.leaves, affordable)
                if take:
                    takes.append(Take(key, px, entry, take))
                    qty += take
                    cost += px * take
                if take < entry.leaves:
                    return Plan(takes, qty, cost, False)
        return Plan(takes, qty, cost, True)

    def put_quote(self, key: int, qty: Decimal) -> None:
        """Quote at a price where none is; a quote worn to less than half is renewed at the back of its queue."""
        present = self.quotes.get(key)
        if present is not None:
            if present.leaves * 2 >= qty:
                return
            self.remove(key, present)
        quote = self.quotes[key] = Quote(qty)
        self.add(key, quote)

    def keep_quotes(self, wanted: Iterable[int]) -> None:
        """Withdraw every quote whose price is not wanted any more."""
        for key in self.quotes.keys() - wanted:
            self.remove(key, self.quotes.pop(key))

    def best(self, limit: int) -> list[tuple[Decimal, Decimal]]:
        levels = self.levels
        return [(levels[key].px, levels[key].total) for key in self.keys[:limit]]

    def drain(self) -> list[tuple[Decimal, Decimal]]:
        """Return the changed levels, best first, and forget the changes."""
        keys, self.changed = sorted(self.changed), set()
        return [
            (self.levels[key].px, self.levels[key].total) if key in self.levels else (key * self.sign * self.tick, ZERO)
            for key in keys
        ]


class OrderBook:
    """Both sides of one symbol, its last trade and the count of its changes."""

    __slots__ = (
        "asks",
        "bids",
        "drained_id",
        "halted",
        "instrument",
        "last_px",
        "last_qty",
        "last_trade_id",
        "update_id",
    )

    def __init__(self, instrument: LabInstrument) -> None:
        self.instrument = instrument
        self.bids = BookSide(instrument.px_tick, -1)
        self.asks = BookSide(instrument.px_tick, 1)
        self.update_id = 0
        self.drained_id = 0
        self.last_px = ZERO
        self.last_qty = ZERO
        self.last_trade_id = 0
        self.halted = False

    def side(self, side: str) -> BookSide:
        """Return where an order of this side rests."""
        return self.bids if side == BUY else self.asks

    def opposite(self, side: str) -> BookSide:
        """Return what an order of this side takes from."""
        return self.asks if side == BUY else self.bids

    def clear(self) -> None:
        """Empty both sides; the update id and the last trade stay."""
        self.bids = BookSide(self.instrument.px_tick, -1)
        self.asks = BookSide(self.instrument.px_tick, 1)

    def commit(self) -> bool:
        """Close one call's changes under a new update id; False if there were none."""
        if not (self.bids.dirty or self.asks.dirty):
            return False
        self.bids.dirty = self.asks.dirty = False
        self.update_id += 1
        return True

    def reference_px(self) -> Decimal:
        """Return the price that filters compare with: the last trade, else the best price there is, else 0."""
        if self.last_px:
            return self.last_px
        for side in (self.asks, self.bids):
            if side.keys:
                return side.levels[side.keys[0]].px
        return ZERO

    def depth(self, limit: int) -> Depth:
        return Depth(self.update_id, self.bids.best(limit), self.asks.best(limit))

    def drain(self) -> DepthDiff | None:
        if self.update_id == self.drained_id:
            return None
        first, self.drained_id = self.drained_id + 1, self.update_id
        return DepthDiff(first, self.update_id, self.bids.drain(), self.asks.drain())
