"""The lab as Binance Spot over REST: authorization, limits, dispatch and the answer's envelope.

Source: developers.binance.com, binance-spot-api-docs `rest-api.md`, "Request security" and "Limits".
"""

from __future__ import annotations

import time
from collections.abc import Mapping

import orjson

from copydesk.venues.lab.dialects import binance_account, binance_market, binance_orders
from copydesk.venues.lab.dialects import binance_errors as errors
from copydesk.venues.lab.dialects.binance_params import Call, parse_pairs, refuse_surplus
from copydesk.venues.lab.dialects.binance_routes import Route, Routes
from copydesk.venues.lab.exchange import Lab
from copydesk.venues.lab.keys import ApiKey
from copydesk.venues.lab.server import Answer, Request

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

    def answer(self, request: Request, ip: str) -> Answer:
        """Carry out one REST request and write it down."""
        lab = self.lab
        at_ms = lab.now_ms()
        call = Call({}, ip, int(at_ms))
        route = ROUTES.get((request.method, request.path))
        used_before = lab.weights.used(ip, at_ms)
        code = 0
        try:
            self.refuse_waiting(ip, at_ms)
            if route is None:
                raise errors.ApiError(0, "Not found", status=404)
            call = self._authorized(route, request, call, at_ms)
            self.charge(route, call, at_ms)
            body, status, headers = route.handler(lab, call), 200, b""
        except errors.ApiError as error:
            self.charge_failure(route, ip, at_ms, used_before)
            body, status, headers, code = orjson.dumps(error.body()), error.status, error.headers, error.code
        self.write_down(request.method, request.path, call, at_ms, status=status, code=code, since_s=request.arrived_s)
        return Answer(status, body, headers + self._usage(route, call, at_ms))

    def refuse_waiting(self, ip: str, at_ms: float) -> None:
        """Refuse an address that has used up its weight or is banned."""
        refusal = self.lab.weights.refusal(ip, at_ms)
        if refusal is None:
            return
        if refusal.banned:
            raise errors.banned(refusal.until_ms, refusal.retry_after_s)
        raise errors.too_much_weight(self.lab.weights.weight_max, refusal.retry_after_s)

    def charge(self, route: Route, call: Call, at_ms: float) -> None:
        """Count the call's weight; the call that goes over the limit is already refused."""
        weight = route.cost(call.params)
        if weight and self.lab.weights.charge(call.ip, weight, at_ms) > self.lab.weights.weight_max:
            self.refuse_waiting(call.ip, at_ms)

    def charge_failure(self, route: Route | None, ip: str, at_ms: float, used_before: int) -> None:
        """Let a failed call that has cost nothing so far cost 1."""
        if self.lab.weights.used(ip, at_ms) <= used_before and (route is None or route.weight == 0 or route.needs):
            self.lab.weights.charge(ip, 1, at_ms)

    def _authorized(self, route: Route, request: Request, call: Call, at_ms: float) -> Call:
        params: dict[str, str] = {}
        query, body = request.query, request.body.decode("latin-1")
        if query:
            parse_pairs(query, params)
        if body:
            parse_pairs(body, params)
        call.params = params
        refuse_surplus(params, route.known)
        if route.needs:
            api_key = request.headers.get(b"x-mbx-apikey", b"").decode("latin-1")
            payload = ((_unsigned(query) if query else "") + (_unsigned(body) if body else "")).encode("latin-1")
            call.key = self.authorize(api_key, payload, params, needs=route.needs, ip=call.ip, at_ms=at_ms)
        return call

    def authorize(
        self, api_key: str, payload: bytes, params: Mapping[str, str], *, needs: str, ip: str, at_ms: float
    ) -> ApiKey:
        """Check key, signature, time and rights, in the exchange's order."""
        if len(api_key) != KEY_LEN or not api_key.isalnum():
            raise errors.bad_key_format()
        signature = params.get("signature")
        if not signature:
            raise errors.missing("signature")
        stamp, window = _times(params)
        key = self.lab.keys.get(api_key)
        if key is None:
            raise errors.unauthorized()
        if not key.signs(payload, signature):
            raise errors.bad_signature()
        if stamp >= at_ms + AHEAD_MAX_MS:
            raise errors.too_early()
        if at_ms - stamp > window:
            raise errors.too_late()
        if not key.allows(needs, ip):
            raise errors.unauthorized()
        return key

    def write_down(
        self, method: str, path: str, call: Call, at_ms: float, *, status: int, code: int, since_s: float
    ) -> None:
        """Journal the request, without what is secret."""
        params = {name: value for name, value in call.params.items() if name not in _SECRET}
        self.lab.journal.write(
            "request",
            at_ms,
            {
                "account": call.key.account if call.key is not None else "",
                "ip": call.ip,
                "method": method,
                "path": path,
                "params": params,
                "status": status,
                "code": code,
                "client_order_id": params.get("newClientOrderId") or params.get("origClientOrderId") or "",
                "latency_ms": round((time.monotonic() - since_s) * 1000.0, 3),
            },
        )

    def _usage(self, route: Route | None, call: Call, at_ms: float) -> bytes:
        used = self.lab.weights.used(call.ip, at_ms)
        lines = b"x-mbx-used-weight: %d\r\nx-mbx-used-weight-1m: %d\r\n" % (used, used)
        if route is not None and route.places_orders and call.key is not None:
            counts = self.lab.placed.counts(call.key.account, at_ms)
            lines += b"x-mbx-order-count-10s: %d\r\nx-mbx-order-count-1d: %d\r\n" % counts
        return lines


def _times(params: Mapping[str, str]) -> tuple[float, float]:
    """Read `timestamp` (milli- or microseconds) and `recvWindow`, both in ms."""
    text = params.get("timestamp")
    if not text:
        raise errors.missing("timestamp")
    if not text.isdecimal() or len(text) > 20:
        raise errors.illegal("timestamp", r"^[0-9]{1,20}$")
    stamp = float(text)
    if stamp >= MICROSECONDS_FROM:
        stamp /= 1000.0
    window_text = params.get("recvWindow")
    if window_text is None:
        return stamp, RECV_WINDOW_DEFAULT_MS
    whole, _, places = window_text.partition(".")
    if not whole.isdecimal() or len(whole) > 10 or len(places) > 3 or (places and not places.isdecimal()):
        raise errors.illegal("recvWindow", r"^[0-9]{1,10}(\.[0-9]{1,3})?$")
    window = float(window_text)
    if window > RECV_WINDOW_MAX_MS:
        raise errors.ApiError(-1131, "recvWindow must be less than 60000")
    return stamp, window


def _unsigned(text: str) -> str:
    """Return the text without its signature parameter, which is what was signed."""
    at = text.rfind("signature=")
    if at < 0 or (at > 0 and text[at - 1] != "&"):
        return text
    end = text.find("&", at)
    if end < 0:
        return text[: max(0, at - 1)]
    return text[:at] + text[end + 1 :]
