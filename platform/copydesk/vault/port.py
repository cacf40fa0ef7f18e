"""What the vault needs from outside: a key-encryption key it never sees, and a place for wrapped data keys."""

from __future__ import annotations

from typing import Protocol

from copydesk.vault.model import WrappedKey


class KeyEncryptionStore(Protocol):
    """Wrap and unwrap data keys. `context` is bound to the wrapped key: another context does not open it."""

    def wrap(self, key: bytes, *, context: bytes) -> bytes: ...

    def unwrap(self, wrapped: bytes, *, context: bytes) -> bytes:
        """Return the key; raise `SealBroken` when it was changed, moved, or wrapped by another store."""
        ...


class DataKeyRepository(Protocol):
    """Keep every version of every tenant's wrapped data key."""

    def load(self, tenant_id: int, version: int | None = None) -> WrappedKey | None:
        """Return that version, or the newest one; None when there is none."""
        ...

    def save(self, key: WrappedKey) -> bool:
        """Store a new version durably; return False, changing nothing, when that version exists already."""
        ...


class SecretStore(Protocol):
    """Keep what a tenant file refers to as `secret:<name>`."""

    def set(self, slug: str, name: str, value: str) -> None: ...

    def get(self, slug: str, name: str) -> str | None: ...

    def names(self, slug: str) -> tuple[str, ...]: ...


class MemoryDataKeys:
    """Keep wrapped keys in a dictionary: the twin of the table for tests."""

    def __init__(self) -> None:
        self.keys: dict[tuple[int, int], WrappedKey] = {}

    def load(self, tenant_id: int, version: int | None = None) -> WrappedKey | None:
        versions = [known for tenant, known in self.keys if tenant == tenant_id]
        if version is None:
            version = max(versions, default=0)
        return self.keys.get((tenant_id, version))

    def save(self, key: WrappedKey) -> bool:
        place = (key.tenant_id, key.version)
        if place in self.keys:
            return False
        self.keys[place] = key
        return True
