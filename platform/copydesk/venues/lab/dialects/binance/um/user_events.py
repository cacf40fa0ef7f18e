"""Binance USDⓈ-M user data events: what the stream of an account tells, in the exchange's order and wording.

The engine tells of money and of positions apart; ACCOUNT_UPDATE holds both, so these wait for each other.
Source: developers.binance.com, USDⓈ-M futures, "User Data Streams". That the account's update follows the order's, and
the reason given for transfers, are from memory.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from decimal import Decimal
from typing import Any

from copydesk.kernel import ZERO
from copydesk.venues.lab.conditional import Conditional
from copydesk.venues.lab.dialects.binance.um.algo import order_of
from copydesk.venues.lab.dialects.binance.um.algo_shapes import FINISHED, algo_update
from copydesk.venues.lab.dialects.binance.um.formats import FORMATS, eight, plain
from copydesk.venues.lab.dialects.binance.um.positions import ASSET, break_even, cross_wallet, isolated_wallet
from copydesk.venues.lab.dialects.binance.um.shapes import POSITION_SIDES, order_trade_update, trade_lite
from copydesk.venues.lab.exchange import Exchange
from copydesk.venues.lab.model import (
    CROSS,
    FUNDING_FEE,
    PERP,
    TRADE,
    TRANSFER,
    TRIGGERED,
    AccountEvent,
    BalanceUpdate,
    ConditionalUpdate,
    ConfigUpdate,
    MarginCall,
    OrderUpdate,
    PositionUpdate,
    PositionView,
)

Send = Callable[[dict[str, Any]], None]
# Reasons of the engine, as ACCOUNT_UPDATE calls them. A settled liquidation is told like an order.
_REASONS = {
    "LIQUIDATION": "ORDER",
    "MARGIN_TRANSFER": "MARGIN_TRANSFER",
    FUNDING_FEE: "FUNDING_FEE",
    "ORDER": "ORDER",
    TRADE: "ORDER",
    "DEPOSIT": "DEPOSIT",
}
# Changes of leverage and margin mode are not account updates; they have an event of their own, or none.
_UNTOLD = frozenset({"LEVERAGE", "MARGIN_MODE"})


class AccountStory:
    """Turn one account's engine events into the exchange's, and hand each to `send`."""

    def __init__(self, exchange: Exchange, account: str, send: Send) -> None:
        self._exchange = exchange
        self._account = account
        self._send = send
        self._money: BalanceUpdate | None = None
        self._positions: dict[tuple[str, str], PositionUpdate] = {}

    @property
    def waits(self) -> bool:
        """Tell whether an ACCOUNT_UPDATE is being collected."""
        return self._money is not None or bool(self._positions)

    def hear(self, event: AccountEvent) -> None:
        """Take one event in. Call `flush` when no more belong to it."""
        if isinstance(event, OrderUpdate):
            if event.order.market == PERP:
                self.flush()
                self._order(event)
        elif isinstance(event, BalanceUpdate):
            if event.market == PERP:
                self._balance(event)
        elif isinstance(event, PositionUpdate):
            if event.reason not in _UNTOLD:
                self._positions[event.position.symbol, event.position.position_side] = event
        elif isinstance(event, ConditionalUpdate):
            if event.conditional.market == PERP:
                self.flush()
                self._conditional(event)
        elif isinstance(event, ConfigUpdate):
            if event.symbol:
                told = {"s": event.symbol, "l": event.leverage}
                self._send({"e": "ACCOUNT_CONFIG_UPDATE", "E": event.at_ms, "T": event.at_ms, "ac": told})
        elif isinstance(event, MarginCall):
            self._send(self._margin_call(event))

    def flush(self) -> None:
        """Send the ACCOUNT_UPDATE that was being collected, if there is one."""
        if not self.waits:
            return
        money, positions = self._money, list(self._positions.values())
        self._money, self._positions = None, {}
        at_ms = money.at_ms if money is not None else positions[-1].at_ms
        body = {
            "m": _reason(money, positions),
            "B": [] if money is None else [self._money_row(money)],
            "P": [self._position_row(update.position) for update in _told_positions(money, positions)],
        }
        self._send({"e": "ACCOUNT_UPDATE", "T": at_ms, "E": at_ms, "a": body})

    def _order(self, event: OrderUpdate) -> None:
        if event.execution is not None:
            self._send(trade_lite(event))
        self._send(order_trade_update(event))
        order = event.order
        if order.conditional_id is not None and event.status not in ("NEW", "PARTIALLY_FILLED"):
            one = self._exchange.perp.conditional(self._account, order.symbol, order.conditional_id)
            if one is not None:
                self._send(algo_update(one, order, FINISHED, event.at_ms))

    def _conditional(self, event: ConditionalUpdate) -> None:
        one: Conditional = event.conditional
        order = order_of(self._exchange, one)
        if event.change == TRIGGERED:
            self._send(algo_update(one, None, "TRIGGERING", event.at_ms))
        if event.change in ("ACTIVE", "AMENDED"):
            return
        self._send(algo_update(one, order, one.status, event.at_ms))

    def _balance(self, event: BalanceUpdate) -> None:
        if event.change in (FUNDING_FEE, TRANSFER, "DEPOSIT"):
            self.flush()
        self._money = event

    def _money_row(self, event: BalanceUpdate) -> dict[str, str]:
        asset, free, locked = event.balances[0]
        wallet = free + locked
        cross = cross_wallet(self._exchange, self._account, wallet) if asset == ASSET else wallet
        change = event.delta if event.change in (TRANSFER, "DEPOSIT", FUNDING_FEE) else ZERO
        return {"a": asset, "wb": eight(wallet), "cw": eight(cross), "bc": eight(change) if change else "0"}

    def _position_row(self, view: PositionView) -> dict[str, str]:
        isolated = isolated_wallet(view)
        break_even_px = break_even(self._exchange, view)
        return {
            "s": view.symbol,
            "pa": format(view.qty, FORMATS[view.symbol].qty),
            "ep": _px(view.entry_px),
            "bep": _px(break_even_px),
            "cr": eight(view.realized),
            "up": eight(view.unrealized),
            "mt": "cross" if view.margin_mode == CROSS else "isolated",
            "iw": eight(isolated) if isolated else "0",
            "ps": POSITION_SIDES[view.position_side],
            "ma": ASSET,
        }

    def _margin_call(self, event: MarginCall) -> dict[str, Any]:
        wallet = self._exchange.perp.margin(self._account).wallet
        return {
            "e": "MARGIN_CALL",
            "E": event.at_ms,
            "cw": eight(cross_wallet(self._exchange, self._account, wallet)),
            "p": [
                {
                    "s": view.symbol,
                    "ps": POSITION_SIDES[view.position_side],
                    "pa": format(view.qty, FORMATS[view.symbol].qty),
                    "mt": "CROSSED" if view.margin_mode == CROSS else "ISOLATED",
                    "iw": eight(isolated_wallet(view)),
                    "mp": eight(view.mark_px),
                    "up": eight(view.unrealized),
                    "mm": eight(view.maint_margin),
                }
                for view in event.positions
            ],
        }


def _px(value: Decimal) -> str:
    return plain(value.quantize(Decimal("1E-12"))) if value else "0"


def _reason(money: BalanceUpdate | None, positions: list[PositionUpdate]) -> str:
    if money is not None and money.change == TRANSFER:
        return "DEPOSIT" if money.delta > ZERO else "WITHDRAW"
    if positions:
        return _REASONS.get(positions[-1].reason, "ORDER")
    assert money is not None
    return _REASONS.get(money.change, "ORDER")


def _told_positions(money: BalanceUpdate | None, positions: list[PositionUpdate]) -> Iterable[PositionUpdate]:
    """Funding of a cross position tells of the money only."""
    if money is None or money.change != FUNDING_FEE:
        return positions
    return [update for update in positions if update.position.margin_mode != CROSS]
