"""Many open pages in a process of their own: each a plain socket that listens to live events and notes when they come.

Speaks in lines of JSON: what to open comes on standard input; then every line asks for what was heard since the last.
A page does as little as can be when something comes, for all of them share a machine with what is measured: it notes
the time. What came is read when it is asked for.
"""

from __future__ import annotations

import asyncio
import gc
import re
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any, NamedTuple, cast

import orjson
import uvloop

from copydesk.bench.installation import raise_file_limit
from copydesk.kernel import Unavailable
from copydesk.stack.process import leash

_EVENT = re.compile(rb"event: (\w+)\n(?:id: [\d-]+\n)?data: ([^\n]*)\n\n")
_QUIET = frozenset({b"beat"})
_AT_ONCE = 200
_READY_S = 120


class Door(NamedTuple):
    """How a page opens its stream: the path with its token, and the address that it comes from."""

    path: str
    address: str


class Event(NamedTuple):
    """An event that a page got: which page, what, and when, in epoch milliseconds."""

    page: int
    name: str
    data: dict[str, Any]
    at_ms: float


class Pages:
    """The process of open pages, seen from outside."""

    def __init__(self, process: subprocess.Popen[bytes], opened: int) -> None:
        self._process = process
        self.opened = opened

    def heard(self) -> list[Event]:
        """Return what came since the last time, of all pages in the order of arrival."""
        return [Event(*one) for one in _exchange(self._process, {})["heard"]]


@contextmanager
def open_pages(command: Sequence[str], host: str, port: int, doors: Sequence[Door]) -> Iterator[Pages]:
    """Open pages by a command that runs `serve`, for as long as the block lasts. Raises `Unavailable` if one fails."""
    words = [*leash("KILL"), *command]
    with subprocess.Popen(words, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        try:
            opened = int(
                _exchange(process, {"host": host, "port": port, "doors": [list(door) for door in doors]})["open"]
            )
            if opened < len(doors):
                raise Unavailable(f"{len(doors) - opened} of {len(doors)} pages were not let in; see log/live.log")
            yield Pages(process, opened)
        finally:
            process.terminate()


def serve() -> None:
    """Open what standard input says, and answer until it ends."""
    raise_file_limit()
    uvloop.run(_serve())


async def _serve() -> None:
    loop = asyncio.get_running_loop()
    asked = orjson.loads(await loop.run_in_executor(None, sys.stdin.buffer.readline))
    reader = Reader()
    pages = [PageStream(number, reader.arrived) for number in range(len(asked["doors"]))]
    gate = asyncio.Semaphore(_AT_ONCE)

    async def enter(page: PageStream, door: Door) -> None:
        async with gate:
            await loop.create_connection(lambda: page, "127.0.0.1", asked["port"])
            page.ask(door, asked["host"])
            await asyncio.wait_for(page.let_in, _READY_S)

    await asyncio.gather(*(enter(page, Door(*door)) for page, door in zip(pages, asked["doors"], strict=True)))
    _say({"open": sum(page.let_in.result() for page in pages)})
    gc.collect()
    gc.freeze()
    while await loop.run_in_executor(None, sys.stdin.buffer.readline):
        _say({"heard": [list(event) for event in reader.read()]})


class Arrived(NamedTuple):
    """What came on a page's stream, whole or not, and when."""

    page: int
    at_ms: float
    data: bytes


class PageStream(asyncio.Protocol):
    """One page: its request, whether it was let in, and when something came."""

    def __init__(self, number: int, arrived: list[Arrived]) -> None:
        self._number = number
        self._note: Callable[[Arrived], None] = arrived.append
        self._transport: asyncio.Transport | None = None
        self.let_in: asyncio.Future[bool] = asyncio.get_running_loop().create_future()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)

    def ask(self, door: Door, host: str) -> None:
        head = f"GET {door.path} HTTP/1.1\r\nHost: {host}\r\nX-Forwarded-For: {door.address}\r\n\r\n"
        assert self._transport is not None
        self._transport.write(head.encode())

    def data_received(self, data: bytes) -> None:
        self._note(Arrived(self._number, time.time() * 1000, data))
        if not self.let_in.done():
            self.let_in.set_result(data.startswith(b"HTTP/1.1 200"))

    def connection_lost(self, _error: Exception | None) -> None:
        if not self.let_in.done():
            self.let_in.set_result(False)


class Reader:
    """Reads events out of what came, however it was cut on its way; each has the time of its last piece."""

    def __init__(self) -> None:
        self.arrived: list[Arrived] = []
        self._rests: dict[int, bytes] = {}

    def read(self) -> list[Event]:
        """Return the events that are whole now, each once."""
        arrived = list(self.arrived)
        del self.arrived[: len(arrived)]
        return [event for one in arrived for event in self._events(one)]

    def _events(self, came: Arrived) -> Iterator[Event]:
        text, end = self._rests.get(came.page, b"") + came.data, 0
        for found in _EVENT.finditer(text):
            end = found.end()
            if found[1] not in _QUIET:
                yield Event(came.page, found[1].decode(), orjson.loads(found[2] or b"{}"), came.at_ms)
        self._rests[came.page] = text[end:]


def _say(told: dict[str, Any]) -> None:
    sys.stdout.buffer.write(orjson.dumps(told) + b"\n")
    sys.stdout.buffer.flush()


def _exchange(process: subprocess.Popen[bytes], asked: dict[str, Any]) -> dict[str, Any]:
    assert process.stdin is not None and process.stdout is not None
    process.stdin.write(orjson.dumps(asked) + b"\n")
    process.stdin.flush()
    line = process.stdout.readline()
    if not line:
        raise Unavailable("the process of open pages has ended")
    return dict(orjson.loads(line))
