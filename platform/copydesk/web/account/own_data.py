"""Everything that the installation holds of one person, as JSON: found by walking the declared tables.

A table joins by itself, by what its rows point at: the person, an account of theirs, a subscription or a strategy of
theirs. Secrets, hashes of secrets and sealed values never leave.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from datetime import datetime
from decimal import Decimal
from typing import Any

from sqlalchemy import ColumnElement, LargeBinary, Select, Table, and_, or_, select
from sqlalchemy.orm import Session

import copydesk.performance.tables  # noqa: F401 - nothing else here declares its tables, and each is somebody's
from copydesk.db import metadata, tenant_tables

# What a row may point at, the closest to the person first: the first that a table has says whose the row is.
_OWNERS = ("user_id", "trader_id", "recipient", "used_by", "subscription_id", "account_id", "strategy_id")
# Columns that say together what a row is about: the kind of thing, and its number.
_SUBJECTS = (("scope", "subject_id"), ("owner", "owner_id"))
_HIDDEN = re.compile(r"hash|digest|salt|secret|sealed|token|password|wrapped")
_PAGE_ROWS = 500


def own_data(session: Session, user_id: int, email: str, *, about: Mapping[str, str]) -> Iterator[str]:
    """Write one JSON document piece by piece: `about` first, then each table with the person's own rows."""
    yield json.dumps({"about": dict(about)}, ensure_ascii=False)[:-1] + ', "data": {'
    first = True
    for name, query in own_queries(user_id, email).items():
        yield f"{'' if first else ','}\n{json.dumps(name)}: ["
        first = False
        rows = session.execute(query.execution_options(yield_per=_PAGE_ROWS)).mappings()
        for number, row in enumerate(rows):
            yield f"{',' if number else ''}\n{json.dumps(dict(row), default=_plain, ensure_ascii=False)}"
        yield "]"
    yield "\n}}\n"


def own_queries(user_id: int, email: str) -> dict[str, Select[Any]]:
    """Return for each table what of it is this person's."""
    queries = {}
    for name in tenant_tables():
        table = metadata.tables[name]
        mine = _mine(table, user_id, email)
        if mine is not None:
            queries[name] = select(*_shown(table)).where(mine).order_by(*table.primary_key.columns)
    return queries


def _mine(table: Table, user_id: int, email: str) -> ColumnElement[bool] | None:
    if table.name == "user_account":
        return table.c.id == user_id
    for kind, number in _SUBJECTS:
        if kind in table.c and number in table.c:
            return _about_own(table.c[kind], table.c[number], user_id)
    owner = next((name for name in _OWNERS if name in table.c), None)
    match owner:
        case None:
            return None
        case "user_id" | "trader_id" | "used_by":
            return table.c[owner] == user_id
        case "recipient":
            return table.c.recipient == email
        case _:
            return table.c[owner].in_(_own_ids(owner, user_id))


def _about_own(kind: ColumnElement[str], number: ColumnElement[int], user_id: int) -> ColumnElement[bool]:
    """Tell a person's rows of a table whose rows say what kind of thing they are about."""
    kinds = ("subscription", "account", "strategy")
    return or_(*(and_(kind == one, number.in_(_own_ids(f"{one}_id", user_id))) for one in kinds))


def _own_ids(owner: str, user_id: int) -> Select[Any]:
    """Return the ids of a person's accounts, subscriptions or strategies."""
    tables = metadata.tables
    accounts = select(tables["account"].c.id).where(tables["account"].c.user_id == user_id)
    match owner:
        case "account_id":
            return accounts
        case "subscription_id":
            return select(tables["subscription"].c.id).where(tables["subscription"].c.account_id.in_(accounts))
        case _:
            return select(tables["strategy"].c.id).where(tables["strategy"].c.trader_id == user_id)


def _shown(table: Table) -> list[ColumnElement[Any]]:
    return [
        column
        for column in table.columns
        if column.name != "tenant_id" and not isinstance(column.type, LargeBinary) and not _HIDDEN.search(column.name)
    ]


def _plain(value: object) -> str:
    match value:
        case datetime():
            return value.isoformat()
        case Decimal():
            return format(value, "f")
        case _:
            return str(value)
