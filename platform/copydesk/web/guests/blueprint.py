"""The blueprint that the pages of guests join, and what they all work with."""

from __future__ import annotations

from flask import Blueprint, Response, current_app, make_response, redirect

from copydesk.guests.opening import GuestTools
from copydesk.web.headers import leave_no_trace
from copydesk.web.port import Runtime

BEGIN, KEEP, LIVE, OPENING = "/guest", "/guest/keep", "/guest/live", "/guest/opening"
ACCOUNT = "/account"
# Where somebody chooses what to copy, once the demo account is there.
CHOOSE = "/strategies"
_SEE_OTHER = 303

guests = Blueprint("guests", __name__)
guests.after_request(leave_no_trace)


def runtime() -> Runtime:
    made: Runtime = current_app.extensions["copydesk_runtime"]
    return made


def guest_tools() -> GuestTools | None:
    """Return what opening a demo account takes; None where the installation has no simulated exchange."""
    lab = runtime().lab_door
    return None if lab is None else GuestTools(lab, runtime().intake)


def go(path: str) -> Response:
    """Show another page with a fresh request, so that nothing is sent twice."""
    return make_response(redirect(path, code=_SEE_OTHER))
