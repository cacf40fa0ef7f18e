"""One order book stream of one depth: what was sent last, so that each message holds only what has changed since.

Level 1 has snapshots only, and repeats itself after three quiet seconds. Source: v5 documentation, stream "Orderbook".
"""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import orjson

from copydesk.venues.lab.dialects.bybit.views import px_text, qty_text
from copydesk.venues.lab.engine import Engine
from copydesk.venues.lab.model import LabInstrument
from copydesk.venues.lab.perp import PerpEngine

DEPTHS = frozenset({1, 50, 200, 1000})
REPEAT_MS = 3000
Side = dict[Decimal, Decimal]


class BookView:
    """The best levels as everyone who listens knows them; a message starts where the last one ended."""

    def __init__(self, engine: Engine | PerpEngine, instrument: LabInstrument, depth: int) -> None:
        self._engine = engine
        self._instrument = instrument
        self._depth = depth
        self._topic = f"orderbook.{depth}.{instrument.venue_symbol}"
        self._update_id = 1
        self._sent_ms = 0
        self._bids: Side = {}
        self._asks: Side = {}
        self._seq = 0
        self._look()

    def _look(self) -> None:
        depth = self._engine.depth(self._instrument.venue_symbol, self._depth)
        self._bids, self._asks, self._seq = dict(depth.bids), dict(depth.asks), depth.update_id

    def snapshot(self, now_ms: int) -> bytes:
        """Write the levels as of the last message, with its id."""
        self._sent_ms = now_ms
        return self._frame("snapshot", self._bids, self._asks, now_ms)

    def change(self, now_ms: int) -> bytes | None:
        """Write what is different now; None if nothing of these levels is."""
        bids, asks = self._bids, self._asks
        self._look()
        changed_bids, changed_asks = _changes(bids, self._bids), _changes(asks, self._asks)
        if not changed_bids and not changed_asks:
            return None
        self._update_id += 1
        self._sent_ms = now_ms
        if self._depth == 1:
            return self._frame("snapshot", self._bids, self._asks, now_ms)
        return self._frame("delta", changed_bids, changed_asks, now_ms)

    def repeat(self, now_ms: int) -> bytes | None:
        """Write a quiet level-1 book once more when it is time."""
        if self._depth != 1 or now_ms - self._sent_ms < REPEAT_MS:
            return None
        return self.snapshot(now_ms)

    def _frame(self, kind: str, bids: Side, asks: Side, now_ms: int) -> bytes:
        i = self._instrument
        data: dict[str, Any] = {
            "s": i.venue_symbol,
            "b": [(px_text(px, i), _size(bids[px], i)) for px in sorted(bids, reverse=True)],
            "a": [(px_text(px, i), _size(asks[px], i)) for px in sorted(asks)],
            "u": self._update_id,
            "seq": self._seq,
        }
        head: dict[str, Any] = {"topic": self._topic}
        # Spot, and level 1 of everything, name the time before the type.
        early = not i.perpetual or self._depth == 1
        head |= {"ts": now_ms, "type": kind} if early else {"type": kind, "ts": now_ms}
        return orjson.dumps({**head, "data": data, "cts": now_ms})


def _size(qty: Decimal, instrument: LabInstrument) -> str:
    return qty_text(qty, instrument) if qty else "0"


def _changes(before: Side, after: Side) -> Side:
    """Return new quantities by price; 0 for a level that is gone or has left the depth."""
    changes = {px: qty for px, qty in after.items() if before.get(px) != qty}
    for px in before:
        if px not in after:
            changes[px] = Decimal(0)
    return changes
