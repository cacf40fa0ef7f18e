"""USDⓈ-M payloads from Binance's own documents against what the adapter asks and understands.

Source: developers.binance.com, derivatives, USDⓈ-margined futures: Exchange Information, New Order, Query Order,
New Algo Order, Query Algo Order, Account Trade List, Position Information V3, Symbol Configuration, Notional and
Leverage Brackets, Account Information V3, and the user data stream's Order Update.
"""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest
from copydesk.trading import (
    Bracket,
    Instrument,
    MarginMode,
    OrderRequest,
    OrderStatus,
    OrderType,
    PositionSide,
    Side,
    TimeInForce,
)
from copydesk.venues import Amendment
from copydesk.venues.binance.perpetual_account import (
    balances_of,
    brackets_of,
    instruments_of,
    positions_of,
    settings_of,
)
from copydesk.venues.binance.perpetual_orders import (
    amend_params,
    conditional_view,
    leader_trade,
    leader_trade_of_update,
    order_form,
    order_view,
    placed_order,
)
from copydesk.venues.binance.spot_orders import fills_of

D = Decimal
SYMBOL = "BTC/USDT:USDT"

EXCHANGE_SYMBOL: dict[str, Any] = {
    "symbol": "BLZUSDT", "pair": "BLZUSDT", "contractType": "PERPETUAL", "deliveryDate": 4133404800000,
    "onboardDate": 1598252400000, "status": "TRADING", "maintMarginPercent": "2.5000",
    "requiredMarginPercent": "5.0000", "baseAsset": "BLZ", "quoteAsset": "USDT", "marginAsset": "USDT",
    "pricePrecision": 5, "quantityPrecision": 0, "baseAssetPrecision": 8, "quotePrecision": 8,
    "underlyingType": "COIN", "underlyingSubType": ["STORAGE"], "settlePlan": 0, "triggerProtect": "0.15",
    "filters": [
        {"filterType": "PRICE_FILTER", "maxPrice": "300", "minPrice": "0.0001", "tickSize": "0.0001"},
        {"filterType": "LOT_SIZE", "maxQty": "10000000", "minQty": "1", "stepSize": "1"},
        {"filterType": "MARKET_LOT_SIZE", "maxQty": "590119", "minQty": "1", "stepSize": "1"},
        {"filterType": "MAX_NUM_ORDERS", "limit": 200},
        {"filterType": "MIN_NOTIONAL", "notional": "5.0"},
        {"filterType": "PERCENT_PRICE", "multiplierUp": "1.1500", "multiplierDown": "0.8500", "multiplierDecimal": "4"},
    ],
    "OrderType": ["LIMIT", "MARKET", "STOP"], "timeInForce": ["GTC", "IOC", "FOK", "GTX"],
    "liquidationFee": "0.010000", "marketTakeBound": "0.30",
}  # fmt: skip
ORDER: dict[str, Any] = {
    "clientOrderId": "testOrder", "cumQty": "0.010", "cumQuote": "600.1", "executedQty": "0.010",
    "orderId": 22542179, "avgPrice": "60010.00000", "origQty": "0.010", "price": "0", "reduceOnly": False,
    "side": "BUY", "positionSide": "SHORT", "status": "FILLED", "stopPrice": "0", "closePosition": False,
    "symbol": "BTCUSDT", "timeInForce": "GTC", "type": "MARKET", "origType": "MARKET", "updateTime": 1566818724722,
    "workingType": "CONTRACT_PRICE", "priceProtect": False, "priceMatch": "NONE", "selfTradePreventionMode": "NONE",
    "goodTillDate": 0,
}  # fmt: skip
ALGO: dict[str, Any] = {
    "algoId": 2146760, "clientAlgoId": "6B2I9XVcJpCjqPAJ4YoFX7", "algoType": "CONDITIONAL",
    "orderType": "TAKE_PROFIT", "symbol": "BNBUSDT", "side": "SELL", "positionSide": "BOTH", "timeInForce": "GTC",
    "quantity": "0.01", "algoStatus": "NEW", "actualOrderId": "", "actualPrice": "0.00000", "triggerPrice": "750.000",
    "price": "750.000", "icebergQuantity": None, "selfTradePreventionMode": "EXPIRE_MAKER",
    "workingType": "CONTRACT_PRICE", "priceMatch": "NONE", "closePosition": False, "priceProtect": False,
    "reduceOnly": False, "createTime": 1750485492076, "updateTime": 1750485492076, "triggerTime": 0, "goodTillDate": 0,
}  # fmt: skip
USER_TRADE: dict[str, Any] = {
    "buyer": False, "commission": "-0.07819010", "commissionAsset": "USDT", "id": 698759, "maker": False,
    "orderId": 25851813, "price": "7819.01", "qty": "0.002", "quoteQty": "15.63802", "realizedPnl": "-0.91539999",
    "side": "SELL", "positionSide": "SHORT", "symbol": "BTCUSDT", "time": 1569514978020,
}  # fmt: skip
POSITION: dict[str, Any] = {
    "symbol": "ADAUSDT", "positionSide": "BOTH", "positionAmt": "30", "entryPrice": "0.385",
    "breakEvenPrice": "0.385077", "markPrice": "0.41047590", "unRealizedProfit": "0.76427700",
    "liquidationPrice": "0", "isolatedMargin": "0", "notional": "12.31427700", "marginAsset": "USDT",
    "isolatedWallet": "0", "initialMargin": "0.61571385", "maintMargin": "0.08004280",
    "positionInitialMargin": "0.61571385", "openOrderInitialMargin": "0", "adl": 2, "bidNotional": "0",
    "askNotional": "0", "updateTime": 1720736417660,
}  # fmt: skip
UPDATE: dict[str, Any] = {
    "s": "BTCUSDT", "c": "TEST", "S": "SELL", "o": "MARKET", "f": "GTC", "q": "0.001", "p": "0", "ap": "7100.50",
    "sp": "7103.04", "x": "TRADE", "X": "FILLED", "i": 8886774, "l": "0.001", "z": "0.001", "L": "7100.50",
    "N": "USDT", "n": "0.0028", "T": 1568879465650, "t": 31, "b": "0", "a": "9.91", "m": False, "R": False,
    "wt": "CONTRACT_PRICE", "ot": "TRAILING_STOP_MARKET", "ps": "LONG", "cp": False, "AP": "7476.89", "cr": "5.0",
    "pP": False, "si": 0, "ss": 0, "rp": "0", "V": "EXPIRE_TAKER", "pm": "OPPONENT", "gtd": 0,
}  # fmt: skip
BLZ: Instrument = instruments_of([EXCHANGE_SYMBOL])["BLZ/USDT:USDT"]


