"""A subscription that goes over from copying fills to copying orders, or back.

To orders it goes at once. Back it goes only when none of its orders rests any more: a fill of the leader's is either
asked for by a resting order or copied by itself, and which of the two must not be in doubt for any fill.
"""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import text

from copydesk.db import TenantSession
from copydesk.replication.lifecycle import Act, allow
from copydesk.replication.rest_rows import keep_orders, release_orders
from copydesk.trading import CopyMode

_SET = text("UPDATE subscription SET copies = :copies WHERE id = :id")
_SHARD = text(
    "SELECT a.shard FROM subscription s JOIN account a ON a.tenant_id = s.tenant_id AND a.id = s.account_id "
    "WHERE s.id = :id"
)
# What rests at the leader's exchange now is looked at as if it had just changed.
_DELIVER = text(
    """
    INSERT INTO order_delivery (tenant_id, leader_order_id, shard, version)
    SELECT o.tenant_id, o.id, CAST(:shard AS text), o.version
    FROM leader_order o JOIN subscription s ON s.tenant_id = o.tenant_id AND s.strategy_id = o.strategy_id
    WHERE s.id = :id AND o.status IN ('accepted', 'partially_filled')
    ON CONFLICT (tenant_id, leader_order_id, shard) DO UPDATE SET due_at = least(order_delivery.due_at, now())
    """
)


@dataclass(frozen=True)
class Changeover:
    """How far a subscription has gone over: `resting` orders have yet to end, 0 once it copies as was asked.

    Wake `shard`, so that it goes on at once.
    """

    subscription_id: int
    shard: str
    resting: int

    @property
    def done(self) -> bool:
        return self.resting == 0


def switch_copies(session: TenantSession, subscription_id: int, mode: CopyMode) -> Changeover:
    """Go over to copying fills or orders. To be called again until it is `done`; asking twice changes nothing.

    To fills, all that rests is recalled first, exits as well, and copies of orders go on until the last has ended.
    Raises NotFound, or InvalidInput for a subscription that is ending.
    """
    allow(session, subscription_id, Act.SWITCH)
    shard = str(session.execute(_SHARD, {"id": subscription_id}).scalar_one())
    # Under the lock of the subscription's row: no order begins to be mirrored meanwhile.
    resting = release_orders(session, subscription_id) if mode is CopyMode.FILLS else 0
    if not resting:
        session.execute(_SET, {"id": subscription_id, "copies": str(mode)})
    if mode is CopyMode.ORDERS:
        keep_orders(session, subscription_id)
        session.execute(_DELIVER, {"id": subscription_id, "shard": shard})
    return Changeover(subscription_id, shard, resting)
