"""What every use case of accounts is given: which brand, who asks, from where, when, and by which tools."""

from __future__ import annotations

from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy.orm import Session

from copydesk.audit import Act, Actor, record
from copydesk.db import Database, TenantSession
from copydesk.identity.model import Origin
from copydesk.identity.port import Hashing
from copydesk.identity.tables import User
from copydesk.notifications import Seal, queue_mail
from copydesk.tenancy import Tenant


@dataclass(frozen=True, slots=True)
class Visit:
    """One request on one brand. `locale` is the language that the visitor reads."""

    db: Database
    tenant: Tenant
    tenant_id: int
    hashing: Hashing
    seal: Seal
    actor: Actor
    origin: Origin
    locale: str
    at: datetime

    def transaction(self) -> AbstractContextManager[TenantSession]:
        """Begin one change of the brand's rows."""
        return self.db.tenant(self.tenant_id)

    def note(self, session: Session, act: Act) -> None:
        """Write an act into the brand's record, in the transaction of the act."""
        record(
            session, self.tenant_id, self.actor, act.name, act.subject, at=self.at, before=act.before, after=act.after
        )

    def write(self, session: Session, user: User, kind: str, *, link: str = "", **facts: str) -> None:
        """Queue a mail to somebody of the brand, in their language; a link is known to its reader only."""
        queue_mail(
            *(session, self.tenant_id, self.seal),
            to=user.email,
            kind=kind,
            locale=user.locale or self.locale,
            facts=facts,
            secret_facts={"link": link} if link else None,
            at=self.at,
        )
