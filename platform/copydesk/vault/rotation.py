"""Both levels of keys turned while everything runs: data keys with what they seal, and the keys that wrap those.

Old versions go on opening, so nobody has to stop. Each value is replaced only where it still is what was read: a key
that its owner changes meanwhile stays changed. Safe to stop at any point, and to run again.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import NamedTuple

from sqlalchemy import text, update

from copydesk.db import Database
from copydesk.kernel import ConfigError
from copydesk.vault.model import Purpose, SealBroken
from copydesk.vault.port import KeyEncryptionStore, TurningKeyStore, installation_context
from copydesk.vault.sealed_columns import SEALED_COLUMNS, SealedColumn
from copydesk.vault.service import Vault, key_context
from copydesk.vault.tables import DataKey, InstallationKey

BATCH = 200
# The version of the data key stands behind the format byte (`envelope`).
_OLDER = "substring({column} FROM 2 FOR 4) <> int4send(:version)"
_INSTALLATION_PURPOSE = {
    "account_uid": Purpose.EXCHANGE,
    "intake": Purpose.EXCHANGE,
    "intake-public": Purpose.IDENTITY,
    "link": Purpose.IDENTITY,
}


class Resealed(NamedTuple):
    """How many values came under the newest data key, and how many do not open and stay as they are."""

    moved: int = 0
    broken: int = 0

    def __add__(self, other: object) -> Resealed:
        assert isinstance(other, Resealed)
        return Resealed(self.moved + other.moved, self.broken + other.broken)


class Older(NamedTuple):
    """How many sealed values a brand has, and how many of them older data keys sealed."""

    values: int
    older: int


Told = Callable[[int], None]


def _unheard(moved: int) -> None:
    del moved


def columns_of(purpose: Purpose) -> list[SealedColumn]:
    """Return the columns that a purpose's data keys seal."""
    return [column for column in SEALED_COLUMNS if column.purpose is purpose]


def count_older(db: Database, tenant_id: int, column: SealedColumn, newest: int) -> Older:
    """Count a brand's values of one column."""
    older = _OLDER.format(column=column.column)
    query = text(
        f"SELECT count({column.column}), count(*) FILTER (WHERE {older}) FROM {column.table} "  # noqa: S608 - our own names
        "WHERE tenant_id = :tenant_id"
    )
    with db.tenant(tenant_id) as session:
        return Older(*session.execute(query, {"version": newest, "tenant_id": tenant_id}).one())


def reseal(db: Database, vault: Vault, tenant_id: int, purpose: Purpose, *, told: Told = _unheard) -> Resealed:
    """Bring every value of a brand under its newest data key; `told` hears how many were moved since it last did."""
    newest = vault.newest(tenant_id)
    done = Resealed()
    if newest == 0:
        return done
    for column in columns_of(purpose):
        for moved in _resealed_column(db, vault, tenant_id, column, newest):
            done += moved
            told(moved.moved + moved.broken)
    return done


def _resealed_column(
    db: Database, vault: Vault, tenant_id: int, column: SealedColumn, newest: int
) -> Iterator[Resealed]:
    name, table = column.column, column.table
    batch = text(
        f"SELECT id, {name} FROM {table} WHERE tenant_id = :tenant_id AND id > :after AND "  # noqa: S608 - our own names
        f"{_OLDER.format(column=name)} ORDER BY id LIMIT {BATCH}"
    )
    replace = text(
        f"UPDATE {table} AS kept SET {name} = new.value FROM "  # noqa: S608 - our own names
        "unnest(CAST(:ids AS bigint[]), CAST(:olds AS bytea[]), CAST(:news AS bytea[])) AS new (id, old, value) "
        f"WHERE kept.tenant_id = :tenant_id AND kept.id = new.id AND kept.{name} = new.old"
    )
    after = 0
    while True:
        with db.tenant(tenant_id) as session:
            found = session.execute(batch, {"tenant_id": tenant_id, "after": after, "version": newest}).all()
        if not found:
            return
        after = found[-1][0]
        ids, olds, news, broken = _sealed_anew(vault, tenant_id, column.field, [(row[0], row[1]) for row in found])
        if ids:
            with db.tenant(tenant_id) as session:
                session.execute(replace, {"tenant_id": tenant_id, "ids": ids, "olds": olds, "news": news})
        yield Resealed(len(ids), broken)


def _sealed_anew(
    vault: Vault, tenant_id: int, field: str, rows: Sequence[tuple[int, bytes]]
) -> tuple[list[int], list[bytes], list[bytes], int]:
    ids, olds, news, broken = [], [], [], 0
    for row_id, sealed in rows:
        try:
            fresh = vault.reseal(tenant_id, row_id, field, sealed)
        except SealBroken:
            broken += 1
            continue
        ids.append(row_id)
        olds.append(sealed)
        news.append(fresh)
    return ids, olds, news, broken


