"""The list of what one watches, with what was announced of it last."""

from __future__ import annotations

from copydesk.identity.access import Permission
from copydesk.studio.announcing import announcements_of_any
from copydesk.studio.inviting import hidden_slugs
from copydesk.studio.watching import watched_by
from copydesk.web.access import needs
from copydesk.web.asking import own_id, transaction
from copydesk.web.page import render
from copydesk.web.watching.blueprint import HOME, watching

_SAID_MAX = 5


@watching.get(HOME)
@needs(Permission.ACCOUNT_OWN)
def listing() -> str:
    with transaction() as session:
        found = watched_by(session, own_id())
        # Whose invitation was taken back sees nothing of the strategy any more.
        hidden = hidden_slugs(session, [one.slug for one in found], own_id())
        watched = {one.strategy_id: one for one in found if one.slug not in hidden}
        said = announcements_of_any(session, list(watched), most=_SAID_MAX) if watched else []
    return render(
        "watching/list.html",
        watched=list(watched.values()),
        said=[(one, watched[one.strategy_id]) for one in said],
    )
