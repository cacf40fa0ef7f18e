"""Closes on an account whose one position is several books together: which of them may be sent as reduce-only.

In one-way mode an exchange keeps one position, the sum of the books of an account and of what its owner trades. Books
on opposite sides cross in it. A reduce-only order that is larger than what is left is refused, though its own book
holds that much: it is sent plain. It is never larger than its book, so it opens nothing that the books do not say.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from decimal import Decimal
from typing import NamedTuple

from sqlalchemy import text

from copydesk.db import Database, TenantSession, array_literal, number_array
from copydesk.kernel import ZERO
from copydesk.replication.dispatch import Dispatch
from copydesk.trading import OrderRequest, PositionSide, Side

# Who else copies onto the accounts of a strategy's followers; none of a lane whose accounts copy one strategy each.
_KIN = text(
    """
    SELECT s.account_id, max(s.id) FILTER (WHERE s.strategy_id = :strategy_id), array_agg(s.id)
    FROM subscription s JOIN account a ON a.tenant_id = s.tenant_id AND a.id = s.account_id
    WHERE a.shard = :shard AND s.state <> 'ended'
    GROUP BY s.account_id HAVING count(*) > 1 AND bool_or(s.strategy_id = :strategy_id)
    """
)
_KIN_OF_COPIES = text(
    """
    SELECT c.id, c.subscription_id, ARRAY(SELECT s.id FROM subscription s WHERE s.tenant_id = c.tenant_id
                                          AND s.account_id = c.account_id AND s.state <> 'ended')
    FROM copy c WHERE c.id = ANY(CAST(:ids AS bigint[]))
    """
)
# What is executed and not told fill by fill is in the exchange's position already; what waits for a close is not sent.
_STAKES = text(
    """
    SELECT b.subscription_id, b.symbol, b.qty, 0 AS buying, 0 AS selling FROM book b
    WHERE b.subscription_id = ANY(CAST(:ids AS bigint[])) AND b.symbol = ANY(CAST(:symbols AS text[]))
      AND b.position_side = 'net' AND b.qty <> 0
    UNION ALL
    SELECT c.subscription_id, c.symbol,
           CASE c.side WHEN 'buy' THEN 1 ELSE -1 END * (c.cum_qty - coalesce(
               (SELECT sum(f.qty) FROM copy_fill f WHERE f.tenant_id = c.tenant_id AND f.copy_id = c.id), 0)),
           CASE c.side WHEN 'buy' THEN c.qty - c.cum_qty ELSE 0 END,
           CASE c.side WHEN 'sell' THEN c.qty - c.cum_qty ELSE 0 END
    FROM copy c
    WHERE c.shard = :shard AND c.account_id = ANY(CAST(:account_ids AS bigint[])) AND c.position_side = 'net'
      AND c.symbol = ANY(CAST(:symbols AS text[])) AND NOT c.waits
      AND c.status IN ('planned', 'in_flight', 'accepted', 'partially_filled')
    """
)


class Stake(NamedTuple):
    """What one book has in its account's position, signed, and what orders of it may still buy and sell."""

    qty: Decimal = ZERO
    buying: Decimal = ZERO
    selling: Decimal = ZERO

    def plus(self, qty: Decimal, buying: Decimal, selling: Decimal) -> Stake:
        """Return the stake with what one more of its orders is, or has done."""
        return Stake(self.qty + qty, self.buying + buying, self.selling + selling)


class Kin(NamedTuple):
    """The subscription that an order is for, and all that copy onto its account, itself included."""

    own: int
    everyone: Sequence[int]


def crosses(side: Side, qty: Decimal, own: Stake, others: Iterable[Stake]) -> bool:
    """Tell whether a close may be larger than its account's position on that side when it arrives. Pure.

    Orders of other books that are on their way to the same side may be executed before it. Those of its own book do
    not count: whatever is planned leaves them out already. Where no other book is in the position it never crosses,
    and the exchange refuses what the owner has closed by hand.
    """
    rest = [stake for stake in others if any(stake)]
    if not rest:
        return False
    net = sum((stake.qty for stake in rest), own.qty)
    if side is Side.SELL:
        return qty > net - sum((stake.selling for stake in rest), ZERO)
    return qty > -net - sum((stake.buying for stake in rest), ZERO)


def read_kin(session: TenantSession, strategy_id: int, shard: str) -> dict[int, Kin]:
    """Return the accounts of a lane that copy this strategy and another one; kept with the crowd (`crowd.Seats`)."""
    rows = session.execute(_KIN, {"strategy_id": strategy_id, "shard": shard})
    return {account_id: Kin(own, everyone) for account_id, own, everyone in rows}


def across(session: TenantSession, shard: str, kin: Mapping[int, Kin], batch: Sequence[Dispatch]) -> Sequence[Dispatch]:
    """Mark the closes of a signal's batch that cross; costs one look, and none where no such account closes."""
    mine = {item.copy_id: kin[item.account_id] for item in batch if item.account_id in kin and may_cross(item.request)}
    return _marked(session, shard, mine, batch) if mine else batch


def across_stored(db: Database, tenant_id: int, shard: str, batch: Sequence[Dispatch]) -> Sequence[Dispatch]:
    """Mark what crosses of copies that are stored already: corrections, second tries, and what is sent again."""
    if not any(may_cross(item.request) for item in batch):
        return batch
    with db.tenant(tenant_id) as session:
        return mark_stored(session, shard, batch)


def mark_stored(session: TenantSession, shard: str, batch: Sequence[Dispatch]) -> Sequence[Dispatch]:
    """Do as `across_stored` in a transaction that is open."""
    ids = [item.copy_id for item in batch if may_cross(item.request)]
    rows = session.execute(_KIN_OF_COPIES, {"ids": number_array(ids)}) if ids else ()
    mine = {copy_id: Kin(own, everyone) for copy_id, own, everyone in rows if {own} < {own, *everyone}}
    return _marked(session, shard, mine, batch) if mine else batch


def may_cross(order: OrderRequest) -> bool:
    """Tell whether this is a close of a perpetual in one-way mode."""
    return order.reduces and order.position_side is PositionSide.NET and ":" in order.symbol


def _marked(session: TenantSession, shard: str, mine: Mapping[int, Kin], batch: Sequence[Dispatch]) -> list[Dispatch]:
    concerned = [item for item in batch if item.copy_id in mine]
    stakes = _stakes(session, shard, concerned, {one for kin in mine.values() for one in kin.everyone})
    marked = []
    for item in batch:
        kin, order = mine.get(item.copy_id), item.request
        if kin is not None:
            own = stakes[kin.own, order.symbol]
            others = [stakes[one, order.symbol] for one in kin.everyone if one != kin.own]
            if crosses(order.side, order.qty, own, others):
                item = item._replace(request=order._replace(crosses=True))
        marked.append(item)
    return marked


def _stakes(
    session: TenantSession, shard: str, batch: Sequence[Dispatch], subscriptions: Collection[int]
) -> defaultdict[tuple[int, str], Stake]:
    params = {
        "shard": shard,
        "ids": number_array(sorted(subscriptions)),
        "account_ids": number_array(sorted({item.account_id for item in batch})),
        "symbols": array_literal(sorted({item.request.symbol for item in batch})),
    }
    stakes: defaultdict[tuple[int, str], Stake] = defaultdict(Stake)
    for subscription_id, symbol, qty, buying, selling in session.execute(_STAKES, params):
        stakes[subscription_id, symbol] = stakes[subscription_id, symbol].plus(qty, buying, selling)
    return stakes
