"""The editor of exchanges: which ones the brand trades at, and the broker code that its orders carry there.

Whether an exchange is the simulated one or the real one is the reseller's to say, in the file: an exchange that is
added here is of the kind that the brand's first one is.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from flask_babel import gettext  # type: ignore[import-untyped]
from werkzeug.datastructures import MultiDict

from copydesk.tenancy import Tenant
from copydesk.tenancy.declared import declared_of
from copydesk.web.panel.forms import BACK, Parsed
from copydesk.web.panel.standing import standing_of
from copydesk.web.words import exchange_name

KEY = "exchanges"
_BROKER, _GONE, _ADD = "broker:", "gone:", "add"
_LENGTH_MAX = 40
Entry = dict[str, Any]


class ExchangesEditor:
    """One row for each exchange, and one to add another."""

    def shown(self, tenant: Tenant, typed: MultiDict[str, str] | None, errors: Mapping[str, str]) -> Mapping[str, Any]:
        del errors  # The template has them, by field.
        entries = entries_of(tenant)
        rows = [
            {
                "place": place_of(entry),
                "name": exchange_name(entry["venue"]),
                "environment": entry["environment"],
                "broker": _typed(typed, _BROKER + place_of(entry), entry.get("broker_id") or ""),
                "gone": bool(typed and typed.get(_GONE + place_of(entry))),
                "markets": len(entry["markets"]),
            }
            for entry in entries
        ]
        there = {entry["venue"] for entry in entries}
        free = [(venue, exchange_name(venue)) for venue in _venues() if venue not in there]
        standing = standing_of(tenant, KEY)
        return {"rows": rows, "free": free, "added": _typed(typed, _ADD, ""), "standing": standing}

    def read(self, tenant: Tenant, typed: MultiDict[str, str]) -> Parsed:
        if typed.get(KEY + BACK):
            return Parsed({KEY: None} if standing_of(tenant, KEY).overridden else {})
        before = entries_of(tenant)
        after = [_read(entry, typed) for entry in before if not typed.get(_GONE + place_of(entry))]
        if not after:
            return Parsed({}, {"": gettext("Exchanges: expected at least one, found none.")})
        added = typed.get(_ADD, "")
        if added:
            if added not in _venues() or added in {entry["venue"] for entry in before}:
                told = gettext(
                    'Exchange: expected one that is not there yet, found "%(found)s".', found=added[:_LENGTH_MAX]
                )
                return Parsed({}, {_ADD: told})
            like = before[0]
            after.append({"venue": added, "environment": like["environment"], "markets": list(like["markets"])})
        return Parsed({KEY: after} if after != before else {})


def entries_of(tenant: Tenant) -> list[Entry]:
    """Return the exchanges as the file would have them, without what is not set."""
    dumped = [exchange.model_dump(by_alias=True, exclude_none=True) for exchange in tenant.config.exchanges]
    return [
        {
            **entry,
            "venue": str(entry["venue"]),
            "environment": str(entry["environment"]),
            "markets": [str(market) for market in entry["markets"]],
        }
        for entry in dumped
    ]


def place_of(entry: Mapping[str, Any]) -> str:
    """Name an exchange's row: a venue may be there twice, simulated and real."""
    return f"{entry['venue']}-{entry['environment']}"


def _read(entry: Entry, typed: MultiDict[str, str]) -> Entry:
    name = _BROKER + place_of(entry)
    if name not in typed:
        return entry
    broker = typed[name].strip()[:_LENGTH_MAX]
    rest = {key: value for key, value in entry.items() if key != "broker_id"}
    return {**rest, "broker_id": broker} if broker else rest


def _typed(typed: MultiDict[str, str] | None, name: str, otherwise: str) -> str:
    return otherwise if typed is None else typed.get(name, otherwise)


def _venues() -> tuple[str, ...]:
    return tuple(str(choice) for choice in declared_of("exchanges[].venue").choices)
