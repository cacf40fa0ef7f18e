"""Which factors a person has, and how they lose one: by themselves, or by staff when everything is lost."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime

from sqlalchemy import delete, func, select
from sqlalchemy.orm import Session

from copydesk.audit import Actor, record
from copydesk.identity.factors.desk import Change, Desk
from copydesk.identity.factors.model import (
    STRONG,
    FactorMissing,
    FactorNeeded,
    Factors,
    Method,
    Overview,
    PasskeyRow,
)
from copydesk.identity.factors.tables import FactorChallenge, FactorTry, Passkey, Phone, RecoveryCode, TotpSecret
from copydesk.identity.model import Role
from copydesk.identity.tables import User
from copydesk.kernel import NotFound

_TABLES = (TotpSecret, Passkey, RecoveryCode, Phone)


def factors_of(session: Session, user_id: int) -> Factors:
    """Return which second factors a person has confirmed, in one query."""
    totp = select(TotpSecret.id).where(TotpSecret.user_id == user_id, TotpSecret.confirmed).exists()
    phone = select(Phone.id).where(Phone.user_id == user_id, Phone.confirmed).exists()
    passkeys = select(func.count(Passkey.id)).where(Passkey.user_id == user_id).scalar_subquery()
    codes = select(func.count(RecoveryCode.id)).where(RecoveryCode.user_id == user_id, RecoveryCode.used_at.is_(None))
    found = session.execute(select(totp, passkeys, codes.scalar_subquery(), phone)).one()
    return Factors(totp=found[0], passkeys=found[1], recovery_left=found[2], sms=found[3])


def overview(session: Session, user_id: int) -> Overview:
    """Return what the page of factors shows."""
    keys = session.scalars(select(Passkey).where(Passkey.user_id == user_id).order_by(Passkey.id))
    since = select(TotpSecret.created_at).where(TotpSecret.user_id == user_id, TotpSecret.confirmed)
    codes_since = select(func.max(RecoveryCode.created_at)).where(RecoveryCode.user_id == user_id)
    hint = select(Phone.hint).where(Phone.user_id == user_id, Phone.confirmed)
    return Overview(
        factors=factors_of(session, user_id),
        totp_since=session.scalar(since),
        passkeys=tuple(PasskeyRow(one.id, one.label, one.rp_id, one.created_at, one.used_at) for one in keys),
        recovery_since=session.scalar(codes_since),
        phone_hint=session.scalar(hint) or "",
    )


def remaining(factors: Factors, removed: Method) -> Factors:
    """Return what is left without one factor: nothing, where what is left cannot stand on its own."""
    match removed:
        case Method.TOTP:
            left = replace(factors, totp=False)
        case Method.PASSKEY:
            left = replace(factors, passkeys=factors.passkeys - 1)
        case Method.SMS:
            left = replace(factors, sms=False)
        case Method.RECOVERY:
            left = replace(factors, recovery_left=0)
    return left if left.any else Factors()


def require_unchanged(desk: Desk, had: Factors) -> None:
    """Hold everybody else up, and raise `FactorMissing` where another request changed this person's factors meanwhile.

    Whoever was let in because there was no factor must not add one beside another that was added since.
    """
    lock_owner(desk.session, desk.holder.user_id)
    now = factors_of(desk.session, desk.holder.user_id)
    if now.held - {Method.RECOVERY} != had.held - {Method.RECOVERY}:
        raise FactorMissing("Your factors were changed meanwhile.")


def remove_factor(desk: Desk, method: Method, *, passkey_id: int | None = None, required: bool) -> None:
    """Remove an authenticator app, one passkey or the phone.

    `required` says that the brand asks everybody for a factor; staff and operators always need one. Raises
    `FactorNeeded` for the last, `FactorMissing` for one that is not there. With the last strong factor recovery codes
    and phone go too.
    """
    role, user_id = desk.holder.role, desk.holder.user_id
    lock_owner(desk.session, user_id)
    left = remaining(factors_of(desk.session, user_id), method)
    if (required or role in {Role.STAFF, Role.OPERATOR}) and method in STRONG and not left.enough_for(role):
        raise FactorNeeded("This is your last factor. Add another one before you remove it.")
    match method:
        case Method.PASSKEY:
            gone = delete(Passkey).where(Passkey.user_id == user_id, Passkey.id == passkey_id).returning(Passkey.id)
        case Method.TOTP:
            gone = delete(TotpSecret).where(TotpSecret.user_id == user_id).returning(TotpSecret.id)
        case Method.SMS:
            gone = delete(Phone).where(Phone.user_id == user_id).returning(Phone.id)
        case Method.RECOVERY:
            raise AssertionError("recovery codes are renewed, never removed on their own")
    if not desk.session.execute(gone).all():
        raise FactorMissing("This factor is not there any more.")
    if not left.any:
        _wipe(desk.session, user_id)
    desk.tell(Change("factor.removed", "factor_removed", {"factor": method}))


def erase_factors(session: Session, user_id: int, actor: Actor, at: datetime) -> Factors:
    """Take every factor of a person away, because they have lost them all; return what they had.

    Staff do this after they made sure who is asking: the caller ends the sessions, lets sensitive acts rest and
    writes to the person. Raises `NotFound` for nobody of this brand.
    """
    user = lock_owner(session, user_id)
    had = factors_of(session, user_id)
    _wipe(session, user_id)
    before = {"totp": had.totp, "passkeys": had.passkeys, "recovery_left": had.recovery_left, "phone": had.sms}
    record(session, user.tenant_id, actor, "factors.erased", f"user:{user_id}", at=at, before=before)
    return had


def lock_owner(session: Session, user_id: int) -> User:
    """Let changes of one person's factors wait for each other: two that remove one each would both find another."""
    user = session.scalars(select(User).where(User.id == user_id).with_for_update()).one_or_none()
    if user is None:
        raise NotFound("There is no such person.")
    return user


def _wipe(session: Session, user_id: int) -> None:
    for table in (*_TABLES, FactorChallenge, FactorTry):
        session.execute(delete(table).where(table.user_id == user_id))
