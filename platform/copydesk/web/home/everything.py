"""Stop everything: one page that says whom it reaches and what it closes, and one tap that stores it.

Nothing here needs the engine: what is stored now is done at once where it runs, and as soon as it is back where not.
"""

from __future__ import annotations

from flask import Response, request
from flask_babel import gettext  # type: ignore[import-untyped]

from copydesk.identity.access import Permission
from copydesk.replication import stop_everything
from copydesk.replication.own_copying import own_accounts, own_together, worth_of
from copydesk.replication.stopping import pause_everything
from copydesk.web.access import needs
from copydesk.web.asking import UNPROCESSABLE, go, own_id, transaction
from copydesk.web.clock import current_time
from copydesk.web.home.blueprint import HOME, ground, home, marks_now, note
from copydesk.web.home.outages import outages
from copydesk.web.page import render

PATH = "/copying/stop-everything"


@home.get(PATH)
@needs(Permission.SUBSCRIPTIONS_OWN, agreed=False)
def stop_all_page() -> str:
    return _page({})


@home.post(PATH)
@needs(Permission.SUBSCRIPTIONS_OWN, agreed=False)
def stop_all() -> Response | tuple[str, int]:
    """Stop and close everything, or pause everything; all of it in one transaction."""
    how, user_id = request.form.get("how", ""), own_id()
    if how not in {"close", "pause"}:
        return _page({"": gettext("Choose what happens to your positions.")}), UNPROCESSABLE
    with transaction() as session:
        if not own_accounts(session, user_id):
            return go(HOME)
        act = stop_everything if how == "close" else pause_everything
        reached = act(session, user_id=user_id)
        name = "copying.stopped" if how == "close" else "copying.paused"
        note(session, name, f"user:{user_id}", after={"subscriptions": list(reached.subscription_ids)})
    return go(f"{HOME}?told={'all-stopped' if how == 'close' else 'all-paused'}")


def _page(errors: dict[str, str]) -> str:
    user_id = own_id()
    with transaction() as session:
        together = own_together(session, user_id)
        places: dict[str, set[str]] = {}
        for one in together.held:
            places.setdefault(one.place, set()).update({one.symbol} if one.positions else ())
        worth = worth_of(together, marks_now(places))
        away = outages(session, own_accounts(session, user_id), current_time())
    return render(
        "home/stop_everything.html",
        together=together,
        worth=worth,
        outages=away,
        currency=ground().currency,
        errors=errors,
    )
