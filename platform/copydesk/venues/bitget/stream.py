"""Bitget's leader streams: one private connection for spot and perpetuals alike, of the account's kind.

It tells executions, orders, and exits that wait for a trigger; where the exchange has no channel of these, lists do.
A classic account's `orders` channels tell each execution with its order. A unified account's `fill` topic does not
say for sure which position an execution belongs to; its order does, so an execution of a perpetual waits for its
order's first message, which comes with it.
Source: Bitget API guide, WebSocket: Login, Connect (a "ping" every 30 s); v2 Order and Plan order channels; v3 Order,
Fill and Strategy order channels.
"""

from __future__ import annotations

import logging
from collections import OrderedDict
from collections.abc import AsyncGenerator, Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any, Protocol

from orjson import dumps, loads

from copydesk.kernel import VenueRefused
from copydesk.trading import Credentials, Instrument, PositionSide
from copydesk.venues.bitget import classic_orders, errors, unified_orders
from copydesk.venues.bitget.adapter import PERPETUAL, SPOT, Bitget
from copydesk.venues.bitget.kinds import changed
from copydesk.venues.bitget.order_facts import classic_fact, classic_plan_fact, strategy_facts, unified_fact
from copydesk.venues.bitget.signing import WS_LOGIN_TEXT, signature_of
from copydesk.venues.bitget.words import HEDGE, USDT_FUTURES
from copydesk.venues.client.wire import Failure
from copydesk.venues.model import LeaderTrade, OrderFact, StreamEvent, StreamTiming
from copydesk.venues.port import LeaderStream
from copydesk.venues.stream import Channel, Heard, KeepAlive, Line, connects_of, told, watch
from copydesk.venues.symbols import SymbolMap

log = logging.getLogger(__name__)

_CLASSIC_SPOT = "SPOT"
_PLANS, _STRATEGIES = "orders-algo", "strategy-order"
_NO_SUCH_CHANNEL = "30001"
_ORDERS_KNOWN_MAX = 10_000
_ORDERS_AWAITED_MAX = 1_000


class BitgetStream(LeaderStream):
    """Watch leader accounts of one environment (see `port.LeaderStream`)."""

    def __init__(self, venue: Bitget, timing: StreamTiming) -> None:
        self._venue = venue
        self._line = Line(timing, venue.ssl_context, connects_of(venue, venue.traits.connect_limit), venue.egress)

    def trades(self, credentials: Credentials) -> AsyncGenerator[StreamEvent, None]:
        """Yield `connected`, then trades and probes, then `lost`, for ever; close the generator to end it."""
        self._venue.public.require_sound(credentials)

        async def channels() -> Sequence[Callable[[], Channel]]:
            venue = self._venue
            if not (venue.symbols.knows(SPOT) and venue.symbols.knows(PERPETUAL)):
                await venue.instruments()
            return [lambda: PrivateChannel(venue, credentials)]

        return watch(channels, self._line)


class Pushes(Protocol):
    """What one kind of account is told: the topics that say it, the address that has them, and how to read them."""

    topics: Sequence[Mapping[str, str]]
    address: str

    def read(self, said: Mapping[str, Any]) -> Heard: ...


