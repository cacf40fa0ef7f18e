"""Fingerprints of exchange accounts: the same account has the same one in every brand, and it tells nothing else."""

from __future__ import annotations

import hashlib
import hmac
import os

from sqlalchemy import select
from sqlalchemy.dialects.postgresql import insert

from copydesk.db import Database
from copydesk.vault.envelope import KEY_BYTES
from copydesk.vault.port import KeyEncryptionStore, installation_context
from copydesk.vault.tables import InstallationKey

_NAME = "account_uid"


class Fingerprints:
    """Fingerprint texts under a key of the installation, which the first use creates (HMAC-SHA-256, RFC 2104)."""

    def __init__(self, keystore: KeyEncryptionStore, db: Database) -> None:
        self._keystore = keystore
        self._db = db
        self._key: bytes | None = None

    def of_account(self, venue: str, environment: str, uid: str) -> str:
        """Return the fingerprint of an account by the exchange's own number of it, in hexadecimal."""
        if self._key is None:
            self._key = self._open()
        return hmac.new(self._key, f"{venue}-{environment}:{uid}".encode(), hashlib.sha256).hexdigest()

    def __reduce__(self) -> str:
        raise TypeError("a key does not leave its process")

    def _open(self) -> bytes:
        query = select(InstallationKey.wrapped).where(InstallationKey.name == _NAME)
        with self._db.installation() as session:
            wrapped = session.scalars(query).first()
            if wrapped is None:
                # Another process may create it at the same moment: whoever is first wins, both use that one.
                fresh = self._keystore.wrap(os.urandom(KEY_BYTES), context=installation_context(_NAME))
                new = insert(InstallationKey).values(name=_NAME, wrapped=fresh)
                session.execute(new.on_conflict_do_nothing())
                wrapped = session.scalars(query).one()
        return self._keystore.unwrap(wrapped, context=installation_context(_NAME))
