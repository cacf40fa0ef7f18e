"""How commands show tables, colors and progress: drawn on a terminal, plain aligned text everywhere else.

`rich` is imported only where something is drawn, so that a pipe and a script pay nothing for it.
"""

from __future__ import annotations

import sys
import unicodedata
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import TextIO

import click

# How words of a verdict look on a terminal; everything else is shown as it is.
STYLES: Mapping[str, str] = {
    "pass": "green",
    "ok": "green",
    "active": "green",
    "warn": "yellow",
    "suspended": "yellow",
    "waiting": "yellow",
    "fail": "bold red",
    "wrong": "bold red",
    "skip": "dim",
}
_GAP = "  "
# A single long cell moves what stands behind it, and not the whole table.
_COLUMN_MAX = 48


def table(columns: Sequence[str], rows: Sequence[Sequence[object]], *, err: bool = False) -> None:
    """Print rows under their columns; `err` on standard error, where the last line of output belongs to JSON."""
    stream = sys.stderr if err else sys.stdout
    cells = [[_text(cell) for cell in row] for row in rows]
    if stream.isatty():
        _draw(columns, cells, stream)
        return
    for line in plain_lines(columns, cells):
        click.echo(line, err=err)


def plain_lines(columns: Sequence[str], rows: Sequence[Sequence[str]]) -> list[str]:
    """Align rows under their columns by spaces; nothing is cut or wrapped, so that a script reads it whole."""
    every = [list(columns), *map(list, rows)]
    widths = [min(_COLUMN_MAX, max(_width(row[index]) for row in every)) for index in range(len(columns))]
    return [_GAP.join(_padded(cell, width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in every]


def facts(pairs: Mapping[str, object], *, err: bool = False) -> None:
    """Print names and values, one pair a line, values under each other."""
    width = max((_width(name) for name in pairs), default=0)
    for name, value in pairs.items():
        text = _text(value)
        if text:
            click.echo(f"{_padded(name, width)}{_GAP}{text}", err=err)


def swatch(color: str) -> str:
    """Return a block of this "#rrggbb" for a terminal; click takes the color away where output is no terminal."""
    red, green, blue = (int(color[start : start + 2], 16) for start in (1, 3, 5))
    return click.style("    ", bg=(red, green, blue))


@contextmanager
def progress(said: str, *, err: bool = True) -> Iterator[None]:
    """Show on a terminal that something goes on while the block runs; elsewhere say it once."""
    stream = sys.stderr if err else sys.stdout
    if not stream.isatty():
        click.echo(said, err=err)
        yield
        return
    from rich.console import Console

    with Console(file=stream).status(said):
        yield


def _draw(columns: Sequence[str], rows: Sequence[Sequence[str]], stream: TextIO) -> None:
    from rich.box import SIMPLE_HEAD
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    drawn = Table(box=SIMPLE_HEAD, pad_edge=False)
    for name in columns:
        drawn.add_column(name, overflow="fold")
    for row in rows:
        drawn.add_row(*(Text(cell, style=STYLES.get(cell, "")) for cell in row))
    Console(file=stream, highlight=False).print(drawn)


def _text(value: object) -> str:
    if value is None:
        return ""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, list | tuple):
        return ", ".join(map(_text, value))
    return str(value)


def _padded(text: str, width: int) -> str:
    return text + " " * (width - _width(text))


def _width(text: str) -> int:
    """Count the cells that a text takes: wide characters take two, combining marks none."""
    return sum(
        0 if unicodedata.combining(one) else 2 if unicodedata.east_asian_width(one) in "WF" else 1 for one in text
    )
