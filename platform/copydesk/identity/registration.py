"""Becoming somebody on a brand: registration, the link that confirms an address, invitations.

Nobody learns here who has an account: a known address gets the same answer, and its owner a mail that says so.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, timedelta

from sqlalchemy import select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from copydesk.audit import Act, Actor, ActorKind, record
from copydesk.db import TenantSession
from copydesk.identity.access.team import take_up_grants
from copydesk.identity.addresses import plain_email
from copydesk.identity.model import OWN_CHOICE, Role, UserStatus
from copydesk.identity.passwords import plain_password
from copydesk.identity.settings import REGISTRATION
from copydesk.identity.tables import Invite, User
from copydesk.identity.throttle import TooManyTries, by_address, by_network, count_try
from copydesk.identity.throttle_rules import Scope
from copydesk.identity.tokens import (
    LIFETIMES,
    TokenKind,
    draw_token,
    issue_token,
    token_hash,
    token_owner,
    use_token,
)
from copydesk.identity.visit import Visit
from copydesk.kernel import InvalidInput, NotFound, NotPermitted
from copydesk.notifications import Seal, queue_mail
from copydesk.tenancy import setting_value

INVITE_LASTS = timedelta(days=7)


class LinkOver(NotFound):
    """Refuse a link that was used, ran out, or never was."""

    code = "link_over"


@dataclass(frozen=True, slots=True)
class NewPerson:
    """What somebody who registers says of themselves."""

    email: str
    display_name: str
    role: Role
    password: str = field(repr=False)


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


def register(visit: Visit, new: NewPerson) -> None:
    """Open an account that waits for its address to be confirmed, and send the link.

    Where the address has an account its owner gets a mail instead. One that was never confirmed loses its password, and
    whoever opens the mail chooses it: nobody can prepare an account for somebody else, or spoil theirs. Raises
    `NotPermitted` where the brand lets nobody register by themselves, and `TooManyTries`.
    """
    if setting_value(visit.tenant, REGISTRATION, str) != "open" or new.role not in OWN_CHOICE:
        raise NotPermitted("Nobody can register here without an invitation.")
    with visit.transaction() as session:
        count_try(session, (by_network(visit.origin.ip, Scope.MAIL_NETWORK),), at=visit.at)
    hashed = visit.hashing.hash(plain_password(new.password))
    with visit.transaction() as session:
        user = _store(visit, session, new, hashed, UserStatus.PENDING)
        known = user.status != UserStatus.PENDING
        if not _may_mail(visit, session, user.email):
            return
        with session.begin_nested() as begun:
            # The same is done for a known address and taken back: its answer must not come sooner.
            _note_registered(visit, session, user)
            token = issue_token(session, user.id, TokenKind.VERIFY_EMAIL, at=visit.at)
            if known:
                begun.rollback()
        _write(visit, session, user, "" if known else token)


def send_verification(visit: Visit, session: TenantSession, user: User) -> None:
    """Send the link that confirms an address, unless it was sent too often lately; earlier ones end."""
    if _may_mail(visit, session, user.email):
        _write(visit, session, user, issue_token(session, user.id, TokenKind.VERIFY_EMAIL, at=visit.at))


def verification_owner(session: Session, token: str, *, at: datetime) -> User:
    """Return whose address a link confirms, and use nothing up: mail scanners open links too. Raises `LinkOver`.

    Without a password, where the address was registered more than once: then it is to be chosen with the confirmation.
    """
    user_id = token_owner(session, TokenKind.VERIFY_EMAIL, token, at=at)
    user = session.scalars(select(User).where(User.id == user_id)).one_or_none()
    if user is None:
        raise LinkOver("This link was used already or is too old.")
    return user


def verify_email(visit: Visit, token: str, password: str = "") -> None:
    """Confirm the address of whoever the link was sent to; raises `LinkOver`.

    `password` becomes that of an account without one; one that has a password keeps it.
    """
    hashed = visit.hashing.hash(plain_password(password)) if password else None
    with visit.transaction() as session:
        user_id = use_token(session, TokenKind.VERIFY_EMAIL, token, at=visit.at)
        if user_id is None:
            raise LinkOver("This link was used already or is too old.")
        if hashed is not None:
            bare = update(User).where(User.id == user_id, User.password_hash.is_(None))
            session.execute(bare.values(password_hash=hashed, password_at=visit.at))
        confirm_address(visit, session, user_id)


def confirm_address(visit: Visit, session: Session, user_id: int) -> None:
    """Let an account begin whose owner opened a mail of ours; nothing happens to one that has begun."""
    pending = update(User).where(User.id == user_id, User.status == UserStatus.PENDING)
    begun = pending.values(status=UserStatus.ACTIVE.value, email_verified_at=visit.at).returning(User.id)
    if session.scalar(begun) is not None:
        actor = Actor(ActorKind.USER, user_id, None, visit.origin.ip)
        act = Act("email.verified", f"user:{user_id}")
        record(session, visit.tenant_id, actor, act.name, act.subject, at=visit.at)


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
    """Return the invitation that a link is, and use nothing up; raises `LinkOver`."""
    query = select(Invite).where(
        Invite.token_hash == token_hash(token),
        *(Invite.used_at.is_(None), Invite.revoked_at.is_(None), Invite.expires_at > at),
    )
    row = session.scalars(query).one_or_none()
    if row is None:
        raise LinkOver("This invitation was used already, was taken back or is too old.")
    return _told(row)


def accept_invite(visit: Visit, token: str, *, display_name: str, password: str) -> int:
    """Open the account that somebody was invited to and return its user; raises `LinkOver`.

    The address is confirmed: the link was in its mail. Of two that accept at once exactly one gets in.
    """
    hashed = visit.hashing.hash(plain_password(password))
    with visit.transaction() as session:
        found = invite_of(session, token, at=visit.at)
        used = update(Invite).where(Invite.id == found.id, Invite.used_at.is_(None), Invite.revoked_at.is_(None))
        if session.scalar(used.values(used_at=visit.at).returning(Invite.id)) is None:
            raise LinkOver("This invitation was used already.")
        new = NewPerson(found.email, display_name, found.role, password)
        user = _store(visit, session, new, hashed, UserStatus.ACTIVE)
        if user.password_hash != hashed:
            raise LinkOver("There is an account for this address already.")
        _note_registered(visit, session, user)
        session.execute(update(Invite).where(Invite.id == found.id).values(used_by=user.id))
        actor = Actor(ActorKind.USER, user.id, None, visit.origin.ip)
        if found.grants:
            take_up_grants(session, visit.tenant_id, actor, user.id, found.grants, at=visit.at)
        return user.id


def _store(visit: Visit, session: TenantSession, new: NewPerson, hashed: str, status: UserStatus) -> User:
    """Store a person, or renew one whose address was never confirmed; anybody else stays as they are."""
    values = {
        "display_name": new.display_name,
        "role": str(new.role),
        "password_hash": hashed,
        "password_at": visit.at,
        "status": str(status),
        "locale": visit.locale,
        "email_verified_at": visit.at if status is UserStatus.ACTIVE else None,
    }
    place = {"tenant_id": session.tenant_id, "email": new.email, "created_at": visit.at}
    added = insert(User).values({**place, **values})
    pending = User.status == UserStatus.PENDING
    if status is UserStatus.PENDING:
        values["password_hash"] = None  # Two have claimed the address: whoever reads its mail decides.
    added = added.on_conflict_do_update(index_elements=["tenant_id", "email"], set_=values, where=pending)
    session.execute(added)
    return session.scalars(select(User).where(User.email == new.email)).one()


def _note_registered(visit: Visit, session: Session, user: User) -> None:
    actor = Actor(ActorKind.USER, user.id, None, visit.origin.ip)
    after = {"role": user.role, "status": user.status}
    record(session, visit.tenant_id, actor, "user.registered", f"user:{user.id}", at=visit.at, after=after)


def _write(visit: Visit, session: Session, user: User, token: str) -> None:
    """Send the link that confirms an address; without one, tell its owner that there is an account already."""
    if not token:
        visit.write(session, user, "already_registered", link="/account/sign-in")
        return
    hours = str(LIFETIMES[TokenKind.VERIFY_EMAIL] // timedelta(hours=1))
    visit.write(session, user, "verify_email", link=f"/account/verify/{token}", hours=hours)


def _may_mail(visit: Visit, session: TenantSession, email: str) -> bool:
    """Count a mail that anybody may cause; a few an hour to one address are enough."""
    try:
        count_try(session, (by_address(email, Scope.MAIL),), at=visit.at)
    except TooManyTries:
        return False
    return True


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
