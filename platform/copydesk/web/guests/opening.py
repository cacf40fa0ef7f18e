"""The demo account on its way: a page that follows by itself, and a second try where its key was not accepted."""

from __future__ import annotations

from typing import Any

from flask import Response, make_response
from flask_babel import gettext  # type: ignore[import-untyped]

from copydesk.guests import DemoState, DemoStep
from copydesk.guests.opening import open_again
from copydesk.guests.standing import demo_state
from copydesk.identity.access import Permission
from copydesk.kernel import NotFound, Refused, Unavailable
from copydesk.keys import WAITS, publish_to
from copydesk.web.access import needs
from copydesk.web.account.asking import current_visit, form_again
from copydesk.web.asking import go, own_id, runtime
from copydesk.web.database import brand_session
from copydesk.web.guests.beginning import account_label, wanted
from copydesk.web.guests.blueprint import ACCOUNT, OPENING, guest_tools, guests
from copydesk.web.page import render

_PAGE = "guests/opening.html"


@guests.get(OPENING)
@needs(Permission.ACCOUNT_OWN)
def opening() -> Response | str:
    """Wait for the key; who has their account, or never asked for one, goes on."""
    state = demo_state(brand_session(), own_id())
    if state is None:
        return go(ACCOUNT)
    if state.step is DemoStep.READY:
        return go(wanted())
    return render(_PAGE, errors={}, **_values(state))


@guests.get(f"{OPENING}/now")
@needs(Permission.ACCOUNT_OWN)
def opening_now() -> Response:
    """Give the page how far the account has come, or have it go on."""
    state = demo_state(brand_session(), own_id())
    if state is None:
        raise NotFound("There is no demo account.")
    if state.step is DemoStep.READY:
        response = make_response("")
        response.headers["HX-Redirect"] = wanted()
        return response
    return make_response(render("guests/opening_now.html", errors={}, **_values(state)))


@guests.post(OPENING)
@needs(Permission.ACCOUNT_OWN)
def open_once_more() -> Response:
    """Hand in a new key of the demo account, where the first was not accepted."""
    state, tools = demo_state(brand_session(), own_id()), guest_tools()
    if state is None or tools is None:
        raise NotFound("There is no demo account.")
    try:
        open_again(current_visit(), tools, own_id(), account_label())
    except (Unavailable, Refused):
        told = gettext("The simulated exchange does not answer at the moment. Try again soon.")
        return form_again(_PAGE, {"": str(told)}, 503, **_values(state))
    publish_to(runtime().redis_url, WAITS)
    return go(OPENING)


def _values(state: DemoState) -> dict[str, Any]:
    return {"failed": state.step is DemoStep.FAILED, "next": wanted()}
