"""A brand with one leader and some followers on a real PostgreSQL, and workers to copy for them."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Collection, Coroutine, Mapping, Sequence
from concurrent.futures import Future
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any, Protocol

from copydesk.db import Database
from copydesk.identity import Role, User
from copydesk.kernel import ZERO, new_id, utc_now
from copydesk.marks import FreshPrice, Unrest
from copydesk.replication import (
    Drainer,
    Forerunner,
    Lanes,
    Leader,
    LeaderState,
    NewStrategy,
    NewSubscription,
    Preparer,
    PurseReader,
    Reach,
    Reconciler,
    Sender,
    StoredSignal,
    Strategy,
    Subscription,
    Terms,
    Timing,
    add_strategy,
    store_trades,
    subscribe,
)
from copydesk.risk import SwitchesNow
from copydesk.risk.model import Scoped
from copydesk.tenancy import ensure_tenant
from copydesk.trading import (
    Credentials,
    MarginMode,
    OrderType,
    PositionSide,
    Side,
    SizingMode,
)
from copydesk.vault import Account
from copydesk.venues import LeaderTrade, Liquidity
from paper_exchange import INSTRUMENTS, PX, PaperExchange
from sqlalchemy import text, update

SHARD = "binance-lab:0"
EQUITY = Decimal(100_000)
ALLOCATION = Decimal(1_000)
LEASE_MS = 3_000
UNKNOWN_WAIT_MS = 3_000


class Hand:
    """The real clocks, moved ahead by hand."""

    def __init__(self) -> None:
        self.ahead_s = 0.0

    def now(self) -> datetime:
        return utc_now() + timedelta(seconds=self.ahead_s)

    def monotonic(self) -> float:
        return time.monotonic() + self.ahead_s


class Around:
    """The replicator's surroundings without Redis, keys or a resident loop."""

    def __init__(self, exchange: PaperExchange, *, slippage_bps_max: int = 50) -> None:
        self._exchange = exchange
        self.elsewhere: dict[str, PaperExchange] = {}
        self.broker_prefix = "cd-"
        self._slippage_bps_max = slippage_bps_max
        self.locked_out: set[int] = set()
        self.markets = frozenset(INSTRUMENTS)
        self.risk_limits: tuple[Scoped, ...] = ()
        self.margin_mode = MarginMode.CROSS
        self.marks: dict[str, Decimal] = {}
        self.unrest: dict[str, Unrest] = {}
        self.bears: dict[str, Liquidity] = {}
        self.looked_at_market: list[str] = []
        self.announced: list[Mapping[str, Any]] = []
        self.looked_soon: list[str] = []
        self.in_force = SwitchesNow()

    def exchange(self, tenant_id: int, shard: str) -> PaperExchange:
        return self.elsewhere.get(shard, self._exchange)

    def credentials(self, tenant_id: int, account_ids: Collection[int]) -> dict[int, Credentials]:
        return {
            account: Credentials(account, "key", "secret") for account in account_ids if account not in self.locked_out
        }

    def terms(self, tenant_id: int, shard: str) -> Terms:
        return Terms(
            self.markets,
            self._slippage_bps_max,
            20_000,
            self.broker_prefix,
            leverage_max=5,
            risk_limits=self.risk_limits,
            margin_mode=self.margin_mode,
        )

    def price_now(self, shard: str, symbol: str) -> FreshPrice:
        return FreshPrice(self.marks.get(symbol), unrest=self.unrest.get(symbol))

    def liquidity(self, tenant_id: int, shard: str, symbol: str) -> Liquidity | None:
        self.looked_at_market.append(symbol)
        return self.bears.get(symbol)

    def switches(self) -> SwitchesNow:
        return self.in_force

    def announce(self, tenant_id: int, event: Mapping[str, Any]) -> None:
        self.announced.append(event)

    def look_soon(self, tenant_id: int, shard: str) -> None:
        self.looked_soon.append(shard)

    def start(self, work: Coroutine[Any, Any, Any]) -> Future[Any]:
        future: Future[Any] = Future()
        try:
            future.set_result(asyncio.run(work))
        except BaseException as trouble:  # noqa: BLE001 - handed to whoever asks for the result
            future.set_exception(trouble)
        return future


