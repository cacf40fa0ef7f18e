"""Answers whether this process can serve: used by load balancers on any host, so it names no brand."""

from __future__ import annotations

from flask import Response, jsonify
from sqlalchemy.exc import SQLAlchemyError

from copydesk.identity.access import Permission
from copydesk.web.access import needs
from copydesk.web.database import database_revision


@needs(Permission.PUBLIC)
def health() -> tuple[Response, int]:
    """Say whether the database answers, and on which migration it is."""
    try:
        revision = database_revision()
    except SQLAlchemyError:
        return jsonify(ok=False, revision=None), 503
    return jsonify(ok=revision is not None, revision=revision), 200 if revision else 503
