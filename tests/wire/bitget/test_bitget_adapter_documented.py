"""Bitget's documented answers as our adapter reads them: both kinds of account.

Source: Bitget API guide, the response example of the page that each test names; ids and names are the page's.
"""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

from copydesk.trading import (
    Bracket,
    Credentials,
    Denial,
    Fill,
    MarginMode,
    OrderStatus,
    OrderType,
    PositionSide,
    Side,
)
from copydesk.venues import Balance, SymbolMap
from copydesk.venues.bitget import (
    classic_account,
    classic_orders,
    classic_plans,
    instruments,
    unified_account,
    unified_orders,
    unified_strategies,
)
from copydesk.venues.bitget.classic_orders import ClassicWords
from copydesk.venues.bitget.endpoints import CLASSIC
from copydesk.venues.bitget.wire import BitgetWire

D = Decimal
SYMBOL: dict[str, Any] = {
    "symbol": "BTCUSDT", "baseCoin": "BTC", "quoteCoin": "USDT", "minTradeAmount": "0.0001",
    "maxTradeAmount": "10000", "takerFeeRate": "0.001", "makerFeeRate": "0.001", "pricePrecision": "4",
    "quantityPrecision": "8", "quotePrecision": "4", "minTradeUSDT": "5", "status": "online",
    "buyLimitPriceRatio": "0.05", "sellLimitPriceRatio": "0.05",
}  # fmt: skip
CONTRACT: dict[str, Any] = {
    "symbol": "BTCUSDT", "baseCoin": "BTC", "quoteCoin": "USDT", "buyLimitPriceRatio": "0.9",
    "sellLimitPriceRatio": "0.9", "feeRateUpRatio": "0.1", "makerFeeRate": "0.0004", "takerFeeRate": "0.0006",
    "openCostUpRatio": "0.1", "supportMarginCoins": ["USDT"], "minTradeNum": "0.01", "priceEndStep": "1",
    "volumePlace": "2", "pricePlace": "1", "sizeMultiplier": "0.01", "symbolType": "perpetual", "minTradeUSDT": "5",
    "maxSymbolOrderNum": "999999", "maxProductOrderNum": "999999", "maxPositionNum": "150",
    "symbolStatus": "normal", "offTime": "-1", "limitOpenTime": "-1", "deliveryTime": "", "deliveryStartTime": "",
    "launchTime": "", "fundInterval": "8", "minLever": "1", "maxLever": "125", "posLimit": "0.05",
    "maintainTime": "1680165535278",
}  # fmt: skip
(PAIR,) = instruments.spot_instruments([SYMBOL]).values()
(PERPETUAL,) = instruments.perpetual_instruments([CONTRACT]).values()


def symbols() -> SymbolMap:
    known = SymbolMap()
    known.learn("spot", {PAIR.symbol: PAIR})
    known.learn("perpetual", {PERPETUAL.symbol: PERPETUAL})
    return known


def at(ms: int) -> datetime:
    return datetime.fromtimestamp(ms / 1000, UTC)


def test_spot_get_symbol_info() -> None:
    assert (PAIR.symbol, PAIR.px_tick, PAIR.qty_step) == ("BTC/USDT", D("0.0001"), D("0.00000001"))
    assert (PAIR.qty_min, PAIR.qty_max, PAIR.notional_min) == (D("0.0001"), D(10000), D(5))
    halted = instruments.spot_instruments([SYMBOL | {"status": "halt"}])
    assert PAIR.trading and not halted["BTC/USDT"].trading


def test_future_get_contract_config() -> None:
    assert (PERPETUAL.symbol, PERPETUAL.settle, PERPETUAL.leverage_max) == ("BTC/USDT:USDT", "USDT", 125)
    assert (PERPETUAL.px_tick, PERPETUAL.qty_step, PERPETUAL.qty_min) == (D("0.1"), D("0.01"), D("0.01"))
    for change in ({"symbolType": "delivery"}, {"quoteCoin": "USDC", "supportMarginCoins": ["USDC"]}):
        assert instruments.perpetual_instruments([CONTRACT | change]) == {}
    stopped = instruments.perpetual_instruments([CONTRACT | {"symbolStatus": "maintain"}])
    assert not stopped["BTC/USDT:USDT"].trading


