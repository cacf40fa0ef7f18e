"""Readable values for perpetuals: one contract at 50,000 counted in thousandths, a leader worth 100,000."""

from __future__ import annotations

from typing import Any

from copydesk.replication.model import Book, Follower, Planned, SignalFact
from copydesk.replication.plan import plan_copies
from copydesk.trading import Instrument, PositionSide
from plan_values import LIMITS, NOW, D, follower
from plan_values import signal as spot_signal

SYMBOL = "BTC/USDT:USDT"
PERP = Instrument(
    venue="okx",
    symbol=SYMBOL,
    venue_symbol="BTC-USDT-SWAP",
    base="BTC",
    quote="USDT",
    px_tick=D("0.1"),
    qty_step=D("0.001"),
    qty_min=D("0.001"),
    qty_max=D(1000),
    notional_min=D(5),
    settle="USDT",
    contract_size=D("0.001"),
    leverage_max=100,
)


def signal(before: str, after: str, **changed: Any) -> SignalFact:
    """Return the leader's move from one position to another, shorts below zero."""
    return spot_signal(before, after, **({"symbol": SYMBOL} | changed))


def holding(qty: str, *, cost: str = "0", **changed: Any) -> Follower:
    """Return a follower whose book is at its target, and all of whose spending is in it."""
    spent = D(cost) or abs(D(qty)) * 50_000
    book = Book(qty=D(qty), target_qty=D(qty), cost=spent)
    return follower(book=book, **({"spent": spent} | changed))


def plans(fact: SignalFact, who: Follower, *, instrument: Instrument = PERP) -> list[Planned]:
    """Plan one follower's copies: two where it has to turn round."""
    return plan_copies(fact, [who], instrument, LIMITS, now=NOW)


__all__ = ["NOW", "PERP", "SYMBOL", "D", "PositionSide", "follower", "holding", "plans", "signal"]
