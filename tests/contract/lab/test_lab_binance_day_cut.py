"""Connections to Binance end after 24 hours of market time; planned replacement before that loses nothing."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import aclosing, asynccontextmanager
from typing import Any

import aiohttp
import pytest
from binance_lab import BinanceLab, Keys
from copydesk.trading import Credentials
from copydesk.venues import StreamEvent, StreamState, StreamTiming, VenueUrls, open_stream, open_venue
from lab_process import LabProcess

Socket = aiohttp.ClientWebSocketResponse
HOUR_MS = 3_600_000.0
DAY_MS = 24 * HOUR_MS
MARKET = {"symbol": "BTCUSDT", "side": "BUY", "type": "MARKET", "quantity": "0.001"}
ENDED = (aiohttp.WSMsgType.CLOSE, aiohttp.WSMsgType.CLOSING, aiohttp.WSMsgType.CLOSED)
SPOT_PLACES = ("/ws-api/v3", "/stream/ws/btcusdt@aggTrade", "/stream/stream?streams=btcusdt@aggTrade", "/ws")
FUTURES_PLACES = ("/ws-fapi/v1", "/fstream/public/ws/btcusdt@depth", "/fstream/market/stream", "/fstream/private/ws")


@pytest.fixture
def frozen(binance_lab: BinanceLab) -> Iterator[BinanceLab]:
    """The module's lab with market time standing still."""
    clock = binance_lab.world.market_clock
    binance_lab.run(lambda: clock.change_speed(0.0, binance_lab.world.now_ms()))
    yield binance_lab
    binance_lab.run(lambda: clock.change_speed(1.0, binance_lab.world.now_ms()))


def step(lab: BinanceLab, by_ms: float) -> None:
    """Let so much market time pass at once."""

    def pass_time() -> None:
        lab.world.market_clock.origin_ms += by_ms
        lab.binance.tick()

    lab.run(pass_time)


def run(body: Callable[[], Awaitable[None]]) -> None:
    async def whole() -> None:
        async with asyncio.timeout(30):
            await body()

    asyncio.run(whole())


@asynccontextmanager
async def sockets(base: str, paths: tuple[str, ...]) -> AsyncIterator[dict[str, Socket]]:
    async with aiohttp.ClientSession() as session:
        yield {path: await session.ws_connect(base + path) for path in paths}


async def end_of(socket: Socket) -> list[Any]:
    """Return what is still said before the connection ends, and how it ended."""
    said: list[Any] = []
    while (message := await socket.receive()).type not in ENDED:
        said.append(message.json())
    assert (message.type, message.data) == (aiohttp.WSMsgType.CLOSE, 1001)
    return said


async def answers(socket: Socket) -> bool:
    """Tell whether a connection is alive, by a question that each answers, a WebSocket API with an error."""
    await socket.send_json({"id": 77, "method": "LIST_SUBSCRIPTIONS"})
    while (told := await socket.receive_json()).get("id") != 77:
        pass
    return bool(told)


def test_every_connection_is_closed_at_24_hours_and_not_before(frozen: BinanceLab) -> None:
    async def body() -> None:
        async with sockets(frozen.ws, SPOT_PLACES + FUTURES_PLACES) as opened:
            await asyncio.to_thread(step, frozen, DAY_MS - 1)
            for path, socket in opened.items():
                assert await answers(socket), path
            async with sockets(frozen.ws, ("/ws-api/v3",)) as later:
                await asyncio.to_thread(step, frozen, 1)
                for socket in opened.values():
                    said = await end_of(socket)
                    assert all(event.get("e") != "serverShutdown" for event in said), "nothing announces the cut"
                assert await answers(later["/ws-api/v3"]), "each has its own 24 hours"

    run(body)


