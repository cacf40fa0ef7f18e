"""The blueprint that the pages of guests join, and what they all work with."""

from __future__ import annotations

from flask import Blueprint

from copydesk.guests.opening import GuestTools
from copydesk.web.asking import runtime
from copydesk.web.headers import leave_no_trace

BEGIN, KEEP, LIVE, OPENING = "/guest", "/guest/keep", "/guest/live", "/guest/opening"
ACCOUNT = "/account"
# Where somebody chooses what to copy, once the demo account is there.
CHOOSE = "/strategies"

guests = Blueprint("guests", __name__)
guests.after_request(leave_no_trace)


def guest_tools() -> GuestTools | None:
    """Return what opening a demo account takes; None where the installation has no simulated exchange."""
    lab = runtime().lab_door
    return None if lab is None else GuestTools(lab, runtime().intake)
