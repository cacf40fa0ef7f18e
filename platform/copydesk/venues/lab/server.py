"""HTTP/1.1 for the lab: a bare protocol on httptools, because every microsecond here blurs a benchmark.

Knows nothing of any exchange: an application turns a `Request` into an `Answer`.
"""

from __future__ import annotations

import asyncio
import time
from collections import deque
from collections.abc import Callable
from functools import lru_cache
from heapq import heappop, heappush
from math import ceil
from typing import Any, NamedTuple, cast

import httptools

BACKLOG = 4096
BODY_LEN_MAX = 65_536
# How many requests are answered before the loop reads and writes again.
TURN_LEN = 32
_REASONS = {
    200: b"OK",
    400: b"Bad Request",
    401: b"Unauthorized",
    403: b"Forbidden",
    404: b"Not Found",
    409: b"Conflict",
    413: b"Payload Too Large",
    418: b"I'm a teapot",
    429: b"Too Many Requests",
    500: b"Internal Server Error",
    502: b"Bad Gateway",
    503: b"Service Unavailable",
}
JSON = b"application/json;charset=UTF-8"


@lru_cache(maxsize=64)
def _head(status: int, content_type: bytes) -> bytes:
    """Write what every answer of that kind begins with."""
    return b"HTTP/1.1 %d %b\r\nContent-Type: %b\r\n" % (status, _REASONS.get(status, b"Status"), content_type)


class Request(NamedTuple):
    """One request as it came in; header names in lower case. `arrived_s` counts on the monotonic clock."""

    method: str
    path: str
    query: str
    headers: dict[bytes, bytes]
    body: bytes
    peer_ip: str
    keep_alive: bool
    arrived_s: float


class Answer(NamedTuple):
    """What to send back. `headers` are whole lines with line ends; `hold_ms` waits before sending."""

    status: int
    body: bytes
    headers: bytes = b""
    content_type: bytes = JSON
    hold_ms: float = 0.0


DROP = Answer(0, b"")
"""Close the connection without a word."""

App = Callable[[Request], Answer]


