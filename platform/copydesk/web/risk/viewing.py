"""Writes down which of a brand's staff looked at somebody's subscription. Links name nobody, and so leave no line."""

from __future__ import annotations

from datetime import datetime, timedelta

from flask import g

from copydesk.audit import read_entries, record
from copydesk.identity.access import Permission
from copydesk.web.asking import transaction
from copydesk.web.visitor import current_actor, current_visitor

ACT = "subscription.viewed"
# An open page asks for its figures anew many times a minute: one line stands for an hour of it.
TOLD_FOR = timedelta(hours=1)
_LOOKED_BACK = 50


def note_view(subscription_id: int, *, again: bool, at: datetime) -> None:
    """Record that a member of staff sees a subscription; with `again` only where no line of the last hour says so."""
    visitor = current_visitor()
    if visitor.user_id is None or Permission.RISK_READ not in visitor.permissions:
        return
    subject = f"subscription:{subscription_id}"
    with transaction() as session:
        latest = read_entries(session, g.tenant_id, limit=_LOOKED_BACK, user_id=visitor.user_id) if again else []
        if not any((one.act, one.subject) == (ACT, subject) and at - one.at < TOLD_FOR for one in latest):
            record(session, g.tenant_id, current_actor(), ACT, subject, at=at)
