"""What happens to stored mail: taken by one postman at a time, then settled; decided in `next_step`, which is pure."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import delete, select, update
from sqlalchemy.orm import Session

from copydesk.notifications.model import RETENTION, Kind, MailState, Waiting
from copydesk.notifications.outbox import FACTS_FIELD
from copydesk.notifications.port import Seal
from copydesk.notifications.tables import Mail

# Whoever took a mail and died over it: another tries it after this time. Longer than a round of attempts may last.
LEASE = timedelta(minutes=10)
# The waits after each failed attempt; a mail that failed once more is given up. About a day in all.
WAITS = tuple(timedelta(minutes=m) for m in (0.5, 1, 2, 5, 15, 60, 180, 360, 720))
ATTEMPTS_MAX = len(WAITS) + 1
_FAILURE_LENGTH_MAX = 200


@dataclass(frozen=True, slots=True)
class Taken:
    """A mail that this postman may try now, its secret facts still sealed."""

    id: int
    recipient: str
    kind: Kind
    locale: str
    facts: Mapping[str, str]
    sealed_facts: bytes | None
    queued_at: datetime
    attempt: int


@dataclass(frozen=True, slots=True)
class Step:
    """How a mail goes on: its state, and when it is due again where it still waits."""

    state: MailState
    due_at: datetime | None = None


def next_step(attempt: int, now: datetime, *, for_good: bool) -> Step:
    """Decide what becomes of a mail whose attempt failed; attempts count from 1."""
    if for_good:
        return Step(MailState.REFUSED)
    if attempt >= ATTEMPTS_MAX:
        return Step(MailState.GIVEN_UP)
    return Step(MailState.WAITING, now + WAITS[attempt - 1])


def take_due(session: Session, *, now: datetime, limit: int) -> list[Taken]:
    """Take up to `limit` due mails of the session's brand, oldest first.

    No other postman gets them until `LEASE` ends, nor waits for this one to have taken them.
    """
    due = (
        select(Mail.id)
        .where(Mail.state == MailState.WAITING, Mail.due_at <= now)
        .order_by(Mail.due_at, Mail.id)
        .limit(limit)
        .with_for_update(skip_locked=True)
        .cte("due")
    )
    taking = (
        update(Mail).where(Mail.id == due.c.id).values(attempts=Mail.attempts + 1, due_at=now + LEASE).returning(Mail)
    )
    taken = session.scalars(taking, execution_options={"synchronize_session": False})
    return sorted((_taken(mail) for mail in taken), key=lambda mail: mail.id)


def opened(taken: Taken, tenant_id: int, seal: Seal) -> Waiting:
    """Open a taken mail's secret facts; raises what the seal raises when they do not open."""
    hidden = {}
    if taken.sealed_facts is not None:
        hidden = json.loads(seal.open(tenant_id, taken.id, FACTS_FIELD, taken.sealed_facts))
    return Waiting(
        id=taken.id,
        tenant_id=tenant_id,
        to=taken.recipient,
        kind=taken.kind,
        locale=taken.locale,
        facts=taken.facts,
        secret_facts=hidden,
        queued_at=taken.queued_at,
        attempt=taken.attempt,
    )


def mark_sent(session: Session, mail_id: int, *, at: datetime) -> None:
    """Note that a mail has left, and forget what only its reader may know."""
    values = {"state": MailState.SENT, "sent_at": at, "sealed_facts": None, "failure": None}
    session.execute(update(Mail).where(Mail.id == mail_id).values(values))


def mark_failed(session: Session, mail_id: int, step: Step, failure: str) -> None:
    """Note why an attempt failed, and how the mail goes on; what is over keeps no secret."""
    told = " ".join(failure.split())[:_FAILURE_LENGTH_MAX]
    values: dict[str, object] = {"state": step.state, "failure": told}
    if step.due_at is None:
        values["sealed_facts"] = None
    else:
        values["due_at"] = step.due_at
    session.execute(update(Mail).where(Mail.id == mail_id).values(values))


def put_back(session: Session, mail_ids: list[int], *, due_at: datetime) -> None:
    """Let mails wait that were taken and not tried."""
    values = {"attempts": Mail.attempts - 1, "due_at": due_at}
    session.execute(update(Mail).where(Mail.id.in_(mail_ids)).values(values), execution_options=_BLIND)


def forget_old(session: Session, *, now: datetime) -> None:
    """Delete mail that has long left, or never will."""
    old = delete(Mail).where(Mail.state != MailState.WAITING, Mail.queued_at < now - RETENTION)
    session.execute(old, execution_options=_BLIND)


_BLIND = {"synchronize_session": False}


def _taken(mail: Mail) -> Taken:
    return Taken(
        id=mail.id,
        recipient=mail.recipient,
        kind=Kind(mail.kind),
        locale=mail.locale,
        facts=mail.facts,
        sealed_facts=mail.sealed_facts,
        queued_at=mail.queued_at,
        attempt=mail.attempts,
    )
