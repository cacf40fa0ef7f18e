"""One measurement of `bench analytics`, to be run in a process of its own: its processor time and memory are its own.

Run as `python -m copydesk.bench.analytics_ways fold|rebuild|follow|board` with an `AnalyticsPlan` in JSON on standard
input, in a role's environment; prints figures in JSON. Times are in milliseconds unless the name says otherwise.
"""

from __future__ import annotations

import gc
import math
import os
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, contextmanager
from datetime import datetime, timedelta
from decimal import Decimal
from itertools import product
from statistics import median, quantiles
from typing import Any

import numpy as np
import orjson
from sqlalchemy import text

from copydesk.analytics import Fills, Marks, Raw, Summary, figures_of, fold
from copydesk.bench.analytics import AnalyticsPlan
from copydesk.bench.analytics_desk import VENUE, later_fills
from copydesk.bench.analytics_past import BEGIN_S, OPENING, SYMBOLS, Past, end_of, past_of, prices_of
from copydesk.bench.crowd import BRAND
from copydesk.bench.plain_board import plain_leaderboard
from copydesk.bench.plain_figures import PlainFill, plain_figures
from copydesk.bench.processes import rss_peak_mb
from copydesk.bootstrap import Runtime
from copydesk.kernel import Unavailable
from copydesk.performance.board import Board, Filters, Market, Sort, leaderboard
from copydesk.performance.keep import update_strategy
from copydesk.performance.rebuild import rebuild_tenant

_AGREE = 1e-9
_PAGE = 25
# Rounds that warm caches and plans up are not counted.
_FIRST_FEW = 5

FILTERS = (
    Filters(),
    Filters(market=Market.PERPETUAL),
    Filters(exchange=VENUE),
    Filters(risk_max=7),
    Filters(drawdown_max=Decimal("0.5")),
    Filters(allocation_max=Decimal(500)),
    Filters(style="scalping"),
    Filters(age_days_min=30),
    Filters(text="trader 1"),
)
_STRATEGY = text("SELECT id, account_id FROM strategy WHERE slug LIKE 'bench-%' ORDER BY id LIMIT 1")
_FILL = text(
    "INSERT INTO execution (tenant_id, account_id, symbol, trade_id, venue_order_id, side, qty, px, fee, fee_currency, "
    "at) VALUES (:tenant_id, :account_id, :symbol, :trade, :trade, :side, :qty, :px, 0.01, 'USDT', :at)"
)


