"""The record of who did what, for who may read it. Reading it is recorded too."""

from __future__ import annotations

import re
from dataclasses import dataclass

from flask import g, request

from copydesk.audit import read_entries, record
from copydesk.identity.access import Permission
from copydesk.web.access import needs
from copydesk.web.asking import transaction
from copydesk.web.clock import current_time
from copydesk.web.page import render
from copydesk.web.staff.blueprint import staff
from copydesk.web.staff.desk import asked_number
from copydesk.web.visitor import current_actor

PAGE = 50
_ACT = re.compile(r"[a-z_]{1,40}(\.[a-z_]{0,40})?")
_SUBJECT = re.compile(r"[a-z_]{1,40}(:[A-Za-z0-9_.-]{1,60})?")


@dataclass(frozen=True)
class RecordFilter:
    """Which lines are shown: an act ("key.connected") or its beginning ("key."), who acted, on what."""

    act: str = ""
    user: str = ""
    subject: str = ""
    before_seq: int | None = None


@staff.get("/audit")
@needs(Permission.AUDIT_READ)
def audit() -> str:
    wanted = _filter()
    with transaction() as session:
        entries = read_entries(
            session,
            g.tenant_id,
            limit=PAGE,
            before_seq=wanted.before_seq,
            act=wanted.act,
            user_id=int(wanted.user) if wanted.user else None,
            subject=wanted.subject,
        )
        asked = {"act": wanted.act, "user_id": wanted.user, "subject": wanted.subject, "shown": len(entries)}
        record(session, g.tenant_id, current_actor(), "audit.read", "audit", at=current_time(), after=asked)
    following = entries[-1].seq if len(entries) == PAGE else None
    return render("staff/audit.html", entries=entries, wanted=wanted, following=following)


def _filter() -> RecordFilter:
    """Read the filter; what no line can have is left out."""
    act, user, subject, before = (request.args.get(name, "").strip() for name in ("act", "user", "subject", "before"))
    user_id = asked_number(user)
    return RecordFilter(
        act=act if _ACT.fullmatch(act) else "",
        user="" if user_id is None else str(user_id),
        subject=subject if _SUBJECT.fullmatch(subject) else "",
        before_seq=asked_number(before),
    )
