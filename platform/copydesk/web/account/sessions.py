"""The list of one's open sessions, and their ends."""

from __future__ import annotations

from datetime import timedelta

from werkzeug.wrappers import Response

from copydesk.audit import Act
from copydesk.identity import EndReason
from copydesk.identity.access import Permission
from copydesk.identity.access.networks import agent_family
from copydesk.identity.sessions import end_session, end_sessions, open_sessions, renew_session
from copydesk.identity.settings import session_limits
from copydesk.kernel import NotFound
from copydesk.web.access import SIGN_IN, needs
from copydesk.web.account.asking import current_visit, own_session
from copydesk.web.account.blueprint import account
from copydesk.web.asking import go, own_id
from copydesk.web.clock import current_time
from copydesk.web.database import brand_session
from copydesk.web.page import render
from copydesk.web.site import current_site
from copydesk.web.visitor import forget_session, remember_session

_LIST = "/account/sessions"
_ID_MAX = 2**63 - 1


@account.get("/sessions")
@needs(Permission.ACCOUNT_OWN)
def sessions() -> str:
    limits = session_limits(current_site().tenant)
    lines = open_sessions(brand_session(), own_id(), idle=limits.idle, at=current_time())
    return render(
        "account/sessions.html",
        lines=lines,
        own=own_session(),
        agent_family=agent_family,
        idle_minutes=limits.idle // timedelta(minutes=1),
        hours_max=limits.absolute // timedelta(hours=1),
    )


@account.post("/sessions/<int:session_id>/end")
@needs(Permission.ACCOUNT_OWN)
def end_one(session_id: int) -> Response:
    """End one session; somebody else's does not exist here."""
    visit = current_visit()
    with visit.transaction() as session:
        if session_id > _ID_MAX or not end_session(session, own_id(), session_id, at=visit.at):
            raise NotFound("There is no such session.")
        visit.note(session, Act("session.ended", f"session:{session_id}", after={"why": EndReason.REVOKED.value}))
    if session_id != own_session():
        return go(_LIST)
    response = go(SIGN_IN)
    forget_session(response)
    return response


@account.post("/sessions/end-others")
@needs(Permission.ACCOUNT_OWN)
def end_others() -> Response:
    """End every session but this one, whose token is renewed: somebody may have a copy of it."""
    visit = current_visit()
    with visit.transaction() as session:
        ended = end_sessions(session, own_id(), reason=EndReason.REVOKED, at=visit.at, keep=own_session())
        visit.note(session, Act("sessions.ended", f"user:{own_id()}", after={"sessions": ended}))
        token = renew_session(session, own_session())
    response = go(_LIST)
    remember_session(response, token)
    return response
