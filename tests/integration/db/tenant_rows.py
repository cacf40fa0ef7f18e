"""One row per tenant table and brand, made from the tables' own declarations: a new table needs no new test."""

from __future__ import annotations

from datetime import UTC, datetime, time
from decimal import Decimal
from importlib import import_module
from pathlib import Path
from typing import Any

import copydesk
from copydesk.db import metadata, tenant_tables
from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    DateTime,
    Integer,
    LargeBinary,
    Numeric,
    SmallInteger,
    Table,
    Text,
    Time,
)
from sqlalchemy.dialects.postgresql import ARRAY, JSON, JSONB
from sqlalchemy.orm import Session

_ROOT = Path(copydesk.__file__).parent
for _declaring in sorted(_ROOT.rglob("tables.py")):
    import_module(".".join(("copydesk", *_declaring.relative_to(_ROOT).with_suffix("").parts)))

_VALUES: dict[type, Any] = {
    Integer: 7,
    SmallInteger: 7,
    BigInteger: 7,
    Numeric: Decimal("1.5"),
    Text: "text",
    Boolean: True,
    DateTime: datetime(2026, 3, 1, tzinfo=UTC),
    Time: time(22),
    LargeBinary: b"bytes",
    JSON: {"a": 1},
    JSONB: {"a": 1},
    ARRAY: ["text"],
}


def ordered_tenant_tables() -> list[Table]:
    """Return every tenant table, parents before children."""
    named = set(tenant_tables())
    return [table for table in metadata.sorted_tables if table.name in named]


def row_of(table: Table, tenant_id: int) -> dict[str, Any]:
    """Return a row that fits the table; both brands get the same keys, so that only `tenant_id` tells them apart.

    Every reference is (tenant_id, id), and every id is the same number, so references hold by themselves.
    """
    return {column.name: tenant_id if column.name == "tenant_id" else _value(column) for column in table.columns}


def _value(column: Column[Any]) -> Any:
    kind = type(column.type)
    assert kind in _VALUES, f"say in _VALUES what to put in {column.table.name}.{column.name}, a {kind.__name__}"
    return _VALUES[kind]


def fill(session: Session, tenant_id: int) -> None:
    """Insert one row into every tenant table."""
    for table in ordered_tenant_tables():
        session.execute(table.insert().values(row_of(table, tenant_id)))
