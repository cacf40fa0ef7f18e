"""A whole desk for fault tests: servers, lab and roles as real processes, two brands, leaders and followers."""

from __future__ import annotations

import os
import socket
import sys
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from decimal import Decimal
from pathlib import Path
from typing import Any

import ccxt
import redis
from copydesk.bootstrap import Runtime
from copydesk.db import TenantSession
from copydesk.demo.check import unsettled
from copydesk.identity import Role, User
from copydesk.replication import NewStrategy, NewSubscription, add_strategy, shard_of, subscribe
from copydesk.stack import RoleOptions, Stack, lab_token, role_environment, wait_until
from copydesk.trading import Environment, SizingMode
from copydesk.vault import NewAccount, add_account
from simulation_exchange import Exchange, Record
from simulation_roles import RoleBook
from simulation_verdict import Verdict, verdict
from sqlalchemy import text

SEED = 7
ROLES = ("listener", "replicator", "relay")
PRICES = {"BTCUSDT": Decimal(100_000), "ETHUSDT": Decimal(2_500)}
LEADER_QTY = {"BTCUSDT": 0.02, "ETHUSDT": 0.8}
PROJECT = Path(__file__).parents[2]

DEFAULTS = """\
replication:
  lease_ms: 1000
  reconcile_every_ms: 1000
  unknown_wait_ms: 2500
  equity_sample_ms: 20000
venues:
  connections_max: {connections}
  connections_warm: {connections}
"""
TENANT = """\
schema: 1
brand:
  name: {slug}
  tagline: Copies under fire
  hosts: [{slug}.example]
  theme: aurora
  colors: {{brand: "#112233"}}
  logo: logo.svg
  favicon: favicon.svg
locales: [en]
locale_default: en
exchanges:
  - venue: binance
    environment: lab
    markets: [{market}]
"""
_RECONCILED = text("SELECT coalesce(min(at), 'epoch') > :since FROM reconcile_run")
_SIGNALS = text("SELECT count(*) FROM signal")
_STATES = text("SELECT status, count(*) FROM copy WHERE symbol = :symbol GROUP BY status")
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

    def await_verdict(
        self, cast: Cast, after_seq: int, *, orders: int = 1, patience_s: float = 30, healing: str = ""
    ) -> Verdict:
        """Wait for a clean verdict, for calm and for one more reconcile, then judge again: nothing comes late."""
        began = time.monotonic()

        def clean() -> bool:
            found = self.verdict(cast, after_seq)
            return found.clean and found.leader_orders >= orders

        wait_until(clean, patience_s=patience_s, poll_s=0.1)
        took_s = time.monotonic() - began
        if healing:
            self.heal_s[healing] = took_s
        calm = wait_until(self.settled, patience_s=patience_s, poll_s=0.1)
        self.await_reconcile()
        final = self.verdict(cast, after_seq)
        assert final.clean and final.leader_orders == orders, f"{final} after {took_s:.1f} s; {self.where()}"
        assert calm, f"copies without an end: {self.states(cast)}; {self.where()}"
        return final

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
        """Count a brand's copies by status; to see where a fault has struck, never to prove that it healed."""
        with self.session(cast) as session:
            return {state: times for state, times in session.execute(_STATES, {"symbol": cast.pair})}

    def reasons(self, cast: Cast, account: str) -> set[str | None]:
        """Return the reasons that an account's receipts show."""
        with self.session(cast) as session:
            return set(session.execute(_REASONS, {"label": account}).scalars())

    def scalar(self, cast: Cast, query: Any, **params: Any) -> Any:
        with self.session(cast) as session:
            return session.execute(query, params).scalar()

    @contextmanager
    def session(self, cast: Cast) -> Iterator[TenantSession]:
        with self.runtime.db.tenant(self.runtime.tenant_ids[cast.slug]) as session:
            yield session

    def where(self) -> str:
        return f"seed {SEED}, journal {self.exchange.journal_path}, logs {self.roles.log_dir}"


