"""Links between the roles and what they speak to, which a fault may cut, hold, slow down or make forget.

A link listens on a port or a socket file and passes bytes on to another one. All links run on one event loop in a
thread of their own.
"""

from __future__ import annotations

import asyncio
import socket
import struct
import threading
from collections.abc import Callable, Coroutine
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

T = TypeVar("T")

_READ_BYTES = 65_536
_LOOPBACK = "127.0.0.1"
# Closing with this set sends a reset instead of an orderly end (socket(7), SO_LINGER).
_RESET = struct.pack("ii", 1, 0)


@dataclass(frozen=True)
class Place:
    """Where a server is: a socket file, or a port of this machine."""

    path: Path | None = None
    port: int = 0

    async def dial(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        """Connect; raises OSError."""
        if self.path is not None:
            return await asyncio.open_unix_connection(str(self.path))
        return await asyncio.open_connection(_LOOPBACK, self.port)


@dataclass
class Weather:
    """What a link does to bytes now. Delays are seconds for each piece that is read, in each direction.

    `hold` swallows nothing and passes nothing on: both ends believe that they are connected. `deaf` loses what the
    server says. `refuse` closes at once whoever connects. `cut_after` names bytes of the client after which the
    connection is broken: they arrive, the answer does not.
    """

    delay_s: float = 0.0
    hold: bool = False
    deaf: bool = False
    refuse: bool = False
    cut_after: bytes = b""
    cuts_left: int = 0


@dataclass
class Link:
    """One passage; change `weather` to harm it."""

    name: str
    here: Place
    there: Place
    weather: Weather = field(default_factory=Weather)
    _open: set[tuple[asyncio.StreamWriter, asyncio.StreamWriter]] = field(default_factory=set)
    _server: asyncio.Server | None = None

    async def start(self) -> None:
        """Listen."""
        if self.here.path is not None:
            self._server = await asyncio.start_unix_server(self._serve, str(self.here.path))
            self.here.path.chmod(0o777)
        else:
            self._server = await asyncio.start_server(self._serve, _LOOPBACK, self.here.port)

    @property
    def port(self) -> int:
        """Return the port that it listens on."""
        assert self._server is not None, "a link listens once it is open"
        return int(self._server.sockets[0].getsockname()[1])

    async def stop(self) -> None:
        """Listen no more, and break what is open."""
        if self._server is not None:
            self._server.close()
        await self.cut()

    async def cut(self) -> None:
        """Reset every connection now."""
        for pair in list(self._open):
            for writer in pair:
                _reset(writer)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if self.weather.refuse:
            _reset(writer)
            return
        try:
            far_reader, far_writer = await self.there.dial()
        except OSError:
            _reset(writer)
            return
        pair = (writer, far_writer)
        self._open.add(pair)
        try:
            async with asyncio.TaskGroup() as tasks:
                tasks.create_task(self._pass(reader, far_writer, pair, told=True))
                tasks.create_task(self._pass(far_reader, writer, pair, told=False))
        finally:
            self._open.discard(pair)
            for end in pair:
                end.close()

    async def _pass(
        self,
        reader: asyncio.StreamReader,
        writer: asyncio.StreamWriter,
        pair: tuple[asyncio.StreamWriter, asyncio.StreamWriter],
        *,
        told: bool,
    ) -> None:
        """Pass one direction on until either end closes; `told` is what the client says."""
        with suppress(OSError):
            while data := await reader.read(_READ_BYTES):
                weather = self.weather
                if weather.delay_s:
                    await asyncio.sleep(weather.delay_s)
                while self.weather.hold:
                    await asyncio.sleep(0.02)
                if not told and self.weather.deaf:
                    continue
                writer.write(data)
                await writer.drain()
                if told and weather.cuts_left and weather.cut_after in data:
                    weather.cuts_left -= 1
                    await asyncio.sleep(0.002)  # The server has read them, and its answer is on its way at most.
                    break
        for end in pair:
            _reset(end)


def _reset(writer: asyncio.StreamWriter) -> None:
    """Break a connection without a good-bye where the kind of socket knows such a thing."""
    sock = writer.get_extra_info("socket")
    if sock is not None and sock.family == socket.AF_INET:
        with suppress(OSError):
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET)
    if writer.transport is not None:
        writer.transport.abort()


class Links:
    """Run links on a loop of their own; close when done."""

    def __init__(self) -> None:
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="links", daemon=True)
        self._thread.start()
        self._all: dict[str, Link] = {}

    def open(self, name: str, here: Place, there: Place) -> Link:
        """Open one link."""
        link = self._all[name] = Link(name, here, there)
        self._run(link.start)
        return link

    def __getitem__(self, name: str) -> Link:
        return self._all[name]

    def harm(self, name: str, weather: Weather, *, cut: bool = False) -> None:
        """Change the weather on one link; with `cut` its connections are reset as well."""
        self._all[name].weather = weather
        if cut:
            self._run(self._all[name].cut)

    def heal(self) -> None:
        """Let every link pass everything again; connections that were held or deaf are broken."""
        for link in self._all.values():
            broken = link.weather.hold or link.weather.deaf
            link.weather = Weather()
            if broken:
                self._run(link.cut)

    def close(self) -> None:
        """Close every link and end the loop."""
        for link in self._all.values():
            self._run(link.stop)
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    def _run(self, work: Callable[[], Coroutine[Any, Any, T]]) -> T:
        return asyncio.run_coroutine_threadsafe(work(), self._loop).result(10)
