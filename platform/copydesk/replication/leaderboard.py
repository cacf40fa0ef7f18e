"""Strategies as a visitor compares them: return beside drawdown, and how faithfully they were copied.

Read-only. Equity is thinned in the database to a few points per slice of time, always keeping each slice's
highest and lowest, so that a drawdown between slices is exact however long the record is.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any, NamedTuple

from sqlalchemy import text
from sqlalchemy.orm import Session

from copydesk.kernel import NotFound
from copydesk.replication.desk import SignalReceipt, recent_signals
from copydesk.replication.stats import drawdowns, return_ratio

WINDOW_DAYS = 90
SIGNALS_JUDGED = 100
SPARK_POINTS_MAX = 60
CHART_POINTS_MAX = 300
RECENT_SIGNALS = 12
_DAY_S = Decimal(86_400)
_RECORD_STEP = Decimal("0.0001")  # Nine seconds, so that the first minutes of a record can be told.

Point = tuple[datetime, Decimal]


@dataclass(frozen=True)
class StrategyCard:
    """One strategy in figures. Ratios are fractions (0.12 is 12 %); money is in the brand's quote currency.

    Return and drawdown look back `WINDOW_DAYS`; copies are judged on the last `SIGNALS_JUDGED` signals.
    `copies_expected` leaves out copies that had nothing to do (a close without a position). `exchange` is the
    trader's, by its venue name; `spot` and `perpetual` tell what was traded so far, `leverage_max` the highest
    leverage set for that.
    """

    id: int
    slug: str
    name: str
    summary: str
    status: str
    trader_name: str
    exchange: str
    spot: bool
    perpetual: bool
    leverage_max: int | None
    started_at: datetime
    record_days: Decimal
    return_ratio: Decimal | None
    drawdown_max_ratio: Decimal | None
    drawdown_now_ratio: Decimal | None
    equity: Decimal | None
    followers: int
    copies_done: int
    copies_expected: int
    success_ratio: Decimal | None
    slippage_bps_p50: Decimal | None
    latency_ms_p50: int | None
    spark: tuple[Point, ...]


class Position(NamedTuple):
    """What the trader holds: quantity in base units, price and worth in quote currency. A short is below zero.

    `leverage` is what the account was last seen set to; None on spot and where it is not known.
    """

    symbol: str
    qty: Decimal
    last_px: Decimal
    notional: Decimal
    leverage: int | None


@dataclass(frozen=True)
class StrategyPage:
    """One strategy with what it holds, its last signals and why copies were skipped (reason, count)."""

    card: StrategyCard
    positions: list[Position]
    recent: list[SignalReceipt]
    followers_by_state: dict[str, int]
    reasons: list[tuple[str, int]]


@dataclass(frozen=True)
class EquityCurve:
    """Points for the chart, oldest first; `drawdown` is the fall from the highest point so far, 0 to 1."""

    at: tuple[datetime, ...]
    equity: tuple[Decimal, ...]
    drawdown: tuple[Decimal, ...]


SORTS: Mapping[str, Callable[[StrategyCard], Decimal | int | None]] = {
    "return": lambda card: card.return_ratio,
    "drawdown": lambda card: None if card.drawdown_max_ratio is None else -card.drawdown_max_ratio,
    "followers": lambda card: card.followers,
    "success": lambda card: card.success_ratio,
}

_CARDS = text("""
SELECT strategy.id, slug, name, summary, strategy.status, display_name AS trader_name, account.venue AS exchange,
       traded.spot, traded.perpetual, traded.leverage_max,
       coalesce((SELECT min(at) FROM equity_point WHERE equity_point.tenant_id = strategy.tenant_id
                 AND strategy_id = strategy.id), strategy.created_at) AS started_at,
       (SELECT count(*) FROM subscription
        WHERE subscription.tenant_id = strategy.tenant_id AND strategy_id = strategy.id
              AND state <> 'ended') AS followers,
       judged.*
