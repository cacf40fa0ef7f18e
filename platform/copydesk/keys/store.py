"""Reads of exchange keys: what comes in, what is connected, what is due. No seal is ever part of an answer."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import Row, Select, func, select, text
from sqlalchemy.orm import Session

from copydesk.db import TenantSession
from copydesk.identity import User
from copydesk.kernel import NotFound
from copydesk.keys.model import Intake, IntakeState, KeyHealth
from copydesk.keys.tables import AccountKey, KeyIntake
from copydesk.trading import Environment, KeyKind
from copydesk.vault import Account

_ID_MAX = 2**63 - 1
# What would be left at an exchange that nobody here can close any more.
_HELD = text(
    "SELECT count(*) FROM book b JOIN subscription s ON s.tenant_id = b.tenant_id AND s.id = b.subscription_id "
    "WHERE s.account_id = :account_id AND b.qty <> 0"
)
_COPIED = text("SELECT count(*) FROM subscription WHERE account_id = :account_id AND state <> 'ended'")
_LEADS = text("SELECT count(*) FROM strategy WHERE account_id = :account_id AND status NOT IN ('closed', 'declined')")


def intakes_of(session: Session, user_id: int, *, limit: int = 20) -> list[Intake]:
    """Return what somebody has handed in, the newest first."""
    query = select(KeyIntake).where(KeyIntake.user_id == user_id).order_by(KeyIntake.id.desc()).limit(limit)
    return [intake_value(row) for row in session.scalars(query)]


def intake_of(session: Session, user_id: int, intake_id: int) -> Intake:
    """Return one of them; raises `NotFound` for another person's as for none."""
    return intake_value(intake_row(session, user_id, intake_id))


def intake_row(session: Session, user_id: int, intake_id: int, *, locks: bool = False) -> KeyIntake:
    query = select(KeyIntake).where(KeyIntake.id == intake_id, KeyIntake.user_id == user_id)
    row = session.scalars(query.with_for_update() if locks else query).one_or_none() if intake_id <= _ID_MAX else None
    if row is None:
        raise NotFound("There is no such key on its way.")
    return row


def intake_value(row: KeyIntake) -> Intake:
    return Intake(
        id=row.id,
        user_id=row.user_id,
        account_id=row.account_id,
        venue=row.venue,
        environment=Environment(row.environment),
        label=row.label,
        kind=KeyKind(row.kind),
        state=IntakeState(row.state),
        public_key=row.public_key,
        reason=row.reason,
        rights=tuple(row.rights),
        said=row.said,
        created_at=row.created_at,
        decided_at=row.decided_at,
    )


def keys_of(session: Session, user_id: int | None = None) -> list[KeyHealth]:
    """Return the exchange accounts of a person, or of everybody, with what is known of their keys."""
    query = _health_query()
    if user_id is not None:
        query = query.where(Account.user_id == user_id)
    return [_health(row) for row in session.execute(query.order_by(Account.id))]


def key_of(session: Session, user_id: int, account_id: int) -> KeyHealth:
    """Return one account of a person; raises `NotFound` for another person's as for none."""
    query = _health_query().where(Account.id == account_id, Account.user_id == user_id)
    row = session.execute(query).one_or_none() if account_id <= _ID_MAX else None
    if row is None:
        raise NotFound("There is no such exchange account.")
    return _health(row)


def _health_query() -> Select[Any]:
    joined = (AccountKey.tenant_id == Account.tenant_id) & (AccountKey.account_id == Account.id)
    return select(
        *(Account.id, Account.user_id, Account.venue, Account.environment, Account.label, Account.status),
        *(func.coalesce(Account.status_reason, Account.key_denial).label("reason"), Account.key_kind),
        Account.sealed_key.is_not(None).label("connected"),
        *(AccountKey.scope, AccountKey.rights, AccountKey.ip_bound, AccountKey.expires_at, AccountKey.probed_at),
        Account.created_at,
    ).outerjoin(AccountKey, joined)


def _health(row: Row[Any]) -> KeyHealth:
    return KeyHealth(
        account_id=row.id,
        user_id=row.user_id,
        venue=row.venue,
        environment=Environment(row.environment),
        label=row.label,
        status=row.status,
        reason=row.reason,
        connected=row.connected,
        kind=KeyKind(row.key_kind),
        scope=row.scope,
        rights=tuple(row.rights or ()),
        ip_bound=row.ip_bound,
        expires_at=row.expires_at,
        probed_at=row.probed_at,
        created_at=row.created_at,
    )


def holdings_of(session: Session, account_id: int) -> int:
    """Count the positions that copies hold in an account."""
    return int(session.execute(_HELD, {"account_id": account_id}).scalar_one())


def uses_of(session: Session, account_id: int) -> tuple[int, int]:
    """Count the subscriptions that copy into an account, and the strategies that are led from it."""
    counts = (session.execute(query, {"account_id": account_id}).scalar_one() for query in (_COPIED, _LEADS))
    copied, leads = (int(count) for count in counts)
    return copied, leads


def is_guest(session: Session, user_id: int) -> bool:
    """Tell whether somebody is a guest, who holds simulated accounts only."""
    return session.scalar(select(User.guest_until).where(User.id == user_id)) is not None


def next_due(session: TenantSession) -> datetime | None:
    """Return when the desk has to look at this brand's keys again, None where it has none."""
    open_ones = KeyIntake.state.not_in((IntakeState.ACCEPTED, IntakeState.REFUSED))
    intake = session.execute(select(func.min(KeyIntake.due_at)).where(open_ones)).scalar_one()
    probe = session.execute(select(func.min(AccountKey.due_at)).where(_connected())).scalar_one()
    return min((due for due in (intake, probe) if due is not None), default=None)


def _connected() -> Any:
    same = (Account.tenant_id == AccountKey.tenant_id) & (Account.id == AccountKey.account_id)
    return select(Account.id).where(same, Account.sealed_key.is_not(None)).exists()