def test_a_perpetual_is_read_from_its_filters_and_is_closable_in_one_order() -> None:
    assert (BLZ.venue_symbol, BLZ.settle, BLZ.perpetual, BLZ.trading) == ("BLZUSDT", "USDT", True, True)
    assert (BLZ.px_tick, BLZ.qty_step, BLZ.qty_min, BLZ.qty_max) == (D("0.0001"), D(1), D(1), D(590119))
    assert (BLZ.notional_min, BLZ.contract_size) == (D("5.0"), 1)


@pytest.mark.parametrize(
    "changed",
    [{"contractType": "CURRENT_QUARTER"}, {"marginAsset": "BLZ"}, {"filters": []}],
    ids=lambda c: next(iter(c)),
)
def test_what_is_no_linear_perpetual_is_left_out(changed: dict[str, Any]) -> None:
    assert instruments_of([EXCHANGE_SYMBOL | changed]) == {}


OPEN = OrderRequest("cd-1", BLZ.symbol, Side.BUY, OrderType.LIMIT, D("10"), D("0.2500"), TimeInForce.IOC)
CLOSE = OrderRequest("cd-2", BLZ.symbol, Side.SELL, OrderType.MARKET, D("10"), reduces=True)


@pytest.mark.parametrize(
    ("order", "form"),
    [
        (OPEN, "newClientOrderId=cd-1&newOrderRespType=RESULT&type=LIMIT&quantity=10&price=0.25&timeInForce=IOC"),
        (OPEN._replace(post_only=True), "newClientOrderId=cd-1&newOrderRespType=RESULT&type=LIMIT&quantity=10"
         "&price=0.25&timeInForce=GTX"),
        (CLOSE, "newClientOrderId=cd-2&newOrderRespType=RESULT&type=MARKET&quantity=10&reduceOnly=true"),
        (CLOSE._replace(position_side=PositionSide.LONG), "newClientOrderId=cd-2&newOrderRespType=RESULT&type=MARKET"
         "&quantity=10&positionSide=LONG"),
        (CLOSE._replace(type=OrderType.STOP_MARKET, trigger_px=D("0.2")), "algoType=CONDITIONAL&clientAlgoId=cd-2"
         "&newOrderRespType=RESULT&type=STOP_MARKET&quantity=10&triggerPrice=0.2&reduceOnly=true"),
        (CLOSE._replace(type=OrderType.TAKE_PROFIT_LIMIT, trigger_px=D("0.3"), px=D("0.31")), "algoType=CONDITIONAL"
         "&clientAlgoId=cd-2&newOrderRespType=RESULT&type=TAKE_PROFIT&quantity=10&price=0.31&timeInForce=GTC"
         "&triggerPrice=0.3&reduceOnly=true"),
    ],
    ids=["limit", "post-only", "one-way close", "hedge close", "stop", "take profit"],
)  # fmt: skip
def test_an_order_is_asked_for_in_the_documented_parameters(order: OrderRequest, form: str) -> None:
    assert order_form(order, BLZ) == f"symbol=BLZUSDT&side={order.side.value.upper()}&{form}"


