"""Leader streams: private connections kept alive, confirmed, probed and replaced, whatever the exchange.

An exchange gives one `Channel` per connection that an account needs (spot and perpetual may need one each): where
to connect, what to send, how to read. Everything else is here. Connections are hints: nothing is replayed after a
gap, so the caller compares by REST after every `connected` and `probe`.
"""

from __future__ import annotations

import asyncio
import logging
import ssl
import time
from collections.abc import AsyncGenerator, Awaitable, Callable, Sequence
from contextlib import aclosing
from decimal import Decimal
from typing import NamedTuple, Protocol
from weakref import WeakKeyDictionary

import aiohttp

from copydesk.kernel import OutcomeUnknown, Unavailable, VenueRefused, end
from copydesk.trading import Denial
from copydesk.venues.client.budget import SILENT, RateBudget
from copydesk.venues.client.draw import Draw
from copydesk.venues.client.wire import MISREAD, Failure
from copydesk.venues.model import LeaderTrade, OrderFact, StreamEvent, StreamState, StreamTiming
from copydesk.venues.traits import Endpoint, RateLimit

log = logging.getLogger(__name__)

MESSAGE_LEN_MAX = 4 * 1024 * 1024
_CONNECT = Endpoint("GET", "/")
_DOUBLINGS_MAX = 20  # After hours of an outage the power would be too large for a float.
_KEY_DENIALS = frozenset(denial.value for denial in Denial if denial.value.startswith("key_"))


class KeepAlive(NamedTuple):
    """A frame of text that the exchange wants to hear that often, beside WebSocket pings."""

    frame: str
    every_s: float


class Heard(NamedTuple):
    """What one message means: frames to send next, the subscription confirmed, an account event, or the end.

    `event` says that it concerns the account (a trade or not), which shows that the stream is not mute.
    """

    send: tuple[str, ...] = ()
    confirmed: bool = False
    event: bool = False
    trades: tuple[LeaderTrade, ...] = ()
    orders: tuple[OrderFact, ...] = ()
    failure: Failure | None = None


def told(read: Callable[[], OrderFact | None]) -> tuple[OrderFact, ...]:
    """Read an order's terms, if it has any for us: its execution in the same message must not get lost over them.

    What cannot be read is told by the next snapshot.
    """
    try:
        fact = read()
    except MISREAD as error:
        log.warning("an order cannot be read; waiting for the next snapshot: %r", error)
        return ()
    return () if fact is None else (fact,)


class Channel(Protocol):
    """One private connection of one account, made anew for every connection."""

    @property
    def name(self) -> str:
        """Return what messages call it, e.g. "Binance perpetual"."""
        ...

    @property
    def keep_alive(self) -> KeepAlive | None: ...

    async def open(self) -> str:
        """Return the address to connect to; may ask by REST. Raises a `Failure`."""
        ...

    def greeting(self) -> Sequence[str]:
        """Return the frames that log in and subscribe; none where the address says it all."""
        ...

    def read(self, message: str) -> Heard:
        """Read one message; may raise what `MISREAD` lists: it is then skipped, the next snapshot finds its trade."""
        ...

    async def tend(self) -> None:
        """Keep valid by REST what the connection lives on; return at once where nothing must be."""
        ...


class _Report(NamedTuple):
    part: int
    event: StreamEvent


Channels = Callable[[], Awaitable[Sequence[Callable[[], Channel]]]]


class ConnectBudget:
    """Take turns at connecting: the exchange counts connections by address. Shared by all leaders of an environment."""

    def __init__(self, limit: RateLimit, *, now: Callable[[], float] = time.time) -> None:
        self._budget = RateBudget((limit,), reserve_ratio=Decimal(0))
        self._now = now

    async def turn(self) -> None:
        """Return when one more connection is within the limit."""
        while wait_s := self._budget.try_take(_CONNECT, "", draw=Draw.RESERVE, now=self._now()):
            await asyncio.sleep(wait_s)
        self._budget.settle(_CONNECT, "", accepted=True, reported=SILENT, now=self._now())


_CONNECTS: WeakKeyDictionary[object, ConnectBudget] = WeakKeyDictionary()


def connects_of(venue: object, limit: RateLimit) -> ConnectBudget:
    """Return the connect budget that all streams of one opened venue share."""
    if venue not in _CONNECTS:
        _CONNECTS[venue] = ConnectBudget(limit)
    return _CONNECTS[venue]


