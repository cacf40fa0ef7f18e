"""Who subscribed to which market stream, so that each payload is written once for all; and paces of book changes."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal
from typing import Any, cast

import orjson

from copydesk.venues.lab.exchange import Exchange
from copydesk.venues.lab.model import PERP, SPOT, DepthDiff
from copydesk.venues.lab.streams import StreamConnection

Levels = dict[Decimal, Decimal]
# Last, mark and average mark price, and the best ones.
PRICES = frozenset({"c", "p", "ap", "b", "a"})


class Topics:
    """Subscribers by stream name. `prefix` keeps the names of two markets apart where both are listed."""

    def __init__(self, exchange: Exchange, prefix: str = "") -> None:
        self.exchange = exchange
        self._prefix = prefix
        self._subscribers = cast(dict[str, dict[StreamConnection, bool]], exchange.streams.topics)

    def subscribe(self, name: str, connection: StreamConnection, *, combined: bool) -> None:
        """Add a subscriber; `combined` ones get the stream's name around each payload."""
        self._subscribers.setdefault(self._prefix + name, {})[connection] = combined

    def unsubscribe(self, name: str, connection: StreamConnection) -> None:
        name = self._prefix + name
        subscribers = self._subscribers.get(name, {})
        subscribers.pop(connection, None)
        if not subscribers:
            self._subscribers.pop(name, None)

    def __bool__(self) -> bool:
        return bool(self._subscribers)

    def wanted(self, name: str) -> bool:
        """Tell whether a stream has a subscriber."""
        return self._prefix + name in self._subscribers

    def publish(self, name: str, make: Callable[[], Any]) -> None:
        """Send what `make` returns to the subscribers of a stream; without any, it is not made."""
        subscribers = self._subscribers.get(self._prefix + name)
        if not subscribers:
            return
        spot = PERP if self._prefix else SPOT, name.partition("@")[0].upper()
        payload = self.exchange.public.told(self._prefix + name, spot, orjson.dumps(make()), PRICES)
        if payload is None:
            return
        wrapped = b'{"stream":"%b","data":%b}' % (name.encode(), payload)
        hold_ms = self.exchange.rtt_ms / 2
        for connection, combined in subscribers.items():
            connection.send(wrapped if combined else payload, hold_ms)


class CandleTurns:
    """Notice when a stream's running candle has become another one, so that the finished one can be told."""

    def __init__(self) -> None:
        self._opens: dict[str, int] = {}

    def turned(self, name: str, open_ms: int) -> bool:
        """Tell whether the candle of this stream was another one the last time."""
        before = self._opens.get(name, open_ms)
        self._opens[name] = open_ms
        return before != open_ms


class DepthPacer:
    """Bundle a book's changes for streams of different pace; `put` them as they come, `due` says what to send when."""

    def __init__(self, paces_ms: tuple[int, ...]) -> None:
        self._paces = paces_ms
        self._waiting: dict[int, tuple[int, int, Levels, Levels]] = {}
        self._slots = dict.fromkeys(paces_ms, 0)

    def put(self, diff: DepthDiff) -> None:
        for pace in self._paces:
            first, _, bids, asks = self._waiting.get(pace) or (diff.first_update_id, 0, {}, {})
            bids.update(diff.bids)
            asks.update(diff.asks)
            self._waiting[pace] = first, diff.last_update_id, bids, asks

    def due(self, now_ms: int) -> list[tuple[int, DepthDiff]]:
        """Return the pace and the changes of every stream whose time has come."""
        ready: list[tuple[int, DepthDiff]] = []
        for pace in self._paces:
            slot, before = now_ms // pace, self._slots[pace]
            if slot == before or pace not in self._waiting:
                continue
            self._slots[pace] = slot
            first, last, bids, asks = self._waiting.pop(pace)
            ready.append((pace, DepthDiff(first, last, list(bids.items()), list(asks.items()))))
        return ready

    def clear(self) -> None:
        """Forget what waits, when nobody would get it."""
        self._waiting.clear()
