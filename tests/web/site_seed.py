"""Two seeded brands on one database, and the small runtime that the web layer is given in tests."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from functools import cached_property
from pathlib import Path

from copydesk.db import Database, sqlalchemy_url
from copydesk.guests.port import LabDoor
from copydesk.identity import User
from copydesk.identity.factors import Texter
from copydesk.identity.hashing import HashCost, Hasher
from copydesk.notifications import Letter, Mailer
from copydesk.replication.tables import Copy, EquityPoint, LeaderBook, Signal, Strategy, Subscription
from copydesk.tenancy import SettingsDesk, TenantDirectory, ensure_tenant
from copydesk.vault import IntakePrivate, IntakePublic, MemoryDataKeys, MemoryKeyStore, Purpose, Vault
from copydesk.vault.tables import Account
from sqlalchemy import create_engine, insert
from sqlalchemy.orm import Session
from sqlalchemy.pool import NullPool
from standing_seed import tell

ROOT = Path(__file__).parents[2]
NOW = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)
VENUE_AT = NOW - timedelta(minutes=3)
HOSTS = {"aurora": "aurora.localhost", "boreal": "boreal.localhost"}
THEMES = {"aurora": "aurora", "boreal": "obsidian"}
STRATEGIES = {"aurora": ("dawn", "Dawn Runner", "Mara Lind"), "boreal": ("fjord", "Fjord Scalper", "Nils Berg")}
EQUITIES = (100, 110, 99, 104, 121)
D = Decimal


class FixedClock:
    """A clock that stands still."""

    def now(self) -> datetime:
        return NOW

    def monotonic(self) -> float:
        return 0.0


class Postbox:
    """Keep letters in a list: the mailer of tests that look at mail."""

    def __init__(self) -> None:
        self.letters: list[Letter] = []

    def send(self, letter: Letter) -> None:
        self.letters.append(letter)


@dataclass
class SecretBox:
    """Keeps brands' secrets in memory."""

    kept: dict[tuple[str, str], str] = field(default_factory=dict, repr=False)

    def set(self, slug: str, name: str, value: str) -> None:
        self.kept[slug, name] = value

    def get(self, slug: str, name: str) -> str | None:
        return self.kept.get((slug, name))

    def names(self, slug: str) -> tuple[str, ...]:
        return tuple(sorted(name for owner, name in self.kept if owner == slug))


@dataclass
class FakeRuntime:
    """What the composition root would give."""

    database_url: str
    directory: TenantDirectory
    themes_dir: Path = ROOT / "themes"
    redis_url: str = "redis://127.0.0.1:1"
    tenant_ids: Mapping[str, int] = field(default_factory=dict)
    link_secret: str | None = "a key of these tests"
    trusted_proxies: str = "127.0.0.1,::1"
    postbox: Postbox = field(default_factory=Postbox)
    exchange_store: MemoryKeyStore = field(default_factory=MemoryKeyStore)
    identity_store: MemoryKeyStore = field(default_factory=MemoryKeyStore)
    texters: dict[str, Texter] = field(default_factory=dict)
    lab_door: LabDoor | None = None
    secrets: SecretBox = field(default_factory=SecretBox)

    def live_url(self, host: str) -> str:
        return f"http://{host.partition(':')[0]}:8001"

    def site_url(self, host: str) -> str:
        return f"http://{host}:8000"

    def mailer(self, tenant_id: int) -> Mailer:
        return self.postbox

    def link_key(self, purpose: str, slug: str) -> bytes | None:
        return None if self.link_secret is None else f"{self.link_secret} {purpose} {slug}".encode()

    def signing_key(self, purpose: str, slug: str) -> bytes:
        return f"{self.link_secret} {purpose} {slug}".encode()

    @cached_property
    def hashing(self) -> Hasher:
        """Hash passwords as cheaply as Argon2 can: tests have many."""
        return Hasher(HashCost(memory_kib=8, passes=1, lanes=1))

    def texter(self, slug: str) -> Texter | None:
        return self.texters.get(slug)

    @cached_property
    def identity_vault(self) -> Vault:
        return Vault(self.identity_store, MemoryDataKeys(Purpose.IDENTITY))

    @property
    def intake(self) -> IntakePublic:
        return IntakePublic(self.identity_store, self.database)

    @property
    def intake_opener(self) -> IntakePrivate:
        """What only the listener has: to open what `intake` sealed."""
        return IntakePrivate(self.exchange_store, self.identity_store, self.database)

    @cached_property
    def settings_desk(self) -> SettingsDesk:
        return SettingsDesk(self.directory)

    @cached_property
    def database(self) -> Database:
        """A database that keeps no connection, so that nobody must close it."""
        return Database(create_engine(sqlalchemy_url(self.database_url), poolclass=NullPool))


@dataclass(frozen=True)
class Seeded:
    """Ids of what was stored per brand."""

    tenant_ids: dict[str, int]
    signal_ids: dict[str, int]


