"""Writes rows of CSV that a spreadsheet reads as they are meant. Pure.

Sources: RFC 4180; OWASP, "CSV Injection".
"""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from decimal import Decimal

from copydesk.kernel import decimal_text

BOM = "\ufeff"
# What makes a spreadsheet take a cell for a formula.
_FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n", "|", "%", "\uff1d", "\uff0b", "\uff0d", "\uff20")

Cell = str | int | Decimal | datetime | None


def csv_text(head: Sequence[str], rows: Iterable[Sequence[Cell]], *, bom: bool = False) -> str:
    """Write a table; `bom` begins it with the mark that older spreadsheets need to read UTF-8."""
    written = io.StringIO(newline="")
    out = csv.writer(written, lineterminator="\r\n")
    out.writerow(head)
    out.writerows([cell_text(cell) for cell in row] for row in rows)
    return (BOM if bom else "") + written.getvalue()


def cell_text(cell: Cell) -> str:
    """Write one cell: numbers plain and exact, moments as ISO 8601 in UTC, texts so that none is a formula.

    A text that a spreadsheet would compute begins with an apostrophe, which it shows as text. Numbers are ours, and
    keep their minus.
    """
    match cell:
        case None:
            return ""
        case Decimal():
            return decimal_text(cell)
        case int():
            return str(cell)
        case datetime():
            return cell.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
        case _:
            return f"'{cell}" if cell.startswith(_FORMULA) else cell
