"""What an order by hand is, what may be wrong with a ticket, and which states follow which. Pure values."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from decimal import Decimal
from enum import StrEnum
from typing import Any, NamedTuple

from copydesk.kernel import ZERO
from copydesk.trading import Fill, MarginMode, OrderRequest, OrderType, PositionSide, Side, TimeInForce


class OrderState(StrEnum):
    """Life of an order by hand.

    `planned` is stored and not sent, or waits for the order that it follows; `sending` is claimed by a desk;
    `in_flight` was sent and nobody knows what became of it; `open` rests at the exchange.
    """

    PLANNED = "planned"
    SENDING = "sending"
    IN_FLIGHT = "in_flight"
    OPEN = "open"
    FILLED = "filled"
    CANCELED = "canceled"
    REJECTED = "rejected"


_S = OrderState
NEXT: Mapping[OrderState, frozenset[OrderState]] = {
    _S.PLANNED: frozenset({_S.SENDING, _S.CANCELED, _S.REJECTED}),
    _S.SENDING: frozenset({_S.IN_FLIGHT, _S.OPEN, _S.FILLED, _S.CANCELED, _S.REJECTED}),
    _S.IN_FLIGHT: frozenset({_S.OPEN, _S.FILLED, _S.CANCELED, _S.REJECTED}),
    _S.OPEN: frozenset({_S.OPEN, _S.FILLED, _S.CANCELED, _S.REJECTED}),
    _S.FILLED: frozenset(),
    _S.CANCELED: frozenset({_S.FILLED}),  # A fill can overtake our cancel.
    _S.REJECTED: frozenset(),
}
ENDED = frozenset({_S.FILLED, _S.CANCELED, _S.REJECTED})
OPEN_STATES = frozenset(OrderState) - ENDED


def can_follow(current: OrderState, following: OrderState) -> bool:
    """Tell whether the table of states allows this step."""
    return following in NEXT[current]


class Part(StrEnum):
    """What an order is for: given by a ticket, one of the exits that follow it, or the close of a position."""

    TICKET = "ticket"
    TAKE_PROFIT = "take_profit"
    STOP_LOSS = "stop_loss"
    CLOSE = "close"


EXITS = frozenset({Part.TAKE_PROFIT, Part.STOP_LOSS})


class Ended(StrEnum):
    """Why an order ended where that is no word of the exchange; what is one is a `trading.Denial`."""

    WAITED_TOO_LONG = "waited_too_long"
    ENTRY_NOT_FILLED = "entry_not_filled"
    OTHER_EXIT_FILLED = "other_exit_filled"
    BY_OWNER = "by_owner"
    NO_POSITION = "no_position"
    NOT_SENT = "not_sent"
    OVER_BEFORE = "over_before"
    REPLACED = "replaced"
    NOTHING_LEFT = "nothing_left"
    EXITS_WAIT = "exits_wait"
    NEW_NOT_TAKEN = "new_not_taken"


class ActKind(StrEnum):
    """What somebody does on an account besides giving orders."""

    CANCEL = "cancel"
    CANCEL_ALL = "cancel_all"
    AMEND = "amend"
    LEVERAGE = "leverage"
    CLOSE_POSITION = "close_position"
    CLOSE_ALL = "close_all"


class ActState(StrEnum):
    """Life of an act: `doubtful` may have happened, and is not repeated."""

    PLANNED = "planned"
    DOING = "doing"
    DONE = "done"
    REFUSED = "refused"
    DOUBTFUL = "doubtful"


class Problem(StrEnum):
    """What is wrong with a field of a ticket; pages say it in words, with the facts."""

    MISSING = "missing"
    NOT_A_NUMBER = "not_a_number"
    NOT_ABOVE_ZERO = "not_above_zero"
    TOO_MANY_DIGITS = "too_many_digits"
    BELOW_STEP = "below_step"
    OFF_TICK = "off_tick"
    BELOW_QTY_MIN = "below_qty_min"
    ABOVE_QTY_MAX = "above_qty_max"
    BELOW_NOTIONAL_MIN = "below_notional_min"
    ABOVE_BALANCE = "above_balance"
    NO_PRICE = "no_price"
    UNKNOWN_CHOICE = "unknown_choice"
    NOT_HERE = "not_here"
    NOT_TRADING = "not_trading"
    EXIT_WRONG_SIDE = "exit_wrong_side"
    EXITS_ON_REDUCING = "exits_on_reducing"
    ONE_EXIT_ONLY = "one_exit_only"
    STOP_WRONG_SIDE = "stop_wrong_side"
    NOTHING_HELD = "nothing_held"
    ABOVE_LEVERAGE_MAX = "above_leverage_max"
    BELOW_FILLED = "below_filled"
    UNCHANGED = "unchanged"


class Found(NamedTuple):
    """One problem with what a sentence about it names: a bound, a unit."""

    problem: Problem
    facts: Mapping[str, str] = {}


# By the name of the field; "" is the ticket as a whole.
Problems = Mapping[str, Found]


class Planned(NamedTuple):
    """One order to store, by ccxt symbol and in base units; prices as `trading.OrderRequest` has them."""

    symbol: str
    side: Side
    type: OrderType
    qty: Decimal
    px: Decimal | None = None
    stop_px: Decimal | None = None
    take_profit_px: Decimal | None = None
    stop_loss_px: Decimal | None = None
    reduce_only: bool = False
    time_in_force: TimeInForce | None = None
    position_side: PositionSide = PositionSide.NET
    margin_mode: MarginMode | None = None
    part: Part = Part.TICKET


class HandOrder(NamedTuple):
    """An order by hand as it is stored.

    `group_id` is the order whose exits these are, or the first of two exits of a position: once one is filled the
    other is canceled. An exit `waits` until its entry has ended.
    """

    id: int
    account_id: int
    user_id: int
    planned: Planned
    state: OrderState
    created_at: datetime
    strategy_id: int | None = None
    group_id: int | None = None
    waits: bool = False
    client_order_id: str | None = None
    reason: str | None = None
    message: str = ""
    venue_order_id: str | None = None
    cum_qty: Decimal = ZERO
    avg_px: Decimal | None = None
    sent_at: datetime | None = None
    acked_at: datetime | None = None
    done_at: datetime | None = None
    proof_at: datetime | None = None
    next_check_at: datetime | None = None
    checks: int = 0
    fills: tuple[Fill, ...] = ()

    @property
    def cancelable(self) -> bool:
        """Tell whether its owner can still take it back."""
        return self.state in (OrderState.OPEN, OrderState.IN_FLIGHT, OrderState.SENDING) or self.waits

    @property
    def amendable(self) -> bool:
        """Tell whether its owner can still give it another quantity or price: a limit order that rests."""
        plain = self.planned.type is OrderType.LIMIT and self.planned.part is Part.TICKET
        return plain and self.state is OrderState.OPEN

    @property
    def is_exit(self) -> bool:
        """Tell whether it is an exit that stands by itself, be it of an entry that is over or of a position."""
        return self.planned.part in EXITS and not self.waits and self.state not in ENDED

    def request(self) -> OrderRequest:
        """Return what is sent to the exchange."""
        assert self.client_order_id is not None, "an order is named before it is sent"
        told = self.planned
        return OrderRequest(
            self.client_order_id,
            told.symbol,
            told.side,
            told.type,
            told.qty,
            told.px,
            time_in_force=told.time_in_force,
            reduces=told.reduce_only,
            position_side=told.position_side,
            trigger_px=told.stop_px,
            stop_loss_px=told.stop_loss_px,
            take_profit_px=told.take_profit_px,
            margin_mode=told.margin_mode,
        )


class Act(NamedTuple):
    """Something that is done on an account besides orders, as it is stored; `facts` are what the kind needs."""

    id: int
    account_id: int
    user_id: int
    kind: ActKind
    symbol: str
    facts: Mapping[str, Any]
    state: ActState
    created_at: datetime
    reason: str | None = None
    message: str = ""
    done_at: datetime | None = None
