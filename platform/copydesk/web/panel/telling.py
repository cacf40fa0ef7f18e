"""Tells a brand's owners by mail that a change of its settings waits for one of them."""

from __future__ import annotations

from flask import g

from copydesk.db import TenantSession
from copydesk.identity.access import owners
from copydesk.notifications import queue_mail
from copydesk.tenancy.revisions import Revision, RevisionState
from copydesk.web.clock import current_time
from copydesk.web.staff.desk import current_seal


def tell_who_may_approve(session: TenantSession, revision: Revision) -> None:
    """Write to every owner but the author where a revision waits; nothing where it was published."""
    if revision.state is not RevisionState.PROPOSED:
        return
    at = current_time()
    link = f"/panel/history/{revision.id}"
    facts = {"at": at.isoformat(), "who": revision.author, "reason": revision.reason, "link": link}
    for owner in owners(session):
        if owner.id != revision.author_id:
            queue_mail(
                *(session, g.tenant_id, current_seal()),
                to=owner.email,
                kind="settings_wait",
                locale=owner.locale,
                facts=facts,
                at=at,
            )
