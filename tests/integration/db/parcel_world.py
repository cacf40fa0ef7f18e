"""Two installations on one PostgreSQL server: the brand aurora, full of rows, and a place where it can go."""

from __future__ import annotations

import shutil
from dataclasses import dataclass, replace
from pathlib import Path

import psycopg
from copydesk.audit import OPERATOR, record
from copydesk.bootstrap import Runtime
from copydesk.bootstrap.parcels import depot
from copydesk.db import Database
from copydesk.identity import Role, User
from copydesk.kernel import utc_now
from copydesk.keys import Handed, NewIntake
from copydesk.keys.connect import hand_in
from copydesk.parcel import Depot
from copydesk.parcel.catalog import APART, brand_tables
from copydesk.parcel.cipher import Work
from copydesk.trading import Environment
from copydesk.vault import NewAccount, add_account
from sqlalchemy import text
from sqlalchemy.orm import Session
from tenant_rows import ordered_tenant_tables, row_of

PROJECT = Path(__file__).parents[3]
PASSPHRASE = "twelve letters and more"
SECRET = "canary-secret-of-an-exchange-key"
INTAKE_SECRET = "canary-secret-on-its-way-in"
# What aurora's panel has set.
PANEL = {"brand.hosts": ["desk.aurora.localhost"], "replication.slippage_bps_max": 33}
SMTP_SECRET = "canary-password-of-the-mail-server"


@dataclass(frozen=True)
class House:
    """One installation: its folder, its runtime, and what packs and unpacks there."""

    root: Path
    runtime: Runtime
    owner_url: str

    @property
    def stock(self) -> Depot:
        """The depot, with a passphrase that costs little to try."""
        return replace(depot(self.runtime, self.owner_url), work=Work(log_n=10))

    def count(self, tenant_id: int) -> dict[str, int]:
        """Count a brand's rows of every table, from the catalog."""
        owner = Database.connect(self.owner_url, pool_size=1)
        try:
            with owner.tenant(tenant_id) as session:
                query = "SELECT count(*) FROM {} WHERE tenant_id = :id"
                return {
                    table.name: session.execute(text(query.format(table.quoted)), {"id": tenant_id}).scalar_one()
                    for table in brand_tables(session)
                }
        finally:
            owner.dispose()

    def number(self, slug: str) -> int | None:
        """Return a registered brand's number."""
        with psycopg.connect(self.owner_url) as connection:
            row = connection.execute("SELECT id FROM tenant WHERE slug = %s", [slug]).fetchone()
        return row[0] if row else None


def build(root: Path, slugs: tuple[str, ...], *, database_url: str, owner_url: str) -> House:
    """Make an installation with some of the shipped brands."""
    for name in ("config", "themes"):
        shutil.copytree(PROJECT / name, root / name, ignore=shutil.ignore_patterns("node_modules", "vendor", "*.js"))
    (root / "tenants").mkdir()
    for slug in slugs:
        shutil.copytree(PROJECT / "tenants" / slug, root / "tenants" / slug)
    places = {"COPYDESK_ROOT": str(root), "COPYDESK_VAR": str(root / "var")}
    return House(root, Runtime(places | {"DATABASE_URL": database_url, "REDIS_URL": "redis://127.0.0.1:1"}), owner_url)


# What aurora's account trades, and where: as a row of `execution` and of `account` has it.
MARKET = ("text-text", "text")


def _priced(session: Session) -> None:
    """Store a price of aurora's market, one of nobody's, and a point of this minute."""
    for part in ("mark_minute", "point_minute"):
        session.execute(text("SELECT performance_room(:part, now(), now())"), {"part": part})
    for symbol in (MARKET[1], "NOBODY/USDT"):
        price = text("INSERT INTO mark_minute VALUES (:place, :symbol, date_trunc('minute', now()), 1.25)")
        session.execute(price, {"place": MARKET[0], "symbol": symbol})
    session.execute(
        text(
            "INSERT INTO performance_point SELECT tenant_id, owner, owner_id, 'minute', date_trunc('minute', now()), "
            "equity, flow, index_close, index_low, index_high FROM performance_point"
        )
    )


def furnish(house: House) -> tuple[int, int]:
    """Give aurora a row in every table, two real keys, a secret and a record; return the account and the intake."""
    runtime = house.runtime
    tenant_id = runtime.tenant_ids["aurora"]
    owner = Database.connect(house.owner_url, pool_size=1)
    try:
        with owner.tenant(tenant_id) as session:
            for table in ordered_tenant_tables():
                if table.name not in APART:
                    session.execute(table.insert().values(row_of(table, tenant_id)))
            session.execute(text("UPDATE subscription SET state = 'ended'"))
            _priced(session)
    finally:
        owner.dispose()
    runtime.secrets.set("aurora", "smtp_password", SMTP_SECRET)
    runtime.intake_opener.ready()
    with runtime.db.tenant(tenant_id) as session:
        user = User(tenant_id=tenant_id, email="a@x.invalid", display_name="A", role=Role.FOLLOWER)
        theirs = User(tenant_id=tenant_id, email="o@x.invalid", display_name="O", role=Role.OPERATOR)
        session.add_all([user, theirs])
        session.flush()
        account = add_account(
            session, runtime.vault, NewAccount(user.id, "okx", "lab", "mine", "okx-lab:0", "api-key", SECRET, "pass")
        )
        new = NewIntake(user.id, "okx", Environment.LAB, "new")
        intake = hand_in(
            session, runtime.intake, new, Handed("key", INTAKE_SECRET, "pass"), actor=OPERATOR, at=utc_now()
        )
        tenant = runtime.directory.by_slug("aurora")
        assert tenant is not None
        told = {"actor": OPERATOR, "author": "command line", "reason": "a test", "at": utc_now()}
        runtime.settings_desk.change(session, tenant, PANEL, by_operator=True, **told)
        for number in range(3):
            record(session, tenant_id, OPERATOR, "limit.set", f"user:{number}", at=utc_now(), after={"n": number})
    return account, intake
