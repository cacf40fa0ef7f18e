"""Says in words what a declared key takes, and writes plain values as YAML. Pure."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from decimal import Decimal

from copydesk.tenancy.declared import Declared
from copydesk.tenancy.kinds import Kind

_KINDS: Mapping[Kind, str] = {
    Kind.TEXT: "Text",
    Kind.LINES: "A list of texts",
    Kind.WHOLE: "A whole number",
    Kind.NUMBER: "A number",
    Kind.SWITCH: "true or false",
    Kind.CHOICE: "A choice",
    Kind.LIST: "A list",
    Kind.COLOR: 'A color such as "#c2410c"',
    Kind.FILE: "A file beside tenant.yaml",
    Kind.HOST: "A host name",
    Kind.LOCALE: "A locale such as en or pt_BR",
    Kind.TIME_ZONE: "A time zone such as Europe/Berlin",
    Kind.SECRET: "A reference secret:<name>",
    Kind.MAPPING: "A map",
}
_PLURALS: Mapping[Kind, str] = {
    Kind.HOST: "A list of host names",
    Kind.LOCALE: "A list of locales such as en or pt_BR",
    Kind.CHOICE: "A list",
}
# What YAML reads as text without quotes: no number, nothing that is a value of its own, no character that means more.
_BARE = re.compile(r"(?!(?:true|false|null|yes|no|on|off)$)[A-Za-z][A-Za-z0-9_./+ -]*[A-Za-z0-9_./+]|[A-Za-z]", re.I)


def takes(one: Declared) -> str:
    """Say what a key takes: kind, choices, bounds and unit."""
    said = _PLURALS[one.kind] if one.many else _KINDS[one.kind]
    if one.choices:
        said = f"{'Any' if one.many else 'One'} of {', '.join(yaml_of(choice) for choice in one.choices)}"
    low, high = one.minimum, one.maximum
    if low is not None and high is not None:
        said += f" from {low} to {high}"
    elif low is not None or high is not None:
        said += f" of at least {low}" if low is not None else f" of at most {high}"
    return said + (f", in {one.unit}" if one.unit and one.unit != "×" else "")


def facts(one: Declared, *, default: bool = True) -> list[str]:
    """Return the sentences after a key's help: what it takes, what holds without it, and who may change it."""
    told = [f"{takes(one)}."]
    if one.required:
        told.append("Required.")
    elif default and one.default not in (None, [], {}):
        told.append(f"Default: {yaml_of(one.default)}.")
    if not one.panel:
        told.append("Not in the panel.")
    elif one.sensitive:
        told.append("Takes two people in the panel.")
    return told


def yaml_of(value: object) -> str:
    """Write a plain value in one line of YAML."""
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int | Decimal):
        return str(value)
    if isinstance(value, list | tuple):
        return f"[{', '.join(yaml_of(inner) for inner in value)}]"
    if isinstance(value, Mapping):
        return f"{{{', '.join(f'{yaml_of(name)}: {yaml_of(inner)}' for name, inner in value.items())}}}"
    text = str(value)
    return text if _BARE.fullmatch(text) else json.dumps(text, ensure_ascii=False)
