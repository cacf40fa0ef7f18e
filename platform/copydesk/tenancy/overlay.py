"""Lays a panel's overrides over what a tenant file says, and names what they change. Pure."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping
from decimal import Decimal
from typing import Any

from copydesk.tenancy.document import Where
from copydesk.tenancy.values import dotted

_NUMBER = "$number"


def overlaid(data: Mapping[str, object], values: Mapping[str, object]) -> dict[str, object]:
    """Return the file's values with each override put at its dotted path; neither argument changes."""
    result = dict(data)
    for key, value in values.items():
        *above, last = key.split(".")
        node = result
        for name in above:
            inner = node.get(name)
            node[name] = dict(inner) if isinstance(inner, Mapping) else {}
            node = node[name]  # type: ignore[assignment]  # Just made a dict.
        node[last] = value
    return result


def merged(before: Mapping[str, object], changes: Mapping[str, object | None]) -> dict[str, object]:
    """Return an override set after a change; None takes an override away."""
    kept = {key: value for key, value in before.items() if key not in changes}
    return kept | {key: value for key, value in changes.items() if value is not None}


def difference(before: Mapping[str, object], after: Mapping[str, object]) -> dict[str, object | None]:
    """Return the change that makes one override set of another; `merged` applies it."""
    gone: dict[str, object | None] = dict.fromkeys(key for key in before if key not in after)
    return gone | {key: value for key, value in after.items() if key not in before or not same(before[key], value)}


def same(one: object, other: object) -> bool:
    """Tell whether two plain values are the same; the number 1 is not `true`."""
    return packed_text(one) == packed_text(other)


def overriding(where: Where, keys: Iterable[str]) -> str | None:
    """Return the override that a place in the values comes from, None where it comes from the file."""
    known = keys if isinstance(keys, Mapping | set | frozenset) else set(keys)
    names = [dotted(where[:length]) for length in range(len(where), 0, -1)]
    return next((name for name in names if name in known), None)


def packed(value: object) -> Any:
    """Write a plain value as JSON can carry it exactly: numbers with a point travel as text of their own."""
    if isinstance(value, Decimal):
        return {_NUMBER: str(value)}
    if isinstance(value, Mapping):
        return {str(name): packed(inner) for name, inner in value.items()}
    if isinstance(value, list | tuple):
        return [packed(inner) for inner in value]
    assert value is None or isinstance(value, str | int), f"no plain value: a {type(value).__name__}"
    return value


def unpacked(value: Any) -> Any:
    """Read what `packed` wrote."""
    if isinstance(value, dict):
        if value.keys() == {_NUMBER}:
            return Decimal(value[_NUMBER])
        return {name: unpacked(inner) for name, inner in value.items()}
    return [unpacked(inner) for inner in value] if isinstance(value, list) else value


def packed_text(value: object) -> str:
    """Write a plain value in its one form, to compare and to hash."""
    return json.dumps(packed(value), sort_keys=True, ensure_ascii=False, separators=(",", ":"))


def hash_of(values: Mapping[str, object]) -> str:
    """Return the 64 digits that stand for an override set; nothing for an empty one."""
    return hashlib.sha256(packed_text(values).encode()).hexdigest() if values else ""
