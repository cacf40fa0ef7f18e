"""Order lists of Binance Spot: OCO pairs by plain calls, unmodified ccxt and the vendor's own SDK."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Iterator
from decimal import Decimal
from typing import Any

import aiohttp
import ccxt
import pytest
from binance_common.configuration import ConfigurationRestAPI
from binance_lab import BinanceLab, Keys, Reply
from binance_sdk_spot import Spot
from copydesk.venues.lab.model import BUY, LIMIT, SELL, SPOT, NewOrder

D = Decimal
SELL_PAIR = {
    "symbol": "BTCUSDT",
    "side": "SELL",
    "quantity": "0.4",
    "aboveType": "LIMIT_MAKER",
    "abovePrice": "101000",
    "belowType": "STOP_LOSS_LIMIT",
    "belowStopPrice": "99000",
    "belowPrice": "98900",
    "belowTimeInForce": "GTC",
}
BUY_PAIR = {
    "symbol": "BTCUSDT",
    "side": "BUY",
    "quantity": "0.01",
    "belowType": "LIMIT_MAKER",
    "belowPrice": "99000",
    "aboveType": "STOP_LOSS_LIMIT",
    "aboveStopPrice": "101000",
    "abovePrice": "101500",
    "aboveTimeInForce": "GTC",
}


@pytest.fixture
def lab(binance_lab: BinanceLab) -> Iterator[BinanceLab]:
    """The module's lab with BTC at 100,000 before and after."""
    binance_lab.forget_limits()
    binance_lab.pin(100_000)
    yield binance_lab
    binance_lab.pin(100_000)


@pytest.fixture
def keys(lab: BinanceLab) -> Keys:
    return lab.open_account()


def place(lab: BinanceLab, keys: Keys, pair: dict[str, str], **changed: str | None) -> Reply:
    asked = {name: value for name, value in {**pair, **changed}.items() if value is not None}
    return lab.signed("POST", "/api/v3/orderList/oco", keys, asked)


def money(lab: BinanceLab, keys: Keys) -> dict[str, tuple[Decimal, Decimal]]:
    rows = lab.signed("GET", "/api/v3/account", keys).body["balances"]
    return {row["asset"]: (D(row["free"]), D(row["locked"])) for row in rows}


def order(lab: BinanceLab, keys: Keys, order_id: int) -> dict[str, Any]:
    body: dict[str, Any] = lab.signed("GET", "/api/v3/order", keys, {"symbol": "BTCUSDT", "orderId": order_id}).body
    return body


def list_of(lab: BinanceLab, keys: Keys, list_id: int) -> dict[str, Any]:
    body: dict[str, Any] = lab.signed("GET", "/api/v3/orderList", keys, {"orderListId": list_id}).body
    return body


def states(lab: BinanceLab, keys: Keys, placed: dict[str, Any]) -> tuple[str, str, str]:
    """Return the state of the stop, of the limit order and of their list."""
    stop, limit = (order(lab, keys, leg["orderId"])["status"] for leg in placed["orders"])
    return stop, limit, list_of(lab, keys, placed["orderListId"])["listOrderStatus"]


def trade_alone(lab: BinanceLab, keys: Keys, side: str, qty: str, px: str) -> None:
    """Let an account trade at a price while the house quotes nothing, so that it meets other accounts only."""

    def trade() -> None:
        now_ms = int(lab.exchange.now_ms())
        lab.exchange.publish(lab.exchange.spot.place_quotes("BTCUSDT", [], [], now_ms), now_ms)
        wish = NewOrder(keys.account, "", "BTCUSDT", side, LIMIT, D(qty), px=D(px))
        result = lab.exchange.spot.submit(wish, now_ms)
        lab.exchange.publish(result.events, now_ms)
        lab.exchange.makers[SPOT].forget("BTCUSDT")

    lab.run(trade)