def by_fold(plan: AnalyticsPlan) -> dict[str, Any]:
    """Measure all figures of one long past, beside the same figures by plain loops; both must agree."""
    prices = prices_of(plan.fold_days)
    past = past_of(0, plan.fold_trades // 2 * 2, prices)
    raw, now_s = raw_of(past, prices), int(end_of(plan.fold_days).timestamp())
    began = Summary.empty(BEGIN_S, OPENING)
    points = 0

    def ours() -> dict[str, float | int | None]:
        nonlocal points
        summary, series = fold(began, raw, until_s=now_s)
        points = len(series)
        return figures_of(summary, now_s=now_s).to_json()

    found, times = _timed(ours, plan.rounds, warm=1)
    lists = prices.tolist()
    rows = [PlainFill(*one) for one in zip(*(column.tolist() for column in past), strict=True)]
    told, plain_times = _timed(
        lambda: plain_figures(rows, lists, began_s=BEGIN_S, opening=OPENING, now_s=now_s), plan.plain_rounds
    )
    _require_equal(found, told)
    return {
        "fold_trades": len(past.at_ms),
        "fold_points": points,
        "fold_rounds": plan.rounds,
        **_centiles("fold", times),
        "plain_figures_agree": len(told),
        "plain_rounds": plan.plain_rounds,
        "plain_fold_p50_ms": round(median(plain_times), 2),
    }


def raw_of(past: Past, prices: np.ndarray[Any, np.dtype[np.float64]]) -> Raw:
    """Return a past as the fold takes it."""
    at_s = BEGIN_S + np.arange(len(prices), dtype=np.int64) * 60
    fills = Fills(np.arange(len(past.at_ms)), past.instrument, past.at_ms, past.qty, past.px, past.cost)
    return Raw(fills, SYMBOLS, {place: Marks(at_s, prices[:, place]) for place in range(len(SYMBOLS))})


def by_rebuild(plan: AnalyticsPlan) -> dict[str, Any]:
    """Measure a full recomputation of the brand from raw rows."""
    with _desk() as (runtime, tenant_id):
        began, began_cpu = time.perf_counter(), time.process_time()
        rebuilt = rebuild_tenant(runtime.db, runtime.tenant(tenant_id), now=end_of(plan.days))
        took_s, cpu_s = time.perf_counter() - began, time.process_time() - began_cpu
    return {
        "rebuild_strategies": rebuilt.strategies,
        "rebuild_trades": plan.trades,
        "rebuild_s": round(took_s, 2),
        "rebuild_cpu_s": round(cpu_s, 2),
        "rebuild_peak_mb": round(rss_peak_mb(os.getpid()), 1),
        "trades_per_s": round(plan.trades / took_s),
    }


def by_follow(plan: AnalyticsPlan) -> dict[str, Any]:
    """Measure one strategy's update after each of many fills, commit included; the fill is stored beforehand."""
    times = []
    with _desk() as (runtime, tenant_id):
        tenant, now = runtime.tenant(tenant_id), end_of(plan.days)
        with runtime.db.tenant(tenant_id) as session:
            strategy_id, account_id = session.execute(_STRATEGY).one()
        many = plan.follows + _FIRST_FEW
        for number, (side, qty, px) in enumerate(later_fills(0, many=many, days=plan.days)):
            now += timedelta(seconds=30)
            facts = {"account_id": account_id, "symbol": SYMBOLS[0], "trade": f"later-{number}"}
            with runtime.db.tenant(tenant_id) as session:
                session.execute(_FILL, facts | {"tenant_id": tenant_id, "side": side, "qty": qty, "px": px, "at": now})
            began = time.perf_counter()
            with runtime.db.tenant(tenant_id) as session:
                update_strategy(session, tenant, strategy_id, now=now)
            times.append((time.perf_counter() - began) * 1000)
    return {"follows": plan.follows, **_centiles("follow", times[_FIRST_FEW:])}


def by_board(plan: AnalyticsPlan) -> dict[str, Any]:
    """Measure first and second pages of the leaderboard by every sort under every filter, beside the plain way."""
    now, timed = end_of(plan.days), list[tuple[float, str]]()
    with _desk() as (runtime, tenant_id):
        total = max(_page(runtime, tenant_id, Filters(), sort, now)[0].total for sort in Sort)
        for _, sort, filters in product(range(plan.board_rounds), Sort, FILTERS):
            following: str | None = None
            for number in (1, 2):
                page, took_ms = _page(runtime, tenant_id, filters, sort, now, following)
                timed.append((took_ms, f"{sort}, page {number}, {_named(filters)}"))
                if not (following := page.after):
                    break
        _, plain_times = _timed(lambda: _plain_page(runtime, tenant_id, now), plan.plain_rounds)
    return {
        "board_strategies": total,
        "board_queries": len(timed),
        **_centiles("board", [took_ms for took_ms, _ in timed]),
        "board_slowest": max(timed)[1],
        "plain_board_samples": plan.samples,
        "plain_board_p50_ms": round(median(plain_times), 1),
    }


def _page(
    runtime: Runtime, tenant_id: int, filters: Filters, sort: Sort, now: datetime, after: str | None = None
) -> tuple[Board, float]:
    """Return one page and the milliseconds that it took."""
    began = time.perf_counter()
    with runtime.db.tenant(tenant_id) as session:
        page = leaderboard(session, filters, sort, after=after, limit=_PAGE, now=now)
    return page, (time.perf_counter() - began) * 1000


def _plain_page(runtime: Runtime, tenant_id: int, now: datetime) -> None:
    with runtime.db.tenant(tenant_id) as session:
        plain_leaderboard(session, now=now, limit=_PAGE)


def _named(filters: Filters) -> str:
    told = (f"{name} {value}" for name, value in vars(filters).items() if value not in (None, Market.ANY))
    return ", ".join(told) or "no filter"


@contextmanager
def _desk() -> Iterator[tuple[Runtime, int]]:
    with closing(Runtime()) as runtime:
        yield runtime, runtime.tenant_ids[BRAND]


def _timed(work: Callable[[], Any], rounds: int, *, warm: int = 0) -> tuple[Any, list[float]]:
    """Return what the work returns, and the milliseconds that each round took."""
    for _ in range(warm):
        work()
    gc.collect()
    times = []
    for _ in range(rounds):
        began = time.perf_counter()
        found = work()
        times.append((time.perf_counter() - began) * 1000)
    return found, times


def _require_equal(ours: dict[str, float | int | None], plain: dict[str, float]) -> None:
    for name, value in plain.items():
        found = ours[name]
        if found is None or not math.isclose(found, value, rel_tol=_AGREE, abs_tol=_AGREE):
            raise Unavailable(f"{name}: expected {value!r} as plain loops have it, found {found!r}")


def _centiles(name: str, times: Sequence[float]) -> dict[str, float]:
    cut = quantiles(times, n=100, method="inclusive") if len(times) > 1 else [times[0]] * 99
    return {f"{name}_{told}_ms": round(cut[at], 2) for told, at in (("p50", 49), ("p95", 94), ("p99", 98))}


WAYS: dict[str, Callable[[AnalyticsPlan], dict[str, Any]]] = {
    "fold": by_fold,
    "rebuild": by_rebuild,
    "follow": by_follow,
    "board": by_board,
}


if __name__ == "__main__":
    sys.stdout.buffer.write(orjson.dumps(WAYS[sys.argv[1]](AnalyticsPlan(**orjson.loads(sys.stdin.buffer.read())))))
