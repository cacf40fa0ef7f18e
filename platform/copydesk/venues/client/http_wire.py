"""One HTTP/1.1 connection and the request it carries.

Written by hand because this is the order path: aiohttp costs 58 µs per order more than a raw socket and
httpx about 650 µs (measured with 100 concurrent orders on one core), and neither says whether bytes were
written before a failure, which is what separates "not sent" from "unknown".
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, cast

import httptools

from copydesk.kernel import OutcomeUnknown, Unavailable
from copydesk.venues.client.http_answer import whole_success
from copydesk.venues.traits import Endpoint

if TYPE_CHECKING:
    from copydesk.venues.client.http_pool import HttpPool

_BODIED = frozenset({"POST", "PUT"})  # Their length is told even when it is zero.
BODY_LEN_MAX = 64 * 1024 * 1024


class Postponed(Exception):
    """Raised by `Call.render`: not now, and whoever raises it starts the call again."""


class Call:
    """One request on its way: how its bytes are made, and what came of it.

    `render` runs at the moment a connection is free, so that timestamps are fresh however long it queued; raising
    `Unavailable` there means that it is not sent, `Postponed` that it will be started again. `finished` is called
    exactly once.
    """

    __slots__ = (
        "acked_at",
        "body",
        "deadline",
        "endpoint",
        "failure",
        "head",
        "replayed",
        "sent_at",
        "status",
        "urgent",
    )

    def __init__(self, endpoint: Endpoint, *, urgent: bool = False) -> None:
        self.endpoint = endpoint
        self.urgent = urgent
        self.deadline = 0.0
        self.replayed = False
        self.sent_at: float | None = None
        self.acked_at: float | None = None
        self.failure: Unavailable | OutcomeUnknown | None = None
        self.status = 0
        self.head = b""
        self.body = b""

    def render(self, now: float) -> tuple[str, str, bytes]:
        """Return the query, the extra header lines (each ending in CRLF) and the body; `now` is epoch seconds."""
        raise NotImplementedError

    def finished(self) -> None:
        raise NotImplementedError


class Ends:
    """Tell callers the end of their calls in a turn of its own, so that their mistakes stay away from connections."""

    def __init__(self) -> None:
        self._over: list[Call] = []

    def add(self, call: Call) -> None:
        if not self._over:
            asyncio.get_running_loop().call_soon(self._tell)
        self._over.append(call)

    def _tell(self) -> None:
        over, self._over = self._over, []
        for call in over:
            try:
                call.finished()
            except Exception as bug:  # noqa: BLE001 - nor may they keep an end from the other callers
                context = {"message": "the end of a request was not understood", "exception": bug}
                asyncio.get_running_loop().call_exception_handler(context)


class Way:
    """What all requests to one endpoint have in common; `patience_s` is how long an answer may take."""

    __slots__ = ("_bodied", "_host", "_target", "patience_s")

    def __init__(self, endpoint: Endpoint, netloc: str, patience_s: float) -> None:
        self._target = f"{endpoint.method} {endpoint.path}"
        self._host = f" HTTP/1.1\r\nHost: {netloc}\r\n"
        self._bodied = endpoint.method in _BODIED
        self.patience_s = patience_s

    def payload(self, query: str, headers: str, body: bytes) -> bytes:
        """Put a request in the bytes that are sent."""
        target = f"{self._target}?{query}" if query else self._target
        length = f"Content-Length: {len(body)}\r\n\r\n" if body or self._bodied else "\r\n"
        return f"{target}{self._host}{headers}{length}".encode("ascii") + body


class Connection(asyncio.Protocol):
    """Carry one request at a time. After anything unexpected the connection is dropped, never reused."""

    __slots__ = (
        "_chunks",
        "_complete",
        "_feeding",
        "_head",
        "_keep",
        "_len",
        "_parser",
        "_poison",
        "_pool",
        "call",
        "secure",
        "served",
        "transport",
    )

    def __init__(self, pool: HttpPool, *, secure: bool) -> None:
        self._pool = pool
        self.secure = secure
        self._parser = httptools.HttpResponseParser(self)
        self.transport: asyncio.Transport | None = None
        self.call: Call | None = None
        self.served = 0
        self._poison = False
        self._reset()

    def _reset(self) -> None:
        self._head = bytearray()
        self._chunks: list[bytes] = []
        self._len = 0
        self._feeding = False
        self._complete = False
        self._keep = False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast(asyncio.Transport, transport)
        self._pool.opened(self, transport.get_extra_info("socket"))

    def usable(self) -> bool:
        """Tell whether an idle connection still stands, as far as the event loop knows (see `Watch`)."""
        return self.transport is not None and not self.transport.is_closing()

    def send(self, call: Call, payload: bytes) -> None:
        assert self.transport is not None and self.call is None, "a connection carries one request at a time"
        self.call = call
        self.transport.write(payload)

    def abort(self) -> None:
        if self.transport is not None:
            self.transport.abort()

    def data_received(self, data: bytes) -> None:
        call = self.call
        if call is not None and not self._feeding:
            success = whole_success(data)
            if success is not None:
                call.status = 200
                call.head, call.body = success
                self._hand_over(call, reusable=True)
                return
        self._feed(data)

    def _feed(self, data: bytes) -> None:
        self._feeding = True
        try:
            self._parser.feed_data(data)
        except (httptools.HttpParserError, httptools.HttpParserUpgrade):
            self._poison = True
        if self.call is None or (self._poison and not self._complete) or self._len > BODY_LEN_MAX:
            self.abort()  # Bytes nobody asked for, or not HTTP: what they mean is unknown.
            return
        if self._complete:
            self._deliver()

    def _deliver(self) -> None:
        call = self.call
        assert call is not None
        # An interim 1xx would be followed by the true answer, which must never meet the next request.
        reusable = self._keep and not self._poison and call.status >= 200
        self._reset()
        self._hand_over(call, reusable=reusable)

    def _hand_over(self, call: Call, *, reusable: bool) -> None:
        self.call = None
        self.served += 1
        self._pool.answered(self, call, reusable=reusable)

    def connection_lost(self, exc: Exception | None) -> None:
        call, self.call = self.call, None
        self._pool.lost(self, call, str(exc) if exc else "the exchange closed the connection")

    def on_message_begin(self) -> None:
        if self._complete or self.call is None:
            self._poison = True  # More than was asked for.

    def on_header(self, name: bytes, value: bytes) -> None:
        self._head += b"\r\n" + name + b":" + value

    def on_body(self, body: bytes) -> None:
        self._chunks.append(body)
        self._len += len(body)

    def on_message_complete(self) -> None:
        call = self.call
        if call is None or self._complete:
            return
        self._complete = True
        self._keep = self._parser.should_keep_alive()
        call.status = self._parser.get_status_code()
        call.head = bytes(self._head)
        call.body = self._chunks[0] if len(self._chunks) == 1 else b"".join(self._chunks)
