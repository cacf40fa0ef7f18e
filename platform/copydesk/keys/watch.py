"""What is known of connected keys day by day: which to ask about, what to make of the answer, whom to tell.

Each function is one transaction's work. What exchanges are asked is the desk's business (`workers`).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import select, text, update

from copydesk.audit import SYSTEM, record
from copydesk.db import TenantSession
from copydesk.keys.examine import note_scope
from copydesk.keys.letters import tell_owner
from copydesk.keys.model import PROBE_AGAIN, PROBE_EVERY, notice_due
from copydesk.keys.tables import AccountKey
from copydesk.notifications import Kind, Seal
from copydesk.trading import Denial, Environment, KeyKind
from copydesk.vault import Account
from copydesk.venues import KeyScope

# What says of a key that it is not fit, or not any more. Everything else says something of the moment.
DISARMS = frozenset(denial for denial in Denial if denial.startswith("key_")) - {
    Denial.KEY_REMOVED,
    Denial.KEY_UNBOUND,  # Asked of new keys alone: those that came before the brand wanted it are warned about.
}
# Who has never been asked about is, within a day from now: each at a time of its own. Whoever is put aside already
# knows why.
_ADOPT = text(
    """
    INSERT INTO account_key (tenant_id, account_id, due_at, changed_at, told_reason)
    SELECT a.tenant_id, a.id, CAST(:now AS timestamptz) + make_interval(secs => a.id * 2654435761 % 86400),
           a.created_at, a.status_reason
    FROM account a LEFT JOIN account_key k ON k.tenant_id = a.tenant_id AND k.account_id = a.id
    WHERE k.account_id IS NULL AND a.sealed_key IS NOT NULL
    ON CONFLICT DO NOTHING
    """
)
_TAKE = text(
    """
    UPDATE account_key k SET due_at = :again FROM (
        SELECT k.account_id FROM account_key k JOIN account a ON a.tenant_id = k.tenant_id AND a.id = k.account_id
        WHERE k.due_at <= :now AND a.sealed_key IS NOT NULL
        ORDER BY k.due_at LIMIT :limit FOR UPDATE OF k SKIP LOCKED
    ) AS due JOIN account a ON a.id = due.account_id
    WHERE k.account_id = due.account_id
    RETURNING a.id, a.user_id, a.venue, a.environment, a.label, coalesce(a.egress, '') AS egress, a.key_kind, k.rearms
    """
)


@dataclass(frozen=True)
class Due:
    """A connected key that its exchange is asked about now. `rearms`: its owner wants it used again."""

    account_id: int
    user_id: int
    venue: str
    environment: Environment
    label: str
    egress: str
    kind: KeyKind
    rearms: bool


@dataclass(frozen=True)
class Answer:
    """What came of it: `denial` None is a key that is fit. `scope` is None where the exchange refused the key."""

    denial: Denial | None
    scope: KeyScope | None


def adopt(session: TenantSession, now: datetime) -> None:
    """Begin to ask about accounts that came otherwise than over the desk."""
    session.execute(_ADOPT, {"now": now})


def take_due(session: TenantSession, now: datetime, *, limit: int) -> list[Due]:
    """Take up the keys that are due; where nothing is noted of one, it comes again in a quarter of an hour."""
    rows = session.execute(_TAKE, {"now": now, "again": now + PROBE_AGAIN, "limit": limit}).mappings()
    return [_due(row) for row in rows]


def _due(row: Mapping[Any, Any]) -> Due:
    return Due(
        account_id=row["id"],
        user_id=row["user_id"],
        venue=row["venue"],
        environment=Environment(row["environment"]),
        label=row["label"],
        egress=row["egress"],
        kind=KeyKind(row["key_kind"]),
        rearms=row["rearms"],
    )


def note_answer(session: TenantSession, seal: Seal, due: Due, answer: Answer, *, at: datetime) -> bool:
    """Keep what the exchange said of a key, put its account aside or use it again, and tell its owner what is new.

    Returns whether the account was put aside just now: whoever holds the opened key should drop it.
    """
    account, known = _locked(session, due.account_id)
    if known is None or account is None or account.sealed_key is None:
        return False
    was_active = account.status == "active"
    was_armed = was_active and account.key_denial is None
    if answer.scope is not None:
        note_scope(known, answer.scope, at)
    known.probed_at, known.due_at = at, at + PROBE_EVERY
    if known.rearms:
        known.rearms = False
    if answer.denial is not None:
        _disarm(session, seal, due, account, known, answer, at)
        return was_active and answer.scope is None
    if was_armed or due.rearms:
        _arm(session, account, known, at)
        _tell_end(session, seal, due, known, at)
    else:
        _tell_disarmed(session, seal, due, known, str(account.status_reason or account.key_denial), (), at)
    return False


def note_unopened(session: TenantSession, seal: Seal, due: Due, *, at: datetime) -> None:
    """Tell the owner once that we cannot use their key any more; its account stays as it is.

    What is wrong is on our side, and may be put right there.
    """
    account, known = _locked(session, due.account_id)
    if known is None or account is None or account.sealed_key is None:
        return
    _tell_disarmed(session, seal, due, known, Denial.ACCOUNT_UNUSABLE.value, (), at)


def _locked(session: TenantSession, account_id: int) -> tuple[Account | None, AccountKey | None]:
    """Lock both rows in the order in which everybody does: the account's trigger reaches for the other one."""
    mine = select(Account).where(Account.id == account_id).with_for_update(key_share=True)
    account = session.scalars(mine).one_or_none()
    known = select(AccountKey).where(AccountKey.account_id == account_id).with_for_update()
    return account, session.scalars(known).one_or_none()


