"""Algo orders as the wire knows them: one algo order may be two conditionals of the engine that cancel each other.

Source: okx.com/docs-v5, "Order Book Trading", "Algo Trading". A take-profit and a stop-loss of one algo order (`oco`)
are siblings in the engine; the older one stands for both. Those attached to an order are algo orders from the moment
that the order has been filled; before, they are part of that order.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Any, NamedTuple

import orjson

from copydesk.venues.lab.conditional import PLAN, TAKE_PROFIT, TRAILING, Conditional
from copydesk.venues.lab.dialects.okx.desk import Desk
from copydesk.venues.lab.dialects.okx.terms import note_of
from copydesk.venues.lab.model import CANCELED, EXPIRED, NEW, REJECTED, TRIGGERED

# The state of an algo order is that of the first of these which one of its conditionals has.
_STATES = (
    (TRIGGERED, "effective"),
    (REJECTED, "order_failed"),
    (NEW, "live"),
    (CANCELED, "canceled"),
    (EXPIRED, "canceled"),
)
ALGO_TYPES = ("conditional", "oco", "trigger", "move_order_stop")


class AlgoNote(NamedTuple):
    """What the exchange repeats of an algo order and the engine does not know."""

    order_type: str = ""
    mode: str = "cross"
    target: str = ""
    tag: str = ""
    client_order_id: str = ""
    close_fraction: str = ""


def write_algo_note(note: AlgoNote) -> str:
    return orjson.dumps(note._asdict()).decode()


@lru_cache(maxsize=16_384)
def algo_note_of(tag: str) -> AlgoNote:
    """Read the note of a conditional; an attached one has that of its parent order."""
    if tag.startswith("{"):
        return AlgoNote(**orjson.loads(tag))
    parent = note_of(tag)
    return AlgoNote("", parent.mode, "", parent.tag)


@lru_cache(maxsize=16_384)
def attached_client_id(tag: str) -> str:
    """Return the client's id of what was attached to an order."""
    rows: tuple[dict[str, Any], ...] = () if tag.startswith("{") else note_of(tag).attached
    return rows[0]["attachAlgoClOrdId"] if rows else ""


class Algo(NamedTuple):
    """One algo order: the conditional that it is named by, and its sibling if it has one."""

    first: Conditional
    second: Conditional | None

    @property
    def legs(self) -> tuple[Conditional, ...]:
        return (self.first,) if self.second is None else (self.first, self.second)

    @property
    def order_type(self) -> str:
        if self.first.kind == PLAN:
            return "trigger"
        if self.first.kind == TRAILING:
            return "move_order_stop"
        return "conditional" if self.second is None else "oco"

    @property
    def state(self) -> str:
        held = {leg.status for leg in self.legs}
        return next(word for status, word in _STATES if status in held)

    @property
    def fired(self) -> Conditional | None:
        """Return the conditional that has placed, or tried to place, its order."""
        return next((leg for leg in self.legs if leg.status in (TRIGGERED, REJECTED)), None)

    @property
    def take_profit(self) -> Conditional | None:
        return next((leg for leg in self.legs if leg.kind == TAKE_PROFIT), None)

    @property
    def client_id(self) -> str:
        return self.first.client_id or attached_client_id(self.first.tag)


def algo_of(desk: Desk, one: Conditional) -> Algo:
    """Find the algo order that a conditional belongs to."""
    sibling = None
    if one.siblings:
        engine = desk.exchange.engine(one.market)
        sibling = engine.conditional(one.account, one.symbol, one.siblings[0])
    if sibling is None:
        return Algo(one, None)
    return Algo(one, sibling) if one.conditional_id < sibling.conditional_id else Algo(sibling, one)


def algos_of(desk: Desk, account: str, *, open_only: bool) -> list[Algo]:
    """Return the algo orders of an account, of both markets; those whose parent order is still open do not count."""
    found: dict[tuple[str, int], Algo] = {}
    for market in ("spot", "perp"):
        for one in desk.exchange.engine(market).conditionals(account, open_only=open_only):
            if one.active:
                algo = algo_of(desk, one)
                found[market, algo.first.conditional_id] = algo
    return list(found.values())
