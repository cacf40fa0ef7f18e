"""The access pages of one's own account: from where it may be used, and the link that confirms a new place."""

from __future__ import annotations

from http import HTTPStatus

from flask import g, request
from werkzeug.wrappers import Response as AnyResponse

from copydesk.identity.access import Permission, awaited_place, confirm_place
from copydesk.kernel import NotFound
from copydesk.web.access import needs
from copydesk.web.asking import transaction
from copydesk.web.clock import current_time
from copydesk.web.page import render
from copydesk.web.staff.blueprint import own_access
from copydesk.web.staff.networks import add_to_list, show_list, take_off_list
from copydesk.web.visitor import current_actor, current_visitor

_TEMPLATE, _HERE = "staff/own_allowlist.html", "/account/allowlist"


@own_access.get("/allowlist")
@needs(Permission.ADDRESSES_OWN, fresh=True)
def allowlist() -> str:
    return show_list(current_visitor().user_id, _TEMPLATE)


@own_access.post("/allowlist")
@needs(Permission.ADDRESSES_OWN, fresh=True, holds=True)
def add_network() -> AnyResponse | tuple[str, int]:
    return add_to_list(current_visitor().user_id, _TEMPLATE, _HERE)


@own_access.post("/allowlist/<int:number>/remove")
@needs(Permission.ADDRESSES_OWN, fresh=True, holds=True)
def remove_network(number: int) -> AnyResponse | tuple[str, int]:
    return take_off_list(current_visitor().user_id, number, _TEMPLATE, _HERE)


@own_access.route("/location/<token>", methods=("GET", "POST"))
@needs(Permission.VISIT)
def location(token: str) -> str | tuple[str, int]:
    """Show which place a mail's link is about, and believe it once its reader says that it was them.

    A page that only shows, because mail programs open links to look at them.
    """
    now = current_time()
    try:
        with transaction() as session:
            if request.method == "GET":
                place = awaited_place(session, token, at=now)
            else:
                place = confirm_place(session, g.tenant_id, token, current_actor(), at=now)
    except NotFound:
        return render("staff/location.html", place=None, done=False), HTTPStatus.GONE
    return render("staff/location.html", place=place, done=request.method == "POST")