class ClassicPushes(Pushes):
    """Pushes carry whole orders, with the execution that changed them."""

    topics = tuple(
        {"instType": product, "channel": channel, "instId": "default"}
        for channel in ("orders", _PLANS)
        for product in (_CLASSIC_SPOT, USDT_FUTURES)
    )
    address = "private"

    def __init__(self, symbols: SymbolMap) -> None:
        self._symbols = symbols

    def read(self, said: Mapping[str, Any]) -> Heard:
        channel, perpetual = said["arg"]["channel"], said["arg"]["instType"] != _CLASSIC_SPOT
        if channel == _PLANS:
            return Heard(event=True, orders=self._plans(said["data"], perpetual=perpetual))
        if channel != "orders":
            return Heard()
        trades = (self._trade(row, perpetual=perpetual) for row in said["data"])
        facts = tuple(fact for row in said["data"] for fact in self._fact(row, perpetual=perpetual))
        return Heard(event=True, trades=tuple(trade for trade in trades if trade is not None), orders=facts)

    def _plans(self, rows: Sequence[Mapping[str, Any]], *, perpetual: bool) -> tuple[OrderFact, ...]:
        named = ((self._symbols.of_venue(row["instId"].upper(), perpetual=perpetual), row) for row in rows)
        facts = (classic_plan_fact(row, known) for known, row in named if known is not None)
        return tuple(fact for fact in facts if fact is not None)

    def _fact(self, row: Mapping[str, Any], *, perpetual: bool) -> tuple[OrderFact, ...]:
        def read() -> OrderFact | None:
            instrument = self._symbols.of_venue(row["instId"].upper(), perpetual=perpetual)
            return None if instrument is None else classic_fact(row, instrument)

        return told(read)

    def _trade(self, row: Mapping[str, Any], *, perpetual: bool) -> LeaderTrade | None:
        instrument = self._symbols.of_venue(row["instId"].upper(), perpetual=perpetual)
        return None if instrument is None else classic_orders.leader_trade_of_push(row, instrument)


class UnifiedPushes(Pushes):
    """Executions of perpetuals wait for the first message of their order, which names the position.

    A strategy does not tell the account's mode. It cannot be changed while anything is held, and what is held was
    ordered: so the last order's is known before an exit is told in another.
    """

    topics = tuple({"instType": "UTA", "topic": topic} for topic in ("order", "fill", _STRATEGIES))
    address = "private_unified"

    def __init__(self, symbols: SymbolMap, *, hedge: bool) -> None:
        self._symbols = symbols
        self._hedge = hedge
        self._sides: OrderedDict[str, PositionSide] = OrderedDict()
        self._waiting: OrderedDict[str, list[LeaderTrade]] = OrderedDict()

    def read(self, said: Mapping[str, Any]) -> Heard:
        topic, rows = said["arg"]["topic"], said["data"]
        if topic == _STRATEGIES:
            return Heard(event=True, orders=self._strategies(rows))
        read = {"fill": self._fills, "order": self._orders}.get(topic)
        if read is None:
            return Heard()
        facts = tuple(fact for row in rows for fact in self._fact(row)) if topic == "order" else ()
        return Heard(event=True, trades=read(rows), orders=facts)

    def _strategies(self, rows: Sequence[Mapping[str, Any]]) -> tuple[OrderFact, ...]:
        named = ((self._instrument(row), row) for row in rows)
        known = ((instrument, row) for instrument, row in named if instrument is not None)
        return tuple(fact for instrument, row in known for fact in strategy_facts(row, instrument, hedge=self._hedge))

    def _instrument(self, row: Mapping[str, Any]) -> Instrument | None:
        return self._symbols.of_venue(row["symbol"], perpetual=row["category"].upper() == USDT_FUTURES)

    def _fact(self, row: Mapping[str, Any]) -> tuple[OrderFact, ...]:
        def read() -> OrderFact | None:
            instrument = self._instrument(row)
            return None if instrument is None else unified_fact(row, instrument)

        return told(read)

    def _fills(self, rows: Sequence[Mapping[str, Any]]) -> tuple[LeaderTrade, ...]:
        told: list[LeaderTrade] = []
        for row in rows:
            instrument = self._instrument(row)
            if instrument is None:
                continue
            trade = unified_orders.leader_trade(row, instrument)
            side = self._sides.get(trade.venue_order_id) if instrument.perpetual else PositionSide.NET
            if side is None:
                self._await_order(trade)
            else:
                told.append(replace(trade, position_side=side))
        return tuple(told)

    def _await_order(self, trade: LeaderTrade) -> None:
        """Keep an execution until its order is told; where none is, as of a liquidation, REST tells it."""
        self._waiting.setdefault(trade.venue_order_id, []).append(trade)
        while len(self._waiting) > _ORDERS_AWAITED_MAX:
            self._waiting.popitem(last=False)

    def _orders(self, rows: Sequence[Mapping[str, Any]]) -> tuple[LeaderTrade, ...]:
        """Learn which position each order belongs to, and let go the executions that waited for it."""
        told: list[LeaderTrade] = []
        for row in rows:
            if row["category"].upper() != USDT_FUTURES:
                continue
            order_id, side = row["orderId"], unified_orders.position_side_of(row)
            if row.get("holdMode"):
                self._hedge = row["holdMode"] == HEDGE
            self._sides[order_id] = side
            told += [replace(trade, position_side=side) for trade in self._waiting.pop(order_id, ())]
        while len(self._sides) > _ORDERS_KNOWN_MAX:
            self._sides.popitem(last=False)
        return tuple(told)


