"""Signing in: password first, then the second factor. All failures sound the same to a stranger, and take as long."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import NoReturn

from sqlalchemy import Row, case, exists, select, update
from sqlalchemy.orm import Session

from copydesk.audit import Act, Actor, ActorKind, record
from copydesk.db import TenantSession
from copydesk.identity.access.allowing import allows_address
from copydesk.identity.access.networks import agent_family, place_of
from copydesk.identity.access.places import SignedIn, note_sign_in
from copydesk.identity.access.tables import KnownPlace
from copydesk.identity.addresses import plain_email
from copydesk.identity.factors.tables import Passkey, TotpSecret
from copydesk.identity.history import forget_own, forget_tries, note_try
from copydesk.identity.model import EndReason, SignInOutcome, UserStatus
from copydesk.identity.passwords import plain_password
from copydesk.identity.registration import send_verification
from copydesk.identity.sessions import Started, end_session, find_session, pass_factor, start_session
from copydesk.identity.settings import HISTORY_DAYS, session_limits
from copydesk.identity.tables import User, UserSession
from copydesk.identity.throttle import Counted, by_address, by_device, by_networks, count_try, forget_old, take_back
from copydesk.identity.visit import Visit
from copydesk.kernel import InvalidInput, Refused
from copydesk.notifications import Seal
from copydesk.tenancy import setting_value


class SignInRefused(Refused):
    """Refuse a sign-in without saying what was wrong: nobody learns here who has an account."""

    code = "sign_in_refused"
    http_status = 422


class EmailUnconfirmed(Refused):
    """Ask somebody who gave the right password to confirm their address first; the link was sent again."""

    code = "email_unconfirmed"
    http_status = 422


@dataclass(frozen=True, slots=True)
class Admitted:
    """A sign-in whose password was right; `factor_needed` says that the second factor is still to come.

    `locale` is the language that this person reads and gets mails in, `role` what kind of account it is.
    """

    user_id: int
    session_id: int
    factor_needed: bool
    locale: str
    role: str
    token: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class _Known:
    """What is known under the address that was typed, and what the try counts for."""

    user: Row[int, str, str, str | None, bool] | None
    counted: tuple[Counted, ...]


@dataclass(frozen=True, slots=True)
class _Checked:
    """What a right password brings along: the hash that it matched, one at today's cost, the session that ends."""

    stored: str = field(repr=False)
    renewed: str | None = field(repr=False)
    replaces: str = field(repr=False)


def sign_in(visit: Visit, typed_email: str, password: str, *, replaces: str = "") -> Admitted:
    """Begin a session for who knows the password; `replaces` is the token of a session that this browser still had.

    Raises `SignInRefused` for everything that a stranger must not tell apart, `EmailUnconfirmed`, `TooManyTries`, and
    `Unavailable` while too many passwords are being checked.
    """
    known = _count(visit, typed_email)
    stored = known.user.password_hash if known.user else None
    matches = visit.hashing.matches(stored, plain_password(password))
    outcome = _judged(known, matches)
    if outcome is not None:
        _refuse(visit, known, outcome)
    assert known.user is not None and stored is not None
    renewed = visit.hashing.hash(plain_password(password)) if visit.hashing.is_outdated(stored) else None
    with visit.transaction() as session:
        admitted = _admit(visit, session, known, _Checked(stored, renewed, replaces))
    if admitted is None:
        _refuse(visit, known, SignInOutcome.ADDRESS_NOT_ALLOWED)
    return admitted


def finish_sign_in(session: TenantSession, seal: Seal, session_id: int, factor: str, *, at: datetime) -> str:
    """Make a session whole with the factor that it just passed, and return its new token.

    Also for the first factor that somebody sets up. Where the person never signed in from here before, sensitive acts
    rest from now on until they confirm the place (`access.note_sign_in`).
    """
    token = pass_factor(session, session_id, factor, at=at)
    row = session.execute(
        select(UserSession.user_id, UserSession.ip, UserSession.agent).where(UserSession.id == session_id)
    ).one()
    actor = Actor(ActorKind.USER, row.user_id, session_id, row.ip)
    note_sign_in(session, session.tenant_id, seal, SignedIn(row.user_id, row.ip, row.agent), at=at)
    after = {"factor": factor}
    record(session, session.tenant_id, actor, "session.confirmed", f"session:{session_id}", at=at, after=after)
    return token


def _count(visit: Visit, typed_email: str) -> _Known:
    """Look the address up and count the try, before anything slow: one query, whether somebody has it or not."""
    try:
        email = plain_email(typed_email)
    except InvalidInput:
        email = ""
    ip = visit.origin.ip
    seen_here = exists().where(
        *(KnownPlace.tenant_id == User.tenant_id, KnownPlace.user_id == User.id),
        *(KnownPlace.network == place_of(ip), KnownPlace.confirmed_at.is_not(None)),
    )
    query = select(User.id, User.role, User.status, User.password_hash, seen_here.label("seen_here"))
    with visit.transaction() as session:
        user = session.execute(query.where(User.email == email)).one_or_none()
        own = by_device(user.id, ip) if user is not None and user.seen_here else by_address(email)
        counted = (*by_networks(ip), own)
        count_try(session, counted, at=visit.at)
    return _Known(user, counted)


