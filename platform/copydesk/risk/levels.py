"""From limits on equity to what arrays compare with: equity below X, or above X. Pure and exact.

Losses, profits and drawdowns of equity can be told before any price moves as the equity at which they would be
reached, so that a sweep of a million positions compares and does not compute. What decides is `equity_rules`.
"""

from __future__ import annotations

from collections.abc import Iterable
from decimal import Decimal
from typing import NamedTuple

from copydesk.risk.equity_rules import EquityBound, EquityState, level_of
from copydesk.risk.measures import EXACT
from copydesk.risk.model import Basis, Measure

_ONE = Decimal(1)
_OF_EQUITY = (Measure.LOSS, Measure.PROFIT, Measure.DRAWDOWN)


class Levels(NamedTuple):
    """The nearest equities at which something would happen; None where nothing would.

    Below `floor`, below `trail_share` times the peak, below the peak less `trail_amount`, or above `ceiling`.
    """

    floor: Decimal | None = None
    trail_share: Decimal | None = None
    trail_amount: Decimal | None = None
    ceiling: Decimal | None = None


def on_equity(bound: EquityBound) -> bool:
    """Tell whether a limit is broken by prices alone; what is realised, and distances, change otherwise."""
    return bound.measure in _OF_EQUITY and bound.basis is not Basis.REALISED


def nearest_levels(bounds: Iterable[EquityBound], state: EquityState) -> Levels:
    """Return the levels that would be reached first; limits that are not `on_equity` are passed over.

    Give only what is still ahead (`stops.still_ahead`), or a holder that was warned is suspected for ever. They hold
    until the balance or the equity that a window opened with changes; the peak may rise without them.
    """
    floors: list[Decimal] = []
    shares: list[Decimal] = []
    amounts: list[Decimal] = []
    ceilings: list[Decimal] = []
    for bound in filter(on_equity, bounds):
        if bound.measure is Measure.DRAWDOWN and not bound.money and bound.basis is Basis.EQUITY:
            shares.append(EXACT.subtract(_ONE, bound.value))
        elif bound.measure is Measure.DRAWDOWN:
            amounts.append(bound.value if bound.money else EXACT.multiply(bound.value, state.balance))
        elif (level := level_of(bound, state)) is not None:
            (floors if level.floor else ceilings).append(level.at)
    return Levels(
        max(floors, default=None),
        max(shares, default=None),
        min(amounts, default=None),
        min(ceilings, default=None),
    )