class Line(NamedTuple):
    """What every connection of one environment shares."""

    timing: StreamTiming
    ssl_context: ssl.SSLContext | None
    connects: ConnectBudget
    egress: str = ""

    def connector(self) -> aiohttp.TCPConnector | None:
        """Leave from the address that the account's key is bound to, where it is bound to one of ours."""
        return aiohttp.TCPConnector(local_addr=(self.egress, 0)) if self.egress else None


async def watch(channels: Channels, line: Line) -> AsyncGenerator[StreamEvent, None]:
    """Yield one account's events over all its channels, for ever; close the generator to end it.

    `connected` when every channel is confirmed, `lost` whenever one is not any more, `probe` when one has been
    silent for long. Raises `VenueRefused` when the exchange rejects the key. `channels` is asked first, and again
    until it answers: what an account needs may depend on its key.
    """
    failures = 0
    while True:
        try:
            parts = await channels()
            break
        except (VenueRefused, Unavailable, OutcomeUnknown) as error:
            _raise_final(error)
            failures += 1
            yield StreamEvent(StreamState.LOST, reason=str(error))
            await asyncio.sleep(pause_s(line.timing, failures))
    reports: asyncio.Queue[_Report] = asyncio.Queue()
    tasks = [asyncio.ensure_future(_Link(part, make, reports, line).run()) for part, make in enumerate(parts)]
    try:
        async with aclosing(_merged(reports, tasks, line.timing)) as events:
            async for event in events:
                yield event
    finally:
        await end(*tasks)


async def _merged(
    reports: asyncio.Queue[_Report], tasks: Sequence[asyncio.Future[None]], timing: StreamTiming
) -> AsyncGenerator[StreamEvent, None]:
    loop = asyncio.get_running_loop()
    up: set[int] = set()
    heard_at = dict.fromkeys(range(len(tasks)), loop.time())
    while True:
        patience_s = min(heard_at[part] for part in up) + timing.probe_after_s - loop.time() if up else None
        report = await _next(reports, tasks, patience_s)
        now = loop.time()
        if report is None:
            heard_at = dict.fromkeys(heard_at, now)
            yield StreamEvent(StreamState.PROBE)
            continue
        heard_at[report.part] = now
        if report.event.state is StreamState.LOST:
            up.discard(report.part)
        elif report.event.state is StreamState.CONNECTED:
            up.add(report.part)
            if len(up) < len(tasks):
                continue
        elif not (report.event.trades or report.event.orders):
            continue
        yield report.event


async def _next(
    reports: asyncio.Queue[_Report], tasks: Sequence[asyncio.Future[None]], patience_s: float | None
) -> _Report | None:
    """Return the next report, or None after so much silence; raise what ended a channel for good."""
    if not reports.empty():
        return reports.get_nowait()
    waiting = asyncio.ensure_future(reports.get())
    ending = asyncio.ensure_future(asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED))
    try:
        async with asyncio.timeout(None if patience_s is None else max(patience_s, 0.0)):
            await asyncio.wait((waiting, ending), return_when=asyncio.FIRST_COMPLETED)
    except TimeoutError:
        pass  # A report may have come in the same turn of the loop: it is looked for below.
    finally:
        waiting.cancel()
        ending.cancel()
    if waiting.done() and not waiting.cancelled():
        return waiting.result()
    for task in tasks:
        if task.done():
            task.result()
    return None


def _raise_final(error: Failure) -> None:
    """Let a refusal of the key end the watch: asking again would change nothing. Other refusals may pass."""
    if isinstance(error, VenueRefused) and error.code in _KEY_DENIALS:
        raise error


def pause_s(timing: StreamTiming, failures: int) -> float:
    """Return how long to wait before the next attempt after so many failures in a row."""
    doublings = min(failures - 1, _DOUBLINGS_MAX)
    return float(min(timing.backoff_min_s * 2**doublings, timing.backoff_max_s))


