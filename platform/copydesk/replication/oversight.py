"""What an operator sees of replication: lanes in figures, leaders that cannot be watched, counts. Read-only."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import text

from copydesk.db import TenantSession

_LANES = text(
    """
    SELECT lane.shard, extract(epoch FROM clock_timestamp() - run.at)::int AS reconciled_s,
           extract(epoch FROM clock_timestamp() - coalesce(run.at, books.since))::int AS unchecked_s,
           books.since IS NOT NULL AS busy, waiting.count AS waiting, waiting.s AS waiting_s,
           unknown.count AS unknown, unknown.s AS unknown_s
    FROM (SELECT DISTINCT shard FROM account) AS lane
    LEFT JOIN reconcile_run AS run ON run.shard = lane.shard
    LEFT JOIN (
        SELECT a.shard, min(b.updated_at) AS since FROM book b
        JOIN subscription s ON s.id = b.subscription_id JOIN account a ON a.id = s.account_id
        WHERE b.qty <> 0 GROUP BY a.shard
    ) AS books ON books.shard = lane.shard
    CROSS JOIN LATERAL (
        SELECT count(*), coalesce(extract(epoch FROM clock_timestamp() - min(created_at)), 0)::int AS s
        FROM delivery WHERE shard = lane.shard AND (drained_at IS NULL OR intents IS NOT NULL)
    ) AS waiting
    CROSS JOIN LATERAL (
        SELECT count(*), coalesce(extract(epoch FROM clock_timestamp() - min(planned_at)), 0)::int AS s
        FROM copy WHERE shard = lane.shard AND status IN ('planned', 'in_flight')
    ) AS unknown
    ORDER BY lane.shard
    """
)

_UNWATCHED = text(
    """
    SELECT s.slug, a.id, a.status_reason FROM strategy s JOIN account a ON a.id = s.account_id
    WHERE s.status IN ('probation', 'live', 'paused', 'suspended') AND a.status <> 'active' ORDER BY s.slug
    """
)

_UNSETTLED = text(
    "SELECT (SELECT count(*) FROM delivery WHERE drained_at IS NULL OR intents IS NOT NULL) "
    "+ (SELECT count(*) FROM copy WHERE status IN ('planned', 'in_flight', 'accepted', 'partially_filled') "
    "AND leg NOT LIKE 'rest-%') "
    "+ (SELECT count(*) FROM resting_order WHERE state IN ('placing', 'amending', 'canceling'))"
)
_DENIED = text("SELECT reason, count(*) FROM copy WHERE status = 'denied' GROUP BY reason")
_SIGNALS = text("SELECT count(*) FROM signal WHERE cum_qty > 0")
_OPEN = text(
    """
    SELECT DISTINCT a.venue, a.environment, b.symbol FROM book b
    JOIN subscription s ON s.id = b.subscription_id JOIN account a ON a.id = s.account_id WHERE b.qty <> 0
    """
)


@dataclass(frozen=True)
class LaneFigures:
    """One brand's shard in figures; `unchecked_s` counts from the last reconcile, else from its oldest open book."""

    shard: str
    reconciled_s: int | None
    unchecked_s: int | None
    busy: bool
    waiting: int
    waiting_s: int
    unknown: int
    unknown_s: int


@dataclass(frozen=True)
class UnwatchedLeader:
    """A strategy that nobody can copy at present, since its leader account is unusable; `reason` is a `Denial`."""

    strategy_slug: str
    account_id: int
    reason: str | None


def lane_figures(session: TenantSession) -> list[LaneFigures]:
    """Measure every lane of this brand."""
    return [LaneFigures(**row) for row in session.execute(_LANES).mappings()]


def unwatched_leaders(session: TenantSession) -> list[UnwatchedLeader]:
    """Name the strategies of this brand whose leader accounts the listener has to leave out."""
    return [UnwatchedLeader(*row) for row in session.execute(_UNWATCHED)]


def open_instruments(session: TenantSession) -> list[tuple[str, str, str]]:
    """Name the instruments in which anybody of this brand holds a position: venue, environment, ccxt symbol."""
    return [(venue, environment, symbol) for venue, environment, symbol in session.execute(_OPEN)]


def signal_count(session: TenantSession) -> int:
    """Count the signals of this brand."""
    return int(session.execute(_SIGNALS).scalar_one())


def unsettled_count(session: TenantSession) -> int:
    """Count deliveries and copies of this brand that still wait for something."""
    return int(session.execute(_UNSETTLED).scalar_one())


def denial_counts(session: TenantSession) -> dict[str, int]:
    """Count our own refusals in this brand by reason."""
    return {str(reason): int(count) for reason, count in session.execute(_DENIED)}