def test_an_amendment_names_quantity_and_price_and_its_order() -> None:
    change = Amendment("cd-1", BLZ.symbol, Side.BUY, D("5"), D("0.26"))
    assert amend_params(change, BLZ) == {
        "symbol": "BLZUSDT", "origClientOrderId": "cd-1", "side": "BUY", "quantity": "5", "price": "0.26",
    }  # fmt: skip


def test_an_order_s_answer_tells_quantity_and_price_but_no_fills() -> None:
    view = order_view(ORDER, SYMBOL)
    assert (view.client_order_id, view.venue_order_id, view.status) == ("testOrder", "22542179", OrderStatus.FILLED)
    assert (view.qty, view.cum_qty, view.avg_px, view.fills) == (D("0.010"), D("0.010"), D("60010"), ())
    assert (view.side, view.position_side, view.symbol) == (Side.BUY, PositionSide.SHORT, SYMBOL)
    resting = order_view(ORDER | {"status": "NEW", "executedQty": "0", "avgPrice": "0.00000"}, SYMBOL)
    assert (resting.status, resting.avg_px) == (OrderStatus.ACCEPTED, None)


def test_a_conditional_order_is_known_by_its_own_ids_until_it_places_another() -> None:
    view = conditional_view(ALGO, "BNB/USDT:USDT")
    assert (view.client_order_id, view.venue_order_id) == ("6B2I9XVcJpCjqPAJ4YoFX7", "2146760")
    assert (view.status, view.qty, view.cum_qty) == (OrderStatus.ACCEPTED, D("0.01"), 0)
    assert placed_order(ALGO) == ""
    assert placed_order(ALGO | {"algoStatus": "FINISHED", "actualOrderId": "22542179"}) == "22542179"
    canceled = conditional_view(ALGO | {"algoStatus": "CANCELED"}, "BNB/USDT:USDT")
    assert canceled.status is OrderStatus.CANCELED


