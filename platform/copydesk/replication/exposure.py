"""What every subscription holds and has earned, for whoever watches over it: all at once, then what has changed.

A subscription is worth its allocation, the cash of its books, and what they hold at the market's price. Nothing else of
the account counts: coins and positions of its owner are not the copy's.
"""

from __future__ import annotations

from collections.abc import Collection
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any, NamedTuple

from sqlalchemy import text

from copydesk.db import TenantSession, number_array
from copydesk.replication.margin_modes import PLAIN, told_mode
from copydesk.trading import MarginMode, PositionSide, SubscriptionState

_SUBSCRIPTIONS = """
    SELECT s.id, s.strategy_id, s.account_id, a.shard, s.state, s.allocation, s.state_reason
    FROM subscription s JOIN account a ON a.tenant_id = s.tenant_id AND a.id = s.account_id
    WHERE s.state <> 'ended' {which} ORDER BY s.id
"""
# Of a perpetual, what is executed and not yet told fill by fill is held as well, at the price that is known of it.
_BOOKS = """
    WITH untold AS (
        SELECT c.subscription_id, c.symbol, c.position_side, sum(m.qty) AS qty,
               sum(m.qty * coalesce(c.avg_px, c.px, 0)) AS value
        FROM copy c
        LEFT JOIN LATERAL (SELECT sum(f.qty) AS qty FROM copy_fill f
                           WHERE f.tenant_id = c.tenant_id AND f.copy_id = c.id) AS told ON true
        CROSS JOIN LATERAL (SELECT CASE c.side WHEN 'buy' THEN 1 ELSE -1 END
                                   * (c.cum_qty - coalesce(told.qty, 0)) AS qty) AS m
        WHERE c.status IN ('planned', 'in_flight', 'accepted', 'partially_filled') AND c.cum_qty > 0
          AND strpos(c.symbol, ':') > 0
        GROUP BY 1, 2, 3
    )
    SELECT b.subscription_id, b.symbol, b.position_side, b.qty + coalesce(u.qty, 0) AS qty,
           abs(sign(b.qty) * b.cost + coalesce(u.value, 0)) AS cost, b.cash - coalesce(u.value, 0) AS cash,
           b.last_signal_id, p.margin_mode
    FROM book b JOIN subscription s ON s.tenant_id = b.tenant_id AND s.id = b.subscription_id
    LEFT JOIN untold u ON u.subscription_id = b.subscription_id AND u.symbol = b.symbol
         AND u.position_side = b.position_side
    LEFT JOIN account_setup p ON p.tenant_id = s.tenant_id AND p.account_id = s.account_id AND p.symbol = b.symbol
    WHERE s.state <> 'ended' AND (b.qty <> 0 OR b.cash <> 0 OR u.qty <> 0) {which} ORDER BY 1, 2, 3
"""
_SOME = "AND s.id = ANY(CAST(:ids AS bigint[]))"
_ALL_SUBSCRIPTIONS, _ALL_BOOKS = text(_SUBSCRIPTIONS.format(which="")), text(_BOOKS.format(which=""))
# Books of many subscriptions as one for each instrument, side and direction: what is added up anyway.
_ADDED_UP = text(
    f"""
    SELECT symbol, position_side, sum(qty), sum(cost), sum(cash) FROM ({_BOOKS.format(which=_SOME)}) AS held
    GROUP BY symbol, position_side, sign(qty) ORDER BY 1, 2
    """  # noqa: S608 - ours alone
)
_THESE_SUBSCRIPTIONS, _THESE_BOOKS = text(_SUBSCRIPTIONS.format(which=_SOME)), text(_BOOKS.format(which=_SOME))

_CHANGED = text(
    """
    SELECT 'copy', subscription_id, max(id) FROM copy WHERE id > :copy_id GROUP BY 2
    UNION ALL SELECT 'adjustment', subscription_id, max(id) FROM book_adjustment WHERE id > :adjustment_id GROUP BY 2
    """
)
_MOVING = text(
    "SELECT DISTINCT subscription_id FROM copy "
    "WHERE status IN ('planned', 'in_flight', 'accepted', 'partially_filled') AND leg NOT LIKE 'rest-%'"
)
# Payments are few; what was paid at the very time that was read last may be read twice.
_PAID = text("SELECT subscription_id, max(at) FROM funding_payment WHERE at >= :since GROUP BY 1")
_NOW = text(
    "SELECT coalesce((SELECT max(id) FROM copy), 0), coalesce((SELECT max(id) FROM book_adjustment), 0), "
    "(SELECT max(at) FROM funding_payment)"
)