@contextmanager
def open_desk(stack: Stack, root: Path, *, followers: dict[str, int], connections: int = 20) -> Iterator[Desk]:
    """Run a desk on servers that run, with an installation of its own under `root`."""
    _write_installation(root, connections)
    options = RoleOptions(root=root, var_dir=root / "var")
    options.var_dir.mkdir()
    token = lab_token(options.var_dir / "lab")
    roles = RoleBook(options, dict(os.environ), root / "log")
    roles.log_dir.mkdir()
    runtime = None
    try:
        exchange = _open_exchange(roles, options, token)
        roles.environment = role_environment(os.environ, stack, options, lab=False) | {
            "COPYDESK_LAB_REST": exchange.rest,
            "COPYDESK_LAB_STREAM": exchange.stream,
        }
        runtime = Runtime(roles.environment)
        desk = Desk(stack, exchange, roles, runtime, {})
        for role in ROLES:
            roles.start(role)
        for slug, symbol in (("north", "BTCUSDT"), ("south", "ETHUSDT")):
            desk.casts[slug] = _seed(desk, Cast(slug, symbol), followers[slug])
        assert wait_until(lambda: _watched(desk), patience_s=30, poll_s=0.05), desk.where()
        yield desk
    finally:
        roles.stop_all()
        if runtime is not None:
            for cast in desk.casts.values():
                cast.client.session.close()
            exchange.control.__exit__()
            runtime.close()


def _write_installation(root: Path, connections: int) -> None:
    (root / "config").mkdir(parents=True)
    (root / "config" / "defaults.yaml").write_text(DEFAULTS.format(connections=connections))
    (root / "themes").symlink_to(PROJECT / "themes")
    for slug, market in (("north", "BTC/USDT"), ("south", "ETH/USDT")):
        folder = root / "tenants" / slug
        folder.mkdir(parents=True)
        (folder / "tenant.yaml").write_text(TENANT.format(slug=slug, market=market))
        for image in ("logo.svg", "favicon.svg"):
            (folder / image).write_text("<svg/>")


def _open_exchange(roles: RoleBook, options: RoleOptions, token: str) -> Exchange:
    lab = options.var_dir / "lab"
    command = [sys.executable, "-m", "copydesk.venues.lab", "--rest-port", "0", "--ws-port", "0", "--seed", str(SEED)]
    roles.launch("lab", [*command, "--data-dir", str(lab), "--token-file", str(lab / "token")])
    exchange = Exchange.connect(roles.log("lab"), lab, token)
    for symbol, px in PRICES.items():
        exchange.pin(symbol, px)
    return exchange


def _seed(desk: Desk, cast: Cast, followers: int) -> Cast:
    """Create a brand's people through the real services; the leader's key stays with the plain ccxt client."""
    runtime, control = desk.runtime, desk.exchange.control
    shard = shard_of("binance", Environment.LAB, 0, 1)
    with runtime.db.tenant(runtime.tenant_ids[cast.slug]) as session:

        def account(name: str, role: Role, funds: str) -> tuple[int, int, str, str]:
            key, secret = control.open_account(name, {"USDT": funds})
            user = User(tenant_id=session.tenant_id, email=f"{name}@{cast.slug}.invalid", display_name=name, role=role)
            session.add(user)
            session.flush()
            new = NewAccount(user.id, "binance", Environment.LAB, name, shard, key, secret)
            return user.id, add_account(session, runtime.vault, new), key, secret

        cast.leader = f"{cast.slug}:leader"
        user_id, account_id, cast.leader_key, secret = account(cast.leader, Role.TRADER, "1000000")
        strategy = add_strategy(session, NewStrategy(user_id, account_id, "steady", "Steady", "Buys and sells."))
        for number in range(followers):
            name, ratio = f"{cast.slug}:follower:{number}", Decimal(50 + number % 50) / 1000
            _, account_id, cast.keys[name], _ = account(name, Role.FOLLOWER, "100000")
            sizing = NewSubscription(strategy, account_id, Decimal(90_000), SizingMode.FIXED_RATIO, ratio)
            subscribe(session, sizing)
            cast.ratios[name] = ratio
    cast.client = desk.exchange.client(cast.leader_key, secret)
    cast.client.load_markets()
    return cast


def _watched(desk: Desk) -> bool:
    """Tell whether the listener follows every leader and the replicator has opened the exchange."""
    streams = desk.exchange.control.call("GET", "state")["streams"]
    return all(cast.leader in streams for cast in desk.casts.values())

