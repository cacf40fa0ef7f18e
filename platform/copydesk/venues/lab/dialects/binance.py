"""The lab as Binance Spot over REST: authorization, limits, dispatch and the answer's envelope.

Source: developers.binance.com, binance-spot-api-docs `rest-api.md`, "Request security" and "Limits".
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from functools import lru_cache

import orjson

from copydesk.venues.lab.dialects import binance_account, binance_market, binance_orders
from copydesk.venues.lab.dialects import binance_errors as errors
from copydesk.venues.lab.dialects.binance_params import Call, read_pairs, refuse_surplus
from copydesk.venues.lab.dialects.binance_routes import Route, Routes
from copydesk.venues.lab.exchange import Lab
from copydesk.venues.lab.journal import Requested
from copydesk.venues.lab.keys import ApiKey
from copydesk.venues.lab.limits import Address
from copydesk.venues.lab.server import JSON, Answer, Request

ROUTES: Routes = {**binance_market.ROUTES, **binance_orders.ROUTES, **binance_account.ROUTES}
RECV_WINDOW_DEFAULT_MS = 5000.0
RECV_WINDOW_MAX_MS = 60_000.0
AHEAD_MAX_MS = 1000.0
KEY_LEN = 64
# Timestamps beyond this are in microseconds.
MICROSECONDS_FROM = 10**14
_SECRET = ("signature", "apiKey", "timestamp", "recvWindow")


class BinanceSpot:
    """Answer Binance Spot calls on one lab; REST and the WebSocket API share everything but the envelope."""

    def __init__(self, lab: Lab) -> None:
        self.lab = lab

    def account_of(self, request: Request) -> str:
        """Name the account of the key in the request, "" if there is none; nothing is verified yet."""
        key = self.lab.keys.get(request.headers.get(b"x-mbx-apikey", b"").decode("latin-1"))
        return key.account if key is not None else ""

    def answer(self, request: Request, ip: str, hold_ms: float = 0.0) -> Answer:
        """Carry out one REST request and write it down."""
        lab, at_ms = self.lab, self.lab.now_ms()
        call = Call({}, ip, int(at_ms))
        route = ROUTES.get((request.method, request.path))
        meter = lab.weights.address(ip, call.now_ms)
        used_before, code = meter.used, 0
        try:
            self.refuse_waiting(meter, call.now_ms)
            if route is None:
                raise errors.ApiError(0, "Not found", status=404)
            self._authorize(route, request, call, at_ms)
            if route.weight:
                self.charge(route, call, meter)
            body, status, headers = route.handler(lab, call), 200, b""
        except errors.ApiError as error:
            self.charge_failure(route, meter, used_before)
            body, status, headers, code = orjson.dumps(error.body()), error.status, error.headers, error.code
        outcome = status, code, (time.monotonic() - request.arrived_s) * 1000.0
        write_down(lab, call, at_ms, (request.method, request.path), outcome)
        return Answer(status, body, headers + self._usage(route, call, meter), JSON, hold_ms)

    def refuse_waiting(self, meter: Address, now_ms: int) -> None:
        """Refuse an address that has used up its weight or is banned."""
        weights = self.lab.weights
        if meter.used <= weights.weight_max and not meter.banned_until_ms:
            return
        refusal = weights.refusal(meter, now_ms)
        if refusal is None:
            return
        if refusal.banned:
            raise errors.banned(refusal.until_ms, refusal.retry_after_s)
        raise errors.too_much_weight(weights.weight_max, refusal.retry_after_s)

    def charge(self, route: Route, call: Call, meter: Address) -> None:
        """Count the call's weight; the call that goes over the limit is already refused."""
        meter.used += route.cost(call.params)
        self.refuse_waiting(meter, call.now_ms)

    def charge_failure(self, route: Route | None, meter: Address, used_before: int) -> None:
        """Let a failed call that has cost nothing so far cost 1."""
        if meter.used <= used_before and (route is None or route.weight == 0 or route.needs):
            meter.used += 1

    def _authorize(self, route: Route, request: Request, call: Call, at_ms: float) -> None:
        query, body = request.query, request.body.decode("latin-1")
        call.params = read_pairs(query, body)
        refuse_surplus(call.params, route.known)
        if route.needs:
            api_key = request.headers.get(b"x-mbx-apikey", b"").decode("latin-1")
            payload = unsigned(query) + unsigned(body) if query else unsigned(body)
            call.key = self.authorize(api_key, payload.encode("latin-1"), call, needs=route.needs, at_ms=at_ms)

    def authorize(self, api_key: str, payload: bytes, call: Call, *, needs: str, at_ms: float) -> ApiKey:
        """Check key, signature, time and rights, in the exchange's order."""
        params, key = call.params, self.lab.keys.get(api_key)
        if key is None and (len(api_key) != KEY_LEN or not api_key.isalnum()):
            raise errors.bad_key_format()
        signature = params.get("signature")
        if not signature:
            raise errors.missing("signature")
        stamp, window = stamp_of(params), window_of(params.get("recvWindow"))
        if key is None:
            raise errors.unauthorized()
        if not key.signs(payload, signature):
            raise errors.bad_signature()
        if stamp >= at_ms + AHEAD_MAX_MS:
            raise errors.too_early()
        if at_ms - stamp > window:
            raise errors.too_late()
        if not key.allows(needs, call.ip):
            raise errors.unauthorized()
        return key

    def _usage(self, route: Route | None, call: Call, meter: Address) -> bytes:
        used = meter.used
        if route is None or not route.places_orders or call.key is None:
            return b"x-mbx-used-weight: %d\r\nx-mbx-used-weight-1m: %d\r\n" % (used, used)
        placed = self.lab.placed.of(call.key.account, call.now_ms)
        return (
            b"x-mbx-used-weight: %d\r\nx-mbx-used-weight-1m: %d\r\n"
            b"x-mbx-order-count-10s: %d\r\nx-mbx-order-count-1d: %d\r\n"
        ) % (used, used, placed.count, placed.count_day)