def test_a_pair_is_answered_in_the_documented_form(lab: BinanceLab, keys: Keys) -> None:
    told = place(lab, keys, SELL_PAIR, listClientOrderId="pair", aboveClientOrderId="up", belowClientOrderId="down")
    placed = told.body
    assert told.status == 200
    assert told.headers["x-mbx-order-count-10s"] == "2"
    assert {name: placed[name] for name in ("contingencyType", "listStatusType", "listOrderStatus", "symbol")} == {
        "contingencyType": "OCO",
        "listStatusType": "EXEC_STARTED",
        "listOrderStatus": "EXECUTING",
        "symbol": "BTCUSDT",
    }
    assert [leg["clientOrderId"] for leg in placed["orders"]] == ["down", "up"]
    stop, limit = placed["orderReports"]
    assert (stop["type"], stop["stopPrice"], stop["price"]) == ("STOP_LOSS_LIMIT", "99000.00000000", "98900.00000000")
    assert (stop["workingTime"], limit["type"]) == (-1, "LIMIT_MAKER")
    assert limit["workingTime"] == limit["transactTime"] == placed["transactionTime"]
    assert "stopPrice" not in limit
    assert {report["orderListId"] for report in (stop, limit)} == {placed["orderListId"]}
    shown = lab.signed("GET", "/api/v3/openOrders", keys).body
    assert [(row["orderListId"], row["isWorking"]) for row in shown] == [
        (placed["orderListId"], False),
        (placed["orderListId"], True),
    ]
    queried = {name: value for name, value in placed.items() if name != "orderReports"}
    assert list_of(lab, keys, placed["orderListId"]) == queried
    by_name = lab.signed("GET", "/api/v3/orderList", keys, {"origClientOrderId": "pair"}).body
    assert by_name == queried
    assert lab.signed("GET", "/api/v3/openOrderList", keys).body == [queried]


def test_both_legs_share_one_lock(lab: BinanceLab, keys: Keys) -> None:
    place(lab, keys, SELL_PAIR)
    assert money(lab, keys)["BTC"] == (D("0.6"), D("0.4"))
    assert place(lab, keys, SELL_PAIR).status == 200
    assert money(lab, keys)["BTC"] == (D("0.2"), D("0.8"))
    assert place(lab, keys, SELL_PAIR).error == (
        400,
        -2010,
        "Account has insufficient balance for requested action.",
    )
    assert money(lab, keys)["BTC"] == (D("0.2"), D("0.8"))


def test_a_pair_to_buy_locks_what_its_dearer_leg_needs(lab: BinanceLab, keys: Keys) -> None:
    placed = place(lab, keys, BUY_PAIR).body
    assert money(lab, keys)["USDT"] == (D(10_000) - D(1_015), D(1_015))
    lab.signed("DELETE", "/api/v3/orderList", keys, {"symbol": "BTCUSDT", "orderListId": placed["orderListId"]})
    assert money(lab, keys)["USDT"] == (D(10_000), D(0))
    assert place(lab, keys, BUY_PAIR, quantity="0.1").error[1] == -2010


def test_the_limit_order_filled_ends_the_stop(lab: BinanceLab, keys: Keys) -> None:
    placed = place(lab, keys, SELL_PAIR).body
    lab.pin(101_500)
    assert states(lab, keys, placed) == ("EXPIRED", "FILLED", "ALL_DONE")
    held = money(lab, keys)
    assert held["BTC"] == (D("0.6"), D(0))
    assert held["USDT"] == (D(10_000) + D("0.4") * 101_000 * D("0.999"), D(0))
    lab.pin(98_000)
    assert money(lab, keys) == held, "the stop is gone"
    (trade, *_) = lab.signed("GET", "/api/v3/myTrades", keys, {"symbol": "BTCUSDT"}).body
    assert trade["orderListId"] == placed["orderListId"]
    assert lab.signed("GET", "/api/v3/openOrderList", keys).body == []


def test_the_stop_triggered_frees_the_money_of_the_limit_order_and_sells(lab: BinanceLab) -> None:
    keys = lab.open_account(BTC="0.4")
    placed = place(lab, keys, SELL_PAIR, belowType="STOP_LOSS", belowPrice=None, belowTimeInForce=None).body
    lab.pin(98_500)
    assert states(lab, keys, placed) == ("FILLED", "EXPIRED", "ALL_DONE")
    held = money(lab, keys)
    assert held["BTC"] == (D(0), D(0))
    assert held["USDT"][1] == 0
    assert held["USDT"][0] > D("0.4") * 98_000
    assert order(lab, keys, placed["orders"][1]["orderId"])["expiryReason"] == "OCO_TRIGGER"


