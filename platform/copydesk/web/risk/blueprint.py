"""The blueprint that every page of the risk desk joins, and how long browsers keep what it shows: not at all."""

from __future__ import annotations

from flask import Blueprint, Response

risk = Blueprint("risk", __name__, url_prefix="/risk")


@risk.after_request
def _keep_private(response: Response) -> Response:
    """Leave no copy behind, and tell no other page the address: it may hold a link's token."""
    response.headers["Cache-Control"] = "no-store"
    response.headers["Referrer-Policy"] = "no-referrer"
    return response
