"""The blueprint that the pages of the terminal join."""

from __future__ import annotations

from flask import Blueprint

from copydesk.web.headers import leave_no_copy

HOME = "/terminal"

terminal = Blueprint("terminal", __name__, url_prefix=HOME)
terminal.after_request(leave_no_copy)
