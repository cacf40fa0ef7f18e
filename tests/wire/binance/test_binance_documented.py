"""Payloads from Binance's own documents against what the lab takes and gives.

Source: developers.binance.com, binance-spot-api-docs: `rest-api.md` (signature examples, response objects),
`user-data-stream.md` (events), `web-socket-streams.md` (market streams), `web-socket-api.md` (envelope).
"""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest
from copydesk.venues.lab.dialects.binance.front import unsigned
from copydesk.venues.lab.dialects.binance.params import read_pairs
from copydesk.venues.lab.dialects.binance.shapes import canceled, full, my_trade, order_view, user_event
from copydesk.venues.lab.keys import ApiKey
from copydesk.venues.lab.model import BalanceUpdate, Execution, Order, OrderUpdate

# rest-api.md, "SIGNED endpoint examples for POST /api/v3/order - HMAC keys"
DOCUMENTED = ApiKey(
    "vmPUZE6mv9SD5VNHk4HlWFsOr6aKE2zvsw0MuIgwCIPy6utIco14y7Ju91duEh8A",
    "NhqPtmdSJYdKjVHjA7PZj4Mge3R5YNiP1e3UZjInClVN65XAbvqqM6A7H5fATj0j",
    "documented",
    frozenset({"trade"}),
    frozenset(),
    0,
)
WHOLE = "symbol=LTCBTC&side=BUY&type=LIMIT&timeInForce=GTC&quantity=1&price=0.1&recvWindow=5000&timestamp=1499827319559"
WHOLE_SIGNATURE = "c8db56825ae71d6d79447849e617115f4a920fa2acdcab2b053c4b2838bd6b71"
QUERY = "symbol=LTCBTC&side=BUY&type=LIMIT&timeInForce=GTC"
BODY = "quantity=1&price=0.1&recvWindow=5000&timestamp=1499827319559"
MIXED_SIGNATURE = "0fd168b8ddb4876a0358a8d14d0c9f3da0e9b20c5d52b2a00fcf7d1c602f9a77"


@pytest.mark.parametrize("signature", [WHOLE_SIGNATURE, WHOLE_SIGNATURE.upper()])
def test_the_documented_signature_is_accepted_in_either_case(signature: str) -> None:
    assert DOCUMENTED.signs_hex(WHOLE.encode(), signature)
    assert not DOCUMENTED.signs_hex(WHOLE.replace("0.1", "0.2").encode(), signature)


def test_query_and_body_are_signed_as_one_text() -> None:
    signed_body = f"{BODY}&signature={MIXED_SIGNATURE}"
    assert DOCUMENTED.signs_hex((QUERY + unsigned(signed_body)).encode(), MIXED_SIGNATURE)


@pytest.mark.parametrize(
    "text",
    [f"{WHOLE}&signature={WHOLE_SIGNATURE}", f"signature={WHOLE_SIGNATURE}&{WHOLE}", WHOLE],
)
def test_the_signature_is_not_part_of_what_is_signed(text: str) -> None:
    assert unsigned(text) == WHOLE


def test_the_query_wins_over_the_body_and_names_are_decoded() -> None:
    params = read_pairs("symbol=LTCBTC&symbols=%5B%22LTCBTC%22%5D", "symbol=ETHBTC&quantity=1")
    assert params == {"symbol": "LTCBTC", "symbols": '["LTCBTC"]', "quantity": "1"}


def words(text: str) -> set[str]:
    return set(text.split())


def filled_order() -> tuple[Order, Execution]:
    number = Decimal
    execution = Execution(
        56, 28, "a", "BTCUSDT", "sell", number(4000), number(1), number(4), "USDT", False, 1507725176595
    )
    order = Order(
        28,
        "a",
        "6gCrw2kRUAF9CvJDGP16IP",
        "BTCUSDT",
        "sell",
        "market",
        number(1),
        None,
        None,
        "GTC",
        1507725176595,
        1507725176595,
        number(1),
    )
    order.fill(number(1), number(4000), 1507725176595)
    order.fills.append(execution)
    return order, execution


