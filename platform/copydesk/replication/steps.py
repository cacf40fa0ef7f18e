"""Orders that a lane makes of its own accord, for one subscription: stored behind the same fence as every copy."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple

from psycopg.types.json import Jsonb
from sqlalchemy import text

from copydesk.db import TenantSession
from copydesk.replication.dispatch import Dispatch
from copydesk.replication.margin_modes import told_mode
from copydesk.replication.model import Planned
from copydesk.replication.orders import copy_digest, order_request
from copydesk.trading import PositionSide
from copydesk.venues import VenueTraits, client_order_id

# The book is only moved where the copy is new, so that a repeat changes nothing.
_STORE = text(
    """
    WITH stored AS (
        INSERT INTO copy (tenant_id, subscription_id, signal_id, account_id, shard, leg, symbol, position_side, side,
                          type, qty, px, reduces, client_order_id, status, epoch, planned_at, wanted_qty, allocation,
                          book_qty, bound, reason_facts)
        SELECT :tenant_id, :subscription_id, :signal_id, :account_id, :shard, :leg, :symbol, :position_side, :side,
               :type, :qty, CAST(:px AS numeric), :reduces, :cid, 'planned', :epoch, :now, :wanted_qty, :allocation,
               :book_qty, :bound, CAST(:facts AS jsonb)
        FROM (SELECT 1 FROM shard_lease WHERE shard = :shard AND epoch = :epoch FOR SHARE) AS fence
        WHERE :reduces OR EXISTS (SELECT 1 FROM subscription WHERE id = :subscription_id
                                  AND state IN ('synced', 'catching_up') FOR SHARE)
        ON CONFLICT (tenant_id, signal_id, subscription_id, leg) DO NOTHING
        RETURNING id, (SELECT p.margin_mode FROM account_setup p WHERE p.tenant_id = copy.tenant_id
            AND p.account_id = copy.account_id AND p.symbol = copy.symbol) AS margin_mode
    ), moved AS (
        INSERT INTO book (tenant_id, subscription_id, symbol, position_side, target_qty, last_signal_id)
        SELECT :tenant_id, :subscription_id, :symbol, :position_side, :target_qty, :signal_id FROM stored
        ON CONFLICT (tenant_id, subscription_id, symbol, position_side) DO UPDATE
        SET target_qty = excluded.target_qty, updated_at = now(),
            last_signal_id = greatest(book.last_signal_id, excluded.last_signal_id)
    )
    SELECT id, margin_mode FROM stored
    """
)


@dataclass(frozen=True)
class LaneNow:
    """A lane as its worker has it at this moment: the hold's epoch, what its orders' ids begin with, and the time."""

    tenant_id: int
    shard: str
    epoch: int
    broker_prefix: str
    traits: VenueTraits
    now: datetime


class Step(NamedTuple):
    """One order for one book, unique by (subscription, signal, leg); one that opens names its strategy."""

    signal_id: int
    symbol: str
    position_side: PositionSide
    planned: Planned
    strategy_id: int = 0


def store_step(session: TenantSession, lane: LaneNow, step: Step) -> Dispatch | None:
    """Store an order with its book's new target; None where it exists already or the fence is closed.

    Nor is an open stored for a subscription that has been stopped since it was planned.
    """
    planned = step.planned
    digest = copy_digest(lane.tenant_id, planned.subscription_id, step.signal_id, planned.leg)
    cid = client_order_id(lane.broker_prefix, digest, lane.traits)
    params = {
        "tenant_id": lane.tenant_id,
        "shard": lane.shard,
        "epoch": lane.epoch,
        "now": lane.now,
        "cid": cid,
        "signal_id": step.signal_id,
        "symbol": step.symbol,
        "position_side": str(step.position_side),
        "subscription_id": planned.subscription_id,
        "account_id": planned.account_id,
        "leg": planned.leg,
        "side": str(planned.side),
        "type": str(planned.type),
        "qty": planned.qty,
        "px": planned.px,
        "reduces": planned.reduces,
        "target_qty": planned.target_qty,
        "wanted_qty": planned.wanted_qty,
        "allocation": planned.allocation,
        "book_qty": planned.book_qty,
        "bound": str(planned.bound),
        "facts": Jsonb(planned.facts) if planned.facts else None,
    }
    stored = session.execute(_STORE, params).one_or_none()
    if stored is None:
        return None
    order = order_request(cid, step.symbol, planned, step.position_side, told_mode(stored.margin_mode))
    return Dispatch(stored.id, planned.account_id, order, strategy_id=step.strategy_id)
