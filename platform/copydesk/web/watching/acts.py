"""To watch a strategy, and to let it go; both may be done twice and change nothing the second time."""

from __future__ import annotations

from flask import request
from werkzeug.wrappers import Response

from copydesk.identity.access import Permission
from copydesk.replication import strategy_keys
from copydesk.studio.watching import unwatch, watch
from copydesk.web.access import needs
from copydesk.web.asking import go, own_id, transaction
from copydesk.web.clock import current_time
from copydesk.web.redirects import safe_next
from copydesk.web.watching.blueprint import watching


@watching.post("/strategies/<slug>/watch")
@needs(Permission.ACCOUNT_OWN)
def begin(slug: str) -> Response:
    with transaction() as session:
        watch(session, own_id(), strategy_keys(session, slug).strategy_id, at=current_time())
    return _back(slug)


@watching.post("/strategies/<slug>/unwatch")
@needs(Permission.ACCOUNT_OWN)
def stop(slug: str) -> Response:
    with transaction() as session:
        unwatch(session, own_id(), strategy_keys(session, slug).strategy_id)
    return _back(slug)


def _back(slug: str) -> Response:
    """Return to where the button was: the strategy's page, or the list."""
    return go(safe_next(request.form.get("next"), f"/strategies/{slug}"))
