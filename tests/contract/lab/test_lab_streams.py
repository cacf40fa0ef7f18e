"""The stream port spoken to directly: names in the address, combined streams, control frames and refusals."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from typing import Any

import aiohttp
from lab_process import Keys, LabProcess

LIMIT = {
    "symbol": "BTCUSDT",
    "side": "BUY",
    "type": "LIMIT",
    "timeInForce": "GTC",
    "quantity": "0.01",
    "price": "90000",
}
Socket = aiohttp.ClientWebSocketResponse


def talk(lab: LabProcess, path: str, body: Callable[[Socket], Awaitable[None]]) -> None:
    """Connect to a path of the stream port and run the conversation; nothing may hang."""

    async def whole() -> None:
        base = lab.urls["api"]["ws"]["spot"].removesuffix("/stream/ws")
        async with asyncio.timeout(20), aiohttp.ClientSession() as session, session.ws_connect(base + path) as socket:
            await body(socket)

    asyncio.run(whole())


async def ask(socket: Socket, message: Any) -> Any:
    await socket.send_json(message)
    return await socket.receive_json()


def signed(keys: Keys, **params: Any) -> dict[str, Any]:
    whole = {"apiKey": keys.api_key, "timestamp": int(time.time() * 1000), **params}
    payload = "&".join(f"{name}={whole[name]}" for name in sorted(whole))
    return {**whole, "signature": keys.sign(payload)}


def test_a_stream_named_in_the_address_needs_no_subscription(lab: LabProcess) -> None:
    async def body(socket: Socket) -> None:
        event = await socket.receive_json()
        assert (event["e"], event["s"]) == ("24hrMiniTicker", "BTCUSDT")
        assert await ask(socket, {"method": "LIST_SUBSCRIPTIONS", "id": 7}) == {
            "result": ["btcusdt@miniTicker"],
            "id": 7,
        }

    talk(lab, "/stream/ws/btcusdt@miniTicker", body)


def test_combined_streams_name_each_payload(lab: LabProcess) -> None:
    async def body(socket: Socket) -> None:
        event = await socket.receive_json()
        assert event["stream"] == "btcusdt@kline_5m"
        assert event["data"]["k"]["i"] == "5m"

    talk(lab, "/stream/stream?streams=btcusdt@kline_5m", body)


def test_frames_out_of_form_get_an_error_frame(lab: LabProcess) -> None:
    async def body(socket: Socket) -> None:
        await socket.send_str("{")
        assert (await socket.receive_json())["error"]["code"] == 3
        assert (await ask(socket, {"method": "SHOUT", "id": 1}))["error"]["code"] == 2
        assert (await ask(socket, {"method": "SUBSCRIBE", "params": "btcusdt@trade", "id": 2}))["error"]["code"] == 2

    talk(lab, "/stream/ws", body)


def test_a_talkative_client_is_disconnected(lab: LabProcess) -> None:
    async def body(socket: Socket) -> None:
        for i in range(6):  # One more than a second may hold; whatever is sent later might meet a closed connection.
            await socket.send_json({"method": "LIST_SUBSCRIPTIONS", "id": i})
        while (message := await socket.receive()).type == aiohttp.WSMsgType.TEXT:
            pass
        assert message.type == aiohttp.WSMsgType.CLOSE
        assert message.data == 1008

    talk(lab, "/stream/ws", body)


def test_the_websocket_api_answers_in_the_documented_envelope(lab: LabProcess) -> None:
    keys = lab.open_account("envelope", USDT="100000")

    async def body(socket: Socket) -> None:
        pong = await ask(socket, {"id": "p", "method": "ping"})
        assert (pong["id"], pong["status"], pong["result"]) == ("p", 200, {})
        assert pong["rateLimits"][0]["rateLimitType"] == "REQUEST_WEIGHT"
        unknown = await ask(socket, {"id": 1, "method": "order.guess"})
        assert (unknown["status"], "error" in unknown) == (400, True)
        subscribed = await ask(
            socket, {"id": 2, "method": "userDataStream.subscribe.signature", "params": signed(keys)}
        )
        assert subscribed["result"] == {"subscriptionId": 0}
        again = await ask(socket, {"id": 3, "method": "userDataStream.subscribe.signature", "params": signed(keys)})
        assert again["error"]["code"] == -2035
        wrong = await ask(socket, {"id": 4, "method": "account.status", "params": {**signed(keys), "signature": "00"}})
        assert (wrong["status"], wrong["error"]["code"]) == (400, -1022)

    talk(lab, "/ws-api/v3", body)


def test_a_muted_account_is_told_nothing_until_its_events_are_replayed(lab: LabProcess) -> None:
    keys = lab.open_account("muted", USDT="100000")

    async def body(socket: Socket) -> None:
        await ask(socket, {"id": 1, "method": "userDataStream.subscribe.signature", "params": signed(keys)})
        mute = lab.control("POST", "faults", account="muted", harm="mute")
        lab.signed("POST", "/api/v3/order", keys, LIMIT)
        assert (await ask(socket, {"id": 2, "method": "ping"}))["id"] == 2
        lab.control("DELETE", "faults", id=mute["id"])
        lab.control("POST", "replay", account="muted", count=10)
        first = await socket.receive_json()
        assert (first["subscriptionId"], first["event"]["e"], first["event"]["x"]) == (0, "executionReport", "NEW")
        assert (await socket.receive_json())["event"]["e"] == "outboundAccountPosition"

    talk(lab, "/ws-api/v3", body)


def test_faults_reach_the_websocket_api_too(lab: LabProcess) -> None:
    keys = lab.open_account("wsfault", USDT="100000")
    order = {**LIMIT, "newClientOrderId": "dropped-on-ws"}
    lab.control("POST", "faults", harm="execute_then_drop", method="WS", path="order.place", times=1)

    async def body(socket: Socket) -> None:
        await socket.send_json({"id": 1, "method": "order.place", "params": signed(keys, **order)})
        assert (await socket.receive()).type in (aiohttp.WSMsgType.CLOSE, aiohttp.WSMsgType.CLOSED)

    talk(lab, "/ws-api/v3", body)
    named = {"symbol": "BTCUSDT", "origClientOrderId": "dropped-on-ws"}
    assert lab.signed("GET", "/api/v3/order", keys, named).body["status"] == "NEW"
