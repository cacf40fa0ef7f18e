"""Classic futures positions. Source: the reference's "Future / Position"."""

from __future__ import annotations

from decimal import Decimal

import orjson

from copydesk.kernel import ZERO
from copydesk.venues.lab.dialects.bitget import trading
from copydesk.venues.lab.dialects.bitget.classic_market import contract_of, product_of
from copydesk.venues.lab.dialects.bitget.classic_mix import margin_coin_of
from copydesk.venues.lab.dialects.bitget.figures import Json
from copydesk.venues.lab.dialects.bitget.params import Call
from copydesk.venues.lab.dialects.bitget.routes import POSITION_READ, Routes, private
from copydesk.venues.lab.dialects.bitget.words import (
    HEDGE_MODE,
    MARGIN_COIN,
    MARGIN_WORDS,
    ONE_WAY_MODE,
    USDT_FUTURES,
    number,
)
from copydesk.venues.lab.exchange import Exchange
from copydesk.venues.lab.model import NET, PositionView

_CENT = Decimal("1E-8")


def position_view(exchange: Exchange, view: PositionView) -> Json:
    """Write an open position."""
    held, symbol = abs(view.qty), view.symbol
    side = "sell" if view.qty > ZERO else "buy"
    open_orders = exchange.perp.open_orders(view.account, symbol)
    same = [order for order in open_orders if order.position_side == view.position_side]
    locked = sum((order.leaves for order in same if order.reduce_only and order.side == side), ZERO)
    opening = sum((order.leaves for order in same if not order.reduce_only and order.side != side), ZERO)
    instrument = exchange.perp.instruments[symbol]
    maint_ratio = next((b.maint_ratio for b in instrument.brackets if view.notional <= b.notional_cap), ZERO)
    margin = view.isolated_margin or view.initial_margin
    equity = exchange.perp.margin(view.account).equity if not view.isolated_margin else margin + view.unrealized
    return {
        "marginCoin": MARGIN_COIN,
        "symbol": symbol,
        "holdSide": trading.hold_side(view),
        "openDelegateSize": number(opening),
        "marginSize": number(margin),
        "available": number(max(ZERO, held - locked)),
        "locked": number(min(held, locked)),
        "total": number(held),
        "leverage": str(view.leverage),
        "achievedProfits": number(view.realized),
        "openPriceAvg": number(view.entry_px),
        "marginMode": MARGIN_WORDS[view.margin_mode],
        "posMode": ONE_WAY_MODE if view.position_side == NET else HEDGE_MODE,
        "unrealizedPL": number(view.unrealized),
        "liquidationPrice": number(view.liquidation_px),
        "keepMarginRate": number(maint_ratio),
        "markPrice": number(view.mark_px),
        "marginRatio": number((view.maint_margin / equity).quantize(_CENT)) if equity > ZERO else "1",
        "breakEvenPrice": number(view.entry_px),
        "totalFee": "0",
        "takeProfit": "",
        "stopLoss": "",
        "takeProfitId": "",
        "stopLossId": "",
        "deductedFee": "0",
        "cTime": str(view.created_ms),
        "assetMode": "single",
        "uTime": str(view.updated_ms),
        "autoMargin": "off",
    }


def _all_positions(call: Call) -> bytes:
    if product_of(call) != USDT_FUTURES:
        return b"[]"
    return orjson.dumps([position_view(call.exchange, view) for view in call.exchange.perp.positions(call.account)])


def _single_position(call: Call) -> bytes:
    symbol = contract_of(call).venue_symbol
    margin_coin_of(call.params)
    return orjson.dumps(
        [position_view(call.exchange, view) for view in call.exchange.perp.positions(call.account, symbol)]
    )


MIX_POSITION = "/api/v2/mix/position/"
ROUTES: Routes = {
    ("GET", MIX_POSITION + "all-position"): private(_all_positions, POSITION_READ, 5),
    ("GET", MIX_POSITION + "single-position"): private(_single_position, POSITION_READ),
}
