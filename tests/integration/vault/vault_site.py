"""Two brands with sealed keys and secrets on the module's database, and everything that turns them."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import psycopg
from copydesk.db import Database
from copydesk.identity import Role, User
from copydesk.kernel import SystemClock, new_id
from copydesk.tenancy import ensure_tenant
from copydesk.vault import (
    FileKeyStore,
    FileSecretStore,
    IntakePrivate,
    IntakePublic,
    KeyRing,
    NewAccount,
    PostgresDataKeys,
    Purpose,
    TurningKeyStore,
    Vault,
    add_accounts,
)
from copydesk.vault.turns import Keyroom

EXCHANGE, IDENTITY = Purpose.EXCHANGE, Purpose.IDENTITY
SECRET = "canary-secret-{}"


@dataclass(frozen=True)
class Site:
    """An installation's keys: `room` is the operator's, and processes of their own are opened beside it."""

    db: Database
    folder: Path
    room: Keyroom
    tenants: dict[str, int]
    accounts: dict[str, list[int]]

    def store(self, purpose: Purpose) -> TurningKeyStore:
        """Return what a process of its own would wrap by."""
        return FileKeyStore(self.folder / purpose.value)

    def vault(self, purpose: Purpose = EXCHANGE, *, ttl_s: float = 300.0) -> Vault:
        """Return the vault of a process of its own."""
        return Vault(self.store(purpose), PostgresDataKeys(self.db, purpose), ttl_s=ttl_s)

    def opened(self, slug: str, *, vault: Vault | None = None) -> dict[int, str]:
        """Return the secrets of a brand's accounts as a process that holds nothing opens them."""
        keys = KeyRing(self.db, vault or self.vault()).credentials(self.tenants[slug], self.accounts[slug])
        return {account: key.secret for account, key in keys.items()}

    def expected(self, slug: str) -> dict[int, str]:
        return {account: SECRET.format(number) for number, account in enumerate(self.accounts[slug])}


def stores(folder: Path) -> dict[Purpose, TurningKeyStore]:
    return {purpose: FileKeyStore(folder / purpose.value) for purpose in Purpose}


@contextmanager
def vault_site(database_url: str, owner_url: str, folder: Path, *, accounts: int) -> Iterator[Site]:
    """Open a site whose brands have as many accounts each; the brands are new on the module's database.

    What other sites of the module left of an installation's keys is wrapped by keys that are gone.
    """
    with psycopg.connect(owner_url) as connection:
        connection.execute("DELETE FROM installation_key")
    db = Database.connect(database_url, pool_size=4)
    opened = stores(folder)
    vaults = {purpose: Vault(store, PostgresDataKeys(db, purpose)) for purpose, store in opened.items()}
    try:
        with db.installation() as session:
            tenants = {name: ensure_tenant(session, f"{name}-{new_id()}") for name in ("ours", "theirs")}
        room = Keyroom(
            db=db,
            clock=SystemClock(),
            vaults=vaults,
            stores=opened,
            secrets=FileSecretStore(folder / "secrets", opened[IDENTITY]),
            intake=IntakePrivate(opened[EXCHANGE], opened[IDENTITY], db),
        )
        held = {name: _accounts(db, vaults[EXCHANGE], tenant, accounts) for name, tenant in tenants.items()}
        yield Site(db, folder, room, tenants, held)
    finally:
        db.dispose()


def public_half(site: Site) -> IntakePublic:
    """Return what the pages have of the intake."""
    return IntakePublic(site.store(IDENTITY), site.db)


def _accounts(db: Database, vault: Vault, tenant_id: int, count: int) -> list[int]:
    with db.tenant(tenant_id) as session:
        user = User(tenant_id=tenant_id, email=f"{new_id()}@x.invalid", display_name="F", role=Role.FOLLOWER)
        session.add(user)
        session.flush()
        new = [
            NewAccount(user.id, "okx", "lab", f"account {n}", "okx-lab:0", f"key-{n}", SECRET.format(n), "pass")
            for n in range(count)
        ]
        return add_accounts(session, vault, new)
