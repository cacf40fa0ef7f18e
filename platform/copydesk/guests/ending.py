"""The end of demo accounts: what is copied is closed first, then the person is forgotten as anybody who leaves.

Each look does what can be done now; the next one goes on. Nothing here sends or opens anything: endings are errands of
their lanes.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from typing import NamedTuple

from sqlalchemy import delete, select, text, update

from copydesk.audit import SYSTEM, record
from copydesk.db import TenantSession
from copydesk.guests.tables import GuestDemo
from copydesk.identity import EndReason, User, UserStatus
from copydesk.identity.closing import close_unasked
from copydesk.identity.sessions import end_sessions
from copydesk.identity.visit import Visit
from copydesk.keys import Gone
from copydesk.keys.revoke import destroy_keys
from copydesk.replication import end_subscription
from copydesk.trading import EndMode

# So many at a look; the next one takes the rest.
DUE_MAX = 500
# What does not close within this time is left to the simulated exchange.
PATIENCE = timedelta(days=2)

# Erases what a person has elsewhere, of which guests know nothing.
Farewell = Callable[[TenantSession, int], None]

_COPYING = text(
    "SELECT s.id, s.state FROM subscription s JOIN account a ON a.tenant_id = s.tenant_id AND a.id = s.account_id "
    "WHERE a.user_id = :user_id AND s.state <> 'ended' ORDER BY s.id"
)


class Ended(NamedTuple):
    """What was done about one guest: told their lanes to close, or forgot them, with the keys that went."""

    leaving: bool = False
    closed: bool = False
    keys: tuple[Gone, ...] = ()


def due_guests(session: TenantSession, *, at: datetime) -> list[int]:
    """Return the guests whose time is up, the longest over first."""
    due = select(User.id).where(User.guest_until <= at, User.status != UserStatus.CLOSED.value)
    return list(session.scalars(due.order_by(User.guest_until, User.id).limit(DUE_MAX)))


def end_guest(session: TenantSession, user_id: int, farewell: Farewell, *, at: datetime) -> Ended:
    """End one guest's demo as far as that can be done now; in a transaction of its own, for lanes wait for its end.

    `farewell` erases what others keep of a person, once there is nothing left to close.

    Nothing happens to who is no guest any more, or whom somebody else ends in this moment.
    """
    over = select(User.guest_until).where(
        User.id == user_id, User.guest_until <= at, User.status != UserStatus.CLOSED.value
    )
    until = session.scalar(over.with_for_update(skip_locked=True))
    if until is None:
        return Ended()
    copying = session.execute(_COPYING, {"user_id": user_id}).all()
    if copying and at - until < PATIENCE:
        return Ended(leaving=_leave(session, [row.id for row in copying if row.state != "ending"]))
    return Ended(closed=True, keys=tuple(_forget(session, user_id, farewell, at)))


def end_now(visit: Visit, user_id: int) -> None:
    """End a guest's demo account before its time, because they say so; nothing happens to who is no guest."""
    with visit.transaction() as session:
        over = update(User).where(User.id == user_id, User.guest_until > visit.at).values(guest_until=visit.at)
        if session.scalar(over.returning(User.id)) is None:
            return
        end_sessions(session, user_id, reason=EndReason.CLOSED, at=visit.at)
        record(session, session.tenant_id, visit.actor, "guest.ended", f"user:{user_id}", at=visit.at)


def _leave(session: TenantSession, subscription_ids: Sequence[int]) -> bool:
    for subscription_id in subscription_ids:
        end_subscription(session, subscription_id, EndMode.CLOSE_NOW)
    return bool(subscription_ids)


def _forget(session: TenantSession, user_id: int, farewell: Farewell, at: datetime) -> list[Gone]:
    gone: list[Gone] = []

    def leave(own: TenantSession) -> None:
        gone.extend(destroy_keys(own, user_id, actor=SYSTEM, at=at))
        farewell(own, user_id)

    session.execute(delete(GuestDemo).where(GuestDemo.user_id == user_id))
    close_unasked(session, user_id, leave, at=at)
    return gone
