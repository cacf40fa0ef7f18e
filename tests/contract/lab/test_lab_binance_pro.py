"""Unmodified ccxt.pro on Binance USDⓈ-M, and the futures streams spoken to directly."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Iterator
from itertools import pairwise
from typing import Any

import aiohttp
import ccxt
import ccxt.pro
import pytest
from binance_lab import BinanceLab, Keys

UM = "BTC/USDT:USDT"
Socket = aiohttp.ClientWebSocketResponse
MARKET = {"symbol": "BTCUSDT", "side": "BUY", "type": "MARKET", "quantity": "0.01"}
LIMIT = {
    "symbol": "BTCUSDT",
    "side": "BUY",
    "type": "LIMIT",
    "timeInForce": "GTC",
    "quantity": "0.01",
    "price": "90000",
}


@pytest.fixture(scope="module")
def markets(binance_lab: BinanceLab) -> Iterator[Any]:
    client = binance_lab.client()
    client.load_markets()
    yield client
    client.session.close()


def run(lab: BinanceLab, markets: Any, body: Callable[[Any], Awaitable[None]], keys: Keys | None = None) -> None:
    """Run with a client that knows the markets, and close it whatever happens; nothing may hang."""

    async def whole() -> None:
        client = ccxt.pro.binance(lab.options(keys, options={"defaultType": "swap"}))
        client.set_markets_from_exchange(markets)
        try:
            async with asyncio.timeout(20):
                await body(client)
        finally:
            await client.close()

    asyncio.run(whole())


async def heard(lab: BinanceLab, account: str) -> None:
    """Wait until somebody listens to an account."""
    while account not in lab.exchange.streams.listeners:
        await asyncio.sleep(0.01)


async def subscribed(lab: BinanceLab, name: str) -> None:
    while name not in lab.exchange.streams.topics:
        await asyncio.sleep(0.01)


def test_market_streams_follow_the_market(binance_lab: BinanceLab, markets: Any) -> None:
    async def body(client: Any) -> None:
        book = await client.watch_order_book(UM)
        assert book["bids"][0][0] < 100_000 < book["asks"][0][0]
        binance_lab.pin(100_100)
        while book["bids"][0][0] < 100_050:
            book = await client.watch_order_book(UM)
        fresh = await client.fetch_order_book(UM)
        assert [list(level) for level in book["bids"]] == fresh["bids"]
        binance_lab.pin(100_000)
        assert (await client.watch_ticker(UM))["symbol"] == UM
        assert (await client.watch_mark_price(UM))["markPrice"] == 100_000
        assert len(await client.watch_ohlcv(UM, "1m")) == 1
        watching = asyncio.ensure_future(client.watch_bids_asks([UM]))
        await subscribed(binance_lab, "fstream/btcusdt@bookTicker")
        binance_lab.pin(100_050)
        assert (await watching)[UM]["bid"] > 0
        watching = asyncio.ensure_future(client.watch_trades(UM))
        await subscribed(binance_lab, "fstream/btcusdt@trade")
        binance_lab.pin(100_000)
        assert (await watching)[-1]["symbol"] == UM

    run(binance_lab, markets, body)


def test_own_orders_fills_positions_and_balances_are_streamed(binance_lab: BinanceLab, markets: Any) -> None:
    keys = binance_lab.open_account()

    async def body(client: Any) -> None:
        orders = asyncio.ensure_future(client.watch_orders(UM))
        fills = asyncio.ensure_future(client.watch_my_trades(UM))
        balances = asyncio.ensure_future(client.watch_balance())
        await heard(binance_lab, keys.account)
        await client.fetch_positions([UM])
        client.options["watchPositions"] = {"fetchPositionsSnapshot": False, "awaitPositionsSnapshot": False}
        positions = asyncio.ensure_future(client.watch_positions([UM]))
        await asyncio.sleep(0)
        order = await client.create_order(UM, "market", "buy", 0.01)
        assert (await orders)[-1]["id"] == order["id"]
        fill = (await fills)[-1]
        assert (fill["order"], fill["takerOrMaker"], fill["amount"]) == (order["id"], "taker", 0.01)
        assert (await balances)["USDT"]["total"] == pytest.approx(10_000 - fill["fee"]["cost"])
        position = (await positions)[-1]
        assert (position["side"], position["contracts"], position["entryPrice"]) == ("long", 0.01, fill["price"])

    run(binance_lab, markets, body, keys)


def test_a_stop_is_streamed_from_its_birth_to_its_end(binance_lab: BinanceLab, markets: Any) -> None:
    keys = binance_lab.open_account()

    async def body(client: Any) -> None:
        await client.create_order(UM, "market", "buy", 0.01)
        watching = asyncio.ensure_future(client.watch_orders(UM))
        await heard(binance_lab, keys.account)
        stop = await client.create_order(
            UM, "market", "sell", 0.01, None, {"stopLossPrice": 97_000, "reduceOnly": True}
        )
        assert (await watching)[-1]["id"] == stop["id"]
        binance_lab.pin(96_900)
        try:
            seen: dict[str, str] = {}
            while seen.get(stop["id"]) != "closed" or len(seen) < 2:
                seen |= {order["id"]: order["status"] for order in await client.watch_orders(UM)}
            assert set(seen.values()) == {"closed"}
        finally:
            binance_lab.pin(100_000)

    run(binance_lab, markets, body, keys)


def test_a_spot_stop_is_streamed_under_one_id_and_futures_stay_out(binance_lab: BinanceLab, markets: Any) -> None:
    keys = binance_lab.open_account()

    async def body(client: Any) -> None:
        client.options["defaultType"] = "spot"
        watching = asyncio.ensure_future(client.watch_orders("BTC/USDT"))
        await heard(binance_lab, keys.account)
        binance_lab.signed("POST", "/fapi/v1/order", keys, MARKET)
        stop = await client.create_order("BTC/USDT", "market", "sell", 0.01, None, {"stopLossPrice": 97_000})
        first = (await watching)[-1]
        assert (first["id"], first["status"], first["triggerPrice"]) == (stop["id"], "open", 97_000)
        binance_lab.pin(96_900)
        try:
            last = first
            while last["status"] != "closed":
                last = (await client.watch_orders("BTC/USDT"))[-1]
        finally:
            binance_lab.pin(100_000)
        assert (last["id"], last["filled"]) == (stop["id"], 0.01)

    run(binance_lab, markets, body, keys)


def test_orders_over_the_websocket_api(binance_lab: BinanceLab, markets: Any) -> None:
    async def body(client: Any) -> None:
        filled = await client.create_order_ws(UM, "market", "buy", 0.01)
        assert filled["status"] == "closed"
        resting = await client.create_order_ws(UM, "limit", "buy", 0.01, 90_000)
        edited = await client.edit_order_ws(resting["id"], UM, "limit", "buy", 0.02, 91_000)
        assert (edited["id"], edited["amount"]) == (resting["id"], 0.02)
        assert (await client.fetch_order_ws(resting["id"], UM))["status"] == "open"
        assert (await client.cancel_order_ws(resting["id"], UM))["status"] == "canceled"
        stop = await client.create_order_ws(UM, "market", "sell", 0.01, None, {"stopLossPrice": 95_000})
        assert stop["info"]["algoStatus"] == "NEW"
        assert (await client.fetch_positions_ws([UM]))[0]["contracts"] == 0.01
        # Over WebSocket ccxt knows no table of futures' errors, in production neither.
        with pytest.raises(ccxt.ExchangeError, match="-2019"):
            await client.create_order_ws(UM, "limit", "buy", 30, 90_000)

    run(binance_lab, markets, body, binance_lab.open_account())


def talk(lab: BinanceLab, path: str, body: Callable[[Socket], Awaitable[None]]) -> None:
    """Connect to a path of the stream port and run the conversation; nothing may hang."""

    async def whole() -> None:
        async with asyncio.timeout(20), aiohttp.ClientSession() as session, session.ws_connect(lab.ws + path) as socket:
            await body(socket)

    asyncio.run(whole())


def listen_key(lab: BinanceLab, keys: Keys, method: str = "POST") -> Any:
    return lab.call(method, "/fapi/v1/listenKey", {"X-MBX-APIKEY": keys.api_key})


async def events(socket: Socket, count: int) -> list[Any]:
    return [await socket.receive_json() for _ in range(count)]


@pytest.mark.parametrize("path", ["/fstream/private/ws?listenKey={}", "/private/ws?listenKey={}", "/fstream/ws/{}"])
def test_a_listen_key_opens_the_stream_in_every_form_of_address(binance_lab: BinanceLab, path: str) -> None:
    keys = binance_lab.open_account()
    key = listen_key(binance_lab, keys).body["listenKey"]

    async def body(socket: Socket) -> None:
        await heard(binance_lab, keys.account)
        binance_lab.signed("POST", "/fapi/v1/order", keys, MARKET)
        told = await events(socket, 4)
        assert [event["e"] for event in told] == [
            "ORDER_TRADE_UPDATE",
            "TRADE_LITE",
            "ORDER_TRADE_UPDATE",
            "ACCOUNT_UPDATE",
        ]
        assert [event["o"]["x"] for event in (told[0], told[2])] == ["NEW", "TRADE"]
        account = told[3]["a"]
        assert (account["m"], account["B"][0]["bc"], account["P"][0]["pa"]) == ("ORDER", "0", "0.010")

    talk(binance_lab, path.format(key), body)


def test_settings_transfers_and_funding_are_told(binance_lab: BinanceLab) -> None:
    keys = binance_lab.open_account()
    key = listen_key(binance_lab, keys).body["listenKey"]
    binance_lab.signed("POST", "/fapi/v1/order", keys, MARKET)

    async def body(socket: Socket) -> None:
        await heard(binance_lab, keys.account)
        binance_lab.signed("POST", "/fapi/v1/leverage", keys, {"symbol": "BTCUSDT", "leverage": 7})
        config = await socket.receive_json()
        assert (config["e"], config["ac"]) == ("ACCOUNT_CONFIG_UPDATE", {"s": "BTCUSDT", "l": 7})
        moved = {"type": "MAIN_UMFUTURE", "asset": "USDT", "amount": "100"}
        assert binance_lab.signed("POST", "/sapi/v1/asset/transfer", keys, moved).status == 200
        transfer = (await socket.receive_json())["a"]
        assert (transfer["m"], transfer["B"][0]["bc"], transfer["P"]) == ("DEPOSIT", "100.00000000", [])
        binance_lab.run(binance_lab.exchange.charge_funding)
        funding = (await socket.receive_json())["a"]
        assert (funding["m"], funding["P"]) == ("FUNDING_FEE", [])
        assert float(funding["B"][0]["bc"]) != 0

    talk(binance_lab, f"/fstream/private/ws?listenKey={key}", body)


def test_a_margin_call_comes_before_the_liquidation(binance_lab: BinanceLab) -> None:
    keys = binance_lab.open_account(futures="1000")
    key = listen_key(binance_lab, keys).body["listenKey"]
    binance_lab.signed("POST", "/fapi/v1/leverage", keys, {"symbol": "BTCUSDT", "leverage": 100})
    binance_lab.signed("POST", "/fapi/v1/order", keys, MARKET | {"quantity": "0.5"})

    async def body(socket: Socket) -> None:
        await heard(binance_lab, keys.account)
        try:
            binance_lab.pin(98_480)
            call = await socket.receive_json()
            assert (call["e"], call["p"][0]["s"], call["p"][0]["mt"]) == ("MARGIN_CALL", "BTCUSDT", "CROSSED")
            binance_lab.pin(98_000)
            told = [await socket.receive_json()]
            while told[-1]["e"] != "ACCOUNT_UPDATE":
                told.append(await socket.receive_json())
        finally:
            binance_lab.pin(100_000)
        orders = [event["o"] for event in told if event["e"] == "ORDER_TRADE_UPDATE"]
        assert {order["c"].partition("-")[0] for order in orders} == {"autoclose"}
        assert [order["x"] for order in orders][:2] == ["NEW", "CALCULATED"]
        assert told[-1]["a"]["P"][0]["pa"] == "0.000"

    talk(binance_lab, f"/fstream/private/ws?listenKey={key}", body)


def test_only_the_events_asked_for_are_sent(binance_lab: BinanceLab) -> None:
    keys = binance_lab.open_account()
    key = listen_key(binance_lab, keys).body["listenKey"]

    async def body(socket: Socket) -> None:
        await heard(binance_lab, keys.account)
        binance_lab.signed("POST", "/fapi/v1/order", keys, MARKET)
        wrapped = await socket.receive_json()
        assert (wrapped["stream"], wrapped["data"]["e"]) == (key, "ACCOUNT_UPDATE")

    talk(binance_lab, f"/fstream/private/stream?listenKey={key}&events=ACCOUNT_UPDATE", body)


def test_asking_again_returns_the_same_listen_key_until_it_is_closed(binance_lab: BinanceLab) -> None:
    keys = binance_lab.open_account()
    first = listen_key(binance_lab, keys).body
    assert listen_key(binance_lab, keys).body == first
    assert listen_key(binance_lab, keys, "PUT").body == first
    assert listen_key(binance_lab, keys, "DELETE").body == {}
    assert listen_key(binance_lab, keys, "PUT").error[:2] == (400, -1125)
    assert listen_key(binance_lab, keys).body != first
    assert binance_lab.call("POST", "/fapi/v1/listenKey").error == (401, -2014, "API-key format invalid.")


@pytest.mark.parametrize("mode", ["silently", "event", "close"])
def test_a_listen_key_can_end_in_three_ways(binance_lab: BinanceLab, mode: str) -> None:
    keys = binance_lab.open_account()
    key = listen_key(binance_lab, keys).body["listenKey"]

    async def body(socket: Socket) -> None:
        await heard(binance_lab, keys.account)
        assert binance_lab.run(binance_lab.binance.expire_listen_keys, mode, keys.account) == 1
        if mode == "event":
            told = await socket.receive_json()
            assert (told["e"], told["listenKey"]) == ("listenKeyExpired", key)
        if mode == "close":
            assert (await socket.receive()).type in (aiohttp.WSMsgType.CLOSE, aiohttp.WSMsgType.CLOSED)
            return
        binance_lab.signed("POST", "/fapi/v1/order", keys, MARKET)
        await socket.send_json({"method": "LIST_SUBSCRIPTIONS", "id": 1})
        assert (await socket.receive_json())["id"] == 1

    talk(binance_lab, f"/fstream/private/ws?listenKey={key}", body)
    assert listen_key(binance_lab, keys, "PUT").body["code"] == -1125


def test_a_listen_key_ends_after_an_hour(binance_lab: BinanceLab) -> None:
    keys = binance_lab.open_account()
    key = listen_key(binance_lab, keys).body["listenKey"]

    async def body(socket: Socket) -> None:
        await heard(binance_lab, keys.account)
        binance_lab.skew_ms = 3_600_001
        try:
            assert (await socket.receive_json())["e"] == "listenKeyExpired"
        finally:
            binance_lab.skew_ms = 0

    talk(binance_lab, f"/fstream/private/ws?listenKey={key}", body)


def test_a_private_stream_can_be_cut(binance_lab: BinanceLab) -> None:
    keys = binance_lab.open_account()
    key = listen_key(binance_lab, keys).body["listenKey"]

    async def body(socket: Socket) -> None:
        await heard(binance_lab, keys.account)
        assert binance_lab.run(binance_lab.binance.disconnect, keys.account) == 1
        assert (await socket.receive()).type in (aiohttp.WSMsgType.CLOSE, aiohttp.WSMsgType.CLOSED)

    talk(binance_lab, f"/fstream/private/ws?listenKey={key}", body)


def test_book_changes_have_no_gaps(binance_lab: BinanceLab) -> None:
    async def body(socket: Socket) -> None:
        await subscribed(binance_lab, "fstream/btcusdt@depth@100ms")
        told = []
        for px in (100_010, 100_020, 100_000):
            binance_lab.pin(px)
            told.append(await socket.receive_json())
        assert all(after["pu"] == before["u"] for before, after in pairwise(told))
        assert all(event["U"] <= event["u"] and event["e"] == "depthUpdate" for event in told)

    talk(binance_lab, "/fstream/public/ws/btcusdt@depth@100ms", body)


def test_a_stream_on_the_wrong_part_is_acknowledged_and_silent(binance_lab: BinanceLab) -> None:
    async def body(socket: Socket) -> None:
        await socket.send_json({"method": "SUBSCRIBE", "params": ["ethusdt@markPrice@1s"], "id": 1})
        assert await socket.receive_json() == {"result": None, "id": 1}
        assert "fstream/ethusdt@markPrice@1s" not in binance_lab.exchange.streams.topics

    talk(binance_lab, "/fstream/public/ws", body)


def test_the_websocket_api_answers_in_the_documented_envelope(binance_lab: BinanceLab) -> None:
    keys = binance_lab.open_account()

    def signed(**params: Any) -> dict[str, Any]:
        whole = {"apiKey": keys.api_key, "timestamp": int(time.time() * 1000), **params}
        text = "&".join(f"{name}={whole[name]}" for name in sorted(whole))
        return {**whole, "signature": keys.sign(text)}

    async def body(socket: Socket) -> None:
        await socket.send_json({"id": "a", "method": "order.place", "params": signed(**LIMIT)})
        answer = await socket.receive_json()
        assert (answer["id"], answer["status"], answer["result"]["status"]) == ("a", 200, "NEW")
        limits = {(row["rateLimitType"], row["interval"]): row["limit"] for row in answer["rateLimits"]}
        assert limits == {("REQUEST_WEIGHT", "MINUTE"): 2400, ("ORDERS", "SECOND"): 300, ("ORDERS", "MINUTE"): 1200}
        await socket.send_json({"id": "b", "method": "order.place", "params": signed(**LIMIT | {"quantity": "0"})})
        refused = await socket.receive_json()
        assert (refused["status"], refused["error"]["code"]) == (400, -4003)
        await socket.send_json({"id": "c", "method": "userDataStream.start", "params": {"apiKey": keys.api_key}})
        assert len((await socket.receive_json())["result"]["listenKey"]) == 64

    talk(binance_lab, "/ws-fapi/v1", body)
