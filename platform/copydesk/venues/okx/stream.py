"""OKX's leader stream: the private `orders` channel, which tells executions of spot and swaps alike, and `orders-algo`.

The latter tells of orders that wait for a trigger, on another address and so over a connection of its own.
Source: OKX API guide v5: WebSocket Login, Notification (a notice comes 60 s before the connection is closed for an
upgrade), Connection count limit, Order channel, Algo orders channel; a connection without traffic is closed after 30 s.
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import AsyncGenerator, Callable, Mapping, Sequence
from typing import Any, ClassVar

from orjson import dumps, loads

from copydesk.kernel import Unavailable
from copydesk.trading import Credentials, Instrument
from copydesk.venues.client.wire import Failure
from copydesk.venues.model import LeaderTrade, OrderFact, StreamEvent, StreamTiming
from copydesk.venues.okx import errors
from copydesk.venues.okx.adapter import PERPETUAL, SPOT, Okx
from copydesk.venues.okx.order_facts import algo_facts, order_fact
from copydesk.venues.okx.orders import PERPETUAL_OF, leader_trade_of_push
from copydesk.venues.okx.signing import WS_LOGIN_TEXT, sign
from copydesk.venues.port import LeaderStream
from copydesk.venues.stream import Channel, Heard, KeepAlive, Line, connects_of, told, watch

# Comes after a subscription was confirmed: it tells nothing any more.
_ENDED = "channel-conn-count-error"


class OkxStream(LeaderStream):
    """Watch leader accounts of one environment (see `port.LeaderStream`)."""

    def __init__(self, venue: Okx, timing: StreamTiming) -> None:
        self._venue = venue
        self._line = Line(timing, venue.ssl_context, connects_of(venue, venue.traits.connect_limit), venue.egress)

    def trades(self, credentials: Credentials) -> AsyncGenerator[StreamEvent, None]:
        """Yield `connected`, then trades and probes, then `lost`, for ever; close the generator to end it."""
        self._venue.client.require_sound(credentials)

        async def channels() -> Sequence[Callable[[], Channel]]:
            venue = self._venue
            if not (venue.symbols.knows(SPOT) and venue.symbols.knows(PERPETUAL)):
                await venue.instruments()
            return [lambda: OrdersChannel(venue, credentials), lambda: AlgosChannel(venue, credentials)]

        return watch(channels, self._line)


class LoginChannel(Channel):
    """Log in, then subscribe to the one channel of this connection."""

    keep_alive = KeepAlive("ping", 18.0)
    address: ClassVar[str]
    topic: ClassVar[str]

    def __init__(self, venue: Okx, credentials: Credentials) -> None:
        self._venue = venue
        self._credentials = credentials

    async def open(self) -> str:
        return self._venue.urls.streams[self.address]

    def greeting(self) -> Sequence[str]:
        stamp = str(self._venue.client.timestamp_ms() // 1000)
        login = {
            "apiKey": self._credentials.api_key,
            "passphrase": self._credentials.password,
            "timestamp": stamp,
            "sign": sign(stamp + WS_LOGIN_TEXT, self._credentials.secret),
        }
        return (dumps({"op": "login", "args": [login]}).decode(),)

    def read(self, message: str) -> Heard:
        if message == "pong":
            return Heard()
        said = loads(message)
        event = said.get("event")
        if event is not None:
            return self._answered(event, said)
        return self.heard(said["data"]) if said["arg"]["channel"] == self.topic else Heard()

    @abstractmethod
    def heard(self, rows: Sequence[Mapping[str, Any]]) -> Heard:
        """Read one push of the channel."""

    async def tend(self) -> None:
        """The login lives as long as the connection."""

    def _answered(self, event: str, said: Mapping[str, Any]) -> Heard:
        if event == "login" and said["code"] == "0":
            wanted = {"channel": self.topic, "instType": "ANY"}
            return Heard(send=(dumps({"op": "subscribe", "args": [wanted]}).decode(),))
        if event == "subscribe":
            return Heard(confirmed=True)
        if event == "notice":
            return Heard(failure=Unavailable(f"{self.name}: {said.get('msg', 'the connection will be closed')}"))
        if event == _ENDED:
            return Heard(failure=Unavailable(f"{self.name}: too many connections watch this account"))
        if event in ("error", "login"):
            return Heard(failure=self._refusal(str(said["code"]), str(said["msg"])))
        return Heard()

    def _refusal(self, code: str, message: str) -> Failure:
        if code in errors.WS_TIME_CODES:
            client = self._venue.client
            client.doubt_clock(client.now())
        return errors.failure_of(code, message, f"{self.name} answered {code}: {message}")

    def instrument_of(self, row: Mapping[str, Any]) -> Instrument | None:
        """Return what is traded; None for what is not listed here, and for what is traded on margin in a pair."""
        perpetual = PERPETUAL_OF.get(row["instType"])
        return None if perpetual is None else self._venue.symbols.of_venue(row["instId"], perpetual=perpetual)


class OrdersChannel(LoginChannel):
    """Pushes carry whole orders, with the execution that changed them."""

    name = "OKX"
    address = "private"
    topic = "orders"

    def heard(self, rows: Sequence[Mapping[str, Any]]) -> Heard:
        trades = tuple(trade for trade in map(self._trade, rows) if trade is not None)
        return Heard(event=True, trades=trades, orders=tuple(fact for row in rows for fact in self._fact(row)))

    def _fact(self, row: Mapping[str, Any]) -> tuple[OrderFact, ...]:
        def read() -> OrderFact | None:
            instrument = self.instrument_of(row)
            return None if instrument is None else order_fact(row, instrument)

        return told(read)

    def _trade(self, row: Mapping[str, Any]) -> LeaderTrade | None:
        instrument = self.instrument_of(row)
        return None if instrument is None else leader_trade_of_push(row, instrument)


class AlgosChannel(LoginChannel):
    """Pushes carry whole algo orders, and never an execution: the order that was placed tells it."""

    name = "OKX conditional orders"
    address = "business"
    topic = "orders-algo"

    def heard(self, rows: Sequence[Mapping[str, Any]]) -> Heard:
        named = ((self.instrument_of(row), row) for row in rows)
        facts = (fact for known, row in named if known is not None for fact in algo_facts(row, known))
        return Heard(event=True, orders=tuple(facts))
