"""How far a limit is: what it measures now, and where it lies. Pure."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from decimal import Decimal
from typing import NamedTuple

from copydesk.risk.equity_rules import EquityBound, EquityState, level_of
from copydesk.risk.limits import subject_of
from copydesk.risk.measures import EXACT, MEASURES, Judged, Subject
from copydesk.risk.model import Basis, Measure, Scoped, Unit
from copydesk.risk.order_rules import OrderState, Sums


class Reading(NamedTuple):
    """What is measured now, and where the limit lies, in quote currency, in numbers of things, or as plain ratios.

    `now` is None where only an order can be measured. `left` is how much is left, below zero where the limit is broken.
    """

    now: Decimal | None
    at: Decimal
    left: Decimal | None


class Standing(NamedTuple):
    """A subscription, or an account, as both kinds of limits see it."""

    orders: OrderState
    equity: EquityState
    account_equity: EquityState


def reading_of(scoped: Scoped, standing: Standing) -> Reading | None:
    """Read one limit; None where it says no number, or nothing is known that it could measure."""
    limit = scoped.limit
    if limit.threshold.unit is Unit.NAMES:
        return None
    percent = limit.threshold.unit is Unit.PERCENT
    value = EXACT.scaleb(limit.threshold.value, -2) if percent else limit.threshold.value
    of_account = subject_of(scoped) is Subject.ACCOUNT
    if Judged.EQUITY in MEASURES[limit.measure].judged:
        bound = EquityBound(limit.measure, limit.basis, limit.window, value, not percent, scoped)
        level = level_of(bound, standing.account_equity if of_account else standing.equity)
        return None if level is None else Reading(level.now, level.at, level.left)
    state = standing.orders
    sums = state.account if of_account else state.own
    if limit.measure in _UNMEASURED:
        return None
    if limit.measure in _ALLOCATED and percent:
        if state.purse is None:
            return None
        sums = sums._replace(equity=state.purse.equity, balance=state.purse.balance)
    at = value * _of(limit.basis, sums) if percent and limit.measure is not Measure.CORRELATION else value
    measured = _MEASURED.get(limit.measure)
    now = None if measured is None else measured(state, sums, of_account)
    return Reading(now, at, None if now is None else at - now)


def _of(basis: Basis, sums: Sums) -> Decimal:
    return sums.equity if basis is Basis.EQUITY else sums.balance


def _position(state: OrderState, _: Sums, of_account: bool) -> Decimal:
    return state.instrument if of_account else state.position


_ALLOCATED = frozenset({Measure.ALLOCATION, Measure.ALLOCATION_TOTAL})
_UNMEASURED = frozenset({Measure.DEPTH_SHARE, Measure.VOLUME})
_MEASURED: Mapping[Measure, Callable[[OrderState, Sums, bool], Decimal | None]] = {
    Measure.CORRELATION: lambda state, _, __: state.correlation,
    Measure.POSITION: _position,
    Measure.INSTRUMENT: _position,
    Measure.EXPOSURE: lambda _, sums, __: sums.exposure,
    Measure.POSITIONS: lambda _, sums, __: Decimal(sums.positions),
    Measure.ORDERS: lambda _, sums, __: Decimal(sums.orders),
    Measure.ALLOCATION: lambda state, _, __: state.allocation,
    Measure.ALLOCATION_TOTAL: lambda state, _, __: state.allocation_total,
    Measure.OVERLAP: lambda state, _, __: state.overlap,
}
