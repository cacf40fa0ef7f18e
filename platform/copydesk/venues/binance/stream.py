"""Binance's leader stream: spot over the WebSocket API, USDⓈ-M over a listen key, one account's both as one.

A key without the right to futures gets no futures stream from Binance, so such an account is watched on spot alone.
Source: binance-spot-api-docs, web-socket-api.md (User Data Stream) and user-data-stream.md; developers.binance.com,
USDⓈ-M futures, User Data Streams (a key lives 60 minutes; the connection 24 hours).
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Callable, Mapping, Sequence
from typing import Any

from orjson import dumps, loads

from copydesk.kernel import Unavailable
from copydesk.trading import Credentials
from copydesk.venues.binance import order_facts, perpetual_orders, spot_orders
from copydesk.venues.binance.adapter import Binance
from copydesk.venues.binance.errors import SPOT_ERRORS, classify, refuses_time
from copydesk.venues.binance.signing import signature_of
from copydesk.venues.client.core import NOTHING
from copydesk.venues.client.wire import Failure
from copydesk.venues.model import StreamEvent, StreamTiming
from copydesk.venues.port import LeaderStream
from copydesk.venues.stream import Channel, Heard, Line, connects_of, told, watch

EXTEND_EVERY_S = 25 * 60.0  # A listen key lives 60 minutes; one failing extension leaves time for another.


class BinanceStream(LeaderStream):
    """Watch leader accounts of one environment (see `port.LeaderStream`)."""

    def __init__(self, venue: Binance, timing: StreamTiming) -> None:
        self._venue = venue
        self._line = Line(timing, venue.ssl_context, connects_of(venue, venue.traits.connect_limit), venue.egress)

    def trades(self, credentials: Credentials) -> AsyncGenerator[StreamEvent, None]:
        """Yield `connected`, then trades and probes, then `lost`, for ever; close the generator to end it."""
        self._venue.spot.client.require_sound(credentials)

        async def channels() -> Sequence[Callable[[], Channel]]:
            venue = self._venue
            scope = await venue.key_scope(credentials)
            if not venue.symbols.knows(venue.spot.key):
                await venue.instruments()
            parts: list[Callable[[], Channel]] = [lambda: SpotChannel(venue, credentials)]
            if scope.can_trade_perpetuals:
                parts.append(lambda: PerpetualChannel(venue, credentials))
            return parts

        return watch(channels, self._line)


class SpotChannel(Channel):
    """The WebSocket API with a signed subscription; events come wrapped with its number."""

    name = "Binance spot"
    keep_alive = None

    def __init__(self, venue: Binance, credentials: Credentials) -> None:
        self._venue = venue
        self._credentials = credentials

    async def open(self) -> str:
        return self._venue.urls.streams["spot"]

    def greeting(self) -> Sequence[str]:
        """Subscribe; the WebSocket API signs parameters in alphabetical order."""
        stamp = self._venue.spot.client.timestamp_ms()
        payload = f"apiKey={self._credentials.api_key}&timestamp={stamp}"
        signature = signature_of(payload, self._credentials)
        params = {"apiKey": self._credentials.api_key, "timestamp": stamp, "signature": signature}
        request = {"id": "copydesk", "method": "userDataStream.subscribe.signature", "params": params}
        return (dumps(request).decode(),)

    def read(self, message: str) -> Heard:
        """Take `executionReport`s, the end that Binance announces, and the answer to our subscription."""
        said = loads(message)
        event = said.get("event")
        if isinstance(event, Mapping):
            return self._event(event)
        if said.get("id") != "copydesk":
            return Heard()
        if said["status"] == 200:
            return Heard(confirmed=True)
        return Heard(failure=self._refusal(said["status"], dumps(said["error"])))

    async def tend(self) -> None:
        """The subscription lives as long as the connection."""

    def _refusal(self, status: int, error: bytes) -> Failure:
        client = self._venue.spot.client
        if refuses_time(status, error):
            client.doubt_clock(client.now())
        return classify(SPOT_ERRORS, status, error, None, client.now())

    def _event(self, event: Mapping[str, Any]) -> Heard:
        kind = event["e"]
        if kind in ("eventStreamTerminated", "serverShutdown"):
            return Heard(failure=Unavailable(f"{self.name}: {kind}"))
        if kind != "executionReport":
            return Heard(event=True)
        instrument = self._venue.symbols.of_venue(event["s"], perpetual=False)
        if instrument is None:
            return Heard(event=True)
        orders = told(lambda: order_facts.spot_fact_of_report(event, instrument.symbol))
        traded = event["x"] == "TRADE"
        trades = (spot_orders.leader_trade_of_report(event, instrument.symbol),) if traded else ()
        return Heard(event=True, trades=trades, orders=orders)


class PerpetualChannel(Channel):
    """The private stream of a listen key, which is asked for and extended by REST."""

    name = "Binance perpetual"
    keep_alive = None

    def __init__(self, venue: Binance, credentials: Credentials, *, extend_every_s: float = EXTEND_EVERY_S) -> None:
        self._venue = venue
        self._credentials = credentials
        self._extend_every_s = extend_every_s

    async def open(self) -> str:
        client = self._venue.perpetual.client
        key = await client.ask("stream_key", self._credentials, NOTHING, lambda answer: str(answer["listenKey"]))
        return f"{self._venue.urls.streams['perpetual']}?listenKey={key}"

    def greeting(self) -> Sequence[str]:
        """Say nothing: the address is the subscription."""
        return ()

    def read(self, message: str) -> Heard:
        """Take `ORDER_TRADE_UPDATE`s and `ALGO_UPDATE`s, and the end of the key where Binance tells it."""
        event = loads(message)
        kind = event.get("e")
        if kind == "listenKeyExpired":
            return Heard(failure=Unavailable(f"{self.name}: the listen key expired"))
        if kind not in ("ORDER_TRADE_UPDATE", "ALGO_UPDATE"):
            return Heard(event=kind is not None)
        update = event["o"]
        instrument = self._venue.symbols.of_venue(update["s"], perpetual=True)
        if instrument is None:
            return Heard(event=True)
        if kind == "ALGO_UPDATE":
            at_ms = int(event["T"])
            return Heard(
                event=True, orders=told(lambda: order_facts.algo_fact_of_update(update, instrument.symbol, at_ms))
            )
        traded = update["x"] == "TRADE"
        trades = (perpetual_orders.leader_trade_of_update(update, instrument.symbol),) if traded else ()
        orders = told(lambda: order_facts.perpetual_fact_of_update(update, instrument.symbol))
        return Heard(event=True, trades=trades, orders=orders)

    async def tend(self) -> None:
        """Extend the key; one that cannot be extended is given up, and with it the connection."""
        while True:
            await asyncio.sleep(self._extend_every_s)
            await self._venue.perpetual.client.ask(
                "stream_key_extend", self._credentials, NOTHING, lambda answer: answer
            )
