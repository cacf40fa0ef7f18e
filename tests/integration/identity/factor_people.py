"""People with second factors, in a database of their own."""

from __future__ import annotations

from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

import pyotp
from copydesk.db import Database
from copydesk.identity import Role, User
from copydesk.identity.factors import Desk, Holder, begin_totp, confirm_totp, open_desk
from copydesk.tenancy import ensure_tenant
from copydesk.vault import MemoryDataKeys, MemoryKeyStore, Purpose, Vault

BEGIN = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)
STEP = timedelta(seconds=30)
IP = "203.0.113.7"


def identity_vault() -> Vault:
    return Vault(MemoryKeyStore(), MemoryDataKeys(Purpose.IDENTITY))


@dataclass
class FactorPeople:
    """A brand whose people get factors; `at` is the moment that everything happens at."""

    database: Database
    vault: Vault = field(default_factory=identity_vault)
    at: datetime = BEGIN
    sent: list[str] = field(default_factory=list)

    def person(self, name: str, role: Role = Role.FOLLOWER, *, brand: str = "aurora") -> Holder:
        with self.database.installation() as session:
            tenant_id = ensure_tenant(session, brand)
        with self.database.tenant(tenant_id) as session:
            user = User(tenant_id=tenant_id, email=f"{name}@{brand}.example", display_name=name, role=str(role))
            session.add(user)
            session.flush()
            return Holder(tenant_id, user.id, role, user.email, session_id=user.id, ip=IP, locale="en")

    def desk(self, holder: Holder) -> AbstractContextManager[Desk]:
        return open_desk(self.database, self.vault, holder, self.at)

    def with_app(self, holder: Holder) -> pyotp.TOTP:
        """Set up an authenticator app with the code of the step before, so that the one of now is still unused."""
        with self.desk(holder) as desk:
            app = pyotp.TOTP(begin_totp(desk, "Aurora").text)
        with self.desk(holder) as desk:
            confirm_totp(desk, app.at(self.at - STEP))
        return app

    def send(self, to: str, text: str) -> None:
        """Carry a text message: this is a `Texter`."""
        self.sent.append(f"{to}: {text}")
