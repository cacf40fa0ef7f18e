"""One transaction on one person's factors: what every use case here works with, and how each change is told."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime

from copydesk.audit import Act, Actor, ActorKind, record_all
from copydesk.db import Database, TenantSession
from copydesk.identity.factors.model import Holder
from copydesk.notifications import Seal, queue_mail

_PAGE = "/account/factors"


@dataclass(frozen=True, slots=True)
class Change:
    """One thing that was done: how the record names it, which mail tells of it ("" for none), and its facts."""

    act: str
    mail: str
    facts: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Desk:
    """A transaction, who seals, whose factors they are, and now. `seal` is the vault of identities, never of keys."""

    session: TenantSession
    seal: Seal = field(repr=False)
    holder: Holder
    at: datetime
    changes: list[Change] = field(default_factory=list)

    def sealed(self, row_id: int, name: str, text: str) -> bytes:
        """Seal a text to one field of one row."""
        return self.seal.seal(self.holder.tenant_id, row_id, name, text)

    def opened(self, row_id: int, name: str, sealed: bytes) -> str:
        """Open what `sealed` made for this place."""
        return self.seal.open(self.holder.tenant_id, row_id, name, sealed)

    def own(self, **values: object) -> dict[str, object]:
        """Return the values of a new row of this person."""
        return {"tenant_id": self.holder.tenant_id, "user_id": self.holder.user_id, **values}

    def tell(self, change: Change) -> None:
        """Have a change recorded and its owner written to at the end, when no lock is taken any more."""
        self.changes.append(change)


@contextmanager
def open_desk(database: Database, seal: Seal, holder: Holder, at: datetime) -> Iterator[Desk]:
    """Open a transaction on somebody's factors; with it goes the record of what was changed, and the mails."""
    with database.tenant(holder.tenant_id) as session:
        desk = Desk(session, seal, holder, at)
        yield desk
        for change in desk.changes:
            if change.mail:
                _write(desk, change)
        if desk.changes:
            actor = Actor(ActorKind.USER, holder.user_id, holder.session_id, holder.ip)
            acts = [Act(change.act, f"user:{holder.user_id}", after=dict(change.facts)) for change in desk.changes]
            record_all(session, holder.tenant_id, actor, acts, at=at)


def _write(desk: Desk, change: Change) -> None:
    holder = desk.holder
    queue_mail(
        desk.session,
        holder.tenant_id,
        desk.seal,
        to=holder.email,
        kind=change.mail,
        locale=holder.locale,
        facts={**change.facts, "link": _PAGE, "at": desk.at.isoformat(), "ip": holder.ip},
        at=desk.at,
    )