def test_spot_and_future_get_tickers() -> None:
    answer = {"data": [{"symbol": "BTCUSDT", "lastPr": "34413.1"}, {"symbol": "NEWUSDT", "lastPr": "1"}]}
    assert instruments.prices_of(answer, symbols(), perpetual=False) == {"BTC/USDT": D("34413.1")}
    assert instruments.prices_of(answer, symbols(), perpetual=True) == {"BTC/USDT:USDT": D("34413.1")}


def test_spot_get_order_info_of_a_market_buy_that_names_what_it_spends() -> None:
    row = {
        "userId": "*", "symbol": "TRXUSDT", "orderId": "121211212122", "clientOid": "1-2-1-2-1", "price": "0",
        "size": "10.0000000000000000", "orderType": "market", "side": "buy", "status": "filled",
        "priceAvg": "0.0699782527055350", "baseVolume": "142.9015000000000000",
        "quoteVolume": "9.9999972790000000", "enterPointSource": "API", "feeDetail": "{}", "orderSource": "market",
        "cTime": "1690196141868", "uTime": "1690196141868",
    }  # fmt: skip
    view = classic_orders.order_view(row, PAIR)
    assert (view.status, view.side, view.client_order_id) == (OrderStatus.FILLED, Side.BUY, "1-2-1-2-1")
    assert (view.qty, view.cum_qty, view.avg_px) == (D("142.9015"), D("142.9015"), D("0.069978252705535"))


def test_spot_get_current_orders_has_the_average_beside_the_limit() -> None:
    row = {
        "userId": "*", "symbol": "btcusdt", "orderId": "2222222", "clientOid": "xxxxxxx", "priceAvg": "34829.12",
        "size": "1", "orderType": "limit", "side": "buy", "status": "partially_filled", "basePrice": "0",
        "baseVolume": "0.5", "quoteVolume": "17000", "enterPointSource": "WEB", "cTime": "1622697148", "uTime": "",
    }  # fmt: skip
    view = classic_orders.order_view(row, PAIR)
    assert (view.cum_qty, view.avg_px) == (D("0.5"), D(34000))
    assert classic_orders.order_view(row | {"basePrice": "34001"}, PAIR).avg_px == 34001


def test_future_get_order_detail() -> None:
    row = {
        "symbol": "ethusdt", "size": "2", "orderId": "123456", "clientOid": "77777", "baseVolume": "2",
        "priceAvg": "1900", "fee": "", "price": "1900", "state": "filled", "side": "buy", "force": "gtc",
        "totalProfits": "2112", "posSide": "long", "marginCoin": "usdt", "presetStopSurplusPrice": "1910",
        "presetStopLossPrice": "1890", "quoteVolume": "1900", "orderType": "limit", "leverage": "20",
        "marginMode": "cross", "reduceOnly": "yes", "enterPointSource": "api", "tradeSide": "",
        "posMode": "one_way_mode", "orderSource": "normal", "cTime": "1627300098776", "uTime": "1627300098776",
    }  # fmt: skip
    view = classic_orders.order_view(row, PERPETUAL)
    assert (view.status, view.cum_qty, view.avg_px) == (OrderStatus.FILLED, D(2), D(1900))
    assert (view.side, view.position_side, view.at) == (Side.BUY, PositionSide.NET, at(1627300098776))


def test_spot_and_future_get_fills_with_fees_that_are_negative_when_paid() -> None:
    spot = {
        "userId": "*", "symbol": "BTCUSDT", "orderId": "12345678910", "tradeId": "12345678910",
        "orderType": "market", "side": "buy", "priceAvg": "13000", "size": "0.0007", "amount": "9.1",
        "feeDetail": {"deduction": "no", "feeCoin": "BTC", "totalDeductionFee": "", "totalFee": "-0.0000007"},
        "tradeScope": "taker", "cTime": "1695865232579", "uTime": "1695865233027",
    }  # fmt: skip
    assert classic_orders.fills_of([spot], D(1)) == (
        Fill("12345678910", D("0.0007"), D(13000), D("0.0000007"), "BTC", at(1695865232579)),
    )
    future = {
        "tradeId": "1111468664328269825", "symbol": "BTCUSDT", "orderId": "1111468664264753162",
        "price": "37271.4", "baseVolume": "0.001",
        "feeDetail": [{"deduction": "no", "feeCoin": "USDT", "totalDeductionFee": None, "totalFee": "-0.02236284"}],
        "side": "buy", "quoteVolume": "37.2714", "profit": "-0.0007", "enterPointSource": "web",
        "tradeSide": "close", "posMode": "hedge_mode", "tradeScope": "taker", "cTime": "1700720700342",
    }  # fmt: skip
    trade = classic_orders.leader_trade(future, PERPETUAL)
    assert (trade.side, trade.position_side) == (Side.SELL, PositionSide.LONG)
    assert (trade.qty, trade.px, trade.fee, trade.fee_currency) == (D("0.001"), D("37271.4"), D("0.02236284"), "USDT")


