"""The list of a trader's own strategies."""

from __future__ import annotations

from copydesk.identity.access import Permission
from copydesk.studio.reviewing import probation_ends
from copydesk.studio.store import own_strategies
from copydesk.web.access import needs
from copydesk.web.asking import own_id, transaction
from copydesk.web.page import render
from copydesk.web.site import current_site
from copydesk.web.studio.blueprint import studio
from copydesk.web.studio.studio_words import standing_of


@studio.get("")
@needs(Permission.STRATEGIES_OWN)
def listing() -> str:
    tenant = current_site().tenant
    with transaction() as session:
        found = own_strategies(session, own_id())
    lines = [(one, standing_of(one, probation_ends(one, tenant))) for one in found]
    return render("studio/home.html", strategies=lines)
