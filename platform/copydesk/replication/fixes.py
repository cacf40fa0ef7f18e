"""Corrective closes: a book that holds more than its target asks for is brought down, twice at most per signal.

More means further from zero than the target, or on the other side of it: a short above its target is bought back.
What a follower who is leaving wants closed is not for here (`leaving`).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from decimal import Decimal

from sqlalchemy import text

from copydesk.db import TenantSession
from copydesk.kernel import ZERO
from copydesk.replication.crowd import hold_crowd
from copydesk.replication.dispatch import Dispatch
from copydesk.replication.excess import Excess
from copydesk.replication.minima import closing_bound
from copydesk.replication.model import Planned
from copydesk.replication.rest_rows import ahead_of_leader, recall_orders
from copydesk.replication.set_off import set_off
from copydesk.replication.steps import LaneNow, Step, store_step
from copydesk.trading import Instrument, OrderType, PositionSide, SubscriptionState

FIXES_MAX = 2

_EXCESS = text(
    """
    SELECT b.subscription_id, s.account_id, s.allocation, b.symbol, b.position_side, b.qty, b.target_qty,
           b.last_signal_id AS signal_id, l.last_px AS px,
           (SELECT count(*) FROM copy c WHERE c.subscription_id = b.subscription_id
             AND c.signal_id = b.last_signal_id AND c.leg LIKE 'fix-%') AS fixes
    FROM book b
    JOIN subscription s ON s.tenant_id = b.tenant_id AND s.id = b.subscription_id
    JOIN account a ON a.tenant_id = s.tenant_id AND a.id = s.account_id
    JOIN leader_book l ON l.tenant_id = s.tenant_id AND l.strategy_id = s.strategy_id AND l.symbol = b.symbol
                      AND l.position_side = b.position_side
    WHERE a.shard = :shard AND a.status = 'active' AND b.last_signal_id > 0
      AND s.state <> 'ended' AND (s.state <> 'ending' OR s.end_mode = 'manage_until_exit')
      AND b.qty * sign(b.qty) > b.target_qty * sign(b.qty)
      AND NOT EXISTS (SELECT 1 FROM copy c WHERE c.subscription_id = b.subscription_id AND c.symbol = b.symbol
                      AND c.position_side = b.position_side AND NOT c.waits AND c.leg NOT LIKE 'rest-%'
                      AND c.status IN ('planned', 'in_flight', 'accepted', 'partially_filled'))
    """
)

_MARK = text(
    "UPDATE subscription SET state = :state, state_reason = 'close_failed' WHERE id = :id AND state IN ('synced', "
    "'catching_up')"
)


def store_fixes(
    session: TenantSession,
    lane: LaneNow,
    instruments: Mapping[str, Instrument],
    mark_px: Callable[[str], Decimal | None],
) -> list[Dispatch]:
    """Store one corrective close per book that needs it; a book that two did not mend goes out of sync.

    What books of one account have too much of on opposite sides crosses inside first (`set_off`).
    """
    batch: list[Dispatch] = []
    if session.execute(_EXCESS, {"shard": lane.shard}).first() is None:
        return batch
    hold_crowd(session, changes=True)
    found = list(_excesses(session, lane.shard))
    for excess in set_off(session, found, instruments, mark_px, shard=lane.shard, epoch=lane.epoch):
        instrument = instruments.get(excess.symbol)
        qty = excess.closable_qty(instrument) if instrument else ZERO
        if instrument is None or qty == 0:
            continue
        if excess.fixes >= FIXES_MAX:
            session.execute(_MARK, {"state": SubscriptionState.OUT_OF_SYNC, "id": excess.subscription_id})
            recall_orders(session, excess.subscription_id)
            continue
        dispatch = store_step(session, lane, _fix(excess, qty, instrument))
        batch += [] if dispatch is None else [dispatch]
    return batch


def _fix(excess: Excess, qty: Decimal, instrument: Instrument) -> Step:
    planned = Planned(
        excess.subscription_id,
        excess.account_id,
        f"fix-{excess.fixes + 1}",
        excess.side,
        OrderType.MARKET,
        qty,
        None,
        True,
        excess.target_qty,
        wanted_qty=excess.too_much,
        allocation=excess.allocation,
        book_qty=excess.qty,
        bound=closing_bound(qty, excess.too_much, instrument),
    )
    return Step(excess.signal_id, excess.symbol, excess.position_side, planned)


def _excesses(session: TenantSession, shard: str) -> Iterator[Excess]:
    """Find books above their targets; what a resting order was filled ahead of the leader's is no excess yet."""
    rows = session.execute(_EXCESS, {"shard": shard}).mappings().all()
    ahead = ahead_of_leader(session, shard) if rows else {}
    for row in rows:
        qty = row["qty"] - ahead.get((row["subscription_id"], row["symbol"], row["position_side"]), ZERO)
        yield Excess(**(dict(row) | {"position_side": PositionSide(row["position_side"]), "qty": qty}))