def test_future_get_pending_trigger_orders() -> None:
    row = {
        "planType": "pos_profit", "symbol": "BNBUSDT", "size": "0", "orderId": "1272849518383902721",
        "clientOid": "1272849518383902720", "price": "634.59", "executePrice": "634.59", "callbackRatio": "",
        "triggerPrice": "634.59", "triggerType": "fill_price", "planStatus": "live", "side": "buy",
        "posSide": "long", "marginCoin": "USDT", "marginMode": "", "enterPointSource": "API", "tradeSide": "close",
        "posMode": "hedge_mode", "orderType": "limit", "cTime": "1739196894260", "uTime": "1739196894260",
    }  # fmt: skip
    view = classic_plans.plan_view(row, PERPETUAL)
    assert (view.status, view.side, view.position_side) == (OrderStatus.ACCEPTED, Side.SELL, PositionSide.LONG)


def test_future_get_all_position() -> None:
    row = {
        "marginCoin": "USDT", "symbol": "BTCUSDT", "holdSide": "long", "openDelegateSize": "0.01",
        "marginSize": "9.6695050093373343", "available": "0.01", "locked": "0.09", "total": "0.01",
        "leverage": "20", "achievedProfits": "0", "openPriceAvg": "25000", "marginMode": "isolated",
        "posMode": "hedge_mode", "unrealizedPL": "1", "liquidationPrice": "24144.1124161806977798",
        "keepMarginRate": "0.004", "markPrice": "25100", "breakEvenPrice": "24778.97", "totalFee": "1.45",
        "deductedFee": "0.388", "marginRatio": "0.1082149545822005", "cTime": "1691382137448",
    }  # fmt: skip
    (position,) = classic_account.positions_of([row], symbols())
    assert (position.side, position.qty, position.leverage) == (PositionSide.LONG, D("0.01"), 20)
    assert position.margin_mode is MarginMode.ISOLATED
    assert position.margin == D("9.6695050093373343")
    short = row | {"holdSide": "short", "posMode": "one_way_mode", "liquidationPrice": "-3"}
    (position,) = classic_account.positions_of([short], symbols())
    assert (position.side, position.qty, position.liquidation_px) == (PositionSide.NET, D("-0.01"), None)


def test_future_get_account_list_leaves_open_profit_out() -> None:
    row = {
        "marginCoin": "USDT", "locked": "0.31876482", "available": "10575.26735771",
        "crossedMaxAvailable": "10580.56434289", "isolatedMaxAvailable": "10580.56434289",
        "maxTransferOut": "10572.92904289", "accountEquity": "10582.90265771", "usdtEquity": "10582.902657719473",
        "btcEquity": "0.204885807029", "crossedRiskRate": "0", "unrealizedPL": "", "coupon": "0",
    }  # fmt: skip
    assert classic_account.margins_of([row]) == {"USDT": Balance(D("10580.56434289"), D("2.33831482"))}
    profit = row | {"unrealizedPL": "100", "crossedMaxAvailable": "10582.9"}
    assert classic_account.margins_of([profit]) == {"USDT": Balance(D("10482.90265771"), D(0))}


def test_spot_get_account_assets_and_information() -> None:
    row = {"coin": "usdt", "available": "5", "frozen": "1", "locked": "2", "limitAvailable": "0", "uTime": "1622697148"}
    assert classic_account.coins_of([row]) == {"USDT": Balance(D(5), D(3))}
    info = {"userId": "*", "inviterId": "*", "ips": "127.0.0.1", "authorities": ["trade", "readonly"], "parentId": 1}
    scope = classic_account.key_scope_of(info)
    assert scope.ip_bound and scope.can_trade and scope.denial() is None
    codes = info | {"authorities": ["stow", "stor", "coor", "coow", "cpor", "cpow"]}
    assert classic_account.key_scope_of(codes).can_trade_perpetuals
    for right, denial in (
        ("wwow", Denial.KEY_CAN_WITHDRAW),
        ("wtow", Denial.KEY_CAN_TRANSFER),
        ("ttow", Denial.KEY_RIGHTS_UNKNOWN),
        ("new", Denial.KEY_RIGHTS_UNKNOWN),
    ):
        assert classic_account.key_scope_of(info | {"authorities": ["stow", right]}).denial() is denial
    assert classic_account.key_scope_of(info | {"authorities": ["stor"]}).denial() is Denial.KEY_READ_ONLY


