"""How a strategy's signals fanned out: per signal and in all, how many copied, how fast, at what price, and why not.

Read-only, and in aggregate: no follower is in it.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any, NamedTuple

from sqlalchemy import RowMapping, text
from sqlalchemy.orm import Session

from copydesk.replication.counted import counted
from copydesk.studio.capacity import Capacity, FannedOut, capacity_of
from copydesk.studio.crowd import Crowd

ROWS_A_PAGE = 15
SIGNALS_MOST = 200


class _Window(NamedTuple):
    """How many signals are looked at of a strategy with many followers: `copies` in all, `least` signals at least."""

    least: int
    copies: int

    def signals(self, copying: int) -> int:
        return max(self.least, min(SIGNALS_MOST, self.copies // max(copying, 1)))


# What a strategy can take is told by those alone that open.
_OF_WHOLE, _OF_CAPACITY = _Window(10, 10_000), _Window(40, 20_000)
_NOTHING_TO_DO = ["nothing_to_reduce", "order_already_copied", "below_one_step", "carried"]

# What a lane planned together was copied at the leader's average price of it all (`replication.burst`).
_CHOSEN = """
chosen AS MATERIALIZED (SELECT *, CAST(px AS float8) AS own_px FROM signal WHERE strategy_id = :id AND cum_qty > 0
                        AND (CAST(:before AS bigint) IS NULL OR id < :before) ORDER BY id DESC LIMIT :most),
burst AS MATERIALIZED (
    SELECT joined_into, shard,
           CAST((sum(e.px * e.moved) + max(s.px * s.moved)) / nullif(sum(e.moved) + max(s.moved), 0) AS float8) AS px
    FROM (SELECT id, tenant_id, px, abs(position_after - position_before) AS moved FROM chosen) AS s
    JOIN delivery d ON d.tenant_id = s.tenant_id AND d.joined_into = s.id
    JOIN (SELECT id, tenant_id, px, abs(position_after - position_before) AS moved FROM signal) AS e
         ON e.tenant_id = d.tenant_id AND e.id = d.signal_id
    GROUP BY joined_into, shard
)
"""
# The copies of one chosen signal. Signal by signal: for all of them PostgreSQL would rather read every copy there is.
_COPIES = f"""
    SELECT c.reason, c.cum_qty > 0 AS filled, c.cum_qty, c.qty, c.allocation, c.reduces, c.avg_px,
           c.status IN ('denied', 'filled', 'canceled', 'rejected', 'expired') AS final,
           date_part('epoch', c.acked_at - chosen.venue_at) * 1000 AS ack_ms,
           CASE WHEN c.cum_qty > 0 AND coalesce(burst.px, own_px) > 0
                THEN (CASE c.side WHEN 'buy' THEN 1 ELSE -1 END)
                     * (CAST(c.avg_px AS float8) / coalesce(burst.px, own_px) - 1) * 10000 END AS bps
    FROM copy c LEFT JOIN burst ON burst.joined_into = chosen.id AND burst.shard = c.shard
    WHERE c.tenant_id = chosen.tenant_id AND c.signal_id = chosen.id AND c.leg IN ('open', 'close') AND {counted("c")}
    OFFSET 0
"""  # noqa: S608 - a condition of ours
_FIGURES = """
    count(*) AS copies,
    count(*) FILTER (WHERE final AND filled) AS done,
    count(*) FILTER (WHERE final AND (reason IS NULL OR reason <> ALL (:nothing_to_do))) AS expected,
    count(*) FILTER (WHERE final AND filled AND cum_qty < qty) AS partial,
    count(*) FILTER (WHERE NOT final) AS in_flight,
    round(percentile_cont(0.5) WITHIN GROUP (ORDER BY ack_ms))::bigint AS latency_ms_p50,
    round(percentile_cont(0.95) WITHIN GROUP (ORDER BY ack_ms))::bigint AS latency_ms_p95,
    round((percentile_cont(0.5) WITHIN GROUP (ORDER BY bps))::numeric, 2) AS slippage_bps_p50,
    round((percentile_cont(0.95) WITHIN GROUP (ORDER BY bps))::numeric, 2) AS slippage_bps_p95,
    array_agg(reason) FILTER (WHERE reason IS NOT NULL) AS reasons
"""
_PAGE = text(
    f"""
    WITH {_CHOSEN}
    SELECT chosen.id AS signal_id, symbol, side, qty, px, venue_at, leader_leverage AS leverage, tally.*
    FROM chosen CROSS JOIN LATERAL (SELECT {_FIGURES} FROM ({_COPIES}) AS copied) AS tally
    ORDER BY chosen.id DESC
    """  # noqa: S608 - parts of ours
)
_WHOLE = text(
    f"""
    WITH {_CHOSEN}
    SELECT (SELECT count(*) FROM chosen) AS signals, {_FIGURES}
    FROM (SELECT copied.* FROM chosen CROSS JOIN LATERAL ({_COPIES}) AS copied) AS copied
    """  # noqa: S608 - parts of ours
)
# Of trades after which the leader holds nothing no copy opens anything.
_OPENED = text(
    f"""
    WITH {_CHOSEN}
    SELECT opened.* FROM chosen CROSS JOIN LATERAL (
        SELECT count(*) AS copies, CAST(sum(allocation) AS float8) AS allocation,
               CAST(sum(cum_qty * avg_px) AS float8) AS notional,
               percentile_cont(0.5) WITHIN GROUP (ORDER BY bps) AS bps
        FROM ({_COPIES}) AS copied WHERE bps IS NOT NULL AND NOT reduces
    ) AS opened
    WHERE position_after <> 0 AND opened.allocation > 0
    """  # noqa: S608 - parts of ours
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


def whole_report(session: Session, strategy_id: int, crowd: Crowd, *, bound_bps: int) -> Whole:
    """Sum up the copies of a strategy's last signals; `bound_bps` is the slippage at which the strategy is full."""
    bound = {"id": strategy_id, "before": None, "nothing_to_do": _NOTHING_TO_DO}
    row = session.execute(_WHOLE, {**bound, "most": _OF_WHOLE.signals(crowd.copying)}).mappings().one()
    rows = session.execute(_OPENED, {**bound, "most": _OF_CAPACITY.signals(crowd.copying)})
    opened = [FannedOut(*row) for row in rows]
    capacity = capacity_of(opened, bound_bps=bound_bps, now=crowd.allocated)
    return Whole(row["signals"], _fanned(row), _reasons(row["reasons"]), capacity)


def _fanned(row: RowMapping) -> Fanned:
    """Read the figures; a signal that nobody had to copy has none."""
    values: dict[str, Any] = {name: (row[name] or 0) if name in _COUNTS else row[name] for name in _NAMES}
    return Fanned(**values)


def _reasons(told: Sequence[str] | None) -> tuple[tuple[str, int], ...]:
    """Count each copy's reason, the most frequent first."""
    return tuple(sorted(Counter(told or ()).items(), key=lambda one: (-one[1], one[0])))