def _judged(known: _Known, matches: bool) -> SignInOutcome | None:
    """Return why a sign-in goes no further, None where it does."""
    if known.user is None:
        return SignInOutcome.UNKNOWN_ACCOUNT
    if not matches:
        return SignInOutcome.WRONG_PASSWORD
    match UserStatus(known.user.status):
        case UserStatus.ACTIVE:
            return None
        case UserStatus.PENDING:
            return SignInOutcome.UNCONFIRMED
        case _:
            return SignInOutcome.BLOCKED


def _refuse(visit: Visit, known: _Known, outcome: SignInOutcome) -> NoReturn:
    """Write the try down and raise."""
    with visit.transaction() as session:
        note_try(session, known.user.id if known.user else None, visit.origin, outcome, at=visit.at)
        if outcome is SignInOutcome.UNCONFIRMED and known.user is not None:
            take_back(session, known.counted, at=visit.at)
            send_verification(visit, session, session.get_one(User, (visit.tenant_id, known.user.id)))
    if outcome is SignInOutcome.UNCONFIRMED:
        raise EmailUnconfirmed("Confirm your e-mail address first.")
    raise SignInRefused("E-mail address or password is wrong.")


def _admit(visit: Visit, session: TenantSession, known: _Known, checked: _Checked) -> Admitted | None:
    """Begin the session, unless the password changed meanwhile or the account may not be used from here."""
    assert known.user is not None
    user_id, role = known.user.id, known.user.role
    unchanged = (User.id == user_id, User.password_hash == checked.stored, User.status == UserStatus.ACTIVE)
    # The language stays with the person, whatever browser they sign in with, until they choose another one.
    kept = case((User.locale == "", visit.locale), else_=User.locale)
    noted = update(User).where(*unchanged).values(locale=kept).returning(User.locale)
    locale = session.scalar(noted)
    if locale is None or not allows_address(session, user_id, role=role, ip=visit.origin.ip):
        return None
    if checked.renewed is not None:
        session.execute(update(User).where(User.id == user_id).values(password_hash=checked.renewed))
    _replace(visit, session, checked.replaces)
    started = start_session(session, user_id, origin=visit.origin, limits=session_limits(visit.tenant), at=visit.at)
    take_back(session, known.counted, at=visit.at)
    factor_needed = _has_factor(session, user_id)
    _note(visit, session, user_id, started, factor_needed)
    return Admitted(user_id, started.session_id, factor_needed, locale, role, started.token)


def _note(visit: Visit, session: TenantSession, user_id: int, started: Started, factor_needed: bool) -> None:
    outcome = SignInOutcome.FACTOR_ASKED if factor_needed else SignInOutcome.SIGNED_IN
    note_try(session, user_id, visit.origin, outcome, at=visit.at, session_id=started.session_id)
    kept = timedelta(days=setting_value(visit.tenant, HISTORY_DAYS, int))
    forget_own(session, user_id, at=visit.at, kept=kept)
    forget_tries(session, at=visit.at, kept=kept)
    forget_old(session, at=visit.at)
    if not factor_needed:
        who = SignedIn(user_id, visit.origin.ip, visit.origin.agent)
        note_sign_in(session, visit.tenant_id, visit.seal, who, at=visit.at)
    actor = Actor(ActorKind.USER, user_id, started.session_id, visit.origin.ip)
    after = {"agent": agent_family(visit.origin.agent), "factor_needed": factor_needed}
    act = Act("session.started", f"session:{started.session_id}", after=after)
    record(session, visit.tenant_id, actor, act.name, act.subject, at=visit.at, after=act.after)


def _has_factor(session: Session, user_id: int) -> bool:
    totp = exists().where(TotpSecret.user_id == user_id, TotpSecret.confirmed)
    return bool(session.scalar(select(totp | exists().where(Passkey.user_id == user_id))))


def _replace(visit: Visit, session: TenantSession, token: str) -> None:
    """End the session that this browser had before; nobody else knows its token."""
    if not token:
        return
    limits = session_limits(visit.tenant)
    found = find_session(session, token, ip=visit.origin.ip, idle=limits.idle, at=visit.at)
    if found is not None:
        visitor = found.visitor
        assert visitor.user_id is not None and visitor.session_id is not None, "a session belongs to nobody"
        end_session(session, visitor.user_id, visitor.session_id, reason=EndReason.REPLACED, at=visit.at)
