"""The guard of a strategy: how far its equity has fallen, and whether that suspends it. Pure.

What a trader pays in or takes out is no profit and no loss. So percentages are told of the **unit value**, which is one
at the first point and changes by what the equity changed apart from payments; amounts are of the equity less all that
was paid in since. A suspended strategy stays suspended: only a person lets it go on.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime, time, timedelta
from decimal import Context, Decimal, localcontext
from enum import StrEnum
from typing import NamedTuple
from zoneinfo import ZoneInfo

from copydesk.kernel import ZERO, InvalidInput
from copydesk.risk.model import Action, Basis, Limit, Measure, Unit, Window

_ONE = Decimal(1)
_HUNDRED = Decimal(100)
# A unit value is a product of as many ratios as there are points: what each rounds off must not add up to anything.
_PRECISE = Context(prec=50)


class GuardState(StrEnum):
    OK = "ok"
    WARNED = "warned"
    SUSPENDED = "suspended"


# Nothing follows a suspension by itself.
NEXT: Mapping[GuardState, frozenset[GuardState]] = {
    GuardState.OK: frozenset({GuardState.WARNED, GuardState.SUSPENDED}),
    GuardState.WARNED: frozenset({GuardState.OK, GuardState.SUSPENDED}),
    GuardState.SUSPENDED: frozenset(),
}


class EquityPoint(NamedTuple):
    """A leader's equity in quote currency at an aware time, after `flow` was paid in (below zero: taken out).

    A flow is what was paid since the point before; that of the first point counts for nothing.
    """

    at: datetime
    equity: Decimal
    flow: Decimal = ZERO


class Worth(NamedTuple):
    """A point without payments: `unit` is the unit value, `earned` the equity less everything paid in."""

    at: datetime
    unit: Decimal
    earned: Decimal


class Finding(NamedTuple):
    """One limit and where the strategy stands to it: `value` is in the threshold's unit, zero where nothing fell."""

    limit: Limit
    value: Decimal
    broken: bool


class Verdict(NamedTuple):
    """`state` is what the strategy's is to be now; `findings` has one for each limit, in their order."""

    state: GuardState
    findings: tuple[Finding, ...] = ()

    @property
    def broken(self) -> tuple[Finding, ...]:
        return tuple(finding for finding in self.findings if finding.broken)


def judge(
    points: Iterable[EquityPoint],
    limits: Sequence[Limit],
    *,
    now: datetime,
    zone: ZoneInfo,
    currency: str = "USDT",
    state: GuardState = GuardState.OK,
) -> Verdict:
    """Judge a strategy by its equity. Days, weeks and months are those of `zone`; points after `now` are not seen.

    A limit that warns leads to `warned`, any other to `suspended`. Points may come in any order, and are in `currency`.
    Raises InvalidInput for a limit that is not told by equity, or in another currency.
    """
    worths = worths_of(point for point in points if point.at <= now)
    return judge_worths(worths, limits, now=now, zone=zone, currency=currency, state=state)


def judge_worths(
    worths: Sequence[Worth],
    limits: Sequence[Limit],
    *,
    now: datetime,
    zone: ZoneInfo,
    currency: str = "USDT",
    state: GuardState = GuardState.OK,
) -> Verdict:
    """Judge as `judge` does, by points without payments in the order of time: by all, or by those that `Track` keeps.

    Raises InvalidInput for a limit that is not told by equity, or in another currency.
    """
    for limit in limits:
        _refuse_unless_told_by_equity(limit, currency)
    findings = tuple(_find(limit, worths, now, zone) for limit in limits)
    wanted = max((_STATE_AT[finding.limit.action] for finding in findings if finding.broken), key=_rank, default=_OK)
    return Verdict(wanted if wanted in NEXT[state] else state, findings)


def worths_of(points: Iterable[EquityPoint]) -> tuple[Worth, ...]:
    """Take the payments out of equity points, in the order of time.

    An account that is emptied by payments keeps its unit value; one that lost everything has none, and never gets one.
    """
    worths: list[Worth] = []
    before = ZERO
    for point in sorted(points, key=lambda each: each.at):
        worths.append(next_worth(worths[-1], before, point) if worths else Worth(point.at, _ONE, point.equity))
        before = point.equity
    return tuple(worths)


def next_worth(before: Worth, equity_before: Decimal, point: EquityPoint) -> Worth:
    """Return what the point after another one is worth without payments."""
    with localcontext(_PRECISE):
        unit = before.unit
        if equity_before > 0:
            unit *= max(point.equity - point.flow, ZERO) / equity_before
        return Worth(point.at, unit, before.earned + point.equity - equity_before - point.flow)


def window_start(window: Window, now: datetime, zone: ZoneInfo) -> datetime | None:
    """Return when a day, week (from Monday) or month of `zone` began; None for windows without a beginning."""
    local = now.astimezone(zone)
    days_back = _DAYS_BACK.get(window)
    if days_back is None:
        return None
    return datetime.combine(local.date() - timedelta(days=days_back(local)), time(), tzinfo=zone)


_OK = GuardState.OK
_STATE_AT = dict.fromkeys(Action, GuardState.SUSPENDED) | {Action.WARN: GuardState.WARNED}
_rank = tuple(GuardState).index
_DAYS_BACK: Mapping[Window, Callable[[datetime], int]] = {
    Window.DAY: lambda _: 0,
    Window.WEEK: lambda local: local.weekday(),
    Window.MONTH: lambda local: local.day - 1,
}


def _refuse_unless_told_by_equity(limit: Limit, currency: str) -> None:
    if limit.measure not in (Measure.LOSS, Measure.DRAWDOWN):
        raise InvalidInput(f"A strategy is judged by loss and drawdown, not by {limit.measure}.", code="limit_measure")
    if limit.basis is not Basis.EQUITY or limit.threshold.unit not in (Unit.PERCENT, Unit.MONEY):
        found = f"{limit.threshold.unit} of {limit.basis}"
        raise InvalidInput(f"A strategy's {limit.measure} is of equity, not {found}.", code="limit_basis")
    if limit.threshold.currency not in ("", currency):
        found = limit.threshold.currency
        raise InvalidInput(f"This strategy's equity is in {currency}, not {found}.", code="limit_currency_foreign")


def _find(limit: Limit, worths: Sequence[Worth], now: datetime, zone: ZoneInfo) -> Finding:
    if not worths:
        return Finding(limit, ZERO, broken=False)
    fallen = _percent_fallen if limit.threshold.unit is Unit.PERCENT else _money_fallen
    seen = worths if limit.measure is Measure.DRAWDOWN else worths[_baseline(worths, limit.window, now, zone) :]
    value = fallen(seen, peak=limit.measure is Measure.DRAWDOWN)
    return Finding(limit, value, broken=value > limit.threshold.value)


def _baseline(worths: Sequence[Worth], window: Window, now: datetime, zone: ZoneInfo) -> int:
    """Find the last point at or before the beginning of a window; the first one where the strategy is younger."""
    start = window_start(window, now, zone)
    if start is None:
        return 0
    return max(sum(worth.at <= start for worth in worths) - 1, 0)


def _percent_fallen(worths: Sequence[Worth], *, peak: bool) -> Decimal:
    since = max(worth.unit for worth in worths) if peak else worths[0].unit
    if since <= 0:
        return ZERO
    return max((since - worths[-1].unit) / since * _HUNDRED, ZERO)


def _money_fallen(worths: Sequence[Worth], *, peak: bool) -> Decimal:
    since = max(worth.earned for worth in worths) if peak else worths[0].earned
    return max(since - worths[-1].earned, ZERO)
