"""Closing books at once on behalf of risk: outside of lanes, under their fences, and counting what they have under way.

A stop changes its subscriptions first, and with them the brand's crowd version: from then on no lane stores an order
that was planned before (`deliveries`), so that what is read next of copies and intents is all there is. Orders are
stored as perhaps sent: should whoever stops end before their answers, the lane asks the exchange about them.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import NamedTuple

from sqlalchemy import text

from copydesk.db import TenantSession, array_literal, number_array
from copydesk.kernel import ZERO
from copydesk.replication.crossing import mark_stored
from copydesk.replication.dispatch import Dispatch
from copydesk.replication.margin_modes import told_mode
from copydesk.replication.rest_rows import recall_orders
from copydesk.replication.stop_orders import HeldNow, Market, Remainder, StopOrder, stop_order
from copydesk.trading import SubscriptionState

# A subscription that is ending goes on ending; one that ended has no books.
_HALT = text(
    """
    UPDATE subscription SET state = CASE WHEN state = 'ending' THEN state ELSE :state END, state_reason = :reason
    WHERE id = ANY(CAST(:ids AS bigint[])) AND state <> 'ended' RETURNING id
    """
)
_PAUSE = text(
    """
    UPDATE subscription SET state = 'paused', state_reason = :reason
    WHERE id = ANY(CAST(:ids AS bigint[])) AND state IN ('synced', 'catching_up', 'out_of_sync')
    """
)
_FENCE = text("SELECT epoch FROM shard_lease WHERE shard = :shard FOR SHARE")
# Of a perpetual, what is executed is held, told in full or not; on spot the fee may still be taken off it. What
# reduces and is on its way is being closed already.
_HELD = text(
    """
    SELECT b.subscription_id, s.account_id, s.allocation, b.symbol, b.position_side,
           b.qty + coalesce(moving.untold, 0) AS qty, b.last_signal_id AS signal_id, l.last_px AS px,
           coalesce(moving.qty, 0) AS closing, coalesce(moving.stops, 0) AS stops,
           moving.refused_at IS NOT NULL AND EXISTS (
               SELECT 1 FROM protective_stop p WHERE p.tenant_id = b.tenant_id
               AND p.subscription_id = b.subscription_id AND p.symbol = b.symbol AND p.position_side = b.position_side
               AND p.state IN ('placing', 'resting', 'canceling')
               AND (p.verified_at IS NULL OR p.verified_at < moving.refused_at)) AS guarded,
           u.margin_mode
    FROM book b
    JOIN subscription s ON s.tenant_id = b.tenant_id AND s.id = b.subscription_id
    JOIN account a ON a.tenant_id = s.tenant_id AND a.id = s.account_id
    LEFT JOIN account_setup u ON u.tenant_id = a.tenant_id AND u.account_id = a.id AND u.symbol = b.symbol
    LEFT JOIN leader_book l ON l.tenant_id = s.tenant_id AND l.strategy_id = s.strategy_id AND l.symbol = b.symbol
         AND l.position_side = b.position_side
    LEFT JOIN LATERAL (
        SELECT sum(c.qty - CASE WHEN strpos(c.symbol, ':') > 0 THEN c.cum_qty ELSE coalesce(told.qty, 0) END) FILTER (
                   WHERE c.reduces AND c.leg NOT LIKE 'rest-%'
                   AND c.status IN ('planned', 'in_flight', 'accepted', 'partially_filled')) AS qty,
               sum(CASE c.side WHEN 'buy' THEN 1 ELSE -1 END * (c.cum_qty - coalesce(told.qty, 0))) FILTER (
                   WHERE strpos(c.symbol, ':') > 0
                   AND c.status IN ('planned', 'in_flight', 'accepted', 'partially_filled')) AS untold,
               count(*) FILTER (WHERE c.leg LIKE 'stop-%') AS stops,
               max(c.acked_at) FILTER (WHERE c.leg LIKE 'stop-%' AND c.reason = 'nothing_to_reduce') AS refused_at
        FROM copy c LEFT JOIN LATERAL (
            SELECT sum(f.qty) AS qty FROM copy_fill f WHERE f.tenant_id = c.tenant_id AND f.copy_id = c.id) AS told
            ON true
        WHERE c.tenant_id = b.tenant_id AND c.subscription_id = b.subscription_id AND c.symbol = b.symbol
          AND c.position_side = b.position_side
          AND (c.signal_id = b.last_signal_id
               OR (c.shard = :shard AND c.status IN ('planned', 'in_flight', 'accepted', 'partially_filled')))
    ) AS moving ON true
    WHERE b.subscription_id = ANY(CAST(:ids AS bigint[])) AND a.shard = :shard
      AND b.qty + coalesce(moving.untold, 0) <> 0
    ORDER BY b.subscription_id, b.symbol, b.position_side
    """
)
_INTENTS = text(
    "SELECT s.symbol, s.position_side, d.intents FROM delivery d "
    "JOIN signal s ON s.tenant_id = d.tenant_id AND s.id = d.signal_id WHERE d.shard = :shard AND d.intents IS NOT NULL"
)
_AIM = text(
    "UPDATE book SET target_qty = 0, carried_qty = 0, carried_at = NULL, updated_at = now() "
    "WHERE subscription_id = ANY(CAST(:ids AS bigint[]))"
)
_STORE = text(
    """
    INSERT INTO copy (tenant_id, subscription_id, signal_id, account_id, shard, leg, symbol, position_side, side, type,
                      qty, reduces, client_order_id, status, reason, reason_facts, epoch, planned_at, next_check_at,
                      proof_at, wanted_qty, allocation, book_qty, bound)
    SELECT :tenant_id, o.subscription_id, o.signal_id, o.account_id, :shard, o.leg, o.symbol, o.position_side, o.side,
           'market', o.qty, true, o.client_order_id, 'in_flight', NULL, NULL, :epoch, :now, :proof_at, :proof_at,
           o.wanted_qty, o.allocation, o.book_qty, o.bound
    FROM unnest(CAST(:subscription_ids AS bigint[]), CAST(:signal_ids AS bigint[]), CAST(:account_ids AS bigint[]),
                CAST(:legs AS text[]), CAST(:symbols AS text[]), CAST(:position_sides AS text[]),
                CAST(:sides AS text[]), CAST(:qtys AS numeric[]), CAST(:client_order_ids AS text[]),
                CAST(:wanted_qtys AS numeric[]), CAST(:allocations AS numeric[]), CAST(:book_qtys AS numeric[]),
                CAST(:bounds AS text[]))
        AS o(subscription_id, signal_id, account_id, leg, symbol, position_side, side, qty, client_order_id, wanted_qty,
             allocation, book_qty, bound)
    ON CONFLICT (tenant_id, signal_id, subscription_id, leg) DO NOTHING
    RETURNING id, client_order_id
    """
)

_Key = tuple[int, str, str]


@dataclass(frozen=True)
class Halt:
    """Whom a stop concerns on one lane, and what they become: `state`, because of `reason`.

    `proof_at` is from when on "no such order" is proof that an order of the stop was never sent: whoever stops sends
    nothing after it.
    """

    shard: str
    subscription_ids: Sequence[int]
    state: SubscriptionState
    reason: str
    now: datetime
    proof_at: datetime

    @property
    def ids(self) -> dict[str, str]:
        """Return whom it concerns, as a parameter of statements."""
        return {"ids": number_array(sorted(self.subscription_ids))}


class Stopping(NamedTuple):
    """The orders of a stop on one lane, stored under `epoch`, and the books that it made none for."""

    epoch: int
    batch: Sequence[Dispatch]
    left: Sequence[Remainder]


def soft_stop(session: TenantSession, subscription_ids: Sequence[int], reason: str) -> None:
    """Open nothing any more for these subscriptions, and go on closing with the leader, until their owner resumes."""
    session.execute(_PAUSE, {"ids": number_array(sorted(subscription_ids)), "reason": reason})
    recall_orders(session, *subscription_ids)


def stop_books(session: TenantSession, halt: Halt, market: Market) -> Stopping:
    """Open nothing any more for these subscriptions, and store an order for each of their books that is not closing.

    Called again while books are still held, it stores the next order for those whose last one has ended. Send what it
    returns after the commit, and settle it under its epoch.
    """
    epoch = _halted(session, halt)
    under_way = _intended(session, halt.shard)
    orders: list[StopOrder] = []
    left: list[Remainder] = []
    for row in session.execute(_HELD, {**halt.ids, "shard": halt.shard}):
        closing = row.closing + under_way[row.subscription_id, row.symbol, row.position_side]
        told = dict(row._mapping) | {"closing": closing, "margin_mode": told_mode(row.margin_mode)}
        found = stop_order(session.tenant_id, HeldNow(**told), market)
        if isinstance(found, Remainder):
            left.append(found)
        else:
            orders.append(found)
    batch = mark_stored(session, halt.shard, _store(session, halt, epoch, orders)) if orders else []
    return Stopping(epoch, batch, left)


def _halted(session: TenantSession, halt: Halt) -> int:
    """Change the subscriptions, take back what rests and aim their books at nothing; return the lane's epoch."""
    session.execute(_HALT, {**halt.ids, "state": str(halt.state), "reason": halt.reason})
    epoch = session.execute(_FENCE, {"shard": halt.shard}).scalar() or 0
    recall_orders(session, *halt.subscription_ids)
    session.execute(_AIM, halt.ids)
    return epoch


