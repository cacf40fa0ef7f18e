"""API keys of the lab: what each may do, from where, and whose account it opens."""

from __future__ import annotations

import hashlib
import hmac
import os
from binascii import b2a_base64
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple

import orjson

from copydesk.kernel import InvalidInput
from copydesk.venues.lab.signatures import PairVerifier

READ = "read"
TRADE = "trade"
PERP = "perp"
WITHDRAW = "withdraw"
TRANSFER = "transfer"
MARGIN = "margin"
OTHER = "other"
# The exchanges' rights in our words: spot trading, perpetual trading, money out, money to other accounts, margin
# loans, and a right that no list of the exchange's names.
PERMISSIONS = frozenset({READ, TRADE, PERP, WITHDRAW, TRANSFER, MARGIN, OTHER})


class KeyTexts(NamedTuple):
    """The random parts of a fresh API key in its exchange's form; `passphrase` where the exchange has one.

    For a `public_key` that its owner brings there is no secret.
    """

    api_key: str
    secret: str
    passphrase: str = ""
    public_key: str = ""


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

    def digest(self, payload: bytes) -> bytes:
        """Return the signature of these bytes."""
        inner, outer = self._inner.copy(), self._outer.copy()
        inner.update(payload)
        outer.update(inner.digest())
        return outer.digest()


@dataclass(frozen=True, slots=True)
class ApiKey:
    """One key. An empty `ips` means that it is not bound to addresses; `expires_ms` None, that it lasts.

    With a `public_key` (PEM) its owner signs with the private half, and there is no secret.
    """

    api_key: str
    secret: str = field(repr=False)
    account: str
    permissions: frozenset[str]
    ips: frozenset[str]
    created_ms: int
    passphrase: str = field(default="", repr=False)
    expires_ms: int | None = None
    public_key: str = ""
    signer: Signer = field(init=False, repr=False, compare=False)
    pair: PairVerifier | None = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "signer", Signer(self.secret.encode()))
        object.__setattr__(self, "pair", PairVerifier(self.public_key) if self.public_key else None)

    def allows(self, permission: str, ip: str) -> bool:
        """Tell whether this key may do that from this address."""
        return permission in self.permissions and self.opens_from(ip)

    def opens_from(self, ip: str) -> bool:
        """Tell whether requests may come from this address."""
        return not self.ips or ip in self.ips

    def expired(self, now_ms: float) -> bool:
        return self.expires_ms is not None and now_ms >= self.expires_ms

    def signs_hex(self, payload: bytes, signature: str) -> bool:
        """Check an HMAC-SHA256 signature in hexadecimal, of either case, or a key pair's, on the exact bytes."""
        if self.pair is not None:
            return self.pair.holds(payload, signature)
        return signature.isascii() and hmac.compare_digest(self.signer.digest(payload).hex(), signature.lower())

    def signs_base64(self, payload: bytes, signature: str) -> bool:
        """Check an HMAC-SHA256 signature in base64, or a key pair's, on the exact bytes."""
        if self.pair is not None:
            return self.pair.holds(payload, signature)
        made = b2a_base64(self.signer.digest(payload), newline=False)
        return signature.isascii() and hmac.compare_digest(made, signature.encode())


class KeyRing:
    """Hold the keys of one exchange by their public half.

    Each change is appended to `path` (one JSON object per line, mode 0600) before it counts, so that keys
    survive a crash; the file belongs to the lab alone.
    """

    def __init__(self, path: Path | None = None) -> None:
        self._path = path
        self._keys: dict[str, ApiKey] = {}
        self.get = self._keys.get
        if path is not None and path.exists():
            for line in path.read_bytes().splitlines():
                self._apply(orjson.loads(line))

    def __len__(self) -> int:
        return len(self._keys)

    def __iter__(self) -> Iterator[ApiKey]:
        return iter(self._keys.values())

    def issue(
        self,
        texts: KeyTexts,
        account: str,
        permissions: Iterable[str],
        ips: Iterable[str],
        now_ms: int,
        expires_ms: int | None = None,
    ) -> ApiKey:
        """Create a key with these rights."""
        row = {
            "account": account,
            "created_ms": now_ms,
            "secret": "" if texts.public_key else texts.secret,
            "passphrase": texts.passphrase,
            "public_key": texts.public_key,
        }
        api_key = texts.api_key
        return self._put(api_key, row, permissions, ips, expires_ms)

    def change(
        self, api_key: str, permissions: Iterable[str], ips: Iterable[str], expires_ms: int | None = None
    ) -> ApiKey:
        """Replace the rights of an existing key, as an owner can do at any time on the exchange's site."""
        old = self._keys.get(api_key)
        if old is None:
            raise InvalidInput("apiKey: expected a key that the lab issued, found an unknown one")
        kept = ("account", "created_ms", "secret", "passphrase", "public_key")
        return self._put(api_key, {name: getattr(old, name) for name in kept}, permissions, ips, expires_ms)

    def revoke(self, api_key: str) -> bool:
        """Delete a key; say whether it existed."""
        if api_key not in self._keys:
            return False
        self._record({"api_key": api_key, "revoked": True})
        return True

    def _put(
        self,
        api_key: str,
        row: dict[str, Any],
        permissions: Iterable[str],
        ips: Iterable[str],
        expires_ms: int | None,
    ) -> ApiKey:
        rights, addresses = frozenset(permissions), frozenset(ips)
        if unknown := rights - PERMISSIONS:
            raise InvalidInput(f"permissions: expected some of {sorted(PERMISSIONS)}, found {sorted(unknown)}")
        if WITHDRAW in rights and not addresses:
            # Binance grants withdrawal only to keys bound to addresses, and the others advise it.
            raise InvalidInput("ips: expected at least one address for a key that may withdraw, found none")
        rest = {"permissions": sorted(rights), "ips": sorted(addresses), "expires_ms": expires_ms}
        self._record({"api_key": api_key, **row, **rest})
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
