"""What is known of oneself: who tried to sign in, and everything else as a file."""

from __future__ import annotations

from collections.abc import Iterator

from flask import Response, g
from werkzeug.wrappers import Response as AnyResponse

from copydesk.audit import Act
from copydesk.identity.access import Permission
from copydesk.identity.access.networks import agent_family
from copydesk.identity.history import PAGE_ROWS, sign_in_history
from copydesk.identity.settings import HISTORY_DAYS
from copydesk.tenancy import setting_value
from copydesk.web.access import needs
from copydesk.web.account.account_words import factor_words, outcome_words
from copydesk.web.account.asking import current_visit
from copydesk.web.account.blueprint import account
from copydesk.web.account.own_data import own_data
from copydesk.web.asking import before_asked, own_id
from copydesk.web.clock import current_time
from copydesk.web.database import brand_session, whole_database
from copydesk.web.factors.freshness import needs_fresh
from copydesk.web.page import render
from copydesk.web.site import current_site
from copydesk.web.visitor import current_visitor


@account.get("/history")
@needs(Permission.ACCOUNT_OWN)
def history() -> str:
    lines = sign_in_history(brand_session(), own_id(), before_id=before_asked())
    return render(
        "account/history.html",
        lines=[(line, *outcome_words(line.outcome), factor_words(line.factor)) for line in lines],
        agent_family=agent_family,
        older=lines[-1].id if len(lines) == PAGE_ROWS else None,
        days=setting_value(current_site().tenant, HISTORY_DAYS, int),
    )


@account.get("/export")
@needs_fresh(Permission.ACCOUNT_OWN, agreed=False)
def export_page() -> str:
    return render("account/export.html")


@account.post("/export")
@needs_fresh(Permission.ACCOUNT_OWN, agreed=False)
def export_file() -> AnyResponse:
    """Send everything that is held of the visitor, as it is read."""
    visit = current_visit()
    with visit.transaction() as session:
        visit.note(session, Act("account.exported", f"user:{own_id()}"))
    response = Response(_export(g.tenant_id, own_id()), mimetype="application/json")
    name = f"{current_site().tenant.slug}-{own_id()}-{current_time():%Y-%m-%d}.json"
    response.headers["Content-Disposition"] = f'attachment; filename="{name}"'
    return response


def _export(tenant_id: int, user_id: int) -> Iterator[str]:
    """Read in a transaction of its own: the answer is still being sent when the request is over."""
    about = {"brand": current_site().tenant.name, "made_at": current_time().isoformat()}
    email, database = current_visitor().email, whole_database()

    def pieces() -> Iterator[str]:
        with database.tenant(tenant_id) as session:
            yield from own_data(session, user_id, email, about=about)

    return pieces()
