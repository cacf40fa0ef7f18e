"""Resting orders as rows: what a lane has to look at, how far each is ahead of the leader's, and whom to wake."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal
from typing import NamedTuple

from sqlalchemy import RowMapping, text

from copydesk.db import TenantSession, array_literal
from copydesk.kernel import ZERO
from copydesk.replication.resting import LeaderTerms, Rest, RestState
from copydesk.trading import TERMINAL, Denial, OrderStatus, OrderType, PositionSide, Side

LOOKED_AT_MAX = 2_000

# Fills of the leader's order as far as this lane has planned them, and what all revisions of ours were filled.
_DRAINED = """
    coalesce((SELECT max(g.cum_qty) FROM signal g
              JOIN delivery d ON d.tenant_id = g.tenant_id AND d.signal_id = g.id AND d.shard = r.shard
              WHERE g.tenant_id = o.tenant_id AND g.account_id = o.account_id AND g.symbol = o.symbol
                AND g.venue_order_id IN (o.venue_order_id, o.placed_id) AND d.drained_at IS NOT NULL), 0)
"""
_GOT = """
    coalesce((SELECT sum(f.cum_qty) FROM copy f WHERE f.tenant_id = r.tenant_id AND f.signal_id = o.signal_id
              AND f.subscription_id = r.subscription_id AND f.leg LIKE 'rest-%'), 0)
"""
_LIVE_OF = """
    WITH live AS (
        SELECT r.*, o.signal_id, o.strategy_id, o.status AS leader_status, o.qty AS leader_qty,
               o.cum_qty AS leader_cum_qty, o.px AS leader_px, o.trigger_px AS leader_trigger_px, o.closes_all,
               o.account_id AS leader_account_id, o.venue_order_id AS leader_order, o.placed_id,
               {drained} AS drained, {got} AS got
        FROM resting_order r
        JOIN leader_order o ON o.tenant_id = r.tenant_id AND o.id = r.leader_order_id
        WHERE r.shard = :shard AND r.state <> 'done'
    ), ahead AS (
        SELECT subscription_id, symbol, position_side,
               sum(CASE side WHEN 'buy' THEN 1 ELSE -1 END
                   * (got - base_qty - ratio * greatest(drained - from_qty, 0))) AS qty
        FROM live GROUP BY 1, 2, 3
    )
"""

_LIVE = _LIVE_OF.format(drained=_DRAINED, got=_GOT)

_DUE_OF = """{live}
    SELECT live.*, c.cum_qty, c.status AS copy_status, c.venue_order_id, c.planned_at, c.acked_at,
           coalesce(l.qty, 0) AS position, coalesce(b.qty, 0) AS book_qty, coalesce(b.target_qty, 0) AS target_qty,
           ahead.qty AS ahead_qty, fill.px AS fill_px, fill.venue_at AS filled_at,
           live.leader_cum_qty > 0 AND EXISTS (
               SELECT 1 FROM order_delivery y WHERE y.tenant_id = live.tenant_id AND y.shard = live.shard
               AND y.leader_order_id = live.leader_order_id) AS stirred,
           EXISTS (SELECT 1 FROM copy m WHERE m.tenant_id = live.tenant_id AND m.shard = live.shard
                   AND m.subscription_id = live.subscription_id AND m.symbol = live.symbol
                   AND m.position_side = live.position_side AND m.leg NOT LIKE 'rest-%'
                   AND m.status IN ('planned', 'in_flight', 'accepted', 'partially_filled'))
           OR EXISTS (SELECT 1 FROM delivery d JOIN signal g ON g.tenant_id = d.tenant_id AND g.id = d.signal_id
                      WHERE d.tenant_id = live.tenant_id AND d.shard = live.shard AND d.drained_at IS NULL
                        AND g.strategy_id = live.strategy_id AND g.symbol = live.symbol) AS moving,
           s.allocation, a.status = 'active' AS usable,
           a.status = 'active' AND s.copies = 'orders' AND CASE WHEN live.reduces
               THEN s.state <> 'ended' AND NOT (s.state = 'ending' AND s.end_mode <> 'manage_until_exit')
                    AND NOT (s.state IN ('disarmed', 'out_of_sync')
                             AND coalesce(s.state_reason, '') IN ('stopped_by_switch', 'stopped_by_owner'))
               ELSE s.state IN ('synced', 'catching_up') AND t.status IN ('live', 'probation') AND a.key_denial IS NULL
                    AND NOT EXISTS (
                    SELECT 1 FROM door d WHERE d.tenant_id = live.tenant_id AND d.subscription_id = s.id
                    AND d.symbol = live.symbol AND d.position_side = live.position_side) END AS kept
    FROM live
    JOIN subscription s ON s.tenant_id = live.tenant_id AND s.id = live.subscription_id
    JOIN account a ON a.tenant_id = live.tenant_id AND a.id = live.account_id
    JOIN strategy t ON t.tenant_id = live.tenant_id AND t.id = live.strategy_id
    JOIN ahead ON ahead.subscription_id = live.subscription_id AND ahead.symbol = live.symbol
              AND ahead.position_side = live.position_side
    LEFT JOIN leader_book l ON l.tenant_id = live.tenant_id AND l.strategy_id = live.strategy_id
         AND l.symbol = live.symbol AND l.position_side = live.position_side
    LEFT JOIN book b ON b.tenant_id = live.tenant_id AND b.subscription_id = live.subscription_id
         AND b.symbol = live.symbol AND b.position_side = live.position_side
    LEFT JOIN copy c ON c.tenant_id = live.tenant_id AND c.id = live.copy_id
    LEFT JOIN LATERAL (
        SELECT g.px, g.venue_at FROM signal g
        WHERE g.tenant_id = live.tenant_id AND g.account_id = live.leader_account_id AND g.symbol = live.symbol
          AND g.venue_order_id IN (live.leader_order, live.placed_id) AND g.cum_qty > 0 ORDER BY g.id DESC LIMIT 1
    ) AS fill ON true
    WHERE live.look_at <= :now OR (live.reduces AND b.updated_at > live.at) OR EXISTS (
        SELECT 1 FROM order_delivery y WHERE y.tenant_id = live.tenant_id AND y.shard = live.shard
        AND y.leader_order_id = live.leader_order_id)
    ORDER BY live.reduces DESC, live.at, live.subscription_id LIMIT :most