def test_unified_get_order_details() -> None:
    row = {
        "orderId": "111111111111111111", "clientOid": "111111111111111111", "category": "USDT-FUTURES",
        "symbol": "BTCUSDT", "orderType": "limit", "side": "sell", "price": "49534.4", "qty": "0.429", "amount": "0",
        "cumExecQty": "0.429", "cumExecValue": "21250.2929", "avgPrice": "49534.4", "timeInForce": "gtc",
        "orderStatus": "filled", "posSide": "long", "holdMode": "hedge_mode", "delegateType": "normal",
        "reduceOnly": "NO", "marginMode": "crossed", "stpMode": "none",
        "feeDetail": [{"feeCoin": "USDT", "fee": "4.2500586"}], "cancelReason": "normal_cancel",
        "execType": "liquidation", "createdTime": "1730181468493", "updatedTime": "1730181468493",
    }  # fmt: skip
    view = unified_orders.order_view(row, PERPETUAL)
    assert (view.side, view.position_side, view.avg_px) == (Side.SELL, PositionSide.LONG, D("49534.4"))
    one_way = row | {"holdMode": "one_way_mode", "orderStatus": "cancelled", "cumExecQty": "0", "avgPrice": "0"}
    view = unified_orders.order_view(one_way, PERPETUAL)
    assert (view.status, view.position_side, view.avg_px) == (OrderStatus.CANCELED, PositionSide.NET, None)


def test_unified_get_fill_history_with_fees_that_are_positive_when_paid() -> None:
    row = {
        "execId": "131111111111111111", "execLinkId": "131111111111111111", "orderId": "131111111111111111",
        "clientOid": "131111111111111111", "category": "USDT-FUTURES", "symbol": "BTCUSDT", "orderType": "market",
        "side": "sell", "execPrice": "106950.1", "execQty": "0.01", "execValue": "1069.501", "tradeScope": "taker",
        "tradeSide": "open", "feeDetail": [{"feeCoin": "USDT", "fee": "0.6417006"}],
        "createdTime": "1750141421721", "updatedTime": "1750141421728", "execPnl": "-0.002", "isRPI": "no",
    }  # fmt: skip
    (fill,) = unified_orders.fills_of([row], D("0.01"))
    assert fill == Fill("131111111111111111", D("0.01"), D("106950.1"), D("0.6417006"), "USDT", at(1750141421721))
    trade = unified_orders.leader_trade(row, PERPETUAL)
    assert (trade.order_type, trade.at_ms, trade.side) == (OrderType.MARKET, 1750141421721, Side.SELL)


def test_unified_get_current_strategy_orders() -> None:
    row = {
        "orderId": "111111111111111111", "clientOid": "myorder001", "category": "USDT-FUTURES", "symbol": "BTCUSDT",
        "qty": "0.01", "posSide": "long", "status": "pending", "tpTriggerBy": "market", "slTriggerBy": "market",
        "takeProfit": "110000", "stopLoss": "90000", "tpOrderType": "market", "slOrderType": "market",
        "tpLimitPrice": "91000", "slLimitPrice": "111000", "triggerBy": "market", "triggerPrice": "100000",
        "triggerOrderType": "limit", "triggerOrderPrice": "100500", "createdTime": "1730186725663",
        "updatedTime": "1730186725691",
    }  # fmt: skip
    view = unified_strategies.strategy_view(row, PERPETUAL, hedge=True)
    assert (view.status, view.side, view.position_side) == (OrderStatus.ACCEPTED, Side.SELL, PositionSide.LONG)
    assert unified_strategies.strategy_view(row, PERPETUAL, hedge=False).position_side is PositionSide.NET


