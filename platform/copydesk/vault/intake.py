"""The way in: who takes a new exchange key seals it to a public key, and cannot open it again.

The pages hold `IntakePublic`; the private half is opened only where exchange keys may be (`IntakePrivate`). Both lie in
`installation_key`: the private half wrapped by the exchange keys' store, the public half by the pages' store, so that
whoever can only write to the database cannot put a public key of his own there.

    offset 0   1 byte    format, 1
    offset 1   4 bytes   version of the pair, big-endian
    offset 5   32 bytes  public half of a pair made for this one seal (X25519, RFC 7748)
    offset 37  n + 16    ciphertext and tag (AES-256-GCM)

The key is HKDF-SHA-256 (RFC 5869) over the shared secret, salted with both public halves. It seals once, so the nonce
is fixed, as in HPKE's first message (RFC 9180). The place is authenticated: another row or user does not open.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from sqlalchemy import select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from copydesk.db import Database
from copydesk.kernel import Unavailable
from copydesk.vault.envelope import KEY_BYTES, aad
from copydesk.vault.model import SealBroken
from copydesk.vault.port import KeyEncryptionStore, installation_context
from copydesk.vault.tables import InstallationKey

INTAKE_PREFIX = "intake:"
INTAKE_PUBLIC_PREFIX = "intake-public:"
_FORMAT = 1
_HEADER = struct.Struct(">BI")
_PUBLIC_BYTES = 32
_TAG_BYTES = 16
_NONCE = bytes(12)
_OVERHEAD_BYTES = _HEADER.size + _PUBLIC_BYTES + _TAG_BYTES


@dataclass(frozen=True, slots=True)
class IntakePlace:
    """The one row of `key_intake` in which a sealed key opens, and what it asks for.

    `account_id` is the account to renew, 0 for a new one. Who changes any of it in the database has a key that does
    not open, not one that is tried elsewhere.
    """

    tenant_id: int
    intake_id: int
    user_id: int
    account_id: int
    venue: str
    environment: str

    def context(self) -> bytes:
        """Return the bytes that a seal is bound to."""
        row = (self.tenant_id, self.intake_id, self.user_id, self.account_id)
        return aad(b"copydesk intake", *row, self.venue.encode(), self.environment.encode())


class IntakePublic:
    """Seal what a user has entered. Reads the newest public half for every seal: a turn holds at once."""

    def __init__(self, pages: KeyEncryptionStore, db: Database) -> None:
        self._pages = pages
        self._db = db

    def seal(self, place: IntakePlace, plaintext: str) -> bytes:
        """Encrypt for the roles that may open exchange keys.

        Raises `Unavailable` before the first of them has run, `SealBroken` when the public half is not from our own.
        """
        with self._db.installation() as session:
            newest = _newest(session, INTAKE_PUBLIC_PREFIX)
        if newest is None:
            raise Unavailable("exchange keys cannot be taken yet: the listener has not started", retry_after_s=5.0)
        public = self._pages.unwrap(newest.wrapped, context=installation_context(newest.name))
        return _seal(X25519PublicKey.from_public_bytes(public), _version(newest), place.context(), plaintext.encode())


class IntakePrivate:
    """Make the pair, and open what was sealed to it. Only for roles that hold the exchange keys' store."""

    def __init__(self, keystore: KeyEncryptionStore, pages: KeyEncryptionStore, db: Database) -> None:
        """`pages` wraps the public half, so that the pages can tell that it is ours."""
        self._keystore = keystore
        self._pages = pages
        self._db = db
        self._opened: dict[int, X25519PrivateKey] = {}

    def ready(self) -> None:
        """Make the first pair where there is none; whoever needs the intake calls this when it starts."""
        with self._db.installation() as session:
            if _newest(session, INTAKE_PUBLIC_PREFIX) is None:
                self._add(session, 1)

    def open(self, place: IntakePlace, sealed: bytes) -> str:
        """Decrypt; raise `SealBroken` unless exactly this was sealed for exactly this row."""
        if len(sealed) < _OVERHEAD_BYTES:
            raise SealBroken(f"the sealed key is cut short: {len(sealed)} bytes, at least {_OVERHEAD_BYTES} expected")
        form, version = _HEADER.unpack_from(sealed)
        if form != _FORMAT:
            raise SealBroken(f"the sealed key has format {form}, this intake reads format {_FORMAT}")
        return _open(self._private(version), place.context(), sealed).decode()

    def turn(self) -> int:
        """Begin a new pair and return its version; what waits under older ones still opens."""
        with self._db.installation() as session:
            newest = _newest(session, INTAKE_PUBLIC_PREFIX)
            version = 1 if newest is None else _version(newest) + 1
            self._add(session, version)
        return version

    def __reduce__(self) -> str:
        raise TypeError("a key does not leave its process")

    def _add(self, session: Session, version: int) -> None:
        """Store a pair; where another process stores this version at the same moment, its pair stays, whole."""
        private = X25519PrivateKey.generate()
        name = f"{INTAKE_PREFIX}{version:09d}"
        wrapped = self._keystore.wrap(private.private_bytes_raw(), context=installation_context(name))
        if not _stored(session, name, wrapped):
            return
        shown = f"{INTAKE_PUBLIC_PREFIX}{version:09d}"
        public = private.public_key().public_bytes_raw()
        added = _stored(session, shown, self._pages.wrap(public, context=installation_context(shown)))
        assert added, "a public half lies there without its private half"

    def _private(self, version: int) -> X25519PrivateKey:
        if version not in self._opened:
            name = f"{INTAKE_PREFIX}{version:09d}"
            with self._db.installation() as session:
                stored = session.get(InstallationKey, name)
            if stored is None:
                raise SealBroken(f"there is no intake key version {version}")
            raw = self._keystore.unwrap(stored.wrapped, context=installation_context(name))
            self._opened[version] = X25519PrivateKey.from_private_bytes(raw)
        return self._opened[version]


