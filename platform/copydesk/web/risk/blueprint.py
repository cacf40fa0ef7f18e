"""The blueprint that every page of the risk desk joins, and how long browsers keep what it shows: not at all."""

from __future__ import annotations

from flask import Blueprint

from copydesk.web.headers import leave_no_trace

risk = Blueprint("risk", __name__, url_prefix="/risk")
risk.after_request(leave_no_trace)
