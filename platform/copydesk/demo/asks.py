"""What leaders' trades ask of followers, and which orders answer it: copies, duplicates, orders gone astray."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field
from decimal import Decimal
from enum import StrEnum
from typing import NamedTuple

from copydesk.kernel import ZERO
from copydesk.trading import Denial

LONG, SHORT = 1, -1


class Leg(NamedTuple):
    """One way of trading an instrument for one account: into or out of the long or the short side of it."""

    account: str
    symbol: str
    direction: int
    opens: bool

    @property
    def buys(self) -> bool:
        return (self.direction == LONG) == self.opens


class Fault(StrEnum):
    """What may be wrong with an order that nothing asked for."""

    DUPLICATE = "duplicates"
    WRONG_SIDE = "wrong_side"
    WRONG_MARKET = "wrong_market"


@dataclass
class Ask:
    """A leader event that asks a follower for an order: surely, or possibly where a minimum is too close to call.

    One order answers it, or one for each part that the leader's order was filled in (`answers_max`, zero where no
    order is possible); a further one only where a close was filled for less than it asked for, or sent for less than
    is `due` while an open was not known yet, and once for the rest of an open that was filled in part. `denial` is the
    reason that explains its absence, None where nothing does. `worth` is the most that an open may cost, `forgiven`
    what it provably could not get and has not been tried again.
    """

    at_ms: float
    px: Decimal
    surely: bool
    denial: Denial | None = None
    answers_max: int = 1
    due: Decimal = ZERO
    worth: Decimal = ZERO
    answers: int = 0
    sent: Decimal = ZERO
    topped_up: bool = False
    forgiven: Decimal = ZERO

    @property
    def open(self) -> bool:
        """Tell whether a further order may answer it."""
        return self.answers < self.answers_max or 0 < self.sent < self.due

    def allow_top_up(self) -> None:
        """Let one further order buy what an open that was filled in part did not get."""
        if not self.topped_up:
            self.topped_up = True
            self.answers_max += 1

    def tried_again(self, qty: Decimal) -> Decimal:
        """Return how much of what was forgiven an order of this size is to get after all."""
        again = qty if self.topped_up and qty <= self.forgiven else ZERO
        self.forgiven -= again
        return again

    def answer(self, qty: Decimal) -> None:
        self.answers += 1
        self.sent += qty


class Astray(NamedTuple):
    """An order that answers nothing; `repeated` where its id came before."""

    leg: Leg
    fault: Fault
    repeated: bool


@dataclass
class Asks:
    """All asks of all followers, and the faults of orders that answer none, also order by order."""

    by_leg: dict[Leg, list[Ask]] = field(default_factory=lambda: defaultdict(list))
    opens: dict[str, list[Ask]] = field(default_factory=lambda: defaultdict(list))
    faults: dict[tuple[str, str], list[Fault]] = field(default_factory=lambda: defaultdict(list))
    astray: list[Astray] = field(default_factory=list)
    _ids: set[tuple[str, str, str]] = field(default_factory=set)

    def add(self, leg: Leg, ask: Ask) -> None:
        """Ask for an order."""
        self.by_leg[leg].append(ask)
        if leg.opens:
            self.opens[leg.account].append(ask)

    def take(self, leg: Leg, client_order_id: str, qty: Decimal) -> Ask | None:
        """Let an order answer what asked for it; None, and a fault is noted, when nothing did."""
        named = leg.account, leg.symbol, client_order_id
        repeated = named in self._ids
        ask = None if repeated else self._asked(leg)
        if ask is None:
            fault = self._fault(leg, repeated=repeated)
            self.faults[leg.account, leg.symbol].append(fault)
            self.astray.append(Astray(leg, fault, repeated))
        else:
            ask.answer(qty)
        self._ids.add(named)
        return ask

    def __iter__(self) -> Iterator[tuple[Leg, Ask]]:
        return ((leg, ask) for leg, asked in self.by_leg.items() for ask in asked)

    def _asked(self, leg: Leg) -> Ask | None:
        """Return what an order answers: the oldest event that must have one, else the newest that may.

        One that only may have an order is mostly left without, so an older one says nothing about this order.
        """
        waiting = [ask for ask in self.by_leg.get(leg, ()) if ask.open]
        due = (ask for ask in waiting if ask.surely and not ask.answers)
        return next(due, waiting[-1] if waiting else None)

    def _fault(self, leg: Leg, *, repeated: bool) -> Fault:
        """Name what is wrong: an order twice, one on the other side of what is waited for, or one out of nowhere."""
        mine = {other: asked for other, asked in self.by_leg.items() if other[:2] == leg[:2]}
        if not mine:
            return Fault.WRONG_MARKET
        awaited = any(ask.surely and not ask.answers for asked in mine.values() for ask in asked)
        return Fault.WRONG_SIDE if awaited and not repeated else Fault.DUPLICATE
