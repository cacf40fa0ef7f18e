"""The front door of the staff pages: it leads to the first page that the visitor may see."""

from __future__ import annotations

from werkzeug.wrappers import Response as AnyResponse

from copydesk.identity.access import Permission
from copydesk.web.access import needs
from copydesk.web.asking import go
from copydesk.web.page import render
from copydesk.web.staff.blueprint import staff
from copydesk.web.visitor import current_visitor

# In this order: the first that somebody may see is where they begin.
SECTIONS = (
    (Permission.USERS_READ, "/staff/users"),
    (Permission.RISK_READ, "/risk"),
    (Permission.STRATEGIES_REVIEW, "/staff/strategies"),
    (Permission.STAFF_READ, "/staff/team"),
    (Permission.AUDIT_READ, "/staff/audit"),
    (Permission.SETTINGS_READ, "/panel"),
    (Permission.FINANCE_READ, "/panel/fees"),
)


@staff.get("")
@needs(Permission.STAFF_AREA)
def front() -> AnyResponse | str:
    """Lead on; staff whose roles have no page yet are told so."""
    may = current_visitor().permissions
    path = next((path for permission, path in SECTIONS if permission in may), None)
    return render("staff/front.html") if path is None else go(path)
