"""Binance USDⓈ-M account endpoints: positions, balances and margin, in versions 2 and 3.

Version 2 lists every contract, flat ones too; version 3 only those with a position or an open order.
Source: developers.binance.com, USDⓈ-M futures, "Account" and "Trade"; field lists as in the vendor's SDK.
"""

from __future__ import annotations

from collections.abc import Iterable
from decimal import Decimal
from typing import Any

import orjson

from copydesk.kernel import ZERO
from copydesk.venues.lab.dialects.binance.params import Call
from copydesk.venues.lab.dialects.binance.routes import Routes, route
from copydesk.venues.lab.dialects.binance.um.formats import FORMATS, eight, plain
from copydesk.venues.lab.dialects.binance.um.shapes import POSITION_SIDES
from copydesk.venues.lab.dialects.binance.um.terms import instrument_of
from copydesk.venues.lab.exchange import Exchange
from copydesk.venues.lab.keys import PERP, READ, WITHDRAW
from copydesk.venues.lab.model import BUY, ISOLATED, LONG, NET, SHORT, PositionView

ASSET = "USDT"
_HEDGE_SIDES = (NET, LONG, SHORT)


def _symbols(exchange: Exchange, call: Call) -> Iterable[str]:
    if "symbol" in call.params:
        return [instrument_of(exchange, call.params).venue_symbol]
    return exchange.perp.instruments


def _order_notionals(exchange: Exchange, account: str) -> dict[tuple[str, str], tuple[Decimal, Decimal]]:
    """Sum the open orders of each position: the notionals of its buys and of its sells."""
    sums: dict[tuple[str, str], tuple[Decimal, Decimal]] = {}
    for order in exchange.perp.open_orders(account):
        key = order.symbol, order.position_side
        buys, sells = sums.get(key, (ZERO, ZERO))
        notional = order.leaves * (order.px or ZERO)
        sums[key] = (buys + notional, sells) if order.side == BUY else (buys, sells + notional)
    return sums


def every_position(exchange: Exchange, account: str, symbols: Iterable[str]) -> list[PositionView]:
    """Return the positions of these contracts, flat ones too: one each in one-way mode, three in hedge mode."""
    sides = _HEDGE_SIDES if exchange.perp.hedge(account) else (NET,)
    return [exchange.perp.position(account, symbol, side) for symbol in symbols for side in sides]


def break_even(exchange: Exchange, view: PositionView) -> Decimal:
    """Return the price at which closing pays for the fees of opening and closing."""
    fee = exchange.listing.perp_taker_fee
    return view.entry_px * (1 + 2 * fee) if view.qty > ZERO else view.entry_px * (1 - 2 * fee)


def isolated_wallet(view: PositionView) -> Decimal:
    return view.isolated_margin if view.margin_mode == ISOLATED else ZERO


def _isolated_margin(view: PositionView) -> Decimal:
    """The exchange counts unrealized profit into the margin of an isolated position."""
    return view.isolated_margin + view.unrealized if view.margin_mode == ISOLATED and view.qty else ZERO


def _notional(view: PositionView) -> Decimal:
    return view.qty * view.mark_px


def _zero_or(value: Decimal) -> str:
    return eight(value) if value else "0"


def risk_v3(exchange: Exchange, view: PositionView, notionals: tuple[Decimal, Decimal]) -> dict[str, Any]:
    form = FORMATS[view.symbol]
    bids, asks = notionals
    at_orders = max(bids, asks) / view.leverage
    return {
        "symbol": view.symbol,
        "positionSide": POSITION_SIDES[view.position_side],
        "positionAmt": format(view.qty, form.qty),
        "entryPrice": plain(view.entry_px.quantize(Decimal("1E-12"))) if view.qty else "0.0",
        "breakEvenPrice": plain(break_even(exchange, view).quantize(Decimal("1E-12"))) if view.qty else "0.0",
        "markPrice": eight(view.mark_px),
        "unRealizedProfit": eight(view.unrealized),
        "liquidationPrice": _zero_or(view.liquidation_px),
        "isolatedMargin": _zero_or(_isolated_margin(view)),
        "notional": _zero_or(_notional(view)),
        "marginAsset": ASSET,
        "isolatedWallet": _zero_or(isolated_wallet(view)),
        "initialMargin": _zero_or(view.initial_margin + at_orders),
        "maintMargin": _zero_or(view.maint_margin),
        "positionInitialMargin": _zero_or(view.initial_margin),
        "openOrderInitialMargin": _zero_or(at_orders),
        "adl": 1 if view.qty else 0,
        "bidNotional": _zero_or(bids),
        "askNotional": _zero_or(asks),
        "updateTime": view.updated_ms,
    }


