"""A tiny scripted HTTP server: each request gets whatever bytes, silence or hang-up the test says."""

from __future__ import annotations

import asyncio
import re
import ssl
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import cast

_LENGTH = re.compile(rb"content-length: *(\d+)", re.IGNORECASE)


@dataclass(frozen=True)
class Reply:
    """`data` is written as it is; `hang_up` closes the connection after it."""

    data: bytes = b""
    hang_up: bool = False


SILENCE = Reply()
HANG_UP = Reply(hang_up=True)


def ok(body: bytes, *headers: str, status: str = "200 OK") -> Reply:
    lines = "".join(f"{line}\r\n" for line in headers)
    return Reply(f"HTTP/1.1 {status}\r\n{lines}Content-Length: {len(body)}\r\n\r\n".encode() + body)


Script = Callable[[str], Reply]


@dataclass
class RawExchange:
    script: Script
    url: str = ""
    requests: list[str] = field(default_factory=list)
    open: set[RawConnection] = field(default_factory=set)
    accepted: int = 0

    def hang_up_all(self) -> None:
        for connection in list(self.open):
            connection.transport.close()

    async def until(self, condition: Callable[[], bool]) -> None:
        while not condition():
            await asyncio.sleep(0.001)


class RawConnection(asyncio.Protocol):
    transport: asyncio.Transport

    def __init__(self, exchange: RawExchange) -> None:
        self._exchange = exchange
        self._pending = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast(asyncio.Transport, transport)
        self._exchange.open.add(self)
        self._exchange.accepted += 1

    def connection_lost(self, exc: Exception | None) -> None:
        self._exchange.open.discard(self)

    def data_received(self, data: bytes) -> None:
        self._pending += data
        head, end, rest = self._pending.partition(b"\r\n\r\n")
        length = _LENGTH.search(head)
        size = int(length[1]) if length else 0
        if not end or len(rest) < size:
            return
        self._pending = rest[size:]
        request = (head + end + rest[:size]).decode()
        self._exchange.requests.append(request)
        reply = self._exchange.script(request)
        if reply.data:
            self.transport.write(reply.data)
        if reply.hang_up:
            self.transport.close()


@asynccontextmanager
async def raw_exchange(script: Script, tls: ssl.SSLContext | None = None) -> AsyncIterator[RawExchange]:
    exchange = RawExchange(script)
    loop = asyncio.get_running_loop()
    server = await loop.create_server(lambda: RawConnection(exchange), "127.0.0.1", 0, ssl=tls)
    exchange.url = f"{'https' if tls else 'http'}://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    try:
        yield exchange
    finally:
        server.close()
        exchange.hang_up_all()
        await server.wait_closed()
        await exchange.until(lambda: not exchange.open)