class Worker:
    """One replicator process: its own holds and clock, the same database and exchange as the others."""

    def __init__(self, site: Site, name: str, around: Around | None = None) -> None:
        self.clock = Hand()
        self.around = around or Around(site.exchange)
        self.lanes = Lanes(site.db, self.clock, holder=name, lease_ms=LEASE_MS, unknown_wait_ms=UNKNOWN_WAIT_MS)
        self.sender = sender = Sender(self.around, self.lanes, self.clock, Timing(LEASE_MS, UNKNOWN_WAIT_MS))
        preparer = Preparer(site.db, self.around)
        self._drainer = Drainer(site.db, self.around, self.lanes, sender, self.clock, preparer)
        self._forerunner = Forerunner(site.db, self.around, self.lanes, preparer, self.clock, pause_s=0)
        self.purses = PurseReader(site.db, self.around, self.clock)
        self._reconciler = Reconciler(site.db, self.around, self.lanes, sender, self.clock, preparer)
        self._tenant_id = site.tenant_id

    def drain(self, shard: str = SHARD) -> int:
        return self._drainer.drain(self._tenant_id, shard)

    def prepare(self, shard: str = SHARD) -> None:
        """Prepare accounts until none lacks anything that can be given to it now."""
        run = self._forerunner.start(self._tenant_id, shard)
        assert run is not None
        run.result()

    def look_at_purses(self, shard: str = SHARD) -> bool:
        """Look at what accounts own as far as that is due, and tell whether any was."""
        run = self.purses.start(self._tenant_id, shard)
        if run is not None:
            run.result()
        return run is not None

    def reconcile(self, shard: str = SHARD) -> int:
        return self._reconciler.reconcile(self._tenant_id, shard)


@dataclass
class Site:
    """A brand, its leader and its followers; `accounts[n]` copies by `subscriptions[n]`."""

    db: Database
    tenant_id: int
    leader: Leader
    accounts: list[int]
    subscriptions: list[int]
    exchange: PaperExchange = field(default_factory=PaperExchange)
    trades: int = 0
    leverage: dict[str, int] = field(default_factory=dict)
    reach: Reach = field(default_factory=Reach)

    def worker(self, name: str = "one") -> Worker:
        return Worker(self, name)

    def trade(
        self,
        side: Side,
        qty: str,
        *,
        order: str | None = None,
        symbol: str = "BTC/USDT",
        fee: str = "0",
        position_side: PositionSide = PositionSide.NET,
        ago_s: float = 0,
    ) -> list[StoredSignal]:
        """Let the leader trade now, or a moment ago, and store what the listener would."""
        self.trades += 1
        at_ms = int((time.time() - ago_s) * 1000)
        trade = leader_trade(self.trades, side, qty, order=order, symbol=symbol, fee=fee, at_ms=at_ms)
        return self.store([replace(trade, position_side=position_side)])

    def store(self, trades: Sequence[LeaderTrade]) -> list[StoredSignal]:
        state = LeaderState(EQUITY, self.leverage)
        with self.db.tenant(self.tenant_id) as session:
            return store_trades(session, self.leader, trades, state=state, seen_at=utc_now(), reach=self.reach)

    def rows(self, query: str, **params: object) -> list[Any]:
        with self.db.tenant(self.tenant_id) as session:
            return list(session.execute(text(query), params).all())

    def one(self, query: str, **params: object) -> Any:
        (row,) = self.rows(query, **params)
        return row[0] if len(row) == 1 else row

    def act(self, statement: str, **params: object) -> None:
        with self.db.tenant(self.tenant_id) as session:
            session.execute(text(statement), params)

    def book(self, follower: int = 0, symbol: str = "BTC/USDT") -> Any:
        """Return (qty, target_qty, cost) of one follower's book."""
        query = "SELECT qty, target_qty, cost FROM book WHERE subscription_id = :id AND symbol = :symbol"
        return self.one(query, id=self.subscriptions[follower], symbol=symbol)

    def statuses(self) -> list[str]:
        return [row[0] for row in self.rows("SELECT status FROM copy ORDER BY id")]

    def books_are_backed(self) -> bool:
        """Tell whether every follower owns on the exchange exactly what the books say."""
        return all(
            self.exchange.owned(account, base)
            == sum((row[0] for row in self._held(subscription, f"{base}/USDT")), ZERO)
            for account, subscription in zip(self.accounts, self.subscriptions, strict=True)
            for base in ("BTC", "ETH")
        )

    def _held(self, subscription: int, symbol: str) -> list[Any]:
        query = "SELECT qty FROM book WHERE subscription_id = :id AND symbol = :symbol"
        return self.rows(query, id=subscription, symbol=symbol)

    def expire_lease(self) -> None:
        self.act("UPDATE shard_lease SET expires_at = clock_timestamp() - interval '1 second'")

    def books_are_sums(self) -> bool:
        """Tell whether every book is exactly the sum of its stored fills and adjustments."""
        wrong = """
            SELECT b.subscription_id FROM book b WHERE b.qty <> coalesce((
                SELECT sum(CASE f.side WHEN 'buy' THEN f.qty ELSE -f.qty END
                    - CASE f.fee_currency WHEN split_part(b.symbol, '/', 1) THEN f.fee ELSE 0 END)
                FROM copy_fill f WHERE f.tenant_id = b.tenant_id AND f.subscription_id = b.subscription_id
                AND f.symbol = b.symbol AND f.position_side = b.position_side), 0) + coalesce((
                SELECT sum(a.qty) FROM book_adjustment a WHERE a.tenant_id = b.tenant_id
                AND a.subscription_id = b.subscription_id AND a.symbol = b.symbol
                AND a.position_side = b.position_side), 0)
        """
        return self.rows(wrong) == []


