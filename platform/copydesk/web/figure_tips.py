"""The names of figures, how each is counted, and why one may be missing. Formulas: docs, algorithms/metrics.md."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

from flask_babel import lazy_gettext  # type: ignore[import-untyped]
from flask_babel.speaklater import LazyString  # type: ignore[import-untyped]

from copydesk.analytics import Update


class Words(NamedTuple):
    """What a figure is called, how it is counted over which time, and when it cannot be told."""

    name: LazyString
    tip: LazyString
    missing: LazyString


_RETURN = lazy_gettext(
    "Growth of the account in this time, after fees and with what is open at its price now. Deposits and withdrawals "
    "change nothing: growth is counted from each to the next and multiplied (time-weighted)."
)
_SHORTER = lazy_gettext("The record is shorter than that.")
_NO_RECORD = lazy_gettext("There is no record yet.")
_TWO_DAYS = lazy_gettext("Told after two whole days of record.")
_NONE_CLOSED = lazy_gettext("No position was closed yet.")
_NO_LOSS = lazy_gettext("No position was closed with a loss yet.")
_NO_GAIN = lazy_gettext("No position was closed with a profit yet.")
_NO_TRADE = lazy_gettext("Nothing was traded yet.")
_NO_FOLLOWERS = lazy_gettext("Nobody copied long enough yet.")
_NO_COPIES = lazy_gettext("Nothing was copied yet.")

WORDS: Mapping[str, Words] = {
    "return_7": Words(lazy_gettext("Return, 7 days"), _RETURN, _SHORTER),
    "return_30": Words(lazy_gettext("Return, 30 days"), _RETURN, _SHORTER),
    "return_90": Words(lazy_gettext("Return, 90 days"), _RETURN, _SHORTER),
    "return_180": Words(lazy_gettext("Return, 180 days"), _RETURN, _SHORTER),
    "return_365": Words(lazy_gettext("Return, 365 days"), _RETURN, _SHORTER),
    "return_all": Words(lazy_gettext("Return, whole record"), _RETURN, _NO_RECORD),
    "drawdown_max": Words(
        lazy_gettext("Max drawdown"),
        lazy_gettext(
            "The deepest fall from a highest point before it, over the whole record. Open losses count, minute by "
            "minute."
        ),
        _NO_RECORD,
    ),
    "drawdown_now": Words(
        lazy_gettext("Drawdown now"),
        lazy_gettext("How far the account stands below its highest point so far. Open losses count."),
        _NO_RECORD,
    ),
    "under_water_days": Words(
        lazy_gettext("Days under water, now"),
        lazy_gettext("Days since the highest point so far was last reached."),
        _NO_RECORD,
    ),
    "under_water_days_max": Words(
        lazy_gettext("Days under water, longest"),
        lazy_gettext("The longest time without a new highest point, over the whole record."),
        _NO_RECORD,
    ),
    "volatility": Words(
        lazy_gettext("Volatility, by the year"),
        lazy_gettext("How much the returns of days scatter: their standard deviation × √365, over the whole record."),
        _TWO_DAYS,
    ),
    "sharpe": Words(
        lazy_gettext("Sharpe ratio"),
        lazy_gettext(
            "Mean return of a day over the standard deviation of days, × √365, over the whole record. No interest "
            "is taken off."
        ),
        lazy_gettext("Told as soon as the returns of days differ."),
    ),
    "sortino": Words(
        lazy_gettext("Sortino ratio"),
        lazy_gettext(
            "Mean return of a day over the scatter of losing days alone, × √365, over the whole record. Higher is "
            "more return for the downs on the way."
        ),
        lazy_gettext("Told after the first day with a loss."),
    ),
    "calmar": Words(
        lazy_gettext("Calmar ratio"),
        lazy_gettext("Return by the year over the deepest fall between the ends of days, over the whole record."),
        lazy_gettext("Told after the first day with a loss."),
    ),
    "profit_factor": Words(
        lazy_gettext("Profit factor"),
        lazy_gettext("All profits of closed positions over all losses. Above 1, more was won than lost."),
        _NO_LOSS,
    ),
    "expectancy": Words(
        lazy_gettext("Result of a position, mean"),
        lazy_gettext("What a closed position earned on average, after fees and funding."),
        _NONE_CLOSED,
    ),
    "win_ratio": Words(
        lazy_gettext("Positions closed with a profit"),
        lazy_gettext("Their share of all closed positions. Read it beside the average win and loss."),
        _NONE_CLOSED,
    ),
    "win_mean": Words(
        lazy_gettext("Average win"), lazy_gettext("Mean of the positions closed with a profit, after fees."), _NO_GAIN
    ),
    "loss_mean": Words(
        lazy_gettext("Average loss"), lazy_gettext("Mean of the positions closed with a loss, after fees."), _NO_LOSS
    ),
    "held_s_mean": Words(
        lazy_gettext("Time held, mean"),
        lazy_gettext("Mean time from opening a position to its close."),
        _NONE_CLOSED,
    ),
    "trades_a_day": Words(
        lazy_gettext("Positions closed a day"), lazy_gettext("Closed positions over days of record."), _NO_RECORD
    ),
    "closed": Words(
        lazy_gettext("Closed positions"),
        lazy_gettext("Positions that went from nothing back to nothing, over the whole record."),
        _NO_RECORD,
    ),
    "days": Words(
        lazy_gettext("Days of record"), lazy_gettext("Since the account was first seen with money in it."), _NO_RECORD
    ),
    "leverage_max": Words(
        lazy_gettext("Leverage used, highest"),
        lazy_gettext("The most that open positions were worth, over the account’s equity then."),
        _NO_TRADE,
    ),
    "leverage_mean": Words(
        lazy_gettext("Leverage used, mean"),
        lazy_gettext("Worth of open positions over equity, mean over the time with a position open."),
        _NO_TRADE,
    ),
    "exposure_max": Words(
        lazy_gettext("Largest exposure"),
        lazy_gettext("The most that open positions were worth at one moment, long and short added up."),
        _NO_TRADE,
    ),
    "concentration": Words(
        lazy_gettext("Share of the largest market"),
        lazy_gettext("The part of all turnover that one market has."),
        _NO_TRADE,
    ),
    "time_in_market": Words(
        lazy_gettext("Time in market"),
        lazy_gettext("Share of the record with at least one position open."),
        _NO_RECORD,
    ),
    "own_stake": Words(
        lazy_gettext("The trader’s own stake"),
        lazy_gettext("What the trader’s own account is worth now. A trader with more of it loses more themselves."),
        _NO_RECORD,
    ),
    "unexplained": Words(
        lazy_gettext("Unexplained change"),
        lazy_gettext(
            "What changed in the account that neither trades nor transfers explain, such as interest. It is no part "
            "of the return."
        ),
        _NO_RECORD,
    ),
    "followers": Words(
        lazy_gettext("Followers"), lazy_gettext("Followers who copied long enough to have a result."), _NO_FOLLOWERS
    ),
    "follower_return": Words(
        lazy_gettext("Followers’ result, median"),
        lazy_gettext(
            "What the middle follower earned on their own money after all fees, counted from when it was paid in "
            "(money-weighted)."
        ),
        _NO_FOLLOWERS,
    ),
    "followers_in_profit": Words(
        lazy_gettext("Followers in profit"),
        lazy_gettext("Followers whose own result is above zero, after all fees."),
        _NO_FOLLOWERS,
    ),
    "tracking_difference": Words(
        lazy_gettext("Followers against the trader"),
        lazy_gettext(
            "The followers’ return less the trader’s over the same time, median. Below zero, copies earned less."
        ),
        _NO_FOLLOWERS,
    ),
    "copy_success": Words(
        lazy_gettext("Copied"), lazy_gettext("Copies done, of all copies due in the last 100 trades."), _NO_COPIES
    ),
    "slippage_bps": Words(
        lazy_gettext("Median slippage"),
        lazy_gettext(
            "Price difference to the trader in hundredths of a percent (bps), last 100 trades. Plus is worse for you."
        ),
        _NO_COPIES,
    ),
    "latency_ms": Words(
        lazy_gettext("Median time, exchange to exchange"),
        lazy_gettext("From the trader’s fill to the exchange’s answer for the copy, last 100 trades."),
        _NO_COPIES,
    ),
    "money_weighted": Words(
        lazy_gettext("Return on the trader’s own money"),
        lazy_gettext(
            "Gain over the money that was in the account on average, whole record (money-weighted, modified Dietz). "
            "Unlike the returns above it, when money was paid in counts."
        ),
        _NO_RECORD,
    ),
    "net_result": Words(
        lazy_gettext("Net result"),
        lazy_gettext("What the account is worth now, less what was paid into it, plus what was taken out."),
        _NO_RECORD,
    ),
    "risk": Words(
        lazy_gettext("Risk, 1 to 10"),
        lazy_gettext("1 is calm, 10 is wild: the worse of what volatility and the deepest fall say."),
        _NO_RECORD,
    ),
    "leverage_now": Words(
        lazy_gettext("Leverage used, now"),
        lazy_gettext("Worth of what is open now over equity now."),
        lazy_gettext("There is no equity now."),
    ),
    "exposure_now": Words(
        lazy_gettext("Exposure now"),
        lazy_gettext("What open positions are worth now, long and short added up."),
        _NO_RECORD,
    ),
    "floating": Words(
        lazy_gettext("Open profit or loss"),
        lazy_gettext("What closing everything now would add or cost. It is part of return and drawdown already."),
        _NO_RECORD,
    ),
    "open": Words(lazy_gettext("Markets held now"), lazy_gettext("Markets with an open position."), _NO_RECORD),
    "turnover": Words(
        lazy_gettext("Turnover"),
        lazy_gettext("Everything bought and sold, by its worth, over the whole record."),
        _NO_TRADE,
    ),
    "costs": Words(
        lazy_gettext("Fees and funding"),
        lazy_gettext(
            "Fees and funding paid, less what was received, over the whole record. They are part of the return."
        ),
        _NO_TRADE,
    ),
    "follower_return_low": Words(
        lazy_gettext("Followers’ result, lower quarter"),
        lazy_gettext("A quarter of the followers earned less than this."),
        _NO_FOLLOWERS,
    ),
    "follower_return_high": Words(
        lazy_gettext("Followers’ result, upper quarter"),
        lazy_gettext("A quarter of the followers earned more than this."),
        _NO_FOLLOWERS,
    ),
}
# When a figure changes (`copydesk.analytics.figures.Update`).
UPDATES: Mapping[str, LazyString] = {
    Update.MINUTE: lazy_gettext("Counted anew after each trade, and each minute while a position is open."),
    Update.FILL: lazy_gettext("Counted anew after each trade."),
    Update.DAY: lazy_gettext("Counted anew at midnight, UTC."),
    Update.COPY: lazy_gettext("Counted anew after each copy."),
}
