"""The blueprint of the config panel. Browsers keep nothing of it."""

from __future__ import annotations

from flask import Blueprint

from copydesk.web.headers import leave_no_trace

panel = Blueprint("panel", __name__, url_prefix="/panel")
panel.after_request(leave_no_trace)
