"""The part of price streams that every exchange shares: newest first, told in bundles, never mute for long."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Coroutine, Mapping, Sequence
from contextlib import aclosing, asynccontextmanager
from decimal import Decimal
from typing import Any

from aiohttp import web
from copydesk.kernel import Unavailable
from copydesk.trading import Instrument
from copydesk.venues import BINANCE, FeedState, Price, PriceEvent, StreamTiming, SymbolMap, VenueUrls
from copydesk.venues.prices import Board, PriceStream
from copydesk.venues.quotes import SILENCE, Name, Part, Quote, Speech, Told
from stream_server import StreamServer, stream_server, until_closed

QUICK = StreamTiming(probe_after_s=0.1, backoff_min_s=0.01, confirm_max_s=2.0)
PATIENT = StreamTiming(backoff_min_s=0.01)
SPOT, PERPETUAL, LIVELY = "ETH/USDT", "ETH/USDT:USDT", "BTC/USDT"


def instrument(symbol: str) -> Instrument:
    one, name = Decimal(1), symbol.partition(":")[0].replace("/", "")
    settle = "USDT" if ":" in symbol else ""
    return Instrument("binance", symbol, name, name[:-4], "USDT", one, one, one, one, one, settle=settle)


class Words(Speech):
    """Speaks of instruments by their bare names: "ETHUSDT 3000 12" is a price of 12 ms past the epoch."""

    def frames(self, names: Sequence[Name]) -> list[str]:
        return [" ".join(sorted(f"{name.text}{'P' if name.perpetual else ''}" for name in names))]

    def answers(self, names: Sequence[Name]) -> int:
        return 2

    def read(self, message: str) -> Told:
        if message == "pong":
            return SILENCE
        if message in ("yes", "no"):
            return Told(accepted=1) if message == "yes" else Told(refused="not today")
        if message == "bye":
            return Told(failure=Unavailable("goodbye"))
        name, px, at_ms = message.split()
        return Told((Quote(Name(False, name), int(at_ms), px=Decimal(px)),))


class Source:
    """An opened venue that lists what a test says."""

    traits, ssl_context = BINANCE, None

    def __init__(self, url: str, listed: Sequence[str]) -> None:
        self.urls = VenueUrls("binance", {}, {"here": url})
        self.symbols = SymbolMap()
        self._listed = listed
        self.reads = 0

    async def instruments(self) -> Mapping[str, Instrument]:
        self.reads += 1
        self.symbols.learn("all", {symbol: instrument(symbol) for symbol in self._listed})
        return self.symbols.trusted()


class Ear:
    def __init__(self, events: AsyncIterator[PriceEvent], source: Source) -> None:
        self._events = events
        self.source = source

    async def next(self) -> PriceEvent:
        async with asyncio.timeout(10):
            return await anext(self._events)

    async def until(self, state: FeedState) -> PriceEvent:
        while (event := await self.next()).state is not state:
            pass
        return event


@asynccontextmanager
async def watching(
    server: StreamServer,
    *symbols: str,
    timing: StreamTiming = PATIENT,
    listed: Sequence[str] = (SPOT, PERPETUAL, LIVELY),
    symbols_max: int = 10,
) -> AsyncIterator[Ear]:
    part = Part("Test prices", "here", Words(), False, symbols_max, (LIVELY,))
    source = Source(server.ws, listed)
    async with aclosing(PriceStream(source, (part,), timing).prices(symbols)) as events:
        yield Ear(events, source)


def run(story: Callable[[], Coroutine[Any, Any, None]]) -> None:
    asyncio.run(story())


async def welcome(socket: web.WebSocketResponse) -> str:
    asked = await socket.receive_str()
    for _ in range(2):
        await socket.send_str("yes")
    return asked


def price(px: int, at_ms: int, symbol: str = SPOT) -> Price:
    return Price(symbol, Decimal(px), at_ms)


def test_what_shows_that_a_connection_lives_is_subscribed_to_but_not_told() -> None:
    asked: list[str] = []

    async def talk(socket: web.WebSocketResponse, _: str) -> None:
        asked.append(await welcome(socket))
        await socket.send_str("BTCUSDT 60000 5")
        await socket.send_str("ETHUSDT 3000 6")
        await until_closed(socket)

    async def story() -> None:
        async with stream_server(talk) as server, watching(server, SPOT) as ear:
            assert (await ear.next()).state is FeedState.CONNECTED
            assert (await ear.next()).prices == (price(3000, 6),)
            assert (asked, ear.source.reads) == (["BTCUSDT ETHUSDT"], 1)

    run(story)


def test_of_many_messages_the_newest_price_is_told_a_few_times() -> None:
    count = 500

    async def talk(socket: web.WebSocketResponse, _: str) -> None:
        await welcome(socket)
        for number in range(1, count + 1):
            await socket.send_str(f"ETHUSDT {number} {number}")
        await until_closed(socket)

    async def story() -> None:
        async with stream_server(talk) as server, watching(server, SPOT) as ear:
            told: list[int] = []
            while not told or told[-1] < count:
                told.append((await ear.until(FeedState.PRICES)).prices[0].at_ms)
            assert told == sorted(set(told))
            assert len(told) < count / 10

    run(story)


def test_an_older_price_that_comes_late_changes_nothing() -> None:
    board = Board([SPOT])
    for px, at_ms in ((3000, 20), (2999, 10)):
        board.note(SPOT, Quote(Name(False, "ETHUSDT"), at_ms, px=Decimal(px)))
    assert board.take() == (price(3000, 20),)
    assert board.take() == ()


def test_a_stream_of_differences_confirms_what_it_does_not_mention() -> None:
    board, name = Board([PERPETUAL]), Name(True, "ETHUSDT")
    board.note(PERPETUAL, Quote(name, 10, px=Decimal(3000), mark=Decimal(3001), whole=True))
    board.note(PERPETUAL, Quote(name, 20, mark=Decimal(3002), whole=True))
    assert board.take() == (Price(PERPETUAL, Decimal(3000), 20, Decimal(3002), 20),)
    board.note(PERPETUAL, Quote(name, 30, mark=Decimal(3003)))
    assert board.take() == (Price(PERPETUAL, Decimal(3000), 20, Decimal(3003), 30),)


def test_a_connection_that_tells_no_prices_is_replaced_though_it_answers() -> None:
    connections = 0

    async def talk(socket: web.WebSocketResponse, _: str) -> None:
        nonlocal connections
        connections += 1
        await welcome(socket)
        if connections > 1:
            await socket.send_str("ETHUSDT 3000 7")
        async for _message in socket:
            await socket.send_str("pong")

    async def story() -> None:
        async with stream_server(talk) as server, watching(server, SPOT, timing=QUICK) as ear:
            await ear.until(FeedState.CONNECTED)
            lost = await ear.until(FeedState.LOST)
            assert lost.reason.startswith("Test prices: connected, but no price for ")
            assert (await ear.until(FeedState.PRICES)).prices == (price(3000, 7),)
            assert connections >= 2

    run(story)


def test_one_refused_subscription_leaves_the_others_and_all_refused_end_the_connection() -> None:
    answers = [["no", "no"], ["no", "yes"]]

    async def talk(socket: web.WebSocketResponse, _: str) -> None:
        await socket.receive_str()
        for answer in answers.pop(0):
            await socket.send_str(answer)
        await until_closed(socket)

    async def story() -> None:
        async with stream_server(talk) as server, watching(server, SPOT) as ear:
            lost = await ear.next()
            assert (lost.state, "every subscription was refused" in lost.reason) == (FeedState.LOST, True)
            assert (await ear.next()).state is FeedState.CONNECTED

    run(story)


def test_many_instruments_are_shared_out_among_connections() -> None:
    listed = [f"A{number}/USDT" for number in range(5)]
    asked: list[str] = []

    async def talk(socket: web.WebSocketResponse, _: str) -> None:
        asked.append(await welcome(socket))
        await until_closed(socket)

    async def story() -> None:
        async with stream_server(talk) as server, watching(server, *listed, listed=listed, symbols_max=2) as ear:
            await ear.until(FeedState.CONNECTED)
            assert sorted(asked) == ["A0USDT A1USDT", "A2USDT A3USDT", "A4USDT"]

    run(story)


def test_an_announced_end_is_a_loss_and_the_connection_comes_back() -> None:
    goodbyes = ["bye"]

    async def talk(socket: web.WebSocketResponse, _: str) -> None:
        await welcome(socket)
        if goodbyes:
            await socket.send_str(goodbyes.pop())
        await until_closed(socket)

    async def story() -> None:
        async with stream_server(talk) as server, watching(server, SPOT) as ear:
            await ear.until(FeedState.CONNECTED)
            assert (await ear.until(FeedState.LOST)).reason == "goodbye"
            await ear.until(FeedState.CONNECTED)

    run(story)