def notional_max(exchange: Exchange, symbol: str, leverage: int) -> Decimal:
    """Return the largest position that a leverage allows."""
    brackets = exchange.perp.instruments[symbol].brackets
    return max((b.notional_cap for b in brackets if b.leverage_max >= leverage), default=ZERO)


def risk_v2(exchange: Exchange, view: PositionView) -> dict[str, Any]:
    whole = risk_v3(exchange, view, (ZERO, ZERO))
    names = (
        "symbol positionAmt entryPrice breakEvenPrice markPrice unRealizedProfit liquidationPrice isolatedMargin "
        "notional isolatedWallet positionSide updateTime"
    )
    return {
        **{name: whole[name] for name in names.split()},
        "leverage": str(view.leverage),
        "maxNotionalValue": plain(notional_max(exchange, view.symbol, view.leverage)),
        "marginType": view.margin_mode,
        "isAutoAddMargin": "false",
    }


def _risks_v3(exchange: Exchange, call: Call) -> bytes:
    notionals = _order_notionals(exchange, call.account)
    views = every_position(exchange, call.account, _symbols(exchange, call))
    nothing = ZERO, ZERO
    return orjson.dumps(
        [
            risk_v3(exchange, view, notionals.get((view.symbol, view.position_side), nothing))
            for view in views
            if view.qty or (view.symbol, view.position_side) in notionals
        ]
    )


def _risks_v2(exchange: Exchange, call: Call) -> bytes:
    views = every_position(exchange, call.account, _symbols(exchange, call))
    return orjson.dumps([risk_v2(exchange, view) for view in views])


def cross_wallet(exchange: Exchange, account: str, wallet: Decimal) -> Decimal:
    """Return the wallet's part that is not the margin of an isolated position."""
    return wallet - sum((isolated_wallet(view) for view in exchange.perp.positions(account)), ZERO)


def _totals(exchange: Exchange, account: str) -> dict[str, Decimal]:
    margin = exchange.perp.margin(account)
    views = exchange.perp.positions(account)
    isolated = [view for view in views if view.margin_mode == ISOLATED]
    return {
        "initialMargin": margin.initial_margin + margin.order_margin,
        "maintMargin": margin.maint_margin,
        "walletBalance": margin.wallet,
        "unrealizedProfit": margin.unrealized,
        "marginBalance": margin.equity,
        "positionInitialMargin": margin.initial_margin,
        "openOrderInitialMargin": margin.order_margin,
        "crossWalletBalance": margin.wallet - sum((view.isolated_margin for view in isolated), ZERO),
        "crossUnPnl": margin.unrealized - sum((view.unrealized for view in isolated), ZERO),
        "availableBalance": margin.available,
        "maxWithdrawAmount": margin.withdrawable,
    }


_IN_TOTAL = {
    name: f"total{name[0].upper()}{name[1:]}"
    for name in (
        "initialMargin",
        "maintMargin",
        "walletBalance",
        "unrealizedProfit",
        "marginBalance",
        "positionInitialMargin",
        "openOrderInitialMargin",
        "crossWalletBalance",
        "crossUnPnl",
    )
}


def _account_totals(exchange: Exchange, call: Call) -> tuple[dict[str, Any], dict[str, Any]]:
    """Return the account's sums and the row of its one asset."""
    sums = {name: eight(value) for name, value in _totals(exchange, call.account).items()}
    row = {"asset": ASSET, **sums, "updateTime": call.now_ms}
    return {_IN_TOTAL.get(name, name): text for name, text in sums.items()}, row


