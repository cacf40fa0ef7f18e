"""What is different between two values of a setting, line by line. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass


@dataclass(frozen=True)
class Difference:
    """One place that differs: None before is "was not there", None after is "is gone".

    `place` is what stands inside the setting: "" for a plain value, the symbol and field of a market, an entry's name.
    """

    place: str
    before: object | None
    after: object | None


def differences(before: object, after: object, place: str = "") -> tuple[Difference, ...]:
    """Return every place where two values differ; entries of lists are compared as sets that keep their order."""
    return tuple(_different(before, after, place))


def _different(before: object, after: object, place: str) -> Iterator[Difference]:
    if before == after:
        return
    if isinstance(before, Mapping) and isinstance(after, Mapping):
        for name in [*before, *(name for name in after if name not in before)]:
            yield from _different(before.get(name), after.get(name), f"{place} {name}".strip())
    elif isinstance(before, list) and isinstance(after, list):
        yield from _of_lists(before, after, place)
    elif isinstance(before, Mapping) or isinstance(after, Mapping):
        yield from _appeared(before, after, place)
    else:
        yield Difference(place, before, after)


def _appeared(before: object, after: object, place: str) -> Iterator[Difference]:
    """Take a map that came or went as its entries."""
    there = before if isinstance(before, Mapping) else after
    assert isinstance(there, Mapping)
    for name, value in there.items():
        was, now = (value, None) if there is before else (None, value)
        yield from _different(was, now, f"{place} {name}".strip())


def _of_lists(before: list[object], after: list[object], place: str) -> Iterator[Difference]:
    old, new = _named(before), _named(after)
    if old is not None and new is not None:
        yield from _different(old, new, place)
        return
    gone = [item for item in before if item not in after]
    come = [item for item in after if item not in before]
    for item in gone:
        yield Difference(place, item, None)
    for item in come:
        yield Difference(place, None, item)
    if not gone and not come:
        yield Difference(place, before, after)


def _named(items: list[object]) -> dict[str, object] | None:
    """Give the maps of a list names, by what tells them apart; None for lists of plain values."""
    found: dict[str, object] = {}
    for item in items:
        if not isinstance(item, Mapping):
            return None
        name = str(item.get("venue") or item.get("provider") or len(found) + 1)
        if name in found:
            name = f"{name} {item.get('environment', len(found) + 1)}"
        found[name] = {key: value for key, value in item.items() if value is not None}
    return found
