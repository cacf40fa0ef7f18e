"""What the risk desk shows, on top of the two seeded brands: books, limits, acts, a switch, somebody who watches."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal

import redis
from copydesk.db import Database, TenantSession
from copydesk.kernel import utc_now
from copydesk.marks import MarkWriter
from copydesk.replication import EXCHANGE_STOP
from copydesk.replication.tables import Book, Subscription
from copydesk.risk import Reach, Stops
from copydesk.risk.acts import Act, ActState, Watch, advance_act, note_watch, store_acts
from copydesk.risk.model import Scope
from copydesk.risk.protection import ProtectiveState
from copydesk.risk.store import LimitOwner, store_limits
from copydesk.risk.switches import NewSwitch, Subjects, throw
from copydesk.venues import Price
from copydesk.web.grants import PURPOSE, Grant, Permission, page_token
from site_seed import FakeRuntime, Seeded
from sqlalchemy import select, text

D = Decimal
STOP = "drawdown > 20 % of equity -> close_and_disarm"
PERPETUAL = "ETH/USDT:USDT"
MARKS = {"BTC/USDT": D(60_000), PERPETUAL: D(2_500)}
# Half a coin of one, a short of the other; what was paid and what it cost, in USDT.
HOLDS = (("BTC/USDT", D("0.005"), D(320), D(-320)), (PERPETUAL, D("-0.1"), D(260), D(260)))
LIMITS = (
    STOP,
    "loss > 15 % of equity per day -> block_opens",
    "profit > 50 % of equity -> close",
    "order > 10 % of equity -> shrink",
    "positions > 5 -> block_opens",
    "leverage > 5 -> shrink",
    "instruments in BTC/USDT, ETH/USDT:USDT -> block_opens",
)
# The order of a stop, made like the copy that the brand is seeded with.
_SOLD = text(
    """
    INSERT INTO copy (tenant_id, subscription_id, signal_id, account_id, shard, leg, symbol, side, type, qty, px,
                      reduces, client_order_id, status, epoch, cum_qty, avg_px, planned_at)
    SELECT tenant_id, subscription_id, signal_id, account_id, shard, 'stop-1', symbol, 'sell', 'market', 0.001, NULL,
           true, client_order_id || '-stop', 'filled', epoch, 0.001, 59990, :at
    FROM copy WHERE subscription_id = :id LIMIT 1
    """
)

_NO_STOPS = text("DELETE FROM protective_stop WHERE subscription_id = :id")
_STOP = text(
    """
    INSERT INTO protective_stop (tenant_id, subscription_id, account_id, shard, symbol, position_side, revision, side,
                                 qty, trigger_px, client_order_id, state, reason, verified_at)
    SELECT tenant_id, id, account_id, 'binance-lab:0', :symbol, 'net', :revision, 'buy', 0.1, :trigger_px, 'x-stop',
           :state, :reason, :verified_at
    FROM subscription WHERE id = :id
    """
)


@dataclass(frozen=True)
class RiskSeeded:
    """Numbers of a brand's subscriptions: it runs, was stopped, has a flagged stop, or does not hold what it was to."""

    running: int
    stopped: int
    flagged: int
    adrift: int
    strategy_id: int


def seed_risk(database_url: str, seeded: Seeded, brand: str) -> RiskSeeded:
    """Store what makes every part of the desk show something."""
    database = Database.connect(database_url, pool_size=1)
    try:
        with database.tenant(seeded.tenant_ids[brand]) as session:
            return _seed(session)
    finally:
        database.dispose()


def _seed(session: TenantSession) -> RiskSeeded:
    ids = list(session.scalars(select(Subscription.id).order_by(Subscription.id)))
    strategy_id = session.scalars(select(Subscription.strategy_id).limit(1)).one()
    session.execute(text("UPDATE subscription SET state = 'synced' WHERE id = :id"), {"id": ids[0]})
    for symbol, qty, cost, cash in HOLDS:
        session.add(
            Book(tenant_id=session.tenant_id, subscription_id=ids[0], symbol=symbol, qty=qty, cost=cost, cash=cash)
        )
    session.flush()
    store_limits(session, LimitOwner(Scope.SUBSCRIPTION, ids[0]), LIMITS, "profile:balanced")
    store_limits(session, LimitOwner(Scope.TENANT), ["drawdown > 30 % of equity -> close_and_disarm"], "Mara")
    stop(session, ids[1], ActState.CLOSED)
    session.execute(_SOLD, {"id": ids[1], "at": utc_now() - timedelta(minutes=2)})
    stop(session, ids[2], ActState.FLAGGED)
    session.execute(
        text("UPDATE subscription SET state = 'out_of_sync', state_reason = NULL WHERE id = :i"), {"i": ids[3]}
    )
    watched(session)
    new = NewSwitch(Reach.INSTRUMENT, "BTC/USDT", Stops.OPENS, "The exchange halts withdrawals.", "Mara")
    throw(session, new, Subjects(instruments=["BTC/USDT"]))
    return RiskSeeded(*ids[:4], strategy_id)


