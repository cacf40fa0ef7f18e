"""What a stop sends for a book: how much, under which id, or why nothing. Pure.

The same book gives the same order whether it was read from PostgreSQL or is remembered, so that one that was sent from
memory is known by what is stored.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, NamedTuple

from copydesk.kernel import ZERO, floor_to_step
from copydesk.replication.exposure import Exposure
from copydesk.replication.margin_modes import PLAIN
from copydesk.replication.minima import close_denial, closing_bound
from copydesk.replication.model import Bound
from copydesk.replication.orders import copy_digest, order_request
from copydesk.trading import Denial, Instrument, MarginMode, OrderRequest, OrderType, PositionSide, Side
from copydesk.venues import VenueTraits, client_order_id

STOP = "stop"


@dataclass(frozen=True)
class Market:
    """What orders of a lane need to know: its instruments, its exchange's habits, how its orders' ids begin."""

    instruments: Mapping[str, Instrument]
    traits: VenueTraits
    broker_prefix: str


class HeldNow(NamedTuple):
    """A book that is to be closed: `closing` of it is being closed already, `stops` orders of stops came before.

    `px` is a price to judge by whether it is dust, None where none is known. `guarded`: our last order found nothing to
    close, and the stop that rested at the exchange was not asked about since.
    """

    subscription_id: int
    account_id: int
    allocation: Decimal
    symbol: str
    position_side: str
    qty: Decimal
    signal_id: int
    px: Decimal | None = None
    closing: Decimal = ZERO
    stops: int = 0
    guarded: bool = False
    margin_mode: MarginMode = PLAIN


class Remainder(NamedTuple):
    """A book that no order was made for, and why; one that is being closed already has no `why`.

    `guarded`: its stop at the exchange seems to have closed it.
    """

    subscription_id: int
    symbol: str
    position_side: PositionSide
    qty: Decimal
    why: Denial | None
    guarded: bool = False


class StopOrder(NamedTuple):
    """One market close of one book, unique by (subscription, signal, leg)."""

    subscription_id: int
    account_id: int
    signal_id: int
    symbol: str
    position_side: PositionSide
    side: Side
    qty: Decimal
    leg: str
    client_order_id: str
    wanted_qty: Decimal
    allocation: Decimal
    book_qty: Decimal
    bound: Bound
    px: Decimal | None = None
    margin_mode: MarginMode = PLAIN

    @property
    def type(self) -> OrderType:
        return OrderType.MARKET

    @property
    def reduces(self) -> bool:
        return True

    def request(self) -> OrderRequest:
        """Return the order that is sent."""
        return order_request(self.client_order_id, self.symbol, self, self.position_side, self.margin_mode)

    def told(self) -> dict[str, Any]:
        """Write it for a file; `read` is its inverse."""
        return {name: str(value) for name, value in self._asdict().items() if value is not None}

    @classmethod
    def read(cls, told: Mapping[str, str]) -> StopOrder:
        """Read what `told` wrote."""
        kinds: dict[str, Any] = dict.fromkeys(("subscription_id", "account_id", "signal_id"), int)
        kinds |= dict.fromkeys(("qty", "wanted_qty", "allocation", "book_qty", "px"), Decimal)
        kinds |= {"position_side": PositionSide, "side": Side, "bound": Bound, "margin_mode": MarginMode}
        return cls(**{name: kinds.get(name, str)(value) for name, value in told.items()})


def stop_order(tenant_id: int, held: HeldNow, market: Market) -> StopOrder | Remainder:
    """Close what of a book is not being closed already, as far as the exchange takes it."""
    instrument = market.instruments.get(held.symbol)
    if instrument is None:
        return _left(held, Denial.INSTRUMENT_UNMAPPED)
    if held.guarded:
        return _left(held, None)
    open_qty = max(abs(held.qty) - held.closing, ZERO)
    if held.closing > ZERO and open_qty < instrument.qty_step:
        return _left(held, None)
    qty = min(floor_to_step(open_qty, instrument.qty_step), instrument.qty_max)
    # Without a price nothing is known of its worth: then the exchange says whether it is dust.
    px = held.px if held.px is not None else ZERO
    no = close_denial(held=abs(held.qty), qty=qty, px=px, instrument=instrument)
    if no is not None:
        return _left(held, no[0])
    leg = f"{STOP}-{held.stops + 1}"
    digest = copy_digest(tenant_id, held.subscription_id, held.signal_id, leg)
    return StopOrder(
        held.subscription_id,
        held.account_id,
        held.signal_id,
        held.symbol,
        PositionSide(held.position_side),
        Side.SELL if held.qty > 0 else Side.BUY,
        qty,
        leg,
        client_order_id(market.broker_prefix, digest, market.traits),
        open_qty,
        held.allocation,
        held.qty,
        closing_bound(qty, open_qty, instrument),
        margin_mode=held.margin_mode,
    )


def orders_from_memory(tenant_id: int, exposure: Exposure, market: Market) -> Sequence[StopOrder]:
    """Return what closes a subscription's books as they were last seen."""
    found = [
        stop_order(
            tenant_id,
            HeldNow(
                exposure.subscription_id,
                exposure.account_id,
                exposure.allocation,
                book.symbol,
                str(book.position_side),
                book.qty,
                book.signal_id,
                margin_mode=book.margin_mode,
            ),
            market,
        )
        for book in exposure.books
        if book.qty
    ]
    return [order for order in found if isinstance(order, StopOrder)]


def _left(held: HeldNow, why: Denial | None) -> Remainder:
    side = PositionSide(held.position_side)
    return Remainder(held.subscription_id, held.symbol, side, held.qty, why, held.guarded)