FROM strategy
JOIN user_account ON user_account.tenant_id = strategy.tenant_id AND user_account.id = strategy.trader_id
JOIN account ON account.tenant_id = strategy.tenant_id AND account.id = strategy.account_id
CROSS JOIN LATERAL (
    SELECT coalesce(bool_or(strpos(symbol, ':') = 0), false) AS spot,
           coalesce(bool_or(strpos(symbol, ':') > 0), false) AS perpetual, max(leverage) AS leverage_max
    FROM leader_book LEFT JOIN leader_setup USING (tenant_id, strategy_id, symbol)
    WHERE tenant_id = strategy.tenant_id AND strategy_id = strategy.id AND (last_at IS NOT NULL OR leader_book.qty <> 0)
) AS traded
CROSS JOIN LATERAL (
    SELECT count(*) FILTER (WHERE final AND cum_qty > 0) AS copies_done,
           count(*) FILTER (WHERE final AND coalesce(reason, '') <> ALL (:nothing_to_do)) AS copies_expected,
           round((percentile_cont(0.5) WITHIN GROUP (ORDER BY bps))::numeric, 2) AS slippage_bps_p50,
           round(percentile_cont(0.5) WITHIN GROUP (ORDER BY ack_ms))::int AS latency_ms_p50
    FROM (
        SELECT copy.cum_qty, reason, status IN ('denied', 'filled', 'canceled', 'rejected', 'expired') AS final,
               extract(epoch FROM acked_at - venue_at) * 1000 AS ack_ms,
               CASE WHEN copy.cum_qty > 0
                    THEN (CASE copy.side WHEN 'buy' THEN 1 ELSE -1 END) * (avg_px / recent.px - 1) * 10000 END AS bps
        FROM (SELECT tenant_id, id, px, venue_at FROM signal
              WHERE signal.tenant_id = strategy.tenant_id AND signal.strategy_id = strategy.id
              ORDER BY id DESC LIMIT :signals) AS recent
        JOIN copy ON copy.tenant_id = recent.tenant_id AND copy.signal_id = recent.id AND leg IN ('open', 'close')
    ) AS copied
) AS judged
WHERE strategy.status = ANY (:statuses) AND (CAST(:slug AS text) IS NULL OR slug = :slug)
ORDER BY strategy.id
""")

# min and max of an array compare its first element first, so each extreme brings its moment along in one pass.
_POINTS = text("""
SELECT wanted.id AS strategy_id, low, high, opened, closed
FROM unnest(CAST(:ids AS bigint[])) AS wanted (id)
CROSS JOIN LATERAL (
    SELECT CAST(extract(epoch FROM min(at)) AS float8) AS first, CAST(extract(epoch FROM max(at)) + 1 AS float8) AS last
    FROM equity_point WHERE strategy_id = wanted.id AND at >= :since
) AS span
CROSS JOIN LATERAL (
    SELECT slice, min(ARRAY[equity, epoch]) AS low, max(ARRAY[equity, epoch]) AS high,
           min(ARRAY[epoch, equity]) AS opened, max(ARRAY[epoch, equity]) AS closed
    FROM (
        SELECT equity, epoch, width_bucket(CAST(epoch AS float8), first, last, :slices) AS slice
        FROM (SELECT equity, extract(epoch FROM at) AS epoch FROM equity_point
              WHERE strategy_id = wanted.id AND at >= :since) AS point
    ) AS placed
    GROUP BY slice
) AS slices
ORDER BY wanted.id, slice
""")

_POSITIONS = text("""
SELECT symbol, qty, last_px, qty * last_px AS notional, leverage
FROM leader_book LEFT JOIN leader_setup USING (tenant_id, strategy_id, symbol)
WHERE strategy_id = :id AND qty <> 0 ORDER BY abs(qty * last_px) DESC, symbol, position_side
""")

_STATES = text(
    "SELECT state, count(*) AS followers FROM subscription WHERE strategy_id = :id AND state <> 'ended' "
    "GROUP BY state ORDER BY 2 DESC, 1"
)

_REASONS = text("""
SELECT reason, count(*) FROM copy
WHERE signal_id IN (SELECT id FROM signal WHERE strategy_id = :id ORDER BY id DESC LIMIT :signals)
      AND reason IS NOT NULL AND leg IN ('open', 'close')
