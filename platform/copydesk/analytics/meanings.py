"""What each figure is called, counted in, and computed from: the one home of their meanings. Pure data."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum


class Unit(StrEnum):
    """In what a figure is counted. A ratio is a fraction: 0.12 is 12 %."""

    RATIO = "ratio"
    MONEY = "money"
    DAYS = "days"
    SECONDS = "seconds"
    COUNT = "count"
    TIMES = "times"
    BPS = "bps"
    MS = "ms"


class Group(StrEnum):
    """Where a figure stands on a page."""

    RESULT = "result"
    RISK = "risk"
    TRADING = "trading"
    COPYING = "copying"


class Update(StrEnum):
    """When a figure changes: after a fill and each minute while something is open, after a fill, each UTC midnight,
    or after a copy."""

    MINUTE = "minute"
    FILL = "fill"
    DAY = "day"
    COPY = "copy"


@dataclass(frozen=True, slots=True)
class Meaning:
    """What a figure is. `higher_is_better` is None where neither is; `formula` is plain text for the documentation."""

    name: str
    unit: Unit
    group: Group
    update: Update
    higher_is_better: bool | None
    formula: str


def _meanings() -> dict[str, Meaning]:
    return {row[0]: Meaning(*row) for row in _ROWS}


_RESULT, _RISK, _TRADING, _COPYING = Group
_WINDOW = "index now ÷ index at the UTC midnight at or before {days} days ago − 1"
_ROWS: tuple[tuple[str, Unit, Group, Update, bool | None, str], ...] = (
    *(
        (f"return_{days}", Unit.RATIO, _RESULT, Update.MINUTE, True, _WINDOW.format(days=days))
        for days in (7, 30, 90, 180, 365)
    ),
    ("return_all", Unit.RATIO, _RESULT, Update.MINUTE, True, "index now − 1; the index is 1 at the first point"),
    (
        "money_weighted",
        Unit.RATIO,
        _RESULT,
        Update.MINUTE,
        True,
        "gain ÷ (opening equity + flows by the share of the time each was there); modified Dietz",
    ),
    ("net_result", Unit.MONEY, _RESULT, Update.MINUTE, None, "equity − opening equity − flows"),
    ("own_stake", Unit.MONEY, _RESULT, Update.MINUTE, True, "cash + what is open at its newest known price"),
    ("days", Unit.DAYS, _RESULT, Update.MINUTE, None, "now − first point"),
    ("unexplained", Unit.MONEY, _RESULT, Update.MINUTE, None, "equity told by the exchange − equity computed"),
    ("drawdown_now", Unit.RATIO, _RISK, Update.MINUTE, False, "1 − index ÷ highest index so far"),
    ("drawdown_max", Unit.RATIO, _RISK, Update.MINUTE, False, "the deepest of 1 − index ÷ highest index so far"),
    ("under_water_days", Unit.DAYS, _RISK, Update.MINUTE, False, "time since the highest index, while below it"),
    ("under_water_days_max", Unit.DAYS, _RISK, Update.MINUTE, False, "longest time from a highest index to the next"),
    ("risk", Unit.COUNT, _RISK, Update.DAY, False, "1 … 10, the worse of two scales: volatility, maximum drawdown"),
    ("volatility", Unit.RATIO, _RISK, Update.DAY, False, "sample standard deviation of daily returns × √365"),
    ("sharpe", Unit.TIMES, _RISK, Update.DAY, True, "mean ÷ sample standard deviation of daily returns × √365"),
    ("sortino", Unit.TIMES, _RISK, Update.DAY, True, "mean of daily returns ÷ √(mean of min(return, 0)²) × √365"),
    ("calmar", Unit.TIMES, _RISK, Update.DAY, True, "annual return ÷ maximum drawdown, both of daily closes"),
    ("leverage_now", Unit.TIMES, _RISK, Update.MINUTE, None, "exposure ÷ equity now"),
    ("leverage_max", Unit.TIMES, _RISK, Update.MINUTE, False, "highest exposure ÷ equity, after each fill and minute"),
    ("leverage_mean", Unit.TIMES, _RISK, Update.MINUTE, None, "mean of exposure ÷ equity over the time in the market"),
    ("exposure_now", Unit.MONEY, _RISK, Update.MINUTE, None, "Σ quantity × price of what is open, shorts as longs"),
    (
        "exposure_max",
        Unit.MONEY,
        _RISK,
        Update.MINUTE,
        None,
        "highest Σ quantity × price, shorts as longs, after each fill and minute",
    ),
    ("floating", Unit.MONEY, _RISK, Update.MINUTE, None, "Σ quantity × (price − average entry price) of what is open"),
    ("concentration", Unit.RATIO, _RISK, Update.FILL, None, "turnover of the most traded instrument ÷ turnover"),
    ("time_in_market", Unit.RATIO, _RISK, Update.MINUTE, None, "time with something open ÷ time since the first point"),
    ("closed", Unit.COUNT, _TRADING, Update.FILL, None, "positions that came back to nothing"),
    ("open", Unit.COUNT, _TRADING, Update.FILL, None, "instruments held now"),
    ("win_ratio", Unit.RATIO, _TRADING, Update.FILL, None, "closed with a profit ÷ closed"),
    ("win_mean", Unit.MONEY, _TRADING, Update.FILL, None, "mean result of those closed with a profit"),
    ("loss_mean", Unit.MONEY, _TRADING, Update.FILL, None, "mean result of those closed with a loss"),
    ("profit_factor", Unit.TIMES, _TRADING, Update.FILL, True, "Σ profits ÷ Σ losses of closed positions"),
    ("expectancy", Unit.MONEY, _TRADING, Update.FILL, None, "mean result of closed positions"),
    ("held_s_mean", Unit.SECONDS, _TRADING, Update.FILL, None, "mean of end − begin of closed positions"),
    ("trades_a_day", Unit.TIMES, _TRADING, Update.MINUTE, None, "closed ÷ days"),
    ("turnover", Unit.MONEY, _TRADING, Update.FILL, None, "Σ quantity × price of all fills, sales as purchases"),
    ("costs", Unit.MONEY, _TRADING, Update.FILL, None, "fees and funding paid − received"),
    ("followers", Unit.COUNT, _COPYING, Update.COPY, None, "subscriptions with a money-weighted return"),
    ("follower_return", Unit.RATIO, _COPYING, Update.COPY, True, "median of followers' money-weighted returns"),
    ("follower_return_low", Unit.RATIO, _COPYING, Update.COPY, True, "first quartile of followers' returns"),
    ("follower_return_high", Unit.RATIO, _COPYING, Update.COPY, True, "third quartile of followers' returns"),
    ("followers_in_profit", Unit.RATIO, _COPYING, Update.COPY, True, "followers with a return above 0 ÷ followers"),
    (
        "tracking_difference",
        Unit.RATIO,
        _COPYING,
        Update.COPY,
        True,
        "median of (follower's return − strategy's over the same time), both time-weighted",
    ),
    ("copy_success", Unit.RATIO, _COPYING, Update.COPY, True, "copies done ÷ copies due"),
    (
        "slippage_bps",
        Unit.BPS,
        _COPYING,
        Update.COPY,
        False,
        "median of (copy's price − trader's) ÷ trader's, if worse +",
    ),
    ("latency_ms", Unit.MS, _COPYING, Update.COPY, False, "median of exchange's answer to the copy − trader's fill"),
)
FIGURES: Mapping[str, Meaning] = _meanings()
