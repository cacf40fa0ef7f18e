"""Answers whether this process can serve: used by load balancers on any host, so it names no brand.

On a brand's own host it adds the hash of its configuration, which is the same in every process that is up to date.
"""

from __future__ import annotations

from flask import Response, current_app, jsonify, request
from sqlalchemy.exc import SQLAlchemyError

from copydesk.identity.access import Permission
from copydesk.web.access import needs
from copydesk.web.database import database_revision


@needs(Permission.PUBLIC)
def health() -> tuple[Response, int]:
    """Say whether the database answers, and on which migration it is; on a brand's host also which settings hold."""
    try:
        revision = database_revision()
    except SQLAlchemyError:
        return jsonify(ok=False, revision=None), 503
    tenant = current_app.extensions["copydesk_sites"].find(request.host)
    config = {"config": tenant.revision_hash} if tenant else {}
    return jsonify(ok=revision is not None, revision=revision, **config), 200 if revision else 503
