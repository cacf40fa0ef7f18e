"""The blueprint of the config panel. Browsers keep nothing of it."""

from __future__ import annotations

from flask import Blueprint, Response

panel = Blueprint("panel", __name__, url_prefix="/panel")


@panel.after_request
def _keep_private(response: Response) -> Response:
    """Leave no copy behind, and tell no other page the address."""
    response.headers["Cache-Control"] = "no-store"
    response.headers["Referrer-Policy"] = "no-referrer"
    return response
