"""A push service and a mail server on loopback: they take whatever comes, and note when it had come whole.

Real sockets, real HTTP and SMTP. What is in a message is read afterwards, so that reading takes nothing from what is
measured. Sources: RFC 8030 (Web Push), RFC 5321 (SMTP).
"""

from __future__ import annotations

import asyncio
import re
import threading
import time
from collections.abc import Callable, Coroutine, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from typing import Any, NamedTuple

_HOST = "127.0.0.1"
_LENGTH = re.compile(rb"(?i)\r\ncontent-length: *(\d+)")
_TAKEN = b"HTTP/1.1 201 Created\r\nContent-Length: 0\r\n\r\n"
_READY_S = 10
# How each command is answered; what stands nowhere is answered with 250.
_SAID = {b"EHLO": b"250 post\r\n", b"DATA": b"354 go on\r\n", b"QUIT": b"221 bye\r\n"}
_OVER = (asyncio.IncompleteReadError, ConnectionError)

Serve = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Coroutine[Any, Any, None]]


class Arrived(NamedTuple):
    """One message: to which path or recipient, what, and when its last byte was there, in epoch milliseconds."""

    to: str
    content: bytes
    at_ms: float


@dataclass
class PostOffice:
    """Where both are reached, and all that came so far, in the order of arrival."""

    push_port: int = 0
    mail_port: int = 0
    pushes: list[Arrived] = field(default_factory=list)
    letters: list[Arrived] = field(default_factory=list)

    @property
    def push_url(self) -> str:
        return f"http://{_HOST}:{self.push_port}"

    @property
    def mail_host(self) -> str:
        return _HOST

    async def take_pushes(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Take the messages of one connection."""
        while True:
            head = await reader.readuntil(b"\r\n\r\n")
            length = _LENGTH.search(head)
            body = await reader.readexactly(int(length[1]) if length else 0)
            self.pushes.append(Arrived(head.split(b" ", 2)[1].decode(), body, _now_ms()))
            writer.write(_TAKEN)

    async def take_letters(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Take the letters of one connection, each for one recipient."""
        writer.write(b"220 post\r\n")
        recipient = ""
        while True:
            line = await reader.readuntil(b"\r\n")
            verb = line[:4].upper()
            if verb == b"RCPT":
                recipient = line.partition(b"<")[2].partition(b">")[0].decode()
            writer.write(_SAID.get(verb, b"250 ok\r\n"))
            if verb == b"DATA":
                content = await reader.readuntil(b"\r\n.\r\n")
                self.letters.append(Arrived(recipient, content, _now_ms()))
                writer.write(b"250 taken\r\n")
            if verb == b"QUIT":
                return


@contextmanager
def post_office() -> Iterator[PostOffice]:
    """Serve from a thread of its own for as long as the block lasts."""
    office, ready = PostOffice(), threading.Event()
    stopping: list[tuple[asyncio.AbstractEventLoop, asyncio.Event]] = []

    async def serve() -> None:
        push, mail = [await _open(take) for take in (office.take_pushes, office.take_letters)]
        office.push_port, office.mail_port = _port(push), _port(mail)
        stopping.append((asyncio.get_running_loop(), asyncio.Event()))
        async with push, mail:
            ready.set()
            await stopping[0][1].wait()

    thread = threading.Thread(target=lambda: asyncio.run(serve()), name="post-office", daemon=True)
    thread.start()
    assert ready.wait(_READY_S), "ports of loopback are always to be had"
    try:
        yield office
    finally:
        loop, over = stopping[0]
        loop.call_soon_threadsafe(over.set)
        thread.join()


async def _open(take: Serve) -> asyncio.Server:
    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(*_OVER):  # Who has nothing more to send hangs up.
            await take(reader, writer)
        writer.close()

    return await asyncio.start_server(serve, _HOST, 0, limit=2**20)


def _port(server: asyncio.Server) -> int:
    return int(server.sockets[0].getsockname()[1])


def _now_ms() -> float:
    return time.time() * 1000
