"""Keep-alive connections to one address: who waits, who sends, and what a failure proves.

The order path's own client (why not a library: see `http_wire`). No task and no timer per request:
answers arrive by callback, deadlines are swept together. A failure before the first byte is `Unavailable`;
afterwards it is `OutcomeUnknown` for whatever changes something, and `Unavailable` for reads.
"""

from __future__ import annotations

import asyncio
import socket
import ssl
import time
from collections import deque
from collections.abc import Callable, Collection
from dataclasses import dataclass
from urllib.parse import urlsplit

from copydesk.kernel import NotPermitted, OutcomeUnknown, Unavailable
from copydesk.venues.client.http_wire import Call, Connection, Ends, Postponed, Way
from copydesk.venues.client.watch import Watch
from copydesk.venues.traits import Endpoint

SWEEP_S = 0.05
DIALS_MAX = 50  # More at once overflow a usual listen backlog, and a lost SYN costs a second.


@dataclass(frozen=True)
class PoolLimits:
    """Bounds of one pool: `wait_max_s` in the queue, `answer_max_s` and for reads `read_max_s` from write to answer.

    `egress` is the local address that its connections leave from; empty for the system's choice.
    """

    connections_max: int = 200
    wait_max_s: float = 5.0
    answer_max_s: float = 3.0  # Of orders: the sooner one counts as unknown, the sooner reconcile may ask for it.
    read_max_s: float = 10.0  # `exchangeInfo` is megabytes.
    connect_max_s: float = 5.0
    egress: str = ""


