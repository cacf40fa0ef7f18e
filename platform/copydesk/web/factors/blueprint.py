"""The blueprint that the pages of second factors join, and how long browsers keep what they show: not at all."""

from __future__ import annotations

from flask import Blueprint

from copydesk.web.headers import leave_no_copy

factors = Blueprint("factors", __name__, url_prefix="/account/factors")

HOME = "/account/factors"
factors.after_request(leave_no_copy)
