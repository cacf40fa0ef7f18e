"""Answers whether this process can serve: used by load balancers on any host, so it names no brand.

On a brand's own host it adds the hash of its configuration, which is the same in every process that is up to date, and
how many of its figures differed when they were last computed anew.
"""

from __future__ import annotations

from typing import Any

from flask import Response, current_app, jsonify, request
from sqlalchemy.exc import SQLAlchemyError

from copydesk.identity.access import Permission
from copydesk.performance.overseen import last_check
from copydesk.web.access import needs
from copydesk.web.database import database_revision, whole_database
from copydesk.web.site import Sites


@needs(Permission.PUBLIC)
def health() -> tuple[Response, int]:
    """Say whether the database answers, and on which migration it is; on a brand's host what holds there, too."""
    try:
        revision = database_revision()
        brand = _brand()
    except SQLAlchemyError:
        return jsonify(ok=False, revision=None), 503
    return jsonify(ok=revision is not None, revision=revision, **brand), 200 if revision else 503


def _brand() -> dict[str, Any]:
    """Tell of the host's brand, if it is one's; figures that differ leave the answer well: pages are served."""
    sites: Sites = current_app.extensions["copydesk_sites"]
    tenant = sites.find(request.host)
    if tenant is None:
        return {}
    with whole_database().tenant(sites.number_of(tenant)) as session:
        check = last_check(session)
    checked = None if check is None else {"at": check.at.isoformat(), "differences": check.differences}
    return {"config": tenant.revision_hash, "figures": checked}