"""
_AHEAD_OF = "{live} SELECT subscription_id, symbol, position_side, qty FROM ahead WHERE qty <> 0"
_DUE = text(_DUE_OF.format(live=_LIVE))
_AHEAD = text(_AHEAD_OF.format(live=_LIVE))

_RECALL = text(
    """
    UPDATE resting_order SET look_at = now() WHERE subscription_id = ANY(CAST(:ids AS bigint[])) AND state <> 'done'
    RETURNING shard
    """
)
_RECALL_OPENS = text(
    "UPDATE resting_order SET look_at = now() WHERE state <> 'done' AND NOT reduces AND look_at > now() RETURNING shard"
)
_RELEASE = text(
    "UPDATE resting_order SET look_at = now(), reason = :reason WHERE subscription_id = :id AND state <> 'done'"
)
_TAKE_BACK = text(
    "UPDATE resting_order SET look_at = now(), reason = NULL "
    "WHERE subscription_id = :id AND state <> 'done' AND reason = :reason"
)

# One book of one subscription.
BookKey = tuple[int, str, str]


def due_rests(session: TenantSession, *, shard: str, now: datetime) -> list[Rest]:
    """Return the resting orders of a lane that may want a step now: exits first, then who has waited for longest."""
    rows = session.execute(_DUE, {"shard": shard, "now": now, "most": LOOKED_AT_MAX}).mappings()
    return [_rest(row) for row in rows]


def ahead_of_leader(session: TenantSession, shard: str) -> dict[BookKey, Decimal]:
    """Return by book how much more is held than if resting orders were filled exactly as the leader's.

    Signed: a short is below zero, so a follower who sold short more than the leader's part is below zero too.
    """
    rows = session.execute(_AHEAD, {"shard": shard})
    return {(subscription_id, symbol, side): qty for subscription_id, symbol, side, qty in rows}


def recall_orders(session: TenantSession, *subscription_ids: int) -> list[str]:
    """Have lanes look at subscriptions' resting orders at once: they cancel those that are not wanted any more.

    To be called with every change of what a subscription may open or close; returns the shards to wake.
    """
    if not subscription_ids:
        return []
    return sorted(set(session.execute(_RECALL, {"ids": array_literal(sorted(subscription_ids))}).scalars()))


def recall_opens(session: TenantSession) -> set[str]:
    """Have lanes look at every resting order of the brand that opens, at once; returns the shards to wake."""
    return set(session.execute(_RECALL_OPENS).scalars())


def release_orders(session: TenantSession, subscription_id: int) -> int:
    """Let a subscription's resting orders end before the leader's do, and return how many have not ended yet.

    Each is canceled and brought to its book's target; what the leader's order fills after that is copied as fills.
    """
    keys = {"id": subscription_id, "reason": str(Denial.ORDERS_RECALLED)}
    return int(session.execute(_RELEASE, keys).rowcount)  # type: ignore[attr-defined]


def keep_orders(session: TenantSession, subscription_id: int) -> None:
    """Take a release back, of orders that have not ended by it yet."""
    session.execute(_TAKE_BACK, {"id": subscription_id, "reason": str(Denial.ORDERS_RECALLED)})


class Marks(NamedTuple):
    """What changes of a resting order's row with a step; `looked` tells that the exchange has shown it."""

    state: RestState
    look_at: datetime | None
    looks: int = 0
    reason: str | None = None
    looked: bool = False


def _rest(row: RowMapping) -> Rest:
    closing = -1 if row["side"] == Side.BUY else 1
    leader = LeaderTerms(
        OrderStatus(row["leader_status"]),
        row["leader_qty"],
        row["leader_cum_qty"],
        row["leader_px"],
        row["leader_trigger_px"],
        row["closes_all"],
        abs(row["position"]),
        row["fill_px"],
        row["filled_at"],
    )
    held = max(row["book_qty"] * closing, ZERO)
    same = (
        "subscription_id",
        "strategy_id",
        "account_id",
        "leader_order_id",
        "signal_id",
        "symbol",
        "reduces",
        "revision",
        "ratio",
    )
    rest = ("from_qty", "base_qty", "qty", "px", "trigger_px", "next_qty", "next_px", "copy_id", "client_order_id")
    more = ("reason", "looks", "look_at", "proof_at", "drained", "got", "venue_order_id", "planned_at", "acked_at")
    return Rest(
        **{
            name: row[name]
            for name in (
                *same,
                *rest,
                *more,
                "moving",
                "kept",
                "stirred",
                "usable",
                "target_qty",
                "allocation",
                "book_qty",
            )
        },
        position_side=PositionSide(row["position_side"]),
        side=Side(row["side"]),
        type=OrderType(row["type"]),
        state=RestState(row["state"]),
        leader=leader,
        cum_qty=row["cum_qty"] or ZERO,
        told=row["copy_status"] is None or OrderStatus(row["copy_status"]) in TERMINAL,
        limited=row["reason_facts"],
        held=held,
        as_if_held=max((row["book_qty"] - row["ahead_qty"]) * closing, ZERO),
    )
