"""What the link of an invitation to a private strategy shows, and how it is taken up."""

from __future__ import annotations

from http import HTTPStatus

from flask import Response

from copydesk.identity.access import Permission
from copydesk.kernel import NotFound
from copydesk.studio.inviting import link_offer, take_up
from copydesk.studio.terms import terms_of
from copydesk.web.access import needs
from copydesk.web.asking import go, own_id, transaction
from copydesk.web.clock import current_time
from copydesk.web.page import render
from copydesk.web.site import current_site
from copydesk.web.studio.blueprint import invitation
from copydesk.web.visitor import current_actor


@invitation.get("/<token>")
@needs(Permission.SUBSCRIPTIONS_OWN)
def offer(token: str) -> str | tuple[str, int]:
    """Show what somebody is invited to; nothing is used up by looking."""
    try:
        with transaction() as session:
            offered = link_offer(session, token, own_id(), at=current_time())
            terms = terms_of(session, offered.strategy_id, current_site().tenant)
    except NotFound:
        return render("studio/invited.html", offered=None), HTTPStatus.GONE
    return render("studio/invited.html", offered=offered, terms=terms, own_link=token)


@invitation.post("/<token>")
@needs(Permission.SUBSCRIPTIONS_OWN)
def accept(token: str) -> Response | tuple[str, int]:
    """Take the invitation up, and show the strategy."""
    try:
        with transaction() as session:
            offered = take_up(session, token, own_id(), actor=current_actor(), at=current_time())
    except NotFound:
        return render("studio/invited.html", offered=None), HTTPStatus.GONE
    return go(f"/strategies/{offered.slug}")
