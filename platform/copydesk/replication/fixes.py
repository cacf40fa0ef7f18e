"""Corrective closes: a book that holds more than its target asks for is brought down, twice at most per signal."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from sqlalchemy import text

from copydesk.db import TenantSession
from copydesk.kernel import floor_to_step
from copydesk.replication.dispatch import Dispatch
from copydesk.replication.inflight import store_fix
from copydesk.replication.model import Planned
from copydesk.replication.orders import copy_digest, order_request
from copydesk.trading import Instrument, OrderType, Side, SubscriptionState
from copydesk.venues import client_order_id

FIXES_MAX = 2

_EXCESS = text(
    """
    SELECT b.subscription_id, s.account_id, b.symbol, b.qty, b.target_qty, b.last_signal_id, l.last_px,
           (SELECT count(*) FROM copy c WHERE c.subscription_id = b.subscription_id
             AND c.signal_id = b.last_signal_id AND c.leg LIKE 'fix-%') AS fixes
    FROM book b
    JOIN subscription s ON s.tenant_id = b.tenant_id AND s.id = b.subscription_id
    JOIN account a ON a.tenant_id = s.tenant_id AND a.id = s.account_id
    JOIN leader_book l ON l.tenant_id = s.tenant_id AND l.strategy_id = s.strategy_id AND l.symbol = b.symbol
    WHERE a.shard = :shard AND a.status = 'active' AND b.qty > b.target_qty AND b.last_signal_id > 0
      AND NOT EXISTS (SELECT 1 FROM copy c WHERE c.subscription_id = b.subscription_id AND c.symbol = b.symbol
                      AND c.status IN ('planned', 'in_flight', 'accepted', 'partially_filled'))
    """
)

_MARK = text(
    "UPDATE subscription SET state = :state, state_reason = 'close_failed' WHERE id = :id AND state IN ('synced', "
    "'catching_up')"
)


@dataclass(frozen=True, slots=True)
class Excess:
    """A book above its target; `fixes` counts corrections already tried for its newest signal."""

    subscription_id: int
    account_id: int
    symbol: str
    qty: Decimal
    target_qty: Decimal
    signal_id: int
    px: Decimal
    fixes: int

    def closable_qty(self, instrument: Instrument) -> Decimal:
        """Return what the exchange would let us sell of the excess; zero when it is only dust."""
        qty = min(floor_to_step(self.qty - self.target_qty, instrument.qty_step), instrument.qty_max)
        sellable = qty >= instrument.qty_min and qty * self.px >= instrument.notional_min
        return qty if sellable else Decimal(0)


def store_fixes(
    session: TenantSession,
    *,
    shard: str,
    epoch: int,
    broker_prefix: str,
    instruments: Mapping[str, Instrument],
    now: datetime,
) -> list[Dispatch]:
    """Store one corrective close per book that needs it; a book that two did not mend goes out of sync."""
    batch = []
    for excess in (Excess(*row) for row in session.execute(_EXCESS, {"shard": shard})):
        instrument = instruments.get(excess.symbol)
        qty = excess.closable_qty(instrument) if instrument else Decimal(0)
        if instrument is None or qty == 0:
            continue
        if excess.fixes >= FIXES_MAX:
            session.execute(_MARK, {"state": SubscriptionState.OUT_OF_SYNC, "id": excess.subscription_id})
            continue
        fix = Planned(
            excess.subscription_id,
            excess.account_id,
            f"fix-{excess.fixes + 1}",
            Side.SELL,
            OrderType.MARKET,
            qty,
            None,
            True,
            excess.target_qty,
        )
        digest = copy_digest(session.tenant_id, excess.subscription_id, excess.signal_id, fix.leg)
        cid = client_order_id(broker_prefix, digest)
        copy_id = store_fix(
            session,
            shard=shard,
            epoch=epoch,
            signal_id=excess.signal_id,
            symbol=excess.symbol,
            fix=fix,
            cid=cid,
            now=now,
        )
        if copy_id is not None:
            batch.append(Dispatch(copy_id, excess.account_id, order_request(cid, instrument.venue_symbol, fix)))
    return batch
