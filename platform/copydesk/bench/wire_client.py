"""A client that costs next to nothing: written-out requests over kept-alive connections, some ahead of the answers.

Each connection comes from a loopback address of its own, so that limits per address count as for many machines.
"""

from __future__ import annotations

import asyncio
import time
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import cast

ADDRESSES_MAX = 250


@dataclass
class Tally:
    """What came back: seconds from writing to answer for each request, and the answers that were no acceptance."""

    latencies_s: list[float] = field(default_factory=list)
    refused: list[bytes] = field(default_factory=list)


class WireConnection(asyncio.Protocol):
    """Send a list of requests, `ahead` of them unanswered at a time, and time each."""

    def __init__(self, requests: Sequence[bytes], *, ahead: int, accepted: bytes, tally: Tally) -> None:
        self.done: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._requests = deque(requests)
        self._ahead = ahead
        self._accepted = accepted
        self._tally = tally
        self._sent: deque[float] = deque()
        self._data = b""
        self._transport: asyncio.Transport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)

    def connection_lost(self, exc: Exception | None) -> None:
        if not self.done.done():
            self.done.set_exception(exc or ConnectionResetError("the lab closed a connection"))

    def begin(self) -> None:
        """Write the first requests."""
        self._write_more()

    def data_received(self, data: bytes) -> None:
        self._data += data
        while self._take_answer():
            pass
        if self._requests:
            self._write_more()
        elif not self._sent and not self.done.done():
            self.done.set_result(None)

    def close(self) -> None:
        if self._transport is not None:
            self._transport.close()

    def _write_more(self) -> None:
        assert self._transport is not None, "the loop calls connection_made first"
        batch = [self._requests.popleft() for _ in range(min(self._ahead - len(self._sent), len(self._requests)))]
        if batch:
            now_s = time.perf_counter()
            self._sent.extend([now_s] * len(batch))
            self._transport.write(b"".join(batch))

    def _take_answer(self) -> bool:
        head = self._data.find(b"\r\n\r\n")
        if head < 0:
            return False
        at = self._data.lower().find(b"content-length:", 0, head)
        end = head + 4 + int(self._data[at + 15 : self._data.find(b"\r\n", at)])
        if len(self._data) < end:
            return False
        answer, self._data = self._data[:end], self._data[end:]
        self._tally.latencies_s.append(time.perf_counter() - self._sent.popleft())
        if self._accepted not in answer:
            self._tally.refused.append(answer)
        return True


async def send_all(
    host: str, port: int, requests: Sequence[bytes], *, connections: int, ahead: int, accepted: bytes
) -> tuple[float, Tally]:
    """Send requests over many connections; return the wall seconds from first write to last answer, and the tally."""
    loop, tally = asyncio.get_running_loop(), Tally()
    opened = []
    for number in range(connections):
        share = requests[number::connections]
        source = (f"127.0.1.{1 + number % ADDRESSES_MAX}", 0)
        _, protocol = await loop.create_connection(
            lambda share=share: WireConnection(share, ahead=ahead, accepted=accepted, tally=tally),  # type: ignore[misc]
            host,
            port,
            local_addr=source,
        )
        opened.append(protocol)
    began_s = time.perf_counter()
    for protocol in opened:
        protocol.begin()
    await asyncio.gather(*(protocol.done for protocol in opened))
    wall_s = time.perf_counter() - began_s
    for protocol in opened:
        protocol.close()
    return wall_s, tally
