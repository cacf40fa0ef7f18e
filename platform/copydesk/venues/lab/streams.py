"""WebSocket side of the lab: connections with an outbox each, on a port of their own.

Knows nothing of any exchange: a dialect gives a `Session` per path.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Protocol

from aiohttp import WSCloseCode, WSMsgType, web

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
    """Serve WebSocket paths. `sessions` maps a path pattern of aiohttp to what is spoken there."""

    def __init__(self, sessions: dict[str, SessionMaker], ip_of: IpOf) -> None:
        self._sessions = sessions
        self._ip_of = ip_of
        self._open: set[StreamConnection] = set()
        self._runner: web.AppRunner | None = None
        self.port = 0

    async def start(self, host: str, port: int) -> None:
        """Listen; port 0 picks a free one, found in `port` afterwards."""
        app = web.Application()
        for path, make in self._sessions.items():
            app.router.add_get(path, self._handler(make))
        self._runner = web.AppRunner(app, access_log=None, handle_signals=False)
        await self._runner.setup()
        await web.TCPSite(self._runner, host, port, shutdown_timeout=1.0).start()
        self.port = self._runner.addresses[0][1]

    async def stop(self) -> None:
        for connection in list(self._open):
            connection.close()
        if self._runner is not None:
            await self._runner.cleanup()
            self._runner = None

    def _handler(self, make: SessionMaker) -> Callable[[web.Request], Awaitable[web.StreamResponse]]:
        async def handle(request: web.Request) -> web.StreamResponse:
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
