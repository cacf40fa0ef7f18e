"""Figures the plain way: one loop over minutes and fills, lists and dictionaries, no arrays. Pure.

It knows what the measured pasts are like (one position at a time, no flows) and nothing of `copydesk.analytics`, so
that equal figures are two computations that agree.
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Sequence
from itertools import pairwise
from typing import NamedTuple

_DAY_S, _MINUTE_S, _YEAR_DAYS = 86_400, 60, 365


class PlainFill(NamedTuple):
    """One fill: milliseconds since 1970, instrument, signed quantity, price, fee."""

    at_ms: int
    instrument: int
    qty: float
    px: float
    cost: float


class _Trip(NamedTuple):
    opened_ms: int
    closed_ms: int
    net: float
    turnover: float
    instrument: int


def plain_figures(
    fills: Sequence[PlainFill], prices: Sequence[Sequence[float]], *, began_s: int, opening: float, now_s: int
) -> dict[str, float]:
    """Return the figures that both ways tell. `prices` is one row a minute from `began_s` on."""
    trips = _trips(fills)
    points, exposures = _points(fills, prices, began_s, opening)
    return {
        **_of_points(points, now_s),
        **_of_days(points, now_s),
        **_of_trips(trips, began_s, now_s),
        "exposure_max": max(exposure for exposure, _ in exposures),
        "leverage_max": max(exposure / equity for exposure, equity in exposures if equity > 0),
        "turnover": sum(abs(fill.qty) * fill.px for fill in fills),
        "costs": sum(fill.cost for fill in fills),
        "own_stake": points[-1][1],
        "net_result": points[-1][1] - opening,
    }


def _points(
    fills: Sequence[PlainFill], prices: Sequence[Sequence[float]], began_s: int, opening: float
) -> tuple[list[tuple[int, float]], list[tuple[float, float]]]:
    """Return (second, equity) of each point, and (exposure, equity) wherever the account was valued."""
    points, exposures = [(began_s, opening)], []
    cash, qty, px, place = opening, 0.0, 0.0, 0
    for minute, row in enumerate(prices):
        ends_s = began_s + minute * _MINUTE_S
        while place < len(fills) and fills[place].at_ms // 1000 <= ends_s:
            fill = fills[place]
            cash -= fill.qty * fill.px + fill.cost
            qty, px, place = (0.0 if qty else fill.qty), fill.px, place + 1
            at_s = fill.at_ms // 1000
            if place < len(fills) and fills[place].at_ms // 1000 == at_s:
                continue
            if at_s < ends_s or not qty:
                exposures.append((abs(qty) * px, cash + qty * px))
            if not qty:
                points.append((at_s, cash))
        if qty:
            px = row[fills[place - 1].instrument]
            points.append((ends_s, cash + qty * px))
            exposures.append((abs(qty) * px, cash + qty * px))
    return points, exposures


def _of_points(points: Sequence[tuple[int, float]], now_s: int) -> dict[str, float]:
    peak, peak_s, deepest, longest = points[0][1], points[0][0], 0.0, 0
    below = False
    for at_s, equity in points:
        if equity >= peak:
            longest = max(longest, at_s - peak_s) if below else longest
            peak, peak_s, below = equity, at_s, False
        else:
            deepest, below = max(deepest, 1.0 - equity / peak), True
    under = now_s - peak_s if below else 0
    return {
        "return_all": points[-1][1] / points[0][1] - 1.0,
        "drawdown_max": deepest,
        "drawdown_now": 1.0 - points[-1][1] / peak,
        "under_water_days": under / _DAY_S,
        "under_water_days_max": max(longest, under) / _DAY_S,
        "days": (now_s - points[0][0]) / _DAY_S,
    }


def _of_days(points: Sequence[tuple[int, float]], now_s: int) -> dict[str, float]:
    closes, place = [points[0][1]], 0
    for midnight in range((points[0][0] // _DAY_S + 1) * _DAY_S, now_s + 1, _DAY_S):
        while place + 1 < len(points) and points[place + 1][0] <= midnight:
            place += 1
        closes.append(points[place][1])
    daily = [after / before - 1.0 for before, after in pairwise(closes)]
    mean = sum(daily) / len(daily)
    deviation = math.sqrt(sum((one - mean) ** 2 for one in daily) / (len(daily) - 1))
    downside = math.sqrt(sum(min(one, 0.0) ** 2 for one in daily) / len(daily))
    peak, deepest = closes[0], 0.0
    for close in closes:
        peak = max(peak, close)
        deepest = max(deepest, 1.0 - close / peak)
    annual = (closes[-1] / closes[0]) ** (_YEAR_DAYS / len(daily)) - 1.0
    found = {
        "volatility": deviation * math.sqrt(_YEAR_DAYS),
        "sharpe": mean / deviation * math.sqrt(_YEAR_DAYS),
        "sortino": mean / downside * math.sqrt(_YEAR_DAYS),
        "calmar": annual / deepest,
    }
    return found | {
        f"return_{days}": points[-1][1] / closes[-1 - days] - 1.0 for days in (7, 30, 90, 180) if days < len(closes)
    }


def _trips(fills: Sequence[PlainFill]) -> list[_Trip]:
    opened: dict[int, PlainFill] = {}
    trips = []
    for fill in fills:
        first = opened.pop(fill.instrument, None)
        if first is None:
            opened[fill.instrument] = fill
            continue
        net = -first.qty * first.px - fill.qty * fill.px - first.cost - fill.cost
        turnover = abs(first.qty) * first.px + abs(fill.qty) * fill.px
        trips.append(_Trip(first.at_ms, fill.at_ms, net, turnover, fill.instrument))
    return trips


def _of_trips(trips: Sequence[_Trip], began_s: int, now_s: int) -> dict[str, float]:
    won, lost = [trip.net for trip in trips if trip.net > 0], [trip.net for trip in trips if trip.net < 0]
    turned: defaultdict[int, float] = defaultdict(float)
    for trip in trips:
        turned[trip.instrument] += trip.turnover
    held_s = sum(trip.closed_ms - trip.opened_ms for trip in trips) / 1000
    return {
        "closed": len(trips),
        "win_ratio": len(won) / len(trips),
        "win_mean": sum(won) / len(won),
        "loss_mean": sum(lost) / len(lost),
        "profit_factor": sum(won) / -sum(lost),
        "expectancy": sum(trip.net for trip in trips) / len(trips),
        "held_s_mean": held_s / len(trips),
        "trades_a_day": len(trips) / ((now_s - began_s) / _DAY_S),
        "concentration": max(turned.values()) / sum(turned.values()),
    }