def test_a_triggered_limit_leg_keeps_the_list_open_and_ends_it_with_itself(lab: BinanceLab) -> None:
    keys = lab.open_account(BTC="0.4")
    placed = place(lab, keys, SELL_PAIR, belowPrice="99500").body
    lab.pin(98_900)
    assert states(lab, keys, placed) == ("NEW", "EXPIRED", "EXECUTING")
    assert money(lab, keys)["BTC"] == (D(0), D("0.4"))
    told = lab.signed(
        "DELETE", "/api/v3/orderList", keys, {"symbol": "BTCUSDT", "orderListId": placed["orderListId"]}
    ).body
    assert [report["type"] for report in told["orderReports"]] == ["STOP_LOSS_LIMIT"]
    assert states(lab, keys, placed) == ("CANCELED", "EXPIRED", "ALL_DONE")
    assert money(lab, keys)["BTC"] == (D("0.4"), D(0))


def test_a_partial_fill_of_the_limit_order_ends_the_stop_and_leaves_the_rest(lab: BinanceLab, keys: Keys) -> None:
    placed = place(lab, keys, SELL_PAIR).body
    trade_alone(lab, lab.open_account(USDT="100000"), BUY, "0.1", "101000")
    assert states(lab, keys, placed) == ("EXPIRED", "PARTIALLY_FILLED", "EXECUTING")
    assert money(lab, keys)["BTC"] == (D("0.6"), D("0.3"))
    lab.signed("DELETE", "/api/v3/openOrders", keys, {"symbol": "BTCUSDT"})
    assert states(lab, keys, placed)[1:] == ("CANCELED", "ALL_DONE")


@pytest.mark.parametrize("leg", [0, 1])
def test_canceling_one_leg_cancels_the_list(lab: BinanceLab, keys: Keys, leg: int) -> None:
    placed = place(lab, keys, SELL_PAIR).body
    named = {"symbol": "BTCUSDT", "orderId": placed["orders"][leg]["orderId"], "newClientOrderId": "enough"}
    told = lab.signed("DELETE", "/api/v3/order", keys, named).body
    assert (told["orderListId"], told["listStatusType"]) == (placed["orderListId"], "ALL_DONE")
    assert [(r["status"], r["clientOrderId"]) for r in told["orderReports"]] == [("CANCELED", "enough")] * 2
    assert states(lab, keys, placed) == ("CANCELED", "CANCELED", "ALL_DONE")
    assert money(lab, keys)["BTC"] == (D(1), D(0))


def test_canceling_everything_tells_lists_as_lists(lab: BinanceLab, keys: Keys) -> None:
    single = {"symbol": "BTCUSDT", "side": "BUY", "type": "LIMIT", "timeInForce": "GTC", "quantity": "0.01"}
    lab.signed("POST", "/api/v3/order", keys, {**single, "price": "90000"})
    placed = place(lab, keys, SELL_PAIR).body
    rows = lab.signed("DELETE", "/api/v3/openOrders", keys, {"symbol": "BTCUSDT"}).body
    assert [(row["orderListId"], len(row.get("orderReports", ()))) for row in rows] == [
        (-1, 0),
        (placed["orderListId"], 2),
    ]
    assert lab.signed("GET", "/api/v3/openOrders", keys).body == []


def test_an_amended_leg_tells_of_its_list_and_the_other_keeps_its_money(lab: BinanceLab, keys: Keys) -> None:
    placed = place(lab, keys, BUY_PAIR).body
    limit_id = placed["orders"][1]["orderId"]
    asked = {"symbol": "BTCUSDT", "orderId": limit_id, "newQty": "0.005", "newClientOrderId": "half"}
    told = lab.signed("PUT", "/api/v3/order/amend/keepPriority", keys, asked).body
    assert told["amendedOrder"]["orderListId"] == told["listStatus"]["orderListId"] == placed["orderListId"]
    assert told["listStatus"]["orders"][1]["clientOrderId"] == "half"
    assert money(lab, keys)["USDT"][1] == D(1_015)


def test_two_stops_make_a_pair_too(lab: BinanceLab, keys: Keys) -> None:
    goal = {"aboveType": "TAKE_PROFIT", "abovePrice": None, "aboveStopPrice": "101000"}
    placed = place(lab, keys, SELL_PAIR, **goal).body
    assert money(lab, keys)["BTC"] == (D("0.6"), D("0.4"))
    lab.pin(101_200)
    assert states(lab, keys, placed) == ("EXPIRED", "FILLED", "ALL_DONE")
    assert money(lab, keys)["BTC"] == (D("0.6"), D(0))


PRICES = "The relationship of the prices for the orders is not correct."


