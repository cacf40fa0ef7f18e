"""WebSocket side of the lab: connections with an outbox each, on a port of their own or beside REST under TLS.

Knows nothing of any exchange: a dialect gives a `Session` per path. Under TLS one port serves a whole host, as the
exchanges do: WebSocket paths speak WebSocket, whatever else comes is a plain request.
"""

from __future__ import annotations

import asyncio
import ssl
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Protocol

from aiohttp import WSCloseCode, WSMsgType, web

from copydesk.venues.lab.server import BODY_LEN_MAX, Answer, App, Request

OUTBOX_LEN_MAX = 20_000
PING_EVERY_S = 20.0
MESSAGE_LEN_MAX = 1 << 20


class Session(Protocol):
    """What a dialect does on one connection."""

    def on_text(self, text: str) -> None: ...

    def on_close(self) -> None: ...


class StreamConnection:
    """One client. `send` never waits: a client too slow to empty its outbox is cut off."""

    def __init__(self, ws: web.WebSocketResponse, ip: str) -> None:
        self.ip = ip
        self._ws = ws
        self._outbox: asyncio.Queue[bytes] = asyncio.Queue(OUTBOX_LEN_MAX)
        self._closing: asyncio.Task[bool] | None = None

    def send(self, payload: bytes, hold_ms: float = 0.0) -> None:
        """Queue a text frame, after `hold_ms` if given."""
        if hold_ms > 0.0:
            asyncio.get_running_loop().call_later(hold_ms / 1000.0, self.send, payload)
            return
        try:
            self._outbox.put_nowait(payload)
        except asyncio.QueueFull:
            self.close(WSCloseCode.POLICY_VIOLATION, b"client too slow")

    def close(self, code: int = WSCloseCode.GOING_AWAY, reason: bytes = b"") -> None:
        """Close the connection; safe to call twice."""
        if self._closing is None:
            self._closing = asyncio.ensure_future(self._ws.close(code=code, message=reason))

    async def write_out(self) -> None:
        """Send what is queued, until the connection ends."""
        while True:
            payload = await self._outbox.get()
            await self._ws.send_frame(payload, WSMsgType.TEXT)

    async def wait_closed(self) -> None:
        if self._closing is not None:
            await self._closing


SessionMaker = Callable[[StreamConnection, web.Request], Session]
IpOf = Callable[[web.Request], str]


class StreamServer:
    """Serve WebSocket paths. `sessions` maps a path pattern of aiohttp to what is spoken there.

    With `rest` every other request is answered by that application, and a WebSocket path without an upgrade too.
    """

    def __init__(self, sessions: Mapping[str, SessionMaker], ip_of: IpOf, rest: App | None = None) -> None:
        self._sessions = sessions
        self._ip_of = ip_of
        self._rest = rest
        self._open: set[StreamConnection] = set()
        self._runner: web.AppRunner | None = None
        self.ports: list[int] = []

    @property
    def port(self) -> int:
        return self.ports[0]

    async def start(self, host: str, ports: Sequence[int], context: ssl.SSLContext | None = None) -> None:
        """Listen; port 0 picks a free one, found in `ports` afterwards."""
        app = web.Application(client_max_size=BODY_LEN_MAX)
        for path, make in self._sessions.items():
            app.router.add_get(path, self._handler(make))
        if self._rest is not None:
            app.router.add_route("*", "/{path:.*}", self._plain)
        self._runner = web.AppRunner(app, access_log=None, handle_signals=False, shutdown_timeout=1.0)
        await self._runner.setup()
        for port in ports:
            site = web.TCPSite(self._runner, host, port, ssl_context=context)
            await site.start()
        self.ports = [address[1] for address in self._runner.addresses]

    async def stop(self) -> None:
        for connection in list(self._open):
            connection.close()
        if self._runner is not None:
            await self._runner.cleanup()
            self._runner = None

    async def _plain(self, request: web.Request) -> web.StreamResponse:
        """Hand a plain request to the REST application, byte for byte."""
        assert self._rest is not None, "only routed where there is one"
        path, _, query = request.raw_path.partition("?")
        headers = {name.lower(): value for name, value in request.raw_headers}
        arrived_s = time.monotonic()
        asked = Request(
            request.method, path, query, headers, await request.read(), request.remote or "", True, arrived_s
        )
        answer = self._rest(asked)
        await asyncio.sleep(max(0.0, arrived_s + answer.hold_ms / 1000.0 - time.monotonic()) if answer.hold_ms else 0)
        return _response(request, answer)

    def _handler(self, make: SessionMaker) -> Callable[[web.Request], Awaitable[web.StreamResponse]]:
        async def handle(request: web.Request) -> web.StreamResponse:
            if self._rest is not None and "upgrade" not in request.headers.get("connection", "").lower():
                return await self._plain(request)
            ws = web.WebSocketResponse(heartbeat=PING_EVERY_S, compress=False, max_msg_size=MESSAGE_LEN_MAX)
            await ws.prepare(request)
            connection = StreamConnection(ws, self._ip_of(request))
            await self._talk(ws, connection, make(connection, request))
            return ws

        return handle

    async def _talk(self, ws: web.WebSocketResponse, connection: StreamConnection, session: Session) -> None:
        self._open.add(connection)
        writer = asyncio.ensure_future(connection.write_out())
        try:
            async for message in ws:
                if message.type == WSMsgType.TEXT:
                    session.on_text(message.data)
        finally:
            session.on_close()
            self._open.discard(connection)
            writer.cancel()
            await asyncio.wait([writer])
            await connection.wait_closed()


def _response(request: web.Request, answer: Answer) -> web.StreamResponse:
    """Put an answer into aiohttp's form; a dropped request loses its connection."""
    if answer.status == 0:
        if request.transport is not None:
            request.transport.abort()
        return web.Response(status=500)
    headers = [tuple(line.split(": ", 1)) for line in answer.headers.decode("latin-1").split("\r\n") if line]
    response = web.Response(status=answer.status, body=answer.body)
    for name, value in headers:
        response.headers.add(name, value)
    response.headers["Content-Type"] = answer.content_type.decode("latin-1")
    return response
