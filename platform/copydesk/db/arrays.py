"""Array parameters for statements that move a thousand rows at once.

The driver quotes each element by regular expression, which costs more than the insert; numbers, moments and plain
words need no quoting (PostgreSQL documentation, 8.15.2 Array Value Input).
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import datetime

_PLAIN = re.compile(r"[A-Za-z0-9_.:+\-,]*")
_ESCAPED = str.maketrans({"\\": "\\\\", '"': '\\"'})


def array_literal(values: Sequence[object]) -> str:
    """Write a one-dimensional array as PostgreSQL reads it; None is NULL. Cast it in the statement."""
    texts = ["NULL" if value is None else _text(value) for value in values]
    joined = ",".join(texts)
    plain = all(texts) and joined.count(",") == len(texts) - 1 and _PLAIN.fullmatch(joined)
    if plain and joined.upper().count("NULL") == texts.count("NULL") - sum(value == "NULL" for value in values):
        return "{" + joined + "}"
    return "{" + ",".join(_quoted(value) for value in values) + "}" if texts else "{}"


def number_array(values: Sequence[object]) -> str:
    """Write an array of numbers, truth values or moments, which never need quoting; None is NULL."""
    return "{" + ",".join(map(str, values)).replace("None", "NULL") + "}"


def word_array(values: Sequence[str | None]) -> str:
    """Write an array of words of our own (letters, digits, underscores), which never need quoting; None is NULL."""
    return "{" + ",".join(["NULL" if value is None else value for value in values]) + "}"


def moment_array(values: Sequence[datetime | None]) -> str:
    """Write an array of moments; None is NULL."""
    return "{" + ",".join(["NULL" if value is None else value.isoformat() for value in values]) + "}"


def sparse_array(values: Sequence[object]) -> str:
    """Write an array that is mostly empty: one of nothing but None is "{}", which `unnest` fills up beside others."""
    return "{}" if values.count(None) == len(values) else array_literal(values)


def _text(value: object) -> str:
    return value.isoformat() if isinstance(value, datetime) else str(value)


def _quoted(value: object) -> str:
    return "NULL" if value is None else f'"{_text(value).translate(_ESCAPED)}"'