def watched(session: TenantSession) -> None:
    """Say that the risk role looked a moment ago."""
    newest = session.execute(text("SELECT coalesce(max(id), 0) FROM copy")).scalar_one()
    note_watch(session, Watch(copy_id=newest, holders=8, stops=0, doubts=1))


def stop(session: TenantSession, subscription_id: int, state: ActState, *, line: str = STOP) -> None:
    """Let a stop of a subscription have fired a moment ago, and have come this far."""
    at, reference = utc_now() - timedelta(minutes=2), f"subscription-{subscription_id}-1-fire"
    store_acts(session, [fired_act(subscription_id, at, line=line)])
    advance_act(session, reference, state, sent_at=at + timedelta(milliseconds=180))
    session.execute(
        text("UPDATE subscription SET state = 'disarmed', state_reason = 'risk_stop' WHERE id = :id"),
        {"id": subscription_id},
    )
    session.execute(
        text("UPDATE risk_act SET ended_at = at + interval '1.4 seconds' WHERE reference = :r AND state = 'closed'"),
        {"r": reference},
    )


def stops_at_exchange(
    session: TenantSession, subscription_id: int, *states: ProtectiveState, reason: str | None = None
) -> None:
    """Let the short of a subscription have had these stops at the exchange, the last one seen five minutes ago."""
    session.execute(_NO_STOPS, {"id": subscription_id})
    for revision, state in enumerate(states, 1):
        told = {"id": subscription_id, "symbol": PERPETUAL, "revision": revision, "state": str(state)}
        seen = {"trigger_px": 2_700 + revision, "reason": reason, "verified_at": utc_now() - timedelta(minutes=5)}
        session.execute(_STOP, told | seen)


def exchange_stop_act(subscription_id: int, at: datetime) -> Act:
    """Return the act of a stop at the exchange as it is booked."""
    facts = {"kind": EXCHANGE_STOP, "symbol": "BTC/USDT:USDT", "position_side": "net"}
    facts |= {"trigger": "80900", "closed": "0.4", "px": "81000"}
    line = "stop at the exchange: BTC/USDT:USDT at 80900"
    return Act(
        f"guard-x-{subscription_id}", "position", subscription_id, subscription_id, line, "close", ActState.CLOSED,
        facts, at,
    )  # fmt: skip


def fired_act(subscription_id: int, at: datetime, *, line: str = STOP) -> Act:
    """Return an act as the risk role writes it down."""
    facts = {"turn": 1, "whose": "subscription", "now": "394.10", "at": "400", "suspected_at": at.isoformat()}
    return Act(
        f"subscription-{subscription_id}-1-fire",
        "subscription",
        subscription_id,
        subscription_id,
        line,
        "close_and_disarm",
        ActState.FIRING,
        facts,
        at,
    )


def tell_prices(redis_url: str, **changed: Decimal) -> None:
    """Write fresh prices, as the feed does."""
    now_ms = int(utc_now().timestamp() * 1000)
    with redis.Redis.from_url(redis_url) as client:
        prices = [Price(symbol, px, now_ms, px, now_ms) for symbol, px in {**MARKS, **changed}.items()]
        MarkWriter(client, "binance-lab").write(prices)


def link(runtime: FakeRuntime, brand: str, subscription_id: int | None = None, *, now: datetime, hours: int = 8) -> str:
    """Return the path of a link that opens the brand's desk, or one subscription's page."""
    key = runtime.link_key(PURPOSE, brand)
    assert key is not None
    permission = Permission.RISK_READ if subscription_id is None else Permission.RISK_OWN
    token = page_token(key, Grant(brand, permission, now + timedelta(hours=hours), subscription_id))
    return f"/risk/enter?token={token}"
