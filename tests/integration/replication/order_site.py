"""A site whose followers copy orders, and a leader whose orders rest."""

from __future__ import annotations

import time
from dataclasses import replace
from decimal import Decimal

from copydesk.db import Database
from copydesk.kernel import utc_now
from copydesk.replication import LeaderState, Mirror, Preparer, Sender, StoredOrder, StoredSignal, Timing, store_orders
from copydesk.trading import OrderStatus, OrderType, Side, SizingMode
from copydesk.venues import OrderFact
from desk_site import EQUITY, LEASE_MS, SHARD, UNKNOWN_WAIT_MS, Site, Worker, leader_trade, open_site
from paper_orders import OrderBookPaper

D = Decimal


class OrderSite:
    """Followers take a hundredth of the leader's quantities."""

    def __init__(self, db: Database, *, followers: int = 1, symbol: str = "BTC/USDT") -> None:
        ratio, allocation = D("0.01"), D(100_000)
        self.site: Site = open_site(
            db, followers=followers, allocation=allocation, sizing_mode=SizingMode.FIXED_RATIO, sizing_value=ratio
        )
        self.exchange = OrderBookPaper()
        self.site.exchange = self.exchange
        self.site.act("UPDATE subscription SET copies = 'orders'")
        self.symbol = symbol
        self.facts: dict[str, OrderFact] = {}
        self.at_ms = int(time.time() * 1000)

    @property
    def account(self) -> int:
        return self.site.accounts[0]

    def worker(self, name: str = "one") -> OrderWorker:
        return OrderWorker(self.site, name)

    def place(self, order: str, side: Side, qty: str, px: str | None, **terms: object) -> list[StoredOrder]:
        """Let the leader place an order; `terms` are those of a fact."""
        kind = OrderType.LIMIT
        fact = OrderFact(order, self.symbol, side, kind, D(qty), D(0), OrderStatus.ACCEPTED, 0, D(px) if px else None)
        return self.tell(fact._replace(**terms))

    def change(self, order: str, **terms: object) -> list[StoredOrder]:
        return self.tell(self.facts[order]._replace(**terms))

    def fill(self, order: str, qty: str, *, told: bool = True) -> list[StoredSignal]:
        """Let a part of the leader's order be filled; the fact of it is told first, as streams do."""
        fact = self.facts[order]
        cum_qty = fact.cum_qty + D(qty)
        status = OrderStatus.FILLED if cum_qty == fact.qty else OrderStatus.PARTIALLY_FILLED
        filled = fact._replace(cum_qty=cum_qty, status=status)
        if told:
            self.tell(filled)
        self.facts[order] = filled
        self.site.trades += 1
        trade = leader_trade(self.site.trades, fact.side, qty, order=order, symbol=self.symbol)
        px = fact.px or fact.trigger_px
        assert px is not None
        return self.site.store([replace(trade, px=px, position_side=fact.position_side)])

    def cancel(self, order: str) -> list[StoredOrder]:
        return self.change(order, status=OrderStatus.CANCELED)

    def tell(self, fact: OrderFact) -> list[StoredOrder]:
        """Store a fact a moment later than the last one."""
        self.at_ms += 1
        fact = fact._replace(at_ms=self.at_ms)
        self.facts[fact.venue_order_id] = fact
        return self.store(fact)

    def store(self, *facts: OrderFact) -> list[StoredOrder]:
        state = LeaderState(EQUITY, self.site.leverage)
        with self.site.db.tenant(self.site.tenant_id) as session:
            return store_orders(session, self.site.leader, facts, state=state, seen_at=utc_now())

    def look_now(self) -> None:
        """Let every resting order be due for a look."""
        self.site.act("UPDATE resting_order SET look_at = now() - interval '1 second' WHERE state <> 'done'")

    def book(self, follower: int = 0) -> tuple[Decimal, Decimal]:
        """Return (qty, target_qty) of a follower's book."""
        query = "SELECT qty, target_qty FROM book WHERE subscription_id = :id AND symbol = :symbol"
        qty, target = self.site.one(query, id=self.site.subscriptions[follower], symbol=self.symbol)
        return qty.normalize(), target.normalize()

    def states(self) -> list[str]:
        return [row[0] for row in self.site.rows("SELECT state FROM resting_order ORDER BY leader_order_id")]

    def legs(self) -> list[tuple[str, str]]:
        return [tuple(row) for row in self.site.rows("SELECT leg, status FROM copy ORDER BY id")]


class OrderWorker(Worker):
    """A replicator that tends resting orders as well."""

    def __init__(self, site: Site, name: str) -> None:
        super().__init__(site, name)
        timing = Timing(LEASE_MS, UNKNOWN_WAIT_MS)
        sender = Sender(self.around, self.lanes, self.clock, timing)
        preparer = Preparer(site.db, self.around)
        self.mirror = Mirror(site.db, self.around, self.lanes, sender, self.clock, preparer, timing)
        self._tenant = site.tenant_id

    def tend(self) -> int:
        return self.mirror.tend(self._tenant, SHARD)

    def later(self, seconds: float) -> int:
        """Tend again after a while."""
        self.clock.ahead_s += seconds
        return self.tend()