class HoldQueue:
    """Call back later, many at a time: one timer for the earliest, however many wait for the same moment."""

    def __init__(self) -> None:
        self._waiting: list[tuple[float, int, Callable[..., None], tuple[Any, ...]]] = []
        self._timer: asyncio.TimerHandle | None = None
        self._count = 0

    def put(self, due_s: float, act: Callable[..., None], *args: Any) -> None:
        """Call `act` at this time of the monotonic clock; equal times keep their order."""
        self._count += 1
        heappush(self._waiting, (due_s, self._count, act, args))
        if self._timer is None or self._waiting[0][1] == self._count:
            self._arm()

    def close(self) -> None:
        """Forget whatever still waits."""
        self._waiting.clear()
        if self._timer is not None:
            self._timer.cancel()

    def _arm(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
        # The loop's timers count whole milliseconds: rounded up, so that nothing goes out early.
        wait_ms = max(0, ceil((self._waiting[0][0] - time.monotonic()) * 1000.0))
        self._timer = asyncio.get_running_loop().call_later(wait_ms / 1000.0, self._sweep)

    def _sweep(self) -> None:
        self._timer = None
        waiting, now_s = self._waiting, time.monotonic()
        while waiting and waiting[0][0] <= now_s:
            _, _, act, args = heappop(waiting)
            act(*args)
        if waiting:
            self._arm()


class Desk:
    """Answer the requests of all connections in the order they came, some at a time.

    Reading many, then answering many, then sending many is much faster than one after the other for each,
    and no connection with a long pipeline keeps the others waiting.
    """

    def __init__(self, app: App) -> None:
        self.holds = HoldQueue()
        self._app = app
        self._waiting: deque[tuple[Connection, Request]] = deque()

    def put(self, connection: Connection, request: Request) -> None:
        if not self._waiting:
            asyncio.get_running_loop().call_soon(self._answer_some)
        self._waiting.append((connection, request))

    def _answer_some(self) -> None:
        app, waiting = self._app, self._waiting
        turn = [waiting.popleft() for _ in range(min(len(waiting), TURN_LEN))]
        if waiting:
            asyncio.get_running_loop().call_soon(self._answer_some)
        answers = [app(request) for _, request in turn]
        for (connection, request), answer in zip(turn, answers, strict=True):
            if answer.hold_ms > 0.0:
                due_s = request.arrived_s + answer.hold_ms / 1000.0
                self.holds.put(due_s, connection.send, answer, request.keep_alive)
            else:
                connection.send(answer, request.keep_alive)


class Connection(asyncio.Protocol):
    """Serve one keep-alive connection."""

    def __init__(self, desk: Desk, open_connections: set[Connection]) -> None:
        self._desk = desk
        self._open = open_connections
        self._headers: dict[bytes, bytes] = {}
        self.on_header = self._headers.__setitem__
        self._parser = httptools.HttpRequestParser(self)
        self._transport: asyncio.Transport | None = None
        self._peer_ip = ""
        self._url = b""
        self._body = b""
        self._too_long = False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        # uvloop's transports do not derive from asyncio.Transport, so only the type checker is told.
        self._transport = cast(asyncio.Transport, transport)
        peer = transport.get_extra_info("peername")
        self._peer_ip = str(peer[0]) if peer else ""
        self._open.add(self)

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002 - asyncio names it
        self._transport = None
        self._open.discard(self)

    def close(self) -> None:
        if self._transport is not None:
            self._transport.close()

    def on_url(self, url: bytes) -> None:
        self._url += url

    def on_body(self, body: bytes) -> None:
        self._too_long = self._too_long or len(self._body) + len(body) > BODY_LEN_MAX
        if not self._too_long:
            self._body += body

    def on_message_complete(self) -> None:
        parser = self._parser
        path, _, query = self._url.decode("latin-1").partition("?")
        self._desk.put(
            self,
            Request(
                parser.get_method().decode("ascii"),
                path,
                query,
                dict(zip(map(bytes.lower, self._headers), self._headers.values(), strict=True)),
                self._body,
                self._peer_ip,
                parser.should_keep_alive(),
                time.monotonic(),
            ),
        )
        self._url, self._body = b"", b""
        self._headers.clear()

    def data_received(self, data: bytes) -> None:
        try:
            self._parser.feed_data(data)
        except httptools.HttpParserCallbackError:
            raise  # Our bug, not the client's.
        except httptools.HttpParserError:
            self.send(Answer(400, b'{"error":"expected an HTTP/1.1 request"}'), False)
            return
        if self._too_long:
            self.send(Answer(413, b'{"error":"expected a body of at most 65536 bytes"}'), False)

    def send(self, answer: Answer, keep_alive: bool) -> None:
        """Write an answer, if there is still someone to read it."""
        transport = self._transport
        if transport is None or transport.is_closing():
            return
        status, body, headers, content_type, _ = answer
        if status == 0:
            transport.abort()
            return
        transport.write(
            b"%b%bContent-Length: %d\r\n%b\r\n%b"
            % (
                _head(status, content_type),
                headers,
                len(body),
                b"" if keep_alive else b"Connection: close\r\n",
                body,
            )
        )
        if not keep_alive:
            transport.close()


class HttpServer:
    """Listen on one port and count open connections, so that closing leaves none behind."""

    def __init__(self, app: App) -> None:
        self._desk = Desk(app)
        self._open: set[Connection] = set()
        self._server: asyncio.Server | None = None
        self.port = 0

    async def start(self, host: str, port: int) -> None:
        """Listen; port 0 picks a free one, found in `port` afterwards."""
        loop = asyncio.get_running_loop()
        self._server = await loop.create_server(self.connection, host, port, backlog=BACKLOG)
        self.port = self._server.sockets[0].getsockname()[1]

    def connection(self) -> Connection:
        """Make the protocol of one connection."""
        return Connection(self._desk, self._open)

    async def stop(self) -> None:
        self._desk.holds.close()
        if self._server is None:
            return
        self._server.close()
        for connection in list(self._open):
            connection.close()
        await self._server.wait_closed()
        self._server = None
