"""Lifts a tenant file of an older schema to the present one, step by step. Pure."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from copydesk.tenancy.document import Where
from copydesk.tenancy.schema import SCHEMA_VERSION

Data = dict[str, object]
Step = Callable[[Data], Data]

RENAMED_THEMES: Mapping[str, str] = {"boreal": "obsidian"}


@dataclass(frozen=True)
class Changed:
    """One value that a step changes, for the sentence that tells of it and for rewriting the file."""

    where: Where
    before: object
    after: object


def upgraded(data: Data) -> Data:
    """Return what the file says in the present schema; a version that nobody knows is left for the check to refuse."""
    version = data.get("schema")
    while isinstance(version, int) and not isinstance(version, bool) and version in STEPS:
        data = STEPS[version](data) | {"schema": version + 1}
        version += 1
    return data


def changes(before: object, after: object, where: Where = ()) -> list[Changed]:
    """List what differs between two versions of a file's values."""
    if isinstance(before, dict) and isinstance(after, dict):
        names = [*before, *(name for name in after if name not in before)]
        return [one for name in names for one in changes(before.get(name), after.get(name), (*where, name))]
    return [] if before == after else [Changed(where, before, after)]


def _to_2(data: Data) -> Data:
    """Call the theme `boreal` by its present name."""
    brand = data.get("brand")
    if not isinstance(brand, dict) or not isinstance(brand.get("theme"), str):
        return data
    theme = brand["theme"]
    return data | {"brand": brand | {"theme": RENAMED_THEMES.get(theme, theme)}}


# From which version, how to the next one.
STEPS: Mapping[int, Step] = {1: _to_2}
assert max(STEPS) + 1 == SCHEMA_VERSION, "the last step leads to the present schema"
