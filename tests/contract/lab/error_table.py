"""What each exchange of the lab answered to failures that were provoked, gathered for the end of the test run."""

from __future__ import annotations

from typing import NamedTuple


class Row(NamedTuple):
    exchange: str
    failure: str
    status: int
    code: str
    text: str
    ccxt_exception: str


ROWS: list[Row] = []


def record(exchange: str, failure: str, status: int, code: int | str, text: str, ccxt_exception: str) -> None:
    """Note one failure as it was answered, and what ccxt raised for it ("" for nothing)."""
    ROWS.append(Row(exchange, failure, status, str(code), text, ccxt_exception))


def lines() -> list[str]:
    """Write the table, a line for each row, by exchange in the order of the tests."""
    rows = sorted(ROWS, key=lambda row: row.exchange)
    widths = [max((len(str(row[column])) for row in rows), default=0) for column in range(4)]
    cells = [[str(row[column]).ljust(width) for column, width in enumerate(widths)] for row in rows]
    return [
        f"{'  '.join(cell)}  {row.ccxt_exception or '-':<20}  {row.text[:90]}"
        for cell, row in zip(cells, rows, strict=True)
    ]
