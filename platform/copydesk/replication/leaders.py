"""What the listener and the relay read and write besides signals: leaders to watch, equity points, due lanes."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal

from sqlalchemy import text

from copydesk.db import TenantSession
from copydesk.replication.intake import Leader

_LEADERS = text(
    """
    SELECT s.tenant_id, s.id, s.account_id, s.created_at, a.egress, a.venue, a.environment
    FROM strategy s JOIN account a ON a.tenant_id = s.tenant_id AND a.id = s.account_id
    WHERE a.status = 'active' AND (s.status IN ('probation', 'live', 'paused', 'suspended')
        OR (s.status = 'closed' AND EXISTS (
            SELECT 1 FROM subscription f
            WHERE f.tenant_id = s.tenant_id AND f.strategy_id = s.id AND f.state <> 'ended')))
    ORDER BY s.id
    """
)

_LAST_TRADE = text("SELECT max(at) FROM execution WHERE account_id = :account_id")

_EQUITY = text(
    "INSERT INTO equity_point (tenant_id, strategy_id, at, equity) VALUES (:tenant_id, :strategy_id, :at, :equity) "
    "ON CONFLICT DO NOTHING"
)

# A lane is due when a delivery waits too long, when a copy in flight or one that waits wants another look, when what a
# worker was about to send has outlived that worker's lease, when one of its subscriptions joins late or is ending, or
# when a resting order wants a look.
_DUE_LANES = text(
    """
    SELECT shard, 'drain' FROM delivery
    WHERE drained_at IS NULL AND created_at < :overdue GROUP BY shard
    UNION ALL
    SELECT d.shard, 'drain' FROM delivery d
    LEFT JOIN shard_lease l ON l.tenant_id = d.tenant_id AND l.shard = d.shard
    WHERE d.intents IS NOT NULL AND (l.shard IS NULL OR l.expires_at < clock_timestamp()) GROUP BY d.shard
    UNION ALL
    SELECT shard, 'reconcile' FROM copy
    WHERE (status IN ('in_flight', 'accepted', 'partially_filled') OR (status = 'planned' AND waits))
      AND next_check_at <= :now GROUP BY shard
    UNION ALL
    SELECT c.shard, 'reconcile' FROM copy c LEFT JOIN shard_lease l ON l.tenant_id = c.tenant_id AND l.shard = c.shard
    WHERE c.status = 'planned' AND (l.shard IS NULL OR l.expires_at < clock_timestamp()) GROUP BY c.shard
    UNION ALL
    SELECT shard, 'reconcile' FROM errand WHERE due_at <= :now GROUP BY shard
    UNION ALL
    SELECT shard, 'reconcile' FROM order_delivery WHERE due_at < :overdue GROUP BY shard
    UNION ALL
    SELECT r.shard, 'reconcile' FROM resting_order r
    LEFT JOIN book b ON b.tenant_id = r.tenant_id AND b.subscription_id = r.subscription_id AND b.symbol = r.symbol
         AND b.position_side = r.position_side
    WHERE r.state <> 'done' AND (r.look_at <= :now OR (r.reduces AND b.updated_at > r.at)) GROUP BY r.shard
    """
)

_BUSY_LANES = text(
    """
    SELECT DISTINCT a.shard FROM book b
    JOIN subscription s ON s.tenant_id = b.tenant_id AND s.id = b.subscription_id
    JOIN account a ON a.tenant_id = s.tenant_id AND a.id = s.account_id
    WHERE b.qty <> 0
    """
)


_LANE_ACCOUNTS = text(
    """
    SELECT a.shard, a.id FROM account a WHERE a.status = 'active'
      AND EXISTS (SELECT 1 FROM subscription s WHERE s.tenant_id = a.tenant_id AND s.account_id = a.id)
    ORDER BY a.shard, a.id
    """
)


def lane_accounts(session: TenantSession) -> dict[str, list[int]]:
    """Return the follower accounts of every lane of this brand, by shard."""
    lanes: dict[str, list[int]] = {}
    for shard, account_id in session.execute(_LANE_ACCOUNTS):
        lanes.setdefault(shard, []).append(account_id)
    return lanes


def live_leaders(session: TenantSession, *, venue: str, environment: str) -> list[Leader]:
    """Return the strategies of this brand whose leader accounts are to be watched on one venue environment.

    A paused or suspended strategy is among them, and a closed one until its last follower has left: what they hold is
    to be closed when the leader closes.
    """
    return [
        Leader(tenant_id, strategy_id, account_id, created_at, egress or "")
        for tenant_id, strategy_id, account_id, created_at, egress, *where in session.execute(_LEADERS)
        if where == [venue, environment]
    ]


def last_trade_at(session: TenantSession, leader: Leader) -> datetime:
    """Return from when a snapshot must read: the newest stored execution, else the strategy's beginning."""
    newest: datetime | None = session.execute(_LAST_TRADE, {"account_id": leader.account_id}).scalar()
    return newest or leader.started_at


def record_equity(session: TenantSession, leader: Leader, *, at: datetime, equity: Decimal) -> None:
    """Add one point to the strategy's equity line, in quote currency."""
    params = {"tenant_id": leader.tenant_id, "strategy_id": leader.strategy_id, "at": at, "equity": equity}
    session.execute(_EQUITY, params)


def due_lanes(session: TenantSession, *, now: datetime, overdue: datetime) -> list[tuple[str, str]]:
    """Return (shard, job) pairs that nobody has handled in time."""
    return [(shard, job) for shard, job in session.execute(_DUE_LANES, {"now": now, "overdue": overdue})]


def busy_lanes(session: TenantSession) -> list[str]:
    """Return the shards that hold open books and therefore want regular reconciling."""
    return list(session.execute(_BUSY_LANES).scalars())
