"""Seals exchange keys and other private fields under per-tenant data keys."""

from __future__ import annotations

import os
import struct
import threading

from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from copydesk.kernel import Clock, ConfigError, SystemClock, Unavailable
from copydesk.vault.envelope import KEY_BYTES, aad, key_version, open_bytes, seal_bytes
from copydesk.vault.model import Purpose, SealBroken, WrappedKey
from copydesk.vault.port import DataKeyRepository, KeyEncryptionStore

CACHE_TTL_S = 300.0
# How long an opened data key goes on serving before a key server that gives no answer is asked again.
_AWAY_S = 10.0
# How much longer a data key must be held at least where somebody is about to seal in a transaction.
_WARM_S = 60.0
_CREATE_ATTEMPTS_MAX = 5
# As `aad` writes the two numbers and the field, in one step: this runs for every opened value.
_FIELD = b"copydesk field"
_PLACE = struct.Struct(f">I{len(_FIELD)}sIqIqI")


class Vault:
    """Seal and open one field of one account of one tenant; a sealed value opens nowhere else.

    Opened data keys stay in this process for `ttl_s` seconds. Another process' rotation is noticed after that
    time at the latest; until then both versions seal, and both open.
    """

    def __init__(
        self,
        keystore: KeyEncryptionStore,
        key_repository: DataKeyRepository,
        *,
        clock: Clock | None = None,
        ttl_s: float = CACHE_TTL_S,
    ) -> None:
        self._keystore = keystore
        self._keys = key_repository
        self._clock = clock or SystemClock()
        self._ttl_s = ttl_s
        self._lock = threading.Lock()
        self._ciphers: dict[tuple[int, int], tuple[float, AESGCM]] = {}
        self._newest: dict[int, tuple[float, int]] = {}

    def seal(self, tenant_id: int, account_id: int, field: str, plaintext: str) -> bytes:
        """Encrypt under the tenant's newest data key, which the first seal creates."""
        version = self._newest_version(tenant_id)
        cipher = self._cipher(tenant_id, version)
        context = _context(tenant_id, account_id, field)
        return seal_bytes(cipher, plaintext.encode(), key_version=version, context=context)

    def open(self, tenant_id: int, account_id: int, field: str, sealed: bytes) -> str:
        """Decrypt; raise `SealBroken` unless exactly this value was sealed for exactly this place."""
        cipher = self._cipher(tenant_id, key_version(sealed))
        return open_bytes(cipher, sealed, context=_context(tenant_id, account_id, field)).decode()

    def warm(self, tenant_id: int) -> None:
        """Hold the tenant's newest data key for the next minute, so that a seal in it asks nobody.

        Called before a transaction that seals: within one, a key server or another connection would be waited for
        under its locks. The first call makes the tenant's first data key. Raises as `seal` does.
        """
        version = self._newest_version(tenant_id, ahead_s=_WARM_S)
        self._cipher(tenant_id, version, ahead_s=_WARM_S)

    def rotate(self, tenant_id: int) -> int:
        """Start a new data key version and return it; what older versions sealed still opens."""
        for _ in range(_CREATE_ATTEMPTS_MAX):
            newest = self._keys.load(tenant_id)
            version = newest.version + 1 if newest else 1
            if self._create(tenant_id, version):
                return version
        raise Unavailable(f"the data key of tenant {tenant_id} is being rotated elsewhere; try again")

    def reseal(self, tenant_id: int, account_id: int, field: str, sealed: bytes) -> bytes:
        """Seal the same value under the newest data key; returned unchanged when it already is."""
        if key_version(sealed) == self._newest_version(tenant_id):
            return sealed
        return self.seal(tenant_id, account_id, field, self.open(tenant_id, account_id, field, sealed))

    def newest(self, tenant_id: int) -> int:
        """Return the version of the tenant's newest data key as it is stored, 0 where nothing was sealed yet."""
        stored = self._keys.load(tenant_id)
        if stored is None:
            return 0
        self._note_newest(tenant_id, stored.version)
        return stored.version

    def forget(self) -> None:
        """Drop every opened data key from this process."""
        with self._lock:
            self._ciphers.clear()
            self._newest.clear()

    def __reduce__(self) -> str:
        raise TypeError("a vault does not leave its process")

    def _newest_version(self, tenant_id: int, *, ahead_s: float = 0.0) -> int:
        with self._lock:
            held = self._newest.get(tenant_id)
        if held and self._clock.monotonic() + ahead_s < held[0]:
            return held[1]
        newest = self._keys.load(tenant_id)
        if newest is None:
            # Another process may create version 1 at the same moment: whoever saves first wins, both use it.
            self._create(tenant_id, 1)
            newest = self._keys.load(tenant_id)
        assert newest is not None, "a data key that was just saved is not there"
        self._note_newest(tenant_id, newest.version)
        return newest.version

    def _create(self, tenant_id: int, version: int) -> bool:
        context = key_context(self._keys.purpose, tenant_id, version)
        wrapped = self._keystore.wrap(os.urandom(KEY_BYTES), context=context)
        saved = self._keys.save(WrappedKey(tenant_id, version, wrapped, self._clock.now()))
        if saved:
            self._note_newest(tenant_id, version)
        return saved

    def _note_newest(self, tenant_id: int, version: int) -> None:
        with self._lock:
            self._newest[tenant_id] = (self._clock.monotonic() + self._ttl_s, version)

    def _cipher(self, tenant_id: int, version: int, *, ahead_s: float = 0.0) -> AESGCM:
        now = self._clock.monotonic()
        held = self._ciphers.get((tenant_id, version))
        if held and now + ahead_s < held[0]:
            return held[1]
        try:
            cipher = self._unwrapped(tenant_id, version)
        except (Unavailable, ConfigError):
            if held is None:
                raise
            # The key server is away, or refuses us, and a position must be closed all the same.
            with self._lock:
                self._ciphers[tenant_id, version] = (max(held[0], now + _AWAY_S), held[1])
            return held[1]
        with self._lock:
            self._ciphers = {place: kept for place, kept in self._ciphers.items() if now < kept[0]}
            self._ciphers[tenant_id, version] = (now + self._ttl_s, cipher)
        return cipher

    def _unwrapped(self, tenant_id: int, version: int) -> AESGCM:
        stored = self._keys.load(tenant_id, version)
        if stored is None:
            raise SealBroken(f"tenant {tenant_id} has no data key version {version}")
        context = key_context(self._keys.purpose, tenant_id, version)
        return AESGCM(self._keystore.unwrap(stored.wrapped, context=context))


def _context(tenant_id: int, account_id: int, field: str) -> bytes:
    name = field.encode()
    return _PLACE.pack(len(_FIELD), _FIELD, 8, tenant_id, 8, account_id, len(name)) + name


def key_context(purpose: Purpose, tenant_id: int, version: int) -> bytes:
    """Return what a data key is bound to when it is wrapped."""
    # What was wrapped before there were purposes names none.
    named = () if purpose is Purpose.EXCHANGE else (purpose.encode(),)
    return aad(b"copydesk data key", tenant_id, version, *named)