def test_a_trade_reads_the_same_from_list_and_stream() -> None:
    listed = leader_trade(USER_TRADE, SYMBOL)
    assert (listed.trade_id, listed.side, listed.position_side) == ("698759", Side.SELL, PositionSide.SHORT)
    assert (listed.qty, listed.px, listed.fee, listed.fee_currency) == (
        D("0.002"),
        D("7819.01"),
        D("-0.0781901"),
        "USDT",
    )
    (fill,) = fills_of([USER_TRADE], D("0.002"))
    assert (fill.trade_id, fill.qty, fill.px) == (listed.trade_id, listed.qty, listed.px)
    live = leader_trade_of_update(UPDATE, SYMBOL)
    assert (live.trade_id, live.venue_order_id, live.client_order_id) == ("31", "8886774", "TEST")
    assert (live.side, live.position_side, live.order_type) == (Side.SELL, PositionSide.LONG, OrderType.MARKET)
    assert (live.qty, live.px, live.fee, live.at_ms) == (D("0.001"), D("7100.50"), D("0.0028"), 1568879465650)


def test_a_position_is_signed_and_a_flat_one_is_left_out() -> None:
    flat = POSITION | {"symbol": "BTCUSDT", "positionAmt": "0.000"}
    short = POSITION | {"positionSide": "SHORT", "positionAmt": "-30", "liquidationPrice": "0.77"}
    long, shorted = positions_of([flat, POSITION, short], lambda name: {"ADAUSDT": "ADA/USDT:USDT"}[name])
    assert (long.symbol, long.side, long.qty, long.liquidation_px) == ("ADA/USDT:USDT", PositionSide.NET, D(30), None)
    assert (long.entry_px, long.mark_px, long.unrealized) == (D("0.385"), D("0.4104759"), D("0.764277"))
    assert (shorted.side, shorted.qty, shorted.liquidation_px) == (PositionSide.SHORT, D(-30), D("0.77"))


def test_leverage_and_margin_mode_come_from_the_symbol_s_configuration() -> None:
    row = {"symbol": "BTCUSDT", "marginType": "CROSSED", "isAutoAddMargin": False, "leverage": 21,
           "maxNotionalValue": "1000000"}  # fmt: skip
    assert settings_of([row]) == {"BTCUSDT": (21, MarginMode.CROSS)}


def test_brackets_are_read_with_what_is_deducted_the_lowest_first() -> None:
    first = {"bracket": 1, "initialLeverage": 75, "notionalCap": 10000, "notionalFloor": 0, "maintMarginRatio": 0.0065,
             "cum": 0.0}  # fmt: skip
    second = {"bracket": 2, "initialLeverage": 50, "notionalCap": 50000, "notionalFloor": 10000,
              "maintMarginRatio": 0.01, "cum": 35.0}  # fmt: skip
    told = brackets_of([{"symbol": "ETHUSDT", "notionalCoef": 1.5, "brackets": [second, first]}])
    assert told == (Bracket(D(10000), 75, D("0.0065")), Bracket(D(50000), 50, D("0.01"), D(35)))


def test_an_isolated_position_has_margin_of_its_own() -> None:
    isolated = POSITION | {"isolatedMargin": "1.38", "isolatedWallet": "0.61571385"}
    cross, own = positions_of([POSITION, isolated], lambda name: {"ADAUSDT": "ADA/USDT:USDT"}[name])
    assert (cross.margin, own.margin) == (None, D("0.61571385"))


@pytest.mark.parametrize(
    ("available", "free"),
    [("23.72469206", "23.72469206"), ("99", "23.73"), ("-5", "0")],
    ids=["usual", "profit", "loss"],
)
def test_free_and_locked_add_up_to_the_wallet_balance(available: str, free: str) -> None:
    asset = {"asset": "USDT", "walletBalance": "23.73000000", "unrealizedProfit": "0.00000000",
             "marginBalance": "23.72469206", "availableBalance": available}  # fmt: skip
    empty = {"asset": "BNB", "walletBalance": "0.00000000", "availableBalance": "0.00000000"}
    balances = balances_of({"assets": [asset, empty]})
    assert set(balances) == {"USDT"}
    assert balances["USDT"].free == D(free)
    assert balances["USDT"].free + balances["USDT"].locked == D("23.73")
