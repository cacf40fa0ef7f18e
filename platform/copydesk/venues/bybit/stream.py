"""Bybit's leader stream: the private topics `execution` and `order` of spot and perpetuals alike.

An execution does not name its position, which in hedge mode matters; its order does. So an execution of a perpetual
waits for its order's first message, which comes with it. Where none comes, as of a settlement, REST tells it.
Source: Bybit v5 API: WebSocket Connect (authentication, heartbeat every 20 s), Execution, Order.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import AsyncGenerator, Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any

from orjson import dumps, loads

from copydesk.kernel import Unavailable
from copydesk.trading import Credentials, PositionSide
from copydesk.venues.bybit import errors
from copydesk.venues.bybit.adapter import PERPETUAL, SPOT, Bybit
from copydesk.venues.bybit.order_facts import order_fact
from copydesk.venues.bybit.orders import POSITION_SIDE, leader_trade
from copydesk.venues.bybit.signing import signature_of
from copydesk.venues.model import LeaderTrade, OrderFact, StreamEvent, StreamTiming
from copydesk.venues.port import LeaderStream
from copydesk.venues.stream import Channel, Heard, KeepAlive, Line, connects_of, told, watch

_SUBSCRIBE = '{"op":"subscribe","args":["order","execution"]}'
_AUTH_VALID_MS = 10_000
_ORDERS_KNOWN_MAX = 10_000
_ORDERS_AWAITED_MAX = 1_000


class BybitStream(LeaderStream):
    """Watch leader accounts of one environment (see `port.LeaderStream`)."""

    def __init__(self, venue: Bybit, timing: StreamTiming) -> None:
        self._venue = venue
        self._line = Line(timing, venue.ssl_context, connects_of(venue, venue.traits.connect_limit), venue.egress)

    def trades(self, credentials: Credentials) -> AsyncGenerator[StreamEvent, None]:
        """Yield `connected`, then trades and probes, then `lost`, for ever; close the generator to end it."""
        self._venue.client.require_sound(credentials)

        async def channels() -> Sequence[Callable[[], Channel]]:
            venue = self._venue
            if not (venue.symbols.knows(SPOT) and venue.symbols.knows(PERPETUAL)):
                await venue.instruments()
            return [lambda: PrivateChannel(venue, credentials)]

        return watch(channels, self._line)


class PrivateChannel(Channel):
    """Authenticate, then subscribe."""

    name = "Bybit"
    keep_alive = KeepAlive('{"op":"ping"}', 18.0)

    def __init__(self, venue: Bybit, credentials: Credentials) -> None:
        self._venue = venue
        self._credentials = credentials
        self._sides: OrderedDict[str, PositionSide] = OrderedDict()
        self._waiting: OrderedDict[str, list[LeaderTrade]] = OrderedDict()

    async def open(self) -> str:
        return self._venue.urls.streams["private"]

    def greeting(self) -> Sequence[str]:
        expires_ms = self._venue.client.timestamp_ms() + _AUTH_VALID_MS
        signature = signature_of(f"GET/realtime{expires_ms}", self._credentials)
        return (dumps({"op": "auth", "args": [self._credentials.api_key, expires_ms, signature]}).decode(),)

    def read(self, message: str) -> Heard:
        said = loads(message)
        topic = said.get("topic")
        if topic is None:
            return self._answered(said)
        if topic == "execution":
            return Heard(event=True, trades=self._executions(said["data"]))
        if topic == "order":
            facts = tuple(fact for row in said["data"] for fact in self._fact(row))
            return Heard(event=True, trades=self._orders(said["data"]), orders=facts)
        return Heard()

    async def tend(self) -> None:
        """The authentication lives as long as the connection."""

    def _answered(self, said: Mapping[str, Any]) -> Heard:
        op = said.get("op")
        if op not in ("auth", "subscribe"):
            return Heard()
        if said["success"]:
            return Heard(send=(_SUBSCRIBE,)) if op == "auth" else Heard(confirmed=True)
        text = errors.plain(str(said.get("ret_msg", "")))
        if op == "subscribe":
            return Heard(failure=Unavailable(f"{self.name} refused the subscription: {text}"))
        client = self._venue.client
        failure = errors.login_failure(str(said.get("retCode", "")), text, f"{self.name} refused the login: {text}")
        if isinstance(failure, Unavailable):
            client.doubt_clock(client.now())  # A time that it does not accept is told in no words of its own.
        return Heard(failure=failure)

    def _executions(self, rows: Sequence[Mapping[str, Any]]) -> tuple[LeaderTrade, ...]:
        told: list[LeaderTrade] = []
        for row in rows:
            perpetual = row["category"] == "linear"
            instrument = self._venue.symbols.of_venue(row["symbol"], perpetual=perpetual)
            trade = None if instrument is None else leader_trade(row, instrument)
            if trade is None:
                continue
            side = self._sides.get(trade.venue_order_id) if perpetual else PositionSide.NET
            if side is None:
                self._await_order(trade)
            else:
                told.append(replace(trade, position_side=side))
        return tuple(told)

    def _await_order(self, trade: LeaderTrade) -> None:
        self._waiting.setdefault(trade.venue_order_id, []).append(trade)
        while len(self._waiting) > _ORDERS_AWAITED_MAX:
            self._waiting.popitem(last=False)

    def _fact(self, row: Mapping[str, Any]) -> tuple[OrderFact, ...]:
        def read() -> OrderFact | None:
            instrument = self._venue.symbols.of_venue(row["symbol"], perpetual=row["category"] == "linear")
            return None if instrument is None else order_fact(row, instrument)

        return told(read)

    def _orders(self, rows: Sequence[Mapping[str, Any]]) -> tuple[LeaderTrade, ...]:
        """Learn which position each order belongs to, and let go the executions that waited for it."""
        told: list[LeaderTrade] = []
        for row in rows:
            if row["category"] != "linear":
                continue
            order_id, side = row["orderId"], POSITION_SIDE[int(row["positionIdx"])]
            self._sides[order_id] = side
            told += [replace(trade, position_side=side) for trade in self._waiting.pop(order_id, ())]
        while len(self._sides) > _ORDERS_KNOWN_MAX:
            self._sides.popitem(last=False)
        return tuple(told)
