"""The blueprint that the pages of wallets join."""

from __future__ import annotations

from flask import Blueprint

from copydesk.web.headers import leave_no_copy

HOME = "/wallets"
wallets = Blueprint("wallets", __name__, url_prefix=HOME)
wallets.after_request(leave_no_copy)
