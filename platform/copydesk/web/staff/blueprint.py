"""The blueprints of staff pages and of the access pages of one's own account. Browsers keep nothing of either."""

from __future__ import annotations

from flask import Blueprint, Response

staff = Blueprint("staff", __name__, url_prefix="/staff")
own_access = Blueprint("own_access", __name__, url_prefix="/account")


@staff.after_request
@own_access.after_request
def _keep_private(response: Response) -> Response:
    """Leave no copy behind, and tell no other page the address: it may name a person, or hold a mail's token."""
    response.headers["Cache-Control"] = "no-store"
    response.headers["Referrer-Policy"] = "no-referrer"
    return response
