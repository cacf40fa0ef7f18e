"""Checks the nested maps of a YAML file against the declared settings. Pure."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from enum import Enum
from typing import Any

from copydesk.kernel import Setting, SettingRegistry
from copydesk.tenancy.document import Where

SettingValue = str | int | bool | Decimal | list[str]
_KINDS = {bool: "true or false", int: "a whole number", Decimal: "a number", str: "text", list: "a list of texts"}


@dataclass
class Reading:
    """What a map of settings says: checked values by dotted key, and (where, expected, found) of the rest."""

    values: dict[str, SettingValue] = field(default_factory=dict)
    wheres: dict[str, Where] = field(default_factory=dict)
    misfits: list[tuple[Where, str, str]] = field(default_factory=list)


def read_settings(
    data: dict[str, object],
    settings: SettingRegistry,
    *,
    scope: str,
    above: Mapping[str, SettingValue] | None = None,
    beside: Mapping[str, object] | None = None,
) -> Reading:
    """Check nested maps against the declarations; `scope` "tenant" refuses installation-wide settings.

    A setting's own `check` is told what the same file says, `beside` its settings too, then what the file `above` does.
    """
    reading = Reading()
    for where, value in _leaves(data, (), settings):
        key = dotted(where)
        if key not in settings:
            _note_unknown(reading, where, value, settings)
        elif scope == "tenant" and settings[key].scope != "tenant":
            reading.misfits.append((where, "this setting in config/defaults.yaml only", "it in a tenant file"))
        elif fits(settings[key], value):
            reading.values[key] = _plain(settings[key], value)
            reading.wheres[key] = where
        else:
            reading.misfits.append((where, expectation(settings[key]), shown(value)))
    _check(reading, settings, above or {}, beside or {})
    return reading


def _check(
    reading: Reading, settings: SettingRegistry, above: Mapping[str, SettingValue], beside: Mapping[str, object]
) -> None:
    def said(key: str) -> object:
        if key not in settings:
            return beside.get(key)
        return reading.values.get(key, above.get(key, settings[key].default))

    for key, where in reading.wheres.items():
        check = settings[key].check
        for misfit in check(reading.values[key], said) if check else ():
            here = where if misfit.place is None else (*where, misfit.place)
            reading.misfits.append((here, misfit.expected, misfit.found))


def fits(setting: Setting, value: object) -> bool:
    """Tell whether the value has the setting's type, choices and bounds."""
    kind = type(setting.default)
    number = isinstance(value, int | Decimal) and not isinstance(value, bool) and Decimal(value).is_finite()
    typed = (number if kind is Decimal else type(value) is kind) and (
        not isinstance(value, list) or all(isinstance(item, str) for item in value)
    )
    if not typed:
        return False
    if setting.choices:
        chosen = value if isinstance(value, list) else [value]
        return all(item in setting.choices for item in chosen)
    return _within(setting, value)


def expectation(setting: Setting) -> str:
    """Say in words what the setting takes."""
    if setting.choices:
        return f"one of {', '.join(str(choice) for choice in setting.choices)}"
    low, high = setting.minimum, setting.maximum
    bounds = {
        (False, False): "",
        (True, False): f" of at least {low}",
        (False, True): f" of at most {high}",
        (True, True): f" from {low} to {high}",
    }[(low is not None, high is not None)]
    return _KINDS[type(setting.default)] + bounds


def closest(key: str, known: Iterable[str]) -> str | None:
    """Return the known key that looks most like this one; a match on the last word counts too."""
    candidates = list(known)
    near = difflib.get_close_matches(key, candidates, n=1, cutoff=0.6)
    if near:
        return near[0]
    by_last_word = {candidate.rpartition(".")[2]: candidate for candidate in candidates}
    last = difflib.get_close_matches(key.rpartition(".")[2], list(by_last_word), n=1, cutoff=0.75)
    return by_last_word[last[0]] if last else None


def unknown_key(key: str, known: Iterable[str]) -> str:
    """Say what would have been expected instead of an unknown key."""
    names = sorted(known)
    near = closest(key, names)
    if near:
        return f"a known key (did you mean {near}?)"
    return f"a known key ({', '.join(names)})" if len(names) <= 12 else "a known key"


def dotted(where: Where) -> str:
    return ".".join(str(part) for part in where)


def shown(value: object) -> str:
    """Describe a found value in a few words; collections by kind only, for they may hold a secret."""
    if value is None:
        return "nothing"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, dict):
        return "a map"
    if isinstance(value, list):
        return "a list" if value else "an empty list"
    text = f'"{value}"' if isinstance(value, str) else str(value)
    return text if len(text) <= 60 else text[:57] + "..."


def plain(value: object) -> Any:
    """Return a value as YAML would give it."""
    if isinstance(value, Enum):
        return str(value.value)
    if isinstance(value, Mapping):
        return {name: plain(inner) for name, inner in value.items()}
    return [plain(inner) for inner in value] if isinstance(value, list | tuple) else value


def _leaves(node: dict[str, object], where: Where, settings: SettingRegistry) -> Iterator[tuple[Where, object]]:
    for name, value in node.items():
        here = (*where, name)
        key = dotted(here)
        inner = settings.holds(key)
        if key not in settings and inner and isinstance(value, dict):
            yield from _leaves(value, here, settings)
        elif not (inner and value is None):
            yield here, value


def _note_unknown(reading: Reading, where: Where, value: object, settings: SettingRegistry) -> None:
    key = dotted(where)
    if settings.holds(key):
        reading.misfits.append((where, "a map of settings", shown(value)))
        return
    known = [setting.key for setting in settings]
    reading.misfits.append((where, unknown_key(key, known), f"the unknown key {key}"))


def _plain(setting: Setting, value: object) -> SettingValue:
    if isinstance(setting.default, Decimal):
        return Decimal(str(value))
    assert isinstance(value, str | int | bool | list)
    return value


def _within(setting: Setting, value: object) -> bool:
    if not isinstance(value, int | Decimal):
        return True
    low, high = setting.minimum, setting.maximum
    above = low is None or (isinstance(low, int | Decimal) and value >= low)
    return above and (high is None or (isinstance(high, int | Decimal) and value <= high))
