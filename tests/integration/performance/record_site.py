"""A brand whose leader trades now and then, in a past of its own: rows as listener and lanes would store them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

from copydesk.db import Database
from copydesk.kernel import new_id
from copydesk.performance.keep import Kept, update_strategy, update_subscriptions
from copydesk.performance.marks import record_marks
from copydesk.replication import (
    Leader,
    LeaderState,
    NewStrategy,
    NewSubscription,
    add_strategy,
    record_equity,
    store_trades,
    subscribe,
)
from copydesk.tenancy import Tenant, ensure_tenant
from copydesk.trading import OrderType, PositionSide, Side
from copydesk.vault import Account
from copydesk.venues import LeaderTrade
from ranking_seed import add_person, brand
from sqlalchemy import text

BEGIN = datetime(2026, 2, 3, 12, 0, tzinfo=UTC)
BTC, PERP = "BTC/USDT", "BTC/USDT:USDT"
D = Decimal


@dataclass
class RecordSite:
    """A strategy that began with 10,000 USDT at `BEGIN`, and a follower with 1,000; `at` moves on by seconds."""

    db: Database
    tenant_id: int
    tenant: Tenant
    leader: Leader
    subscription_id: int
    follower_account: int
    place: str
    at: datetime = BEGIN
    trades: int = 0

    @property
    def strategy_id(self) -> int:
        return self.leader.strategy_id

    def wait(self, seconds: float = 60.0) -> datetime:
        self.at += timedelta(seconds=seconds)
        return self.at

    def trade(
        self,
        side: Side,
        qty: str,
        px: str,
        *,
        symbol: str = BTC,
        fee: str = "0",
        coin: str = "USDT",
        ago_s: float = 0.0,
    ) -> None:
        """Let the leader trade now, or a while ago, through the ordinary intake."""
        self.trades += 1
        at_ms = int((self.at - timedelta(seconds=ago_s)).timestamp() * 1000)
        trade = LeaderTrade(
            *(str(self.trades), f"order-{self.trades}", "", symbol, side, OrderType.MARKET),
            *(D(qty), D(px), D(fee), coin, at_ms),
            PositionSide.NET,
        )
        with self.db.tenant(self.tenant_id) as session:
            store_trades(session, self.leader, [trade], state=LeaderState(D(10_000)), seen_at=self.at)

    def fill(self, side: Side, qty: str, px: str, *, symbol: str = BTC, fee: str = "0", coin: str = "USDT") -> None:
        """Let a copy of the follower's be filled now."""
        self.act(
            """
            INSERT INTO copy_fill (tenant_id, copy_id, trade_id, subscription_id, symbol, side, qty, px, fee,
                                   fee_currency, at)
            SELECT :tenant_id, coalesce(max(copy_id), 0) + 1, 'fill', :id, :symbol, :side, :qty, :px, :fee, :coin, :at
            FROM copy_fill
            """,
            id=self.subscription_id,
            symbol=symbol,
            side=str(side),
            qty=D(qty),
            px=D(px),
            fee=D(fee),
            coin=coin,
            at=self.at,
        )

    def mark(self, px: str, *, symbol: str = BTC) -> None:
        """Keep a price for the minute that begins next."""
        record_marks(self.db, self.place, {symbol: D(px)}, self.at)

    def sample(self, equity: str) -> None:
        """Let the exchange tell what the account is worth."""
        with self.db.tenant(self.tenant_id) as session:
            record_equity(session, self.leader, at=self.at, equity=D(equity))

    def update(self) -> Kept:
        with self.db.tenant(self.tenant_id) as session:
            return update_strategy(session, self.tenant, self.strategy_id, now=self.at)

    def update_all(self) -> Kept:
        with self.db.tenant(self.tenant_id) as session:
            return update_subscriptions(session, self.tenant, self.strategy_id, now=self.at)

    def act(self, statement: str, **params: object) -> None:
        with self.db.tenant(self.tenant_id) as session:
            session.execute(text(statement), {"tenant_id": self.tenant_id, **params})

    def rows(self, query: str, **params: object) -> list[Any]:
        with self.db.tenant(self.tenant_id) as session:
            return list(session.execute(text(query), params).all())

    def figures(self) -> Mapping[str, Any]:
        ((row,),) = self.rows("SELECT to_jsonb(k) FROM strategy_figures k WHERE strategy_id = :id", id=self.strategy_id)
        return {**row, **row["figures"]}

    def followed(self) -> Mapping[str, Any]:
        query = "SELECT to_jsonb(k) FROM subscription_figures k WHERE subscription_id = :id"
        ((row,),) = self.rows(query, id=self.subscription_id)
        return {**row, **row["figures"]}

    def everything(self) -> tuple[list[Any], ...]:
        """Return all that is displayed: figures and points, without where the fold stands."""
        told = "to_jsonb(k) - 'cursor' - 'summary' - 'as_of'"
        return (
            self.rows(f"SELECT {told} FROM strategy_figures k ORDER BY strategy_id"),
            self.rows(f"SELECT {told} FROM subscription_figures k ORDER BY subscription_id"),
            self.rows("SELECT to_jsonb(p) FROM performance_point p ORDER BY owner, owner_id, grain, at"),
        )


def open_record(db: Database) -> RecordSite:
    """Open a brand of its own, which trades at an exchange of its own: prices are everybody's."""
    slug = f"record-{new_id()}"
    with db.installation() as session:
        tenant_id = ensure_tenant(session, slug)
    with db.tenant(tenant_id) as session:
        leads: Account = add_person(session, "Trader", "trader", venue=slug)
        follows: Account = add_person(session, "Follower", "follower", venue=slug)
        strategy = add_strategy(session, NewStrategy(leads.user_id, leads.id, "calm", "Calm", "One sentence."))
        subscription = subscribe(session, NewSubscription(strategy, follows.id, D(1_000)))
        session.execute(text("UPDATE subscription SET created_at = :at"), {"at": BEGIN})
        session.execute(text("UPDATE strategy SET created_at = :at"), {"at": BEGIN})
        leader = Leader(tenant_id, strategy, leads.id, BEGIN)
    site = RecordSite(db, tenant_id, replace(brand(), slug=slug), leader, subscription, follows.id, f"{slug}-lab")
    site.sample("10000")
    return site
