"""HTTP/1.1 for the lab: a bare protocol on httptools, because every microsecond here blurs a benchmark.

Knows nothing of any exchange: an application turns a `Request` into an `Answer`.
"""

from __future__ import annotations

import asyncio
import time
from collections import deque
from collections.abc import Callable
from functools import lru_cache
from typing import TYPE_CHECKING, NamedTuple, cast

import httptools

from copydesk.venues.lab.holds import HoldQueue

if TYPE_CHECKING:
    from copydesk.venues.lab.express import Express

BACKLOG = 4096
BODY_LEN_MAX = 65_536
# How many requests are answered before the loop reads and writes again.
TURN_LEN = 32
# The same for what the express lane takes, which is quicker.
LOOK_LEN = 64
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


def written(status: int, body: bytes, headers: bytes, content_type: bytes, *, keep_alive: bool = True) -> bytes:
    """Write a whole answer."""
    return b"%b%bContent-Length: %d\r\n%b\r\n%b" % (
        _head(status, content_type),
        headers,
        len(body),
        b"" if keep_alive else b"Connection: close\r\n",
        body,
    )


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


class Desk:
    """Answer the requests of all connections in the order they came, some at a time.

    Reading many, then answering many, then sending many is much faster than one after the other for each,
    and no connection with a long pipeline keeps the others waiting. `settle` is called before answers are sent, once
    for all that are sent together.
    """

    def __init__(self, app: App, express: Express | None, settle: Callable[[], None] | None) -> None:
        self.holds = HoldQueue(settle)
        self._app = app
        self._express = express
        self._settle = settle
        self._waiting: deque[tuple[Connection, Request]] = deque()
        self._heard: deque[tuple[Connection, bytes, float]] = deque()

    def put(self, connection: Connection, request: Request) -> None:
        if not self._waiting:
            asyncio.get_running_loop().call_soon(self._answer_some)
        self._waiting.append((connection, request))

    def hear(self, connection: Connection, data: bytes) -> None:
        """Have bytes looked at together with those of other connections; one by one they take longer."""
        if not self._heard:
            asyncio.get_running_loop().call_soon(self._look)
        self._heard.append((connection, data, time.monotonic()))

    def _look(self) -> None:
        """Let the express lane take what it can, so that ordinary requests are answered after what came before them."""
        heard, ready = self._heard, list[tuple[Connection, bytes]]()
        first_s = heard[0][2]
        for _ in range(min(len(heard), LOOK_LEN)):
            connection, data, arrived_s = heard.popleft()
            answers = connection.take(data, arrived_s)
            if answers:
                ready.append((connection, answers))
        if heard:
            asyncio.get_running_loop().call_soon(self._look)
        if ready:
            self._send(ready, first_s)

    def _send(self, ready: list[tuple[Connection, bytes]], arrived_s: float) -> None:
        """Send answers of the express lane; those that were looked at together go out together."""
        hold_ms = self._express.hold_ms if self._express is not None else 0.0
        if hold_ms > 0.0:
            self.holds.put(arrived_s + hold_ms / 1000.0, _write_all, ready)
            return
        if self._settle is not None:
            self._settle()
        _write_all(ready)

    def _answer_some(self) -> None:
        app, waiting = self._app, self._waiting
        turn = [waiting.popleft() for _ in range(min(len(waiting), TURN_LEN))]
        if waiting:
            asyncio.get_running_loop().call_soon(self._answer_some)
        for connection, _ in turn:
            connection.unanswered -= 1
        answers = [app(request) for _, request in turn]
        if self._settle is not None and not all(answer.hold_ms > 0.0 for answer in answers):
            self._settle()
        for (connection, request), answer in zip(turn, answers, strict=True):
            if answer.hold_ms > 0.0:
                due_s = request.arrived_s + answer.hold_ms / 1000.0
                self.holds.put(due_s, connection.send, answer, request.keep_alive)
            else:
                connection.send(answer, request.keep_alive)


def _write_all(ready: list[tuple[Connection, bytes]]) -> None:
    for connection, answers in ready:
        connection.write(answers)


class Connection(asyncio.Protocol):
    """Serve one keep-alive connection. `unanswered` counts the requests that wait to be carried out."""

    def __init__(self, desk: Desk, open_connections: set[Connection], express: Express | None = None) -> None:
        self.unanswered = 0
        self._desk = desk
        self._express = express
        # What the express lane waits to see whole, and whether the parser is in the middle of a request.
        self._kept = b""
        self._inside = False
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

    def on_message_begin(self) -> None:
        self._inside = True

    def on_message_complete(self) -> None:
        parser = self._parser
        self._inside = False
        self.unanswered += 1
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
        if self._express is not None:
            self._desk.hear(self, data)
        else:
            self._parse(data)

    def take(self, data: bytes, arrived_s: float) -> bytes:
        """Let the express lane take what it can and return its answers; the rest goes the ordinary way."""
        express = self._express
        assert express is not None, "without an express lane nothing is heard"
        if self._inside or self.unanswered:
            self._parse(data)
            return b""
        if self._kept:
            data, self._kept = self._kept + data, b""
        taken, answers, waits = express.take(data, self._peer_ip, arrived_s)
        if waits:
            self._kept = data[taken:]
        elif taken < len(data):
            self._parse(data[taken:])
        return answers[0] if len(answers) == 1 else b"".join(answers)

    def _parse(self, data: bytes) -> None:
        try:
            self._parser.feed_data(data)
        except httptools.HttpParserCallbackError:
            raise  # Our bug, not the client's.
        except httptools.HttpParserError:
            self.send(Answer(400, b'{"error":"expected an HTTP/1.1 request"}'), False)
            return
        if self._too_long:
            self.send(Answer(413, b'{"error":"expected a body of at most 65536 bytes"}'), False)

    def write(self, payload: bytes) -> None:
        """Write answers, if there is still someone to read them."""
        transport = self._transport
        if transport is not None and not transport.is_closing():
            transport.write(payload)

    def send(self, answer: Answer, keep_alive: bool) -> None:
        """Write an answer, if there is still someone to read it."""
        transport = self._transport
        if transport is None or transport.is_closing():
            return
        status, body, headers, content_type, _ = answer
        if status == 0:
            transport.abort()
            return
        transport.write(written(status, body, headers, content_type, keep_alive=keep_alive))
        if not keep_alive:
            transport.close()


class HttpServer:
    """Listen on one port and count open connections, so that closing leaves none behind."""

    def __init__(self, app: App, express: Express | None = None, settle: Callable[[], None] | None = None) -> None:
        self._desk = Desk(app, express, settle)
        self._express = express
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
        return Connection(self._desk, self._open, self._express)

    async def stop(self) -> None:
        self._desk.holds.close()
        if self._server is None:
            return
        self._server.close()
        for connection in list(self._open):
            connection.close()
        await self._server.wait_closed()
        self._server = None
