"""A whole desk for fault tests: servers, lab and roles as real processes, two brands, leaders and followers."""

from __future__ import annotations

import socket
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

import ccxt
import redis
from copydesk.bootstrap import Runtime
from copydesk.db import TenantSession
from copydesk.demo.check import unsettled
from copydesk.stack import Stack, wait_until
from simulation_exchange import Exchange, Record
from simulation_roles import RoleBook
from simulation_verdict import Verdict, holdings, verdict
from sqlalchemy import text

SEED = 7
LEADER_QTY = {"BTCUSDT": 0.02, "ETHUSDT": 0.8}

_RECONCILED = text("SELECT coalesce(min(at), 'epoch') > :since FROM reconcile_run")
_SIGNALS = text("SELECT count(*) FROM signal")
_STATES = text(
    """
    SELECT status, count(*) FROM copy WHERE symbol = :symbol GROUP BY status
    UNION ALL
    SELECT 'intended', sum(cardinality(CAST(leg -> 'columns' ->> 'subscription_ids' AS bigint[])))
    FROM delivery d JOIN signal s ON s.id = d.signal_id AND s.symbol = :symbol,
         json_array_elements(d.intents -> 'legs') leg
    HAVING count(*) > 0
    """
)
_ENDS = text("SELECT signal_id, leg, status, reason, count(*) FROM copy WHERE symbol = :symbol GROUP BY 1, 2, 3, 4")
_BOOKS = text(
    "SELECT a.label, b.qty FROM book b JOIN subscription s ON s.id = b.subscription_id "
    "JOIN account a ON a.id = s.account_id WHERE b.symbol = :symbol"
)
_ACCOUNT = text("SELECT status, status_reason FROM account WHERE label = :label")
_REASONS = text("SELECT DISTINCT reason FROM copy c JOIN account a ON a.id = c.account_id WHERE a.label = :label")


@dataclass
class Cast:
    """One brand's people: a leader who trades one pair by plain ccxt, and followers by account with their ratios."""

    slug: str
    symbol: str
    leader: str = ""
    client: ccxt.binance = None
    leader_key: str = ""
    ratios: dict[str, Decimal] = field(default_factory=dict)
    keys: dict[str, str] = field(default_factory=dict)

    @property
    def pair(self) -> str:
        return self.symbol.removesuffix("USDT") + "/USDT"

    def buy(self, share: float = 1.0) -> None:
        self.client.create_order(self.pair, "market", "buy", LEADER_QTY[self.symbol] * share)

    def sell_all(self) -> None:
        """Go flat: what is free, down to the step."""
        base = self.pair.partition("/")[0]
        free = self.client.fetch_balance({"omitZeroBalances": True})[base]["free"]
        self.client.create_order(self.pair, "market", "sell", self.client.amount_to_precision(self.pair, free))


