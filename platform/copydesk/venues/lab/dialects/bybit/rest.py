"""The lab as Bybit v5 over REST: authorization, limits, dispatch and the answer's envelope.

Source: v5 documentation, "Integration Guidance", "Rate Limit Rules". The order of the checks is not documented; here
it is: address, route, headers, time, key, its end, signature, bound addresses, rights, rate limit, parameters.
Signatures are HMAC-SHA256 in hexadecimal, or RSA with SHA-256 in base64.
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import Any

import orjson

from copydesk.venues.lab.dialects.bybit import (
    account,
    assets,
    batches,
    dcp,
    errors,
    instruments,
    ledger,
    listing,
    orders,
    positions,
    precheck,
    shields,
)
from copydesk.venues.lab.dialects.bybit import market as market_data
from copydesk.venues.lab.dialects.bybit.batches import batch_len
from copydesk.venues.lab.dialects.bybit.limits import IpMeter, UserMeter
from copydesk.venues.lab.dialects.bybit.params import (
    LINEAR,
    SPOT_CATEGORY,
    Call,
    Memory,
    Used,
    read_body,
    read_query,
    text_of,
)
from copydesk.venues.lab.dialects.bybit.routes import ANY, ORDERS, Route, Routes
from copydesk.venues.lab.exchange import Exchange
from copydesk.venues.lab.journal import Requested
from copydesk.venues.lab.keys import PERP, TRADE, ApiKey
from copydesk.venues.lab.server import Answer, Request

ROUTES: Routes = {
    **market_data.ROUTES,
    **instruments.ROUTES,
    **orders.ROUTES,
    **precheck.ROUTES,
    **batches.ROUTES,
    **listing.ROUTES,
    **ledger.ROUTES,
    **positions.ROUTES,
    **shields.ROUTES,
    **account.ROUTES,
    **assets.ROUTES,
    **dcp.ROUTES,
}
WINDOW_DEFAULT = "5000"
AHEAD_MAX_MS = 1000
JSON = b"application/json; charset=utf-8"
RIGHTS = {SPOT_CATEGORY: TRADE, LINEAR: PERP}
_LIMIT_LINES = b"X-Bapi-Limit: %d\r\nX-Bapi-Limit-Status: %d\r\nX-Bapi-Limit-Reset-Timestamp: %d\r\n"


class Front:
    """Answer Bybit's REST calls on one exchange. WebSocket order entry shares its checks, limits and memory."""

    def __init__(self, exchange: Exchange) -> None:
        self.exchange = exchange
        self.memory = Memory()
        self.ip_meter = IpMeter()
        self.user_meter = UserMeter()

    def answer(self, request: Request, ip: str, hold_ms: float = 0.0) -> Answer:
        """Carry out one request and write it down."""
        exchange, at_ms = self.exchange, self.exchange.now_ms()
        call = Call({}, ip, int(at_ms), memory=self.memory)
        status, code, says = 200, 0, b"OK"
        try:
            route = self._admit(request, call)
            says, result = route.says, route.handler(exchange, call)
        except errors.ApiError as error:
            status, code, result = error.status, error.code, error.result
            says = orjson.dumps(error.msg)[1:-1]
        body = envelope(code, says, result, call)
        self.write_down(call, at_ms, (request.method, request.path), (status, code, request.arrived_s))
        return Answer(status, body, limit_lines(call.used), JSON, hold_ms)

    def _admit(self, request: Request, call: Call) -> Route:
        """Check everything about a request that does not depend on what it asks for."""
        if not self.ip_meter.allows(call.ip, call.now_ms):
            raise errors.ip_banned()
        route = ROUTES.get((request.method, request.path))
        if route is None:
            raise errors.no_route()
        posted = request.method == "POST"
        if route.needs:
            payload = request.body if posted else request.query.encode("latin-1")
            call.key = self._authorize(request.headers, payload, call)
        call.params = read_body(request.body) if posted else read_query(request.query)
        if call.key is not None:
            self.permit(call.key, route, call)
            self.meter(request.path, route, call)
        return route

    def _authorize(self, headers: Mapping[bytes, bytes], payload: bytes, call: Call) -> ApiKey:
        api_key, stamp = headers.get(b"x-bapi-api-key", b""), headers.get(b"x-bapi-timestamp", b"")
        sign, window = headers.get(b"x-bapi-sign", b""), headers.get(b"x-bapi-recv-window", b"")
        if not (api_key and stamp and sign):
            raise errors.unsigned(stamp.decode("latin-1"), api_key.decode("latin-1"), sign.decode("latin-1"))
        self.check_time(stamp.decode("latin-1"), window.decode("latin-1"), call.now_ms)
        key = self.known(api_key.decode("latin-1"), call.now_ms)
        signed = stamp + api_key + window + payload
        if not key.signs_hex(signed, sign.decode("latin-1")):
            raise errors.bad_signature(signed.decode("latin-1"))
        if not key.opens_from(call.ip):
            raise errors.foreign_ip()
        return key

    def check_time(self, stamp: str, window: str, now_ms: int) -> None:
        """Refuse what comes too late or too early: server - window <= stamp < server + 1 s."""
        window = window or WINDOW_DEFAULT
        if not stamp.isdecimal() or not window.isdecimal() or len(stamp) > 18 or len(window) > 9:
            raise errors.out_of_window(stamp, now_ms, window)
        if not self.fits(int(stamp), window, now_ms):
            raise errors.out_of_window(stamp, now_ms, window)

    def fits(self, stamp: int, window: str, now_ms: int) -> bool:
        """Tell whether a time is within this window, in ms as text, "" for the usual one."""
        return now_ms - int(window or WINDOW_DEFAULT) <= stamp < now_ms + AHEAD_MAX_MS

    def known(self, api_key: str, now_ms: int) -> ApiKey:
        """Find a key that has not ended."""
        key = self.exchange.keys.get(api_key)
        if key is None:
            raise errors.unknown_key()
        ends = account.expires_ms(key)
        if ends is not None and now_ms >= ends:
            raise errors.expired_key()
        return key

    def permit(self, key: ApiKey, route: Route, call: Call) -> None:
        """Refuse what the key may not do. Trading rights differ by product."""
        needs = route.needs
        if needs == ORDERS:
            needs = RIGHTS.get(text_of(call.params, "category"), ANY)
        if needs != ANY and needs not in key.permissions:
            raise errors.no_permission()

    def meter(self, path: str, route: Route, call: Call) -> None:
        """Count the call on its rate limit; of a batch, tell how many orders may go through."""
        quota = route.quota
        if quota is None:
            return
        limit, name = quota.linear, path
        if quota.by_category and text_of(call.params, "category") == SPOT_CATEGORY:
            limit, name = quota.spot, path + "/spot"
        count = batch_len(call.params) if route.batch else 1
        call.granted, call.used = self.user_meter.take(
            (call.account, name), limit, call.now_ms, window_ms=quota.window_ms, count=count
        )
        if not call.granted:
            raise errors.too_many_visits()

    def write_down(self, call: Call, at_ms: float, asked: tuple[str, str], outcome: tuple[int, int, float]) -> None:
        """Journal a finished request: method and path; status, code and when it arrived on the monotonic clock."""
        (method, path), (status, code, arrived_s) = asked, outcome
        latency_ms = (time.monotonic() - arrived_s) * 1000.0
        named = "" if call.key is None else call.key.account
        link = call.params.get("orderLinkId")
        told = Requested(
            named, call.ip, method, path, call.params, status, code, latency_ms, link if isinstance(link, str) else ""
        )
        self.exchange.journal.request(at_ms, told)


def envelope(code: int, says: bytes, result: bytes, call: Call) -> bytes:
    """Wrap a result as every answer is; `says` is JSON text without its quotes."""
    return b'{"retCode":%d,"retMsg":"%b","result":%b,"retExtInfo":%b,"time":%d}' % (
        code,
        says,
        result,
        call.ext,
        call.now_ms,
    )


def limit_lines(used: Used | None) -> bytes:
    """Return the header lines that tell how much of the rate limit is left."""
    return b"" if used is None else _LIMIT_LINES % (used.limit, used.left, used.reset_ms)


def failure_body(status: int, now_ms: int) -> dict[str, Any]:
    """Return what Bybit answers for trouble of its own."""
    code = {404: 10017, 429: 429}.get(status, 10016)
    says = {10017: "Route not found.", 429: "System level frequency protection"}.get(code, "Server error.")
    return {"retCode": code, "retMsg": says, "result": {}, "retExtInfo": {}, "time": now_ms}