class Opens(Protocol):
    def __call__(self, **terms: Any) -> Site: ...


def leader_trade(
    number: int,
    side: Side,
    qty: str | Decimal,
    *,
    order: str | None = None,
    symbol: str = "BTC/USDT",
    fee: str | Decimal = "0",
    at_ms: int | None = None,
) -> LeaderTrade:
    """Return the leader's execution `number`, at `PX`; its fee is taken in base."""
    now_ms = int(time.time() * 1000)
    return LeaderTrade(
        str(number),
        order or str(number),
        "",
        symbol,
        side,
        OrderType.MARKET,
        Decimal(qty),
        PX,
        Decimal(fee),
        symbol.partition("/")[0],
        now_ms if at_ms is None else at_ms,
    )


def open_site(
    db: Database,
    *,
    followers: int = 1,
    allocation: Decimal = ALLOCATION,
    sizing_mode: SizingMode = SizingMode.EQUITY_RATIO,
    sizing_value: Decimal | None = None,
    slug: str = "",
) -> Site:
    """Open a new brand whose followers subscribed an hour ago."""
    with db.installation() as session:
        tenant_id = ensure_tenant(session, slug or f"brand-{new_id()}")
    hour_ago = utc_now() - timedelta(hours=1)
    with db.tenant(tenant_id) as session:
        user = User(tenant_id=tenant_id, email="one@x.invalid", display_name="One", role=Role.TRADER)
        session.add(user)
        session.flush()

        def account(label: str) -> int:
            row = Account(
                tenant_id=tenant_id, user_id=user.id, venue="binance", environment="lab", label=label, shard=SHARD
            )
            session.add(row)
            session.flush()
            return row.id

        leads = account("leader")
        strategy = add_strategy(session, NewStrategy(user.id, leads, "s", "S", "One sentence."))
        accounts = [account(f"follower {n}") for n in range(followers)]
        subscriptions = [
            subscribe(session, NewSubscription(strategy, follower, allocation, sizing_mode, sizing_value))
            for follower in accounts
        ]
        session.execute(update(Subscription).values(created_at=hour_ago))
        session.execute(update(Strategy).values(created_at=hour_ago))
    return Site(db, tenant_id, Leader(tenant_id, strategy, leads, hour_ago), accounts, subscriptions)
