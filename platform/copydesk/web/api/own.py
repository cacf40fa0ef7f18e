"""What somebody who is signed in reads of their own: subscriptions, and statements."""

from __future__ import annotations

from flask import Response, request

from copydesk.audit import Act
from copydesk.identity.access import Permission
from copydesk.statements import document, own_subscriptions, period_named, read_statement
from copydesk.web.access import needs
from copydesk.web.account.asking import current_visit
from copydesk.web.api.blueprint import answer, own_api
from copydesk.web.api.shapes import subscription_shape
from copydesk.web.asking import own_id
from copydesk.web.clock import current_time
from copydesk.web.database import brand_session
from copydesk.web.factors.freshness import needs_fresh
from copydesk.web.site import current_site


@own_api.get("/subscriptions")
@needs(Permission.ACCOUNT_OWN)
def subscriptions() -> Response:
    found = own_subscriptions(brand_session(), own_id())
    rows = [subscription_shape(one) for one in found]
    return answer({"subscriptions": rows, "currency": current_site().tenant.config.currency}, private=True)


@own_api.get("/statement")
@needs_fresh(Permission.ACCOUNT_OWN, agreed=False)
def statement() -> Response:
    """Send one's own statement of a period; as with the files, taking it along is recorded."""
    period = period_named(request.args.get("period", ""))
    visit = current_visit()
    with visit.transaction() as session:
        found = read_statement(session, current_site().tenant, own_id(), period, now=current_time())
        visit.note(session, Act("statement.taken", f"user:{own_id()}", after={"period": period.name, "kind": "json"}))
    return answer(document(found), private=True)
