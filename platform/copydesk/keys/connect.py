"""What the owner of a key does: hand one in, have a pair made, give up, ask for another look, disconnect.

Each is called in a transaction of the brand, and records what was done. Nothing here can open what it seals.
"""

from __future__ import annotations

import json
from datetime import datetime, timedelta

from sqlalchemy import func, select, update

from copydesk.audit import Actor, record
from copydesk.db import TenantSession
from copydesk.kernel import Refused
from copydesk.keys.model import OFFER_LASTS, OPEN, Gone, Handed, Intake, IntakeState, NewIntake, Trouble
from copydesk.keys.port import SealIn
from copydesk.keys.revoke import Destroyed, destroy
from copydesk.keys.store import holdings_of, intake_row, is_guest, key_of
from copydesk.keys.tables import AccountKey, KeyIntake
from copydesk.trading import Denial, Environment, KeyKind
from copydesk.vault import IntakePlace

# So that nobody makes the desk ask exchanges all day.
OPEN_MAX = 5
DAILY_MAX = 30
CHECKS_APART = timedelta(seconds=30)


def hand_in(session: TenantSession, seal: SealIn, new: NewIntake, handed: Handed, *, actor: Actor, at: datetime) -> int:
    """Seal a key for the desk, and return the number under which it is looked at.

    Raises `Refused` ("too_many") where this person has too many on their way, ("guest") for a guest's key of a real
    exchange, `NotFound` for an account to renew that
    is not theirs, `Unavailable` before anybody could open what is sealed.
    """
    row = _begin(session, new, IntakeState.WAITING, at)
    row.handed_at = at
    row.sealed = seal.seal(place_of(session.tenant_id, row), _sealed_text(handed))
    session.flush()
    _note(session, row, "key.handed_in", actor, at)
    return row.id


def begin_pair(session: TenantSession, new: NewIntake, *, actor: Actor, at: datetime) -> int:
    """Ask the desk for a pair, whose public half its owner gives to the exchange. Raises as `hand_in` does."""
    assert new.kind is not KeyKind.HMAC, "a pair has a public half"
    row = _begin(session, new, IntakeState.MAKING, at)
    _note(session, row, "key.pair_asked_for", actor, at)
    return row.id


def complete_pair(
    session: TenantSession, seal: SealIn, user_id: int, intake_id: int, handed: Handed, *, actor: Actor, at: datetime
) -> None:
    """Take the name that the exchange gave to our public key. Raises `NotFound`, `Refused` where it is too late."""
    row = intake_row(session, user_id, intake_id, locks=True)
    if row.state != IntakeState.OFFERED:
        raise Refused("This key was handed in already, or is not waited for any more.", code="too_late")
    row.sealed = seal.seal(place_of(session.tenant_id, row), _sealed_text(handed))
    row.state, row.handed_at, row.due_at = IntakeState.WAITING, at, at
    session.flush()
    _note(session, row, "key.handed_in", actor, at)


def give_up(session: TenantSession, user_id: int, intake_id: int, *, actor: Actor, at: datetime) -> None:
    """Destroy what was handed in and not decided yet; what is decided stays. Raises `NotFound`."""
    row = intake_row(session, user_id, intake_id, locks=True)
    if IntakeState(row.state) not in OPEN:
        return
    close_intake(row, IntakeState.REFUSED, Trouble.GIVEN_UP, at)
    session.flush()
    _note(session, row, "key.given_up", actor, at)


def check_again(session: TenantSession, user_id: int, account_id: int, *, actor: Actor, at: datetime) -> None:
    """Have the desk ask about a key now; one that was put aside and passes is used again.

    Where the exchange was asked within the last half minute, that was it. Raises `NotFound`, and `Refused` where there
    is no key any more.
    """
    health = key_of(session, user_id, account_id)
    if not health.connected:
        raise Refused("There is no key any more to check. Connect a new one.", code=Denial.KEY_REMOVED)
    if health.probed_at is not None and at - health.probed_at < CHECKS_APART:
        return
    asked = update(AccountKey).where(AccountKey.account_id == account_id).values(rearms=True, due_at=at)
    if not session.execute(asked.returning(AccountKey.account_id)).all():
        session.add(AccountKey(tenant_id=session.tenant_id, account_id=account_id, due_at=at))
        session.flush()
        session.execute(asked)
    record(session, session.tenant_id, actor, "key.check_asked_for", f"account:{account_id}", at=at)


def disconnect(
    session: TenantSession, user_id: int, account_id: int, *, confirmed: bool, actor: Actor, at: datetime
) -> Gone | None:
    """Destroy the sealed key of an account; None where there was none any more.

    Raises `NotFound`, and `Refused` ("positions_open") while copies hold positions there and the owner has not said
    that they will close them at the exchange themselves.
    """
    key_of(session, user_id, account_id)
    held = holdings_of(session, account_id)
    if held and not confirmed:
        raise Refused(f"{held} positions are open in this account. Confirm that you close them.", code="positions_open")
    gone = destroy(session, [account_id], Destroyed.BY_OWNER, actor=actor, at=at)
    return gone[0] if gone else None


def close_intake(
    row: KeyIntake, state: IntakeState, reason: str | None, at: datetime, rights: tuple[str, ...] = (), said: str = ""
) -> None:
    """Bring a key's way in to its end: nothing sealed is kept."""
    row.state, row.reason, row.rights, row.said, row.decided_at = state, reason, list(rights), said, at
    row.sealed = row.sealed_pair = None


def _begin(session: TenantSession, new: NewIntake, state: IntakeState, at: datetime) -> KeyIntake:
    if new.environment is not Environment.LAB and is_guest(session, new.user_id):
        raise Refused("A guest connects simulated accounts only. Keep the account first.", code="guest")
    if new.account_id is not None:
        key_of(session, new.user_id, new.account_id)
    mine = select(func.count()).select_from(KeyIntake).where(KeyIntake.user_id == new.user_id)
    open_now = session.execute(mine.where(KeyIntake.state.in_(OPEN))).scalar_one()
    today = session.execute(mine.where(KeyIntake.created_at > at - timedelta(days=1))).scalar_one()
    if open_now >= OPEN_MAX or today >= DAILY_MAX:
        raise Refused("You have tried many keys. Wait until those on their way are decided.", code="too_many")
    row = KeyIntake(
        tenant_id=session.tenant_id,
        user_id=new.user_id,
        account_id=new.account_id,
        venue=new.venue,
        environment=new.environment,
        label=new.label,
        kind=new.kind,
        state=state,
        created_at=at,
        due_at=at,
    )
    session.add(row)
    session.flush()
    return row


def offer_until(at: datetime) -> datetime:
    """Return until when a pair that was made waits for its name."""
    return at + OFFER_LASTS


def place_of(tenant_id: int, intake: KeyIntake | Intake) -> IntakePlace:
    """Return what the seal of a key on its way is bound to: who hands it in, and what for."""
    what_for = (intake.account_id or 0, intake.venue, str(intake.environment))
    return IntakePlace(tenant_id, intake.id, intake.user_id, *what_for)


def _sealed_text(handed: Handed) -> str:
    return json.dumps([handed.api_key, handed.secret, handed.passphrase])


def opened_text(text: str) -> Handed:
    """Read what was sealed."""
    return Handed(*json.loads(text))


def _note(session: TenantSession, row: KeyIntake, act: str, actor: Actor, at: datetime) -> None:
    after = {"venue": row.venue, "environment": row.environment, "kind": row.kind, "account_id": row.account_id}
    record(session, session.tenant_id, actor, act, f"intake:{row.id}", at=at, after=after)
