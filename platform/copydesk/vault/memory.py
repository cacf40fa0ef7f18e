"""The vault's outside world in memory: real encryption, nothing kept. For tests, and for what must not leave traces."""

from __future__ import annotations

import os

from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from copydesk.vault.envelope import KEY_BYTES, key_version, open_bytes, seal_bytes
from copydesk.vault.model import Purpose, SealBroken, WrappedKey


class MemoryKeyStore:
    """Wrap data keys under keys that end with this object: the twin of the key file and the key server."""

    def __init__(self) -> None:
        self._ciphers: list[AESGCM] = []

    def wrap(self, key: bytes, *, context: bytes) -> bytes:
        version = self.newest() or self.turn()
        return seal_bytes(self._ciphers[version - 1], key, key_version=version, context=context)

    def unwrap(self, wrapped: bytes, *, context: bytes) -> bytes:
        version = self.version_of(wrapped)
        if not 0 < version <= len(self._ciphers):
            raise SealBroken(f"there is no version {version}, which wrapped this")
        return open_bytes(self._ciphers[version - 1], wrapped, context=context)

    def newest(self) -> int:
        return len(self._ciphers)

    def version_of(self, wrapped: bytes) -> int:
        return key_version(wrapped)

    def turn(self) -> int:
        self._ciphers.append(AESGCM(os.urandom(KEY_BYTES)))
        return len(self._ciphers)

    def rewrap(self, wrapped: bytes, *, context: bytes) -> bytes:
        if self.version_of(wrapped) == self.newest():
            return wrapped
        return self.wrap(self.unwrap(wrapped, context=context), context=context)


class MemoryDataKeys:
    """Keep wrapped keys in a dictionary: the twin of the table."""

    def __init__(self, purpose: Purpose = Purpose.EXCHANGE) -> None:
        self.purpose = purpose
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
