"""Statements of one's own account: a list of periods, and each as PDF or CSV."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any

from flask import Response, request
from flask_babel import gettext  # type: ignore[import-untyped]
from werkzeug.wrappers import Response as AnyResponse

from copydesk.audit import Act
from copydesk.identity.access import Permission
from copydesk.kernel import InvalidInput, Refused
from copydesk.statements import Period, months_between, period_between, period_named, read_person, read_statement
from copydesk.web.access import needs
from copydesk.web.account.asking import current_visit, form_again
from copydesk.web.account.blueprint import account
from copydesk.web.asking import UNPROCESSABLE, go, own_id, transaction
from copydesk.web.clock import current_time
from copydesk.web.factors.freshness import needs_fresh
from copydesk.web.page import render
from copydesk.web.site import current_site
from copydesk.web.statement_files import FileKind, file_answer, named_file
from copydesk.web.statement_words import period_words

MONTHS_SHOWN = 24
_MONTHS_A_QUARTER = 3
_HERE = "/account/statements"
_TEMPLATE = "account/statements.html"


@account.get("/statements")
@needs(Permission.ACCOUNT_OWN)
def statements() -> str | AnyResponse:
    """List what there is to fetch; two days of the form lead to the file of the days between them."""
    with transaction() as session:
        since = read_person(session, own_id()).created_at
    asked = {name: request.args.get(name, "") for name in ("first", "last")}
    values: dict[str, Any] = {**periods_shown(since, current_time()), "file": _HERE, "asked": asked}
    if not any(asked.values()):
        return render(_TEMPLATE, errors={}, **values)
    try:
        period, kind = _asked()
    except InvalidInput as error:
        return form_again(_TEMPLATE, {"": str(error)}, UNPROCESSABLE, **values)
    return go(f"{_HERE}/{period.name}.{kind}")


@account.get("/statements/<name>")
@needs_fresh(Permission.ACCOUNT_OWN, agreed=False)
def statement_file(name: str) -> Response:
    """Send one's own statement of a period ("2026-02.pdf"); taking it along is recorded."""
    period, kind = named_file(name)
    visit = current_visit()
    with visit.transaction() as session:
        statement = read_statement(session, current_site().tenant, own_id(), period, now=current_time())
        what = {"period": period.name, "kind": str(kind)}
        visit.note(session, Act("statement.taken", f"user:{own_id()}", after=what))
    return file_answer(statement, kind, bom=wants_bom())


def periods_shown(since: datetime, until: datetime) -> dict[str, list[tuple[Period, str]]]:
    """Return the periods of a list, each with its words: months, quarters and years, the newest first."""
    months = list(months_between(since, until))
    quarters = dict.fromkeys(
        f"{one.since.year}-Q{(one.since.month - 1) // _MONTHS_A_QUARTER + 1}" for one in months[:MONTHS_SHOWN]
    )
    years = dict.fromkeys(f"{one.since.year}" for one in months)
    return {
        "months": [(one, period_words(one)) for one in months[:MONTHS_SHOWN]],
        "longer": [(one, period_words(one)) for one in map(period_named, (*years, *quarters))],
    }


def wants_bom() -> bool:
    """Tell whether a table is to begin with the mark that spreadsheets need; without a wish it does."""
    return request.args.get("bom") != "0"


def _asked() -> tuple[Period, FileKind]:
    kind = request.args.get("kind", "")
    try:
        first, last = (date.fromisoformat(request.args.get(name, "")) for name in ("first", "last"))
    except ValueError:
        raise InvalidInput(gettext("Choose a first and a last day.")) from None
    try:
        return period_between(first, last), FileKind(kind if kind in set(FileKind) else FileKind.PDF)
    except Refused:
        raise InvalidInput(gettext("The last day must not be before the first.")) from None