def write_down(lab: Lab, call: Call, at_ms: float, asked: tuple[str, str], outcome: tuple[int, int, float]) -> None:
    """Journal a finished request: method and path; status, code and latency in ms. Takes the secrets off the call."""
    params = call.params
    for name in _SECRET:
        params.pop(name, None)
    (method, path), (status, code, latency_ms) = asked, outcome
    account = "" if call.key is None else call.key.account
    lab.journal.request(at_ms, Requested(account, call.ip, method, path, params, status, code, latency_ms))


def stamp_of(params: Mapping[str, str]) -> float:
    """Read `timestamp` (milli- or microseconds) in ms."""
    text = params.get("timestamp")
    if not text:
        raise errors.missing("timestamp")
    if not text.isdecimal() or len(text) > 20:
        raise errors.illegal("timestamp", r"^[0-9]{1,20}$")
    stamp = float(text)
    return stamp if stamp < MICROSECONDS_FROM else stamp / 1000.0


@lru_cache(maxsize=256)
def window_of(text: str | None) -> float:
    """Read `recvWindow` in ms."""
    if text is None:
        return RECV_WINDOW_DEFAULT_MS
    whole, _, places = text.partition(".")
    if not whole.isdecimal() or len(whole) > 10 or len(places) > 3 or (places and not places.isdecimal()):
        raise errors.illegal("recvWindow", r"^[0-9]{1,10}(\.[0-9]{1,3})?$")
    window = float(text)
    if window > RECV_WINDOW_MAX_MS:
        raise errors.ApiError(-1131, "recvWindow must be less than 60000")
    return window


def unsigned(text: str) -> str:
    """Return the text without its signature parameter, which is what was signed."""
    at = text.rfind("signature=")
    if at < 0 or (at > 0 and text[at - 1] != "&"):
        return text
    end = text.find("&", at)
    if end < 0:
        return text[: max(0, at - 1)]
    return text[:at] + text[end + 1 :]
