"""Holds a follower's equity against its limits while time goes by, as the risk monitor does with real ones. Pure."""

from __future__ import annotations

import math
from collections.abc import Iterator
from datetime import datetime
from decimal import Decimal
from typing import NamedTuple

import numpy as np

from copydesk.replication.limited import told_facts
from copydesk.replication.model import No
from copydesk.risk.equity_rules import EquityState, Spans, broken_limits, equity_bounds, level_of
from copydesk.risk.limits import LimitSet
from copydesk.risk.measures import Subject
from copydesk.risk.model import Basis, Scoped
from copydesk.risk.order_rules import DENIALS
from copydesk.risk.replay import Deed
from copydesk.risk.stops import EVENT_OF, OPENS_ALLOWED, Stop, StopEvent, after
from copydesk.trading import Denial
from copydesk.whatif.books import Stock
from copydesk.whatif.course import Course
from copydesk.whatif.model import CopyTerms, Floats
from copydesk.whatif.prices import exact
from copydesk.whatif.result import LimitAct

_DEEDS = {StopEvent.WARN: Deed.WARNED, StopEvent.BLOCK: Deed.BLOCKED, StopEvent.FIRE: Deed.FIRED}

_OF_TRADES = frozenset({Basis.BALANCE, Basis.REALISED})


class Band(NamedTuple):
    """Between which equities nothing can break, as long as no day begins and the highest equity stays what it is."""

    low: float
    high: float

    def holds(self, low: float, high: float) -> bool:
        """Tell whether nothing between two equities can break."""
        return self.low <= low and high <= self.high


# Nothing lies within it.
_NOWHERE = Band(math.inf, -math.inf)


class Watch:
    """The limits on equity, and what they have done so far."""

    def __init__(self, terms: CopyTerms, limits: LimitSet, course: Course) -> None:
        self._prices = course.prices
        self._days = course.days
        self._ahead = tuple(
            bound for subject in Subject for bound in equity_bounds(limits, subject, currency=terms.currency)
        )
        self._stop = Stop()
        self._peak = terms.allocation
        self._opened = self._balances = Spans(*[terms.allocation] * len(Spans._fields))
        self._band = _NOWHERE
        self._no: No | None = None
        self._blocked_by: Scoped | None = None
        self.acts: list[LimitAct] = []

    @property
    def refusal(self) -> No | None:
        """Say why nothing is opened any more, None while anything may be."""
        if self._no is None and self._stop.state not in OPENS_ALLOWED and self._blocked_by is not None:
            self._no = DENIALS[self._blocked_by.limit.measure], told_facts(self._blocked_by)
        return self._no

    def ruin(self) -> None:
        """Note that nothing is left of the account."""
        self._no = Denial.SUBSCRIPTION_LIQUIDATED, {}

    def fires(self, first: int, end: int, stock: Stock) -> int | None:
        """Follow what is held from one moment to before another; return that at which a limit closes all, if any."""
        if not self._ahead or self._is_quiet(first, end, stock):
            return None
        for begins, ends in self._days.pieces(first, end):
            self._begin_windows(begins, stock)
            if (fired := self._piece(begins, ends, stock)) is not None:
                return fired
        return None

    def _is_quiet(self, first: int, end: int, stock: Stock) -> bool:
        """Tell whether a stretch changes nothing: no day begins in it, and no limit is near."""
        low, high = stock.bounds(self._prices, first, end)
        return self._band.holds(low, high) and not self._days.begins_within(first, end)

    def _begin_windows(self, first: int, stock: Stock) -> None:
        """Note what there is where a day, a week or a month begins."""
        begun = self._days.begun(first)
        if begun:
            self._band = _NOWHERE
            equity = exact(stock.at(self._prices, first))
            self._opened = self._opened._replace(**dict.fromkeys(begun, equity))
            self._balances = self._balances._replace(**dict.fromkeys(begun, stock.balance))

    def _piece(self, first: int, end: int, stock: Stock) -> int | None:
        """Judge a stretch within one day: by its bounds, then its extremes, and only then moment by moment."""
        low, high = stock.bounds(self._prices, first, end)
        if self._band.holds(low, high):
            return None
        equity: Floats | None = None
        if len(stock.lots) > 1:
            equity = stock.line(self._prices, first, end)
            low, high = float(equity.min()), float(equity.max())
        peak = max(self._peak, exact(high))
        band = self._quiet(peak, stock.balance)
        least, most = exact(low), exact(high)
        if band.holds(low, high) or not any(self._broken(now, peak, stock.balance) for now in (least, most)):
            self._peak, self._band = peak, band
            return None
        self._band = _NOWHERE
        return self._moment_by_moment(first, stock.line(self._prices, first, end) if equity is None else equity, stock)

    def _moment_by_moment(self, first: int, equity: Floats, stock: Stock) -> int | None:
        """Judge a stretch in which something breaks, and do what is to be done."""
        highest = max(self._peak, exact(equity.max()))
        for place in _extremes(equity, float(self._peak)):
            now = exact(equity[place])
            self._peak = max(self._peak, now)
            for scoped in self._broken(now, self._peak, stock.balance):
                self._ahead = tuple(bound for bound in self._ahead if bound.scoped is not scoped)
                if self._act(self._prices.at(first + place), scoped):
                    return first + place
        self._peak = highest
        return None

    def _quiet(self, peak: Decimal, balance: Decimal) -> Band:
        """Return where nothing breaks; nowhere where that hangs on what was realized, which every trade changes."""
        if any(bound.basis in _OF_TRADES for bound in self._ahead):
            return _NOWHERE
        state = EquityState(peak, balance, self._opened, self._opened, peak)
        levels = [level for bound in self._ahead if (level := level_of(bound, state)) is not None]
        low = max((float(level.at) for level in levels if level.floor), default=-math.inf)
        high = min((float(level.at) for level in levels if not level.floor), default=math.inf)
        # A float is not exact: what is as near as that is looked at.
        near = float(peak) * 1e-9
        return Band(low + near, min(high - near, float(peak)))

    def _broken(self, equity: Decimal, peak: Decimal, balance: Decimal) -> list[Scoped]:
        """Return the limits that are broken, the mildest first."""
        realized = Spans(*(balance - before for before in self._balances))
        state = EquityState(equity, balance, self._opened, realized, peak)
        return [broken.scoped for broken in reversed(broken_limits(self._ahead, state))]

    def _act(self, at: datetime, scoped: Scoped) -> bool:
        """Do what a broken limit does; tell whether it closes everything."""
        happening = EVENT_OF[scoped.limit.action]
        following = after(self._stop, happening)
        if following is None:
            return False
        self._stop = following
        self.acts.append(LimitAct(at, _DEEDS[happening], scoped))
        if happening is not StopEvent.WARN:
            self._blocked_by, self._no = scoped, None
        return happening is StopEvent.FIRE


def _extremes(equity: Floats, peak: float) -> Iterator[int]:
    """Return the places at which equity was lower, higher or further below its peak than ever before in a stretch.

    A limit can only break first at one of these.
    """
    peaks = np.maximum(np.maximum.accumulate(equity), peak)
    fall = peaks - equity
    new = np.zeros(len(equity), dtype=bool)
    new[0] = True
    for series in (fall, equity, -equity, fall / np.maximum(peaks, 1e-12)):
        most = np.maximum.accumulate(series)
        new[1:] |= series[1:] > most[:-1]
    return iter(np.flatnonzero(new).tolist())