def test_the_private_streams_of_an_account_end_too_and_are_forgotten(frozen: BinanceLab) -> None:
    keys = frozen.open_account()
    listen_key = frozen.call("POST", "/fapi/v1/listenKey", {"X-MBX-APIKEY": keys.api_key}).body["listenKey"]
    stamp = int(time.time() * 1000)
    payload = f"apiKey={keys.api_key}&timestamp={stamp}"
    params = {"apiKey": keys.api_key, "timestamp": stamp, "signature": keys.sign(payload)}

    async def body() -> None:
        private = f"/fstream/private/ws?listenKey={listen_key}"
        async with sockets(frozen.ws, ("/ws-api/v3", private)) as opened:
            spot = opened["/ws-api/v3"]
            await spot.send_json({"id": 1, "method": "userDataStream.subscribe.signature", "params": params})
            assert (await spot.receive_json())["status"] == 200
            assert len(frozen.exchange.streams.listeners[keys.account]) == 2
            await asyncio.to_thread(step, frozen, DAY_MS)
            for socket in opened.values():
                await end_of(socket)
            while keys.account in frozen.exchange.streams.listeners:
                await asyncio.sleep(0.01)

    run(body)


def test_a_stopping_spot_server_says_so_and_futures_go_on(frozen: BinanceLab) -> None:
    raw, combined = "/stream/ws", "/stream/stream"

    async def body() -> None:
        async with sockets(frozen.ws, ("/ws-api/v3", raw, combined, *FUTURES_PLACES)) as opened:
            told = await asyncio.to_thread(frozen.run, frozen.binance.shut_down, 300.0)
            assert told == 3
            said = {path: (await end_of(opened[path]))[-1] for path in ("/ws-api/v3", raw, combined)}
            assert said["/ws-api/v3"]["event"]["e"] == "serverShutdown"
            assert (said[raw]["e"], said[combined]["stream"]) == ("serverShutdown", "!serverShutdown")
            assert said[combined]["data"].keys() == said[raw].keys() == {"e", "E"}, "a stream of several says the same"
            assert said[combined]["data"]["e"] == "serverShutdown"
            for path in FUTURES_PLACES:
                assert await answers(opened[path]), path

    run(body)


def test_time_that_runs_faster_ends_connections_sooner(own_lab: LabProcess) -> None:
    base = own_lab.urls["api"]["ws"]["spot"].removesuffix("/stream/ws")

    async def body() -> None:
        async with sockets(base, ("/ws-api/v3",)) as opened:
            since_ms = (await asyncio.to_thread(own_lab.control, "GET", "market"))["market_ms"]
            await asyncio.to_thread(own_lab.control, "POST", "speed", speed=100_000)
            await end_of(opened["/ws-api/v3"])
            at_ms = (await asyncio.to_thread(own_lab.control, "GET", "market"))["market_ms"]
            assert at_ms - since_ms >= DAY_MS - 60_000, "the connection was opened a moment before"

    run(body)


def test_the_cut_is_provoked_over_the_control_api(own_lab: LabProcess) -> None:
    base = own_lab.urls["api"]["ws"]["spot"].removesuffix("/stream/ws")

    async def body() -> None:
        async with sockets(base, ("/ws-api/v3", "/fstream/private/ws")) as opened:
            older = await asyncio.to_thread(
                own_lab.control, "POST", "faults", harm="age_streams", venue="binance", hours=23.5
            )
            assert older["aged"] == 2
            assert await answers(opened["/ws-api/v3"])
            await asyncio.to_thread(own_lab.control, "POST", "faults", harm="age_streams", venue="binance", hours=0.5)
            for socket in opened.values():
                await end_of(socket)
        refused = own_lab.call(
            "POST",
            "/lab/v1/faults",
            '{"harm": "age_streams", "venue": "okx", "hours": 24}',
            {"X-Lab-Token": "token-of-this-test"},
        )
        assert "end by age" in refused.body["error"]
        assert own_lab.control("GET", "faults")["faults"] == []

    run(body)


