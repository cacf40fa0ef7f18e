"""Binance USDⓈ-M listen keys: which account's stream a key opens, and for how long.

A key lasts 60 minutes; asking again returns the same one and starts its time anew, as PUT does. An expired key's
connections stay open and hear nothing more, after an event that says so. Clients must also bear that the event is
lost or that the connection closes; a scripted fault ends keys in each of these ways.
Source: developers.binance.com, USDⓈ-M futures, "User Data Streams"; docstrings of the vendor's SDK.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import orjson

from copydesk.venues.lab.dialects.binance.params import Call
from copydesk.venues.lab.dialects.binance.routes import Routes, route
from copydesk.venues.lab.dialects.binance.um import errors
from copydesk.venues.lab.dialects.binance.um.user_events import AccountStory
from copydesk.venues.lab.exchange import Exchange
from copydesk.venues.lab.keys import READ
from copydesk.venues.lab.model import AccountEvent
from copydesk.venues.lab.streams import StreamConnection

LIFE_MS = 3_600_000
PATH = "/fapi/v1/listenKey"
SILENTLY, EVENT, CLOSE = "silently", "event", "close"


@dataclass(slots=True, eq=False)
class Ear:
    """One connection that listens by a key. `wanted` None hears all events; `combined` names the key with each."""

    connection: StreamConnection
    combined: bool
    wanted: frozenset[str] | None


@dataclass(slots=True, eq=False)
class ListenKey:
    """One key with its account's story and the connections that hear it."""

    text: str
    account: str
    expires_ms: float
    ears: list[Ear] = field(default_factory=list)
    story: AccountStory | None = None
    flushing: bool = False


class ListenKeys:
    """All keys of the exchange. `token` makes their texts."""

    def __init__(self, exchange: Exchange, token: Callable[[], str]) -> None:
        self._exchange = exchange
        self._token = token
        self._keys: dict[str, ListenKey] = {}
        self._by_account: dict[str, ListenKey] = {}
        self._listeners: dict[str, Callable[[AccountEvent], None]] = {}
        self.routes: Routes = {
            ("POST", PATH): route(self._start, needs=READ, signed=False),
            ("PUT", PATH): route(self._extend, needs=READ, signed=False),
            ("DELETE", PATH): route(self._close, needs=READ, signed=False),
        }

    def _start(self, _exchange: Exchange, call: Call) -> bytes:
        key = self._by_account.get(call.account)
        if key is None:
            key = ListenKey(self._token(), call.account, 0.0)
            self._keys[key.text] = self._by_account[call.account] = key
        key.expires_ms = call.now_ms + LIFE_MS
        return b'{"listenKey":"%b"}' % key.text.encode()

    def _extend(self, exchange: Exchange, call: Call) -> bytes:
        if call.account not in self._by_account:
            raise errors.no_listen_key()
        return self._start(exchange, call)

    def _close(self, _exchange: Exchange, call: Call) -> bytes:
        key = self._by_account.get(call.account)
        if key is None:
            raise errors.no_listen_key()
        self._end(key, SILENTLY)
        return b"{}"

    def attach(self, text: str, ear: Ear) -> None:
        """Let a connection hear a key's account. An unknown key is accepted and says nothing, as in production."""
        key = self._keys.get(text)
        if key is None:
            return
        key.ears.append(ear)
        if len(key.ears) == 1:
            self._begin(key)

    def detach(self, text: str, connection: StreamConnection) -> None:
        """Take a connection off a key."""
        key = self._keys.get(text)
        if key is None or not key.ears:
            return
        key.ears = [ear for ear in key.ears if ear.connection is not connection]
        if not key.ears:
            self._finish(key)

    def disconnect(self, account: str) -> int:
        """Cut the connections of an account; return how many there were."""
        key = self._by_account.get(account)
        ears = [] if key is None else list(key.ears)
        for ear in ears:
            ear.connection.close()
        return len(ears)

    def expire(self, mode: str, account: str = "") -> int:
        """End keys (all, or one account's): "silently", with their "event", or with a "close"; return how many."""
        chosen = [key for key in self._keys.values() if account in ("", key.account)]
        for key in chosen:
            self._end(key, mode)
        return len(chosen)

    def tick(self) -> None:
        """End the keys whose time is over."""
        now_ms = self._exchange.now_ms()
        for key in [key for key in self._keys.values() if key.expires_ms <= now_ms]:
            self._end(key, EVENT)

    def _end(self, key: ListenKey, mode: str) -> None:
        del self._keys[key.text]
        del self._by_account[key.account]
        if mode == EVENT:
            told = {"e": "listenKeyExpired", "E": int(self._exchange.now_ms()), "listenKey": key.text}
            self._send(key, told)
        for ear in key.ears:
            if mode == CLOSE:
                ear.connection.close()
        if key.ears:
            key.ears.clear()
            self._finish(key)

    def _begin(self, key: ListenKey) -> None:
        story = key.story = AccountStory(self._exchange, key.account, lambda told: self._send(key, told))

        def flush() -> None:
            key.flushing = False
            story.flush()

        def hear(event: AccountEvent) -> None:
            story.hear(event)
            if story.waits and not key.flushing:
                # Money and positions of one order come in one go, so the next turn of the loop is late enough.
                key.flushing = True
                asyncio.get_running_loop().call_soon(flush)

        self._listeners[key.text] = hear
        self._exchange.streams.listen(key.account, hear)

    def _finish(self, key: ListenKey) -> None:
        self._exchange.streams.leave(key.account, self._listeners.pop(key.text))

    def _send(self, key: ListenKey, told: dict[str, Any]) -> None:
        payload = orjson.dumps(told)
        hold_ms = self._exchange.rtt_ms / 2
        for ear in key.ears:
            if ear.wanted is not None and told["e"] not in ear.wanted:
                continue
            wrapped = b'{"stream":"%b","data":%b}' % (key.text.encode(), payload) if ear.combined else payload
            ear.connection.send(wrapped, hold_ms)
