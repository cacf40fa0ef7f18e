"""A statement as a file: which kinds there are, and the answer that carries one."""

from __future__ import annotations

import json
from enum import StrEnum

from flask import Response

from copydesk.kernel import NotFound, Refused
from copydesk.statements import (
    Look,
    Period,
    Statement,
    document,
    period_named,
    statement_pdf,
    summary_csv,
    transactions_csv,
)
from copydesk.tenancy import Tenant
from copydesk.web.brand import colors_of, look_of
from copydesk.web.oklch import contrast
from copydesk.web.pictures import icon_png
from copydesk.web.site import current_site
from copydesk.web.statement_words import PageWords

_MARK_PX = 192
_PAPER, _INK = "#ffffff", "#202124"
_READABLE = 4.5


class FileKind(StrEnum):
    """What a statement may be sent as; the value is how its name ends."""

    PDF = "pdf"
    CSV = "csv"
    SUMMARY = "summary.csv"
    JSON = "json"


_TYPES = {
    FileKind.PDF: "application/pdf",
    FileKind.CSV: "text/csv; charset=utf-8",
    FileKind.SUMMARY: "text/csv; charset=utf-8",
    FileKind.JSON: "application/json",
}


def named_file(name: str) -> tuple[Period, FileKind]:
    """Read which statement an address asks for ("2026-02.pdf"); raises NotFound for what none has."""
    period, _, kind = name.partition(".")
    try:
        return period_named(period), FileKind(kind)
    except (Refused, ValueError):
        raise NotFound("There is no such statement.") from None


def statement_bytes(statement: Statement, kind: FileKind, tenant: Tenant, *, bom: bool) -> bytes:
    """Write a statement in the current context's language, with the brand's look."""
    words = PageWords()
    match kind:
        case FileKind.PDF:
            return statement_pdf(statement, words, paper_look(tenant))
        case FileKind.CSV:
            return transactions_csv(statement, words, bom=bom).encode()
        case FileKind.SUMMARY:
            return summary_csv(statement, bom=bom).encode()
        case FileKind.JSON:
            return json.dumps(document(statement), ensure_ascii=False, indent=1).encode()


def file_name(slug: str, statement: Statement, kind: FileKind) -> str:
    return f"{slug}-statement-{statement.person.user_id}-{statement.period.name}.{kind}"


def file_answer(statement: Statement, kind: FileKind, *, bom: bool) -> Response:
    """Send a statement as a download that nobody keeps on the way."""
    tenant = current_site().tenant
    response = Response(statement_bytes(statement, kind, tenant, bom=bom), content_type=_TYPES[kind])
    response.headers["Content-Disposition"] = f'attachment; filename="{file_name(tenant.slug, statement, kind)}"'
    response.headers["Cache-Control"] = "no-store"
    return response


def paper_look(tenant: Tenant) -> Look:
    """Return how the brand looks on white paper; a color that could not be read there gives way to ink."""
    site, tokens = current_site(), colors_of(tenant).tokens
    color = next((one for one in (tokens["brand"], tokens["accent"]) if contrast(one, _PAPER) >= _READABLE), _INK)
    return Look(
        name=tenant.name,
        color=color,
        logo=icon_png(look_of(tenant), _MARK_PX),
        rtl=site.direction == "rtl",
        lang=site.lang,
    )
