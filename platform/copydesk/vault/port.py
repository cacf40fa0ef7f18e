"""What the vault needs from outside: a key-encryption key it never sees, and a place for wrapped data keys."""

from __future__ import annotations

from typing import Protocol

from copydesk.vault.model import Purpose, WrappedKey


class KeyEncryptionStore(Protocol):
    """Wrap and unwrap data keys. `context` is bound to the wrapped key: another context does not open it."""

    def wrap(self, key: bytes, *, context: bytes) -> bytes: ...

    def unwrap(self, wrapped: bytes, *, context: bytes) -> bytes:
        """Return the key; raise `SealBroken` when it was changed, moved, or wrapped by another store."""
        ...


class TurningKeyStore(KeyEncryptionStore, Protocol):
    """A key-encryption store whose key can be turned: every version goes on unwrapping, the newest one wraps."""

    def newest(self) -> int:
        """Return the version that wraps now, from 1; 0 where nothing was wrapped yet."""
        ...

    def version_of(self, wrapped: bytes) -> int:
        """Return which version wrapped this; raise `SealBroken` when it is not one of ours."""
        ...

    def turn(self) -> int:
        """Begin a new version, and return it."""
        ...

    def rewrap(self, wrapped: bytes, *, context: bytes) -> bytes:
        """Return the same key wrapped by the newest version; unchanged when it already is."""
        ...


def installation_context(name: str) -> bytes:
    """Return what a key of the installation is bound to when it is wrapped: its name."""
    return b"copydesk installation key " + name.encode()


class DataKeyRepository(Protocol):
    """Keep every version of every tenant's wrapped data key for one purpose."""

    @property
    def purpose(self) -> Purpose: ...

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