@dataclass
class Desk:
    """Everything that one test touches."""

    stack: Stack
    exchange: Exchange
    roles: RoleBook
    runtime: Runtime
    casts: dict[str, Cast]
    heal_s: dict[str, float] = field(default_factory=dict)

    @property
    def north(self) -> Cast:
        return self.casts["north"]

    @property
    def south(self) -> Cast:
        return self.casts["south"]

    def verdict(self, cast: Cast, after_seq: int = 0) -> Verdict:
        return verdict(
            self.exchange.records(), leader=cast.leader, symbol=cast.symbol, ratios=cast.ratios, after_seq=after_seq
        )

    def glance(self, cast: Cast, after_seq: int) -> list[Record]:
        """Return the orders of a brand's followers that the journal shows by now."""
        return [
            record
            for record in self.exchange.glance()
            if record["seq"] > after_seq
            and record["kind"] == "order"
            and record["change"] == "NEW"
            and record["account"] in cast.ratios
        ]

    def await_orders(self, cast: Cast, after_seq: int, at_least: int, patience_s: float = 20) -> int:
        """Wait until that many orders of followers arrived, and return how many there are."""
        seen = [0]

        def enough() -> bool:
            seen[0] = len(self.glance(cast, after_seq))
            return seen[0] >= at_least

        assert wait_until(enough, patience_s=patience_s, poll_s=0.005), f"{seen[0]} orders; {self.where()}"
        return seen[0]

    def settled(self) -> bool:
        """Tell whether nothing waits for anything; False too while PostgreSQL is away."""
        return unsettled(self.runtime) == 0

    def await_copied(self, cast: Cast, after_seq: int, *, orders: int = 1, patience_s: float = 30) -> float:
        """Wait until the leader's orders are copied and all is calm; returns how long the copying took."""
        began = time.monotonic()

        def clean() -> bool:
            found = self.verdict(cast, after_seq)
            return found.clean and found.leader_orders >= orders

        wait_until(clean, patience_s=patience_s, poll_s=0.1)
        took_s = time.monotonic() - began
        wait_until(self.settled, patience_s=patience_s, poll_s=0.1)
        self.judge(cast, after_seq, orders)
        return took_s

    def await_verdict(self, cast: Cast, after_seq: int, *, orders: int = 1, healing: str = "") -> None:
        """Wait for all to be copied, for calm and for one more reconcile, then judge again: nothing comes late."""
        took_s = self.await_copied(cast, after_seq, orders=orders)
        if healing:
            self.heal_s[healing] = took_s
        self.await_reconcile()
        self.judge(cast, after_seq, orders)

    def judge(self, cast: Cast, after_seq: int, orders: int) -> None:
        """Fail unless the journal shows every order of the leader copied exactly once, and every copy has its end."""
        found = self.verdict(cast, after_seq)
        assert found.clean and found.leader_orders == orders, f"{found}; {self.ends(cast)}; {self.where()}"
        assert self.settled(), f"copies without an end: {self.states(cast)}; {self.where()}"

    def await_reconcile(self) -> None:
        """Wait until every lane of every brand that holds a book was reconciled once more."""
        with self.runtime.db.installation() as session:
            since = session.execute(text("SELECT clock_timestamp()")).scalar_one()
        for cast in self.casts.values():
            if self.scalar(cast, text("SELECT count(*) FROM book WHERE qty > 0")):
                done = wait_until(
                    lambda cast=cast: bool(self.scalar(cast, _RECONCILED, since=since)), patience_s=20, poll_s=0.05
                )
                assert done, f"{cast.slug} is not reconciled; {self.where()}"

    def await_calm(self) -> None:
        """Wait until nothing waits for anything."""
        calm = wait_until(self.settled, patience_s=30, poll_s=0.1)
        assert calm, f"{[self.states(cast) for cast in self.casts.values()]}; {self.where()}"

    def await_signals(self, cast: Cast, at_least: int) -> None:
        """Wait until that many of the leader's trades are stored."""
        stored = wait_until(lambda: self.scalar(cast, _SIGNALS) >= at_least, patience_s=20, poll_s=0.05)
        assert stored, f"{self.scalar(cast, _SIGNALS)} signals; {self.where()}"

    def await_worker(self, name: str) -> None:
        """Wait until a replicator serves the queue."""
        worker = f"rq:worker:replicator-{socket.gethostname()}-{self.roles.pid(name)}-".encode()
        with closing(redis.Redis.from_url(self.stack.redis_url)) as client:

            def registered() -> bool:
                return any(name.startswith(worker) for name in client.smembers("rq:workers"))

            there = wait_until(registered, patience_s=15, poll_s=0.05)
        assert there, self.where()

    def freeze_sender(self, cast: Cast) -> str:
        """Freeze the replicator that is sending and return its name: without it no further order arrives."""
        lease = self.scalar(cast, text("SELECT holder FROM shard_lease"))
        name = next(n for n in ("replicator", "replicator-2") if f":{self.roles.pid(n)}:" in lease)
        self.roles.freeze(name)
        self.exchange.records()
        return name

    def states(self, cast: Cast) -> dict[str, int]:
        """Count a brand's copies by status, and what is stored to be sent as "intended".

        To see where a fault has struck, never to prove that it healed.
        """
        with self.session(cast) as session:
            return dict(session.execute(_STATES, {"symbol": cast.pair}).all())

    def ends(self, cast: Cast) -> list[tuple[object, ...]]:
        """Count a brand's copies by leg, status and reason, for messages."""
        with self.session(cast) as session:
            return [tuple(row) for row in session.execute(_ENDS, {"symbol": cast.pair})]

    def reasons(self, cast: Cast, account: str) -> set[str | None]:
        """Return the reasons that an account's receipts show."""
        with self.session(cast) as session:
            return set(session.execute(_REASONS, {"label": account}).scalars())

    def account_status(self, cast: Cast, account: str) -> tuple[str, str | None]:
        with self.session(cast) as session:
            status, reason = session.execute(_ACCOUNT, {"label": account}).one()
        return status, reason

    def unbooked(self, cast: Cast) -> int:
        """Count followers whose book differs from what the journal says they hold."""
        held = holdings(self.exchange.records(), cast.ratios)
        with self.session(cast) as session:
            books = dict(session.execute(_BOOKS, {"symbol": cast.pair}).all())
        return sum(held[account] != books.get(account, 0) for account in cast.ratios)

    def scalar(self, cast: Cast, query: Any, **params: Any) -> Any:
        with self.session(cast) as session:
            return session.execute(query, params).scalar()

    @contextmanager
    def session(self, cast: Cast) -> Iterator[TenantSession]:
        with self.runtime.db.tenant(self.runtime.tenant_ids[cast.slug]) as session:
            yield session

    def where(self) -> str:
        return f"seed {SEED}, journal {self.exchange.journal_path}, logs {self.roles.log_dir}"
