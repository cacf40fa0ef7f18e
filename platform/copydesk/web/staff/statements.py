"""Statements of a brand's people for its staff: whoever reads finances may fetch one, and each is recorded."""

from __future__ import annotations

from flask import Response, g

from copydesk.audit import record
from copydesk.identity.access import Permission
from copydesk.statements import read_person, read_statement
from copydesk.web.access import needs
from copydesk.web.account.statements import periods_shown, wants_bom
from copydesk.web.asking import transaction
from copydesk.web.clock import current_time
from copydesk.web.page import render
from copydesk.web.site import current_site
from copydesk.web.staff.blueprint import staff
from copydesk.web.staff.desk import row_id
from copydesk.web.statement_files import file_answer, named_file
from copydesk.web.visitor import current_actor


@staff.get("/users/<int:user_id>/statements")
@needs(Permission.FINANCE_READ)
def user_statements(user_id: int) -> str:
    """List the statements that there are of one person."""
    with transaction() as session:
        person = read_person(session, row_id(user_id))
    here = f"/staff/users/{user_id}/statements"
    return render("staff/statements.html", person=person, file=here, **periods_shown(person.created_at, current_time()))


@staff.get("/users/<int:user_id>/statements/<name>")
@needs(Permission.FINANCE_READ, fresh=True)
def user_statement(user_id: int, name: str) -> Response:
    """Send one person's statement of a period."""
    number, (period, kind) = row_id(user_id), named_file(name)
    with transaction() as session:
        statement = read_statement(session, current_site().tenant, number, period, now=current_time())
        what = {"period": period.name, "kind": str(kind)}
        record(
            *(session, g.tenant_id, current_actor(), "statement.read", f"user:{number}"),
            at=current_time(),
            after=what,
        )
    return file_answer(statement, kind, bom=wants_bom())
