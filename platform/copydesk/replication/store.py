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
from copydesk.trading import OrderType, PositionSide, Side, SizingMode, SubscriptionState

_NEXT_DUE = text(
    """
    SELECT s.id, s.strategy_id, s.symbol, s.px, s.position_before, s.position_after, s.leader_equity, s.venue_at,
           s.qty = s.cum_qty AS first_of_order, s.position_side, s.leader_leverage,
           strategy.status = 'live' AS strategy_live
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
    "SELECT subscription_id, symbol, position_side, cost, qty, target_qty, last_signal_id FROM book "
    "WHERE subscription_id = ANY(CAST(:ids AS bigint[]))"
)
# Executed and not yet told fill by fill, so not in the book: the last two columns, quantity and value.
_MOVING = text(
    """
    SELECT c.subscription_id, c.symbol, c.position_side, c.side, c.reduces, sum(c.qty - c.cum_qty),
           sum((c.qty - c.cum_qty) * c.px), sum(c.cum_qty - coalesce(told.qty, 0)),
           sum((c.cum_qty - coalesce(told.qty, 0)) * coalesce(c.avg_px, c.px)) FILTER (WHERE NOT c.reduces)
    FROM copy c LEFT JOIN LATERAL (
        SELECT sum(f.qty) AS qty FROM copy_fill f
        WHERE f.tenant_id = c.tenant_id AND f.copy_id = c.id AND c.cum_qty > 0) AS told ON true
    WHERE c.shard = :shard AND c.status IN ('planned', 'in_flight', 'accepted', 'partially_filled')
    GROUP BY c.subscription_id, c.symbol, c.position_side, c.side, c.reduces
    """
)

# The epoch condition is the fence: a worker that lost its lease stores nothing and therefore sends nothing.
_STORE_COPIES = text(
    """
    WITH fence AS (
        SELECT 1 FROM shard_lease WHERE shard = :shard AND epoch = :epoch FOR SHARE
    ), stored AS (
        INSERT INTO copy (tenant_id, subscription_id, signal_id, account_id, shard, leg, symbol, position_side, side,
                          type, qty, px, reduces, client_order_id, status, reason, reason_facts, epoch, planned_at,
                          waits, next_check_at)
        SELECT :tenant_id, c.subscription_id, :signal_id, c.account_id, :shard, :leg, :symbol, :position_side, :side,
               :type, c.qty, CAST(:px AS numeric), :reduces, c.client_order_id,
               CASE WHEN c.reason IS NULL THEN 'planned' ELSE 'denied' END, c.reason,
               CAST(:facts AS jsonb) -> c.place::text, :epoch, :now, c.waits, CASE WHEN c.waits THEN :now END
        FROM fence, unnest(
            CAST(:subscription_ids AS bigint[]), CAST(:account_ids AS bigint[]), CAST(:qtys AS numeric[]),
            CAST(:client_order_ids AS text[]), CAST(:reasons AS text[]), CAST(:waits AS boolean[]))
            WITH ORDINALITY AS c(subscription_id, account_id, qty, client_order_id, reason, waits, place)
        ON CONFLICT (tenant_id, signal_id, subscription_id, leg) DO NOTHING
        RETURNING id, client_order_id
    ), moved AS (
        INSERT INTO book (tenant_id, subscription_id, symbol, position_side, target_qty, last_signal_id)
        SELECT :tenant_id, t.subscription_id, :symbol, :position_side, t.target_qty, :signal_id
        FROM fence, unnest(CAST(:subscription_ids AS bigint[]), CAST(:targets AS numeric[]))
            AS t(subscription_id, target_qty)
        ON CONFLICT (tenant_id, subscription_id, symbol, position_side) DO UPDATE
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
    signal_id, strategy_id, symbol, px, before, after, equity, venue_at, first, position_side, leverage, live = row
    side = PositionSide(position_side)
    fact = SignalFact(signal_id, symbol, px, before, after, equity, venue_at, first, side, leverage)
    return DueSignal(strategy_id, live, fact)


# A subscription's book is found by (symbol, position side); quantities on their way by the side of the order too.
_Place = tuple[str, str]


def followers(session: TenantSession, due: DueSignal, shard: str) -> list[Follower]:
    """Return the strategy's subscriptions on this shard that existed when the leader traded."""
    signal = due.fact
    here: _Place = (signal.symbol, signal.position_side)
    crowd = session.execute(
        _SUBSCRIPTIONS, {"strategy_id": due.strategy_id, "shard": shard, "venue_at": signal.venue_at}
    ).all()
    spent: dict[int, Decimal] = {}
    books: dict[int, _Stored] = {}
    for subscription_id, symbol, position_side, cost, qty, target, last_signal_id in session.execute(
        _BOOKS, {"ids": array_literal([row[0] for row in crowd])}
    ):
        spent[subscription_id] = spent.get(subscription_id, ZERO) + cost
        if (symbol, position_side) == here:
            books[subscription_id] = (qty, target, last_signal_id, cost)
    moving: _Moving = {}
    for subscription_id, symbol, position_side, side, reduces, qty, reserved, untold, paid in session.execute(
        _MOVING, {"shard": shard}
    ):
        # An open in flight may still cost its limit, on whatever pair; a close has no price and costs nothing.
        spent[subscription_id] = spent.get(subscription_id, ZERO) + (reserved or ZERO) + (paid or ZERO)
        if (symbol, position_side) == here:
            moving[subscription_id, side, reduces] = (qty, untold)
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
            _book(books.get(row[0], _NO_BOOK), moving, row[0], perpetual=signal.perpetual),
        )
        for row in crowd
    ]