def _seal(public: X25519PublicKey, version: int, context: bytes, plain: bytes) -> bytes:
    header = _HEADER.pack(_FORMAT, version)
    once = X25519PrivateKey.generate()
    shown = once.public_key().public_bytes_raw()
    cipher = _cipher(once.exchange(public), shown, public.public_bytes_raw())
    return header + shown + cipher.encrypt(_NONCE, plain, aad(header, context))


def _open(private: X25519PrivateKey, context: bytes, sealed: bytes) -> bytes:
    header, shown = sealed[: _HEADER.size], sealed[_HEADER.size : _HEADER.size + _PUBLIC_BYTES]
    try:
        shared = private.exchange(X25519PublicKey.from_public_bytes(shown))
        cipher = _cipher(shared, shown, private.public_key().public_bytes_raw())
        return cipher.decrypt(_NONCE, sealed[_HEADER.size + _PUBLIC_BYTES :], aad(header, context))
    except (InvalidTag, ValueError):
        raise SealBroken("the sealed key does not open: it was changed, moved, or sealed to another key") from None


def _cipher(shared: bytes, shown: bytes, public: bytes) -> AESGCM:
    return AESGCM(HKDF(SHA256(), KEY_BYTES, salt=shown + public, info=b"copydesk intake 1").derive(shared))


def _newest(session: Session, prefix: str) -> InstallationKey | None:
    query = select(InstallationKey).where(InstallationKey.name.startswith(prefix))
    return session.scalars(query.order_by(InstallationKey.name.desc()).limit(1)).first()


def _version(stored: InstallationKey) -> int:
    return int(stored.name.rpartition(":")[2])


def _stored(session: Session, name: str, wrapped: bytes) -> bool:
    added = insert(InstallationKey).values(name=name, wrapped=wrapped).on_conflict_do_nothing()
    return session.execute(added.returning(InstallationKey.name)).scalar() is not None