class Watched:
    """A leader stream of our own, all trades that it told, and those that REST tells after each connect."""

    def __init__(self, lab: BinanceLab, keys: Keys) -> None:
        self.lab = lab
        self.keys = keys
        self.venue = open_venue("binance", VenueUrls.lab("binance", lab.rest, lab.ws))
        self.credentials = Credentials(1, keys.api_key, keys.secret, "")
        self.since_ms = int(time.time() * 1000) - 1000
        self.known: set[str] = set()
        self.reasons: list[str] = []

    async def trade(self) -> None:
        placed = await asyncio.to_thread(self.lab.signed, "POST", "/api/v3/order", self.keys, MARKET)
        assert placed.status == 200

    async def take(self, event: StreamEvent) -> None:
        """Do what a consumer does: believe trades, compare by REST after every connect."""
        if event.state is StreamState.LOST:
            self.reasons.append(event.reason or "")
        if event.state is StreamState.CONNECTED:
            read = await self.venue.trades_since(self.credentials, "BTC/USDT", self.since_ms)
            self.known |= {trade.trade_id for trade in read}
        self.known |= {trade.trade_id for trade in event.trades}

    def recorded(self) -> set[str]:
        return {str(row["trade_id"]) for row in self.lab.records("execution", account=self.keys.account)}


async def until_known(watched: Watched, events: AsyncIterator[StreamEvent]) -> None:
    """Listen until everything that was executed is known."""
    while watched.known != await asyncio.to_thread(watched.recorded):
        await watched.take(await anext(events))


def test_our_own_stream_is_replaced_before_24_hours_and_loses_nothing(frozen: BinanceLab) -> None:
    """Thirteen hours pass on each connection: two of them on one would be more than it may live."""
    keys = frozen.open_account(("read", "trade"), futures="0")
    timing = StreamTiming(rotate_after_s=0.4, backoff_min_s=0.01)

    async def body() -> None:
        watched, lives = Watched(frozen, keys), 0
        try:
            async with aclosing(open_stream(watched.venue, timing=timing).trades(watched.credentials)) as events:
                while lives < 4:
                    event = await anext(events)
                    await watched.take(event)
                    if event.state in (StreamState.CONNECTED, StreamState.LOST):
                        await watched.trade()
                    if event.state is StreamState.CONNECTED:
                        await asyncio.to_thread(step, frozen, 13 * HOUR_MS)
                        lives += 1
                await until_known(watched, events)
        finally:
            await watched.venue.aclose()
        assert len(watched.reasons) >= 3
        assert all("replaced for its age" in reason for reason in watched.reasons), watched.reasons
        assert len(watched.known) >= 7

    run(body)


def test_our_own_stream_cut_by_the_exchange_comes_back_and_finds_what_it_missed(frozen: BinanceLab) -> None:
    keys = frozen.open_account()
    timing = StreamTiming(backoff_min_s=0.01)

    async def body() -> None:
        watched = Watched(frozen, keys)
        try:
            async with aclosing(open_stream(watched.venue, timing=timing).trades(watched.credentials)) as events:
                while (event := await anext(events)).state is not StreamState.CONNECTED:
                    await watched.take(event)
                await asyncio.to_thread(step, frozen, DAY_MS)
                await watched.trade()
                while (event := await anext(events)).state is not StreamState.CONNECTED:
                    await watched.take(event)
                await watched.take(event)
                await watched.trade()
                await until_known(watched, events)
        finally:
            await watched.venue.aclose()
        ended = {reason.partition(" (")[0] for reason in watched.reasons}
        assert ended == {"Binance spot: connection closed", "Binance perpetual: connection closed"}
        assert len(watched.known) == len(watched.recorded()) >= 2

    run(body)


def test_our_own_stream_leaves_a_server_that_is_about_to_stop(frozen: BinanceLab) -> None:
    keys = frozen.open_account(("read", "trade"), futures="0")

    async def body() -> None:
        watched = Watched(frozen, keys)
        try:
            timing = StreamTiming(backoff_min_s=0.01)
            async with aclosing(open_stream(watched.venue, timing=timing).trades(watched.credentials)) as events:
                while (await anext(events)).state is not StreamState.CONNECTED:
                    pass
                await asyncio.to_thread(frozen.run, frozen.binance.shut_down, 600_000.0)
                lost = await anext(events)
                assert (lost.state, lost.reason) == (StreamState.LOST, "Binance spot: serverShutdown")
                while (await anext(events)).state is not StreamState.CONNECTED:
                    pass
        finally:
            await watched.venue.aclose()

    run(body)
