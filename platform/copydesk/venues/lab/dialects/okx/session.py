"""One OKX WebSocket connection: login, subscriptions, order entry and keep-alive.

Source: okx.com/docs-v5, "Overview", "WebSocket" (connect, login, subscribe, limits, connection count) and its error
codes from 60000. The exchange closes a connection on which nothing was sent or received for 30 seconds (4004).
That an address without right to a key is told 60009 is not documented.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from hmac import compare_digest
from typing import TYPE_CHECKING, Any

import orjson

from copydesk.venues.lab.dialects.okx import errors
from copydesk.venues.lab.dialects.okx.access import VERIFY, WINDOW_MS, may
from copydesk.venues.lab.dialects.okx.account_feed import CHANNELS, AccountFeed, subscription_of
from copydesk.venues.lab.dialects.okx.routes import TRADE
from copydesk.venues.lab.dialects.okx.trade import VERBS
from copydesk.venues.lab.dialects.okx.ws_orders import OrderEntry
from copydesk.venues.lab.keys import ApiKey
from copydesk.venues.lab.streams import StreamConnection

if TYPE_CHECKING:
    from copydesk.venues.lab.dialects.okx.hub import Hub

HOUR_S = 3600.0
REQUESTS_PER_HOUR = 480
NO_DATA = 4004


class Complaint(Exception):
    """An error frame of the connection itself."""

    def __init__(self, code: str, msg: str) -> None:
        super().__init__(f"{code} {msg}")
        self.code = code
        self.msg = msg


def _wrong_channel(arg: dict[str, Any]) -> Complaint:
    told = ",".join(f"{name}:{value}" for name, value in arg.items())
    return Complaint(
        "60018",
        f"Wrong URL or {told} doesn't exist. Please use the correct URL, channel and parameters referring to API "
        "document.",
    )


class Session:
    """What is spoken on one connection; `path` is public, private or business."""

    def __init__(self, hub: Hub, connection: StreamConnection, path: str, conn_id: str) -> None:
        self._hub = hub
        self._desk = hub.desk
        self._connection = connection
        self._path = path
        self._conn_id = conn_id
        self._key: ApiKey | None = None
        self._feed: AccountFeed | None = None
        self._public: set[str] = set()
        self._entry = OrderEntry(self)
        self._requests: list[float] = []
        self._active_s = time.monotonic()
        self._watch()

    @property
    def key(self) -> ApiKey | None:
        """Return the key that has logged in."""
        return self._key

    @property
    def feed(self) -> AccountFeed | None:
        """Return the account's channels, once there was a login."""
        return self._feed

    @property
    def ip(self) -> str:
        return self._connection.ip

    @property
    def hub(self) -> Hub:
        return self._hub

    def send(self, payload: bytes, hold_ms: float | None = None) -> None:
        """Send a frame; pushes take half of the artificial round trip unless told otherwise."""
        self._active_s = time.monotonic()
        self._connection.send(payload, self._desk.exchange.rtt_ms / 2 if hold_ms is None else hold_ms)

    def close(self, code: int = 1000, reason: bytes = b"") -> None:
        self._connection.close(code, reason)

    def on_text(self, text: str) -> None:
        self._active_s = time.monotonic()
        if text == "ping":
            self._answer(b"pong")
            return
        try:
            message = orjson.loads(text)
            op, args = message["op"], message["args"]
            if not isinstance(op, str) or not isinstance(args, list) or not all(isinstance(a, dict) for a in args):
                raise TypeError
        except (orjson.JSONDecodeError, KeyError, TypeError):
            self._complain(Complaint("60012", f"Invalid request: {text}"))
            return
        self._dispatch(op, args, message.get("id"))

    def _dispatch(self, op: str, args: list[dict[str, Any]], request_id: Any) -> None:
        if op in VERBS:
            self._entry.carry_out(op, args, request_id)
            return
        act = self._verbs.get(op)
        try:
            if act is None:
                raise Complaint("60019", f"Invalid op: {op}")
            self._count()
            act(self, args, request_id)
        except Complaint as complaint:
            self._complain(complaint, request_id)

    def _count(self) -> None:
        """Count logins and subscriptions: at most 480 an hour on one connection."""
        now_s = time.monotonic()
        self._requests = [at for at in self._requests if now_s - at < HOUR_S]
        if len(self._requests) >= REQUESTS_PER_HOUR:
            raise Complaint("60014", "Requests too frequent")
        self._requests.append(now_s)

    def _login(self, args: list[dict[str, Any]], _request_id: Any) -> None:
        if len(args) != 1:
            raise Complaint("60013", "Invalid args")
        if self._key is not None:
            raise Complaint("60031", "The WebSocket endpoint does not allow multiple or repeated logins.")
        key = self._verified(args[0])
        self._key = key
        self._feed = AccountFeed(self._desk, key.account, self.send)
        self._answer(b'{"event":"login","code":"0","msg":"","connId":"%b"}' % self._conn_id.encode())

    def _verified(self, arg: dict[str, Any]) -> ApiKey:
        exchange, stamp = self._desk.exchange, str(arg.get("timestamp", ""))
        at_ms = exchange.now_ms()
        key = exchange.keys.get(str(arg.get("apiKey", "")))
        if not stamp.replace(".", "", 1).isdecimal() or len(stamp) > 20:
            raise Complaint("60004", "Invalid timestamp")
        if abs(at_ms - float(stamp) * 1000.0) > WINDOW_MS:
            raise Complaint("60006", "Timestamp request expired")
        if key is None or key.expired(at_ms):
            raise Complaint("60032", "API key doesn't exist.")
        if not compare_digest(key.passphrase.encode(), str(arg.get("passphrase", "")).encode()):
            raise Complaint("60024", "Wrong passphrase")
        if not key.opens_from(self.ip):
            raise Complaint("60009", "Login failed.")
        if not key.signs_base64(stamp.encode() + VERIFY, str(arg.get("sign", ""))):
            raise Complaint("60007", "Invalid sign")
        return key

    def _subscribe(self, args: list[dict[str, Any]], request_id: Any) -> None:
        for arg in args:
            if arg.get("channel") in CHANNELS:
                self._subscribe_private(arg, request_id)
                continue
            topic = self._hub.feeds.topic_of(self._path, arg)
            if topic is None:
                raise _wrong_channel(arg)
            # The acknowledgement goes first: clients drop data of channels they do not yet know of.
            self._acknowledge("subscribe", orjson.loads(topic.arg), request_id)
            self._public.add(topic.key)
            self._hub.feeds.subscribe(topic, self._connection)

    def _subscribe_private(self, arg: dict[str, Any], request_id: Any) -> None:
        wanted = subscription_of(self._desk, self._path, arg)
        if wanted is None:
            raise _wrong_channel(arg)
        if self._feed is None:
            raise Complaint("60011", "Please log in")
        self._acknowledge("subscribe", wanted.arg, request_id)
        count, allowed = self._hub.join(self, wanted.channel)
        event = "channel-conn-count" if allowed else "channel-conn-count-error"
        told = {"event": event, "channel": wanted.channel, "connCount": str(count), "connId": self._conn_id}
        self._answer(orjson.dumps(told))
        if allowed:
            self._feed.begin(_name(wanted.arg), wanted)

    def _unsubscribe(self, args: list[dict[str, Any]], request_id: Any) -> None:
        for arg in args:
            if arg.get("channel") in CHANNELS:
                wanted = subscription_of(self._desk, self._path, arg)
                if wanted is None:
                    raise _wrong_channel(arg)
                if self._feed is not None:
                    self._feed.subscriptions.pop(_name(wanted.arg), None)
                self._acknowledge("unsubscribe", wanted.arg, request_id)
                continue
            topic = self._hub.feeds.topic_of(self._path, arg)
            if topic is None:
                raise _wrong_channel(arg)
            self._public.discard(topic.key)
            self._hub.feeds.unsubscribe(topic.key, self._connection)
            self._acknowledge("unsubscribe", orjson.loads(topic.arg), request_id)

    _verbs: dict[str, Callable[[Session, list[dict[str, Any]], Any], None]] = {  # noqa: RUF012 - never changed
        "login": _login,
        "subscribe": _subscribe,
        "unsubscribe": _unsubscribe,
    }

    def may_trade(self) -> None:
        """Refuse order entry without login, right, or on another path."""
        if self._path != "private":
            raise errors.ApiError("60018", "Wrong URL. Please use the correct URL referring to API document.")
        if self._key is None:
            raise errors.ApiError("60011", "Please log in")
        if not may(self._key, TRADE):
            raise errors.no_permission()

    def serves(self, account: str) -> bool:
        return self._key is not None and self._key.account == account

    def on_close(self) -> None:
        for key in self._public:
            self._hub.feeds.unsubscribe(key, self._connection)
        if self._feed is not None:
            self._feed.close()
        self._timer.cancel()
        self._hub.leave(self)

    def _watch(self) -> None:
        """Close the connection when nothing has come or gone for 30 seconds; public channels always have something."""
        idle_s = self._hub.idle_s
        left_s = idle_s if self._public else self._active_s + idle_s - time.monotonic()
        if left_s <= 0.0:
            self.close(NO_DATA, b"No data received in 30s.")
            left_s = idle_s
        self._timer = asyncio.get_running_loop().call_later(left_s, self._watch)

    def _acknowledge(self, event: str, arg: dict[str, Any], request_id: Any) -> None:
        told: dict[str, Any] = {} if request_id is None else {"id": request_id}
        self._answer(orjson.dumps({**told, "event": event, "arg": arg, "connId": self._conn_id}))

    def _complain(self, complaint: Complaint, request_id: Any = None) -> None:
        told: dict[str, Any] = {} if request_id is None else {"id": request_id}
        error = {"event": "error", "code": complaint.code, "msg": complaint.msg, "connId": self._conn_id}
        self._answer(orjson.dumps({**told, **error}))

    def _answer(self, payload: bytes) -> None:
        self.send(payload, self._desk.exchange.rtt_ms)


def _name(arg: dict[str, str]) -> str:
    return ":".join(f"{name}={value}" for name, value in sorted(arg.items()))
