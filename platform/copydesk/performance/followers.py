"""What followers of one strategy really got, from the stored figures of every subscription to it. Reads only."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

from sqlalchemy import text
from sqlalchemy.orm import Session

from copydesk.analytics import truth_of
from copydesk.performance.wire import read_array
from copydesk.replication.counted import counted

_RESULTS = f"""
SELECT k.money_weighted AS result, coalesce(k.tracking_difference, 'NaN') AS difference
FROM subscription_figures k JOIN subscription s ON s.tenant_id = k.tenant_id AND s.id = k.subscription_id
WHERE k.strategy_id = %(id)s AND k.money_weighted IS NOT NULL AND {counted("s")}
"""  # noqa: S608 - a condition of ours
_COLUMNS = {"result": "float8", "difference": "float8"}
_STATES = text(
    f"SELECT state, count(*) AS followers FROM subscription s WHERE strategy_id = :id AND state <> 'ended' "  # noqa: S608
    f"AND {counted('s')} GROUP BY state ORDER BY 2 DESC, 1"
)


@dataclass(frozen=True)
class FollowerTruth:
    """What followers really got: money-weighted results after fees. Those who left count too.

    `followers` copy now, `judged` have a result. `histogram` has (from, to, how many of them) with results as
    fractions; the outer bars reach to the worst and the best result. It is empty, and quartiles and ratios are None,
    while fewer than `FOLLOWERS_MIN` have a result: what those earned is told to nobody.
    """

    followers: int
    judged: int
    quartile_low: float | None
    median: float | None
    quartile_high: float | None
    in_profit_ratio: float | None
    tracking_difference: float | None
    histogram: tuple[tuple[float, float, int], ...]


def follower_truth(session: Session, strategy_id: int, *, followers: int) -> FollowerTruth:
    """Sum up what this strategy was worth to those who copied it."""
    rows = read_array(session, _RESULTS, {"id": strategy_id}, _COLUMNS)
    results, differences = (rows[name].tolist() for name in _COLUMNS)
    truth = truth_of(results=results, differences=differences)
    return FollowerTruth(
        followers=followers,
        judged=truth.followers,
        quartile_low=truth.follower_return_low,
        median=truth.follower_return,
        quartile_high=truth.follower_return_high,
        in_profit_ratio=truth.followers_in_profit,
        tracking_difference=truth.tracking_difference,
        histogram=()
        if truth.follower_return is None
        else _bars(results, truth.histogram.edges, truth.histogram.counts),
    )


def followers_by_state(session: Session, strategy_id: int) -> dict[str, int]:
    """Count who copies now by the state of the subscription, the most frequent first."""
    return {row.state: row.followers for row in session.execute(_STATES, {"id": strategy_id})}


def _bars(
    results: Sequence[float], edges: Sequence[float], counts: Sequence[int]
) -> tuple[tuple[float, float, int], ...]:
    bounds = [min(-1.0, *results), *edges, max(1.0, *results)]
    return tuple((low, high, count) for (low, high), count in zip(pairwise(bounds), counts, strict=True))
