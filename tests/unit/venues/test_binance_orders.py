"""Order requests and answers in Binance's words; payloads from binance-spot-api-docs, rest-api.md."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest
from copydesk.kernel import VenueRefused
from copydesk.trading import Credentials, OrderRequest, OrderStatus, OrderType, Side, TimeInForce
from copydesk.venues.binance.signing import sign
from copydesk.venues.binance.spot import prices_of
from copydesk.venues.binance.spot_account import balances_of, funding_balances_of, instruments_of, key_scope_of
from copydesk.venues.binance.spot_orders import fills_of, leader_trade, leader_trade_of_report, order_form, order_view
from copydesk.venues.binance.wire import SpotWire
from copydesk.venues.client.wire import check_credentials
from venue_symbols import BTC, known_symbols

D = Decimal
FULL: dict[str, Any] = {
    "symbol": "BTCUSDT", "orderId": 28, "orderListId": -1, "clientOrderId": "6gCrw2kRUAF9CvJDGP16IP",
    "transactTime": 1507725176595, "price": "0.00000000", "origQty": "10.00000000", "executedQty": "10.00000000",
    "origQuoteOrderQty": "0.000000", "cummulativeQuoteQty": "39990.00000000", "status": "FILLED", "timeInForce": "GTC",
    "type": "MARKET", "side": "SELL", "workingTime": 1507725176595, "selfTradePreventionMode": "NONE",
    "fills": [
        {"price": "4000.00000000", "qty": "1.00000000", "commission": "4.00000000",
         "commissionAsset": "USDT", "tradeId": 56},
        {"price": "3999.00000000", "qty": "9.00000000", "commission": "35.99100000",
         "commissionAsset": "USDT", "tradeId": 57},
    ],
}  # fmt: skip
REPORT: dict[str, Any] = {
    "e": "executionReport", "E": 1499405658658, "s": "ETHBTC", "c": "mUvoqJxFIILMdfAW5iGSOW", "S": "BUY", "o": "LIMIT",
    "f": "GTC", "q": "1.00000000", "p": "0.10264410", "P": "0.00000000", "F": "0.00000000", "g": -1, "C": "",
    "x": "TRADE", "X": "PARTIALLY_FILLED", "r": "NONE", "i": 4293153, "l": "0.40000000", "z": "0.40000000",
    "L": "0.10264400", "n": "0.00040000", "N": "ETH", "T": 1499405658657, "t": 17, "w": True, "m": False,
    "O": 1499405658657, "Z": "0.04105760", "Y": "0.04105760", "Q": "0.00000000",
}  # fmt: skip


def test_the_documented_signature_vector_is_reproduced() -> None:
    payload = (
        "symbol=LTCBTC&side=BUY&type=LIMIT&timeInForce=GTC&quantity=1&price=0.1&recvWindow=5000&timestamp=1499827319559"
    )
    secret = "NhqPtmdSJYdKjVHjA7PZj4Mge3R5YNiP1e3UZjInClVN65XAbvqqM6A7H5fATj0j"
    assert sign(payload, secret).endswith("&signature=c8db56825ae71d6d79447849e617115f4a920fa2acdcab2b053c4b2838bd6b71")


def test_a_name_outside_ascii_is_percent_encoded_and_quantities_are_plain() -> None:
    order = OrderRequest("x-abc_1", "BTC/USDT", Side.BUY, OrderType.LIMIT, D("1E-7"), D("1E+2"), TimeInForce.FOK)
    form = order_form(order, replace(BTC, venue_symbol="１２３４５６"))
    assert form.startswith("symbol=%EF%BC%91%EF%BC%92")
    assert "&price=100&timeInForce=FOK&quantity=0.0000001&" in form


def test_a_client_order_id_cannot_smuggle_a_parameter() -> None:
    order = OrderRequest("a&side=SELL", "BTC/USDT", Side.BUY, OrderType.MARKET, D(1))
    assert order_form(order, BTC).endswith("&newClientOrderId=a%26side%3DSELL")


@pytest.mark.parametrize("key", ["", "abc\r\nX-Evil: 1", "with space", "ключ"])
def test_a_key_that_cannot_stand_in_a_header_is_refused(key: str) -> None:
    with pytest.raises(VenueRefused) as refusal:
        check_credentials(Credentials(1, key, "secret"), SpotWire())
    assert refusal.value.code == "key_rejected"


def test_a_full_answer_gives_fills_fees_and_average_price() -> None:
    view = order_view(FULL, "BTC/USDT")
    assert (view.status, view.cum_qty, view.avg_px) == (OrderStatus.FILLED, D("10.00000000"), D("3999"))
    assert [(f.trade_id, f.qty, f.px, f.fee, f.fee_currency) for f in view.fills] == [
        ("56", D(1), D(4000), D(4), "USDT"),
        ("57", D(9), D(3999), D("35.991"), "USDT"),
    ]
    assert view.at is not None and view.at.isoformat() == "2017-10-11T12:32:56.595000+00:00"


def test_an_ioc_order_that_filled_in_part_is_expired_with_its_quantity() -> None:
    view = order_view(
        FULL | {"status": "EXPIRED", "executedQty": "1.0", "cummulativeQuoteQty": "4000", "fills": []}, "BTC/USDT"
    )
    assert (view.status, view.cum_qty, view.avg_px, view.fills) == (OrderStatus.EXPIRED, D("1.0"), D(4000), ())


def test_a_cancel_answer_is_known_by_the_id_of_the_order_it_canceled() -> None:
    canceled = FULL | {
        "status": "CANCELED",
        "origClientOrderId": "ours",
        "clientOrderId": "cancelMyOrder1",
        "fills": [],
    }
    assert order_view(canceled, "BTC/USDT").client_order_id == "ours"


def test_an_order_that_lacks_a_field_cannot_be_read() -> None:
    with pytest.raises(KeyError):
        order_view({key: value for key, value in FULL.items() if key != "status"}, "BTC/USDT")


def trade(trade_id: int, qty: str) -> dict[str, Any]:
    return {
        "symbol": "BNBBTC", "id": trade_id, "orderId": 100234, "orderListId": -1, "price": "4.00000100", "qty": qty,
        "quoteQty": "48.000012", "commission": "10.10000000", "commissionAsset": "BNB", "time": 1499865549590,
        "isBuyer": True, "isMaker": False, "isBestMatch": True,
    }  # fmt: skip


def test_fills_are_taken_up_to_what_the_order_says_however_many_trades_followed() -> None:
    fills = fills_of([trade(30, "5"), trade(28, "12"), trade(29, "3")], D(15))
    assert [(f.trade_id, f.qty) for f in fills] == [("28", D(12)), ("29", D(3))]


def test_a_leader_trade_reads_the_same_from_rest_and_stream() -> None:
    rest = leader_trade(trade(28, "12.00000000"), "BNB/BTC")
    assert (rest.trade_id, rest.side, rest.qty, rest.fee_currency, rest.order_type) == (
        "28",
        Side.BUY,
        D(12),
        "BNB",
        None,
    )
    live = leader_trade_of_report(REPORT, "ETH/BTC")
    assert (rest.symbol, live.symbol) == ("BNB/BTC", "ETH/BTC")
    assert (live.trade_id, live.side, live.order_type, live.qty, live.px) == (
        "17", Side.BUY, OrderType.LIMIT, D("0.4"), D("0.102644"),
    )  # fmt: skip
    assert (live.fee, live.fee_currency, live.client_order_id) == (D("0.0004"), "ETH", "mUvoqJxFIILMdfAW5iGSOW")


def test_instruments_are_read_from_their_filters() -> None:
    raw = {
        "symbol": "ETHBTC", "status": "TRADING", "baseAsset": "ETH", "quoteAsset": "BTC", "isSpotTradingAllowed": True,
        "filters": [
            {"filterType": "PRICE_FILTER", "minPrice": "0.00001", "maxPrice": "1000", "tickSize": "0.00001000"},
            {"filterType": "LOT_SIZE", "minQty": "0.00010000", "maxQty": "100000.0", "stepSize": "0.00010000"},
            {"filterType": "MARKET_LOT_SIZE", "minQty": "0.0", "maxQty": "2000.0", "stepSize": "0.0"},
            {"filterType": "NOTIONAL", "minNotional": "0.00010000", "applyMinToMarket": True, "maxNotional": "9000000"},
        ],
    }  # fmt: skip
    halted = raw | {"symbol": "HALTBTC", "baseAsset": "HALT", "status": "BREAK"}
    bare = raw | {"symbol": "BAREBTC", "baseAsset": "BARE", "filters": []}
    instruments = instruments_of([raw, halted, bare])
    assert set(instruments) == {"ETH/BTC", "HALT/BTC"}
    eth = instruments["ETH/BTC"]
    assert (eth.px_tick, eth.qty_step, eth.qty_max, eth.notional_min) == (
        D("0.00001"),
        D("0.0001"),
        D(2000),
        D("0.0001"),
    )
    assert (eth.trading, instruments["HALT/BTC"].trading) == (True, False)


def test_prices_and_balances_leave_out_what_does_not_concern_us() -> None:
    told = [{"symbol": "BTCUSDT", "price": "0.1"}, {"symbol": "X", "price": "1"}]
    assert prices_of(told, known_symbols(), perpetual=False) == {"BTC/USDT": D("0.1")}
    assert prices_of(told, known_symbols(), perpetual=True) == {"BTC/USDT:USDT": D("0.1")}
    rows = [{"asset": "BTC", "free": "4723846.89", "locked": "0"}, {"asset": "LTC", "free": "0", "locked": "0.0"}]
    assert set(balances_of({"balances": rows})) == {"BTC"}


def test_a_right_that_is_not_mentioned_counts_as_granted_where_it_is_dangerous() -> None:
    silent = key_scope_of({"enableReading": True, "enableSpotAndMarginTrading": True})
    assert (silent.can_read, silent.can_trade, silent.can_withdraw, silent.can_transfer) == (True, True, True, True)
    safe = key_scope_of(
        {
            "enableWithdrawals": False,
            "enableInternalTransfer": False,
            "permitsUniversalTransfer": False,
            "ipRestrict": True,
        }
    )
    assert (safe.can_read, safe.can_withdraw, safe.can_transfer, safe.ip_bound) == (False, False, False, True)


def test_a_right_that_nobody_here_knows_is_named() -> None:
    assert key_scope_of({"enableReading": True, "enableFutures": True}).can_trade_perpetuals
    assert key_scope_of({"enableMindReading": True, "enableMargin": True}).unknown == {"enableMindReading"}


def test_what_is_frozen_in_the_funding_wallet_is_locked() -> None:
    # developers.binance.com, wallet, "Funding Wallet"
    rows = [{"asset": "USDT", "free": "1", "locked": "0.5", "freeze": "0.25", "withdrawing": "0.125"}]
    (balance,) = funding_balances_of(rows).values()
    assert (balance.free, balance.locked) == (D(1), D("0.875"))
