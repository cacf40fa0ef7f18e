"""Keys that sign links into a brand's private pages: one of the installation, and from it one for each brand and use.

It lies in `installation_key`, wrapped by a key file of its own: who shows pages needs that file, and must not be able
to open an exchange key with it. Versions are only ever added; the newest one counts, so that a turn ends every link.
"""

from __future__ import annotations

import os

from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from sqlalchemy import select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from copydesk.db import Database
from copydesk.vault.envelope import KEY_BYTES, aad
from copydesk.vault.port import KeyEncryptionStore, installation_context
from copydesk.vault.tables import InstallationKey

_PREFIX = "link:"


class LinkKeys:
    """Derive signing keys (HKDF with SHA-256, RFC 5869). A turn by another process holds at once."""

    def __init__(self, keystore: KeyEncryptionStore, db: Database) -> None:
        self._keystore = keystore
        self._db = db
        self._opened: dict[str, bytes] = {}

    def known(self, purpose: str, slug: str) -> bytes | None:
        """Return the key that signs a brand's links of one purpose, None where no link was ever made."""
        with self._db.installation() as session:
            newest = _newest(session)
        return None if newest is None else self._derived(newest, purpose, slug)

    def made(self, purpose: str, slug: str) -> bytes:
        """Do as `known`, and make the key where there is none."""
        with self._db.installation() as session:
            newest = _newest(session) or self._added(session, 1)
        return self._derived(newest, purpose, slug)

    def turn(self) -> int:
        """Begin a new key, so that no link opens anything that was made before; return its version."""
        with self._db.installation() as session:
            newest = _newest(session)
            version = 1 if newest is None else int(newest.name.removeprefix(_PREFIX)) + 1
            self._added(session, version)
        return version

    def __reduce__(self) -> str:
        raise TypeError("a key does not leave its process")

    def _added(self, session: Session, version: int) -> InstallationKey:
        """Store a version; where another process stores it at the same moment, both use whichever was first."""
        name = f"{_PREFIX}{version:09d}"
        fresh = self._keystore.wrap(os.urandom(KEY_BYTES), context=installation_context(name))
        session.execute(insert(InstallationKey).values(name=name, wrapped=fresh).on_conflict_do_nothing())
        newest = _newest(session)
        assert newest is not None, "a key that was just stored is not there"
        return newest

    def _derived(self, stored: InstallationKey, purpose: str, slug: str) -> bytes:
        if stored.name not in self._opened:
            self._opened = {
                stored.name: self._keystore.unwrap(stored.wrapped, context=installation_context(stored.name))
            }
        info = aad(b"copydesk link", purpose.encode(), slug.encode())
        return HKDF(SHA256(), KEY_BYTES, salt=None, info=info).derive(self._opened[stored.name])


def _newest(session: Session) -> InstallationKey | None:
    query = select(InstallationKey).where(InstallationKey.name.startswith(_PREFIX))
    return session.scalars(query.order_by(InstallationKey.name.desc()).limit(1)).first()
