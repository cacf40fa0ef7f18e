"""`bench analytics`: figures of long pasts, a brand computed anew, one fill followed, and the leaderboard.

Each measurement is a process of its own (`analytics_ways`), and all of them share one core with their PostgreSQL: what
is measured by the wall clock is what one core takes for both.
"""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from typing import Any

import orjson

from copydesk.bench.analytics_desk import seed_board, seed_past, tidy_up
from copydesk.kernel import InvalidInput, Unavailable

Say = Callable[[str], None]
FULL_TRADES, FULL_STRATEGIES, FULL_LISTED, FULL_FOLD = 1_000_000, 1_000, 5_000, 10_000


@dataclass(frozen=True)
class AnalyticsPlan:
    """What to measure: trades of so many strategies over so many days; `fold_*` is the one long past.

    `listed` strategies are on the board, each with `samples` daily samples for the plain way.
    """

    trades: int = FULL_TRADES
    strategies: int = FULL_STRATEGIES
    days: int = 180
    fold_trades: int = FULL_FOLD
    fold_days: int = 365
    rounds: int = 50
    plain_rounds: int = 3
    follows: int = 200
    listed: int = FULL_LISTED
    samples: int = 90
    board_rounds: int = 5

    def __post_init__(self) -> None:
        if self.trades < 40 * self.strategies:
            raise InvalidInput(
                f"trades: expected at least 40 for each of {self.strategies:,} strategies, found {self.trades:,}"
            )

    @property
    def full(self) -> bool:
        """Tell whether the bars hold for what is measured."""
        return self.trades >= FULL_TRADES and self.strategies >= FULL_STRATEGIES and self.listed >= FULL_LISTED


# Does the measurement of this name.
Measure = Callable[[str, AnalyticsPlan], dict[str, Any]]


def run_analytics(plan: AnalyticsPlan, measure: Measure, owner_url: str, tenant_id: int, say: Say) -> dict[str, Any]:
    """Measure on a migrated database without strategies, and return the figures."""
    figures: dict[str, Any] = {"days": plan.days}
    say(f"{plan.fold_trades:,} trades of one account: all figures, and by plain loops")
    figures |= measure("fold", plan)
    say(f"storing {plan.trades:,} trades of {plan.strategies:,} strategies over {plan.days} days")
    seed_past(owner_url, tenant_id, strategies=plan.strategies, trades=plan.trades, days=plan.days)
    say("computing all of them anew")
    figures |= measure("rebuild", plan)
    tidy_up(owner_url)
    say(f"following {plan.follows} fills")
    figures |= measure("follow", plan)
    say(f"listing {plan.listed:,} strategies, and computing them all for a page")
    seed_board(owner_url, tenant_id, listed=plan.listed, samples=plan.samples, days=plan.days)
    return figures | measure("board", plan)


@contextmanager
def on_one_core() -> Iterator[None]:
    """Have everything that is started within the block share one core."""
    allowed = os.sched_getaffinity(0)
    os.sched_setaffinity(0, {max(allowed)})
    try:
        yield
    finally:
        os.sched_setaffinity(0, allowed)


def in_a_process(environ: Mapping[str, str], way: str, plan: AnalyticsPlan) -> dict[str, Any]:
    """Do one measurement in a process of its own, in a role's environment."""
    threads = {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"}
    done = subprocess.run(
        [sys.executable, "-m", "copydesk.bench.analytics_ways", way],
        input=orjson.dumps(asdict(plan)),
        stdout=subprocess.PIPE,
        env={**environ, **threads},
        check=False,
    )
    if done.returncode:
        raise Unavailable(f"the measurement of {way} ended with {done.returncode}")
    found: dict[str, Any] = orjson.loads(done.stdout)
    return found
