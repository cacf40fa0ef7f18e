"""WebSocket connections of both generations: subscriptions, keep-alive and their errors.

Source: the reference's "WebSocket" introduction: text ping and pong, a connection that is silent for two minutes is
cut, at most 10 messages a second, 240 subscriptions an hour and 1,000 channels a connection; error codes as listed
there.
"""

from __future__ import annotations

import time
from abc import ABC, abstractmethod
from collections.abc import Callable
from typing import Any
from uuid import uuid4

import orjson

from copydesk.venues.lab.dialects.bitget.channels import UNIFIED, Channel, PublicFeed
from copydesk.venues.lab.exchange import Exchange
from copydesk.venues.lab.streams import StreamConnection

MESSAGES_SECOND_MAX = 10
SUBSCRIPTIONS_HOUR_MAX = 240
CHANNELS_MAX = 1000
SILENCE_MAX_S = 120.0
HOUR_S = 3600.0
NO_CHANNEL, BAD_OP, NO_LOGIN, LOGIN_FAILED, TOO_MANY = 30001, 30003, 30004, 30005, 30007
BAD_KEY, BAD_PASSPHRASE, BAD_TIME, LATE, BAD_SIGN, BAD_PARAMS = 30011, 30012, 30013, 30014, 30015, 30016
_TEXTS = {
    BAD_OP: "Invalid op",
    NO_LOGIN: "User needs to log in",
    LOGIN_FAILED: "Login failed",
    TOO_MANY: "request over limit,connection close",
    BAD_KEY: "Invalid ACCESS_KEY",
    BAD_PASSPHRASE: "Invalid ACCESS_PASSPHRASE",
    BAD_TIME: "Invalid ACCESS_TIMESTAMP",
    LATE: "Request timestamp expired",
    BAD_SIGN: "Invalid sign",
    BAD_PARAMS: "Param error",
}


class Failure(Exception):
    """An error frame; `arg` is told back where the error is about a subscription."""

    def __init__(self, code: int, msg: str = "", arg: Any = None) -> None:
        super().__init__(code)
        self.code = code
        self.msg = msg or _TEXTS[code]
        self.arg = arg


class SocketSession(ABC):
    """One connection, public or private; subclasses know what can be subscribed to."""

    def __init__(self, exchange: Exchange, connection: StreamConnection, *, unified: bool) -> None:
        self.exchange = exchange
        self.connection = connection
        self.unified = unified
        self.heard_s = time.monotonic()
        self._conn_id = uuid4().hex[:20]
        self._second, self._messages = 0, 0
        self._hour_s, self._asked = self.heard_s, 0

    def on_text(self, text: str) -> None:
        self.heard_s = time.monotonic()
        if text == "ping":
            self.send(b"pong")
            return
        if self._too_many():
            self._fail(Failure(TOO_MANY))
            self.connection.close(1008, b"request over limit")
            return
        try:
            self._carry_out(text)
        except Failure as failure:
            self._fail(failure)

    @abstractmethod
    def on_close(self) -> None:
        """Give up what the connection held."""

    def send(self, payload: bytes) -> None:
        self.connection.send(payload, self.exchange.rtt_ms)

    def _carry_out(self, text: str) -> None:
        try:
            message = orjson.loads(text)
            op, args = message["op"], message.get("args", [])
        except (orjson.JSONDecodeError, KeyError, TypeError, AttributeError):
            raise Failure(BAD_PARAMS) from None
        if not isinstance(args, list) or not all(isinstance(arg, dict) for arg in args):
            raise Failure(BAD_PARAMS)
        act = self.acts().get(op)
        if act is None:
            raise Failure(BAD_OP)
        for arg in args:
            try:
                act(arg)
            except Failure as failure:
                self._fail(failure)

    def _too_many(self) -> bool:
        second = int(self.heard_s)
        if second != self._second:
            self._second, self._messages = second, 0
        self._messages += 1
        return self._messages > MESSAGES_SECOND_MAX

    def _subscribe(self, arg: dict[str, Any]) -> None:
        if self.heard_s - self._hour_s > HOUR_S:
            self._hour_s, self._asked = self.heard_s, 0
        self._asked += 1
        if self._asked > SUBSCRIPTIONS_HOUR_MAX:
            raise Failure(TOO_MANY, arg=arg)
        self.subscribe(arg)

    def _unsubscribe(self, arg: dict[str, Any]) -> None:
        self.unsubscribe(arg)
        self.acknowledge("unsubscribe", arg)

    def acknowledge(self, event: str, arg: dict[str, Any]) -> None:
        """Confirm a subscription with the words it was asked for in."""
        frame: dict[str, Any] = {"event": event, "arg": arg}
        if self.unified:
            frame["connId"] = self._conn_id
        self.send(orjson.dumps(frame))

    def no_channel(self, arg: dict[str, Any]) -> Failure:
        words = ",".join(f"{name}:{value}" for name, value in arg.items())
        return Failure(NO_CHANNEL, f"{words} doesn't exist", arg)

    def _fail(self, failure: Failure) -> None:
        frame = {"event": "error", "arg": failure.arg, "code": failure.code, "msg": failure.msg}
        if failure.arg is None:
            del frame["arg"]
        self.send(orjson.dumps(frame))

    def acts(self) -> dict[str, Callable[[dict[str, Any]], None]]:
        """Map the operations to what carries one argument of them out."""
        return {"subscribe": self._subscribe, "unsubscribe": self._unsubscribe}

    @abstractmethod
    def subscribe(self, arg: dict[str, Any]) -> None:
        """Begin to send what a subscription names, after acknowledging it."""

    @abstractmethod
    def unsubscribe(self, arg: dict[str, Any]) -> None:
        """Stop sending what a subscription names."""


class PublicSession(SocketSession):
    """One connection to the public channels; `everyone` holds all that are open."""

    def __init__(self, feed: PublicFeed, connection: StreamConnection, everyone: set[SocketSession]) -> None:
        super().__init__(feed.exchange, connection, unified=feed.speech is UNIFIED)
        self._feed = feed
        self._everyone = everyone
        everyone.add(self)
        self._channels: dict[tuple[str, str, str], Channel] = {}

    def subscribe(self, arg: dict[str, Any]) -> None:
        channel = self._feed.find(arg)
        if channel is None:
            raise self.no_channel(arg)
        if len(self._channels) >= CHANNELS_MAX:
            raise Failure(TOO_MANY, arg=arg)
        self.acknowledge("subscribe", arg)
        self._channels[_key(channel)] = channel
        self._feed.join(channel, self.connection)

    def unsubscribe(self, arg: dict[str, Any]) -> None:
        channel = self._feed.find(arg)
        if channel is None:
            raise self.no_channel(arg)
        if self._channels.pop(_key(channel), None) is not None:
            self._feed.leave(channel, self.connection)

    def on_close(self) -> None:
        self._everyone.discard(self)
        for channel in self._channels.values():
            self._feed.leave(channel, self.connection)
        self._channels.clear()


def _key(channel: Channel) -> tuple[str, str, str]:
    return channel.market, channel.name, channel.instrument.venue_symbol
