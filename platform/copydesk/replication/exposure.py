"""What every subscription holds and has earned, for whoever watches over it: all at once, then what has changed.

A subscription is worth its allocation, the cash of its books, and what they hold at the market's price. Nothing else of
the account counts: coins and positions of its owner are not the copy's.
"""

from __future__ import annotations

from collections.abc import Collection
from decimal import Decimal
from typing import NamedTuple

from sqlalchemy import text

from copydesk.db import TenantSession, number_array
from copydesk.trading import PositionSide, SubscriptionState

_SUBSCRIPTIONS = """
    SELECT s.id, s.strategy_id, s.account_id, a.shard, s.state, s.allocation
    FROM subscription s JOIN account a ON a.tenant_id = s.tenant_id AND a.id = s.account_id
    WHERE s.state <> 'ended' {which} ORDER BY s.id
"""
_BOOKS = """
    SELECT b.subscription_id, b.symbol, b.position_side, b.qty, b.cost, b.cash
    FROM book b JOIN subscription s ON s.tenant_id = b.tenant_id AND s.id = b.subscription_id
    WHERE s.state <> 'ended' AND (b.qty <> 0 OR b.cash <> 0) {which} ORDER BY 1, 2, 3
"""
_SOME = "AND s.id = ANY(CAST(:ids AS bigint[]))"
_ALL_SUBSCRIPTIONS, _ALL_BOOKS = text(_SUBSCRIPTIONS.format(which="")), text(_BOOKS.format(which=""))
_THESE_SUBSCRIPTIONS, _THESE_BOOKS = text(_SUBSCRIPTIONS.format(which=_SOME)), text(_BOOKS.format(which=_SOME))


class HeldBook(NamedTuple):
    """One book: signed quantity in base units, cost at entry without a sign, and cash, in quote currency."""

    symbol: str
    position_side: PositionSide
    qty: Decimal
    cost: Decimal
    cash: Decimal


class Exposure(NamedTuple):
    """One subscription with its books; `shard` names its exchange and lane."""

    subscription_id: int
    strategy_id: int
    account_id: int
    shard: str
    state: SubscriptionState
    allocation: Decimal
    books: tuple[HeldBook, ...]


def read_exposures(session: TenantSession, subscription_ids: Collection[int] | None = None) -> list[Exposure]:
    """Return every subscription of the brand that has not ended, or those of the given ones, with their books."""
    ids = {} if subscription_ids is None else {"ids": number_array(sorted(subscription_ids))}
    subscriptions, books = (_THESE_SUBSCRIPTIONS, _THESE_BOOKS) if ids else (_ALL_SUBSCRIPTIONS, _ALL_BOOKS)
    held: dict[int, list[HeldBook]] = {}
    for owner, symbol, side, qty, cost, cash in session.execute(books, ids):
        held.setdefault(owner, []).append(HeldBook(symbol, PositionSide(side), qty, cost, cash))
    return [
        Exposure(number, strategy, account, shard, SubscriptionState(state), allocation, tuple(held.get(number, ())))
        for number, strategy, account, shard, state, allocation in session.execute(subscriptions, ids)
    ]
