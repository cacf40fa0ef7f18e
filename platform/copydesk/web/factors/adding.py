"""What follows a factor that was just added: the session has passed it, and there are recovery codes to keep."""

from __future__ import annotations

from dataclasses import dataclass, field

from flask import Response, make_response

from copydesk.identity import EndReason
from copydesk.identity.factors import Desk, Method, drop_phones, new_recovery_codes
from copydesk.identity.sessions import end_sessions, pass_factor
from copydesk.web.asking import go
from copydesk.web.csrf import bind_forms
from copydesk.web.factors.asking import own_factors
from copydesk.web.factors.blueprint import HOME
from copydesk.web.page import render
from copydesk.web.visitor import remember_session


@dataclass(frozen=True, slots=True)
class Added:
    """What an added factor brings: the session's new token, "" for the one it has, and codes that are shown once."""

    token: str = field(repr=False)
    codes: tuple[str, ...] = field(repr=False)


def settle(desk: Desk, method: Method) -> Added:
    """Do what belongs into the transaction in which a strong factor was added.

    Whoever had none has passed it in this very session; sessions elsewhere, which never did, end, and so does what
    they may have left behind: nothing of the time when a password alone was enough proves anybody.
    """
    had, session_id = own_factors(), desk.holder.session_id
    assert session_id is not None, "a factor was added without a session"
    token = ""
    if not had.any:
        end_sessions(desk.session, desk.holder.user_id, reason=EndReason.REVOKED, at=desk.at, keep=session_id)
        drop_phones(desk)
        token = pass_factor(desk.session, session_id, method, at=desk.at)
    codes = () if had.any and had.recovery_left else new_recovery_codes(desk)
    return Added(token, codes)


def answer(added: Added) -> Response:
    """Show the recovery codes, or the list where there are none to show, and leave the new token."""
    if added.token:
        bind_forms(added.token)
    if added.codes:
        response: Response = make_response(render("factors/codes.html", codes=added.codes))
    else:
        response = go(HOME)
    if added.token:
        remember_session(response, added.token)
    return response
