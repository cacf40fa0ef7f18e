"""Keeping a demo account for good: a guest names an address and a password, and the address's owner confirms.

Nothing of the guest changes before that: who types somebody else's address gets no further than their mail. Everything
that the guest began goes on, because the person stays the same row.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, timedelta

from sqlalchemy import select, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from copydesk.audit import Actor, ActorKind, record
from copydesk.db import TenantSession
from copydesk.guests.tables import GuestDemo
from copydesk.identity import EndReason, User, UserStatus
from copydesk.identity.closing import close_unasked
from copydesk.identity.legal import Acceptance, note_acceptance
from copydesk.identity.passwords import plain_password
from copydesk.identity.registration import LinkOver
from copydesk.identity.sessions import end_sessions
from copydesk.identity.settings import REGISTRATION
from copydesk.identity.throttle import TooManyTries, by_address, count_try
from copydesk.identity.throttle_rules import Scope
from copydesk.identity.tokens import LIFETIMES, TokenKind, issue_token, token_owner, use_token
from copydesk.identity.visit import Visit
from copydesk.kernel import NotFound, NotPermitted, Refused
from copydesk.notifications import Kind, queue_mail
from copydesk.tenancy import Tenant, setting_value

_HOUR = timedelta(hours=1)


class EmailTaken(Refused):
    """Refuse to give an address to a second account."""

    code = "email_taken"
    http_status = 409


@dataclass(frozen=True, slots=True)
class Keeping:
    """How a guest wants to be known from now on, and the legal texts that they ticked."""

    email: str
    password: str = field(repr=False)
    accepted: Acceptance | None = None


@dataclass(frozen=True, slots=True)
class Kept:
    """Whose account a link keeps, under which address."""

    user_id: int
    name: str
    email: str


def may_keep(tenant: Tenant) -> bool:
    """Tell whether guests may become registered here: where anybody may register."""
    return setting_value(tenant, REGISTRATION, str) == "open"


def ask_to_keep(visit: Visit, user_id: int, wanted: Keeping) -> None:
    """Note how a guest wants to be known, and send the link that makes it so; an address with an account gets another.

    Whoever asks learns neither. Call `identity.registration.count_asking` before. Raises `NotPermitted` where nobody
    may register by themselves, `NotFound` for who is no guest, `TextsChanged`.
    """
    if not may_keep(visit.tenant):
        raise NotPermitted("Nobody can register here without an invitation.")
    hashed = visit.hashing.hash(plain_password(wanted.password))
    with visit.transaction() as session:
        demo = _demo(session, user_id)
        try:
            count_try(session, (by_address(wanted.email, Scope.MAIL),), at=visit.at)
        except TooManyTries:
            return  # What no mail tells its owner about must not change what their last link confirms.
        taken = _holder(session, wanted.email, pending=False) is not None
        with session.begin_nested() as begun:
            # The same is done for a known address and taken back: its answer must not come sooner.
            if wanted.accepted is not None:
                note_acceptance(session, session.tenant_id, user_id, wanted.accepted, at=visit.at)
            demo.keep_email, demo.password_hash = wanted.email, hashed
            token = issue_token(session, user_id, TokenKind.KEEP_GUEST, at=visit.at)
            record(session, session.tenant_id, visit.actor, "guest.keep_asked", f"user:{user_id}", at=visit.at)
            if taken:
                begun.rollback()
        _write(visit, session, wanted.email, "" if taken else token)


def keep_owner(session: Session, token: str, *, at: datetime) -> Kept:
    """Return whose account a link keeps, and use nothing up: mail scanners open links too. Raises `LinkOver`."""
    user_id = token_owner(session, TokenKind.KEEP_GUEST, token, at=at)
    own = (GuestDemo.tenant_id == User.tenant_id) & (GuestDemo.user_id == User.id)
    query = select(User.display_name, GuestDemo.keep_email).join_from(GuestDemo, User, own)
    row = session.execute(query.where(User.id == user_id, User.guest_until.is_not(None))).one_or_none()
    if user_id is None or row is None or row.keep_email is None:
        raise LinkOver("This link was used already or is too old.")
    return Kept(user_id, row.display_name, row.keep_email)


def keep(visit: Visit, token: str) -> None:
    """Make a guest somebody: the address is theirs, the password holds, and whoever was signed in signs in anew.

    An account under the same address that nobody ever confirmed gives way to who reads the mail. Raises `LinkOver`,
    and `EmailTaken` where the address got an account meanwhile.
    """
    with visit.transaction() as session:
        user_id = use_token(session, TokenKind.KEEP_GUEST, token, at=visit.at)
        if user_id is None:
            raise LinkOver("This link was used already or is too old.")
        demo = session.get_one(GuestDemo, (session.tenant_id, user_id), with_for_update=True)
        if demo.keep_email is None:
            raise LinkOver("This link was used already or is too old.")
        _make_way(session, demo.keep_email, at=visit.at)
        _become(session, demo, at=visit.at)
        end_sessions(session, user_id, reason=EndReason.PASSWORD_CHANGED, at=visit.at)
        actor = Actor(ActorKind.USER, user_id, None, visit.origin.ip)
        record(session, session.tenant_id, actor, "guest.kept", f"user:{user_id}", at=visit.at)


def _demo(session: TenantSession, user_id: int) -> GuestDemo:
    """Lock the guest and return their demo account; raises `NotFound` for who is no guest."""
    guest = select(User.id).where(User.id == user_id, User.guest_until.is_not(None)).with_for_update()
    demo = session.get(GuestDemo, (session.tenant_id, user_id), with_for_update=True)
    if session.scalar(guest) is None or demo is None:
        raise NotFound("There is no demo account to keep.")
    return demo


def _holder(session: Session, email: str, *, pending: bool) -> int | None:
    held = select(User.id).where(User.email == email)
    waiting = User.status == UserStatus.PENDING.value
    return session.scalar(held.where(waiting if pending else ~waiting))


def _make_way(session: TenantSession, email: str, *, at: datetime) -> None:
    if _holder(session, email, pending=False) is not None:
        raise EmailTaken("This address has an account already.")
    waiting = _holder(session, email, pending=True)
    if waiting is not None:
        close_unasked(session, waiting, lambda _session: None, at=at)


def _become(session: TenantSession, demo: GuestDemo, *, at: datetime) -> None:
    known = {
        "email": demo.keep_email,
        "password_hash": demo.password_hash,
        "password_at": at,
        "email_verified_at": at,
        "guest_until": None,
    }
    guest = update(User).where(
        User.id == demo.user_id, User.guest_until.is_not(None), User.status == UserStatus.ACTIVE.value
    )
    try:
        with session.begin_nested():
            changed = session.scalar(guest.values(known).returning(User.id))
    except IntegrityError as error:
        raise EmailTaken("This address has an account already.") from error
    if changed is None:
        raise LinkOver("This link was used already or is too old.")
    demo.keep_email = demo.password_hash = None
    demo.kept_at = at
    session.flush()


def _write(visit: Visit, session: TenantSession, to: str, token: str) -> None:
    """Send the link; without one, tell the address's owner that there is an account already."""
    link = f"/guest/keep/{token}" if token else "/account/sign-in"
    hours = {"hours": str(LIFETIMES[TokenKind.KEEP_GUEST] // _HOUR)} if token else {}
    queue_mail(
        *(session, visit.tenant_id, visit.seal),
        to=to,
        kind=Kind.VERIFY_EMAIL if token else Kind.ALREADY_REGISTERED,
        locale=visit.locale,
        facts=hours,
        secret_facts={"link": link},
        at=visit.at,
    )
