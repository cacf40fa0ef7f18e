"""One measurement of `bench risk` in a process of its own: our arrays, Polars, or plain Python lists.

Run as `python -m copydesk.bench.risk_ways arrays|polars|python` with a `RiskPlan` in JSON on standard input; prints
figures in JSON. All ways see the same positions and the same prices, and must name as many suspects.
"""

from __future__ import annotations

import gc
import os
import sys
import time
from collections.abc import Callable
from statistics import median
from typing import Any, NamedTuple

import numpy as np
import orjson
from numpy.typing import NDArray

from copydesk.bench.figures import percentile_99
from copydesk.bench.processes import rss_peak_mb
from copydesk.bench.risk import RiskPlan
from copydesk.risk.arrays import PositionRows, RiskBook
from copydesk.risk.holders import HolderRows

_SEED = 20
_ACCOUNTS_AT_ONCE = 2000
_STEP = 0.0005  # What a price moves by between two sweeps, as a share.
_WARM, _WARM_TICKS = 2, 50
Marks = NDArray[np.float64]


class Market(NamedTuple):
    """Who holds what, and how often each instrument ticks."""

    holders: HolderRows
    positions: PositionRows
    weights: NDArray[np.float64]


def market_of(plan: RiskPlan) -> Market:
    """Make a market: instruments are held and tick as unevenly as 1/rank, so that most accounts hold the first.

    One account in a thousand is past its floor from the start; the others are worth about what they began with.
    """
    rng = np.random.default_rng(_SEED)
    weights = 1 / np.arange(1, plan.instruments + 1)
    counts = np.full(plan.accounts, plan.positions // plan.accounts)
    counts[: plan.positions % plan.accounts] += 1
    holder = np.repeat(np.arange(plan.accounts), counts)
    instrument = np.empty(plan.positions, np.intp)
    filled = 0
    for start in range(0, plan.accounts, _ACCOUNTS_AT_ONCE):
        some = counts[start : start + _ACCOUNTS_AT_ONCE]
        # The largest of these keys are a weighted draw without repeats (Efraimidis and Spirakis, 2006).
        keys = np.log(rng.random((len(some), plan.instruments))) / weights
        chosen = np.argsort(-keys, axis=1)[np.arange(plan.instruments) < some[:, None]]
        instrument[filled : filled + len(chosen)] = chosen
        filled += len(chosen)
    qty = rng.uniform(-2, 2, plan.positions)
    worth = np.bincount(holder, qty * first_marks(plan)[instrument], plan.accounts)
    equity, none = np.full(plan.accounts, 1000.0), np.full(plan.accounts, np.nan)
    floor = np.where(np.arange(plan.accounts) % 1000 == 0, equity * 1.5, equity * 0.5)
    share = np.full(plan.accounts, 0.5)
    rows = HolderRows(equity - worth, equity, floor, share, none, equity * 10)
    return Market(rows, PositionRows(holder, instrument, qty), weights / weights.sum())


def first_marks(plan: RiskPlan) -> Marks:
    """Return the prices that positions are opened at."""
    return np.linspace(10, 200, plan.instruments)


class _Prices:
    """Prices that go for a walk, the same one for every way."""

    def __init__(self, plan: RiskPlan) -> None:
        self._rng = np.random.default_rng(_SEED + 1)
        self.marks = first_marks(plan)

    def step(self) -> Marks:
        self.marks *= 1 + self._rng.uniform(-_STEP, _STEP, len(self.marks))
        return self.marks


def by_arrays(plan: RiskPlan) -> dict[str, Any]:
    """Measure sweeps and single ticks of our arrays, and the most memory that the process ever had."""
    market, prices = market_of(plan), _Prices(plan)
    book = RiskBook(market.holders, market.positions, plan.instruments)
    trusted = np.ones(plan.instruments, bool)
    counts, times = _timed(lambda: len(book.sweep(prices.marks, trusted)), plan.sweeps, prices)
    rng = np.random.default_rng(_SEED + 2)
    chosen = rng.choice(plan.instruments, plan.ticks + _WARM_TICKS, p=market.weights)
    moves = 1 + rng.uniform(-_STEP, _STEP, len(chosen))
    ticks = []
    for instrument, move in zip(chosen.tolist(), moves.tolist(), strict=True):
        prices.marks[instrument] *= move
        px = float(prices.marks[instrument])
        begun = time.perf_counter()
        book.tick(instrument, px)
        ticks.append((time.perf_counter() - begun) * 1000)
    return {
        "suspects": counts,
        "sweeps": plan.sweeps,
        "sweep_p50_ms": _ms(median(times)),
        "sweep_p99_ms": _ms(percentile_99(times)),
        "ticks": plan.ticks,
        "tick_positions_max": int(np.bincount(market.positions.instrument).max()),
        "tick_p50_ms": _ms(median(ticks[_WARM_TICKS:])),
        "tick_p99_ms": _ms(percentile_99(ticks[_WARM_TICKS:])),
        "peak_mb": round(rss_peak_mb(os.getpid()), 1),
    }


def by_polars(plan: RiskPlan) -> dict[str, Any]:
    """Measure the same sweep in Polars, kindly: rows sorted and known to be, marks gathered and not joined."""
    import polars as pl

    market, prices = market_of(plan), _Prices(plan)
    held = pl.DataFrame({"holder": market.positions.holder, "qty": market.positions.qty})
    held = held.with_columns(pl.col("holder").set_sorted())
    instrument = pl.Series(market.positions.instrument)
    book = pl.DataFrame(market.holders._asdict()).with_row_index("holder")

    def sweep() -> int:
        nonlocal book
        worth = held["qty"] * pl.Series(prices.marks).gather(instrument)
        sums = held.with_columns(worth.alias("worth")).group_by("holder", maintain_order=True).agg(pl.sum("worth"))
        valued = book.with_columns(sums["worth"]).with_columns(equity=pl.col("base") + pl.col("worth"))
        valued = valued.with_columns(peak=pl.max_horizontal("peak", "equity"))
        below = (pl.col("equity") < pl.col("floor")) | (pl.col("equity") < pl.col("peak") * pl.col("trail_share"))
        suspects = valued.filter(below | (pl.col("equity") > pl.col("ceiling")))["holder"]
        book = valued.drop("worth", "equity")
        return len(suspects)

    counts, times = _timed(sweep, plan.polars_sweeps, prices)
    return {"suspects": counts, "polars_sweeps": plan.polars_sweeps, "polars_sweep_p50_ms": _ms(median(times))}


def by_python(plan: RiskPlan) -> dict[str, Any]:
    """Measure the same sweep over plain lists in one interpreter."""
    market, prices = market_of(plan), _Prices(plan)
    rows = [array.tolist() for array in market.positions]
    base, peak, floor, share, _, ceiling = (array.tolist() for array in market.holders)

    def sweep() -> int:
        marks, equity, suspects = prices.marks.tolist(), base.copy(), []
        for holder, instrument, qty in zip(*rows, strict=True):
            equity[holder] += qty * marks[instrument]
        for holder, value in enumerate(equity):
            if value > peak[holder]:
                peak[holder] = value
            if value < floor[holder] or value < peak[holder] * share[holder] or value > ceiling[holder]:
                suspects.append(holder)
        return len(suspects)

    counts, times = _timed(sweep, plan.python_sweeps, prices)
    return {"suspects": counts, "python_sweeps": plan.python_sweeps, "python_sweep_p50_ms": _ms(median(times))}


def _timed(sweep: Callable[[], int], rounds: int, prices: _Prices) -> tuple[int, list[float]]:
    """Return how many suspects the first sweep found, and how long each took after two that warm up."""
    gc.collect()
    gc.freeze()
    counts, times = [], []
    for _ in range(_WARM + rounds):
        prices.step()
        begun = time.perf_counter()
        counts.append(sweep())
        times.append((time.perf_counter() - begun) * 1000)
    return counts[0], times[_WARM:]


def _ms(value: float) -> float:
    return round(value, 3)


WAYS: dict[str, Callable[[RiskPlan], dict[str, Any]]] = {"arrays": by_arrays, "polars": by_polars, "python": by_python}


if __name__ == "__main__":
    sys.stdout.buffer.write(orjson.dumps(WAYS[sys.argv[1]](RiskPlan(**orjson.loads(sys.stdin.buffer.read())))))