class HttpPool:
    """Send requests to one origin over at most `connections_max` connections, urgent ones first, else FIFO."""

    def __init__(
        self,
        origin: str,
        allowed: Collection[Endpoint],
        *,
        limits: PoolLimits | None = None,
        ssl_context: ssl.SSLContext | None = None,
        now: Callable[[], float] = time.time,
    ) -> None:
        parts = urlsplit(origin)
        assert parts.scheme in ("http", "https") and parts.hostname, f"not an HTTP origin: {origin}"
        secure = parts.scheme == "https"
        self._ssl = (ssl_context or ssl.create_default_context()) if secure else None
        self._address = (parts.hostname, parts.port or (443 if secure else 80))
        self.limits = limits or PoolLimits()
        patience_s = {True: self.limits.answer_max_s, False: self.limits.read_max_s}
        self._ways = {endpoint: Way(endpoint, parts.netloc, patience_s[endpoint.mutates]) for endpoint in allowed}
        self._now = now
        self._loop: asyncio.AbstractEventLoop | None = None
        self._kernel: Watch[Connection] = Watch()
        self._looked = False
        self._open: set[Connection] = set()
        self._idle: list[Connection] = []
        self._dials: set[asyncio.Task[None]] = set()
        self._queues: tuple[deque[Call], deque[Call]] = (deque(), deque())
        self._target = 0
        self._sweeper: asyncio.TimerHandle | None = None
        self._ends = Ends()
        self._changed: asyncio.Event = asyncio.Event()
        self._closed = False

    @property
    def open_connections(self) -> int:
        return len(self._open)

    def go_by(self, now: Callable[[], float]) -> None:
        """Tell the time by another clock, in epoch seconds."""
        self._now = now

    async def warm(self, connections: int) -> int:
        """Open connections ahead of need, and again those that the exchange closed; return how many are open.

        Costs one look at the kernel when nothing is missing.
        """
        self._loop = asyncio.get_running_loop()
        self._look()
        dead = {connection for connection in self._idle if not connection.usable()}
        for connection in dead:
            connection.abort()
        await self._until(lambda: self._open.isdisjoint(dead))
        self._target = min(connections, self.limits.connections_max)
        self._grow()
        await self._until(lambda: not self._dials)
        self._target = 0
        return self.open_connections

    def start(self, call: Call) -> None:
        """Send now if a connection is free, else queue; `call.finished` tells the end. Refuses unlisted endpoints."""
        if call.endpoint not in self._ways:
            raise NotPermitted(f"{call.endpoint.method} {call.endpoint.path} is not on the list of allowed endpoints")
        if self._closed:
            self._fail_unsent(call, "the connection pool is closed")
            return
        if self._loop is None:
            self._loop = asyncio.get_running_loop()
        connection = self._take_idle()
        if connection is not None:
            self._send(connection, call)
            return
        call.deadline = self._loop.time() + self.limits.wait_max_s
        self._queues[0 if call.urgent else 1].append(call)
        self._grow()
        self._watch()

    async def aclose(self) -> None:
        """Drop every connection; what was queued is `Unavailable`, what was under way is unknown."""
        self._closed = True
        if self._sweeper is not None:
            self._sweeper.cancel()
        for dial in self._dials:
            dial.cancel()
        for queue in self._queues:
            while queue:
                self._fail_unsent(queue.popleft(), "the connection pool is closed")
        for connection in self._open:
            connection.abort()
        await self._until(lambda: not self._dials and not self._open)
        self._kernel.close()

    def opened(self, connection: Connection, sock: socket.socket) -> None:
        """Take a new connection (called by the connection)."""
        self._open.add(connection)
        self._kernel.add(connection, sock)

    def answered(self, connection: Connection, call: Call, *, reusable: bool) -> None:
        """Take a whole answer from a connection (called by the connection)."""
        call.acked_at = self._now()
        self._ends.add(call)
        if reusable and not self._closed:
            waiting = self._next_waiting()
            if waiting is not None:
                self._send(connection, waiting)
            else:
                self._idle.append(connection)
        else:
            connection.abort()

    def lost(self, connection: Connection, call: Call | None, why: str) -> None:
        """Take note of a dead connection and of the request it was carrying (called by the connection)."""
        self._open.discard(connection)
        if connection in self._idle:
            self._idle.remove(connection)
        self._changed.set()
        if call is not None:
            self._fail_sent(connection, call, why)
        self._grow()

    def _look(self) -> None:
        """Drop idle connections that have died, as the kernel knows it; once for all that is sent in one turn."""
        if self._closed:
            return
        self._looked = True
        asyncio.get_running_loop().call_soon(self._look_again)
        for connection in self._kernel.stirred():
            if connection.call is None:
                connection.abort()

    def _look_again(self) -> None:
        self._looked = False

    def _take_idle(self) -> Connection | None:
        if not self._looked:
            self._look()
        while self._idle:
            connection = self._idle.pop()
            if connection.usable():
                return connection
            connection.abort()
        return None

    def _next_waiting(self) -> Call | None:
        for queue in self._queues:
            if queue:
                return queue.popleft()
        return None

    def _send(self, connection: Connection, call: Call) -> None:
        """Write one request; one that may not or cannot be sent after all gives the connection to the next."""
        assert self._loop is not None
        waiting: Call | None = call
        while waiting is not None:
            now = self._now()
            payload = self._payload(waiting, now)
            if payload is not None:
                waiting.deadline = self._loop.time() + self._ways[waiting.endpoint].patience_s
                waiting.sent_at = now
                connection.send(waiting, payload)
                self._watch()
                return
            waiting = self._next_waiting()
        self._idle.append(connection)

    def _payload(self, call: Call, now: float) -> bytes | None:
        """Return the bytes of a request; None ends it unsent, unless it is postponed.

        A bug in one request must not keep the answers of the others from their callers: it ends that request
        alone and goes to the event loop's exception handler.
        """
        try:
            return self._ways[call.endpoint].payload(*call.render(now))
        except Postponed:
            return None
        except Unavailable as refusal:
            call.failure = refusal
        except Exception as bug:  # noqa: BLE001 - reported and ended here, see above
            call.failure = Unavailable("not sent: the request could not be made")
            context = {"message": "a request could not be made", "exception": bug}
            asyncio.get_running_loop().call_exception_handler(context)
        self._ends.add(call)
        return None

    def _grow(self) -> None:
        """Dial as many connections as are wanted: the warm target, and one for each waiting request."""
        waiting = len(self._queues[0]) + len(self._queues[1])
        wanted = min(self.limits.connections_max, max(self._target, len(self._open) - len(self._idle) + waiting))
        while not self._closed and len(self._dials) < DIALS_MAX and len(self._open) + len(self._dials) < wanted:
            assert self._loop is not None
            dial = self._loop.create_task(self._dial())
            self._dials.add(dial)
            dial.add_done_callback(self._dialed)

    async def _dial(self) -> None:
        assert self._loop is not None
        host, port = self._address
        connecting = self._loop.create_connection(
            lambda: Connection(self, secure=self._ssl is not None),
            host,
            port,
            ssl=self._ssl,
            local_addr=(self.limits.egress, 0) if self.limits.egress else None,
        )
        async with asyncio.timeout(self.limits.connect_max_s):
            _, connection = await connecting
        assert connection.transport is not None
        if self._closed or connection.transport.is_closing():
            connection.abort()
            return
        waiting = self._next_waiting()
        if waiting is None:
            self._idle.append(connection)
        else:
            self._send(connection, waiting)

    def _dialed(self, dial: asyncio.Task[None]) -> None:
        self._dials.discard(dial)
        self._changed.set()
        failure = None if dial.cancelled() else dial.exception()
        if failure is None:
            if not dial.cancelled():
                self._grow()
            return
        if not isinstance(failure, OSError):  # TimeoutError and ssl.SSLError are OSErrors.
            raise failure
        self._target = 0  # Whoever wants warm connections must ask again.
        if not self._open and not self._dials:
            while (call := self._next_waiting()) is not None:
                self._fail_unsent(call, f"cannot connect: {failure or 'timed out'}")

    async def _until(self, condition: Callable[[], bool]) -> None:
        while not condition():
            self._changed.clear()
            await self._changed.wait()

    def _watch(self) -> None:
        if self._sweeper is None and self._loop is not None:
            self._sweeper = self._loop.call_later(SWEEP_S, self._sweep)

    def _sweep(self) -> None:
        assert self._loop is not None
        self._sweeper = None
        now = self._loop.time()
        for queue in self._queues:
            while queue and queue[0].deadline < now:
                self._fail_unsent(queue.popleft(), f"no free connection within {self.limits.wait_max_s} s")
        for connection in self._open:
            if connection.call is not None and connection.call.deadline < now:
                connection.abort()
        if len(self._open) > len(self._idle) or any(self._queues):
            self._watch()

    def _fail_unsent(self, call: Call, why: str) -> None:
        call.failure = Unavailable(f"not sent: {why}")
        self._ends.add(call)

    def _fail_sent(self, connection: Connection, call: Call, why: str) -> None:
        if call.endpoint.mutates:
            call.failure = OutcomeUnknown(f"sent, but no answer: {why}")
        elif connection.served and not call.replayed and not self._closed:
            call.replayed = True  # A read on a connection that the exchange had just given up.
            self.start(call)
            return
        else:
            call.failure = Unavailable(f"no answer: {why}")
        self._ends.add(call)
