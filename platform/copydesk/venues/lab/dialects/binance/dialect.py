"""Binance as one dialect: spot, wallet and USDⓈ-M futures behind one door.

In plain mode one port serves all streams, told apart by path (`/stream/…` spot, `/fstream/…` futures); under the real
host names the paths are those of production, and the host tells.
"""

from __future__ import annotations

import secrets
import string
from collections.abc import Mapping, Sequence

from aiohttp import WSCloseCode, web

from copydesk.venues.lab.dialects.binance.connects import Connects
from copydesk.venues.lab.dialects.binance.errors import failure
from copydesk.venues.lab.dialects.binance.front import Front
from copydesk.venues.lab.dialects.binance.lane import BinanceLane, UmLane
from copydesk.venues.lab.dialects.binance.lifetimes import Lifetimes
from copydesk.venues.lab.dialects.binance.market_session import SpotSession
from copydesk.venues.lab.dialects.binance.spot import BinanceSpot
from copydesk.venues.lab.dialects.binance.streams import MESSAGES_PER_S_MAX, SpotStreams
from copydesk.venues.lab.dialects.binance.um.futures import METHODS, BinanceFutures
from copydesk.venues.lab.dialects.binance.um.streams import MARKET, PRIVATE, PUBLIC, UmSession, UmStreams
from copydesk.venues.lab.dialects.binance.wallet import TRANSFER_PATH, BinanceTransfers, BinanceWallet
from copydesk.venues.lab.dialects.binance.wsapi import ApiSession, SpotApiSession
from copydesk.venues.lab.exchange import Exchange
from copydesk.venues.lab.keys import KeyTexts
from copydesk.venues.lab.light_lane import LightLane
from copydesk.venues.lab.model import OrderUpdate, PublicTrade
from copydesk.venues.lab.server import Answer, Request
from copydesk.venues.lab.signatures import ED25519, RSA
from copydesk.venues.lab.streams import Session, SessionMaker, StreamConnection

KEY_LEN = 64
_ALPHABET = string.ascii_letters + string.digits
_OWN_PREFIXES = ("/fapi/", "/dapi/", "/sapi/", "/eapi/", "/papi/", "/futures/data/")
# Another exchange has paths under /api/v3 as well; those that are not spot's belong to whoever names a key our way.
_SHARED_PREFIX = "/api/v3/"
_HOST = b"binance"
_FUTURES_HOST = "fstream"
# Under /fstream in plain mode, at the root under the real host name; "" is the older address that serves everything.
_UM_PLACES = (
    ("/fstream", ""),
    *((f"/fstream/{part}", part) for part in (PUBLIC, MARKET, PRIVATE)),
    *((f"/{part}", part) for part in (PUBLIC, MARKET, PRIVATE)),
)


def token() -> str:
    return "".join(secrets.choice(_ALPHABET) for _ in range(KEY_LEN))


