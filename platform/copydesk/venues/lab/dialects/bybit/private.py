"""Bybit's private streams: orders, executions, wallet and positions of one account, once it has logged in.

All events of one turn go into one message per topic. Source: v5 documentation, "WebSocket Stream", "Private".
"""

from __future__ import annotations

import asyncio
from typing import Any

import orjson

from copydesk.venues.lab.dialects.bybit import errors
from copydesk.venues.lab.dialects.bybit.dcp import TOPICS as DCP_TOPICS
from copydesk.venues.lab.dialects.bybit.dcp import DcpWatch
from copydesk.venues.lab.dialects.bybit.frames import POLICY_VIOLATION, Frames, topics_of
from copydesk.venues.lab.dialects.bybit.limits import IpMeter
from copydesk.venues.lab.dialects.bybit.params import LINEAR, SPOT_CATEGORY
from copydesk.venues.lab.dialects.bybit.rest import Front
from copydesk.venues.lab.dialects.bybit.told import FAST, Told, messages_of
from copydesk.venues.lab.exchange import Exchange
from copydesk.venues.lab.keys import ApiKey
from copydesk.venues.lab.model import AccountEvent
from copydesk.venues.lab.streams import StreamConnection

_KINDS = ("order", "execution", "execution.fast", "position")
_PRODUCTS = (SPOT_CATEGORY, LINEAR, "inverse", "option")
TOPICS = frozenset({*_KINDS, "wallet", "greeks", *DCP_TOPICS, "dcp.option"}) | {
    f"{kind}.{product}" for kind in _KINDS for product in _PRODUCTS
}


def login(front: Front, ip: str, args: Any) -> ApiKey:
    """Check `[key, expires, signature]` of an `auth` frame."""
    if not isinstance(args, list) or len(args) != 3:
        raise errors.request_error("Params Error")
    api_key, expires, sign = (str(arg) for arg in args)
    now_ms = int(front.exchange.now_ms())
    if not expires.isdecimal() or int(expires) <= now_ms:
        diff = now_ms - int(expires) if expires.isdecimal() else 0
        raise errors.ApiError(-1, f"request expired: o@{expires}, now[{now_ms}] diff[{diff}]")
    key = front.known(api_key, now_ms)
    if not key.signs_hex(f"GET/realtime{expires}".encode(), sign):
        raise errors.bad_signature(f"GET/realtime{expires}")
    if not key.opens_from(ip):
        raise errors.foreign_ip()
    return key


class AccountFeed:
    """What one account's private streams hear, written once for all of them."""

    def __init__(self, exchange: Exchange, account: str) -> None:
        self._exchange = exchange
        self._account = account
        self._events: list[AccountEvent] = []
        self._count = 0
        self.sessions: set[PrivateSession] = set()
        # Listeners are known by identity, and each look-up of a method makes another object.
        self._listener = self._hear
        exchange.streams.listen(account, self._listener)

    def close(self) -> None:
        self._exchange.streams.leave(self._account, self._listener)

    def _hear(self, event: AccountEvent) -> None:
        if not self._events:
            asyncio.get_running_loop().call_soon(self._flush)
        self._events.append(event)

    def _flush(self) -> None:
        events, self._events = self._events, []
        wanted = {topic for session in self.sessions for topic in session.topics}
        if not wanted:
            return
        for told in messages_of(self._exchange, self._account, events):
            self._send(told, wanted)

    def _send(self, told: Told, wanted: set[str]) -> None:
        for topic in (told.topic, f"{told.topic}.{told.category}"):
            if topic in wanted:
                self._frame(topic, told.rows)
        if told.topic == "execution":
            rows = [{name: row[name] for name in FAST} for row in told.rows if row["execType"] == "Trade"]
            for topic in ("execution.fast", f"execution.fast.{told.category}"):
                if rows and topic in wanted:
                    self._frame(topic, rows)

    def _frame(self, topic: str, rows: list[dict[str, Any]]) -> None:
        self._count += 1
        now_ms, hold_ms = int(self._exchange.now_ms()), self._exchange.rtt_ms / 2
        frame = {"topic": topic, "id": f"{now_ms:x}-{self._count:x}", "creationTime": now_ms, "data": rows}
        payload = orjson.dumps(frame)
        for session in self.sessions:
            if topic in session.topics:
                session.connection.send(payload, hold_ms)


