"""Mail about exchange keys, queued in the transaction of what it tells of."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from datetime import datetime

from sqlalchemy import select

from copydesk.db import TenantSession
from copydesk.identity import User
from copydesk.notifications import Kind, Seal, queue_mail
from copydesk.trading import Denial

PAGE = "/keys"


def tell_owner(
    session: TenantSession,
    seal: Seal,
    user_id: int,
    kind: Kind,
    *,
    at: datetime,
    venue: str,
    label: str,
    rights: Iterable[str] = (),
    **facts: str,
) -> None:
    """Write to the owner of a key; nobody is written to whose account is closed."""
    person = session.get(User, (session.tenant_id, user_id))
    if person is None or person.status == "closed":
        return
    named = {"right": ", ".join(rights)} if rights else {}
    if facts.get("reason", Denial.KEY_REMOVED) not in set(Denial):
        del facts["reason"]  # A trouble of ours: the page has words for it, a mail has none.
    told = {"link": PAGE, "exchange": venue, "label": label, **named, **facts}
    queue_mail(session, session.tenant_id, seal, to=person.email, kind=kind, locale=person.locale, facts=told, at=at)


def owners(session: TenantSession, user_ids: Collection[int]) -> dict[int, User]:
    """Return those people who can still be written to."""
    query = select(User).where(User.id.in_(user_ids), User.status != "closed")
    return {person.id: person for person in session.scalars(query)}