class Binance:
    """Speak as Binance on one exchange of the lab."""

    venue = "binance"
    pair_kinds = frozenset({ED25519, RSA})
    prefixes: tuple[str, ...] = (*_OWN_PREFIXES, "/api/v3/order")

    def __init__(self, exchange: Exchange) -> None:
        self.exchange = exchange
        self.transfers = BinanceTransfers(exchange)
        self.spot = BinanceSpot(exchange)
        self.wallet = BinanceWallet(exchange)
        self.futures = BinanceFutures(exchange, token, self.transfers.done)
        self.spot_streams = SpotStreams(exchange)
        self.um_streams = UmStreams(exchange)
        self._api_sessions: set[SpotApiSession] = set()
        self._connects = Connects()
        self._lifetimes = Lifetimes(exchange)
        exchange.streams.on_trade = self._on_trade
        exchange.streams.on_fill = self._on_fill

    def handles(self, request: Request) -> bool:
        """Tell whether a REST path is ours; under our own host name every path is."""
        path = request.path
        if path.startswith(self.prefixes) or _HOST in request.headers.get(b"host", b""):
            return True
        if not path.startswith(_SHARED_PREFIX):
            return path.startswith("/api/v1/")
        return (request.method, path) in self.spot.routes or b"x-mbx-apikey" in request.headers

    def account_of(self, request: Request) -> str:
        """Name the account of the key in the request, "" if there is none; nothing is verified yet."""
        key = self.exchange.keys.get(request.headers.get(b"x-mbx-apikey", b"").decode("latin-1"))
        return key.account if key is not None else ""

    def answer(self, request: Request, ip: str, hold_ms: float = 0.0) -> Answer:
        """Carry out one REST request and write it down."""
        return self._front(request.path).answer(request, ip, hold_ms)

    def _front(self, path: str) -> Front:
        if path.startswith("/api/"):
            return self.spot
        if path.startswith("/sapi/"):
            return self.transfers if path == TRANSFER_PATH else self.wallet
        return self.futures

    def lanes(self) -> Sequence[LightLane]:
        """Return the express lanes of spot and futures orders."""
        return BinanceLane(self.spot, "/api/v3/order"), UmLane(self.futures, "/fapi/v1/order")

    def failure(self, status: int) -> bytes:
        return failure(status)

    def sessions(self) -> Mapping[str, SessionMaker]:
        """Map the stream paths of plain and of same-host mode."""
        made: dict[str, SessionMaker] = {
            "/ws-api/v3": self._spot_api,
            "/ws-fapi/v1": self._futures_api,
            "/stream/stream": self._spot_session,
            "/stream/ws": self._spot_session,
            "/stream/ws/{name:.*}": self._spot_session,
            "/stream": self._by_host,
            "/ws": self._by_host,
            "/ws/{name:.*}": self._by_host,
        }
        for prefix, part in _UM_PLACES:
            for path in ("/ws", "/ws/{name:.*}", "/stream"):
                made[prefix + path] = self._um_maker(part)
        return {path: self._counted(make) for path, make in made.items()}

    def _counted(self, make: SessionMaker) -> SessionMaker:
        """Close at once what an address opens beyond its share, and anything when it is too old."""

        def session(connection: StreamConnection, request: web.Request) -> Session:
            if not self._connects.admit(connection.ip, int(self.exchange.now_ms())):
                connection.close(WSCloseCode.POLICY_VIOLATION, b"Too many connections")
            return self._lifetimes.begin(connection, make(connection, request))

        return session

    def tick(self) -> None:
        """Send what a moved market has to tell."""
        self.futures.tick()
        self.spot_streams.tick()
        self.um_streams.tick()
        self._lifetimes.tick()

    def disconnect(self, account: str) -> int:
        """Cut the private streams of an account; return how many there were."""
        chosen = [session for session in self._api_sessions if session.serves(account)]
        for session in chosen:
            session.disconnect()
        return len(chosen) + self.futures.listen_keys.disconnect(account)

    def expire_listen_keys(self, mode: str, account: str = "") -> int:
        """End the futures' listen keys: "silently", with their "event", or with a "close"; return how many."""
        return self.futures.listen_keys.expire(mode, account)

    def age_streams(self, by_ms: float) -> int:
        """Make all open connections older by so much market time; return how many there are."""
        return self._lifetimes.age(by_ms)

    def shut_down(self, delay_ms: float) -> int:
        """Let spot connections be told that their server stops, and cut them so much later; return how many."""
        return self._lifetimes.shut_down(delay_ms)

    def key_texts(self) -> KeyTexts:
        return KeyTexts(token(), token())

    def _on_trade(self, market: str, trade: PublicTrade) -> None:
        (self.spot_streams if market == "spot" else self.um_streams).on_trade(trade)

    def _on_fill(self, event: OrderUpdate) -> None:
        self.spot.filled(event)

    def _spot_api(self, connection: StreamConnection, _request: web.Request) -> Session:
        return SpotApiSession(self.spot, connection, self._api_sessions)

    def _futures_api(self, connection: StreamConnection, _request: web.Request) -> Session:
        return ApiSession(self.futures, connection, METHODS)

    def _spot_session(self, connection: StreamConnection, request: web.Request) -> Session:
        topics = self.spot_streams.topics
        return SpotSession(self.exchange, topics, connection, request, messages_per_s_max=MESSAGES_PER_S_MAX)

    def _um_maker(self, part: str) -> SessionMaker:
        def make(connection: StreamConnection, request: web.Request) -> Session:
            return UmSession(self.um_streams, self.futures.listen_keys, connection, request, part)

        return make

    def _by_host(self, connection: StreamConnection, request: web.Request) -> Session:
        if request.host.startswith(_FUTURES_HOST):
            return self._um_maker("")(connection, request)
        return self._spot_session(connection, request)
