"""Queries of the replication hot path: session in, values out. Rows travel as arrays, one statement per step."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any

from psycopg.types.json import Jsonb
from sqlalchemy import text

from copydesk.db import TenantSession, array_literal
from copydesk.kernel import ZERO
from copydesk.replication.model import Book, Follower, Planned, SignalFact
from copydesk.trading import OrderType, Side, SizingMode, SubscriptionState

_NEXT_DUE = text(
    """
    SELECT s.id, s.strategy_id, s.symbol, s.px, s.position_before, s.position_after, s.leader_equity, s.venue_at,
           s.qty = s.cum_qty AS first_of_order, strategy.status = 'live' AS strategy_live
    FROM delivery d JOIN signal s ON s.tenant_id = d.tenant_id AND s.id = d.signal_id
    JOIN strategy ON strategy.tenant_id = s.tenant_id AND strategy.id = s.strategy_id
    WHERE d.shard = :shard AND d.drained_at IS NULL ORDER BY d.signal_id LIMIT 1
    """
)

# Three plain reads joined in memory: as one statement PostgreSQL, without fresh statistics, joins them row by row.
_SUBSCRIPTIONS = text(
    """
    SELECT s.id, s.account_id, s.state, a.status = 'active', s.sizing_mode, s.sizing_value, s.allocation
    FROM subscription s JOIN account a ON a.tenant_id = s.tenant_id AND a.id = s.account_id
    WHERE s.strategy_id = :strategy_id AND a.shard = :shard AND s.created_at <= :venue_at
    ORDER BY s.id
    """
)
_BOOKS = text(
    "SELECT subscription_id, symbol, cost, qty, target_qty, last_signal_id FROM book "
    "WHERE subscription_id = ANY(CAST(:ids AS bigint[]))"
)
_MOVING = text(
    "SELECT subscription_id, symbol, side, sum(qty - cum_qty), sum((qty - cum_qty) * px) FROM copy "
    "WHERE shard = :shard AND status IN ('planned', 'in_flight', 'accepted', 'partially_filled') "
    "GROUP BY subscription_id, symbol, side"
)

# The epoch condition is the fence: a worker that lost its lease stores nothing and therefore sends nothing.
_STORE_COPIES = text(
    """
    WITH fence AS (
        SELECT 1 FROM shard_lease WHERE shard = :shard AND epoch = :epoch FOR SHARE
    ), stored AS (
        INSERT INTO copy (tenant_id, subscription_id, signal_id, account_id, shard, leg, symbol, side, type, qty, px,
                          reduces, client_order_id, status, reason, reason_facts, epoch, planned_at)
        SELECT :tenant_id, c.subscription_id, :signal_id, c.account_id, :shard, :leg, :symbol, :side, :type, c.qty,
               CAST(:px AS numeric), :reduces, c.client_order_id,
               CASE WHEN c.reason IS NULL THEN 'planned' ELSE 'denied' END, c.reason,
               CAST(:facts AS jsonb) -> c.place::text, :epoch, :now
        FROM fence, unnest(
            CAST(:subscription_ids AS bigint[]), CAST(:account_ids AS bigint[]), CAST(:qtys AS numeric[]),
            CAST(:client_order_ids AS text[]), CAST(:reasons AS text[]))
            WITH ORDINALITY AS c(subscription_id, account_id, qty, client_order_id, reason, place)
        ON CONFLICT (tenant_id, signal_id, subscription_id, leg) DO NOTHING
        RETURNING id, client_order_id
    ), moved AS (
        INSERT INTO book (tenant_id, subscription_id, symbol, target_qty, last_signal_id)
        SELECT :tenant_id, t.subscription_id, :symbol, t.target_qty, :signal_id
        FROM fence, unnest(CAST(:subscription_ids AS bigint[]), CAST(:targets AS numeric[]))
            AS t(subscription_id, target_qty)
        ON CONFLICT (tenant_id, subscription_id, symbol) DO UPDATE
        SET target_qty = excluded.target_qty, last_signal_id = excluded.last_signal_id, updated_at = now()
        WHERE book.last_signal_id <= excluded.last_signal_id
    ), drained AS (
        UPDATE delivery SET drained_at = :now FROM fence WHERE shard = :shard AND signal_id = :signal_id AND :last
    )
    SELECT id, client_order_id FROM stored
    """
)


@dataclass(frozen=True)
class DueSignal:
    """A signal that a shard has yet to plan, with the strategy whose followers it concerns.

    A strategy that is not `strategy_live` opens nothing; what its followers hold is still closed.
    """

    strategy_id: int
    strategy_live: bool
    fact: SignalFact


def next_due(session: TenantSession, shard: str) -> DueSignal | None:
    """Return the oldest undrained signal of the shard, or None."""
    row = session.execute(_NEXT_DUE, {"shard": shard}).first()
    if row is None:
        return None
    signal_id, strategy_id, symbol, px, before, after, equity, venue_at, first, live = row
    return DueSignal(strategy_id, live, SignalFact(signal_id, symbol, px, before, after, equity, venue_at, first))


def followers(session: TenantSession, due: DueSignal, shard: str) -> list[Follower]:
    """Return the strategy's subscriptions on this shard that existed when the leader traded."""
    signal = due.fact
    symbol = signal.symbol
    crowd = session.execute(
        _SUBSCRIPTIONS, {"strategy_id": due.strategy_id, "shard": shard, "venue_at": signal.venue_at}
    ).all()
    spent: dict[int, Decimal] = {}
    books: dict[int, tuple[Decimal, Decimal, int]] = {}
    for subscription_id, pair, cost, qty, target, last_signal_id in session.execute(
        _BOOKS, {"ids": array_literal([row[0] for row in crowd])}
    ):
        spent[subscription_id] = spent.get(subscription_id, ZERO) + cost
        if pair == symbol:
            books[subscription_id] = (qty, target, last_signal_id)
    moving: dict[tuple[int, str], Decimal] = {}
    for subscription_id, pair, side, qty, reserved in session.execute(_MOVING, {"shard": shard}):
        # An open in flight may still cost its limit, on whatever pair; a close has no price and costs nothing.
        spent[subscription_id] = spent.get(subscription_id, ZERO) + (reserved or ZERO)
        if pair == symbol:
            moving[subscription_id, side] = qty
    return [
        Follower(
            row[0],
            row[1],
            _STATES[row[2]],
            row[3],
            _MODES[row[4]],
            row[5],
            row[6],
            spent.get(row[0], ZERO),
            _book(books.get(row[0], _NO_BOOK), moving, row[0]),
        )
        for row in crowd
    ]


