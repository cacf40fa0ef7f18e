"""Agreeing: the tick at registration, and the page that a material change puts before everything else.

Nobody gets around that page but by leaving: signing out, disconnecting keys, closing the account, taking one's data and
looking at one's own risk stay open (`web.access.Need.agreed`), so that a text never keeps anybody from stopping.
"""

from __future__ import annotations

from typing import Any

from flask import g, request
from werkzeug.wrappers import Response

from copydesk.identity.access import Permission
from copydesk.identity.legal import Via, accept, legal_texts, text_for
from copydesk.web.access import needs
from copydesk.web.account.asking import form_again
from copydesk.web.account.blueprint import HOME
from copydesk.web.asking import go, own_id, transaction
from copydesk.web.clock import current_time
from copydesk.web.database import brand_session
from copydesk.web.legal.asking import FIELD, agreement, agreement_error, asked_texts
from copydesk.web.legal.blueprint import legal
from copydesk.web.legal.markdown import rendered
from copydesk.web.page import render
from copydesk.web.redirects import safe_next
from copydesk.web.site import current_site
from copydesk.web.visitor import current_visitor

_PAGE = "legal/accept.html"


@legal.get("/accept")
@needs(Permission.ACCOUNT_OWN, agreed=False)
def accept_page() -> Response | str:
    """Show what has changed, in full; who has agreed already goes on."""
    if not current_visitor().legal_due:
        return go(_next())
    return render(_PAGE, errors={}, **_values())


@legal.post("/accept")
@needs(Permission.ACCOUNT_OWN, agreed=False)
def accept_form() -> Response:
    """Write the agreement down, and go on to where the visitor wanted to be."""
    asked = asked_texts()
    if error := agreement_error(asked):
        return form_again(_PAGE, {FIELD: error}, **_values())
    agreed = agreement(asked, Via.CHANGE)
    if agreed is not None:
        with transaction() as session:
            accept(session, g.tenant_id, own_id(), agreed, at=current_time())
    return go(_next())


def _values() -> dict[str, Any]:
    site, session = current_site(), brand_session()
    asked = asked_texts()
    shown = []
    for one in asked.texts:
        text = text_for(legal_texts(session, one.version.id), site.locale, site.tenant.config.locale_default)
        assert text is not None, "a version was published without any text"
        shown.append((one, rendered(text.body), text.locale.replace("_", "-")))
    return {"asked": asked, "shown": shown, "next": _next(), "follows": current_visitor().permissions}


def _next() -> str:
    return safe_next(request.values.get("next"), HOME)
