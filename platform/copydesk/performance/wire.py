"""Numbers in and out of the database as arrays: PostgreSQL's binary formats of them have a fixed width.

Source: `array_recv` in PostgreSQL's src/backend/utils/adt/arrayfuncs.c.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, cast

import numpy as np
import psycopg
from numpy.typing import NDArray
from psycopg import pq
from psycopg.adapt import Dumper
from sqlalchemy.orm import Session

_KINDS = {"int4": ">i4", "int8": ">i8", "float8": ">f8"}
# Of one dimension, without NULLs, of this type, so many, counted from 1.
_ARRAY_HEAD = ">i4"
_INT8, _INT8S, _FLOAT8, _FLOAT8S = 20, 1016, 701, 1022


def driver(session: Session) -> psycopg.Connection[Any]:
    """Return the session's own connection, in the middle of its transaction."""
    return cast("psycopg.Connection[Any]", session.connection().connection.driver_connection)


def read_array(
    session: Session, query: str, params: Mapping[str, object], columns: Mapping[str, str]
) -> NDArray[np.void]:
    """Return a query's rows, in its order, as one structured array.

    Each column is "int4", "int8" or "float8", and never NULL. The server strings the rows together: a message for each
    would take several times as long.
    """
    sent = " || ".join(f"{kind}send(CAST({name} AS {kind}))" for name, kind in columns.items())
    statement = f"SELECT string_agg({sent}, '') FROM ({query}) AS found"  # noqa: S608 - ours alone
    with driver(session).cursor(binary=True) as cursor:
        (data,) = cursor.execute(statement.encode(), params).fetchone() or (None,)
    return np.frombuffer(data or b"", [(name, _KINDS[kind]) for name, kind in columns.items()])


class _Numbers:
    """An array on its way in."""

    def __init__(self, values: NDArray[Any]) -> None:
        self.values = values


class _Wholes(_Numbers):
    pass


class _Reals(_Numbers):
    pass


class _WholesDumper(Dumper):
    format = pq.Format.BINARY
    oid = _INT8S

    def dump(self, obj: _Wholes) -> bytes:
        return _array_bytes(obj.values, _INT8, ">i8")


class _RealsDumper(Dumper):
    format = pq.Format.BINARY
    oid = _FLOAT8S

    def dump(self, obj: _Reals) -> bytes:
        return _array_bytes(obj.values, _FLOAT8, ">f8")


def write_arrays(session: Session, statement: str, params: Mapping[str, object]) -> int:
    """Run a statement whose numpy arrays travel as bigint[] or float8[]; returns how many rows it touched."""
    with driver(session).cursor() as cursor:
        cursor.adapters.register_dumper(_Wholes, _WholesDumper)
        cursor.adapters.register_dumper(_Reals, _RealsDumper)
        cursor.execute(statement.encode(), {name: _wrapped(value) for name, value in params.items()})
        return cursor.rowcount


def _wrapped(value: object) -> object:
    if not isinstance(value, np.ndarray):
        return value
    return _Wholes(value) if value.dtype.kind == "i" else _Reals(value)


def _array_bytes(values: NDArray[Any], oid: int, kind: str) -> bytes:
    head = np.array([1 if len(values) else 0, 0, oid, *([len(values), 1] if len(values) else [])], _ARRAY_HEAD)
    parts = np.empty(len(values), np.dtype([("length", ">i4"), ("value", kind)]))
    parts["length"], parts["value"] = 8, values
    return head.tobytes() + parts.tobytes()
