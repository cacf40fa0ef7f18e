"""How a strategy's signals fanned out: per signal and in all, how many copied, how fast, at what price, and why not.

Read-only, and in aggregate: no follower is in it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any

from sqlalchemy import RowMapping, text
from sqlalchemy.orm import Session

from copydesk.studio.capacity import Capacity, FannedOut, capacity_of

ROWS_A_PAGE = 25
# Of a strategy with many followers fewer signals are looked at: so many copies, but never fewer signals than the least.
SIGNALS_LEAST, SIGNALS_MOST, COPIES_JUDGED = 40, 200, 20_000
_NOTHING_TO_DO = ["nothing_to_reduce", "order_already_copied", "below_one_step", "carried"]

# What a lane planned together was copied at the leader's average price of it all (`replication.burst`).
_COPIED = """
chosen AS (SELECT * FROM signal WHERE strategy_id = :id AND cum_qty > 0
           AND (CAST(:before AS bigint) IS NULL OR id < :before) ORDER BY id DESC LIMIT :most),
burst AS MATERIALIZED (
    SELECT joined_into, shard,
           (sum(e.px * e.moved) + max(s.px * s.moved)) / nullif(sum(e.moved) + max(s.moved), 0) AS px
    FROM (SELECT id, tenant_id, px, abs(position_after - position_before) AS moved FROM chosen) AS s
    JOIN delivery d ON d.tenant_id = s.tenant_id AND d.joined_into = s.id
    JOIN (SELECT id, tenant_id, px, abs(position_after - position_before) AS moved FROM signal) AS e
         ON e.tenant_id = d.tenant_id AND e.id = d.signal_id
    GROUP BY joined_into, shard
),
priced AS (
    SELECT c.signal_id, c.status, c.reason, c.cum_qty, c.qty, c.allocation, c.reduces, c.side, c.avg_px,
           c.status IN ('denied', 'filled', 'canceled', 'rejected', 'expired') AS final,
           CAST(extract(epoch FROM c.acked_at - chosen.venue_at) * 1000 AS float8) AS ack_ms,
           CAST(coalesce(burst.px, chosen.px) AS float8) AS leader_px
    FROM chosen JOIN copy c ON c.tenant_id = chosen.tenant_id AND c.signal_id = chosen.id AND c.leg IN ('open', 'close')
    LEFT JOIN burst ON burst.joined_into = c.signal_id AND burst.shard = c.shard
),
copied AS MATERIALIZED (
    SELECT *, CASE WHEN cum_qty > 0 AND leader_px > 0
                   THEN (CASE side WHEN 'buy' THEN 1 ELSE -1 END) * (CAST(avg_px AS float8) / leader_px - 1) * 10000
              END AS bps
    FROM priced
)
"""
_FIGURES = """
    count(*) AS copies,
    count(*) FILTER (WHERE final AND cum_qty > 0) AS done,
    count(*) FILTER (WHERE final AND coalesce(reason, '') <> ALL (:nothing_to_do)) AS expected,
    count(*) FILTER (WHERE final AND cum_qty > 0 AND cum_qty < qty) AS partial,
    count(*) FILTER (WHERE NOT final) AS in_flight,
    round(percentile_cont(0.5) WITHIN GROUP (ORDER BY ack_ms))::bigint AS latency_ms_p50,
    round(percentile_cont(0.95) WITHIN GROUP (ORDER BY ack_ms))::bigint AS latency_ms_p95,
    round((percentile_cont(0.5) WITHIN GROUP (ORDER BY bps))::numeric, 2) AS slippage_bps_p50,
    round((percentile_cont(0.95) WITHIN GROUP (ORDER BY bps))::numeric, 2) AS slippage_bps_p95
