"""Conditional orders as JSON-able rows and back, for snapshots and the journal; decimals as text."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields
from decimal import Decimal
from typing import Any

from copydesk.kernel import decimal_text
from copydesk.venues.lab.conditional import Conditional
from copydesk.venues.lab.model import Attached, NewOrder, Reject

_FIELDS = tuple(f.name for f in fields(Conditional))
_DECIMALS = ("trigger_px", "callback_ratio", "callback_px", "activation_px", "extreme_px")
_NEW_DECIMALS = ("qty", "quote_qty", "px")


def conditional_row(one: Conditional) -> dict[str, Any]:
    """Write one down, the order it places included."""
    row = {name: _plain(getattr(one, name)) for name in _FIELDS if name not in ("new", "siblings")}
    row["siblings"] = list(one.siblings)
    new = {name: _plain(value) for name, value in one.new._asdict().items()}
    for name in ("take_profit", "stop_loss"):
        attached = getattr(one.new, name)
        new[name] = None if attached is None else [_plain(value) for value in attached]
    row["new"] = new
    return row


def conditional_of(row: Mapping[str, Any]) -> Conditional:
    """Read one back; what the row has besides is left alone."""
    named = {name: row[name] for name in _FIELDS}
    for name in _DECIMALS:
        named[name] = _number(named[name])
    named["siblings"] = tuple(named["siblings"])
    named["reason"] = None if named["reason"] is None else Reject(named["reason"])
    new = dict(named["new"])
    for name in _NEW_DECIMALS:
        new[name] = _number(new[name])
    for name in ("take_profit", "stop_loss"):
        new[name] = _attached(new[name])
    named["new"] = NewOrder(**new)
    return Conditional(**named)


def _plain(value: object) -> object:
    return decimal_text(value) if isinstance(value, Decimal) else value


def _number(text: str | None) -> Decimal | None:
    return None if text is None else Decimal(text)


def _attached(row: list[Any] | None) -> Attached | None:
    if row is None:
        return None
    trigger, px, watch = row
    return Attached(Decimal(trigger), _number(px), watch)
