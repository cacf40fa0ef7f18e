"""API keys of the lab: what each may do, from where, and whose account it opens."""

from __future__ import annotations

import hashlib
import hmac
import os
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import orjson

from copydesk.kernel import InvalidInput

READ = "read"
TRADE = "trade"
WITHDRAW = "withdraw"
PERMISSIONS = frozenset({READ, TRADE, WITHDRAW, "internal_transfer", "universal_transfer", "margin", "futures"})


_INNER = bytes(byte ^ 0x36 for byte in range(256))
_OUTER = bytes(byte ^ 0x5C for byte in range(256))
_BLOCK_LEN = 64


class Signer:
    """HMAC-SHA256 (RFC 2104) with a secret's two key blocks hashed once: half the time of `hmac.digest`."""

    __slots__ = ("_inner", "_outer")

    def __init__(self, secret: bytes) -> None:
        block = (secret if len(secret) <= _BLOCK_LEN else hashlib.sha256(secret).digest()).ljust(_BLOCK_LEN, b"\0")
        self._inner = hashlib.sha256(block.translate(_INNER))
        self._outer = hashlib.sha256(block.translate(_OUTER))

    def sign(self, payload: bytes) -> str:
        """Return the signature of these bytes in hexadecimal."""
        inner, outer = self._inner.copy(), self._outer.copy()
        inner.update(payload)
        outer.update(inner.digest())
        return outer.hexdigest()


@dataclass(frozen=True, slots=True)
class ApiKey:
    """One key pair. An empty `ips` means that the key is not bound to addresses."""

    api_key: str
    secret: str = field(repr=False)
    account: str
    permissions: frozenset[str]
    ips: frozenset[str]
    created_ms: int
    signer: Signer = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "signer", Signer(self.secret.encode()))

    def allows(self, permission: str, ip: str) -> bool:
        """Tell whether this key may do that from this address."""
        return permission in self.permissions and (not self.ips or ip in self.ips)

    def signs(self, payload: bytes, signature: str) -> bool:
        """Check an HMAC-SHA256 signature in hexadecimal, of either case, on the exact bytes."""
        return signature.isascii() and hmac.compare_digest(self.signer.sign(payload), signature.lower())


class KeyRing:
    """Hold every key by its public half. `token` makes the random halves.

    Each change is appended to `path` (one JSON object per line, mode 0600) before it counts, so that keys
    survive a crash; the file belongs to the lab alone.
    """

    def __init__(self, token: Callable[[], str], path: Path | None = None) -> None:
        self._token = token
        self._path = path
        self._keys: dict[str, ApiKey] = {}
        self.get = self._keys.get
        if path is not None and path.exists():
            for line in path.read_bytes().splitlines():
                self._apply(orjson.loads(line))

    def __len__(self) -> int:
        return len(self._keys)

    def issue(self, account: str, permissions: Iterable[str], ips: Iterable[str], now_ms: int) -> ApiKey:
        """Create a key pair with these rights."""
        return self._put(self._token(), self._token(), account, permissions, ips, now_ms)

    def change(self, api_key: str, permissions: Iterable[str], ips: Iterable[str]) -> ApiKey:
        """Replace the rights of an existing key, as an owner can do at any time on the exchange's site."""
        old = self._keys.get(api_key)
        if old is None:
            raise InvalidInput("apiKey: expected a key that the lab issued, found an unknown one")
        return self._put(old.api_key, old.secret, old.account, permissions, ips, old.created_ms)

    def revoke(self, api_key: str) -> bool:
        """Delete a key; say whether it existed."""
        if api_key not in self._keys:
            return False
        self._record({"api_key": api_key, "revoked": True})
        return True

    def _put(
        self, api_key: str, secret: str, account: str, permissions: Iterable[str], ips: Iterable[str], created_ms: int
    ) -> ApiKey:
        rights, addresses = frozenset(permissions), frozenset(ips)
        if unknown := rights - PERMISSIONS:
            raise InvalidInput(f"permissions: expected some of {sorted(PERMISSIONS)}, found {sorted(unknown)}")
        if WITHDRAW in rights and not addresses:
            # Binance grants withdrawal only to keys bound to addresses.
            raise InvalidInput("ips: expected at least one address for a key that may withdraw, found none")
        self._record(
            {
                "api_key": api_key,
                "secret": secret,
                "account": account,
                "permissions": sorted(rights),
                "ips": sorted(addresses),
                "created_ms": created_ms,
            }
        )
        return self._keys[api_key]

    def _record(self, row: dict[str, Any]) -> None:
        if self._path is not None:
            handle = os.open(self._path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
            try:
                os.write(handle, orjson.dumps(row) + b"\n")
            finally:
                os.close(handle)
        self._apply(row)

    def _apply(self, row: dict[str, Any]) -> None:
        if row.get("revoked"):
            self._keys.pop(row["api_key"], None)
            return
        named = {**row, "permissions": frozenset(row["permissions"]), "ips": frozenset(row["ips"])}
        self._keys[row["api_key"]] = ApiKey(**named)
