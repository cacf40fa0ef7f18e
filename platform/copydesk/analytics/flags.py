"""Ways of trading that end badly more often than their curve shows: named, with the figures that showed them. Pure.

A flag is a remark beside the figures, never a judgment of the trader. Each rule has one threshold or two, all in
`Bounds`; what is missing raises no flag.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import StrEnum


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
    """What the rules look at; money in quote currency, ratios as fractions.

    `grown` counts closed positions that were added to while losing by half as much again as their first fill or more,
    `size_up` is the largest such addition in first fills. `loss_worst` is the largest loss as a share of the account,
    `net_min` the same in money, `size_times` the largest of the last positions over their median. `floating` is the
    profit or loss of what is open. `leverage_now` and `leverage_before` are the highest of the last week and of all
    time before it; `lost` tells that all was lost once.

    `stops` says of what share of positions a stop order was seen at the exchange; None where it is not known.
    `restarts` counts earlier strategies of the same trader that were closed, liquidated or begun anew.
    """

    closed: int = 0
    grown: int = 0
    size_up: float = 0.0
    loss_worst: float = 0.0
    net_min: float = 0.0
    win_ratio: float | None = None
    win_mean: float | None = None
    loss_mean: float | None = None
    size_times: float | None = None
    leverage_now: float | None = None
    leverage_before: float | None = None
    equity: float = 0.0
    floating: float = 0.0
    concentration: float | None = None
    lost: bool = False
    stops: float | None = None
    restarts: int = 0


@dataclass(frozen=True, slots=True)
class Bounds:
    """From where on a rule speaks. Ratios are fractions."""

    closed_min: int = 5
    martingale_share: float = 0.1
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
    share = conduct.grown / conduct.closed if conduct.closed else 0.0
    enough = conduct.closed >= bounds.closed_min and share >= bounds.martingale_share
    return {"share": share, "size_up": conduct.size_up} if enough else None


def _no_stop(conduct: Conduct, bounds: Bounds) -> Shown | None:
    """Few positions had a stop, and one loss cost a large part of the account."""
    if conduct.stops is None or conduct.stops >= bounds.stop_share:
        return None
    worst = conduct.loss_worst
    return {"stops": conduct.stops, "loss": worst} if worst >= bounds.stop_loss_ratio else None


def _wins_too_good(conduct: Conduct, bounds: Bounds) -> Shown | None:
    """Nearly all positions win, and the few that lose cost several wins each."""
    if conduct.closed < bounds.closed_min or conduct.win_ratio is None or conduct.win_ratio < bounds.win_ratio:
        return None
    if not conduct.loss_mean or not conduct.win_mean or -conduct.loss_mean < conduct.win_mean * bounds.loss_over_win:
        return None
    return {"wins": conduct.win_ratio, "times": -conduct.loss_mean / conduct.win_mean}


def _size_outlier(conduct: Conduct, bounds: Bounds) -> Shown | None:
    """One of the last positions was many times as large as usual."""
    times = conduct.size_times
    enough = times is not None and times >= bounds.size_over_median and conduct.closed >= bounds.closed_min
    return {"times": times} if enough and times is not None else None


def _leverage_jump(conduct: Conduct, bounds: Bounds) -> Shown | None:
    """The leverage of the last week is a multiple of what it ever was."""
    now, before = conduct.leverage_now, conduct.leverage_before
    if now is None or before is None or not 0 < before * bounds.leverage_over <= now:
        return None
    return {"now": now, "before": before}


def _hidden_loss(conduct: Conduct, bounds: Bounds) -> Shown | None:
    """Open positions lose a noticeable part of the account, and more than the closed ones ever lost at once."""
    share = -conduct.floating / conduct.equity if conduct.equity > 0 else 0.0
    return {"share": share} if share >= bounds.hidden_ratio and conduct.floating < conduct.net_min else None


def _one_instrument(conduct: Conduct, bounds: Bounds) -> Shown | None:
    """Nearly all turnover is in one instrument."""
    share = conduct.concentration
    if share is None or share < bounds.one_share or conduct.closed < bounds.closed_min:
        return None
    return {"share": share}


def _reset(conduct: Conduct, _bounds: Bounds) -> Shown | None:
    """All was lost once, or the trader began anew with another strategy."""
    times = conduct.restarts + conduct.lost
    return {"restarts": float(times)} if times else None


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
