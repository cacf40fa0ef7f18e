"""Binance's two private connections as one stream: what is asked, what is understood, when it starts anew."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import aclosing, asynccontextmanager
from typing import Any

import orjson
import pytest
from aiohttp import web
from copydesk.kernel import VenueRefused
from copydesk.trading import Credentials, Denial, PositionSide
from copydesk.venues import StreamEvent, StreamState, StreamTiming, VenueUrls
from copydesk.venues.binance.adapter import Binance
from copydesk.venues.binance.signing import sign
from copydesk.venues.binance.stream import BinanceStream, PerpetualChannel
from copydesk.venues.stream import ConnectBudget, Line, watch
from stream_server import StreamServer, stream_server, until, until_closed
from venue_symbols import known_symbols

KEY = Credentials(1, "key", "secret")
QUICK = StreamTiming(probe_after_s=5.0, backoff_min_s=0.01, confirm_max_s=2.0)
RIGHTS = {"enableReading": True, "enableSpotAndMarginTrading": True, "enableFutures": True}
REST: dict[str, Any] = {
    "GET /sapi/v1/account/apiRestrictions": RIGHTS,
    "POST /fapi/v1/listenKey": {"listenKey": "pqia91ma19a5s61cv6a81va65sdf19v8a65a1a5s61cv6a81va65sdf19v8a65a1"},
}
# binance-spot-api-docs, user-data-stream.md, "Order Update", as the WebSocket API wraps it.
REPORT = {
    "subscriptionId": 0,
    "event": {"e": "executionReport", "E": 1, "s": "BTCUSDT", "c": "mine", "S": "BUY", "o": "LIMIT", "x": "TRADE",
              "X": "FILLED", "i": 4293153, "l": "0.4", "L": "60000", "n": "0", "N": None, "T": 1499405658657, "t": 17},
}  # fmt: skip
# developers.binance.com, USDⓈ-M futures, user data streams, "Order Update".
UPDATE = {
    "e": "ORDER_TRADE_UPDATE", "E": 1568879465651, "T": 1568879465650,
    "o": {"s": "BTCUSDT", "c": "TEST", "S": "SELL", "o": "MARKET", "x": "TRADE", "X": "FILLED", "i": 8886774,
          "l": "0.001", "L": "7100.50", "n": "0.0028", "N": "USDT", "T": 1568879465650, "t": 31, "ps": "SHORT"},
}  # fmt: skip


def text(value: object) -> str:
    return orjson.dumps(value).decode()


@asynccontextmanager
async def watching(server: StreamServer) -> AsyncIterator[AsyncIterator[StreamEvent]]:
    venue = Binance(VenueUrls.lab("binance", server.http, server.ws), symbols=known_symbols())
    try:
        async with aclosing(BinanceStream(venue, QUICK).trades(KEY)) as events:
            yield events
    finally:
        await venue.aclose()


async def until_state(events: AsyncIterator[StreamEvent], state: StreamState) -> StreamEvent:
    async with asyncio.timeout(10):
        while (event := await anext(events)).state is not state:
            pass
        return event


async def subscribed(socket: web.WebSocketResponse) -> dict[str, Any]:
    request = orjson.loads(await socket.receive_str())
    await socket.send_str(text({"id": request["id"], "status": 200, "result": {"subscriptionId": 0}}))
    return dict(request)


def test_spot_and_perpetual_trades_arrive_on_one_stream_under_ccxt_s_symbols() -> None:
    requests: list[dict[str, Any]] = []

    async def talk(socket: web.WebSocketResponse, path: str) -> None:
        if path == "/ws-api/v3":
            requests.append(await subscribed(socket))
            await socket.send_str(text(REPORT))
        else:
            await socket.send_str(text({"e": "ACCOUNT_UPDATE", "a": {}}))
            await socket.send_str(text(UPDATE))
        await until_closed(socket)

    async def story() -> None:
        async with stream_server(talk, REST) as server, watching(server) as events:
            found = [await until_state(events, StreamState.TRADES) for _ in range(2)]
            trades = {event.trades[0].symbol: event.trades[0] for event in found}
            assert set(trades) == {"BTC/USDT", "BTC/USDT:USDT"}
            assert trades["BTC/USDT:USDT"].position_side is PositionSide.SHORT
            assert f"/fstream/private/ws?listenKey={REST['POST /fapi/v1/listenKey']['listenKey']}" in server.paths
        params = requests[0]["params"]
        payload = f"apiKey=key&timestamp={params['timestamp']}"
        assert requests[0]["method"] == "userDataStream.subscribe.signature"
        assert sign(payload, "secret") == f"{payload}&signature={params['signature']}"

    asyncio.run(story())


def test_a_key_without_futures_is_watched_on_spot_alone() -> None:
    async def talk(socket: web.WebSocketResponse, _: str) -> None:
        await subscribed(socket)
        await until_closed(socket)

    async def story() -> None:
        rest = REST | {"GET /sapi/v1/account/apiRestrictions": RIGHTS | {"enableFutures": False}}
        async with stream_server(talk, rest) as server, watching(server) as events:
            await until_state(events, StreamState.CONNECTED)
            assert server.paths == ["/ws-api/v3"]
            assert "POST /fapi/v1/listenKey" not in server.asked

    asyncio.run(story())


@pytest.mark.parametrize("end", [{"e": "listenKeyExpired", "E": 1, "listenKey": "x"}, None], ids=["expired", "hung up"])
def test_a_listen_key_that_ends_is_told_and_another_is_asked_for(end: dict[str, Any] | None) -> None:
    async def talk(socket: web.WebSocketResponse, path: str) -> None:
        if path == "/ws-api/v3":
            await subscribed(socket)
        elif server.asked.count("POST /fapi/v1/listenKey") == 1:
            await told.wait()
            if end is None:
                return
            await socket.send_str(text(end))
        await until_closed(socket)

    async def story() -> None:
        nonlocal server, told
        told = asyncio.Event()
        async with stream_server(talk, REST) as server, watching(server) as events:
            await until_state(events, StreamState.CONNECTED)
            told.set()
            lost = await until_state(events, StreamState.LOST)
            assert "Binance perpetual" in lost.reason
            await until_state(events, StreamState.CONNECTED)
            assert server.asked.count("POST /fapi/v1/listenKey") == 2

    server: StreamServer
    told: asyncio.Event
    asyncio.run(story())


def test_a_listen_key_is_extended_and_given_up_when_it_cannot_be() -> None:
    extended = 0

    def extend() -> web.Response:
        nonlocal extended
        extended += 1
        if extended < 3:
            return web.json_response({"listenKey": "x"})
        return web.json_response({"code": -1125, "msg": "This listenKey does not exist."}, status=400)

    async def talk(socket: web.WebSocketResponse, _: str) -> None:
        await until_closed(socket)

    async def story() -> None:
        async with stream_server(talk, REST | {"PUT /fapi/v1/listenKey": extend}) as server:
            venue = Binance(VenueUrls.lab("binance", server.http, server.ws), symbols=known_symbols())

            async def channels() -> list[Any]:
                return [lambda: PerpetualChannel(venue, KEY, extend_every_s=0.01)]

            line = Line(QUICK, None, ConnectBudget(venue.traits.connect_limit))
            async with aclosing(watch(channels, line)) as events:
                await until_state(events, StreamState.CONNECTED)
                lost = await until_state(events, StreamState.LOST)
                assert "-1125" in lost.reason
                await until(lambda: server.asked.count("POST /fapi/v1/listenKey") == 2)
            await venue.aclose()

    asyncio.run(story())


def test_a_rejected_key_ends_the_stream_by_name() -> None:
    async def talk(socket: web.WebSocketResponse, _: str) -> None:
        request = orjson.loads(await socket.receive_str())
        error = {"code": -2015, "msg": "Invalid API-key, IP, or permissions for action."}
        await socket.send_str(text({"id": request["id"], "status": 401, "error": error}))
        await until_closed(socket)

    async def story() -> None:
        rest = REST | {"GET /sapi/v1/account/apiRestrictions": RIGHTS | {"enableFutures": False}}
        async with stream_server(talk, rest) as server, watching(server) as events:
            with pytest.raises(VenueRefused) as refusal:
                await until_state(events, StreamState.CONNECTED)
            assert refusal.value.code == Denial.KEY_REJECTED.value

    asyncio.run(story())


def test_the_end_that_binance_announces_is_told() -> None:
    async def talk(socket: web.WebSocketResponse, _: str) -> None:
        await subscribed(socket)
        await socket.send_str(text({"subscriptionId": 0, "event": {"e": "eventStreamTerminated", "E": 1}}))
        await until_closed(socket)

    async def story() -> None:
        rest = REST | {"GET /sapi/v1/account/apiRestrictions": RIGHTS | {"enableFutures": False}}
        async with stream_server(talk, rest) as server, watching(server) as events:
            assert "eventStreamTerminated" in (await until_state(events, StreamState.LOST)).reason

    asyncio.run(story())


def test_a_refused_time_sets_the_clock_right_for_the_next_attempt() -> None:
    told_ms: list[int] = []

    async def talk(socket: web.WebSocketResponse, _: str) -> None:
        request = orjson.loads(await socket.receive_str())
        told_ms.append(request["params"]["timestamp"])
        ahead = told_ms[-1] > time.time() * 1000 + 1_800_000
        error = {"code": -1021, "msg": "Timestamp for this request is outside of the recvWindow."}
        answer = {"status": 200, "result": {}} if ahead else {"status": 400, "error": error}
        await socket.send_str(text({"id": request["id"], **answer}))
        await until_closed(socket)

    def server_time() -> web.Response:
        return web.json_response({"serverTime": int(time.time() * 1000) + 3_600_000})

    async def story() -> None:
        rights = {"GET /sapi/v1/account/apiRestrictions": RIGHTS | {"enableFutures": False}}
        async with (
            stream_server(talk, rights | {"GET /api/v3/time": server_time}) as server,
            watching(server) as events,
        ):
            assert "-1021" in (await until_state(events, StreamState.LOST)).reason
            await until_state(events, StreamState.CONNECTED)

    asyncio.run(story())
