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
from copydesk.whatif.days import Days
from copydesk.whatif.model import CopyTerms, Floats
from copydesk.whatif.prices import Prices, exact
from copydesk.whatif.result import LimitAct

_DEEDS = {StopEvent.WARN: Deed.WARNED, StopEvent.BLOCK: Deed.BLOCKED, StopEvent.FIRE: Deed.FIRED}

_OF_TRADES = frozenset({Basis.BALANCE, Basis.REALISED})


class Seen(NamedTuple):
    """One stretch of time in which nothing was traded: its first moment, and the equity at each."""

    first: int
    equity: Floats
    balance: Decimal


class Band(NamedTuple):
    """Between which equities nothing can break, as long as no day begins and the highest equity stays what it is."""

    low: float
    high: float


class Watch:
    """The limits on equity, and what they have done so far. `fired_at` moments of the grid end a stretch early."""

    def __init__(self, terms: CopyTerms, limits: LimitSet, prices: Prices, days: Days) -> None:
        self._prices = prices
        self._days = days
        self._ahead = tuple(
            bound for subject in Subject for bound in equity_bounds(limits, subject, currency=terms.currency)
        )
        self._stop = Stop()
        self._peak = terms.allocation
        self._opened = self._balances = Spans(*[terms.allocation] * len(Spans._fields))
        self._band: Band | None = None
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

    def fires(self, seen: Seen) -> int | None:
        """Go through a stretch and return the moment at which a limit closes everything; None where none does."""
        if not self._ahead:
            return None
        for first, end in self._days.pieces(seen.first, seen.first + len(seen.equity)):
            self._begin_windows(first, seen)
            if (
                fired := self._piece(first, seen.equity[first - seen.first : end - seen.first], seen.balance)
            ) is not None:
                return fired
        return None

    def _begin_windows(self, first: int, seen: Seen) -> None:
        """Note what there is where a day, a week or a month begins."""
        begun = self._days.begun(first)
        if begun:
            self._band = None
            equity = exact(seen.equity[first - seen.first])
            self._opened = self._opened._replace(**dict.fromkeys(begun, equity))
            self._balances = self._balances._replace(**dict.fromkeys(begun, seen.balance))

    def _piece(self, first: int, equity: Floats, balance: Decimal) -> int | None:
        """Judge a stretch within one day: at its extremes first, and moment by moment only where they break a limit."""
        least, most = float(equity.min()), float(equity.max())
        if self._band is not None and self._band.low <= least and most <= self._band.high:
            return None
        low, high = exact(least), exact(most)
        peak = max(self._peak, high)
        if not (self._broken(low, peak, balance) or self._broken(high, peak, balance)):
            self._peak = peak
            self._band = self._quiet(balance)
            return None
        self._band = None
        for place in _extremes(equity, float(self._peak)):
            now = exact(equity[place])
            self._peak = max(self._peak, now)
            for scoped in self._broken(now, self._peak, balance):
                self._ahead = tuple(bound for bound in self._ahead if bound.scoped is not scoped)
                if self._act(self._prices.at(first + place), scoped):
                    return first + place
        self._peak = peak
        return None

    def _quiet(self, balance: Decimal) -> Band | None:
        """Return where nothing breaks; None where that hangs on what was realized, which every trade changes."""
        if any(bound.basis in _OF_TRADES for bound in self._ahead):
            return None
        state = EquityState(self._peak, balance, self._opened, self._opened, self._peak)
        levels = [level for bound in self._ahead if (level := level_of(bound, state)) is not None]
        low = max((float(level.at) for level in levels if level.floor), default=-math.inf)
        high = min((float(level.at) for level in levels if not level.floor), default=math.inf)
        # A float is not exact: what is as near as that is looked at.
        near = float(self._peak) * 1e-9
        return Band(low + near, min(high - near, float(self._peak)))

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
