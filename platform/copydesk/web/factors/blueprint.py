"""The blueprint that the pages of second factors join, and how long browsers keep what they show: not at all."""

from __future__ import annotations

from flask import Blueprint, Response

factors = Blueprint("factors", __name__, url_prefix="/account/factors")

HOME = "/account/factors"


@factors.after_request
def _keep_private(response: Response) -> Response:
    """Leave no copy behind: secrets and codes are shown once."""
    response.headers["Cache-Control"] = "no-store"
    return response
