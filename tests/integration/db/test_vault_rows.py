"""Sealed keys in PostgreSQL open for their own row only, and nowhere lie in the open."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import psycopg
import pytest
from copydesk.db import Database
from copydesk.identity import Role, User
from copydesk.kernel import new_id
from copydesk.tenancy import ensure_tenant
from copydesk.vault import (
    Account,
    FileKeyStore,
    KeyRing,
    NewAccount,
    PostgresDataKeys,
    SealBroken,
    Vault,
    WrappedKey,
    add_account,
)
from sqlalchemy import update

API_KEY, SECRET = "key-that-must-not-be-seen", "secret-that-must-not-be-seen"
PASSPHRASE = "open sesame 1"


@dataclass(frozen=True)
class Safe:
    """A vault on the module's database with two brands and two accounts in the first."""

    db: Database
    vault: Vault
    ours: int
    theirs: int
    accounts: tuple[int, int]
    foreign: int

    def sealed(self, tenant_id: int, account_id: int) -> tuple[bytes, bytes]:
        with self.db.tenant(tenant_id) as session:
            account = session.get_one(Account, (tenant_id, account_id))
            assert account.sealed_key is not None
            assert account.sealed_secret is not None
            return account.sealed_key, account.sealed_secret

    def overwrite(self, tenant_id: int, account_id: int, sealed: tuple[bytes, bytes]) -> None:
        values = {"sealed_key": sealed[0], "sealed_secret": sealed[1]}
        with self.db.tenant(tenant_id) as session:
            session.execute(update(Account).where(Account.id == account_id).values(values))

    def opened(self, tenant_id: int, account_id: int) -> bool:
        """Tell whether a process that has nothing in memory can open the account's key."""
        return account_id in KeyRing(self.db, self.vault).credentials(tenant_id, [account_id])


@pytest.fixture(scope="module")
def key_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("vault") / "key"


@pytest.fixture
def safe(database_url: str, key_file: Path) -> Iterator[Safe]:
    db = Database.connect(database_url, pool_size=2)
    vault = Vault(FileKeyStore(key_file), PostgresDataKeys(db))
    with db.installation() as session:
        ours, theirs = (ensure_tenant(session, f"{name}-{new_id()}") for name in ("ours", "theirs"))
    one, two, foreign = (_account(db, vault, tenant) for tenant in (ours, ours, theirs))
    yield Safe(db, vault, ours, theirs, (one, two), foreign)
    db.dispose()


def _account(db: Database, vault: Vault, tenant_id: int) -> int:
    with db.tenant(tenant_id) as session:
        user = User(tenant_id=tenant_id, email=f"{new_id()}@x.invalid", display_name="F", role=Role.FOLLOWER)
        session.add(user)
        session.flush()
        new = NewAccount(user.id, "okx", "lab", "account", "okx-lab:0", API_KEY, SECRET, PASSPHRASE)
        assert API_KEY not in repr(new) and PASSPHRASE not in repr(new)
        return add_account(session, vault, new)


def test_a_stored_key_opens_for_its_own_account(safe: Safe) -> None:
    opened = KeyRing(safe.db, safe.vault).credentials(safe.ours, safe.accounts)
    told = {account: (keys.api_key, keys.secret, keys.password) for account, keys in opened.items()}
    assert told == dict.fromkeys(safe.accounts, (API_KEY, SECRET, PASSPHRASE))
    assert PASSPHRASE not in repr(opened)


def test_a_key_moved_to_another_row_does_not_open(safe: Safe) -> None:
    one, two = safe.accounts
    safe.overwrite(safe.ours, two, safe.sealed(safe.ours, one))
    assert not safe.opened(safe.ours, two)
    assert safe.opened(safe.ours, one)


def test_a_key_moved_to_another_brand_does_not_open(safe: Safe) -> None:
    safe.overwrite(safe.theirs, safe.foreign, safe.sealed(safe.ours, safe.accounts[0]))
    assert not safe.opened(safe.theirs, safe.foreign)


def test_key_and_secret_in_each_others_place_do_not_open(safe: Safe) -> None:
    key, secret = safe.sealed(safe.ours, safe.accounts[0])
    safe.overwrite(safe.ours, safe.accounts[0], (secret, key))
    assert not safe.opened(safe.ours, safe.accounts[0])


def test_one_brands_ring_does_not_hand_out_anothers_key(safe: Safe) -> None:
    ring = KeyRing(safe.db, safe.vault)
    assert ring.credentials(safe.ours, [safe.foreign]) == {}
    assert ring.credentials(safe.theirs, [safe.foreign]) != {}
    assert ring.credentials(safe.ours, [safe.foreign]) == {}


def test_a_ring_forgets_on_request(safe: Safe) -> None:
    ring, account = KeyRing(safe.db, safe.vault), safe.accounts[0]
    ring.credentials(safe.ours, [account])
    safe.overwrite(safe.ours, account, (b"x", b"y"))
    assert account in ring.credentials(safe.ours, [account])
    ring.forget(safe.ours, account)
    assert ring.credentials(safe.ours, [account]) == {}


def test_a_data_key_of_one_brand_does_not_serve_another(safe: Safe, key_file: Path) -> None:
    keys = PostgresDataKeys(safe.db)
    ours = keys.load(safe.ours)
    assert ours is not None
    with safe.db.tenant(safe.theirs) as session:
        session.connection().exec_driver_sql("UPDATE data_key SET wrapped = %s", (ours.wrapped,))
    fresh = Vault(FileKeyStore(key_file), keys)
    with pytest.raises(SealBroken):
        fresh.open(safe.theirs, safe.foreign, "api_key", safe.sealed(safe.theirs, safe.foreign)[0])


def test_rotation_keeps_old_keys_opening_and_new_seals_new(safe: Safe) -> None:
    before = safe.sealed(safe.ours, safe.accounts[0])
    version = safe.vault.rotate(safe.ours)
    resealed = safe.vault.reseal(safe.ours, safe.accounts[0], "api_key", before[0])
    assert version == 2
    assert safe.vault.open(safe.ours, safe.accounts[0], "api_key", before[0]) == API_KEY
    assert safe.vault.open(safe.ours, safe.accounts[0], "api_key", resealed) == API_KEY
    assert resealed != before[0]


def test_a_data_key_version_is_saved_once(safe: Safe) -> None:
    keys = PostgresDataKeys(safe.db)
    known = keys.load(safe.ours, 1)
    assert known is not None
    assert not keys.save(WrappedKey(safe.ours, 1, b"another", known.created_at))
    assert keys.load(safe.ours, 1) == known
    assert keys.load(safe.ours, 99) is None


def test_no_table_shows_a_key_in_the_open(safe: Safe, owner_url: str, key_file: Path) -> None:
    """Look through every row of every table: whole rows as text, and every binary column as bytes."""
    encryption_key = key_file.read_bytes().split(b":")[1].strip()
    needles = [API_KEY.encode(), SECRET.encode(), PASSPHRASE.encode(), encryption_key]
    seen = b""
    with psycopg.connect(owner_url) as connection:
        names = connection.execute("SELECT tablename FROM pg_tables WHERE schemaname = 'public'").fetchall()
        assert names
        for (name,) in names:
            for row in connection.execute(f'SELECT t::text, t.* FROM "{name}" t'):
                seen += b"\n".join(v if isinstance(v, bytes) else str(v).encode() for v in row)
    assert b"okx-lab:0" in seen
    assert [needle for needle in needles if needle in seen or needle.hex().encode() in seen] == []
