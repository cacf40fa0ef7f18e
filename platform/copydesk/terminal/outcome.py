"""What an exchange's word means for an order by hand. Pure: judged by the same rules as copies are.

What replication knows of answers is reused (`replication.outcomes`, `replication.look`); here its settlements become
states of the terminal. Nothing is ever sent again.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from decimal import Decimal
from typing import NamedTuple

from copydesk.kernel import ZERO, Unavailable
from copydesk.replication.inflight import OpenCopy
from copydesk.replication.look import Answer, judge
from copydesk.replication.outcomes import settlement_of
from copydesk.replication.settle import Settlement
from copydesk.terminal.model import ENDED, Ended, HandOrder, OrderState
from copydesk.trading import Fill, OrderStatus
from copydesk.venues import Outcome

# What rests is looked at so often, whether or not a stream tells of it.
LOOK_EVERY = timedelta(seconds=5)
# Most orders that do not rest are over within these.
_QUICK_LOOKS = 3
_STATES = {
    OrderStatus.PLANNED: OrderState.PLANNED,
    OrderStatus.IN_FLIGHT: OrderState.IN_FLIGHT,
    OrderStatus.ACCEPTED: OrderState.OPEN,
    OrderStatus.PARTIALLY_FILLED: OrderState.OPEN,
    OrderStatus.FILLED: OrderState.FILLED,
    OrderStatus.CANCELED: OrderState.CANCELED,
    OrderStatus.EXPIRED: OrderState.CANCELED,
    OrderStatus.REJECTED: OrderState.REJECTED,
    OrderStatus.DENIED: OrderState.REJECTED,
}
_STATUSES = {
    OrderState.SENDING: OrderStatus.IN_FLIGHT,
    OrderState.IN_FLIGHT: OrderStatus.IN_FLIGHT,
    OrderState.OPEN: OrderStatus.ACCEPTED,
}


class Settled(NamedTuple):
    """The newest truth about one order by hand; an `unsent` one is only ended while nobody has claimed it."""

    order_id: int
    state: OrderState
    reason: str | None = None
    message: str = ""
    venue_order_id: str | None = None
    cum_qty: Decimal = ZERO
    avg_px: Decimal | None = None
    fills: tuple[Fill, ...] = ()
    acked_at: datetime | None = None
    proof_at: datetime | None = None
    next_check_at: datetime | None = None
    unsent: bool = False

    @property
    def ended(self) -> bool:
        return self.state in ENDED


def after_sending(order: HandOrder, outcome: Outcome, *, now: datetime, unknown_wait_ms: int) -> Settled:
    """Judge the answer to an order that was just sent.

    One of which nothing left this machine is over: whoever gave it decides whether to give it again.
    """
    if isinstance(outcome.result, Unavailable):
        return Settled(order.id, OrderState.REJECTED, Ended.NOT_SENT, str(outcome.result))
    return _settled(order, settlement_of(order.id, outcome, checks=0, unknown_wait_ms=unknown_wait_ms, now=now), now)


def after_looking(order: HandOrder, answer: Answer, *, now: datetime) -> Settled:
    """Judge what an exchange says of an order when it is asked by our name of it.

    "No such order" proves that it never arrived only from `proof_at` on; of an order that was acknowledged it proves
    nothing (`replication.look.judge`).
    """
    (settlement,) = judge([as_copy(order)], [answer], now=now, age_ms_max=0).settlements
    return _settled(order, settlement, now)


def given_up(order: HandOrder, state: OrderState, reason: str, message: str = "") -> Settled:
    """End an order that nobody has claimed for sending."""
    return Settled(order.id, state, reason, message, unsent=True)


def as_copy(order: HandOrder) -> OpenCopy:
    """Show an order by hand as replication's judge sees orders: one that nobody wants sent again."""
    told = order.planned
    assert order.client_order_id is not None, "only what was named is asked about"
    return OpenCopy(
        id=order.id,
        subscription_id=0,
        signal_id=0,
        account_id=order.account_id,
        leg=str(told.part),
        symbol=told.symbol,
        side=told.side,
        type=told.type,
        qty=told.qty,
        px=told.px,
        reduces=told.reduce_only,
        client_order_id=order.client_order_id,
        status=_STATUSES[order.state],
        checks=order.checks,
        proof_at=order.proof_at,
        signal_at=order.created_at,
        planned_at=order.sent_at or order.created_at,
        wanted=False,
        position_side=told.position_side,
        acked_at=order.acked_at,
        venue_order_id=order.venue_order_id,
        cum_qty=order.cum_qty,
    )


def _settled(order: HandOrder, found: Settlement, now: datetime) -> Settled:
    state = _STATES[found.status]
    facts = found.facts or {}
    never_arrived = found.status is OrderStatus.EXPIRED and found.reason is not None and not found.acked_at
    if never_arrived:
        state = OrderState.REJECTED
    # That an order ended short is its owner's business: only a refusal, or trouble in asking, has a reason here.
    reason = found.reason if state in (OrderState.REJECTED, OrderState.IN_FLIGHT) else None
    looks_at = found.next_check_at
    if state is OrderState.OPEN and order.checks >= _QUICK_LOOKS:
        looks_at = max(looks_at or now, now + LOOK_EVERY)
    return Settled(
        order.id,
        state,
        None if reason is None else str(reason),
        str(facts.get("message", "")),
        found.venue_order_id,
        found.cum_qty,
        found.avg_px,
        found.fills,
        found.acked_at,
        found.proof_at,
        None if state in ENDED else looks_at,
    )
