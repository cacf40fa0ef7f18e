"""A strategy's history in minutes, told shortly."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from zoneinfo import ZoneInfo

from copydesk.risk.grammar import parse
from copydesk.risk.history import Event, Funded, Mark, Move
from copydesk.risk.limits import LimitSet, effective
from copydesk.risk.model import Scope, Scoped
from copydesk.risk.replay import Terms

BTC, ETH = "BTC/USDT:USDT", "ETH/USDT:USDT"
START = datetime(2026, 3, 2, 12, tzinfo=UTC)
FREE = Terms(Decimal(1000), ZoneInfo("UTC"), fee_bps=Decimal(0), stop_slippage_bps=Decimal(0))


def at(minute: float) -> datetime:
    return START + timedelta(minutes=minute)


def move(minute: float, before: str, after: str, px: str, *, symbol: str = BTC, leverage: int = 1) -> Move:
    """Let a leader with 10,000 go from one position to another."""
    return Move(at(minute), symbol, Decimal(px), Decimal(before), Decimal(after), Decimal(10_000), leverage)


def marks(*told: tuple[float, str], symbol: str = BTC) -> list[Event]:
    return [Mark(at(minute), symbol, Decimal(px)) for minute, px in told]


def funded(minute: float, rate: str) -> Funded:
    return Funded(at(minute), BTC, Decimal(rate))


def limits(*lines: str) -> LimitSet:
    return effective(Scoped(Scope.SUBSCRIPTION, parse(line)) for line in lines)
