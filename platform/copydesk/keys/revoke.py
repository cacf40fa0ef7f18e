"""The end of sealed keys: one account's, a person's, or all of a brand, so many in one transaction."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from enum import StrEnum

from sqlalchemy import select, text, update

from copydesk.audit import Act, Actor, record_all
from copydesk.db import TenantSession, number_array
from copydesk.keys.letters import PAGE, owners
from copydesk.keys.model import OPEN, Gone, IntakeState, Trouble
from copydesk.keys.tables import KeyIntake
from copydesk.notifications import Kind, Seal, queue_mail
from copydesk.trading import Denial
from copydesk.vault import Account

_FORGET = text(
    """
    INSERT INTO account_key (tenant_id, account_id, due_at, told_reason, changed_at)
    SELECT :tenant_id, id, :at, :reason, :at FROM unnest(CAST(:ids AS bigint[])) AS id
    ON CONFLICT (tenant_id, account_id) DO UPDATE SET scope = NULL, rights = '[]', ip_bound = NULL, expires_at = NULL,
        told_days = NULL, told_reason = EXCLUDED.told_reason, rearms = false, key_hash = NULL, uid_hash = NULL,
        public_key = NULL, changed_at = EXCLUDED.changed_at
    """
)


class Destroyed(StrEnum):
    """Why a sealed key was destroyed, as the record of the brand has it."""

    BY_OWNER = "by_owner"
    ACCOUNT_CLOSED = "account_closed"
    REVOKED = "revoked"


_VOIDED = {
    Destroyed.BY_OWNER: Trouble.GIVEN_UP,
    Destroyed.ACCOUNT_CLOSED: Trouble.GIVEN_UP,
    Destroyed.REVOKED: Trouble.REVOKED,
}


def destroy(
    session: TenantSession,
    account_ids: Sequence[int],
    why: Destroyed,
    *,
    actor: Actor,
    at: datetime,
    note: str = "",
) -> list[Gone]:
    """Destroy the sealed keys of these accounts and return which had one; nothing is opened there any more.

    The rows stay, for what was copied there; whoever holds an opened key drops it (`news`, `store.changed_since`). Keys
    on their way in to renew one of them are destroyed, too. Mind that lanes wait for who has changed an account: call
    it late in a transaction.
    """
    # Locked in the order in which the desk accepts: the key on its way, the account, what is known of it.
    void_intakes(session, at, account_ids=account_ids, reason=_VOIDED[why])
    places = [Account.id, Account.user_id, Account.venue, Account.label]
    emptied = {"sealed_key": None, "sealed_secret": None, "sealed_passphrase": None}
    ended = update(Account).where(Account.id.in_(account_ids), Account.sealed_key.is_not(None))
    ended = ended.values(**emptied, status="unusable", status_reason=Denial.KEY_REMOVED.value)
    rows = session.execute(ended.returning(*places).execution_options(synchronize_session=False)).all()
    gone = [Gone(row.id, row.user_id, row.venue, row.label) for row in sorted(rows, key=lambda row: row.id)]
    if gone:
        _forget(session, gone, at)
        after = {"why": str(why)} | ({"note": note} if note else {})
        record_all(session, session.tenant_id, actor, [_act(one, after) for one in gone], at=at)
    return gone


def destroy_keys(session: TenantSession, user_id: int, *, actor: Actor, at: datetime) -> list[Gone]:
    """Destroy every key of a person, also those on their way in, when their account is closed; return which."""
    void_intakes(session, at, user_id=user_id)
    mine = session.scalars(select(Account.id).where(Account.user_id == user_id)).all()
    return destroy(session, mine, Destroyed.ACCOUNT_CLOSED, actor=actor, at=at)


def revocable(session: TenantSession, account_ids: Sequence[int] | None = None) -> list[int]:
    """Return the accounts that have a sealed key: of those named, or of the whole brand."""
    query = select(Account.id).where(Account.sealed_key.is_not(None)).order_by(Account.id)
    if account_ids is not None:
        query = query.where(Account.id.in_(account_ids))
    return list(session.scalars(query))


def void_intakes(
    session: TenantSession,
    at: datetime,
    *,
    user_id: int | None = None,
    account_ids: Sequence[int] | None = None,
    reason: Trouble = Trouble.GIVEN_UP,
) -> int:
    """Destroy what was handed in and is not decided: a person's, what renews these accounts' keys, or everybody's.

    Waits for a key that is being accepted in this moment. Returns how many it destroyed.
    """
    query = update(KeyIntake).where(KeyIntake.state.in_(OPEN))
    if user_id is not None:
        query = query.where(KeyIntake.user_id == user_id)
    if account_ids is not None:
        query = query.where(KeyIntake.account_id.in_(account_ids))
    ended = query.values(
        state=IntakeState.REFUSED, reason=reason, sealed=None, sealed_pair=None, rights=[], said="", decided_at=at
    )
    found = session.execute(ended.returning(KeyIntake.id).execution_options(synchronize_session=False)).all()
    return len(found)


def tell_revoked(session: TenantSession, seal: Seal, gone: Sequence[Gone], *, at: datetime) -> int:
    """Write to everybody whose key was revoked, once however many they had; returns to how many."""
    first = {one.user_id: one for one in reversed(gone)}
    people = owners(session, first.keys())
    for user_id, person in people.items():
        one = first[user_id]
        facts = {"link": PAGE, "exchange": one.venue, "label": one.label, "reason": Denial.KEY_REMOVED.value}
        queue_mail(
            session,
            session.tenant_id,
            seal,
            to=person.email,
            kind=Kind.KEY_DISARMED,
            locale=person.locale,
            facts=facts,
            at=at,
        )
    return len(people)


def _forget(session: TenantSession, gone: Sequence[Gone], at: datetime) -> None:
    """Let go of what else is known of the keys, so that their owners can connect them anew."""
    ids = number_array([one.account_id for one in gone])
    named = {"tenant_id": session.tenant_id, "ids": ids, "at": at, "reason": Denial.KEY_REMOVED.value}
    session.execute(_FORGET, named)


def _act(gone: Gone, after: dict[str, str]) -> Act:
    before = {"venue": gone.venue, "user_id": gone.user_id, "connected": True}
    return Act("key.destroyed", f"account:{gone.account_id}", before, {"connected": False, **after})