class Rewrapped(NamedTuple):
    """How many keys came under the newest key-encryption key, were there already, and do not open at all."""

    moved: int = 0
    kept: int = 0
    broken: int = 0

    def __add__(self, other: object) -> Rewrapped:
        assert isinstance(other, Rewrapped)
        return Rewrapped(self.moved + other.moved, self.kept + other.kept, self.broken + other.broken)


class Rewrap:
    """Bring wrapped keys under a store's newest key, or over from another store.

    `former` is where the keys were wrapped before `vault.provider` was changed.
    """

    def __init__(
        self, db: Database, store: TurningKeyStore, purpose: Purpose, former: KeyEncryptionStore | None = None
    ):
        self._db = db
        self._store = store
        self._purpose = purpose
        self._former = former

    def wrapped(self, wrapped: bytes, context: bytes) -> bytes:
        """Return the same key wrapped by the newest version; `SealBroken` where no store opens it."""
        try:
            if self._store.version_of(wrapped) == self._store.newest():
                # Another store's may look like ours by its version.
                if self._former is not None:
                    self._store.unwrap(wrapped, context=context)
                return wrapped
            return self._store.rewrap(wrapped, context=context)
        except SealBroken:
            if self._former is None:
                raise
        return self._store.wrap(self._former.unwrap(wrapped, context=context), context=context)

    def data_keys(self, tenant_id: int) -> Rewrapped:
        """Wrap a brand's data keys of this purpose anew, every version of them."""
        query = text("SELECT version, wrapped FROM data_key WHERE tenant_id = :tenant_id AND purpose = :purpose")
        with self._db.tenant(tenant_id) as session:
            found = session.execute(query, {"tenant_id": tenant_id, "purpose": self._purpose.value}).all()
        done = Rewrapped()
        for version, wrapped in found:
            key = (DataKey.tenant_id == tenant_id, DataKey.purpose == self._purpose.value, DataKey.version == version)
            fresh, told = self._judged(wrapped, key_context(self._purpose, tenant_id, version))
            if told.moved:
                with self._db.tenant(tenant_id) as session:
                    session.execute(update(DataKey).values(wrapped=fresh).where(*key, DataKey.wrapped == wrapped))
            done += told
        return done

    def installation_keys(self) -> Rewrapped:
        """Wrap the installation's keys of this purpose anew."""
        done = Rewrapped()
        for name, wrapped in wrapped_installation_keys(self._db, self._purpose):
            key = (InstallationKey.name == name, InstallationKey.wrapped == wrapped)
            fresh, told = self._judged(wrapped, installation_context(name))
            if told.moved:
                with self._db.installation() as session:
                    session.execute(update(InstallationKey).values(wrapped=fresh).where(*key))
            done += told
        return done

    def _judged(self, wrapped: bytes, context: bytes) -> tuple[bytes, Rewrapped]:
        try:
            fresh = self.wrapped(wrapped, context)
        except SealBroken:
            return wrapped, Rewrapped(broken=1)
        return fresh, Rewrapped(kept=1) if fresh == wrapped else Rewrapped(moved=1)


def wrapped_installation_keys(db: Database, purpose: Purpose) -> list[tuple[str, bytes]]:
    """Return the installation's wrapped keys of one purpose by name; `ConfigError` for one that nobody knows."""
    with db.installation() as session:
        rows = session.execute(text("SELECT name, wrapped FROM installation_key ORDER BY name")).all()
    unknown = [name for name, _ in rows if name.partition(":")[0] not in _INSTALLATION_PURPOSE]
    if unknown:
        raise ConfigError(f"installation_key: expected keys that this version knows, found {', '.join(unknown)}")
    return [(name, wrapped) for name, wrapped in rows if _INSTALLATION_PURPOSE[name.partition(":")[0]] is purpose]


def count_wrapped(db: Database, store: TurningKeyStore, purpose: Purpose, tenant_ids: Sequence[int]) -> Older:
    """Count wrapped keys, and those that an older key-encryption key wrapped, or another store."""
    query = text("SELECT wrapped FROM data_key WHERE purpose = :purpose")
    found = [wrapped for _, wrapped in wrapped_installation_keys(db, purpose)]
    for tenant_id in tenant_ids:
        with db.tenant(tenant_id) as session:
            found += session.scalars(query, {"purpose": purpose.value}).all()
    newest = store.newest() if found else 0
    return Older(len(found), sum(_version(store, wrapped) != newest for wrapped in found))


def _version(store: TurningKeyStore, wrapped: bytes) -> int:
    try:
        return store.version_of(wrapped)
    except SealBroken:
        return -1
