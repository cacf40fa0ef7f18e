"""How a setting's value is written: in its field, and in sentences about it. Pure."""

from __future__ import annotations

from decimal import Decimal

from copydesk.tenancy.declared import Declared, Kind

_PERCENT_ENDINGS = ("_ratio", "_ratio_max")


def written(declared: Declared, value: object) -> str:
    """Write a value as its field shows it: lists a line each, shares as percentages, nothing as an empty text."""
    if value is None or value == "" or isinstance(value, dict):
        return ""
    if isinstance(value, list | tuple):
        return "\n".join(str(item) for item in value)
    if isinstance(value, bool):
        return "yes" if value else ""
    if is_percent(declared) and isinstance(value, int | Decimal):
        return plain(Decimal(value) * 100)
    return plain(value) if isinstance(value, Decimal) else str(value)


def plain(number: Decimal) -> str:
    """Write a number without exponent and without zeros that say nothing."""
    text = f"{number:f}"
    return text.rstrip("0").rstrip(".") if "." in text else text


def is_percent(declared: Declared) -> bool:
    """Tell whether a share, from 0 to 1 in the file, is shown and typed as a percentage."""
    return declared.kind is Kind.NUMBER and declared.key.endswith(_PERCENT_ENDINGS)


def unit_of(declared: Declared) -> str:
    """Return what stands behind a number."""
    return "%" if is_percent(declared) else declared.unit
