"""Short judgments of a record: whether it may be judged at all, how risky it was, and in what style it was traded."""

from __future__ import annotations

from bisect import bisect_right
from enum import StrEnum

# No headline figure before as many days and closed positions.
DAYS_MIN, CLOSED_MIN = 30, 20
# What fewer followers earned is told to nobody: it would say more about them than about the strategy.
FOLLOWERS_MIN = 5
_MINUTE_S, _DAY_S = 60, 86_400
# From each of these on the risk score is one higher: yearly volatility, and the deepest fall so far.
_VOLATILITY = (0.1, 0.2, 0.3, 0.45, 0.6, 0.8, 1.0, 1.4, 2.0)
_DRAWDOWN = (0.03, 0.06, 0.1, 0.15, 0.2, 0.3, 0.4, 0.5, 0.7)


class Style(StrEnum):
    """How long positions are held on average."""

    SCALPING = "scalping"
    DAY = "day"
    SWING = "swing"
    POSITION = "position"


# Each style up to an average holding time.
_STYLES = ((30 * _MINUTE_S, Style.SCALPING), (_DAY_S, Style.DAY), (14 * _DAY_S, Style.SWING))


def too_early(record_days: float, closed: int) -> bool:
    """Tell whether a record is too short to be judged by."""
    return record_days < DAYS_MIN or closed < CLOSED_MIN


def risk_score(volatility: float | None, drawdown_max: float | None) -> int | None:
    """Return 1 (calm) to 10 (wild): the worse of what volatility and the deepest fall say; None if neither is known."""
    told = [(_VOLATILITY, volatility), (_DRAWDOWN, drawdown_max)]
    scores = [1 + bisect_right(bounds, figure) for bounds, figure in told if figure is not None]
    return max(scores, default=None)


def style_of(held_s_mean: float | None) -> Style | None:
    """Name the style by the average holding time; None while nothing was closed."""
    if held_s_mean is None:
        return None
    return next((style for below_s, style in _STYLES if held_s_mean < below_s), Style.POSITION)
