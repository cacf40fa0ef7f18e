"""Fixed values of strategies in figures for `/_patterns`: every state of a row, a page and a comparison."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

from copydesk.analytics import FIGURES, Style, Unit, Year
from copydesk.analytics.flags import Flag
from copydesk.analytics.score import WEIGHTS, Gate, Gates, Part
from copydesk.performance.closed import ClosedPage, ClosedPosition
from copydesk.performance.model import Adjusted, BoardRow, Breakdown, PastStrategy, Position, ScorePart
from copydesk.performance.page import Compared, EquityCurve, Exposure, FollowerTruth, StrategyStanding
from copydesk.replication.desk import SignalReceipt
from copydesk.web.public.compare import groups_of as compared_groups
from copydesk.web.public.figures import groups_of, histogram_of
from copydesk.web.public.lines import lines_of

D = Decimal
_SPARK = (100, 101, 103, 102, 106, 104, 107, 111, 109, 108, 112, 115, 113, 117, 116, 119, 118, 121, 120, 124)
_POINTS = {
    Part.RISK_ADJUSTED: 71.0,
    Part.FOLLOWERS: 58.0,
    Part.DRAWDOWN: 91.0,
    Part.LENGTH: 25.8,
    Part.OWN_STAKE: 100.0,
    Part.FIDELITY: None,
    Part.POPULARITY: 5.0,
}
_BY_UNIT = {
    Unit.RATIO: 0.1268,
    Unit.MONEY: 1240.5,
    Unit.DAYS: 94.0,
    Unit.SECONDS: 15_840.0,
    Unit.COUNT: 41,
    Unit.TIMES: 1.84,
    Unit.BPS: 0.6,
    Unit.MS: 84,
}
_UNTOLD = frozenset({"return_180", "return_365"})
_LOSSES = {"loss_mean": -86.2, "floating": -112.4, "tracking_difference": -0.0121, "return_7": -0.0083}
_HISTOGRAM = ((-1.0, -0.3, 0), (-0.3, -0.1, 2), (-0.1, 0.0, 9), (0.0, 0.1, 21), (0.1, 0.3, 12), (0.3, 1.0, 3))


def sample_rows(now: datetime) -> list[BoardRow]:
    """Return a row of each kind: ranked, too young, remarked and moved by the site, behind a gate, without figures."""
    row = _row(now)
    young = replace(
        row,
        id=2,
        slug="young",
        name="First week",
        record_days=D("6.2"),
        closed=4,
        too_early=True,
        place=None,
        score=None,
        gates=(Gate.RECORD_TOO_SHORT, Gate.TOO_FEW_CLOSED),
        return_ratio=None,
        return_30=None,
        return_90=None,
        return_all=None,
        follower_return=None,
        risk=None,
    )
    fallen = replace(
        row,
        id=3,
        slug="fallen",
        name="Rough month",
        return_ratio=D("-0.083"),
        equity=D("9170.00"),
        place=7,
        score=D("41.05"),
        risk=8,
        follower_return=D("-0.0412"),
        flags={Flag.MARTINGALE: {"share": 0.31, "size_up": 2.4}, Flag.HIDDEN_LOSS: {"share": 0.087}},
        adjusted=Adjusted(7, "Two of its accounts belong to the same person.", now - timedelta(days=3)),
    )
    empty = replace(
        young,
        id=4,
        slug="new",
        name="Not yet traded",
        record_days=D(0),
        closed=0,
        spark=(),
        drawdown_max_ratio=None,
        drawdown_now_ratio=None,
        equity=None,
        success_ratio=None,
        slippage_bps_p50=None,
        latency_ms_p50=None,
    )
    return [row, young, fallen, empty]


def strategy_values(cards: list[BoardRow], recent: list[SignalReceipt], now: datetime) -> dict[str, Any]:
    """Return what the parts of a strategy's page and of a comparison show."""
    page, curve = _page(cards[2], recent, now), _curve(now)
    other = replace(curve, index=tuple(2 - value for value in curve.index))
    figures = dict(page.figures)
    compared = [Compared(cards[0], figures), Compared(cards[2], figures | {"sortino": 0.61, "return_all": -0.083})]
    return {
        "page": page,
        "curve": curve,
        "gates": Gates(),
        "groups": groups_of(page, "USDT"),
        "histogram": histogram_of(page.truth),
        "closed": _closed(now),
        "compared": [one.row.name for one in compared],
        "compared_groups": compared_groups(compared, "USDT")[:1],
        "lines": lines_of([("Sample strategy", curve), ("Rough month", other)]),
    }


