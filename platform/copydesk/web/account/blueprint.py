"""The blueprint that the pages of one's own account join, and how long browsers keep what they show: not at all."""

from __future__ import annotations

from flask import Blueprint, Response

account = Blueprint("account", __name__, url_prefix="/account")

HOME = "/account"


@account.after_request
def _keep_private(response: Response) -> Response:
    """Leave no copy behind, and tell no other site the address: it may hold a mail's token."""
    response.headers["Cache-Control"] = "no-store"
    response.headers["Referrer-Policy"] = "same-origin"
    return response
