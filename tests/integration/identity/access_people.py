"""A brand with people and staff, for tests of what they may do."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from copydesk.audit import OPERATOR, Actor, ActorKind
from copydesk.db import Database, TenantSession
from copydesk.identity import Invite, Role, User, UserSession
from copydesk.identity.access import permissions_of
from copydesk.identity.access.tables import StaffGrant
from copydesk.identity.access.team import Giver, by_command_line
from copydesk.identity.tokens import token_hash
from copydesk.notifications.tables import Mail
from copydesk.tenancy import ensure_tenant
from copydesk.vault import MemoryDataKeys, MemoryKeyStore, Purpose, Vault
from sqlalchemy import select

NOW = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)
IP = "203.0.113.7"


@dataclass
class AccessPeople:
    """Each instance has a brand of its own, so that tests share a database and nothing else."""

    database: Database
    brand: str
    seal: Vault = field(default_factory=lambda: Vault(MemoryKeyStore(), MemoryDataKeys(Purpose.IDENTITY)))

    def __post_init__(self) -> None:
        with self.database.installation() as session:
            self.tenant_id = ensure_tenant(session, self.brand)

    def person(self, name: str, role: Role = Role.FOLLOWER, *, roles: Iterable[str] = ()) -> int:
        """Store somebody; staff with these roles."""
        with self.database.tenant(self.tenant_id) as session:
            email = f"{name}@{self.brand}.example"
            user = User(
                tenant_id=self.tenant_id, email=email, display_name=name.title(), role=str(role), created_at=NOW
            )
            session.add(user)
            session.flush()
            for granted in roles:
                session.add(StaffGrant(tenant_id=self.tenant_id, user_id=user.id, role=granted, at=NOW))
            return user.id

    def staff(self, name: str, *roles: str) -> int:
        return self.person(name, Role.STAFF, roles=roles)

    def signed_in(self, user_id: int) -> int:
        """Begin a session of somebody, and return its number."""
        with self.database.tenant(self.tenant_id) as session:
            row = UserSession(
                tenant_id=self.tenant_id,
                user_id=user_id,
                token_hash=token_hash(f"{self.brand} {user_id} {datetime.now(UTC)}"),
                created_at=NOW,
                seen_at=NOW,
                expires_at=NOW + timedelta(hours=12),
                ip=IP,
                agent="a browser",
            )
            session.add(row)
            session.flush()
            return row.id

    def invited_by(self, user_id: int, grants: str) -> int:
        """Store an open invitation that somebody sent, and return its number."""
        with self.database.tenant(self.tenant_id) as session:
            row = Invite(
                tenant_id=self.tenant_id,
                email=f"guest.of.{user_id}@{self.brand}.example",
                role="staff",
                grants=grants,
                token_hash=token_hash(f"{self.brand} invite of {user_id}"),
                invited_by=user_id,
                created_at=NOW,
                expires_at=NOW + timedelta(days=7),
            )
            session.add(row)
            session.flush()
            return row.id

    def open_sessions(self, user_id: int) -> int:
        with self.database.tenant(self.tenant_id) as session:
            query = select(UserSession.id).where(UserSession.user_id == user_id, UserSession.ended_at.is_(None))
            return len(session.scalars(query).all())

    def giver(self, user_id: int) -> Giver:
        """Return somebody as the one who acts on others."""
        with self.database.tenant(self.tenant_id) as session:
            role = session.scalars(select(User.role).where(User.id == user_id)).one()
            return Giver(Actor(ActorKind.USER, user_id, 1, IP), permissions_of(session, user_id, role))

    @property
    def operator(self) -> Giver:
        return by_command_line(OPERATOR)

    def mails(self, session: TenantSession) -> list[tuple[str, str]]:
        """Return kind and reader of every mail that waits, in their order."""
        query = select(Mail.kind, Mail.recipient).order_by(Mail.id)
        return [(row.kind, row.recipient.partition("@")[0]) for row in session.execute(query)]

    def told_links(self) -> list[str]:
        """Return the secret links of mails, in their order."""
        with self.database.tenant(self.tenant_id) as session:
            mails = session.scalars(select(Mail).where(Mail.sealed_facts.is_not(None)).order_by(Mail.id)).all()
            opened = [self.seal.open(self.tenant_id, mail.id, "mail.facts", mail.sealed_facts or b"") for mail in mails]
        return [json.loads(text)["link"] for text in opened]