class HeldBook(NamedTuple):
    """One book: signed quantity in base units, cost at entry without a sign, and cash, in quote currency.

    `signal_id` is the newest signal that was planned into it, `margin_mode` what a perpetual's position is in.
    """

    symbol: str
    position_side: PositionSide
    qty: Decimal
    cost: Decimal
    cash: Decimal
    signal_id: int = 0
    margin_mode: MarginMode = PLAIN


class Exposure(NamedTuple):
    """One subscription with its books; `shard` names its exchange and lane."""

    subscription_id: int
    strategy_id: int
    account_id: int
    shard: str
    state: SubscriptionState
    allocation: Decimal
    books: tuple[HeldBook, ...]
    state_reason: str | None = None


def read_exposures(session: TenantSession, subscription_ids: Collection[int] | None = None) -> list[Exposure]:
    """Return every subscription of the brand that has not ended, or those of the given ones, with their books."""
    ids = {} if subscription_ids is None else {"ids": number_array(sorted(subscription_ids))}
    subscriptions, books = (_THESE_SUBSCRIPTIONS, _THESE_BOOKS) if ids else (_ALL_SUBSCRIPTIONS, _ALL_BOOKS)
    held: dict[int, list[HeldBook]] = {}
    for owner, symbol, side, qty, cost, cash, signal_id, mode in session.execute(books, ids):
        book = HeldBook(symbol, PositionSide(side), qty, cost, cash, signal_id, told_mode(mode))
        held.setdefault(owner, []).append(book)
    return [
        Exposure(
            number, strategy, account, shard, SubscriptionState(state), allocation, tuple(held.get(number, ())), why
        )
        for number, strategy, account, shard, state, allocation, why in session.execute(subscriptions, ids)
    ]


def books_together(session: TenantSession, subscription_ids: Collection[int]) -> tuple[HeldBook, ...]:
    """Return the books of these subscriptions added up: one for each instrument, side and direction."""
    ids = {"ids": number_array(sorted(subscription_ids))}
    rows = session.execute(_ADDED_UP, ids)
    return tuple(HeldBook(symbol, PositionSide(side), qty, cost, cash) for symbol, side, qty, cost, cash in rows)


class Traces(NamedTuple):
    """How far somebody has read of what changes books; those of nobody who has read yet are all zero."""

    copy_id: int = 0
    adjustment_id: int = 0
    funding_at: datetime = datetime(1970, 1, 1, tzinfo=UTC)
    moving: frozenset[int] = frozenset()


def changed_since(session: TenantSession, traces: Traces) -> tuple[set[int], Traces]:
    """Return the subscriptions whose books may have changed since, and the traces to ask with the next time.

    A copy changes its book when it is made and as long as it is not settled, so those are read again until they are.
    """
    ids = {"copy_id": traces.copy_id, "adjustment_id": traces.adjustment_id}
    changed: set[int] = set()
    newest: dict[str, Any] = {}
    for kind, subscription_id, last in session.execute(_CHANGED, ids):
        changed.add(subscription_id)
        newest[kind] = max(newest.get(kind, last), last)
    moving = frozenset(session.execute(_MOVING).scalars())
    read = traces._replace(
        copy_id=int(newest.get("copy", traces.copy_id)),
        adjustment_id=int(newest.get("adjustment", traces.adjustment_id)),
        moving=moving,
    )
    paid, funding_at = _paid_since(session, traces.funding_at)
    return changed | moving | traces.moving | paid, read._replace(funding_at=funding_at)


def traces_now(session: TenantSession) -> Traces:
    """Return the traces of somebody who reads everything after this."""
    copy_id, adjustment_id, funding_at = session.execute(_NOW).one()
    moving = frozenset(session.execute(_MOVING).scalars())
    return Traces(copy_id, adjustment_id, funding_at or Traces().funding_at, moving)


def _paid_since(session: TenantSession, since: datetime) -> tuple[set[int], datetime]:
    rows = session.execute(_PAID, {"since": since}).all()
    return {row[0] for row in rows}, max((row[1] for row in rows), default=since)
