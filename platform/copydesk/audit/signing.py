"""The Ed25519 key (RFC 8032) that signs checkpoints and ends of exports, and the public half that judges them."""

from __future__ import annotations

import base64
import binascii
import hashlib
import os
import secrets
from pathlib import Path

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from copydesk.kernel import ConfigError, InvalidInput

_PRIVATE = "copydesk-audit-key-1:"
_PUBLIC = "copydesk-audit-public-1:"
_KEY_BYTES = 32


class PublicKey:
    """Judge signatures; written as one line of text that may be given to anybody."""

    def __init__(self, raw: bytes) -> None:
        self._raw = raw
        self._key = Ed25519PublicKey.from_public_bytes(raw)
        self.key_id = hashlib.sha256(raw).hexdigest()[:16]

    @classmethod
    def parse(cls, text: str) -> PublicKey:
        """Read the line that `copydesk audit key` prints; raises InvalidInput."""
        raw = _decoded(text, _PUBLIC)
        if raw is None:
            found = text.strip()[:40]
            raise InvalidInput(f"expected a public key as {_PUBLIC} and {_KEY_BYTES} bytes in base64, found {found!r}")
        return cls(raw)

    @property
    def text(self) -> str:
        return _PUBLIC + base64.b64encode(self._raw).decode()

    def has_signed(self, content: bytes, signature: str) -> bool:
        """Say whether this key made the signature (base64) over exactly this content."""
        try:
            self._key.verify(base64.b64decode(signature, validate=True), content)
        except (InvalidSignature, binascii.Error, ValueError):
            return False
        return True


class SigningKey:
    """Sign with the key in `path`, which the first use creates for its owner only (0600)."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._opened: Ed25519PrivateKey | None = None

    def __repr__(self) -> str:
        return f"SigningKey({str(self._path)!r})"

    @property
    def public(self) -> PublicKey:
        return PublicKey(self._key().public_key().public_bytes_raw())

    def sign(self, content: bytes) -> str:
        """Return the signature in base64; raises ConfigError where the key file cannot be used."""
        return base64.b64encode(self._key().sign(content)).decode()

    def _key(self) -> Ed25519PrivateKey:
        if self._opened is None:
            if not self._path.exists():
                _create(self._path)
            self._opened = _read(self._path)
        return self._opened


def _read(path: Path) -> Ed25519PrivateKey:
    try:
        with path.open("rb") as file:
            mode = os.fstat(file.fileno()).st_mode & 0o777
            text = file.read(256).decode("ascii", errors="replace")
    except OSError as error:
        raise ConfigError(f"the audit key {path} cannot be read: {error.strerror}") from None
    if mode & 0o077:
        raise ConfigError(f"the audit key {path} must be readable by its owner only (0600), found {mode:04o}")
    raw = _decoded(text, _PRIVATE)
    if raw is None:
        raise ConfigError(f"the audit key {path} is malformed: expected {_PRIVATE} and {_KEY_BYTES} bytes in base64")
    return Ed25519PrivateKey.from_private_bytes(raw)


def _create(path: Path) -> None:
    """Write a key beside the place and link it in: of two processes one wins, and both read the winner's."""
    line = _PRIVATE + base64.b64encode(Ed25519PrivateKey.generate().private_bytes_raw()).decode() + "\n"
    draft = path.with_name(f".{path.name}.{os.getpid()}.{secrets.token_hex(4)}")
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "wb") as file:
            file.write(line.encode())
            file.flush()
            os.fsync(file.fileno())
        try:
            os.link(draft, path)
        except FileExistsError:
            return
        finally:
            draft.unlink()
    except OSError as error:
        raise ConfigError(f"the audit key {path} cannot be created: {error.strerror}") from None


def _decoded(text: str, prefix: str) -> bytes | None:
    stripped = text.strip()
    try:
        raw = base64.b64decode(stripped.removeprefix(prefix), validate=True)
    except (binascii.Error, ValueError):
        return None
    return raw if stripped.startswith(prefix) and len(raw) == _KEY_BYTES else None
