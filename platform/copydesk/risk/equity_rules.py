"""Holds equity against the limits: which are broken, and how much is left until the others are. Pure and exact.

A screening in floating point may ask first; what this module says decides.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from decimal import Decimal
from typing import NamedTuple

from copydesk.kernel import ZERO
from copydesk.risk.limits import LimitSet, subject_of
from copydesk.risk.measures import EXACT, MEASURES, Judged, Subject
from copydesk.risk.model import Action, Basis, Measure, Scoped, Unit, Window


class Spans(NamedTuple):
    """One number for each window: equity as it was when the window began, or what was realised since then."""

    day: Decimal
    week: Decimal
    month: Decimal
    start: Decimal


class EquityState(NamedTuple):
    """The money of a subscription or an account, in quote currency.

    `balance` leaves unrealised gains out. `opened` is the equity when each window began, money moved in or out since
    then counted as if it had been moved before; `realised` what closed trades earned since, fees taken off, below zero
    for a loss. `peak` is the highest equity so far. `margin_distance` is the smallest of a position (0.05: liquidated
    5 % from here), None where nothing can be liquidated.
    """

    equity: Decimal
    balance: Decimal
    opened: Spans
    realised: Spans
    peak: Decimal
    margin_distance: Decimal | None = None


class EquityBound(NamedTuple):
    """One limit, made ready for judging: `value` is an amount where `money`, else a plain ratio (0.05)."""

    measure: Measure
    basis: Basis
    window: Window
    value: Decimal
    money: bool
    scoped: Scoped


EquityBounds = tuple[EquityBound, ...]


class Level(NamedTuple):
    """Where a limit lies now: it is broken when `now` is below `at` (or above, where it is no `floor`).

    `now` is the equity, what was realised, or a distance as plain ratio: what the limit is about.
    """

    now: Decimal
    at: Decimal
    floor: bool

    @property
    def left(self) -> Decimal:
        """How much is left until the limit is broken; below zero when it is."""
        return EXACT.subtract(self.now, self.at) if self.floor else EXACT.subtract(self.at, self.now)

    @property
    def broken(self) -> bool:
        return self.now < self.at if self.floor else self.now > self.at


class Broken(NamedTuple):
    """A limit that is broken, with the numbers that prove it."""

    scoped: Scoped
    level: Level


_SEVERITY: Mapping[Action, int] = {action: severity for severity, action in enumerate(Action)}


def equity_bounds(limits: LimitSet, subject: Subject, *, currency: str) -> EquityBounds:
    """Make ready what a set says about this subject's equity, which is in `currency`; empty where it says nothing.

    Amounts in another currency are left out.
    """
    return tuple(
        _compiled(scoped)
        for scoped in limits
        if Judged.EQUITY in MEASURES[scoped.limit.measure].judged
        and subject_of(scoped) is subject
        and scoped.limit.threshold.currency in ("", currency)
    )


def broken_limits(bounds: EquityBounds, state: EquityState) -> tuple[Broken, ...]:
    """Return the limits that are broken, the one with the severest action first."""
    found = [
        Broken(bound.scoped, level)
        for bound in bounds
        if (level := level_of(bound, state)) is not None and level.broken
    ]
    return tuple(sorted(found, key=lambda broken: -_SEVERITY[broken.scoped.limit.action]))


def level_of(bound: EquityBound, state: EquityState) -> Level | None:
    """Say where a limit lies now; None for a distance where nothing can be liquidated."""
    return _LEVELS[bound.measure](bound, state)


def _compiled(scoped: Scoped) -> EquityBound:
    limit = scoped.limit
    value = limit.threshold.value
    percent = limit.threshold.unit is Unit.PERCENT
    value = EXACT.scaleb(value, -2) if percent else value
    return EquityBound(limit.measure, limit.basis, limit.window, value, not percent, scoped)


def _of(spans: Spans, window: Window) -> Decimal:
    value: Decimal = getattr(spans, window)
    return value


def _amount(bound: EquityBound, state: EquityState, reference: Decimal) -> Decimal:
    """Return the limit in quote currency; `reference` is the equity that a share of equity is of."""
    if bound.money:
        return bound.value
    return EXACT.multiply(bound.value, state.balance if bound.basis is Basis.BALANCE else reference)


def _loss(bound: EquityBound, state: EquityState) -> Level:
    opened = _of(state.opened, bound.window)
    amount = _amount(bound, state, opened)
    if bound.basis is Basis.REALISED:
        return Level(_of(state.realised, bound.window), EXACT.subtract(ZERO, amount), floor=True)
    return Level(state.equity, EXACT.subtract(opened, amount), floor=True)


def _profit(bound: EquityBound, state: EquityState) -> Level:
    opened = _of(state.opened, bound.window)
    amount = _amount(bound, state, opened)
    if bound.basis is Basis.REALISED:
        return Level(_of(state.realised, bound.window), amount, floor=False)
    return Level(state.equity, EXACT.add(opened, amount), floor=False)


def _drawdown(bound: EquityBound, state: EquityState) -> Level:
    return Level(state.equity, EXACT.subtract(state.peak, _amount(bound, state, state.peak)), floor=True)


def _margin_distance(bound: EquityBound, state: EquityState) -> Level | None:
    return None if state.margin_distance is None else Level(state.margin_distance, bound.value, floor=True)


_LEVELS: Mapping[Measure, Callable[[EquityBound, EquityState], Level | None]] = {
    Measure.LOSS: _loss,
    Measure.PROFIT: _profit,
    Measure.DRAWDOWN: _drawdown,
    Measure.MARGIN_DISTANCE: _margin_distance,
}