class _Link:
    """Keep one channel connected and report what it says."""

    def __init__(
        self,
        part: int,
        make: Callable[[], Channel],
        reports: asyncio.Queue[_Report],
        line: Line,
    ) -> None:
        self._part = part
        self._make = make
        self._reports = reports
        self._timing = line.timing
        self._line = line
        self._failures = 0

    async def run(self) -> None:
        """Connect again and again, at once after a planned replacement; ends when the key is refused alone."""
        while True:
            channel = self._make()
            try:
                await self._live(channel)
                reason = f"{channel.name}: connection replaced for its age"
            except (VenueRefused, Unavailable, OutcomeUnknown) as error:
                _raise_final(error)
                self._failures += 1
                reason = str(error)
            except (aiohttp.ClientError, OSError) as error:  # TimeoutError is an OSError.
                self._failures += 1
                reason = f"{channel.name}: {str(error) or type(error).__name__}"
            self._say(StreamEvent(StreamState.LOST, reason=reason))
            if self._failures:
                await asyncio.sleep(pause_s(self._timing, self._failures))

    def _say(self, event: StreamEvent) -> None:
        self._reports.put_nowait(_Report(self._part, event))

    async def _live(self, channel: Channel) -> None:
        """Hold one connection from opening to its end."""
        timing = self._timing
        await self._line.connects.turn()
        async with asyncio.timeout(timing.confirm_max_s):
            url = await channel.open()
        cookies, connector = aiohttp.DummyCookieJar(), self._line.connector()
        async with aiohttp.ClientSession(cookie_jar=cookies, connector=connector) as session:
            async with asyncio.timeout(timing.confirm_max_s):
                socket = await session.ws_connect(
                    url,
                    ssl=self._line.ssl_context if self._line.ssl_context is not None else True,
                    heartbeat=timing.alive_s * 2 / 3,  # aiohttp waits half as long again for the answer.
                    max_msg_size=MESSAGE_LEN_MAX,
                    timeout=aiohttp.ClientWSTimeout(ws_close=0.1),  # A peer that says no goodbye is not waited for.
                )
            async with socket:
                await self._confirm(socket, channel)
                self._say(StreamEvent(StreamState.CONNECTED))
                connected_at = time.monotonic()
                try:
                    await self._carry(socket, channel)
                finally:
                    if time.monotonic() - connected_at >= timing.backoff_max_s:
                        self._failures = 0  # Not before: one that breaks at once is tried ever more slowly.

    async def _confirm(self, socket: aiohttp.ClientWebSocketResponse, channel: Channel) -> None:
        """Log in and subscribe; events that overtake the confirmation are told like any other."""
        greeting = channel.greeting()
        async with asyncio.timeout(self._timing.confirm_max_s):
            for frame in greeting:
                await socket.send_str(frame)
            confirmed = not greeting
            while not confirmed:
                heard = await self._hear(socket, channel)
                confirmed = heard.confirmed

    async def _carry(self, socket: aiohttp.ClientWebSocketResponse, channel: Channel) -> None:
        """Read until the connection fails, or return when it is old enough to be replaced."""
        work = (self._read_on(socket, channel), self._beat(socket, channel), channel.tend())
        tasks = [asyncio.ensure_future(part) for part in work]
        try:
            await asyncio.wait(tasks, timeout=self._timing.rotate_after_s, return_when=asyncio.FIRST_EXCEPTION)
            for task in tasks:
                if task.done():
                    task.result()
        finally:
            await end(*tasks)

    async def _read_on(self, socket: aiohttp.ClientWebSocketResponse, channel: Channel) -> None:
        while True:
            await self._hear(socket, channel)

    async def _hear(self, socket: aiohttp.ClientWebSocketResponse, channel: Channel) -> Heard:
        """Take one message, tell its trades and answer it; raise what ends the connection."""
        message = await socket.receive()
        if message.type not in (aiohttp.WSMsgType.TEXT, aiohttp.WSMsgType.BINARY):
            raise Unavailable(f"{channel.name}: connection closed ({socket.close_code or 'lost'})")
        try:
            text = message.data if message.type is aiohttp.WSMsgType.TEXT else message.data.decode()
            heard = channel.read(text)
        except MISREAD as error:
            log.warning("%s sent what cannot be read; waiting for the next snapshot: %r", channel.name, error)
            return Heard()
        if heard.failure is not None:
            raise heard.failure
        if heard.event:
            self._say(StreamEvent(StreamState.TRADES, heard.trades, orders=heard.orders))
        for frame in heard.send:
            await socket.send_str(frame)
        return heard

    async def _beat(self, socket: aiohttp.ClientWebSocketResponse, channel: Channel) -> None:
        beat = channel.keep_alive
        while beat is not None:
            await asyncio.sleep(beat.every_s)
            await socket.send_str(beat.frame)
