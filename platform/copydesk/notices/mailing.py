"""Hands notices to the outbox of mail: everything that is due for one person at one time goes in one letter.

In one transaction, so that a notice is mailed exactly once into the outbox, whatever ends in between; whether the
letter arrives is told there.
"""

from __future__ import annotations

from collections import defaultdict
from datetime import datetime

from sqlalchemy import select

from copydesk.db import TenantSession
from copydesk.identity import User
from copydesk.notices.letters import letter_facts
from copydesk.notices.model import Channel, DeliveryState, Notice, Reason
from copydesk.notices.outbox import Step, Taken, settle, take_due
from copydesk.notices.store import notices_by_id
from copydesk.notifications import Kind, Seal, queue_mail

LETTERS_AT_ONCE = 200


def hand_over(session: TenantSession, seal: Seal, now: datetime) -> tuple[int, bool]:
    """Store mail for what is due, and return how many letters that are and whether there may be more."""
    taken = take_due(session, [Channel.MAIL], now=now, limit=LETTERS_AT_ONCE)
    notices = notices_by_id(session, [one.notice_id for one in taken])
    people: defaultdict[int, list[Taken]] = defaultdict(list)
    for one in taken:
        people[one.user_id].append(one)
    readers = {one.id: one for one in session.scalars(select(User).where(User.id.in_(people)))}
    steps: dict[int, Step] = {}
    letters = 0
    for user_id, deliveries in people.items():
        told = [notices[one.notice_id] for one in deliveries if one.notice_id in notices]
        sent = bool(told) and _write(session, seal, readers.get(user_id), told, now)
        letters += sent
        step = Step(DeliveryState.SENT) if sent else Step(DeliveryState.FAILED, Reason.NO_ADDRESS)
        steps |= {one.id: step for one in deliveries}
    settle(session, steps, now=now)
    return letters, len(taken) == LETTERS_AT_ONCE


def _write(session: TenantSession, seal: Seal, person: User | None, told: list[Notice], now: datetime) -> bool:
    if person is None or person.status != "active" or "@" not in (person.email or ""):
        return False
    facts = letter_facts(told)
    queue_mail(
        *(session, session.tenant_id, seal),
        to=person.email,
        kind=Kind.NOTICE,
        locale=person.locale,
        facts=facts,
        at=now,
    )
    return True
