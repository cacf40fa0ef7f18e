"""Becoming somebody on a brand: registration, and the link that confirms an address.

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
from copydesk.identity.legal.accepting import Acceptance, note_acceptance
from copydesk.identity.model import OWN_CHOICE, Role, UserStatus
from copydesk.identity.passwords import plain_password
from copydesk.identity.settings import REGISTRATION
from copydesk.identity.tables import User
from copydesk.identity.throttle import TooManyTries, by_address, by_networks, count_try
from copydesk.identity.throttle_rules import Scope
from copydesk.identity.tokens import LIFETIMES, TokenKind, issue_token, token_owner, use_token
from copydesk.identity.visit import Visit
from copydesk.kernel import NotFound, NotPermitted
from copydesk.tenancy import FEATURE_TRADERS, setting_value


class LinkOver(NotFound):
    """Refuse a link that was used, ran out, or never was."""

    code = "link_over"


@dataclass(frozen=True, slots=True)
class NewPerson:
    """What somebody who registers says of themselves, and the legal texts that they ticked."""

    email: str
    display_name: str
    role: Role
    password: str = field(repr=False)
    accepted: Acceptance | None = None


def count_asking(visit: Visit) -> None:
    """Count what anybody may ask for, against their network: before a password is judged or a mail sent.

    Judging takes a fraction of a second of a processor, a mail somebody's patience. Raises `TooManyTries`.
    """
    with visit.transaction() as session:
        count_try(session, by_networks(visit.origin.ip, Scope.MAIL_NETWORK), at=visit.at)


def register(visit: Visit, new: NewPerson) -> None:
    """Open an account that waits for its address to be confirmed, and send the link.

    Where the address has an account its owner gets a mail instead. One that was never confirmed loses its password, and
    whoever opens the mail chooses it: nobody can prepare an account for somebody else, or spoil theirs. Call
    `count_asking` before. Raises `NotPermitted` where the brand lets nobody register by themselves.
    """
    if setting_value(visit.tenant, REGISTRATION, str) != "open" or new.role not in OWN_CHOICE:
        raise NotPermitted("Nobody can register here without an invitation.")
    if new.role is Role.TRADER and not setting_value(visit.tenant, FEATURE_TRADERS, bool):
        raise NotPermitted("Nobody can register here to be copied without an invitation.")
    hashed = visit.hashing.hash(plain_password(new.password))
    with visit.transaction() as session:
        if not _may_mail(visit, session, new.email):
            return  # What no mail tells its owner about must not change what their last link confirms.
        user = store_person(visit, session, new, hashed, UserStatus.PENDING)
        known = user.status != UserStatus.PENDING
        with session.begin_nested() as begun:
            # The same is done for a known address and taken back: its answer must not come sooner.
            note_registered(visit, session, user)
            note_agreement(visit, session, user, new)
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


def store_person(visit: Visit, session: TenantSession, new: NewPerson, hashed: str, status: UserStatus) -> User:
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


def note_registered(visit: Visit, session: Session, user: User) -> None:
    """Write into the brand's record that somebody has registered."""
    actor = Actor(ActorKind.USER, user.id, None, visit.origin.ip)
    after = {"role": user.role, "status": user.status}
    record(session, visit.tenant_id, actor, "user.registered", f"user:{user.id}", at=visit.at, after=after)


def note_agreement(visit: Visit, session: Session, user: User, new: NewPerson) -> None:
    """Write down which legal texts somebody accepted as they joined; raises `TextsChanged`."""
    if new.accepted is not None:
        note_acceptance(session, visit.tenant_id, user.id, new.accepted, at=visit.at)


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