class PrivateStreams:
    """All private streams of the exchange."""

    def __init__(self, front: Front, dcp: DcpWatch) -> None:
        self.front = front
        self.dcp = dcp
        self._feeds: dict[str, AccountFeed] = {}

    def join(self, account: str, session: PrivateSession) -> None:
        feed = self._feeds.get(account)
        if feed is None:
            feed = self._feeds[account] = AccountFeed(self.front.exchange, account)
        feed.sessions.add(session)

    def leave(self, account: str, session: PrivateSession) -> None:
        feed = self._feeds.get(account)
        if feed is None:
            return
        feed.sessions.discard(session)
        if not feed.sessions:
            feed.close()
            del self._feeds[account]

    def disconnect(self, account: str) -> int:
        """Cut the streams of an account; return how many there were."""
        feed = self._feeds.get(account)
        sessions = list(feed.sessions) if feed is not None else []
        for session in sessions:
            session.connection.close()
        return len(sessions)


class PrivateSession(Frames):
    """One connection to `/v5/private`."""

    def __init__(self, streams: PrivateStreams, connection: StreamConnection, meter: IpMeter) -> None:
        super().__init__(streams.front.exchange, connection)
        self._streams = streams
        self._key: ApiKey | None = None
        self.topics: set[str] = set()
        if not meter.allows(connection.ip, self.now_ms()):
            connection.close(POLICY_VIOLATION, b"Too many connections")

    def on_text(self, text: str) -> None:
        frame = self.read(text)
        if frame is None:
            return
        acts = {
            "ping": self._ping,
            "auth": self._auth,
            "subscribe": self._subscribe,
            "unsubscribe": self._unsubscribe,
        }
        act = acts.get(frame["op"])
        if act is None:
            self.refuse(frame, "error:invalid op")
        else:
            act(frame)

    def on_close(self) -> None:
        if self._key is not None:
            self._streams.leave(self._key.account, self)
            self._drop(set(self.topics))

    def _ping(self, frame: dict[str, Any]) -> None:
        pong = {"op": "pong", "args": [str(self.now_ms())], "conn_id": self.conn_id}
        self.say({"req_id": frame["req_id"], **pong} if "req_id" in frame else pong)

    def _auth(self, frame: dict[str, Any]) -> None:
        try:
            self._key = login(self._streams.front, self.connection.ip, frame.get("args"))
        except errors.ApiError as error:
            self.say({"success": False, "ret_msg": error.msg, "op": "auth", "conn_id": self.conn_id})
            return
        self._streams.join(self._key.account, self)
        self.say({"success": True, "ret_msg": "", "op": "auth", "conn_id": self.conn_id})

    def _subscribe(self, frame: dict[str, Any]) -> None:
        topics = topics_of(frame)
        if self._key is None:
            self.refuse(frame, "Request not authorized")
        elif topics is None:
            self.refuse(frame, "error:args invalid")
        elif unknown := next((topic for topic in topics if topic not in TOPICS), None):
            self.refuse(frame, f"error:handler not found,topic:{unknown}")
        elif mixed := next((t for t in topics if f"{t}.{LINEAR}" in topics or f"{t}.{SPOT_CATEGORY}" in topics), None):
            self.refuse(frame, f"error:all-in-one and categorised topic in one request,topic:{mixed}")
        else:
            for topic in topics:
                if topic in DCP_TOPICS and topic not in self.topics:
                    self._streams.dcp.join(self._key.account, DCP_TOPICS[topic])
            self.topics.update(topics)
            self._acknowledge(frame)

    def _unsubscribe(self, frame: dict[str, Any]) -> None:
        self._drop(set(topics_of(frame) or ()) & self.topics)
        self._acknowledge(frame)

    def _drop(self, topics: set[str]) -> None:
        assert self._key is not None or not topics, "only who has logged in listens"
        for topic in topics & set(DCP_TOPICS):
            assert self._key is not None
            self._streams.dcp.leave(self._key.account, DCP_TOPICS[topic])
        self.topics -= topics

    def _acknowledge(self, frame: dict[str, Any]) -> None:
        """Answer as private streams do: the request's id only if there was one."""
        answer = {"success": True, "ret_msg": "", "op": frame["op"], "conn_id": self.conn_id}
        self.say({"req_id": frame["req_id"], **answer} if "req_id" in frame else answer)