class PrivateChannel(Channel):
    """Learn the account's kind, log in, subscribe, and wait until every topic is confirmed."""

    name = "Bitget"
    keep_alive = KeepAlive("ping", 20.0)

    def __init__(self, venue: Bitget, credentials: Credentials) -> None:
        self._venue = venue
        self._credentials = credentials
        self._pushes: Pushes = ClassicPushes(venue.symbols)
        self._unconfirmed = 0

    async def open(self) -> str:
        """Return the address of the account's kind, which may have changed since the last connection."""
        if await self._venue.kinds.of(self._credentials) is self._venue.kinds.unified:
            self._pushes = UnifiedPushes(self._venue.symbols, hedge=await self._hedges())
        self._unconfirmed = len(self._pushes.topics)
        return self._venue.urls.streams[self._pushes.address]

    def greeting(self) -> Sequence[str]:
        stamp = str(self._venue.public.timestamp_ms() // 1000)
        login = {
            "apiKey": self._credentials.api_key,
            "passphrase": self._credentials.password,
            "timestamp": stamp,
            "sign": signature_of(stamp + WS_LOGIN_TEXT, self._credentials),
        }
        return (dumps({"op": "login", "args": [login]}).decode(),)

    def read(self, message: str) -> Heard:
        if message == "pong":
            return Heard()
        said = loads(message)
        event = said.get("event")
        return self._pushes.read(said) if event is None else self._answered(event, said)

    async def tend(self) -> None:
        """The login lives as long as the connection."""

    def _answered(self, event: str, said: Mapping[str, Any]) -> Heard:
        code = str(said.get("code") or "0")
        if event == "login" and code == "0":
            return Heard(send=(dumps({"op": "subscribe", "args": self._pushes.topics}).decode(),))
        if event == "subscribe":
            return self._confirmed()
        if event == "error" and code == _NO_SUCH_CHANNEL and _of_triggers(said.get("arg")):
            log.warning("%s tells nothing of orders that wait for a trigger; lists do: %s", self.name, said)
            return self._confirmed()
        if event in ("error", "login"):
            return Heard(failure=self._failure(code, str(said.get("msg", ""))))
        return Heard()

    def _confirmed(self) -> Heard:
        self._unconfirmed -= 1
        return Heard(confirmed=self._unconfirmed == 0)

    async def _hedges(self) -> bool:
        """Ask for the mode of a unified account; one that has become classic is asked for its kind again."""
        client = self._venue.kinds.unified.client
        try:
            return await client.ask("settings", self._credentials, {}, lambda a: bool(a["data"]["holdMode"] == HEDGE))
        except VenueRefused as refusal:
            if refusal.venue_code not in errors.OTHER_KIND:
                raise
            self._venue.kinds.forget(self._credentials)
            raise changed() from refusal

    def _failure(self, code: str, message: str) -> Failure:
        """Judge a refusal; an account that has become of the other kind is asked for its kind again."""
        if code in errors.OTHER_KIND:
            self._venue.kinds.forget(self._credentials)
            return changed()
        if code in errors.WS_TIME_CODES:
            client = self._venue.public
            client.doubt_clock(client.now())
        return errors.failure_of(code, message, f"{self.name} answered {code}: {message}")


def _of_triggers(arg: Any) -> bool:
    """Tell whether a subscription is one without which executions and orders are told all the same."""
    return isinstance(arg, Mapping) and {arg.get("channel"), arg.get("topic")} & {_PLANS, _STRATEGIES} != set()
