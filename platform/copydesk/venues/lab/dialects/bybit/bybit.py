"""Bybit as one dialect: REST, public and private streams, order entry, keys, and what happens every tick."""

from __future__ import annotations

import secrets
import string
from collections.abc import Mapping, Sequence

import orjson
from aiohttp import web

from copydesk.venues.lab.dialects.bybit.attached import FULL
from copydesk.venues.lab.dialects.bybit.dcp import DcpWatch
from copydesk.venues.lab.dialects.bybit.frames import connect_meter
from copydesk.venues.lab.dialects.bybit.lane import BybitLane
from copydesk.venues.lab.dialects.bybit.private import PrivateSession, PrivateStreams
from copydesk.venues.lab.dialects.bybit.public import PublicSession, PublicTopics
from copydesk.venues.lab.dialects.bybit.rest import Front, failure_body
from copydesk.venues.lab.dialects.bybit.shields import protect
from copydesk.venues.lab.dialects.bybit.trade import TradeSession, request_meter
from copydesk.venues.lab.exchange import Exchange
from copydesk.venues.lab.keys import KeyTexts
from copydesk.venues.lab.light_lane import LightLane
from copydesk.venues.lab.model import LIQUIDATION, PERP, SPOT, OrderUpdate, PublicTrade
from copydesk.venues.lab.server import Answer, Request
from copydesk.venues.lab.signatures import RSA
from copydesk.venues.lab.streams import SessionMaker, StreamConnection

KEY_LEN = 18
SECRET_LEN = 36
_ALPHABET = string.ascii_letters + string.digits


class Bybit:
    """Speak Bybit v5 on one exchange."""

    venue = "bybit"
    pair_kinds = frozenset({RSA})
    prefixes: tuple[str, ...] = ("/v5/",)

    def __init__(self, exchange: Exchange) -> None:
        self.exchange = exchange
        self.front = Front(exchange)
        self.dcp = DcpWatch(exchange, self.front.memory)
        self.private = PrivateStreams(self.front, self.dcp)
        self.public = {market: PublicTopics(exchange, market) for market in (SPOT, PERP)}
        exchange.streams.on_trade = self._on_trade
        exchange.streams.on_fill = self._on_fill

    def handles(self, request: Request) -> bool:
        return request.path.startswith(self.prefixes)

    def account_of(self, request: Request) -> str:
        """Name the account of the key in the request, "" if there is none; nothing is verified yet."""
        key = self.exchange.keys.get(request.headers.get(b"x-bapi-api-key", b"").decode("latin-1"))
        return key.account if key is not None else ""

    def answer(self, request: Request, ip: str, hold_ms: float = 0.0) -> Answer:
        return self.front.answer(request, ip, hold_ms)

    def lanes(self) -> Sequence[LightLane]:
        """Return the express lane of plain orders."""
        return (BybitLane(self.front),)

    def failure(self, status: int) -> bytes:
        return orjson.dumps(failure_body(status, int(self.exchange.now_ms())))

    def sessions(self) -> Mapping[str, SessionMaker]:
        connects, requests = connect_meter(), request_meter()

        def public(market: str) -> SessionMaker:
            def open_public(connection: StreamConnection, _request: web.Request) -> PublicSession:
                return PublicSession(self.public[market], connection, connects)

            return open_public

        def private(connection: StreamConnection, _request: web.Request) -> PrivateSession:
            return PrivateSession(self.private, connection, connects)

        def trade(connection: StreamConnection, _request: web.Request) -> TradeSession:
            return TradeSession(self.front, connection, connects, requests)

        return {
            "/v5/public/spot": public(SPOT),
            "/v5/public/linear": public(PERP),
            "/v5/private": private,
            "/v5/trade": trade,
        }

    def tick(self) -> None:
        """Send what a moved market has to tell."""
        for topics in self.public.values():
            topics.tick()
        self.dcp.tick()

    def disconnect(self, account: str) -> int:
        """Cut the private streams of an account; return how many there were."""
        return self.private.disconnect(account)

    def key_texts(self) -> KeyTexts:
        return KeyTexts(_random(KEY_LEN), _random(SECRET_LEN))

    def _on_trade(self, market: str, trade: PublicTrade) -> None:
        self.public[market].on_trade(trade)

    def _on_fill(self, event: OrderUpdate) -> None:
        order = event.order
        if not order.tag or order.market != PERP:
            return
        if order.tag == LIQUIDATION:
            self.public[PERP].on_liquidation(event)
        elif FULL in order.tag:
            protect(self.exchange, order, event.at_ms)


def _random(length: int) -> str:
    return "".join(secrets.choice(_ALPHABET) for _ in range(length))
