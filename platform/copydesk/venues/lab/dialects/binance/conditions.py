"""Binance Spot stop, take-profit and trailing orders: read, placed as conditionals, and shown as the orders they are.

A conditional keeps its order id when it fires: the order that it places has the same one. Until then it is shown with
status NEW and `isWorking` false. Source: binance-spot-api-docs `rest-api.md` "New order", `faqs/trailing-stop-faq.md`.
"""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from functools import lru_cache
from typing import NamedTuple

from copydesk.kernel import ZERO
from copydesk.venues.lab.conditional import STOP, TAKE_PROFIT, TRAILING, Conditional, NewConditional
from copydesk.venues.lab.dialects.binance.errors import ApiError
from copydesk.venues.lab.dialects.binance.params import decimal_of, integer_of
from copydesk.venues.lab.exchange import Exchange
from copydesk.venues.lab.model import BUY, LIMIT, MARKET, REJECTED, TRIGGERED, NewOrder, Order

# Order types: what each places when it fires, and which way.
TYPES: Mapping[str, tuple[str, str]] = {
    "STOP_LOSS": (MARKET, STOP),
    "STOP_LOSS_LIMIT": (LIMIT, STOP),
    "TAKE_PROFIT": (MARKET, TAKE_PROFIT),
    "TAKE_PROFIT_LIMIT": (LIMIT, TAKE_PROFIT),
}
BIPS = Decimal(10_000)
TRAILING_DELTA_MIN, TRAILING_DELTA_MAX = 10, 2000
_STATUSES = {TRIGGERED: "NEW", REJECTED: "EXPIRED"}


class Condition(NamedTuple):
    """What the tag of an order tells: its type, its trailing distance in basis points, and its stop price as text."""

    type: str
    trailing_delta: int
    stop_px: str


@lru_cache(maxsize=4096)
def condition_of(tag: str) -> Condition:
    """Read a tag that `read` has made."""
    kind, delta, stop_px = tag.split("|")
    return Condition(kind, int(delta), stop_px)


def read(exchange: Exchange, params: Mapping[str, str], kind: str, new: NewOrder) -> NewConditional:
    """Read when an order of this type fires; `new` is what it then places."""
    stop_px, delta = decimal_of(params, "stopPrice"), integer_of(params, "trailingDelta")
    if stop_px is None and delta is None:
        raise ApiError(-1102, "Param 'stopPrice' or 'trailingDelta' must be sent, but both were empty/null!")
    if stop_px is not None:
        _refuse_stop_px(exchange, new.symbol, stop_px)
    tag = f"{kind}|{delta or 0}|{stop_px or ZERO:.8f}"
    _, conditional_kind = TYPES[kind]
    asked = NewConditional(
        new._replace(tag=tag),
        conditional_kind,
        stop_px,
        rises=(new.side == BUY) == (conditional_kind == STOP),
        client_id=new.client_order_id,
        tag=tag,
    )
    if delta is None:
        return asked
    if not TRAILING_DELTA_MIN <= delta <= TRAILING_DELTA_MAX:
        raise ApiError(-1013, "Filter failure: TRAILING_DELTA")
    return asked._replace(kind=TRAILING, trigger_px=None, callback_ratio=delta / BIPS, activation_px=stop_px)


def _refuse_stop_px(exchange: Exchange, symbol: str, stop_px: Decimal) -> None:
    if not stop_px:
        raise ApiError(-1013, "Invalid stopPrice.")
    if stop_px % exchange.spot.instruments[symbol].px_tick:
        raise ApiError(-1013, "Filter failure: PRICE_FILTER")


def order_of(one: Conditional) -> Order:
    """Show a conditional as the order that it is here."""
    new, qty = one.new, one.new.qty or ZERO
    shown = Order(
        one.conditional_id,
        one.account,
        one.client_id,
        one.symbol,
        new.side,
        new.type,
        qty,
        new.quote_qty,
        new.px,
        new.tif,
        one.created_ms,
        one.updated_ms,
        qty,
        status=_STATUSES.get(one.status, one.status),
        tag=one.tag,
        conditional_id=one.conditional_id,
        order_list_id=new.order_list_id,
    )
    shown.reason = one.reason
    return shown


def open_of(exchange: Exchange, account: str, symbol: str | None) -> list[Order]:
    """Return the account's conditionals that have not fired, as orders."""
    return [order_of(one) for one in exchange.spot.conditionals(account, symbol)]


def unplaced_of(exchange: Exchange, account: str, symbol: str) -> list[Order]:
    """Return the account's conditionals that have placed nothing, finished ones too, as orders."""
    every = exchange.spot.conditionals(account, symbol, open_only=False)
    return [order_of(one) for one in every if one.order_id is None]


def find(
    exchange: Exchange, account: str, symbol: str, order_id: int | None, client_id: str | None
) -> Conditional | None:
    """Find a conditional that has placed nothing, by either id."""
    one = exchange.spot.conditional(account, symbol, order_id, client_id)
    return one if one is not None and one.order_id is None else None
