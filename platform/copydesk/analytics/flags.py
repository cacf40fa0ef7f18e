"""Ways of trading that end badly more often than their curve shows: named, with the figures that showed them. Pure.

A flag is a remark beside the figures, never a judgment of the trader. Each rule has one threshold or two, all in
`Bounds`; what is missing raises no flag.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import StrEnum

import numpy as np

from copydesk.analytics.record import Record
from copydesk.analytics.trips import Habits, Trips


class Flag(StrEnum):
    """What a strategy's card says in plain words."""

    MARTINGALE = "martingale"
    NO_STOP = "no_stop"
    WINS_TOO_GOOD = "wins_too_good"
    SIZE_OUTLIER = "size_outlier"
    LEVERAGE_JUMP = "leverage_jump"
    HIDDEN_LOSS = "hidden_loss"
    ONE_INSTRUMENT = "one_instrument"
    RESET = "reset"


@dataclass(frozen=True, slots=True)
class Conduct:
    """What the rules look at. `floating` is the profit or loss of what is open, in the currency of `equity`.

    `stops` says of what share of positions a stop order was seen at the exchange; None where it is not known.
    `leverage_now` and `leverage_before` are the highest of the last week and of all time before it. `restarts` counts
    earlier strategies of the same trader that were closed, liquidated or begun anew.
    """

    record: Record
    trips: Trips
    habits: Habits
    floating: float = 0.0
    stops: float | None = None
    leverage_now: float | None = None
    leverage_before: float | None = None
    restarts: int = 0


@dataclass(frozen=True, slots=True)
class Bounds:
    """From where on a rule speaks. Ratios are fractions."""

    closed_min: int = 5
    martingale_share: float = 0.1
    martingale_size_up: float = 1.5
    stop_share: float = 0.5
    stop_loss_ratio: float = 0.1
    win_ratio: float = 0.85
    loss_over_win: float = 3.0
    size_over_median: float = 5.0
    leverage_over: float = 2.0
    hidden_ratio: float = 0.05
    one_share: float = 0.8


BOUNDS = Bounds()
Shown = Mapping[str, float]
_Rule = Callable[[Conduct, Bounds], Shown | None]


def flags_of(conduct: Conduct, bounds: Bounds = BOUNDS) -> dict[Flag, Shown]:
    """Return what is to be remarked, each with the figures that showed it, by their names in the sentence."""
    found = {flag: rule(conduct, bounds) for flag, rule in _RULES.items()}
    return {flag: shown for flag, shown in found.items() if shown is not None}


def _martingale(conduct: Conduct, bounds: Bounds) -> Shown | None:
    """Losing positions were added to, with more than what they began with."""
    trips = conduct.trips
    grown = (trips.adds_losing > 0) & (trips.size_up >= bounds.martingale_size_up)
    share = float(grown.mean()) if len(trips) else 0.0
    enough = len(trips) >= bounds.closed_min and share >= bounds.martingale_share
    return {"share": share, "size_up": float(trips.size_up.max())} if enough else None


def _no_stop(conduct: Conduct, bounds: Bounds) -> Shown | None:
    """Few positions had a stop, and one loss cost a large part of the account."""
    trips, record = conduct.trips, conduct.record
    if conduct.stops is None or conduct.stops >= bounds.stop_share or not len(record.at_s) or not len(trips):
        return None
    held = record.equity[np.clip(np.searchsorted(record.at_s, trips.opened_ms // 1000, "right") - 1, 0, None)]
    worst = float(np.max(np.divide(-trips.net, held, out=np.zeros(len(trips)), where=held > 0)))
    return {"stops": conduct.stops, "loss": worst} if worst >= bounds.stop_loss_ratio else None


def _wins_too_good(conduct: Conduct, bounds: Bounds) -> Shown | None:
    """Nearly all positions win, and the few that lose cost several wins each."""
    habits = conduct.habits
    if habits.closed < bounds.closed_min or habits.win_ratio is None or habits.win_ratio < bounds.win_ratio:
        return None
    if not habits.loss_mean or not habits.win_mean or -habits.loss_mean < habits.win_mean * bounds.loss_over_win:
        return None
    return {"wins": habits.win_ratio, "times": -habits.loss_mean / habits.win_mean}


def _size_outlier(conduct: Conduct, bounds: Bounds) -> Shown | None:
    """One position was many times as large as usual."""
    sizes = conduct.trips.turnover
    if len(sizes) < bounds.closed_min:
        return None
    times = float(sizes.max() / np.median(sizes))
    return {"times": times} if times >= bounds.size_over_median else None


def _leverage_jump(conduct: Conduct, bounds: Bounds) -> Shown | None:
    """The leverage of the last week is a multiple of what it ever was."""
    now, before = conduct.leverage_now, conduct.leverage_before
    jumped = now is not None and before is not None and 0 < before * bounds.leverage_over <= now
    return {"now": now, "before": before} if jumped and now is not None and before is not None else None


def _hidden_loss(conduct: Conduct, bounds: Bounds) -> Shown | None:
    """Open positions lose a noticeable part of the account, and more than the closed ones ever lost at once."""
    equity = float(conduct.record.equity[-1]) if len(conduct.record.equity) else 0.0
    share = -conduct.floating / equity if equity > 0 else 0.0
    closed = -float(conduct.trips.net.min()) if len(conduct.trips) else 0.0
    return {"share": share} if share >= bounds.hidden_ratio and -conduct.floating > closed else None


def _one_instrument(conduct: Conduct, bounds: Bounds) -> Shown | None:
    """Nearly all turnover is in one instrument."""
    share = conduct.habits.concentration
    enough = share is not None and share >= bounds.one_share and conduct.habits.closed >= bounds.closed_min
    return {"share": share} if enough and share is not None else None


def _reset(conduct: Conduct, _bounds: Bounds) -> Shown | None:
    """All was lost once, or the trader began anew with another strategy."""
    lost = bool(len(conduct.record.index)) and float(conduct.record.index.min()) <= 0
    return {"restarts": float(conduct.restarts + lost)} if lost or conduct.restarts else None


_RULES: Mapping[Flag, _Rule] = {
    Flag.MARTINGALE: _martingale,
    Flag.NO_STOP: _no_stop,
    Flag.WINS_TOO_GOOD: _wins_too_good,
    Flag.SIZE_OUTLIER: _size_outlier,
    Flag.LEVERAGE_JUMP: _leverage_jump,
    Flag.HIDDEN_LOSS: _hidden_loss,
    Flag.ONE_INSTRUMENT: _one_instrument,
    Flag.RESET: _reset,
}
