"""The part of leader streams that every exchange shares: confirm, merge, probe, lose, return."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Coroutine, Sequence
from contextlib import aclosing, asynccontextmanager
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Any

import pytest
from aiohttp import web
from copydesk.kernel import Unavailable, VenueRefused
from copydesk.trading import Denial, Side
from copydesk.venues import LeaderTrade, StreamEvent, StreamState, StreamTiming
from copydesk.venues.stream import Channel, ConnectBudget, Heard, KeepAlive, Line, pause_s, watch
from copydesk.venues.traits import LimitScope, LimitUnit, RateLimit
from stream_server import StreamServer, stream_server, until, until_closed

QUICK = StreamTiming(probe_after_s=0.1, backoff_min_s=0.01, confirm_max_s=2.0)
MANY = RateLimit(LimitScope.IP, LimitUnit.REQUESTS, 10_000, 300, "test", date(2026, 11, 22))


def trade(number: str) -> LeaderTrade:
    one = Decimal(1)
    return LeaderTrade(number, "1", "", "BTC/USDT", Side.BUY, None, one, one, Decimal(0), "USDT", 1)


@dataclass
class Wired(Channel):
    """Says hello, is confirmed by "welcome", and takes every number for a trade."""

    url: str
    keep_alive: KeepAlive | None = None
    hello: tuple[str, ...] = ("hello",)
    tending: Callable[[], None] | None = None

    @property
    def name(self) -> str:
        return "Test"

    async def open(self) -> str:
        return self.url

    def greeting(self) -> Sequence[str]:
        return self.hello

    def read(self, message: str) -> Heard:
        if message == "welcome":
            return Heard(confirmed=True)
        if message == "no":
            return Heard(failure=VenueRefused("the key is not known", code=Denial.KEY_REJECTED.value))
        if message == "bye":
            return Heard(failure=Unavailable("goodbye"))
        if message == "again":
            return Heard(send=("hello again",))
        if message == "event":
            return Heard(event=True)
        return Heard(event=True, trades=(trade(str(int(message))),))

    async def tend(self) -> None:
        if self.tending is not None:
            self.tending()


class Heart:
    """Takes events from a watch; waits for what a test expects."""

    def __init__(self, events: AsyncIterator[StreamEvent]) -> None:
        self._events = events

    async def next(self) -> StreamEvent:
        async with asyncio.timeout(10):
            return await anext(self._events)

    async def until(self, state: StreamState) -> StreamEvent:
        while (event := await self.next()).state is not state:
            pass
        return event


@asynccontextmanager
async def watching(
    *makes: Callable[[], Channel], timing: StreamTiming = QUICK, connects: ConnectBudget | None = None
) -> AsyncIterator[Heart]:
    async def channels() -> Sequence[Callable[[], Channel]]:
        return makes

    line = Line(timing, None, connects or ConnectBudget(MANY))
    async with aclosing(watch(channels, line)) as events:
        yield Heart(events)


async def welcome(socket: web.WebSocketResponse) -> None:
    assert await socket.receive_str() == "hello"
    await socket.send_str("welcome")


def run(story: Callable[[], Coroutine[Any, Any, None]]) -> None:
    asyncio.run(story())


def test_trades_come_once_confirmed_and_what_cannot_be_read_is_skipped() -> None:
    async def talk(socket: web.WebSocketResponse, _: str) -> None:
        await welcome(socket)
        for message in ("1", "nonsense", "2"):
            await socket.send_str(message)
        await until_closed(socket)

    async def story() -> None:
        async with stream_server(talk) as server, watching(lambda: Wired(server.ws)) as heart:
            assert (await heart.next()).state is StreamState.CONNECTED
            told = [(await heart.next()).trades for _ in range(2)]
            assert [trades[0].trade_id for trades in told] == ["1", "2"]

    run(story)


def test_a_trade_that_overtakes_the_confirmation_is_told() -> None:
    async def talk(socket: web.WebSocketResponse, _: str) -> None:
        assert await socket.receive_str() == "hello"
        await socket.send_str("again")
        assert await socket.receive_str() == "hello again"
        await socket.send_str("7")
        await socket.send_str("welcome")
        await until_closed(socket)

    async def story() -> None:
        async with stream_server(talk) as server, watching(lambda: Wired(server.ws)) as heart:
            states = {(await heart.next()).state for _ in range(2)}
            assert states == {StreamState.TRADES, StreamState.CONNECTED}

    run(story)


def test_connected_is_said_when_every_part_is_and_again_after_one_was_lost() -> None:
    ready = asyncio.Event()
    socket_b: list[web.WebSocketResponse] = []

    async def talk(socket: web.WebSocketResponse, path: str) -> None:
        if path == "/b":
            await ready.wait()
            socket_b.append(socket)
        await welcome(socket)
        if path == "/a":
            await socket.send_str("1")
        await until_closed(socket)

    async def story() -> None:
        async with (
            stream_server(talk) as server,
            watching(lambda: Wired(f"{server.ws}/a"), lambda: Wired(f"{server.ws}/b")) as heart,
        ):
            assert (await heart.next()).state is StreamState.TRADES
            ready.set()
            assert (await heart.next()).state is StreamState.CONNECTED
            await socket_b[0].send_str("bye")
            lost = await heart.until(StreamState.LOST)
            assert lost.reason == "goodbye"
            assert (await heart.until(StreamState.CONNECTED)).state is StreamState.CONNECTED
            assert server.paths.count("/a") == 1 and server.paths.count("/b") == 2

    run(story)


def test_one_silent_part_asks_for_a_comparison_however_much_the_other_says() -> None:
    async def talk(socket: web.WebSocketResponse, path: str) -> None:
        await welcome(socket)
        number = 0
        while path == "/a" and not socket.closed:
            number += 1
            try:
                await socket.send_str(str(number))
            except ConnectionError:
                return
            await asyncio.sleep(0.01)
        await until_closed(socket)

    async def story() -> None:
        async with (
            stream_server(talk) as server,
            watching(lambda: Wired(f"{server.ws}/a"), lambda: Wired(f"{server.ws}/b")) as heart,
        ):
            await heart.until(StreamState.CONNECTED)
            for _ in range(2):
                assert (await heart.until(StreamState.PROBE)).trades == ()

    run(story)


def test_while_one_part_is_away_the_other_is_still_probed() -> None:
    async def talk(socket: web.WebSocketResponse, path: str) -> None:
        if path == "/b":
            return
        await welcome(socket)
        await until_closed(socket)

    async def story() -> None:
        async with (
            stream_server(talk) as server,
            watching(lambda: Wired(f"{server.ws}/a"), lambda: Wired(f"{server.ws}/b")) as heart,
        ):
            states = set()
            while states != {StreamState.LOST, StreamState.PROBE}:
                states.add((await heart.next()).state)

    run(story)


def test_events_that_are_no_trades_show_that_the_stream_is_not_mute() -> None:
    """More events than fit in the patience for silence come before the probe; without them it would come sooner."""
    sent = 0
    quiet = asyncio.Event()

    async def talk(socket: web.WebSocketResponse, _: str) -> None:
        nonlocal sent
        await welcome(socket)
        while not quiet.is_set():
            await socket.send_str("event")
            sent += 1
            await asyncio.sleep(0.005)
        await until_closed(socket)

    async def story() -> None:
        timing = StreamTiming(probe_after_s=0.5, backoff_min_s=0.01)
        async with stream_server(talk) as server, watching(lambda: Wired(server.ws), timing=timing) as heart:
            assert (await heart.next()).state is StreamState.CONNECTED
            probe = asyncio.ensure_future(heart.next())
            await until(lambda: sent >= 150)
            assert not probe.done()
            quiet.set()
            assert (await probe).state is StreamState.PROBE

    run(story)


def test_a_refused_key_ends_the_watch_by_name() -> None:
    async def talk(socket: web.WebSocketResponse, _: str) -> None:
        await socket.send_str("no")
        await until_closed(socket)

    async def story() -> None:
        async with stream_server(talk) as server, watching(lambda: Wired(server.ws)) as heart:
            with pytest.raises(VenueRefused, match="not known"):
                await heart.next()

    run(story)


def test_an_old_connection_is_replaced_at_once_and_told() -> None:
    async def talk(socket: web.WebSocketResponse, _: str) -> None:
        await welcome(socket)
        await until_closed(socket)

    async def story() -> None:
        timing = StreamTiming(rotate_after_s=0.05, backoff_min_s=60.0)
        async with stream_server(talk) as server, watching(lambda: Wired(server.ws), timing=timing) as heart:
            for _ in range(3):
                assert (await heart.next()).state is StreamState.CONNECTED
                assert "age" in (await heart.next()).reason
            assert len(server.paths) >= 3

    run(story)


def test_the_exchange_s_own_keep_alive_is_said() -> None:
    heard: list[str] = []

    async def talk(socket: web.WebSocketResponse, _: str) -> None:
        await welcome(socket)
        async for message in socket:
            heard.append(message.data)

    async def story() -> None:
        beating = KeepAlive("ping", 0.01)
        async with stream_server(talk) as server, watching(lambda: Wired(server.ws, beating)) as heart:
            await heart.until(StreamState.CONNECTED)
            await until(lambda: heard[:2] == ["ping", "ping"])

    run(story)


def test_a_peer_that_answers_no_ping_is_lost() -> None:
    async def talk(socket: web.WebSocketResponse, _: str) -> None:
        await welcome(socket)
        await until_closed(socket)

    async def story() -> None:
        timing = StreamTiming(alive_s=0.1, backoff_min_s=0.01)
        async with (
            stream_server(talk, autoping=False) as server,
            watching(lambda: Wired(server.ws), timing=timing) as heart,
        ):
            assert (await heart.next()).state is StreamState.CONNECTED
            assert (await heart.until(StreamState.LOST)).reason

    run(story)


def test_what_the_connection_lives_on_failing_ends_it_with_the_reason() -> None:
    def fail() -> None:
        raise Unavailable("the listen key is gone")

    async def talk(socket: web.WebSocketResponse, _: str) -> None:
        await until_closed(socket)

    async def story() -> None:
        make = lambda: Wired(server.ws, hello=(), tending=fail)  # noqa: E731
        async with stream_server(talk) as server, watching(make) as heart:
            assert (await heart.next()).state is StreamState.CONNECTED
            assert (await heart.next()).reason == "the listen key is gone"

    run(story)


def test_a_peer_that_never_confirms_is_given_up() -> None:
    async def talk(socket: web.WebSocketResponse, _: str) -> None:
        await until_closed(socket)

    async def story() -> None:
        timing = StreamTiming(confirm_max_s=0.05, backoff_min_s=0.01)
        async with stream_server(talk) as server, watching(lambda: Wired(server.ws), timing=timing) as heart:
            for _ in range(2):
                assert "TimeoutError" in (await heart.next()).reason

    run(story)


def test_nobody_listening_is_told_as_lost_again_and_again() -> None:
    async def story() -> None:
        async with watching(lambda: Wired("ws://127.0.0.1:9")) as heart:
            for _ in range(3):
                assert (await heart.next()).state is StreamState.LOST

    run(story)


def test_channels_that_cannot_be_told_yet_are_asked_for_again() -> None:
    async def talk(socket: web.WebSocketResponse, _: str) -> None:
        await welcome(socket)
        await until_closed(socket)

    async def story(server: StreamServer) -> None:
        asked = 0

        async def channels() -> Sequence[Callable[[], Channel]]:
            nonlocal asked
            asked += 1
            if asked < 3:
                raise Unavailable("rate budget spent")
            return [lambda: Wired(server.ws)]

        async with aclosing(watch(channels, Line(QUICK, None, ConnectBudget(MANY)))) as events:
            told = [(await anext(events)).state for _ in range(3)]
            assert told == [StreamState.LOST, StreamState.LOST, StreamState.CONNECTED]

    async def serve() -> None:
        async with stream_server(talk) as server:
            await story(server)

    run(serve)


def test_a_connection_that_always_breaks_at_once_is_tried_ever_more_slowly_but_for_ever() -> None:
    timing = StreamTiming(backoff_min_s=0.25, backoff_max_s=15.0)
    pauses = [pause_s(timing, failures) for failures in (1, 2, 3, 7, 100_000)]
    assert pauses == [0.25, 0.5, 1.0, 15.0, 15.0]


def test_connections_wait_for_their_turn_within_the_exchange_s_limit() -> None:
    """A clock of ours, which stands still until the third connection has been refused its turn."""
    hour = [1000.0]
    budget = ConnectBudget(
        RateLimit(LimitScope.IP, LimitUnit.REQUESTS, 3, 300, "test", MANY.as_of), now=lambda: hour[0]
    )

    async def story() -> None:
        for _ in range(2):  # Three less five percent is two.
            await asyncio.wait_for(budget.turn(), 1)
        third = asyncio.ensure_future(budget.turn())
        await asyncio.sleep(0)
        assert not third.done()
        third.cancel()
        hour[0] = 1200.0
        await asyncio.wait_for(budget.turn(), 1)

    run(story)
