"""Values that only the venue seam speaks of: balances, key rights, leader trades, stream events, outcomes."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum
from typing import NamedTuple

from copydesk.kernel import OutcomeUnknown, Unavailable, VenueRefused
from copydesk.trading import OrderType, OrderView, Side


@dataclass(frozen=True, slots=True)
class Balance:
    """What an account owns of one currency; `locked` is tied up in open orders."""

    free: Decimal
    locked: Decimal


@dataclass(frozen=True, slots=True)
class KeyScope:
    """What an API key may do. A right that the exchange does not mention counts as granted where it is dangerous."""

    can_read: bool
    can_trade: bool
    can_withdraw: bool
    can_transfer: bool
    ip_bound: bool


@dataclass(frozen=True, slots=True)
class LeaderTrade:
    """One execution of a leader account. `client_order_id` and `order_type` are known from the stream only."""

    trade_id: str
    venue_order_id: str
    client_order_id: str
    venue_symbol: str
    side: Side
    order_type: OrderType | None
    qty: Decimal
    px: Decimal
    fee: Decimal
    fee_currency: str
    at_ms: int


class StreamState(StrEnum):
    """What a leader stream has to say.

    `connected`: subscription confirmed, so take a REST snapshot now. `trades`: executions.
    `probe`: nothing for a while, so compare by REST. `lost`: reconnecting, trades may be missed until `connected`.
    """

    CONNECTED = "connected"
    TRADES = "trades"
    PROBE = "probe"
    LOST = "lost"


@dataclass(frozen=True, slots=True)
class StreamEvent:
    state: StreamState
    trades: tuple[LeaderTrade, ...] = ()
    reason: str = ""


SubmitResult = OrderView | VenueRefused | Unavailable | OutcomeUnknown


class Outcome(NamedTuple):
    """What came of one order: accepted, refused with proof, never sent, or unknown.

    `sent_at` and `acked_at` are epoch seconds of this machine; `sent_at` is None when no byte was written.
    """

    result: SubmitResult
    sent_at: float | None
    acked_at: float | None

    def view(self) -> OrderView:
        """Return the accepted order, or raise what stopped it."""
        if isinstance(self.result, OrderView):
            return self.result
        raise self.result
