"""OKX's leader stream: the private `orders` channel, which tells executions of spot and swaps alike.

Source: OKX API guide v5: WebSocket Login, Notification (a notice comes 60 s before the connection is closed for an
upgrade), Connection count limit, Order channel; a connection without traffic is closed after 30 s.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, Callable, Mapping, Sequence
from typing import Any

from orjson import dumps, loads

from copydesk.kernel import Unavailable
from copydesk.trading import Credentials
from copydesk.venues.client.wire import Failure, check_credentials
from copydesk.venues.model import LeaderTrade, OrderFact, StreamEvent, StreamTiming
from copydesk.venues.okx import errors
from copydesk.venues.okx.adapter import PERPETUAL, SPOT, Okx
from copydesk.venues.okx.order_facts import order_fact
from copydesk.venues.okx.orders import PERPETUAL_OF, leader_trade_of_push
from copydesk.venues.okx.signing import WS_LOGIN_TEXT, sign
from copydesk.venues.port import LeaderStream
from copydesk.venues.stream import Channel, Heard, KeepAlive, Line, connects_of, told, watch

_ORDERS = {"channel": "orders", "instType": "ANY"}
# Comes after a subscription was confirmed: it tells nothing any more.
_ENDED = "channel-conn-count-error"
_SUBSCRIBE = dumps({"op": "subscribe", "args": [_ORDERS]}).decode()


class OkxStream(LeaderStream):
    """Watch leader accounts of one environment (see `port.LeaderStream`)."""

    def __init__(self, venue: Okx, timing: StreamTiming) -> None:
        self._venue = venue
        self._line = Line(timing, venue.ssl_context, connects_of(venue, venue.traits.connect_limit), venue.egress)

    def trades(self, credentials: Credentials) -> AsyncGenerator[StreamEvent, None]:
        """Yield `connected`, then trades and probes, then `lost`, for ever; close the generator to end it."""
        check_credentials(credentials)

        async def channels() -> Sequence[Callable[[], Channel]]:
            venue = self._venue
            if not (venue.symbols.knows(SPOT) and venue.symbols.knows(PERPETUAL)):
                await venue.instruments()
            return [lambda: OrdersChannel(venue, credentials)]

        return watch(channels, self._line)


class OrdersChannel(Channel):
    """Log in, then subscribe; pushes carry whole orders, with the execution that changed them."""

    name = "OKX"
    keep_alive = KeepAlive("ping", 18.0)

    def __init__(self, venue: Okx, credentials: Credentials) -> None:
        self._venue = venue
        self._credentials = credentials

    async def open(self) -> str:
        return self._venue.urls.streams["private"]

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
        if said["arg"]["channel"] != "orders":
            return Heard()
        trades = tuple(trade for trade in map(self._trade, said["data"]) if trade is not None)
        facts = tuple(fact for row in said["data"] for fact in self._fact(row))
        return Heard(event=True, trades=trades, orders=facts)

    async def tend(self) -> None:
        """The login lives as long as the connection."""

    def _answered(self, event: str, said: Mapping[str, Any]) -> Heard:
        if event == "login" and said["code"] == "0":
            return Heard(send=(_SUBSCRIBE,))
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

    def _fact(self, row: Mapping[str, Any]) -> tuple[OrderFact, ...]:
        def read() -> OrderFact | None:
            if row["instType"] not in PERPETUAL_OF:
                return None
            instrument = self._venue.symbols.of_venue(row["instId"], perpetual=PERPETUAL_OF[row["instType"]])
            return None if instrument is None else order_fact(row, instrument)

        return told(read)

    def _trade(self, row: Mapping[str, Any]) -> LeaderTrade | None:
        if row["instType"] not in PERPETUAL_OF:
            return None
        instrument = self._venue.symbols.of_venue(row["instId"], perpetual=PERPETUAL_OF[row["instType"]])
        return None if instrument is None else leader_trade_of_push(row, instrument)
