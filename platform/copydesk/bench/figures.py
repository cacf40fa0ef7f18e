"""From signals' hops to the figures that are printed. Pure."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from statistics import fmean, median, quantiles
from typing import Any

from copydesk.bench.hops import HOPS, SignalRow
from copydesk.bench.load import Plan

Figures = dict[str, Any]

# What each comparison is called, and the ratio that is made of it.
RATIOS: Mapping[str, str] = {
    "ccxt_loop_last_ack_ms": "ratio_loop",
    "ccxt_gather_last_ack_ms": "ratio_gather",
    "rq_job_each_last_ack_ms": "ratio_rq",
}


def summarize(plan: Plan, rows: Sequence[SignalRow]) -> Figures:
    """Return medians over signals, and where a bar asks for it p99 (of 30 signals, nearly the worst).

    `orders_per_s` is followers served per second of one signal's whole way.
    """
    load, last = plan.load, [row.last_ack_ms for row in rows]
    medians = [name for name in HOPS if name != "last_ack_ms"]
    return {
        "followers": load.followers,
        "venues": ",".join(load.venues),
        "market": load.market,
        "engine": plan.engine,
        "tls": plan.tls,
        "rtt_ms": plan.rtt_ms,
        "signals": len(rows),
        **{name: _ms(median(getattr(row, name) for row in rows)) for name in medians},
        **_pair("last_ack", last),
        **_pair("stored_to_copies", [row.copies_stored_ms - row.stored_ms for row in rows]),
        **_pair("send_spread", [row.last_sent_ms - row.first_sent_ms for row in rows]),
        "send_rank_mean_max": _ratio(rank_mean_max([row.sent for row in rows])),
        "ack_rank_mean_max": _ratio(rank_mean_max([row.acked for row in rows])),
        "cpu_us_per_copy": round(sum(row.cpu_s for row in rows) * 1e6 / (len(rows) * load.followers), 1),
        "orders_per_s": round(load.followers / median(last) * 1000),
    }


def rank_mean_max(orders: Sequence[Sequence[int]]) -> float:
    """Return the highest mean rank that any follower has over all signals, from 0 (always first) to 1 (always last).

    With turns drawn by lot it lies a little above 0.5; 1 says that it is always the same one who comes last.
    """
    ranks: defaultdict[int, list[float]] = defaultdict(list)
    for order in orders:
        last = max(len(order) - 1, 1)
        for place, follower in enumerate(order):
            ranks[follower].append(place / last)
    return max((fmean(found) for found in ranks.values()), default=0.0)


def ratios(figures: Mapping[str, Any]) -> Figures:
    """Return how many times as long each plain way takes as ours does from the leader's execution on."""
    ours = figures["last_ack_p50_ms"]
    return {ratio: round(figures[name] / ours, 1) for name, ratio in RATIOS.items() if name in figures}


def _pair(name: str, values: Sequence[float]) -> Figures:
    return {f"{name}_p50_ms": _ms(median(values)), f"{name}_p99_ms": _ms(percentile_99(values))}


def percentile_99(values: Sequence[float]) -> float:
    """Return the 99th percentile, between the two largest values where there are fewer than a hundred."""
    return quantiles(values, n=100, method="inclusive")[98] if len(values) > 1 else values[0]


def percentiles(name: str, waits: Sequence[float]) -> Figures:
    """Return the 50th, 95th and 99th percentile of so many waits."""
    cut = quantiles(waits, n=100, method="inclusive") if len(waits) > 1 else [*waits] * 99
    told = {f"{name}_{label}_ms": _ms(cut[at]) for label, at in (("p50", 49), ("p95", 94), ("p99", 98))}
    return {**told, f"{name}_n": len(waits)}


def _ms(value: float) -> float:
    return round(value, 1)


def _ratio(value: float) -> float:
    return round(value, 2)
