"""A small exchange for streams: REST answers and WebSocket conversations that a test scripts, on loopback."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

from aiohttp import web

Talk = Callable[[web.WebSocketResponse, str], Awaitable[None]]


@dataclass
class StreamServer:
    """`talk` holds a connection: it gets the socket and path with query, and the connection ends when it returns."""

    talk: Talk
    rest: dict[str, Any] = field(default_factory=dict)
    autoping: bool = True
    port: int = 0
    asked: list[str] = field(default_factory=list)
    paths: list[str] = field(default_factory=list)

    @property
    def http(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def ws(self) -> str:
        return f"ws://127.0.0.1:{self.port}"

    async def handle(self, request: web.Request) -> web.StreamResponse:
        if request.headers.get("Upgrade", "").lower() != "websocket":
            self.asked.append(f"{request.method} {request.path}")
            answer = self.rest[f"{request.method} {request.path}"]
            return answer() if callable(answer) else web.json_response(answer)
        self.paths.append(request.path_qs)
        socket = web.WebSocketResponse(autoping=self.autoping)
        await socket.prepare(request)
        await self.talk(socket, request.path_qs)
        return socket


@asynccontextmanager
async def stream_server(
    talk: Talk, rest: dict[str, Any] | None = None, *, autoping: bool = True
) -> AsyncIterator[StreamServer]:
    server = StreamServer(talk, rest or {}, autoping)
    app = web.Application()
    app.router.add_route("*", "/{path:.*}", server.handle)
    runner = web.AppRunner(app, shutdown_timeout=0.1)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    server.port = runner.addresses[0][1]
    try:
        yield server
    finally:
        await runner.cleanup()


async def until_closed(socket: web.WebSocketResponse) -> None:
    """Hold a connection, answering pings, until the client leaves."""
    async for _ in socket:
        pass


async def until(condition: Callable[[], bool]) -> None:
    async with asyncio.timeout(10):
        while not condition():
            await asyncio.sleep(0.001)
