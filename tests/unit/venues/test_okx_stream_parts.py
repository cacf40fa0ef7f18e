"""OKX's two private connections as one stream: each logs in, and an outage of either is an outage."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import aclosing

import orjson
import pytest
from aiohttp import web
from copydesk.kernel import VenueRefused
from copydesk.trading import Denial
from copydesk.venues import StreamEvent, StreamState, StreamTiming, VenueUrls
from copydesk.venues.okx.adapter import Okx
from copydesk.venues.okx.stream import OkxStream
from json_exchange import KEY, OKX_BTC, OKX_PERP, known
from stream_server import StreamServer, stream_server, until_closed

PRIVATE, BUSINESS = "/ws/v5/private", "/ws/v5/business"
CHANNEL = {PRIVATE: "orders", BUSINESS: "orders-algo"}
TIMING = StreamTiming(backoff_min_s=0.01, confirm_max_s=2.0)
LOST, CONNECTED = StreamState.LOST, StreamState.CONNECTED

Talk = Callable[[web.WebSocketResponse, str], Awaitable[None]]
Story = Callable[[StreamServer, AsyncIterator[StreamEvent]], Awaitable[None]]


async def confirm(socket: web.WebSocketResponse, path: str) -> None:
    """Take a login and the subscription of the path's own channel."""
    assert orjson.loads(await socket.receive_str())["op"] == "login"
    await socket.send_json({"event": "login", "code": "0", "msg": "", "connId": "a"})
    asked = orjson.loads(await socket.receive_str())
    wanted = {"channel": CHANNEL[path], "instType": "ANY"}
    assert asked == {"op": "subscribe", "args": [wanted]}
    await socket.send_json({"event": "subscribe", "arg": wanted, "connId": "a"})


def run(talk: Talk, story: Story) -> None:
    async def told() -> None:
        async with stream_server(talk) as server:
            venue = Okx(VenueUrls.lab("okx", server.http, server.ws), symbols=known(OKX_BTC, OKX_PERP))
            try:
                async with asyncio.timeout(10), aclosing(OkxStream(venue, TIMING).trades(KEY)) as events:
                    await story(server, events)
            finally:
                await venue.aclose()

    asyncio.run(told())


async def states(events: AsyncIterator[StreamEvent], count: int) -> list[StreamState]:
    return [(await anext(events)).state for _ in range(count)]


def test_connected_is_said_once_both_connections_are_confirmed() -> None:
    async def story(server: StreamServer, events: AsyncIterator[StreamEvent]) -> None:
        assert await states(events, 1) == [CONNECTED]
        assert sorted(server.paths) == [BUSINESS, PRIVATE]

    async def talk(socket: web.WebSocketResponse, path: str) -> None:
        await confirm(socket, path)
        await until_closed(socket)

    run(talk, story)


@pytest.mark.parametrize("broken", [PRIVATE, BUSINESS])
def test_an_outage_of_one_connection_is_told_and_that_one_alone_comes_back(broken: str) -> None:
    both = asyncio.Event()

    async def story(server: StreamServer, events: AsyncIterator[StreamEvent]) -> None:
        assert await states(events, 1) == [CONNECTED]
        both.set()
        assert await states(events, 2) == [LOST, CONNECTED]
        assert sorted(server.paths) == sorted([BUSINESS, PRIVATE, broken])

    async def talk(socket: web.WebSocketResponse, path: str) -> None:
        await confirm(socket, path)
        if path == broken and not both.is_set():
            await both.wait()
            return
        await until_closed(socket)

    run(talk, story)


def test_a_notice_on_the_connection_of_conditional_orders_replaces_it() -> None:
    both, noticed = asyncio.Event(), asyncio.Event()

    async def story(server: StreamServer, events: AsyncIterator[StreamEvent]) -> None:
        assert await states(events, 1) == [CONNECTED]
        both.set()
        assert await states(events, 2) == [LOST, CONNECTED]
        assert server.paths.count(BUSINESS) == 2

    async def talk(socket: web.WebSocketResponse, path: str) -> None:
        await confirm(socket, path)
        if path == BUSINESS and not noticed.is_set():
            await both.wait()
            noticed.set()
            await socket.send_json({"event": "notice", "code": "64008", "msg": "closed soon", "connId": "a"})
        await until_closed(socket)

    run(talk, story)


def test_a_key_that_is_refused_for_conditional_orders_ends_the_stream_by_name() -> None:
    async def story(_: StreamServer, events: AsyncIterator[StreamEvent]) -> None:
        with pytest.raises(VenueRefused) as refusal:
            await states(events, 1)
        assert refusal.value.code == Denial.KEY_REJECTED.value

    async def talk(socket: web.WebSocketResponse, path: str) -> None:
        if path == BUSINESS:
            await socket.receive_str()
            await socket.send_json({"event": "error", "code": "60032", "msg": "API key doesn't exist.", "connId": "a"})
        await until_closed(socket)

    run(talk, story)