def _account_v3(exchange: Exchange, call: Call) -> bytes:
    sums, row = _account_totals(exchange, call)
    notionals = _order_notionals(exchange, call.account)
    positions = [
        {
            "symbol": view.symbol,
            "positionSide": POSITION_SIDES[view.position_side],
            "positionAmt": format(view.qty, FORMATS[view.symbol].qty),
            "unrealizedProfit": eight(view.unrealized),
            "isolatedMargin": eight(_isolated_margin(view)),
            "notional": eight(_notional(view)),
            "isolatedWallet": eight(isolated_wallet(view)),
            "initialMargin": eight(view.initial_margin),
            "maintMargin": eight(view.maint_margin),
            "updateTime": view.updated_ms,
        }
        for view in every_position(exchange, call.account, exchange.perp.instruments)
        if view.qty or (view.symbol, view.position_side) in notionals
    ]
    return orjson.dumps({**sums, "assets": [row], "positions": positions})


def _position_v2(exchange: Exchange, view: PositionView) -> dict[str, Any]:
    return {
        "symbol": view.symbol,
        "initialMargin": eight(view.initial_margin),
        "maintMargin": eight(view.maint_margin),
        "unrealizedProfit": eight(view.unrealized),
        "positionInitialMargin": eight(view.initial_margin),
        "openOrderInitialMargin": "0",
        "leverage": str(view.leverage),
        "isolated": view.margin_mode == ISOLATED,
        "entryPrice": plain(view.entry_px.quantize(Decimal("1E-12"))) if view.qty else "0.0",
        "breakEvenPrice": plain(break_even(exchange, view).quantize(Decimal("1E-12"))) if view.qty else "0.0",
        "maxNotional": plain(notional_max(exchange, view.symbol, view.leverage)),
        "bidNotional": "0",
        "askNotional": "0",
        "positionSide": POSITION_SIDES[view.position_side],
        "positionAmt": format(view.qty, FORMATS[view.symbol].qty),
        "notional": plain(_notional(view)),
        "isolatedWallet": plain(isolated_wallet(view)),
        "updateTime": view.updated_ms,
    }


def account_config(exchange: Exchange, call: Call) -> dict[str, Any]:
    """Return what an account may do, and its mode."""
    assert call.key is not None
    return {
        "feeTier": 0,
        "canTrade": PERP in call.key.permissions,
        "canDeposit": True,
        "canWithdraw": WITHDRAW in call.key.permissions,
        "dualSidePosition": exchange.perp.hedge(call.account),
        "updateTime": 0,
        "multiAssetsMargin": False,
        "tradeGroupId": -1,
    }


def _account_v2(exchange: Exchange, call: Call) -> bytes:
    sums, row = _account_totals(exchange, call)
    config = account_config(exchange, call)
    del config["dualSidePosition"]
    views = every_position(exchange, call.account, exchange.perp.instruments)
    positions = [_position_v2(exchange, view) for view in views]
    assets = [{**row, "marginAvailable": True}]
    return orjson.dumps({**config, "feeBurn": False, **sums, "assets": assets, "positions": positions})


def _balance(exchange: Exchange, call: Call) -> bytes:
    sums = {name: eight(value) for name, value in _totals(exchange, call.account).items()}
    kept = ("crossWalletBalance", "crossUnPnl", "availableBalance", "maxWithdrawAmount")
    row = {
        "accountAlias": "SgsR",
        "asset": ASSET,
        "balance": sums["walletBalance"],
        **{name: sums[name] for name in kept},
        "marginAvailable": True,
        "updateTime": call.now_ms,
    }
    return orjson.dumps([row])


ROUTES: Routes = {
    ("GET", "/fapi/v2/positionRisk"): route(_risks_v2, weight=5, needs=READ),
    ("GET", "/fapi/v3/positionRisk"): route(_risks_v3, weight=5, needs=READ),
    ("GET", "/fapi/v2/account"): route(_account_v2, weight=5, needs=READ),
    ("GET", "/fapi/v3/account"): route(_account_v3, weight=5, needs=READ),
    ("GET", "/fapi/v2/balance"): route(_balance, weight=5, needs=READ),
    ("GET", "/fapi/v3/balance"): route(_balance, weight=5, needs=READ),
}
