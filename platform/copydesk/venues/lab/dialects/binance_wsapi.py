"""Binance Spot WebSocket API: the REST calls over one connection, and the user data stream.

Source: developers.binance.com, binance-spot-api-docs `web-socket-api.md`, `user-data-stream.md`.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import orjson

from copydesk.venues.lab.dialects import binance_errors as errors
from copydesk.venues.lab.dialects.binance import ROUTES, BinanceSpot, write_down
from copydesk.venues.lab.dialects.binance_market import RATE_LIMITS
from copydesk.venues.lab.dialects.binance_params import Call, refuse_surplus
from copydesk.venues.lab.dialects.binance_routes import Route, route
from copydesk.venues.lab.dialects.binance_shapes import user_event
from copydesk.venues.lab.exchange import AccountEvent, Lab
from copydesk.venues.lab.faults import Fault, Harm
from copydesk.venues.lab.keys import READ
from copydesk.venues.lab.streams import StreamConnection

METHODS = {
    "ping": ("GET", "/api/v3/ping"),
    "time": ("GET", "/api/v3/time"),
    "exchangeInfo": ("GET", "/api/v3/exchangeInfo"),
    "depth": ("GET", "/api/v3/depth"),
    "trades.recent": ("GET", "/api/v3/trades"),
    "trades.aggregate": ("GET", "/api/v3/aggTrades"),
    "klines": ("GET", "/api/v3/klines"),
    "ticker.24hr": ("GET", "/api/v3/ticker/24hr"),
    "ticker.price": ("GET", "/api/v3/ticker/price"),
    "ticker.book": ("GET", "/api/v3/ticker/bookTicker"),
    "order.place": ("POST", "/api/v3/order"),
    "order.test": ("POST", "/api/v3/order/test"),
    "order.status": ("GET", "/api/v3/order"),
    "order.cancel": ("DELETE", "/api/v3/order"),
    "order.cancelReplace": ("POST", "/api/v3/order/cancelReplace"),
    "openOrders.status": ("GET", "/api/v3/openOrders"),
    "openOrders.cancelAll": ("DELETE", "/api/v3/openOrders"),
    "allOrders": ("GET", "/api/v3/allOrders"),
    "myTrades": ("GET", "/api/v3/myTrades"),
    "account.status": ("GET", "/api/v3/account"),
}
SUBSCRIBE = "userDataStream.subscribe.signature"
UNSUBSCRIBE = "userDataStream.unsubscribe"


def _nothing(_lab: Lab, _call: Call) -> bytes:
    return b"{}"


_SESSION_ROUTES = {
    SUBSCRIBE: route(_nothing, weight=2, needs=READ),
    UNSUBSCRIBE: route(_nothing, "subscriptionId", weight=2),
}
CONNECT_WEIGHT = 2


class ApiSession:
    """One connection to the WebSocket API."""

    def __init__(self, spot: BinanceSpot, connection: StreamConnection, everyone: set[ApiSession]) -> None:
        self._spot = spot
        self._lab = spot.lab
        self._connection = connection
        self._everyone = everyone
        self._subscriptions: dict[int, tuple[str, Callable[[AccountEvent], None]]] = {}
        self._next_id = 0
        everyone.add(self)
        self._lab.weights.address(connection.ip, int(self._lab.now_ms())).used += CONNECT_WEIGHT

    def on_text(self, text: str) -> None:
        try:
            message = orjson.loads(text)
            method, raw = message["method"], message.get("params") or {}
            params = {name: _text(value) for name, value in raw.items() if value is not None}
        except (orjson.JSONDecodeError, KeyError, TypeError, AttributeError):
            self._reply(None, 400, b'"error":{"code":-1135,"msg":"Invalid JSON Request"}', {})
            return
        call = Call(params, self._connection.ip, int(self._lab.now_ms()))
        fault = self._fault(method, params)
        if fault is not None and not fault.executes:
            self._harm(fault, message.get("id"), params)
            return
        status, body = self._carry_out(method, call)
        if fault is not None and fault.harm != Harm.DELAY:
            self._harm(fault, message.get("id"), params)
            return
        self._reply(message.get("id"), status, body, params, fault.delay_ms if fault is not None else 0.0)

    def on_close(self) -> None:
        self._everyone.discard(self)
        self._forget(list(self._subscriptions))

    def serves(self, account: str) -> bool:
        return any(owner == account for owner, _ in self._subscriptions.values())

    def disconnect(self) -> None:
        self._connection.close()

    def _carry_out(self, method: str, call: Call) -> tuple[int, bytes]:
        """Run one call and return the status and the answer's main field."""
        spot, at_ms, since_s = self._spot, self._lab.now_ms(), time.monotonic()
        meter = self._lab.weights.address(call.ip, call.now_ms)
        used_before = meter.used
        chosen: Route | None = _SESSION_ROUTES.get(method) or ROUTES.get(METHODS.get(method, ("", "")))
        status, code = 200, 0
        try:
            spot.refuse_waiting(meter, call.now_ms)
            if chosen is None:
                raise errors.ApiError(-1136, f"Unknown method '{method}'.")
            refuse_surplus(call.params, chosen.known_ws)
            if chosen.needs:
                call.key = spot.authorize(
                    call.params.get("apiKey", ""),
                    _signed_text(call.params).encode(),
                    call,
                    needs=chosen.needs,
                    at_ms=at_ms,
                )
            spot.charge(chosen, call, meter)
            result = self._subscription(method, call) or chosen.handler(self._lab, call)
            body = b'"result":' + result
        except errors.ApiError as error:
            spot.charge_failure(chosen, meter, used_before)
            status, code, body = error.status, error.code, b'"error":' + orjson.dumps(error.body())
        outcome = status, code, (time.monotonic() - since_s) * 1000.0
        write_down(self._lab, call, at_ms, ("WS", method), outcome)
        return status, body

    def _subscription(self, method: str, call: Call) -> bytes | None:
        if method == SUBSCRIBE:
            return self._subscribe(call.account)
        if method == UNSUBSCRIBE:
            wanted = call.params.get("subscriptionId")
            self._forget([i for i in self._subscriptions if wanted is None or wanted == str(i)])
            return b"{}"
        return None

    def _subscribe(self, account: str) -> bytes:
        if self.serves(account):
            raise errors.ApiError(-2035, "Subscription already active")
        subscription_id, self._next_id = self._next_id, self._next_id + 1

        def tell(event: AccountEvent) -> None:
            payload = b'{"subscriptionId":%d,"event":%b}' % (subscription_id, orjson.dumps(user_event(event)))
            self._connection.send(payload, self._lab.rtt_ms / 2)

        self._subscriptions[subscription_id] = (account, tell)
        self._lab.streams.listen(account, tell)
        return b'{"subscriptionId":%d}' % subscription_id

    def _forget(self, ids: list[int]) -> None:
        for subscription_id in ids:
            account, tell = self._subscriptions.pop(subscription_id)
            self._lab.streams.leave(account, tell)

    def _fault(self, method: str, params: dict[str, str]) -> Fault | None:
        if not self._lab.faults:
            return None
        key = self._lab.keys.get(params.get("apiKey", ""))
        account = key.account if key is not None else ""
        fault = self._lab.faults.strike("WS", method, account)
        if fault is not None:
            self._lab.fault_struck(fault, "WS", method, account)
        return fault

    def _harm(self, fault: Fault, request_id: Any, params: dict[str, str]) -> None:
        if fault.harm == Harm.STATUS:
            self._reply(request_id, fault.status, b'"error":' + fault.content().encode(), params)
        elif fault.harm == Harm.GARBAGE:
            self._connection.send(fault.content().encode(), self._lab.rtt_ms)
        else:
            self._connection.close()

    def _reply(self, request_id: Any, status: int, body: bytes, params: dict[str, str], delay_ms: float = 0.0) -> None:
        limits = b""
        if params.get("returnRateLimits", "true") != "false":
            used = self._lab.weights.address(self._connection.ip, int(self._lab.now_ms())).used
            limits = b',"rateLimits":' + orjson.dumps([{**RATE_LIMITS[0], "count": used}])
        self._connection.send(
            b'{"id":%b,"status":%d,%b%b}' % (orjson.dumps(request_id), status, body, limits),
            self._lab.rtt_ms + delay_ms,
        )


def _text(value: Any) -> str:
    """Write a JSON parameter as it is signed."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, list | dict):
        return orjson.dumps(value).decode()
    return str(value)


def _signed_text(params: Any) -> str:
    return "&".join(f"{name}={value}" for name, value in sorted(params.items()) if name != "signature")
