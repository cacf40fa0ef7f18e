"""One connection to the market streams: SUBSCRIBE, UNSUBSCRIBE, LIST_SUBSCRIPTIONS and streams named in the address.

Source: binance-spot-api-docs `web-socket-streams.md`; USDⓈ-M "Websocket Market Streams", which differ in numbers.
"""

from __future__ import annotations

import time
from typing import Any, Protocol

import orjson
from aiohttp import web

from copydesk.venues.lab.exchange import Exchange
from copydesk.venues.lab.streams import StreamConnection

STREAMS_MAX = 1024


class Subscriptions(Protocol):
    """Where stream names lead: market streams, and with futures the user's own."""

    def subscribe(self, name: str, connection: StreamConnection, *, combined: bool) -> None: ...

    def unsubscribe(self, name: str, connection: StreamConnection) -> None: ...


def names_in(request: web.Request) -> list[str]:
    """Return the stream names that an address holds, `/ws/a/b` or `/stream?streams=a/b`."""
    asked = request.query.get("streams", request.match_info.get("name", ""))
    return [name for name in asked.split("/") if name]


def is_combined(request: web.Request) -> bool:
    """Tell whether payloads go out with their stream's name around them."""
    return "streams" in request.query or request.path.rstrip("/").endswith("/stream")


class MarketSession:
    """Talk with one client. `messages_per_s_max` is how many frames a second it may send before it is cut off.

    Answers are held back as long as data, so that no data of a stream arrives before its acknowledgement.
    """

    def __init__(
        self,
        exchange: Exchange,
        streams: Subscriptions,
        connection: StreamConnection,
        request: web.Request,
        *,
        messages_per_s_max: int,
    ) -> None:
        self._exchange = exchange
        self._streams = streams
        self._connection = connection
        self._combined = is_combined(request)
        self._messages_max = messages_per_s_max
        self._names: set[str] = set()
        self._second = 0
        self._messages = 0
        for name in names_in(request):
            self._subscribe(name)

    def on_text(self, text: str) -> None:
        if self._too_many():
            self._connection.close(1008, b"Too many requests")
            return
        try:
            message = orjson.loads(text)
            method, names, request_id = message.get("method"), message.get("params", []), message.get("id")
        except (orjson.JSONDecodeError, AttributeError):
            self._error(None, 3, "Invalid JSON: expected value at line 1 column 1")
            return
        if method == "LIST_SUBSCRIPTIONS":
            self._answer(request_id, sorted(self._names))
            return
        if method not in ("SUBSCRIBE", "UNSUBSCRIBE"):
            self._error(request_id, 2, f"Invalid request: unknown variant `{method}`, expected one of `SUBSCRIBE`")
            return
        if not isinstance(names, list) or not all(isinstance(name, str) for name in names):
            self._error(request_id, 2, "Invalid request: request params must be a list of stream names")
            return
        if method == "SUBSCRIBE" and len(self._names | set(names)) > STREAMS_MAX:
            self._error(request_id, 2, f"Invalid request: more than {STREAMS_MAX} streams")
            return
        # The acknowledgement goes first: clients drop data of streams they do not yet know of.
        self._answer(request_id, None)
        for name in names:
            (self._subscribe if method == "SUBSCRIBE" else self._unsubscribe)(name)

    def on_close(self) -> None:
        for name in list(self._names):
            self._unsubscribe(name)

    def _subscribe(self, name: str) -> None:
        self._names.add(name)
        self._streams.subscribe(name, self._connection, combined=self._combined)

    def _unsubscribe(self, name: str) -> None:
        self._names.discard(name)
        self._streams.unsubscribe(name, self._connection)

    def _too_many(self) -> bool:
        second = int(time.monotonic())
        if second != self._second:
            self._second, self._messages = second, 0
        self._messages += 1
        return self._messages > self._messages_max

    def _answer(self, request_id: Any, result: Any) -> None:
        self._connection.send(orjson.dumps({"result": result, "id": request_id}), self._exchange.rtt_ms / 2)

    def _error(self, request_id: Any, code: int, msg: str) -> None:
        told = {"error": {"code": code, "msg": msg}, "id": request_id}
        self._connection.send(orjson.dumps(told), self._exchange.rtt_ms / 2)


class SpotSession(MarketSession):
    """A connection to the spot streams, whose servers say when they are about to stop."""

    def announce_shutdown(self, now_ms: int) -> None:
        told: dict[str, Any] = {"e": "serverShutdown", "E": now_ms}
        if self._combined:
            told = {"stream": "!serverShutdown", "data": told}
        self._connection.send(orjson.dumps(told), self._exchange.rtt_ms / 2)