@pytest.mark.parametrize(
    ("changed", "code", "text"),
    [
        ({"abovePrice": "99500"}, -2010, PRICES),
        ({"belowStopPrice": "100500"}, -2010, PRICES),
        ({"abovePrice": "101000.001"}, -1013, "Filter failure: PRICE_FILTER"),
        ({"belowPrice": "98900.001"}, -1013, "Filter failure: PRICE_FILTER"),
        ({"quantity": "0.000001"}, -1013, "Filter failure: LOT_SIZE"),
        ({"quantity": "0.00002", "abovePrice": "101000"}, -1013, "Filter failure: NOTIONAL"),
        ({"quantity": "2"}, -2010, "Account has insufficient balance for requested action."),
        ({"aboveType": None}, -1102, "Mandatory parameter 'aboveType' was not sent, was empty/null, or malformed."),
        ({"abovePrice": None}, -1102, "Mandatory parameter 'abovePrice' was not sent, was empty/null, or malformed."),
        (
            {"belowTimeInForce": None},
            -1102,
            "Mandatory parameter 'belowTimeInForce' was not sent, was empty/null, or malformed.",
        ),
        ({"aboveTimeInForce": "GTC"}, -1106, "Parameter 'aboveTimeInForce' sent when not required."),
        ({"aboveIcebergQty": "0.1"}, -2010, "Iceberg orders are not supported for this symbol."),
        ({"aboveType": "LIMIT"}, -1158, "Order type not supported in OCO."),
        ({"aboveType": "GUESS"}, -1116, "Invalid orderType."),
        ({"belowType": "LIMIT_MAKER"}, -1168, "At least one OCO order must be contingent."),
        ({"aboveType": "STOP_LOSS"}, -1197, "A stop loss order in a sell OCO must be below."),
        ({"belowType": "TAKE_PROFIT_LIMIT"}, -1199, "A take profit order in a sell OCO must be above."),
        ({"side": "BUY"}, -1165, "A limit order in a buy OCO must be below."),
        ({"aboveClientOrderId": "same", "belowClientOrderId": "same"}, -2010, "Duplicate order sent."),
        ({"price": "1"}, -1104, "Not all sent parameters were read; read '11' parameter(s) but was sent '12'."),
    ],
)
def test_a_wrong_pair_is_refused_whole(
    lab: BinanceLab, keys: Keys, changed: dict[str, str | None], code: int, text: str
) -> None:
    assert place(lab, keys, SELL_PAIR, **changed).error == (400, code, text)
    assert lab.signed("GET", "/api/v3/openOrders", keys).body == []
    assert money(lab, keys)["BTC"] == (D(1), D(0))


def test_an_unknown_or_finished_list_is_refused(lab: BinanceLab, keys: Keys) -> None:
    placed = place(lab, keys, SELL_PAIR, listClientOrderId="mine").body
    assert place(lab, keys, SELL_PAIR, listClientOrderId="mine").error == (400, -2010, "Duplicate order sent.")
    wrong = {"symbol": "BTCUSDT", "orderListId": placed["orderListId"], "listClientOrderId": "other"}
    assert lab.signed("DELETE", "/api/v3/orderList", keys, wrong).error == (400, -2011, "Unknown order sent.")
    named = {"symbol": "BTCUSDT", "listClientOrderId": "mine"}
    assert lab.signed("DELETE", "/api/v3/orderList", keys, named).status == 200
    assert lab.signed("DELETE", "/api/v3/orderList", keys, named).error == (400, -2011, "Unknown order sent.")
    assert lab.signed("GET", "/api/v3/orderList", keys, {"orderListId": 10**9}).error[1] == -2018
    stranger = lab.open_account()
    assert lab.signed("GET", "/api/v3/orderList", stranger, {"orderListId": placed["orderListId"]}).error[1] == -2018
    assert place(lab, keys, SELL_PAIR, listClientOrderId="mine").status == 200, "the name is free again"


def test_a_symbol_takes_twenty_open_lists(lab: BinanceLab, keys: Keys) -> None:
    small = {**SELL_PAIR, "quantity": "0.001"}
    for _ in range(20):
        assert place(lab, keys, small).status == 200
    assert place(lab, keys, small).error == (400, -1013, "Filter failure: MAX_NUM_ORDER_LISTS")
    ids = [row["orderListId"] for row in lab.signed("GET", "/api/v3/allOrderList", keys, {"limit": 3}).body]
    assert ids == sorted(ids, reverse=True)
    older = lab.signed("GET", "/api/v3/allOrderList", keys, {"fromId": ids[1]}).body
    assert [row["orderListId"] for row in older] == ids[:2]
    lab.signed("DELETE", "/api/v3/openOrders", keys, {"symbol": "BTCUSDT"})