GROUP BY reason ORDER BY 2 DESC, 1
""")

_NOTHING_TO_DO = ["nothing_to_reduce", "order_already_copied", "below_one_step", "carried"]
_LISTED = ["live", "paused", "suspended"]
_SHOWN = [*_LISTED, "closed"]


@dataclass(frozen=True)
class _Slice:
    """The marking points of one slice of time."""

    points: tuple[Point, ...]
    closed: Point


def strategy_cards(session: Session, *, now: datetime, sort: str = "return") -> list[StrategyCard]:
    """Return every listed strategy, best first by a key of `SORTS`; those without the figure come last."""
    return sort_cards(_read_cards(session, now, statuses=_LISTED, slug=None), sort)


def strategy_page(session: Session, slug: str, *, now: datetime) -> StrategyPage:
    """Return one strategy in full; raises NotFound."""
    cards = _read_cards(session, now, statuses=_SHOWN, slug=slug)
    if not cards:
        raise NotFound("There is no such strategy.")
    which = {"id": cards[0].id}
    return StrategyPage(
        card=cards[0],
        positions=[Position(*row) for row in session.execute(_POSITIONS, which)],
        recent=recent_signals(session, limit=RECENT_SIGNALS, strategy_id=cards[0].id),
        followers_by_state={row.state: row.followers for row in session.execute(_STATES, which)},
        reasons=[(reason, count) for reason, count in session.execute(_REASONS, which | {"signals": SIGNALS_JUDGED})],
    )


def equity_curve(session: Session, slug: str, *, now: datetime) -> EquityCurve:
    """Return the equity of one strategy for its chart; raises NotFound."""
    found = session.execute(
        text("SELECT id FROM strategy WHERE slug = :slug AND status = ANY (:statuses)"),
        {"slug": slug, "statuses": _SHOWN},
    ).scalar_one_or_none()
    if found is None:
        raise NotFound("There is no such strategy.")
    # Up to four points of a slice are kept, so the chart stays within its bound.
    slices = _read_slices(session, [found], now, slices=CHART_POINTS_MAX // 4)[found]
    points = [point for part in slices for point in part.points]
    equities = tuple(equity for _, equity in points)
    return EquityCurve(tuple(at for at, _ in points), equities, tuple(drawdowns(equities)))


def sort_cards(cards: Sequence[StrategyCard], sort: str) -> list[StrategyCard]:
    """Order cards best first; equal ones keep their order, unknown figures come last."""
    key = SORTS[sort]

    def rank(card: StrategyCard) -> tuple[bool, Decimal]:
        value = key(card)
        return (value is None, -Decimal(value or 0))

    return sorted(cards, key=rank)


def _read_cards(session: Session, now: datetime, *, statuses: list[str], slug: str | None) -> list[StrategyCard]:
    bound = {"statuses": statuses, "slug": slug, "signals": SIGNALS_JUDGED, "nothing_to_do": _NOTHING_TO_DO}
    rows = [dict(row) for row in session.execute(_CARDS, bound).mappings()]
    ids = [row["id"] for row in rows]
    slices = _read_slices(session, ids, now, slices=SPARK_POINTS_MAX)
    return [_card(row, slices[row["id"]], now) for row in rows]


def _card(row: dict[str, Any], slices: Sequence[_Slice], now: datetime) -> StrategyCard:
    equities = [equity for part in slices for _, equity in part.points]
    fallen = drawdowns(equities)
    expected = row["copies_expected"]
    record_s = Decimal(max((now - row["started_at"]).total_seconds(), 0))
    return StrategyCard(
        **row,
        record_days=(record_s / _DAY_S).quantize(_RECORD_STEP),
        return_ratio=return_ratio(equities),
        drawdown_max_ratio=max(fallen, default=None),
        drawdown_now_ratio=fallen[-1] if fallen else None,
        equity=equities[-1] if equities else None,
        success_ratio=Decimal(row["copies_done"]) / expected if expected else None,
        spark=tuple(part.closed for part in slices),
    )


def _read_slices(session: Session, ids: list[int], now: datetime, *, slices: int) -> dict[int, list[_Slice]]:
    found: dict[int, list[_Slice]] = defaultdict(list)
    since = now - timedelta(days=WINDOW_DAYS)
    for row in session.execute(_POINTS, {"ids": ids, "since": since, "slices": slices}):
        low, high = (_point(epoch, equity) for equity, epoch in (row.low, row.high))
        opened, closed = (_point(epoch, equity) for epoch, equity in (row.opened, row.closed))
        found[row.strategy_id].append(_Slice(tuple(sorted({opened, low, high, closed})), closed))
    return found


def _point(epoch: Decimal, equity: Decimal) -> Point:
    return datetime.fromtimestamp(0, UTC) + timedelta(microseconds=int(epoch * 1_000_000)), equity
