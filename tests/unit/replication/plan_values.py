"""Readable values for the planner: one pair at 50,000, a leader worth 100,000, a follower with 1,000."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

from copydesk.replication.model import Book, Follower, Limits, Planned, SignalFact
from copydesk.replication.plan import plan_copies
from copydesk.trading import Instrument, SizingMode, SubscriptionState

D = Decimal
NOW = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)
LIMITS = Limits(slippage_bps_max=50, signal_age_ms_max=20_000)
BTC = Instrument(
    venue="binance",
    symbol="BTC/USDT",
    venue_symbol="BTCUSDT",
    base="BTC",
    quote="USDT",
    px_tick=D("0.01"),
    qty_step=D("0.00001"),
    qty_min=D("0.00001"),
    qty_max=D(9000),
    notional_min=D(5),
)


def signal(before: str, after: str, **changed: Any) -> SignalFact:
    """Return the leader's move from one holding to another."""
    fact = SignalFact(10, "BTC/USDT", D(50_000), D(before), D(after), D(100_000), NOW)
    return replace(fact, **changed)


def follower(*, book: Book | None = None, **changed: Any) -> Follower:
    """Return a follower by equity ratio who holds nothing yet."""
    plain = Follower(
        1, 11, SubscriptionState.SYNCED, True, SizingMode.EQUITY_RATIO, None, D(1000), D(0), book or Book()
    )
    return plain._replace(**changed)


def holding(qty: str, **changed: Any) -> Follower:
    """Return a follower whose book is at its target."""
    return follower(book=Book(qty=D(qty), target_qty=D(qty)), **changed)


def plan(fact: SignalFact, who: Follower, *, instrument: Instrument = BTC, limits: Limits = LIMITS) -> Planned:
    """Plan one follower's copy."""
    (planned,) = plan_copies(fact, [who], instrument, limits, now=NOW)
    return planned