def test_a_crash_brings_lists_back_with_what_they_hold(lab: BinanceLab, keys: Keys) -> None:
    placed = place(lab, keys, BUY_PAIR).body
    before = money(lab, keys)

    def again() -> Any:
        fresh = type(lab.exchange.spot)(lab.exchange.listing.spot, rules=lab.exchange.listing.spot_rules)
        fresh.fill(lab.exchange.spot.snapshot())
        return fresh

    engine = lab.run(again)
    assert engine.balances(keys.account)["USDT"] == before["USDT"]
    (one,) = engine.order_lists.of(keys.account, open_only=True)
    assert (one.list_id, one.held) == (placed["orderListId"], D("0.01") * (101_500 - 99_000))


def test_unmodified_ccxt_trades_pairs_over_its_implicit_calls(lab: BinanceLab, keys: Keys) -> None:
    client: Any = lab.client(keys)
    try:
        placed = client.private_post_orderlist_oco(SELL_PAIR)
        assert placed["listOrderStatus"] == "EXECUTING"
        assert client.private_get_openorderlist()[0]["orderListId"] == placed["orderListId"]
        assert len(client.fetch_open_orders("BTC/USDT")) == 2
        assert client.fetch_balance()["BTC"] == {"free": 0.6, "used": 0.4, "total": 1.0}
        named = {"symbol": "BTCUSDT", "orderListId": placed["orderListId"]}
        assert client.private_delete_orderlist(named)["listOrderStatus"] == "ALL_DONE"
        with pytest.raises(ccxt.OrderNotFound):
            client.private_delete_orderlist(named)
        old = {"symbol": "BTCUSDT", "side": "SELL", "quantity": "0.1", "price": "101000", "stopPrice": "99000"}
        stop, limit = client.private_post_order_oco(old)["orderReports"]
        assert (stop["type"], limit["type"]) == ("STOP_LOSS", "LIMIT_MAKER")
        assert client.private_get_allorderlist()[1]["orderListId"] == placed["orderListId"]
        with pytest.raises(ccxt.ExchangeError, match="OTO orders are not supported"):
            client.private_post_orderlist_oto({"symbol": "BTCUSDT"})
    finally:
        client.session.close()


def test_the_vendor_s_sdk_reads_every_answer(lab: BinanceLab, keys: Keys) -> None:
    setup = ConfigurationRestAPI(api_key=keys.api_key, api_secret=keys.secret, base_path=lab.rest, retries=1)
    rest = Spot(config_rest_api=setup).rest_api
    placed = rest.order_list_oco(
        "BTCUSDT",
        "SELL",
        0.1,
        "TAKE_PROFIT_LIMIT",
        "STOP_LOSS",
        above_price=101_000.0,
        above_stop_price=100_900.0,
        above_time_in_force="GTC",
        below_trailing_delta=100,
        new_order_resp_type="FULL",
    ).data()
    assert [report.type for report in placed.order_reports] == ["STOP_LOSS", "TAKE_PROFIT_LIMIT"]
    assert rest.get_order_list(order_list_id=placed.order_list_id).data().list_order_status == "EXECUTING"
    assert [one.order_list_id for one in rest.open_order_list().data()] == [placed.order_list_id]
    gone = rest.delete_order_list("BTCUSDT", order_list_id=placed.order_list_id).data()
    assert [report.status for report in gone.order_reports] == ["CANCELED", "CANCELED"]
    assert rest.all_order_list().data()[0].list_status_type == "ALL_DONE"
    old = rest.order_oco(
        "BTCUSDT", "SELL", 0.1, 101_000.0, 99_000.0, stop_limit_price=98_900.0, stop_limit_time_in_force="GTC"
    ).data()
    assert old.order_reports[0].type == "STOP_LOSS_LIMIT"
    assert "MAX_NUM_ORDER_LISTS" in str(rest.exchange_info(symbol="BTCUSDT").data())


def user_stream(lab: BinanceLab, keys: Keys, body: Callable[[Any], Awaitable[None]]) -> None:
    """Subscribe to the account's events over the WebSocket API and run the conversation."""

    async def whole() -> None:
        url = f"{lab.ws}/ws-api/v3"
        async with asyncio.timeout(20), aiohttp.ClientSession() as session, session.ws_connect(url) as socket:
            await socket.send_json({"id": 0, "method": "userDataStream.subscribe.signature", "params": signed(keys)})
            assert (await socket.receive_json())["status"] == 200
            await body(socket)

    asyncio.run(whole())


