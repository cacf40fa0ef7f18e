"""What a source of notices is: rows that are read by their numbers, and what they tell whom."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Any, NamedTuple

from sqlalchemy import TextClause

from copydesk.db import TenantSession
from copydesk.notices.model import Event

# So many rows are read at once; whoever reads goes on until there are fewer.
ROWS_AT_ONCE = 1_000

Row = Any
Telling = Callable[[TenantSession, Sequence[Row], datetime], list[Event]]


class Source(NamedTuple):
    """A table that only grows.

    `newest` returns its highest number. `rows` takes `:position` and `:most` and returns rows by their numbers, each
    with `id` and `stored_at`. `tell` makes events of rows, in the same transaction.
    """

    name: str
    newest: TextClause
    rows: TextClause
    tell: Telling
