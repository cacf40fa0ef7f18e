"""Trades with everything ordinary but what a test changes."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

from copydesk.risk.trades import Entry, Trade

NOW = datetime(2026, 3, 31, tzinfo=UTC)


def trade(number: int = 0, *, days_ago: int | None = None, hours: int | None = 4, **changed: Any) -> Trade:
    """Make the trade of so many days ago (so numbers grow with age), held for `hours`; None leaves it open."""
    opened_at = NOW - timedelta(days=number + 1 if days_ago is None else days_ago)
    facts: dict[str, Any] = {
        "symbol": "BTC/USDT:USDT",
        "opened_at": opened_at,
        "closed_at": None if hours is None else opened_at + timedelta(hours=hours),
        "short": False,
        "leverage": 3,
        "notional": 1000,
        "equity": 10_000,
        "profit": 10,
        "worst": -5,
        "stopped": True,
    }
    facts |= changed
    numbers = ("leverage", "notional", "equity", "profit", "worst")
    return Trade(**facts | {name: Decimal(facts[name]) for name in numbers})


def entries(*told: tuple[str, str]) -> tuple[Entry, ...]:
    """Make increases of (quantity, price)."""
    return tuple(Entry(NOW, Decimal(qty), Decimal(px)) for qty, px in told)