def adopt_orders(session: TenantSession, halt: Halt, orders: Sequence[StopOrder]) -> tuple[int, frozenset[str]]:
    """Store what a stop has sent from memory; where no answer is known, the lane asks the exchange what became of it.

    Returns the lane's epoch, and the client order ids of those that nobody had stored before.
    """
    epoch = _halted(session, halt)
    stored = _store(session, halt, epoch, orders) if orders else []
    return epoch, frozenset(item.request.client_order_id for item in stored)


_COLUMNS = (
    *("subscription_id", "signal_id", "account_id", "leg", "symbol", "position_side", "side", "qty"),
    *("client_order_id", "wanted_qty", "allocation", "book_qty", "bound"),
)


def _store(session: TenantSession, halt: Halt, epoch: int, orders: Sequence[StopOrder]) -> list[Dispatch]:
    columns = {f"{name}s": array_literal([getattr(order, name) for order in orders]) for name in _COLUMNS}
    params = {
        "tenant_id": session.tenant_id,
        "shard": halt.shard,
        "epoch": epoch,
        "now": halt.now,
        "proof_at": halt.proof_at,
        **columns,
    }
    ids = {cid: copy_id for copy_id, cid in session.execute(_STORE, params)}
    return [
        Dispatch(ids[order.client_order_id], order.account_id, order.request())
        for order in orders
        if order.client_order_id in ids
    ]


def _intended(session: TenantSession, shard: str) -> defaultdict[_Key, Decimal]:
    """Return what a lane is just closing by intents that no copies were made of yet."""
    closing: defaultdict[_Key, Decimal] = defaultdict(lambda: ZERO)
    for symbol, position_side, intents in session.execute(_INTENTS, {"shard": shard}):
        for leg in intents["legs"]:
            if leg["alike"]["reduces"]:
                for subscription_id, qty in _sent(leg["columns"]):
                    closing[subscription_id, symbol, position_side] += qty
    return closing


def _sent(columns: Mapping[str, str]) -> Iterator[tuple[int, Decimal]]:
    ids, qtys = (columns[name].strip("{}").split(",") for name in ("subscription_ids", "qtys"))
    return ((int(number), Decimal(qty)) for number, qty in zip(ids, qtys, strict=True))