_STATES = {str(state): state for state in SubscriptionState}
_MODES = {str(mode): mode for mode in SizingMode}
# By subscription, side of the order, and whether it reduces: what is on its way, and what is executed but untold.
_Moving = dict[tuple[int, str, bool], tuple[Decimal, Decimal]]
_Stored = tuple[Decimal, Decimal, int, Decimal]
_NO_BOOK: _Stored = (ZERO, ZERO, 0, ZERO)
_STILL = (ZERO, ZERO)


def _book(stored: _Stored, moving: _Moving, subscription_id: int, *, perpetual: bool) -> Book:
    """Join what is held with what moves.

    Of a perpetual, what is executed is held, told in full or not. On spot the fee may still be taken off it, so there
    it counts as on its way.
    """
    qty, target, last_signal_id, cost = stored
    if not moving:
        return Book(qty, target, ZERO, ZERO, last_signal_id, cost)
    ways = {
        (side, reduces): moving.get((subscription_id, side, reduces), _STILL)
        for side in ("buy", "sell")
        for reduces in (False, True)
    }
    if perpetual:
        qty += sum((untold if side == "buy" else -untold for (side, _), (_, untold) in ways.items()), ZERO)
    left = {way: rest if perpetual else rest + untold for way, (rest, untold) in ways.items()}
    back, off = left["buy", True], left["sell", True]
    return Book(qty, target, left["buy", False] + back, left["sell", False] + off, last_signal_id, cost, back, off)


_NOBODY = Planned(0, 0, "open", Side.BUY, OrderType.LIMIT, ZERO, None, False, ZERO)


@dataclass(frozen=True, slots=True)
class CopyBatch:
    """Copies of one signal and one leg to store together; the `last` batch of a signal marks its delivery drained."""

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
    # The copies of one signal and leg are alike in everything but whose they are and how much.
    alike = planned[0] if planned else _NOBODY
    params: dict[str, Any] = {
        "tenant_id": session.tenant_id,
        "shard": batch.shard,
        "epoch": batch.epoch,
        "signal_id": batch.signal.id,
        "symbol": batch.signal.symbol,
        "position_side": str(batch.signal.position_side),
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
        "waits": array_literal([p.waits for p in planned]),
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
