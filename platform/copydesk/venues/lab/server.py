"""HTTP/1.1 for the lab: a bare protocol on httptools, because every microsecond here blurs a benchmark.

Knows nothing of any exchange: an application turns a `Request` into an `Answer`.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from typing import NamedTuple, cast

import httptools

BODY_LEN_MAX = 65_536
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
_JSON = b"application/json;charset=UTF-8"


class Request:
    """One request as it came in; header names in lower case. `arrived_s` counts on the monotonic clock."""

    __slots__ = ("arrived_s", "body", "headers", "keep_alive", "method", "path", "peer_ip", "query")

    def __init__(self, method: str, url: str, headers: dict[bytes, bytes], body: bytes, peer_ip: str) -> None:
        self.method = method
        self.path, _, self.query = url.partition("?")
        self.headers = headers
        self.body = body
        self.peer_ip = peer_ip
        self.keep_alive = True
        self.arrived_s = time.monotonic()


class Answer(NamedTuple):
    """What to send back. `headers` are whole lines with line ends; `hold_ms` waits before sending."""

    status: int
    body: bytes
    headers: bytes = b""
    content_type: bytes = _JSON
    hold_ms: float = 0.0


DROP = Answer(0, b"")
"""Close the connection without a word."""

App = Callable[[Request], Answer]


class Connection(asyncio.Protocol):
    """Serve one keep-alive connection."""

    def __init__(self, app: App, open_connections: set[Connection]) -> None:
        self._app = app
        self._open = open_connections
        self._parser = httptools.HttpRequestParser(self)
        self._transport: asyncio.Transport | None = None
        self._peer_ip = ""
        self._url = b""
        self._headers: dict[bytes, bytes] = {}
        self._body: list[bytes] = []
        self._body_len = 0
        self._ready: list[Request] = []

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

    def on_message_begin(self) -> None:
        self._url, self._headers, self._body, self._body_len = b"", {}, [], 0

    def on_url(self, url: bytes) -> None:
        self._url += url

    def on_header(self, name: bytes, value: bytes) -> None:
        self._headers[name.lower()] = value

    def on_body(self, body: bytes) -> None:
        self._body_len += len(body)
        if self._body_len <= BODY_LEN_MAX:
            self._body.append(body)

    def on_message_complete(self) -> None:
        parser = self._parser
        request = Request(
            parser.get_method().decode("ascii"),
            self._url.decode("latin-1"),
            self._headers,
            b"".join(self._body),
            self._peer_ip,
        )
        request.keep_alive = parser.should_keep_alive()
        self._ready.append(request)

    def data_received(self, data: bytes) -> None:
        try:
            self._parser.feed_data(data)
        except httptools.HttpParserError:
            self._send(Answer(400, b'{"error":"expected an HTTP/1.1 request"}'), False)
            return
        if self._body_len > BODY_LEN_MAX:
            self._send(Answer(413, b'{"error":"expected a body of at most 65536 bytes"}'), False)
            return
        ready, self._ready = self._ready, []
        for request in ready:
            answer = self._app(request)
            if answer.hold_ms > 0.0:
                left_s = answer.hold_ms / 1000.0 - (time.monotonic() - request.arrived_s)
                asyncio.get_running_loop().call_later(max(0.0, left_s), self._send, answer, request.keep_alive)
            else:
                self._send(answer, request.keep_alive)

    def _send(self, answer: Answer, keep_alive: bool) -> None:
        transport = self._transport
        if transport is None or transport.is_closing():
            return
        if answer.status == 0:
            transport.abort()
            return
        transport.write(
            b"HTTP/1.1 %d %b\r\nContent-Type: %b\r\n%bContent-Length: %d\r\n%b\r\n%b"
            % (
                answer.status,
                _REASONS.get(answer.status, b"Status"),
                answer.content_type,
                answer.headers,
                len(answer.body),
                b"" if keep_alive else b"Connection: close\r\n",
                answer.body,
            )
        )
        if not keep_alive:
            transport.close()


class HttpServer:
    """Listen on one port and count open connections, so that closing leaves none behind."""

    def __init__(self, app: App) -> None:
        self._app = app
        self._open: set[Connection] = set()
        self._server: asyncio.Server | None = None
        self.port = 0

    async def start(self, host: str, port: int) -> None:
        """Listen; port 0 picks a free one, found in `port` afterwards."""
        loop = asyncio.get_running_loop()
        self._server = await loop.create_server(lambda: Connection(self._app, self._open), host, port, backlog=4096)
        self.port = self._server.sockets[0].getsockname()[1]

    async def stop(self) -> None:
        if self._server is None:
            return
        self._server.close()
        for connection in list(self._open):
            connection.close()
        await self._server.wait_closed()
        self._server = None