_STATES = {str(state): state for state in SubscriptionState}
_MODES = {str(mode): mode for mode in SizingMode}
_NO_BOOK = (ZERO, ZERO, 0)


def _book(stored: tuple[Decimal, Decimal, int], moving: dict[tuple[int, str], Decimal], subscription_id: int) -> Book:
    qty, target, last_signal_id = stored
    buying = moving.get((subscription_id, "buy"), ZERO)
    return Book(qty, target, buying, moving.get((subscription_id, "sell"), ZERO), last_signal_id)


_NOBODY = Planned(0, 0, "open", Side.BUY, OrderType.LIMIT, ZERO, None, False, ZERO)


@dataclass(frozen=True, slots=True)
class CopyBatch:
    """Copies of one signal to store together; the `last` batch of a signal marks its delivery drained."""

    shard: str
    epoch: int
    signal: SignalFact
    planned: Sequence[Planned]
    client_order_ids: Sequence[str]
    now: datetime
    last: bool


def store_copies(session: TenantSession, batch: CopyBatch) -> dict[str, int] | None:
    """Store copies, move book targets and drain the delivery, all in this transaction.

    Returns the new copies' ids by client order id; copies that were stored before are not in it.
    None means that the fence is closed: another worker took the shard over and nothing was stored.
    """
    planned = batch.planned
    # The copies of one signal are alike in everything but whose they are and how much.
    alike = planned[0] if planned else _NOBODY
    params: dict[str, Any] = {
        "tenant_id": session.tenant_id,
        "shard": batch.shard,
        "epoch": batch.epoch,
        "signal_id": batch.signal.id,
        "symbol": batch.signal.symbol,
        "now": batch.now,
        "last": batch.last,
        "leg": alike.leg,
        "side": str(alike.side),
        "type": str(alike.type),
        "px": next((p.px for p in planned if p.px is not None), None),
        "reduces": alike.reduces,
        "subscription_ids": array_literal([p.subscription_id for p in planned]),
        "account_ids": array_literal([p.account_id for p in planned]),
        "qtys": array_literal([p.qty for p in planned]),
        "client_order_ids": array_literal(batch.client_order_ids),
        "reasons": array_literal([p.denial for p in planned]),
        "facts": Jsonb({str(place): p.facts for place, p in enumerate(planned, start=1) if p.facts}),
        "targets": array_literal([p.target_qty for p in planned]),
    }
    stored = {client_order_id: copy_id for copy_id, client_order_id in session.execute(_STORE_COPIES, params)}
    if not stored and not _owns(session, shard=batch.shard, epoch=batch.epoch):
        return None
    return stored


def _owns(session: TenantSession, *, shard: str, epoch: int) -> bool:
    query = text("SELECT 1 FROM shard_lease WHERE shard = :shard AND epoch = :epoch")
    return session.execute(query, {"shard": shard, "epoch": epoch}).scalar() is not None


_MARK_STORED = text("UPDATE delivery SET stored_at = :at WHERE signal_id = :signal_id AND shard = :shard")


def mark_stored(session: TenantSession, *, shard: str, signal_id: int, at: datetime) -> None:
    """Note when the copies of a delivery were committed."""
    session.execute(_MARK_STORED, {"shard": shard, "signal_id": signal_id, "at": at})