def _row(now: datetime) -> BoardRow:
    spark = tuple((now - timedelta(hours=len(_SPARK) - number), D(value) / 100) for number, value in enumerate(_SPARK))
    return BoardRow(
        id=1,
        slug="sample",
        name="Sample strategy",
        summary="Buys strength in liquid coins and sells when it fades.",
        status="live",
        trader_name="Sample Trader",
        exchange="okx",
        spot=True,
        perpetual=True,
        leverage_max=5,
        started_at=now - timedelta(days=94),
        record_days=D("94.1"),
        return_ratio=D("0.2412"),
        drawdown_max_ratio=D("0.0815"),
        drawdown_now_ratio=D("0.0121"),
        equity=D("12412.00"),
        followers=50,
        copies_done=4_312,
        copies_expected=4_480,
        success_ratio=D("0.9625"),
        slippage_bps_p50=D("0.6"),
        latency_ms_p50=84,
        spark=spark,
        return_30=D("0.0611"),
        return_90=D("0.2412"),
        return_all=D("0.2503"),
        score=D("68.42"),
        score_version="1.sample",
        place=1,
        points=_POINTS,
        risk=4,
        style=Style.DAY,
        follower_return=D("0.1871"),
        too_early=False,
        min_allocation=D(120),
        closed=41,
        symbols=("BTC/USDT", "ETH/USDT:USDT"),
        as_of=now - timedelta(seconds=30),
    )


def _page(row: BoardRow, recent: list[SignalReceipt], now: datetime) -> StrategyStanding:
    figures = {name: _BY_UNIT[meaning.unit] for name, meaning in FIGURES.items() if name not in _UNTOLD} | _LOSSES
    months = tuple(None if month in (0, 11) else (month - 4) / 100 for month in range(12))
    return StrategyStanding(
        row=row,
        figures=figures,
        score=_breakdown(),
        truth=FollowerTruth(50, 47, -0.0121, 0.0587, 0.1432, 0.766, -0.0121, _HISTOGRAM),
        monthly=(Year(now.year, months, 0.2412), Year(now.year - 1, (*[None] * 10, -0.0211, 0.0302), 0.0085)),
        positions=(
            Position("BTC/USDT:USDT", D("-0.5"), D("64210.12"), D("-32105.06"), 5),
            Position("ETH/USDT", D("4.2"), D("2511.84"), D("10549.73"), None),
        ),
        exposure=Exposure(D("42654.79"), D("-21555.33"), D("3.44")),
        recent=tuple(recent),
        followers_by_state={"synced": 41, "catching_up": 5, "out_of_sync": 1, "paused": 2, "disarmed": 1},
        reasons=(("below_notional_min", 12), ("allocation_spent", 3)),
        lifetime=(
            _past(row.slug, row.name, "live", now, 94),
            _lost(_past("before", "First attempt", "closed", now - timedelta(days=120), 210)),
        ),
    )


def _past(slug: str, name: str, status: str, until: datetime, days: int) -> PastStrategy:
    begun = until - timedelta(days=days)
    ended = None if status == "live" else until
    return PastStrategy(slug, name, status, begun, ended, days, D("-0.083"), D("0.2113"), 41, lost=False)


def _lost(past: PastStrategy) -> PastStrategy:
    """Return the same strategy after all was lost."""
    return past._replace(return_ratio=D(-1), drawdown_max_ratio=D(1), lost=True)


def _breakdown() -> Breakdown:
    whole = sum(WEIGHTS.values())
    parts = tuple(
        ScorePart(part, weight, 0.5, _POINTS[part], weight * (_POINTS[part] or 0) / whole)
        for part, weight in WEIGHTS.items()
    )
    return Breakdown(D("63.68"), 1, 12, parts, (), "1.sample")


def _closed(now: datetime) -> ClosedPage:
    won = ClosedPosition(
        "BTC/USDT:USDT",
        "long",
        D("0.5"),
        D("63102.4"),
        D("64210.12"),
        D("531.61"),
        now - timedelta(hours=9),
        now - timedelta(hours=2),
    )
    lost = won._replace(symbol="ETH/USDT", side="short", net=D("-86.20"), opened_at=now - timedelta(days=3))
    return ClosedPage((won, lost), 1, 3, 41)


def _curve(now: datetime) -> EquityCurve:
    index = tuple(D(value) / 100 for value in _SPARK)
    peaks = [max(index[: number + 1]) for number in range(len(index))]
    return EquityCurve(
        at=tuple(now - timedelta(hours=len(index) - number) for number in range(len(index))),
        equity=tuple(value * 10_000 for value in index),
        index=index,
        drawdown=tuple(1 - value / peak for value, peak in zip(index, peaks, strict=True)),
    )
