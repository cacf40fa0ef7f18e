"""Keys and secrets of a brand on their way: wrapped under the passphrase inside the parcel, which is sealed besides."""

from __future__ import annotations

import base64
import json
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime

from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from sqlalchemy import select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from copydesk.parcel.lines import plain_line
from copydesk.vault import DataKey, MemoryDataKeys, Purpose, SealBroken, Vault, WrappedKey
from copydesk.vault.envelope import aad, open_bytes, seal_bytes
from copydesk.vault.service import key_context
from copydesk.vault.turns import Keyroom

_LONG_AGO = datetime(2020, 1, 1, tzinfo=UTC)


class PassphraseStore:
    """Wrap keys under a key that a passphrase gave (see `vault.port.KeyEncryptionStore`)."""

    def __init__(self, key: bytes) -> None:
        self._cipher = AESGCM(key)

    def __reduce__(self) -> str:
        raise TypeError("a key does not leave its process")

    def wrap(self, key: bytes, *, context: bytes) -> bytes:
        return seal_bytes(self._cipher, key, key_version=0, context=context)

    def unwrap(self, wrapped: bytes, *, context: bytes) -> bytes:
        return open_bytes(self._cipher, wrapped, context=context)


class SessionDataKeys:
    """Keep one purpose's data keys in a transaction that is under way, where the brand itself is not committed yet."""

    def __init__(self, session: Session, purpose: Purpose) -> None:
        self._session = session
        self.purpose = purpose

    def load(self, tenant_id: int, version: int | None = None) -> WrappedKey | None:
        mine = (DataKey.tenant_id == tenant_id, DataKey.purpose == self.purpose.value)
        query = select(DataKey).where(*mine).order_by(DataKey.version.desc()).limit(1)
        if version is not None:
            query = query.where(DataKey.version == version)
        row = self._session.scalars(query).first()
        return WrappedKey(tenant_id, row.version, row.wrapped, row.created_at) if row else None

    def save(self, key: WrappedKey) -> bool:
        values = {name: getattr(key, name) for name in ("tenant_id", "version", "wrapped", "created_at")}
        statement = insert(DataKey).values(purpose=self.purpose.value, **values).on_conflict_do_nothing()
        return self._session.execute(statement.returning(DataKey.version)).scalar() is not None


def data_key_lines(session: Session, room: Keyroom, tenant_id: int, store: PassphraseStore) -> Iterator[bytes]:
    """Give each data key that still opens, wrapped for the parcel."""
    rows = session.scalars(
        select(DataKey).where(DataKey.tenant_id == tenant_id).order_by(DataKey.purpose, DataKey.version)
    )
    for row in rows.all():
        purpose = Purpose(row.purpose)
        context = key_context(purpose, tenant_id, row.version)
        try:
            key = room.stores[purpose].unwrap(row.wrapped, context=context)
        except SealBroken:
            continue  # What it sealed does not open here either, and is counted when it arrives.
        wrapped = store.wrap(key, context=context)
        yield plain_line({"purpose": purpose.value, "version": row.version, "wrapped": _text(wrapped)})


def packed_vaults(lines: Iterable[bytes], tenant_id: int, store: PassphraseStore) -> dict[Purpose, Vault]:
    """Return what opens a parcel's sealed values; `tenant_id` is the number that the brand had there."""
    keys = {purpose: MemoryDataKeys(purpose) for purpose in Purpose}
    for said in map(json.loads, lines):
        key = WrappedKey(tenant_id, int(said["version"]), _bytes(said["wrapped"]), _LONG_AGO)
        keys[Purpose(said["purpose"])].save(key)
    return {purpose: Vault(store, keys[purpose]) for purpose in Purpose}


def secret_lines(room: Keyroom, slug: str, store: PassphraseStore) -> Iterator[bytes]:
    """Give each secret that the brand's file refers to, wrapped for the parcel."""
    for name in room.secrets.names(slug):
        value = room.secrets.get(slug, name)
        assert value is not None, "a secret that was just listed is there"
        yield plain_line({"name": name, "wrapped": _text(store.wrap(value.encode(), context=_secret_context(name)))})


def packed_secrets(lines: Iterable[bytes], store: PassphraseStore) -> dict[str, str]:
    """Return a parcel's secrets by name."""
    found = {}
    for said in map(json.loads, lines):
        name = str(said["name"])
        found[name] = store.unwrap(_bytes(said["wrapped"]), context=_secret_context(name)).decode()
    return found


def _secret_context(name: str) -> bytes:
    return aad(b"copydesk parcel secret", name.encode())


def _text(raw: bytes) -> str:
    return base64.b64encode(raw).decode()


def _bytes(text: str) -> bytes:
    return base64.b64decode(text, validate=True)
