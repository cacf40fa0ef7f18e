"""A past made ready: all that is the same for everybody who asks what copying it would have come to. Pure.

Prices on a grid, the brand's days, and each signal as the planner meets it. Nothing in it hangs on a follower, so that
one course is good for any number of amounts and limits.
"""

from __future__ import annotations

from decimal import Context, localcontext
from typing import NamedTuple
from zoneinfo import ZoneInfo

from copydesk.replication.model import SignalFact
from copydesk.replication.plan import Case, case_of
from copydesk.risk.paper import Slot
from copydesk.whatif.amounts import least_amounts
from copydesk.whatif.days import Days
from copydesk.whatif.model import Past
from copydesk.whatif.prices import Prices

# As the planner has it in production.
PRECISION = Context(prec=28)


class Step(NamedTuple):
    """A signal, the moment of the grid at which it is heeded, the book that it is about, and whether it opens.

    `case` is what the planner makes of it for all followers; None where there is no way to send any order.
    """

    signal: SignalFact
    moment: int
    slot: Slot
    opens: bool
    case: Case | None


class Course:
    """A past in a brand's time zone. `least` are the amounts that its opening orders want (`amounts.least_amounts`)."""

    def __init__(self, past: Past, zone: ZoneInfo) -> None:
        self.past = past
        self.zone = zone
        self.prices = Prices(past)
        self.days = Days(past, self.prices, zone)
        with localcontext(PRECISION):
            self.steps = tuple(self._step(signal) for signal in past.signals)
            self.least = least_amounts(step.case for step in self.steps if step.opens)

    def _step(self, signal: SignalFact) -> Step:
        past = self.past
        instrument, limits = past.instruments.get(signal.symbol), past.limits.get(signal.symbol)
        case = None
        if instrument is not None and limits is not None:
            case = case_of(signal, instrument, limits, signal.venue_at)
        slot = Slot(signal.symbol, signal.position_side)
        return Step(signal, self.prices.moment(signal.venue_at), slot, signal.opens, case)