"""
_PAGE = text(
    f"""
    WITH {_COPIED}, tally AS MATERIALIZED (SELECT signal_id AS of, {_FIGURES} FROM copied GROUP BY signal_id),
    why AS MATERIALIZED (
        SELECT signal_id, jsonb_object_agg(reason, times) AS reasons FROM (
            SELECT signal_id, reason, count(*) AS times FROM copied WHERE reason IS NOT NULL GROUP BY signal_id, reason
        ) AS counted GROUP BY signal_id
    )
    SELECT chosen.id AS signal_id, symbol, side, qty, px, venue_at, leader_leverage AS leverage, tally.*, why.reasons
    FROM chosen LEFT JOIN tally ON tally.of = chosen.id LEFT JOIN why ON why.signal_id = chosen.id
    ORDER BY chosen.id DESC
    """  # noqa: S608 - parts of ours
)
_WHOLE = text(
    f"""
    WITH {_COPIED}
    SELECT (SELECT count(*) FROM chosen) AS signals, {_FIGURES},
        (SELECT jsonb_object_agg(reason, times) FROM (
            SELECT reason, count(*) AS times FROM copied WHERE reason IS NOT NULL GROUP BY reason) AS why) AS reasons,
        (SELECT jsonb_agg(jsonb_build_array(copies, allocation, notional, bps)) FROM (
            SELECT count(*) AS copies, sum(allocation) AS allocation, sum(cum_qty * avg_px) AS notional,
                   percentile_cont(0.5) WITHIN GROUP (ORDER BY bps) AS bps
            FROM copied WHERE bps IS NOT NULL AND NOT reduces GROUP BY signal_id HAVING sum(allocation) > 0
        ) AS opened) AS opened
    FROM copied
    """  # noqa: S608 - parts of ours
)
_COPYING = text(
    "SELECT count(*), coalesce(sum(allocation), 0) FROM subscription WHERE strategy_id = :id AND state <> 'ended'"
)


@dataclass(frozen=True, slots=True)
class Fanned:
    """What became of copies. `expected` leaves out those with nothing to do; `partial` ones count as done.

    Times are from the exchange's time of the leader's trade to the exchange's answer to the copy; slippage above zero
    is worse than the leader's price. None is what no copy tells yet.
    """

    copies: int
    done: int
    expected: int
    partial: int
    in_flight: int
    latency_ms_p50: int | None
    latency_ms_p95: int | None
    slippage_bps_p50: Decimal | None
    slippage_bps_p95: Decimal | None

    @property
    def ratio(self) -> Decimal | None:
        """Return how much of what was to be copied was; None where nothing was."""
        return Decimal(self.done) / self.expected if self.expected else None


@dataclass(frozen=True, slots=True)
class SignalLine:
    """One trade of the leader and what became of its copies; `reasons` are why some were not made, and how many."""

    signal_id: int
    symbol: str
    side: str
    qty: Decimal
    px: Decimal
    leverage: int | None
    venue_at: datetime
    fanned: Fanned
    reasons: tuple[tuple[str, int], ...]


@dataclass(frozen=True, slots=True)
class Report:
    """One page of signals, the newest first; `before` leads to the next, None on the last."""

    lines: tuple[SignalLine, ...]
    before: int | None


@dataclass(frozen=True, slots=True)
class Whole:
    """What became of the copies of the last `signals` trades in all, and what that says of the strategy's capacity."""

    signals: int
    fanned: Fanned
    reasons: tuple[tuple[str, int], ...]
    capacity: Capacity


_NAMES = tuple(Fanned.__dataclass_fields__)
_COUNTS = ("copies", "done", "expected", "partial", "in_flight")
_LINE = ("signal_id", "symbol", "side", "qty", "px", "leverage", "venue_at")


def signal_report(session: Session, strategy_id: int, *, before: int | None = None) -> Report:
    """Return one page of a strategy's signals; `before` is that of the page above."""
    bound = {"id": strategy_id, "before": before, "most": ROWS_A_PAGE + 1, "nothing_to_do": _NOTHING_TO_DO}
    rows = session.execute(_PAGE, bound).mappings().all()
    lines = tuple(
        SignalLine(**{name: row[name] for name in _LINE}, fanned=_fanned(row), reasons=_reasons(row["reasons"]))
        for row in rows[:ROWS_A_PAGE]
    )
    return Report(lines, lines[-1].signal_id if len(rows) > ROWS_A_PAGE else None)


def whole_report(session: Session, strategy_id: int, *, bound_bps: int) -> Whole:
    """Sum up the copies of a strategy's last signals; `bound_bps` is the slippage at which the strategy is full."""
    copying, allocation = session.execute(_COPYING, {"id": strategy_id}).one()
    most = max(SIGNALS_LEAST, min(SIGNALS_MOST, COPIES_JUDGED // max(copying, 1)))
    bound = {"id": strategy_id, "before": None, "most": most, "nothing_to_do": _NOTHING_TO_DO}
    row = session.execute(_WHOLE, bound).mappings().one()
    opened = [FannedOut(int(copies), float(a), float(n), float(bps)) for copies, a, n, bps in row["opened"] or ()]
    capacity = capacity_of(opened, bound_bps=bound_bps, now=Decimal(allocation))
    return Whole(row["signals"], _fanned(row), _reasons(row["reasons"]), capacity)


def allocated(session: Session, strategy_id: int) -> Decimal:
    """Return what followers allocate to a strategy now, in quote currency."""
    return Decimal(session.execute(_COPYING, {"id": strategy_id}).one()[1])


def _fanned(row: RowMapping) -> Fanned:
    """Read the figures; a signal that nobody had to copy has none."""
    values: dict[str, Any] = {name: (row[name] or 0) if name in _COUNTS else row[name] for name in _NAMES}
    return Fanned(**values)


def _reasons(counted: Mapping[str, int] | None) -> tuple[tuple[str, int], ...]:
    return tuple(sorted((counted or {}).items(), key=lambda one: (-one[1], one[0])))