def _disarm(
    session: TenantSession, seal: Seal, due: Due, account: Account, known: AccountKey, answer: Answer, at: datetime
) -> None:
    """Put the account aside for the reason that the exchange gave, and say so once.

    A key that works and may do too much goes on closing what there is, also where it was refused before; one that the
    exchange refuses does nothing.
    """
    reason = str(answer.denial)
    if answer.scope is not None and (account.status == "active" or answer.denial is not Denial.KEY_READ_ONLY):
        account.status, account.status_reason, account.key_denial = "active", None, reason
    else:
        account.status, account.status_reason = "unusable", reason
    session.flush()
    # The account's own trigger asks for another look.
    again = update(AccountKey).where(AccountKey.account_id == due.account_id).values(due_at=at + PROBE_EVERY)
    session.execute(again.execution_options(synchronize_session=False))
    rights = tuple(sorted(answer.scope.named)) if answer.scope is not None else ()
    _tell_disarmed(session, seal, due, known, reason, rights, at)


def _arm(session: TenantSession, account: Account, known: AccountKey, at: datetime) -> None:
    known.told_reason = None
    reason = account.status_reason or account.key_denial
    if reason is None:
        return
    before = {"reason": reason, "usable": False}
    account.status, account.status_reason, account.key_denial = "active", None, None
    session.flush()
    subject, after = f"account:{account.id}", {"usable": True}
    record(session, session.tenant_id, SYSTEM, "key.rearmed", subject, at=at, before=before, after=after)


def _tell_end(session: TenantSession, seal: Seal, due: Due, known: AccountKey, at: datetime) -> None:
    """Write once 14, 7 and 1 days before the exchange ends the key."""
    days = notice_due(known.expires_at, at, known.told_days)
    if known.expires_at is None or known.expires_at - at > timedelta(days=14):
        known.told_days = None
    if days is None or known.expires_at is None:
        return
    known.told_days = days
    left = max((known.expires_at - at).days, 0)
    told = {"venue": due.venue, "label": due.label, "days": str(left)}
    tell_owner(session, seal, due.user_id, Kind.KEY_EXPIRES, at=at, **told)


def _tell_disarmed(
    session: TenantSession,
    seal: Seal,
    due: Due,
    known: AccountKey,
    reason: str,
    rights: tuple[str, ...],
    at: datetime,
) -> None:
    """Record and write once for each reason why a key is not used any more."""
    if known.told_reason == reason:
        return
    known.told_reason = reason
    session.flush()
    facts = {"venue": due.venue, "label": due.label, "reason": reason}
    tell_owner(session, seal, due.user_id, Kind.KEY_DISARMED, at=at, rights=rights, **facts)
    after = {"reason": reason, "rights": list(rights), "usable": False}
    record(session, session.tenant_id, SYSTEM, "key.disarmed", f"account:{due.account_id}", at=at, after=after)