def seed(database_url: str) -> Seeded:
    """Store one strategy with a signal, four copies and a short record for each brand."""
    database = Database.connect(database_url, pool_size=1)
    try:
        with database.installation() as session:
            ids = {slug: ensure_tenant(session, slug) for slug in HOSTS}
        signals = {}
        for slug, tenant_id in ids.items():
            with database.tenant(tenant_id) as session:
                signals[slug] = _seed_brand(session, slug, tenant_id)
        return Seeded(ids, signals)
    finally:
        database.dispose()


def _seed_brand(session: Session, slug: str, tenant_id: int) -> int:
    strategy_slug, name, trader_name = STRATEGIES[slug]
    trader = _account(session, tenant_id, trader_name, "trader")
    strategy = Strategy(
        tenant_id=tenant_id,
        trader_id=trader.user_id,
        account_id=trader.id,
        slug=strategy_slug,
        name=name,
        summary=f"{name} in one sentence.",
    )
    session.add(strategy)
    session.flush()
    for day, equity in enumerate(EQUITIES):
        at = NOW - timedelta(days=len(EQUITIES) - day)
        session.add(EquityPoint(tenant_id=tenant_id, strategy_id=strategy.id, at=at, equity=D(equity)))
    session.flush()
    points = [(NOW - timedelta(days=len(EQUITIES) - day), D(equity)) for day, equity in enumerate(EQUITIES)]
    tell(session, tenant_id, strategy.id, points)
    book = LeaderBook(tenant_id=tenant_id, strategy_id=strategy.id, symbol="BTC/USDT", qty=D("0.5"), last_px=D(64000))
    session.add(book)
    signal = _signal(tenant_id, strategy.id, trader.id, "1")
    session.add(signal)
    session.flush()
    for number, values in enumerate(COPIES, 1):
        _add_copy(session, signal, number, values)
    return signal.id


def _account(session: Session, tenant_id: int, name: str, role: str) -> Account:
    email = f"{name.lower().replace(' ', '.')}@{tenant_id}.example"
    user = User(tenant_id=tenant_id, email=email, display_name=name, role=role)
    session.add(user)
    session.flush()
    account = Account(
        tenant_id=tenant_id,
        user_id=user.id,
        venue="binance",
        environment="lab",
        label=name,
        shard="binance-lab:0",
    )
    session.add(account)
    session.flush()
    return account


def _signal(tenant_id: int, strategy_id: int, account_id: int, order: str) -> Signal:
    return Signal(
        tenant_id=tenant_id,
        strategy_id=strategy_id,
        account_id=account_id,
        symbol="BTC/USDT",
        side="buy",
        venue_order_id=order,
        cum_qty=D("0.5"),
        qty=D("0.5"),
        px=D(64000),
        position_before=D(0),
        position_after=D("0.5"),
        leader_equity=D(100_000),
        venue_at=VENUE_AT,
        seen_at=VENUE_AT + timedelta(milliseconds=12),
        stored_at=VENUE_AT + timedelta(milliseconds=15),
    )


COPIES = (
    {"status": "filled", "qty": D("0.004"), "cum_qty": D("0.004"), "avg_px": D("64006.4"), "acked": 80},
    {"status": "canceled", "qty": D("0.004"), "cum_qty": D("0.001"), "avg_px": D("64012.8"), "acked": 100},
    {
        "status": "denied",
        "qty": D(0),
        "reason": "below_notional_min",
        "facts": {"notional": "4.1", "minimum": "5", "currency": "USDT", "allocation_needed": "122"},
    },
    {"status": "in_flight", "qty": D("0.002")},
)


def _add_copy(session: Session, signal: Signal, number: int, values: Mapping[str, object]) -> None:
    tenant_id = signal.tenant_id
    account = _account(session, tenant_id, f"Secret Person {number}", "follower")
    subscription = Subscription(
        tenant_id=tenant_id,
        strategy_id=signal.strategy_id,
        account_id=account.id,
        allocation=D(500),
        sizing_mode="equity_ratio",
    )
    session.add(subscription)
    session.flush()
    acked = values.get("acked")
    row = insert(Copy).values(
        tenant_id=tenant_id,
        subscription_id=subscription.id,
        signal_id=signal.id,
        account_id=account.id,
        shard="binance-lab:0",
        leg="open",
        symbol=signal.symbol,
        side="buy",
        type="limit",
        qty=values["qty"],
        px=D("64320"),
        reduces=False,
        client_order_id=f"{tenant_id}-{subscription.id}",
        status=values["status"],
        reason=values.get("reason"),
        reason_facts=values.get("facts"),
        epoch=1,
        cum_qty=values.get("cum_qty", D(0)),
        avg_px=values.get("avg_px"),
        planned_at=VENUE_AT + timedelta(milliseconds=18),
        sent_at=VENUE_AT + timedelta(milliseconds=21) if acked else None,
        acked_at=VENUE_AT + timedelta(milliseconds=acked) if isinstance(acked, int) else None,
    )
    session.execute(row)
