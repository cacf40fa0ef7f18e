"""What staff do to people takes effect at once, and stands in the brand's record with who did it."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from copydesk.audit import Actor, ActorKind, read_entries
from copydesk.db import Database, TenantSession
from copydesk.identity import Role, User, UserSession
from copydesk.identity.access.people import end_sessions_of
from copydesk.identity.access.permissions import STAFF_ROLES
from copydesk.identity.access.team import Giver
from copydesk.tenancy import ensure_tenant
from sqlalchemy import func, select

AT = datetime(2026, 5, 4, 12, tzinfo=UTC)


def person(session: TenantSession, name: str, role: Role, *, sessions: int = 0) -> int:
    user = User(tenant_id=session.tenant_id, email=f"{name}@x.invalid", display_name=name, role=str(role))
    session.add(user)
    session.flush()
    for number in range(sessions):
        began = {"created_at": AT, "seen_at": AT, "expires_at": AT + timedelta(hours=1), "ip": "", "agent": ""}
        token = f"{name} {number}".encode()
        session.add(UserSession(tenant_id=session.tenant_id, user_id=user.id, token_hash=token, **began))
    session.flush()
    return user.id


def test_staff_sign_somebody_out_everywhere_and_it_is_recorded(db: Database) -> None:
    with db.installation() as session:
        tenant_id = ensure_tenant(session, "ours")
    with db.tenant(tenant_id) as session:
        owner, fred = person(session, "owner", Role.STAFF), person(session, "fred", Role.FOLLOWER, sessions=2)
        actor = Actor(ActorKind.USER, owner, 1, "203.0.113.9")
        assert end_sessions_of(session, tenant_id, Giver(actor, STAFF_ROLES["owner"]), fred, at=AT) == 2
    with db.tenant(tenant_id) as session:
        left = select(func.count()).where(UserSession.user_id == fred, UserSession.ended_at.is_(None))
        assert session.scalar(left) == 0
        (entry,) = read_entries(session, tenant_id)
    assert (entry.act, entry.subject, entry.actor) == ("sessions.ended", f"user:{fred}", actor)
    assert entry.after == {"sessions": 2}
