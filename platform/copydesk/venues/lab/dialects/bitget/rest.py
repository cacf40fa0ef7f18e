"""Bitget over REST: which paths are its own, authorization, limits, dispatch and the answer's envelope."""

from __future__ import annotations

import secrets
import string
import time
from collections.abc import Mapping, Sequence

import orjson

from copydesk.venues.lab.dialects.bitget import access, errors
from copydesk.venues.lab.dialects.bitget.classic import ROUTES as CLASSIC_ROUTES
from copydesk.venues.lab.dialects.bitget.hub import Hub
from copydesk.venues.lab.dialects.bitget.lane import BitgetLane, MixLane
from copydesk.venues.lab.dialects.bitget.limits import AddressMeter, SecondMeter
from copydesk.venues.lab.dialects.bitget.params import Call, read_body, read_query, success
from copydesk.venues.lab.dialects.bitget.routes import Route
from copydesk.venues.lab.dialects.bitget.unified import ROUTES as UNIFIED_ROUTES
from copydesk.venues.lab.exchange import Exchange
from copydesk.venues.lab.journal import Requested
from copydesk.venues.lab.keys import KeyTexts
from copydesk.venues.lab.light_lane import LightLane
from copydesk.venues.lab.server import JSON, Answer, Request
from copydesk.venues.lab.signatures import RSA
from copydesk.venues.lab.streams import SessionMaker

CLASSIC = "/api/v2/"
UNIFIED = "/api/v3/"
_UNIFIED_OWN = ("/api/v3/trade/", "/api/v3/market/", "/api/v3/position/", "/api/v3/strategy/", "/api/v3/user/")
# Binance has paths below this one too.
_SHARED = "/api/v3/account/"
_ALPHABET = string.ascii_letters + string.digits
_UNAVAILABLE = {503: errors.UPGRADING}


class Bitget:
    """Answer Bitget calls: v2 on the classic exchange, v3 on the unified one."""

    venue = "bitget"
    pair_kinds = frozenset({RSA})
    prefixes: tuple[str, ...] = (CLASSIC, *_UNIFIED_OWN)

    def __init__(self, classic: Exchange, unified: Exchange) -> None:
        self._classic = classic
        self._unified = unified
        self._seconds = SecondMeter()
        self._addresses = AddressMeter()
        self._hub = Hub(classic, unified)

    def handles(self, request: Request) -> bool:
        path = request.path
        if path.startswith(self.prefixes):
            return True
        if not path.startswith(_SHARED):
            return False
        return b"access-key" in request.headers or b"bitget" in request.headers.get(b"host", b"")

    def account_of(self, request: Request) -> str:
        """Name the account of the key in the request, "" if there is none; nothing is verified yet."""
        key, _ = access.find_key(access.key_text(request), self._classic, self._unified)
        return "" if key is None else key.account

    def answer(self, request: Request, ip: str, hold_ms: float = 0.0) -> Answer:
        """Carry out one REST request and write it down."""
        unified = request.path.startswith(UNIFIED)
        exchange = self._unified if unified else self._classic
        at_ms = exchange.now_ms()
        call = Call(exchange, {}, ip, int(at_ms))
        code, headers = errors.CODE_OK, b""
        try:
            route, left = self._admit(request, call, at_ms)
            headers = b"x-mbx-used-remain-limit: %d\r\n" % left
            status, body = 200, success(call.now_ms, route.handler(call))
        except errors.ApiError as error:
            status, code, body = error.status, error.code, error.body(call.now_ms)
        self._write_down(request, call, (status, code), at_ms)
        return Answer(status, body, headers, JSON, hold_ms)

    def _admit(self, request: Request, call: Call, at_ms: float) -> tuple[Route, int]:
        """Find the endpoint, check the caller and read the parameters; return how many calls are left this second."""
        if self._addresses.refuses(call.ip, call.now_ms):
            raise errors.too_many()
        path, unified = request.path, call.exchange is self._unified
        route = (UNIFIED_ROUTES if unified else CLASSIC_ROUTES).get((request.method, path))
        if route is None:
            raise errors.ApiError(*errors.NOT_FOUND, status=404)
        if call.exchange.maintenance:
            raise errors.ApiError(*errors.UPGRADING)
        who = call.ip if route.right is None else self._authorize(request, route, call, at_ms)
        left = self._seconds.spend(who, path, call.now_ms // 1000, route.rate)
        if left < 0:
            raise errors.too_many()
        if request.method == "GET":
            call.params = read_query(request.query)
        else:
            call.params, call.items = read_body(request.body)
        return route, left

    def _authorize(self, request: Request, route: Route, call: Call, at_ms: float) -> str:
        found, home = access.find_key(access.key_text(request), self._classic, self._unified)
        key = access.verify(request, found, call.ip, at_ms)
        call.key = key
        if home is not call.exchange:
            kind = errors.CLASSIC_ON_UNIFIED if home is self._classic else errors.UNIFIED_ON_CLASSIC
            raise errors.ApiError(*kind)
        right = route.right
        assert right is not None
        if not right.held_by(key):
            raise errors.permissions(right.need)
        return key.account

    def _write_down(self, request: Request, call: Call, outcome: tuple[int, str], at_ms: float) -> None:
        status, code = outcome
        account = "" if call.key is None else call.key.account
        params = call.params if not call.items else {"list": call.items}
        latency_ms = (time.monotonic() - request.arrived_s) * 1000.0
        named = call.client_order_id or str(params.get("clientOid") or "")
        call.exchange.journal.request(
            at_ms,
            Requested(account, call.ip, request.method, request.path, params, status, code, latency_ms, named),
        )

    def lanes(self) -> Sequence[LightLane]:
        """Return the express lanes of the classic account's plain orders."""
        meters = self._addresses, self._seconds
        spot, mix = "/api/v2/spot/trade/place-order", "/api/v2/mix/order/place-order"
        return (
            BitgetLane(self._classic, spot, CLASSIC_ROUTES["POST", spot], meters),
            MixLane(self._classic, mix, CLASSIC_ROUTES["POST", mix], meters),
        )

    def failure(self, status: int) -> bytes:
        """Return the body with which Bitget reports an internal trouble under that HTTP status."""
        if status == 429:
            code, msg = errors.TOO_MANY
        else:
            code, msg = _UNAVAILABLE.get(status, errors.UNKNOWN)
        body = {"code": code, "msg": msg, "requestTime": int(self._classic.now_ms()), "data": None}
        return orjson.dumps(body)

    def sessions(self) -> Mapping[str, SessionMaker]:
        return self._hub.sessions()

    def tick(self) -> None:
        self._hub.tick()

    def disconnect(self, account: str) -> int:
        """Cut the private streams of an account; return how many there were."""
        return self._hub.disconnect(account)

    def key_texts(self) -> KeyTexts:
        passphrase = "".join(secrets.choice(_ALPHABET) for _ in range(16))
        return KeyTexts(f"bg_{secrets.token_hex(16)}", secrets.token_hex(32), passphrase)
