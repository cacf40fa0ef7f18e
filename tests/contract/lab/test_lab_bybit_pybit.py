"""The exchange's own Python client, pybit, trading on the lab's Bybit as it would in production."""

from __future__ import annotations

import logging
from itertools import pairwise
from typing import Any

import pytest
from bybit_lab import BybitLab
from lab_thread import PX
from pybit.exceptions import FailedRequestError, InvalidRequestError
from pybit.unified_trading import HTTP

BTC = {"category": "linear", "symbol": "BTCUSDT"}


def session(lab: BybitLab, **more: Any) -> HTTP:
    keys = lab.open_account()
    made = HTTP(api_key=keys.api_key, api_secret=keys.secret, logging_level=logging.CRITICAL, **more)
    made.endpoint = lab.rest
    return made


@pytest.fixture
def client(bybit_lab: BybitLab) -> HTTP:
    return session(bybit_lab)


def test_market_data(client: HTTP) -> None:
    (perp,) = client.get_instruments_info(**BTC)["result"]["list"]
    (ticker,) = client.get_tickers(**BTC)["result"]["list"]
    book = client.get_orderbook(**BTC, limit=3)["result"]
    candles = client.get_kline(**BTC, interval=1, limit=5)["result"]["list"]
    marks = client.get_mark_price_kline(**BTC, interval=60, limit=2)["result"]["list"]
    tiers = client.get_risk_limit(**BTC)["result"]["list"]

    assert (perp["contractType"], perp["lotSizeFilter"]["qtyStep"]) == ("LinearPerpetual", "0.001")
    assert float(ticker["lastPrice"]) == pytest.approx(PX, rel=1e-3)
    assert [len(book[side]) for side in ("a", "b")] == [3, 3]
    assert [int(a[0]) - int(b[0]) for a, b in pairwise(candles)] == [60_000] * 4
    assert len(marks) == 2
    assert [tier["id"] for tier in tiers] == [1, 2, 3, 4, 5]
    assert abs(int(client.get_server_time()["result"]["timeSecond"]) * 1000 - client.get_server_time()["time"]) < 5000


def test_an_orders_life(client: HTTP) -> None:
    placed = client.place_order(
        **BTC, side="Buy", orderType="Limit", qty="0.01", price="90000", timeInForce="PostOnly", orderLinkId="py-1"
    )["result"]
    (resting,) = client.get_open_orders(**BTC)["result"]["list"]
    client.amend_order(**BTC, orderId=placed["orderId"], qty="0.02", price="91000")
    (changed,) = client.get_open_orders(**BTC, orderLinkId="py-1")["result"]["list"]
    client.cancel_order(**BTC, orderLinkId="py-1")
    (ended,) = client.get_order_history(**BTC)["result"]["list"]

    assert placed["orderLinkId"] == "py-1"
    assert (resting["orderStatus"], resting["timeInForce"], resting["createType"]) == (
        "New",
        "PostOnly",
        "CreateByUser",
    )
    assert (changed["qty"], changed["price"]) == ("0.020", "91000.00")
    assert (ended["orderStatus"], ended["cancelType"]) == ("Cancelled", "CancelByUser")


def test_a_position_with_its_stops(client: HTTP) -> None:
    client.set_leverage(**BTC, buyLeverage="20", sellLeverage="20")
    client.place_order(**BTC, side="Buy", orderType="Market", qty=0.01)
    client.set_trading_stop(**BTC, tpslMode="Full", positionIdx=0, takeProfit="120000", stopLoss="80000")
    (position,) = client.get_positions(category="linear", settleCoin="USDT")["result"]["list"]
    (fill,) = client.get_executions(**BTC)["result"]["list"]
    stops = client.get_open_orders(**BTC, orderFilter="StopOrder")["result"]["list"]

    assert (position["size"], position["leverage"], position["takeProfit"]) == ("0.010", "20", "120000.00")
    assert (fill["execType"], fill["isMaker"], fill["feeRate"]) == ("Trade", False, "0.0005")
    assert sorted(stop["stopOrderType"] for stop in stops) == ["StopLoss", "TakeProfit"]


