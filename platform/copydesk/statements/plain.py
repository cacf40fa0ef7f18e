"""A statement in plain JSON: money as text, so that no digit is lost, moments as ISO 8601 in UTC. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields, is_dataclass
from datetime import UTC, date, datetime
from decimal import Decimal
from enum import Enum
from typing import Any

from copydesk.kernel import decimal_text
from copydesk.statements.model import Money, Statement, StrategyPart, SubscriptionPart


def document(statement: Statement) -> dict[str, Any]:
    """Return everything that a statement says."""
    period = statement.period
    return {
        "brand": statement.brand,
        "user": statement.person.user_id,
        "name": statement.person.name,
        "period": {
            "name": period.name,
            "kind": str(period.kind),
            "since": plain(period.since),
            "until": plain(period.until),
            "unfinished": statement.unfinished,
        },
        "made_at": plain(statement.made_at),
        "time_zone": statement.time_zone,
        "subscriptions": [_subscription(part) for part in statement.subscriptions],
        "strategies": [_strategy(part) for part in statement.strategies],
        "tax_document": False,
    }


def plain(value: Any) -> Any:
    """Put a value of the model into what JSON has."""
    match value:
        case Decimal():
            return decimal_text(value)
        case datetime():
            return value.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
        case date():
            return value.isoformat()
        case Enum():
            return str(value)
        case Mapping():
            return {str(name): plain(one) for name, one in value.items()}
        case tuple() | list():
            return [plain(one) for one in value]
    if is_dataclass(value):
        return {one.name: plain(getattr(value, one.name)) for one in fields(value)}
    return value


def _subscription(part: SubscriptionPart) -> dict[str, Any]:
    return plain(part) | {"money": _money(part.money)}  # type: ignore[no-any-return]


def _strategy(part: StrategyPart) -> dict[str, Any]:
    told = plain(part) | {"net": plain(part.net), "earnings": {"settled": False}}
    return told | {"followers": plain(part.followers) | {"after": part.followers.after}}  # type: ignore[no-any-return]


def _money(money: Money) -> dict[str, Any]:
    sums = {"unrealized": money.unrealized, "net": money.net, "closing": money.closing}
    return plain(money) | plain(sums)  # type: ignore[no-any-return]
