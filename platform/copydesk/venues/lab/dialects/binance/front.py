"""One API of Binance over REST and WebSocket: authorization, limits, dispatch and the answer's envelope.

Spot, wallet and USDⓈ-M futures share this; each has its own routes, weights and texts.
Source: developers.binance.com, binance-spot-api-docs `rest-api.md`, "Request security" and "Limits".
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from functools import lru_cache

import orjson

from copydesk.venues.lab.dialects.binance import errors
from copydesk.venues.lab.dialects.binance.errors import ApiError
from copydesk.venues.lab.dialects.binance.meters import OrderCounter
from copydesk.venues.lab.dialects.binance.params import Call, read_pairs, refuse_surplus
from copydesk.venues.lab.dialects.binance.routes import Route, Routes
from copydesk.venues.lab.exchange import Exchange
from copydesk.venues.lab.journal import Requested
from copydesk.venues.lab.keys import ApiKey
from copydesk.venues.lab.limits import Address, Refusal, WeightMeter
from copydesk.venues.lab.server import JSON, Answer, Request

RECV_WINDOW_DEFAULT_MS = 5000.0
RECV_WINDOW_MAX_MS = 60_000.0
AHEAD_MAX_MS = 1000.0
KEY_LEN = 64
# Timestamps beyond this are in microseconds.
MICROSECONDS_FROM = 10**14
_SECRET = ("signature", "apiKey", "timestamp", "recvWindow")
_OTHER_IDS = ("origClientOrderId", "clientAlgoId", "cancelOrigClientOrderId", "listClientOrderId")


class Front:
    """Answer the calls of one API. `refuses_surplus` says whether unknown parameters are an error there.

    `failure_weight` is what a failed call costs that would have been free.
    """

    refuses_surplus = True
    failure_weight = 1

    def __init__(self, exchange: Exchange, routes: Routes, weights: WeightMeter, placed: OrderCounter) -> None:
        self.exchange = exchange
        self.routes = routes
        self.weights = weights
        self.placed = placed

    def answer(self, request: Request, ip: str, hold_ms: float = 0.0) -> Answer:
        """Carry out one REST request and write it down."""
        exchange, at_ms = self.exchange, self.exchange.now_ms()
        call = Call({}, ip, int(at_ms), self.placed)
        route = self.routes.get((request.method, request.path))
        meter = self.meter(call, request)
        used_before, code = meter.used, 0
        try:
            self.refuse_waiting(meter, call)
            if route is None:
                raise ApiError(0, "Not found", status=404)
            self._authorize(route, request, call, at_ms)
            if route.weight:
                self.charge(route, call, meter)
            body, status, headers = route.handler(exchange, call), 200, b""
        except ApiError as error:
            self.charge_failure(route, meter, used_before)
            body, status, headers, code = orjson.dumps(error.body()), error.status, error.headers, error.code
        outcome = status, code, (time.monotonic() - request.arrived_s) * 1000.0
        write_down(exchange, call, at_ms, (request.method, request.path), outcome)
        return Answer(status, body, headers + self.usage(route, call, meter), JSON, hold_ms)

    def meter(self, call: Call, request: Request) -> Address:  # noqa: ARG002 - the wallet counts per path
        """Return the meter that counts this call's weight."""
        return self.weights.address(call.ip, call.now_ms)

    def refuse_waiting(self, meter: Address, call: Call) -> None:
        """Refuse an address that has used up its weight or is banned."""
        if meter.used <= self.weights.weight_max and not meter.banned_until_ms:
            return
        refusal = self.weights.refusal(meter, call.now_ms)
        if refusal is not None:
            raise self.waits(refusal, call.ip)

    def waits(self, refusal: Refusal, ip: str) -> ApiError:  # noqa: ARG002 - futures name the address
        """Return the error that tells an address to wait."""
        if refusal.banned:
            return errors.banned(refusal.until_ms, refusal.retry_after_s)
        return errors.too_much_weight(self.weights.weight_max, refusal.retry_after_s)

    def unauthorized(self, ip: str) -> ApiError:  # noqa: ARG002 - futures name the address
        """Return the one error for an unknown key, a wrong address and a missing right."""
        return errors.unauthorized()

    def charge(self, route: Route, call: Call, meter: Address) -> None:
        """Count the call's weight; the call that goes over the limit is already refused."""
        meter.used += route.cost(call.params)
        self.refuse_waiting(meter, call)

    def charge_failure(self, route: Route | None, meter: Address, used_before: int) -> None:
        """Let a failed call that has cost nothing so far cost what failures cost."""
        if meter.used <= used_before and (route is None or route.weight == 0 or route.needs):
            meter.used += self.failure_weight

    def usage(self, route: Route | None, call: Call, meter: Address) -> bytes:
        """Return the header lines that tell what is used up."""
        if route is None or not route.places_orders or call.key is None:
            return usage_lines(meter.used, b"")
        return usage_lines(meter.used, self.placed.lines(call.key.account, call.now_ms))

    def _authorize(self, route: Route, request: Request, call: Call, at_ms: float) -> None:
        query, body = request.query, request.body.decode("latin-1")
        call.params = read_pairs(query, body)
        if self.refuses_surplus:
            refuse_surplus(call.params, route.known)
        if not route.needs:
            return
        api_key = request.headers.get(b"x-mbx-apikey", b"").decode("latin-1")
        if not route.signed:
            call.key = self.known(api_key, call, route.needs)
            return
        payload = unsigned(query) + unsigned(body) if query else unsigned(body)
        call.key = self.authorize(api_key, payload.encode("latin-1"), call, needs=route.needs, at_ms=at_ms)

    def known(self, api_key: str, call: Call, needs: str) -> ApiKey:
        """Check the key of a call that carries no signature."""
        key = self.exchange.keys.get(api_key)
        if key is None and (len(api_key) != KEY_LEN or not api_key.isalnum()):
            raise errors.bad_key_format()
        if key is None or key.expired(call.now_ms) or not key.allows(needs, call.ip):
            raise self.unauthorized(call.ip)
        return key

    def authorize(self, api_key: str, payload: bytes, call: Call, *, needs: str, at_ms: float) -> ApiKey:
        """Check key, signature, time and rights, in the exchange's order."""
        params, key = call.params, self.exchange.keys.get(api_key)
        if key is None and (len(api_key) != KEY_LEN or not api_key.isalnum()):
            raise errors.bad_key_format()
        signature = params.get("signature")
        if not signature:
            raise errors.missing("signature")
        stamp, window = stamp_of(params), window_of(params.get("recvWindow"))
        if key is None or key.expired(at_ms):
            raise self.unauthorized(call.ip)
        if not key.signs_hex(payload, signature):
            raise errors.bad_signature()
        if not stamp_fits(stamp, at_ms, window):
            raise errors.too_late() if stamp < at_ms else errors.too_early()
        if not key.allows(needs, call.ip):
            raise self.unauthorized(call.ip)
        return key