def test_hedge_mode_and_margin_mode(client: HTTP) -> None:
    client.switch_position_mode(category="linear", symbol="BTCUSDT", mode=3)
    client.place_order(**BTC, side="Sell", orderType="Market", qty="0.01", positionIdx=2)
    rows = client.get_positions(**BTC)["result"]["list"]
    with pytest.raises(InvalidRequestError, match="3400045"):
        client.set_margin_mode(setMarginMode="ISOLATED_MARGIN")

    assert [(row["positionIdx"], row["side"]) for row in rows] == [(1, ""), (2, "Sell")]


def test_batches(client: HTTP) -> None:
    orders = [
        {"symbol": "BTCUSDT", "side": "Buy", "orderType": "Limit", "qty": "0.001", "price": str(px)}
        for px in (90_000, 900_000, 91_000)
    ]
    answer = client.place_batch_order(category="linear", request=orders)
    ids = [row["orderId"] for row in answer["result"]["list"]]
    gone = client.cancel_batch_order(
        category="linear", request=[{"symbol": "BTCUSDT", "orderId": one} for one in ids if one]
    )

    assert [outcome["code"] for outcome in answer["retExtInfo"]["list"]] == [0, 110003, 0]
    assert [outcome["code"] for outcome in gone["retExtInfo"]["list"]] == [0, 0]


def test_wallet_and_transfer(client: HTTP) -> None:
    (wallet,) = client.get_wallet_balance(accountType="UNIFIED")["result"]["list"]
    client.create_internal_transfer(
        transferId="42c0cfb0-6bca-4242-bc76-4e6df6cb0001",
        coin="USDT",
        amount="100",
        fromAccountType="UNIFIED",
        toAccountType="FUND",
    )
    there = client.get_coins_balance(accountType="FUND", coin="USDT")["result"]["balance"]

    assert {coin["coin"]: coin["walletBalance"] for coin in wallet["coin"]} == {"BTC": "1", "USDT": "10000"}
    assert float(wallet["totalEquity"]) == pytest.approx(110_000, rel=1e-3)
    assert [row["walletBalance"] for row in there] == ["100"]


def test_the_key_tells_about_itself(client: HTTP) -> None:
    told = client.get_api_key_information()["result"]

    assert (told["uta"], told["apiKey"], told["secret"]) == (1, client.api_key, "")
    assert client.get_account_info()["result"]["unifiedMarginStatus"] == 6


def test_failures_are_raised_with_the_exchanges_code(bybit_lab: BybitLab, client: HTTP) -> None:
    with pytest.raises(InvalidRequestError) as poor:
        client.place_order(**BTC, side="Buy", orderType="Market", qty="50")
    stranger = HTTP(api_key="x" * 18, api_secret="y" * 36, logging_level=logging.CRITICAL)
    stranger.endpoint = bybit_lab.rest
    with pytest.raises(InvalidRequestError) as unknown:
        stranger.get_account_info()
    with pytest.raises(FailedRequestError) as lost:
        client._submit_request("GET", f"{bybit_lab.rest}/v5/nothing")

    assert (poor.value.status_code, poor.value.message) == (110007, "ab not enough for new order")
    assert (unknown.value.status_code, unknown.value.message) == (10003, "API key is invalid.")
    assert lost.value.status_code == 404


def test_pybit_waits_out_a_rate_limit_by_the_headers(bybit_lab: BybitLab) -> None:
    client = session(bybit_lab, return_response_headers=True)
    answers = [client.get_fee_rates(category="linear", symbol="BTCUSDT") for _ in range(6)]

    assert [headers["X-Bapi-Limit-Status"] for _, _, headers in answers[:5]] == ["4", "3", "2", "1", "0"]
    assert answers[5][0]["retCode"] == 0
