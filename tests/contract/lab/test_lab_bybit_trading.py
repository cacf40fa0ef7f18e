"""Unmodified ccxt, synchronous, trading spot and perpetuals on the lab's Bybit."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import ccxt
import pytest
from bybit_lab import BybitLab
from lab_thread import PX

SPOT, PERP = "BTC/USDT", "BTC/USDT:USDT"
BOTH = pytest.mark.parametrize("symbol", [SPOT, PERP])


@pytest.fixture
def client(bybit_lab: BybitLab) -> ccxt.bybit:
    client = bybit_lab.client(bybit_lab.open_account())
    client.load_markets()
    return client


def fetched(client: ccxt.bybit, order_id: str, symbol: str) -> dict[str, Any]:
    return client.fetch_order(order_id, symbol, {"acknowledged": True})


def test_markets_are_listed_with_their_steps_and_limits(client: ccxt.bybit) -> None:
    spot, perp = client.market(SPOT), client.market(PERP)

    assert len(client.markets) == 10
    assert (spot["precision"]["amount"], spot["precision"]["price"], spot["limits"]["cost"]["min"]) == (1e-05, 0.01, 5)
    assert (perp["precision"]["amount"], perp["precision"]["price"], perp["limits"]["cost"]["min"]) == (0.001, 0.1, 5)
    assert (perp["linear"], perp["settle"], perp["limits"]["leverage"]["max"]) == (True, "USDT", 125)


@BOTH
def test_market_data_agree_with_each_other(client: ccxt.bybit, symbol: str) -> None:
    ticker, book = client.fetch_ticker(symbol), client.fetch_order_book(symbol, 5)
    client.create_order(symbol, "market", "buy", 0.01)
    candles, trades = client.fetch_ohlcv(symbol, "1m", limit=3), client.fetch_trades(symbol)

    assert (ticker["bid"], ticker["ask"]) == (book["bids"][0][0], book["asks"][0][0])
    assert len(book["bids"]) == len(book["asks"]) == 5
    assert [after[0] - before[0] for before, after in pairwise(candles)] == [60_000, 60_000]
    assert trades[-1]["symbol"] == symbol
    assert (trades[-1]["side"], trades[-1]["amount"]) == ("buy", 0.01)


@BOTH
def test_a_market_order_is_acknowledged_first_and_tells_its_fill_when_asked(client: ccxt.bybit, symbol: str) -> None:
    placed = client.create_order(symbol, "market", "buy", 0.01)
    order = fetched(client, placed["id"], symbol)

    assert (placed["status"], placed["filled"], placed["average"]) == (None, None, None)
    assert (order["status"], order["filled"], order["remaining"]) == ("closed", 0.01, 0)
    assert order["average"] == pytest.approx(PX, rel=1e-3)
    assert order["fee"]["currency"] == ("BTC" if symbol == SPOT else "USDT")
    assert order["cost"] == pytest.approx(order["average"] * 0.01)


@BOTH
def test_a_limit_order_rests_is_changed_and_canceled(client: ccxt.bybit, symbol: str) -> None:
    placed = client.create_order(symbol, "limit", "buy", 0.01, 90_000)
    resting = client.fetch_open_orders(symbol)
    client.edit_order(placed["id"], symbol, "limit", "buy", 0.02, 91_000)
    changed = fetched(client, placed["id"], symbol)
    client.cancel_order(placed["id"], symbol)
    ended = fetched(client, placed["id"], symbol)

    assert [(o["id"], o["status"], o["price"], o["amount"]) for o in resting] == [(placed["id"], "open", 90_000, 0.01)]
    assert (changed["price"], changed["amount"]) == (91_000, 0.02)
    assert (ended["status"], client.fetch_open_orders(symbol)) == ("canceled", [])
    assert [o["id"] for o in client.fetch_canceled_orders(symbol)] == [placed["id"]]


@BOTH
def test_an_order_is_found_by_the_clients_own_id(client: ccxt.bybit, symbol: str) -> None:
    name = f"mine_{symbol[-4:]}-1"
    placed = client.create_order(symbol, "limit", "buy", 0.01, 90_000, {"clientOrderId": name})
    found = client.fetch_order("", symbol, {"acknowledged": True, "orderLinkId": name})
    client.cancel_order(None, symbol, {"orderLinkId": name})

    assert (placed["clientOrderId"], found["id"], found["clientOrderId"]) == (name, placed["id"], name)
    assert fetched(client, placed["id"], symbol)["status"] == "canceled"


def test_an_unnamed_spot_order_has_the_number_after_its_id_and_a_perpetual_none(bybit_lab: BybitLab) -> None:
    keys = bybit_lab.open_account()
    order = {"symbol": "BTCUSDT", "side": "Buy", "orderType": "Limit", "qty": "0.01", "price": "90000"}

    spot = bybit_lab.post("/v5/order/create", {"category": "spot", **order}, keys).result
    perp = bybit_lab.post("/v5/order/create", {"category": "linear", **order}, keys).result
    by_link = bybit_lab.get("/v5/order/realtime", f"category=spot&orderLinkId={spot['orderLinkId']}", keys).result

    assert int(spot["orderLinkId"]) == int(spot["orderId"]) + 1
    assert (len(perp["orderId"]), perp["orderLinkId"]) == (36, "")
    assert [row["orderId"] for row in by_link["list"]] == [spot["orderId"]]


@BOTH
def test_executions_add_up_to_their_order(client: ccxt.bybit, symbol: str) -> None:
    placed = client.create_order(symbol, "market", "buy", 0.6 if symbol == PERP else 0.05)
    order, trades = fetched(client, placed["id"], symbol), client.fetch_my_trades(symbol)

    assert {trade["order"] for trade in trades} == {placed["id"]}
    assert sum(trade["amount"] for trade in trades) == pytest.approx(order["filled"])
    assert sum(trade["cost"] for trade in trades) == pytest.approx(order["cost"])
    assert sum(trade["fee"]["cost"] for trade in trades) == pytest.approx(order["fee"]["cost"])
    assert {trade["takerOrMaker"] for trade in trades} == {"taker"}


def test_a_spot_market_buy_by_cost_spends_that_cost(client: ccxt.bybit) -> None:
    placed = client.create_market_buy_order_with_cost(SPOT, 500)
    order = fetched(client, placed["id"], SPOT)

    assert order["status"] == "closed"
    assert 499 < order["cost"] <= 500


@BOTH
def test_a_post_only_order_that_would_take_does_not_trade(client: ccxt.bybit, symbol: str) -> None:
    placed = client.create_order(symbol, "limit", "buy", 0.01, 101_000, {"postOnly": True})
    order = fetched(client, placed["id"], symbol)

    assert (order["status"], order["filled"]) == ("canceled", 0)
    assert order["info"]["rejectReason"] == "EC_PostOnlyWillTakeLiquidity"


@pytest.mark.parametrize(("tif", "reason"), [("IOC", "EC_NoImmediateQtyToFill"), ("FOK", "EC_CancelForNoFullFill")])
def test_what_cannot_trade_at_once_is_canceled(client: ccxt.bybit, tif: str, reason: str) -> None:
    placed = client.create_order(PERP, "limit", "buy", 0.01, 90_000, {"timeInForce": tif})
    order = fetched(client, placed["id"], PERP)

    assert (order["status"], order["timeInForce"], order["info"]["rejectReason"]) == ("canceled", tif, reason)


@BOTH
def test_batches_tell_each_orders_outcome(client: ccxt.bybit, symbol: str) -> None:
    asked = [(0.01, 90_000), (500, 90_000), (0.01, 91_000)]
    orders = client.create_orders(
        [{"symbol": symbol, "type": "limit", "side": "buy", "amount": qty, "price": px} for qty, px in asked]
    )
    canceled = client.cancel_orders([orders[0]["id"], orders[2]["id"]], symbol)

    assert [bool(order["id"]) for order in orders] == [True, False, True]
    assert orders[1]["status"] == "rejected"
    assert [order["id"] for order in canceled] == [orders[0]["id"], orders[2]["id"]]
    assert client.fetch_open_orders(symbol) == []


@BOTH
def test_cancel_all_leaves_other_symbols_alone(client: ccxt.bybit, symbol: str) -> None:
    other = symbol.replace("BTC", "ETH")
    client.create_order(other, "limit", "buy", 0.1, round(client.fetch_ticker(other)["bid"] * 0.9, 2))
    for px in (90_000, 91_000):
        client.create_order(symbol, "limit", "buy", 0.01, px)

    gone = client.cancel_all_orders(symbol)

    assert len(gone) == 2
    assert client.fetch_open_orders(symbol) == []
    assert len(client.fetch_open_orders(other)) == 1


def test_balances_show_one_purse_and_what_is_in_use(client: ccxt.bybit) -> None:
    client.create_order(SPOT, "limit", "buy", 0.01, 90_000)
    client.create_order(PERP, "market", "buy", 0.01)

    money = client.fetch_balance()["USDT"]

    assert money["total"] == pytest.approx(10_000 - 0.01 * PX * 0.0005, rel=1e-4)
    assert money["used"] == pytest.approx(900 + 0.01 * PX / 10, rel=1e-2)
    assert money["free"] == pytest.approx(money["total"] - money["used"])


def test_money_moves_between_the_wallets_and_back(client: ccxt.bybit) -> None:
    out = client.transfer("USDT", 2_500, "unified", "fund")
    there = client.fetch_balance({"type": "funding"})["USDT"]["total"]
    client.transfer("USDT", 500, "fund", "unified")

    assert out["status"] == "ok"
    assert there == 2_500
    assert client.fetch_balance({"type": "funding"})["USDT"]["total"] == 2_000
    assert client.fetch_balance()["USDT"]["total"] == 8_000
    assert [entry["amount"] for entry in client.fetch_transfers("USDT")] == [2_500, 500]


def test_fees_are_those_of_the_account(client: ccxt.bybit) -> None:
    assert [client.fetch_trading_fee(SPOT)[side] for side in ("maker", "taker")] == [0.001, 0.001]
    assert [client.fetch_trading_fee(PERP)[side] for side in ("maker", "taker")] == [0.0002, 0.0005]


def test_lists_come_in_pages(bybit_lab: BybitLab) -> None:
    keys, seen, cursor = bybit_lab.open_account(), [], ""
    for px in range(90_000, 90_005):
        order = {"category": "linear", "symbol": "BTCUSDT", "side": "Buy", "orderType": "Limit", "qty": "0.001"}
        bybit_lab.post("/v5/order/create", {**order, "price": str(px)}, keys)
    for _ in range(4):
        query = f"category=linear&symbol=BTCUSDT&limit=2&cursor={cursor}"
        page = bybit_lab.get("/v5/order/realtime", query, keys).result
        seen += [float(row["price"]) for row in page["list"]]
        cursor = page["nextPageCursor"]

    assert sorted(seen) == [90_000, 90_001, 90_002, 90_003, 90_004]
    assert cursor == ""


def test_every_request_is_written_down_without_its_signature(bybit_lab: BybitLab) -> None:
    keys = bybit_lab.open_account()
    order = {"category": "linear", "symbol": "BTCUSDT", "side": "Buy", "orderType": "Market", "qty": "0.001"}

    bybit_lab.post("/v5/order/create", {**order, "orderLinkId": "written-down"}, keys)

    (row,) = bybit_lab.records("request", account=keys.account)
    assert (row["path"], row["client_order_id"], row["code"]) == ("/v5/order/create", "written-down", 0)
    assert keys.api_key not in str(row)
    assert [e["client_order_id"] for e in bybit_lab.records("execution", account=keys.account)] == ["written-down"]
