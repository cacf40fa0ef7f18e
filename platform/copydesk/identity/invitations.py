"""Invitations: who is asked to join a brand, by whom, as what; and the link that makes an account of one.

An invitation is worth what its sender may still give when it is taken up: who was blocked, left, or lost a role since
cannot come back through one of their own.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from copydesk.audit import Actor, ActorKind, record
from copydesk.db import TenantSession
from copydesk.identity.access.permissions import within_reach
from copydesk.identity.access.roles import permission_sets, permissions_of
from copydesk.identity.access.team import take_up_grants
from copydesk.identity.addresses import plain_email
from copydesk.identity.legal.accepting import Acceptance
from copydesk.identity.model import Role, UserStatus
from copydesk.identity.passwords import plain_password
from copydesk.identity.registration import LinkOver, NewPerson, note_agreement, note_registered, store_person
from copydesk.identity.tables import Invite, User
from copydesk.identity.tokens import draw_token, token_hash
from copydesk.identity.visit import Visit
from copydesk.kernel import InvalidInput
from copydesk.notifications import Seal, queue_mail

INVITE_LASTS = timedelta(days=7)


@dataclass(frozen=True, slots=True)
class Invitation:
    """Whom somebody invites: as what, and staff with which roles of the brand."""

    email: str
    role: Role
    grants: tuple[str, ...] = ()
    locale: str = ""


@dataclass(frozen=True, slots=True)
class OpenInvite:
    """An invitation that still stands."""

    id: int
    email: str
    role: Role
    grants: tuple[str, ...]
    invited_by: int | None
    created_at: datetime
    expires_at: datetime


def invite(session: TenantSession, seal: Seal, invitation: Invitation, *, actor: Actor, at: datetime) -> int:
    """Invite somebody by mail and return the invitation's id; earlier ones to the address end.

    Raises `InvalidInput` for what is no address, and for one that has an account already: only who may see the brand's
    people, or the operator, invites.
    """
    email = plain_email(invitation.email)
    taken = select(User.id).where(User.email == email, User.status != UserStatus.PENDING)
    if session.scalar(taken) is not None:
        raise InvalidInput(f"e-mail: expected an address without an account, found one of {email}")
    standing = update(Invite).where(Invite.email == email, Invite.used_at.is_(None), Invite.revoked_at.is_(None))
    session.execute(standing.values(revoked_at=at))
    token = draw_token()
    row = Invite(
        tenant_id=session.tenant_id,
        email=email,
        role=str(invitation.role),
        grants=" ".join(invitation.grants),
        token_hash=token_hash(token),
        invited_by=actor.user_id,
        created_at=at,
        expires_at=at + INVITE_LASTS,
    )
    session.add(row)
    session.flush()
    _send_invite(session, seal, invitation, email, token, at)
    after = {"role": str(invitation.role), "grants": list(invitation.grants)}
    record(session, session.tenant_id, actor, "invite.sent", f"invite:{row.id}", at=at, after=after)
    return row.id


def open_invites(session: Session, *, at: datetime) -> list[OpenInvite]:
    """List the brand's invitations that still stand, the latest first."""
    query = select(Invite).where(Invite.used_at.is_(None), Invite.revoked_at.is_(None), Invite.expires_at > at)
    return [_told(row) for row in session.scalars(query.order_by(Invite.id.desc()))]


def revoke_invite(session: TenantSession, invite_id: int, *, actor: Actor, at: datetime) -> bool:
    """Take an invitation back; tell whether it stood."""
    standing = update(Invite).where(Invite.id == invite_id, Invite.used_at.is_(None), Invite.revoked_at.is_(None))
    found = session.scalar(standing.values(revoked_at=at).returning(Invite.id))
    if found is not None:
        record(session, session.tenant_id, actor, "invite.revoked", f"invite:{invite_id}", at=at)
    return found is not None


def invite_of(session: Session, token: str, *, at: datetime) -> OpenInvite:
    """Return the invitation that a link is, and use nothing up.

    Raises `LinkOver`, also where whoever sent it is gone or could not give by now what it promises.
    """
    query = select(Invite).where(
        Invite.token_hash == token_hash(token),
        *(Invite.used_at.is_(None), Invite.revoked_at.is_(None), Invite.expires_at > at),
    )
    row = session.scalars(query).one_or_none()
    if row is None or not _may_still_give(session, row):
        raise LinkOver("This invitation was used already, was taken back or is too old.")
    return _told(row)


def accept_invite(
    visit: Visit, token: str, *, display_name: str, password: str, accepted: Acceptance | None = None
) -> int:
    """Open the account that somebody was invited to and return its user; raises `LinkOver`.

    The address is confirmed: the link was in its mail. Of two that accept at once exactly one gets in.
    """
    hashed = visit.hashing.hash(plain_password(password))
    with visit.transaction() as session:
        _hold_sender(session, token)
        found = invite_of(session, token, at=visit.at)
        used = update(Invite).where(Invite.id == found.id, Invite.used_at.is_(None), Invite.revoked_at.is_(None))
        if session.scalar(used.values(used_at=visit.at).returning(Invite.id)) is None:
            raise LinkOver("This invitation was used already.")
        new = NewPerson(found.email, display_name, found.role, password, accepted)
        user = store_person(visit, session, new, hashed, UserStatus.ACTIVE)
        if user.password_hash != hashed:
            raise LinkOver("There is an account for this address already.")
        note_registered(visit, session, user)
        note_agreement(visit, session, user, new)
        session.execute(update(Invite).where(Invite.id == found.id).values(used_by=user.id))
        actor = Actor(ActorKind.USER, user.id, None, visit.origin.ip)
        if found.grants:
            take_up_grants(session, visit.tenant_id, actor, user.id, found.grants, at=visit.at)
        return user.id


def _hold_sender(session: Session, token: str) -> None:
    """Have whoever blocks the sender of an invitation wait until it is taken up, or be done before."""
    sender = select(Invite.invited_by).where(Invite.token_hash == token_hash(token)).scalar_subquery()
    session.execute(select(User.id).where(User.id == sender).with_for_update(read=True))


def _may_still_give(session: Session, row: Invite) -> bool:
    """Tell whether the sender may give now what they promised; the operator's command line always may."""
    if row.invited_by is None:
        return True
    sender = session.execute(select(User.role, User.status).where(User.id == row.invited_by)).one()
    given = frozenset().union(*permission_sets(session, row.grants.split()).values())
    may = permissions_of(session, row.invited_by, sender.role)
    return bool(sender.status == UserStatus.ACTIVE) and within_reach(may, given)


def _send_invite(
    session: TenantSession, seal: Seal, invitation: Invitation, email: str, token: str, at: datetime
) -> None:
    staff = invitation.role in {Role.STAFF, Role.OPERATOR}
    facts = {"hours": str(INVITE_LASTS // timedelta(hours=1))}
    if staff:
        facts["role"] = ", ".join(invitation.grants) or str(invitation.role)
    queue_mail(
        *(session, session.tenant_id, seal),
        to=email,
        kind="invited_staff" if staff else "invited",
        locale=invitation.locale,
        facts=facts,
        secret_facts={"link": f"/account/invited/{token}"},
        at=at,
    )


def _told(row: Invite) -> OpenInvite:
    grants = tuple(row.grants.split())
    return OpenInvite(row.id, row.email, Role(row.role), grants, row.invited_by, row.created_at, row.expires_at)