def test_unified_get_position_info() -> None:
    row = {
        "category": "USDT-FUTURES", "symbol": "BTCUSDT", "marginCoin": "USDT", "holdMode": "hedge_mode",
        "posSide": "short", "marginMode": "crossed", "positionBalance": "4701531.84941582", "available": "119.2068",
        "frozen": "0", "total": "119.2068", "leverage": "3", "curRealisedPnl": "0", "avgPrice": "108674",
        "positionStatus": "normal", "unrealisedPnl": "1124573.04243999", "liquidationPrice": "43099.9",
        "mmr": "0.015", "profitRate": "0.2391929010498401", "markPrice": "118097", "breakEvenPrice": "109208.6",
        "totalFunding": "-53076.32433032", "openFeeTotal": "-2842.86603479", "closeFeeTotal": "0",
        "createdTime": "1736378720620", "updatedTime": "1753102803148",
    }  # fmt: skip
    (position,) = unified_account.positions_of([row], symbols())
    assert (position.side, position.qty, position.entry_px) == (PositionSide.SHORT, D("-119.2068"), D(108674))
    assert (position.margin_mode, position.liquidation_px) == (MarginMode.CROSS, D("43099.9"))
    assert position.margin is None


def test_future_get_position_tier() -> None:
    row = {
        "symbol": "BTCUSDT", "level": "1", "startUnit": "0", "endUnit": "150000", "leverage": "125",
        "keepMarginRate": "0.004",
    }  # fmt: skip
    assert classic_account.brackets_of([row]) == (Bracket(D(150000), 125, D("0.004")),)


def test_unified_get_position_tier() -> None:
    rows = [
        {"tier": "2", "minTierValue": "150000", "maxTierValue": "900000", "leverage": "100", "mmr": "0.005"},
        {"tier": "1", "minTierValue": "0", "maxTierValue": "150000", "leverage": "125", "mmr": "0.004"},
    ]
    found = unified_account.brackets_of(rows)
    assert found == (Bracket(D(150000), 125, D("0.004")), Bracket(D(900000), 100, D("0.005")))


def test_unified_get_account_assets_and_funding_assets() -> None:
    coin = {
        "coin": "USDT", "equity": "6.19300826", "usdValue": "6.19299777", "balance": "6.19300826",
        "available": "5.19300826", "debt": "0", "locked": "0",
    }  # fmt: skip
    assert unified_account.balances_of({"assets": [coin]}) == {"USDT": Balance(D("5.19300826"), D(1))}
    funding = [{"coin": "BGB", "available": "0.01", "frozen": "0", "balance": "0.01"}]
    assert unified_account.funding_of(funding) == {"BGB": Balance(D("0.01"), D(0))}


def test_unified_get_account_info() -> None:
    info = {
        "userId": "123456789", "inviterId": "987654321", "parentId": "", "channelCode": "6258",
        "channel": "official", "ips": "192.168.1.1,192.168.1.2", "permType": "read-and-write",
        "permissions": ["uta_mgt", "uta_trade", "withdraw", "copy_futures_position", "copy_futures_order"],
        "regisTime": "1704067200000",
    }  # fmt: skip
    assert unified_account.key_scope_of(info).denial() is Denial.KEY_CAN_WITHDRAW
    safe = info | {"permissions": ["uta_mgt", "uta_trade"]}
    assert unified_account.key_scope_of(safe).denial() is None
    assert unified_account.key_scope_of(safe | {"permType": "read_and_write"}).can_trade_perpetuals
    assert unified_account.key_scope_of(safe | {"permType": "read-only"}).denial() is Denial.KEY_READ_ONLY
    odd = safe | {"permissions": ["uta_trade", "new_right"]}
    assert unified_account.key_scope_of(odd).denial() is Denial.KEY_RIGHTS_UNKNOWN


def test_signature_of_a_query_is_over_its_sorted_plain_text() -> None:
    wire = BitgetWire(ClassicWords(), "broker")
    key = Credentials(1, "key", "secret", "phrase")
    params = {"symbol": "币安人生USDT", "limit": 100}
    query, headers, body = wire.render(CLASSIC.endpoints["open_spot"], params, key, 1_700_000_000_123)
    assert query.startswith("limit=100&symbol=%E5%B8%81") and body == b""
    assert "X-CHANNEL-API-CODE: broker\r\n" in headers
    # HMAC-SHA256 of "1700000000123GET/api/v2/spot/trade/unfilled-orders?limit=100&symbol=币安人生USDT", by openssl.
    assert "ACCESS-SIGN: wMd1XxEbckv1/S0svDLEkPM30ELQgUuIuAnZtrIY4SA=\r\n" in headers
