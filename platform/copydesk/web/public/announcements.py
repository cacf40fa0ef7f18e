"""What traders announce, for everybody; and what a strategy's page shows of it and of watching.

A private strategy has no page for those who were not invited (`web.public.private`), and so no announcements.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from copydesk.identity.access import Permission
from copydesk.performance.whatif_past import subject_of
from copydesk.studio.announcing import announcements_of
from copydesk.studio.watching import is_watching
from copydesk.web.access import needs
from copydesk.web.asking import transaction
from copydesk.web.database import brand_session
from copydesk.web.page import render
from copydesk.web.public.blueprint import public
from copydesk.web.site import current_site, require_offered
from copydesk.web.visitor import current_visitor

NEWEST = 3
_ALL_MAX = 200


@public.get("/strategies/<slug>/announcements")
@needs(Permission.PUBLIC)
def announced(slug: str) -> str:
    """Show all that was announced, the newest first."""
    require_offered(current_site().features.strategy_pages)
    with transaction() as session:
        subject = subject_of(session, slug)
        said = announcements_of(session, subject.strategy_id, most=_ALL_MAX)
    return render("watching/announcements.html", subject=subject, said=said)


def strategy_part(strategy_id: int) -> Mapping[str, Any]:
    """Return what a strategy's page shows of watching: whether its visitor does, and the newest announcements."""
    said = announcements_of(brand_session(), strategy_id, most=NEWEST + 1)
    return {
        "watches": _watches(strategy_id),
        "announcements": said[:NEWEST],
        "announced_more": len(said) > NEWEST,
    }


def _watches(strategy_id: int) -> bool:
    visitor = current_visitor()
    if visitor.user_id is None or not visitor.signed_in:
        return False
    return is_watching(brand_session(), visitor.user_id, strategy_id)