def signed(keys: Keys, **params: Any) -> dict[str, Any]:
    whole = {"apiKey": keys.api_key, "timestamp": int(time.time() * 1000), **params}
    payload = "&".join(f"{name}={whole[name]}" for name in sorted(whole))
    return {**whole, "signature": keys.sign(payload)}


async def events_until_done(socket: Any) -> list[dict[str, Any]]:
    """Return the order and list events up to the end of a list."""
    seen: list[dict[str, Any]] = []
    while not seen or seen[-1].get("L") != "ALL_DONE":
        event = (await socket.receive_json()).get("event", {})
        if event.get("e") in ("executionReport", "listStatus"):
            seen.append(event)
    return seen


def test_the_user_data_stream_tells_the_life_of_a_list(lab: BinanceLab, keys: Keys) -> None:
    async def body(socket: Any) -> None:
        placed = (await asyncio.to_thread(place, lab, keys, SELL_PAIR)).body
        await asyncio.to_thread(lab.pin, 101_500)
        seen = await events_until_done(socket)
        reports = [(e["x"], e["X"], e["o"]) for e in seen if e["e"] == "executionReport"]
        assert reports == [
            ("NEW", "NEW", "STOP_LOSS_LIMIT"),
            ("NEW", "NEW", "LIMIT_MAKER"),
            *[("TRADE", state, "LIMIT_MAKER") for state in trades(seen)],
            ("EXPIRED", "EXPIRED", "STOP_LOSS_LIMIT"),
        ]
        assert {e["g"] for e in seen} == {placed["orderListId"]}
        expired = next(e for e in seen if e.get("x") == "EXPIRED")
        assert expired["eR"] == "OCO_TRIGGER"
        lists = [e for e in seen if e["e"] == "listStatus"]
        assert [(e["l"], e["L"]) for e in lists] == [("EXEC_STARTED", "EXECUTING"), ("ALL_DONE", "ALL_DONE")]
        first = lists[0]
        assert (first["s"], first["c"], first["r"], first["C"]) == (
            "BTCUSDT",
            "OCO",
            "NONE",
            placed["listClientOrderId"],
        )
        assert [leg["i"] for leg in first["O"]] == [leg["orderId"] for leg in placed["orders"]]

    user_stream(lab, keys, body)


def trades(seen: list[dict[str, Any]]) -> list[str]:
    return [e["X"] for e in seen if e.get("x") == "TRADE"]


def test_the_websocket_api_places_and_cancels_lists(lab: BinanceLab, keys: Keys) -> None:
    async def body(socket: Any) -> None:
        await socket.send_json({"id": 1, "method": "orderList.place.oco", "params": signed(keys, **SELL_PAIR)})
        while (told := await socket.receive_json()).get("id") != 1:
            pass
        list_id = told["result"]["orderListId"]
        named = signed(keys, symbol="BTCUSDT", orderListId=list_id)
        await socket.send_json({"id": 2, "method": "orderList.cancel", "params": named})
        seen = await events_until_done(socket)
        assert [e["X"] for e in seen if e.get("x") == "CANCELED"] == ["CANCELED"] * 2
        await socket.send_json({"id": 3, "method": "orderList.status", "params": signed(keys, orderListId=list_id)})
        while (told := await socket.receive_json()).get("id") != 3:
            pass
        assert told["result"]["listOrderStatus"] == "ALL_DONE"

    user_stream(lab, keys, body)


def test_a_leg_meets_another_client_s_order(lab: BinanceLab, keys: Keys) -> None:
    """Money moves between two real accounts, and to the last digit."""
    placed = place(lab, keys, BUY_PAIR, aboveType="STOP_LOSS", abovePrice=None, aboveTimeInForce=None).body
    seller = lab.open_account(BTC="1")
    before = lab.run(lab.exchange.spot.totals)
    trade_alone(lab, seller, SELL, "0.01", "99000")
    assert states(lab, keys, placed) == ("EXPIRED", "FILLED", "ALL_DONE")
    held = money(lab, keys)
    assert held["USDT"] == (D(10_000) - D(990), D(0))
    assert held["BTC"] == (D(1) + D("0.01") * D("0.999"), D(0))
    assert lab.run(lab.exchange.spot.totals) == before
