"""What was seen of an account and of a market while somebody looks, and its form in rows and messages. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from decimal import Decimal
from typing import Any, NamedTuple

from copydesk.kernel import decimal_text
from copydesk.trading import MarginMode, OrderStatus, OrderType, PositionSide, Side


class HeldPosition(NamedTuple):
    """A perpetual position, or a coin on spot (`side` None, entry and liquidation not known)."""

    symbol: str
    qty: Decimal
    side: PositionSide | None = None
    entry_px: Decimal | None = None
    mark_px: Decimal | None = None
    leverage: int | None = None
    margin_mode: MarginMode | None = None
    unrealized: Decimal | None = None
    liquidation_px: Decimal | None = None


class OpenOrder(NamedTuple):
    """An order that rests at the exchange, whoever gave it."""

    venue_order_id: str
    symbol: str
    side: Side
    type: OrderType
    qty: Decimal
    cum_qty: Decimal
    px: Decimal | None
    stop_px: Decimal | None
    reduces: bool
    at_ms: int


class AccountView(NamedTuple):
    """What was read of an account: positions, coins, orders of one symbol, what is free to spend, and its worth.

    `currency` is what `free` and `equity` are in.
    """

    read_at: datetime
    currency: str
    equity: Decimal
    free: Mapping[str, Decimal]
    positions: tuple[HeldPosition, ...]
    coins: Mapping[str, Decimal]
    orders: tuple[OpenOrder, ...]

    @property
    def hedge(self) -> bool:
        """Tell whether the account has a long and a short position apart, as far as that can be seen."""
        return any(one.side in (PositionSide.LONG, PositionSide.SHORT) for one in self.positions)

    def position_in(self, symbol: str) -> HeldPosition | None:
        """Return the position in a perpetual; in hedge mode the larger one."""
        found = [one for one in self.positions if one.symbol == symbol]
        return max(found, key=lambda one: abs(one.qty), default=None)


class BookView(NamedTuple):
    """The best levels of an order book, price and base units, the best first."""

    bids: Sequence[tuple[Decimal, Decimal]]
    asks: Sequence[tuple[Decimal, Decimal]]
    at_ms: int


def account_json(view: AccountView) -> dict[str, Any]:
    """Write what was seen as a row keeps it."""
    return {
        "currency": view.currency,
        "equity": decimal_text(view.equity),
        "free": {name: decimal_text(value) for name, value in view.free.items()},
        "coins": {name: decimal_text(value) for name, value in view.coins.items()},
        "positions": [_plain(one) for one in view.positions],
        "orders": [_plain(one) for one in view.orders],
    }


def account_view(told: Mapping[str, Any], read_at: datetime) -> AccountView:
    """Read what `account_json` wrote."""
    return AccountView(
        read_at,
        told["currency"],
        Decimal(told["equity"]),
        {name: Decimal(value) for name, value in told["free"].items()},
        tuple(_position(one) for one in told["positions"]),
        {name: Decimal(value) for name, value in told["coins"].items()},
        tuple(_order(one) for one in told["orders"]),
    )


def book_json(view: BookView) -> dict[str, Any]:
    """Write a book as pages read it: numbers as text."""
    return {"bids": _levels(view.bids), "asks": _levels(view.asks), "at_ms": view.at_ms}


def rests(status: OrderStatus) -> bool:
    """Tell whether an order of this status is still in the market."""
    return status in (OrderStatus.ACCEPTED, OrderStatus.PARTIALLY_FILLED)


def _levels(levels: Sequence[tuple[Decimal, Decimal]]) -> list[list[str]]:
    return [[decimal_text(px), decimal_text(qty)] for px, qty in levels]


def _plain(value: NamedTuple) -> dict[str, Any]:
    told = value._asdict()
    return {name: decimal_text(one) if isinstance(one, Decimal) else one for name, one in told.items()}


def _number(text: str | None) -> Decimal | None:
    return None if text is None else Decimal(text)


def _position(told: Mapping[str, Any]) -> HeldPosition:
    return HeldPosition(
        told["symbol"],
        Decimal(told["qty"]),
        PositionSide(told["side"]) if told["side"] else None,
        _number(told["entry_px"]),
        _number(told["mark_px"]),
        told["leverage"],
        MarginMode(told["margin_mode"]) if told["margin_mode"] else None,
        _number(told["unrealized"]),
        _number(told["liquidation_px"]),
    )


def _order(told: Mapping[str, Any]) -> OpenOrder:
    return OpenOrder(
        told["venue_order_id"],
        told["symbol"],
        Side(told["side"]),
        OrderType(told["type"]),
        Decimal(told["qty"]),
        Decimal(told["cum_qty"]),
        _number(told["px"]),
        _number(told["stop_px"]),
        told["reduces"],
        told["at_ms"],
    )