# rest-api.md, "Response - FULL": the fields a plain market order has.
FULL: dict[str, Any] = {
    "symbol": "BTCUSDT",
    "orderId": 28,
    "orderListId": -1,
    "clientOrderId": "6gCrw2kRUAF9CvJDGP16IP",
    "transactTime": 1507725176595,
    "price": "0.00000000",
    "origQty": "1.00000000",
    "executedQty": "1.00000000",
    "origQuoteOrderQty": "0.00000000",
    "cummulativeQuoteQty": "4000.00000000",
    "status": "FILLED",
    "timeInForce": "GTC",
    "type": "MARKET",
    "side": "SELL",
    "workingTime": 1507725176595,
    "selfTradePreventionMode": "NONE",
    "fills": [
        {
            "price": "4000.00000000",
            "qty": "1.00000000",
            "commission": "4.00000000",
            "commissionAsset": "USDT",
            "tradeId": 56,
        }
    ],
}


def test_a_full_answer_is_the_documented_one() -> None:
    assert full(filled_order()[0]) == FULL


def test_queries_and_cancels_have_the_documented_fields() -> None:
    order = filled_order()[0]
    # rest-api.md, "Query order" and "Cancel order"
    assert set(order_view(order)) == words(
        "symbol orderId orderListId clientOrderId price origQty executedQty cummulativeQuoteQty status timeInForce"
        " type side stopPrice icebergQty time updateTime isWorking workingTime origQuoteOrderQty"
        " selfTradePreventionMode"
    )
    assert set(canceled(order, "cancelMyOrder1")) == words(
        "symbol origClientOrderId orderId orderListId clientOrderId transactTime price origQty executedQty"
        " origQuoteOrderQty cummulativeQuoteQty status timeInForce type side selfTradePreventionMode"
    )
    # rest-api.md, "Account trade list"
    assert set(my_trade(filled_order()[1])) == words(
        "symbol id orderId orderListId price qty quoteQty commission commissionAsset time isBuyer isMaker isBestMatch"
    )


def test_a_fill_is_reported_with_every_documented_field() -> None:
    order, execution = filled_order()
    report = user_event(OrderUpdate("a", order, "TRADE", "FILLED", Decimal(1), Decimal(4000), execution, 1507725176600))
    assert report is not None
    # user-data-stream.md, "Order Update": all unconditional fields.
    assert set(report) == words("e E s c S o f q p P F g C x X r i l z L n N T t I w m M O Z Y Q W V")
    said = {name: report[name] for name in ("e", "x", "X", "l", "L", "z", "Z", "Y", "n", "N", "t", "m", "C")}
    assert said == {
        "e": "executionReport",
        "x": "TRADE",
        "X": "FILLED",
        "l": "1.00000000",
        "L": "4000.00000000",
        "z": "1.00000000",
        "Z": "4000.00000000",
        "Y": "4000.00000000",
        "n": "4.00000000",
        "N": "USDT",
        "t": 56,
        "m": False,
        "C": "",
    }


def test_a_cancel_moves_the_original_id_to_capital_c() -> None:
    order, _ = filled_order()
    report = user_event(OrderUpdate("a", order, "CANCELED", "CANCELED", Decimal(0), Decimal(0), None, 1))
    assert report is not None
    assert (report["C"], report["c"]) == ("6gCrw2kRUAF9CvJDGP16IP", "cancel-28")


def test_balances_are_told_in_the_documented_forms() -> None:
    trade = BalanceUpdate("a", (("ETH", Decimal(10000), Decimal(0)),), 1564034571105)
    # user-data-stream.md, "Account Update" and "Balance Update"
    assert user_event(trade) == {
        "e": "outboundAccountPosition",
        "E": 1564034571105,
        "u": 1564034571105,
        "B": [{"a": "ETH", "f": "10000.00000000", "l": "0.00000000"}],
    }
    deposit = BalanceUpdate("a", (("BTC", Decimal(100), Decimal(0)),), 1573200697110, "DEPOSIT", Decimal(100))
    assert user_event(deposit) == {
        "e": "balanceUpdate",
        "E": 1573200697110,
        "a": "BTC",
        "d": "100.00000000",
        "T": 1573200697110,
    }
