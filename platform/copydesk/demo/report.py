"""The table that `demo check` prints: one line for each market of each exchange, and the totals."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from copydesk.demo.asks import Fault
from copydesk.demo.stopped import stop_words

_COLUMNS = ("copies_expected", "copies_done", "missing", *map(str, Fault), "drift_steps_max", "p50_ms", "p99_ms")
_HEADS = ("expected", "done", "missing", "doubled", "wrong side", "wrong market", "drift", "p50 ms", "p99 ms")


def table(figures: Mapping[str, Any]) -> Iterator[str]:
    """Yield the lines of the table; what was not copied stands behind. Then what became of who was stopped."""
    yield _line("", _HEADS, "not copied, as it should be")
    for name, row in figures["markets"].items():
        yield _line(name, [row[column] for column in _COLUMNS], _reasons(row))
    yield _line("all", [figures[column] for column in _COLUMNS], _reasons(figures))
    if "stop" in figures:
        yield stop_words(figures["stop"])


def _line(name: str, cells: Any, reasons: str) -> str:
    columns = "".join(f"{cell:>{max(len(head), 5) + 2}}" for cell, head in zip(cells, _HEADS, strict=True))
    return f"{name:<13}{columns}  {reasons}".rstrip()


def _reasons(row: Mapping[str, Any]) -> str:
    denied = [f"{reason} {count}" for reason, count in row["denied_rightly"].items()]
    rejected = [f"refused by the exchange: {reason} {count}" for reason, count in row["rejected"].items()]
    return ", ".join(denied + rejected)