@lru_cache(maxsize=4096)
def usage_lines(used: int, counts: bytes) -> bytes:
    """Write the header lines that tell the weight used, before those of orders."""
    return b"x-mbx-used-weight: %d\r\nx-mbx-used-weight-1m: %d\r\n%b" % (used, used, counts)


def write_down(
    exchange: Exchange, call: Call, at_ms: float, asked: tuple[str, str], outcome: tuple[int, int, float]
) -> None:
    """Journal a finished request: method and path; status, code and latency in ms. Takes the secrets off the call."""
    params = call.params
    for name in _SECRET:
        params.pop(name, None)
    (method, path), (status, code, latency_ms) = asked, outcome
    account = "" if call.key is None else call.key.account
    client_id = params.get("newClientOrderId")
    if client_id is None:
        client_id = next((params[name] for name in _OTHER_IDS if name in params), "")
    told = Requested(account, call.ip, method, path, params, status, code, latency_ms, client_id)
    exchange.journal.request(at_ms, told)


def stamp_of(params: Mapping[str, str]) -> float:
    """Read `timestamp` (milli- or microseconds) in ms."""
    text = params.get("timestamp")
    if not text:
        raise errors.missing("timestamp")
    if not text.isdecimal() or len(text) > 20:
        raise errors.illegal("timestamp", r"^[0-9]{1,20}$")
    stamp = float(text)
    return stamp if stamp < MICROSECONDS_FROM else stamp / 1000.0


def stamp_fits(stamp: float, at_ms: float, window_ms: float) -> bool:
    """Tell whether a request's time is neither too old nor too far ahead."""
    return at_ms - window_ms <= stamp < at_ms + AHEAD_MAX_MS


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
        raise ApiError(-1131, "recvWindow must be less than 60000")
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
