"""Binance's WebSocket APIs: the REST calls over one connection, and on spot the user data stream.

Source: developers.binance.com, binance-spot-api-docs `web-socket-api.md`, `user-data-stream.md`;
USDⓈ-M futures, "WebSocket API".
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from typing import Any

import orjson

from copydesk.venues.lab.dialects.binance.errors import ApiError, failure
from copydesk.venues.lab.dialects.binance.front import Front, write_down
from copydesk.venues.lab.dialects.binance.params import Call, refuse_surplus
from copydesk.venues.lab.dialects.binance.routes import Route, route
from copydesk.venues.lab.dialects.binance.shapes import user_event
from copydesk.venues.lab.exchange import Exchange
from copydesk.venues.lab.faults import Fault, Harm
from copydesk.venues.lab.keys import READ, ApiKey
from copydesk.venues.lab.model import AccountEvent
from copydesk.venues.lab.streams import StreamConnection

Methods = Mapping[str, tuple[str, str]]
METHODS: Methods = {
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
    "order.amend.keepPriority": ("PUT", "/api/v3/order/amend/keepPriority"),
    "openOrders.status": ("GET", "/api/v3/openOrders"),
    "openOrders.cancelAll": ("DELETE", "/api/v3/openOrders"),
    "allOrders": ("GET", "/api/v3/allOrders"),
    "myTrades": ("GET", "/api/v3/myTrades"),
    "orderList.place": ("POST", "/api/v3/order/oco"),
    "orderList.place.oco": ("POST", "/api/v3/orderList/oco"),
    "orderList.place.oto": ("POST", "/api/v3/orderList/oto"),
    "orderList.place.otoco": ("POST", "/api/v3/orderList/otoco"),
    "orderList.place.opo": ("POST", "/api/v3/orderList/opo"),
    "orderList.place.opoco": ("POST", "/api/v3/orderList/opoco"),
    "orderList.cancel": ("DELETE", "/api/v3/orderList"),
    "orderList.status": ("GET", "/api/v3/orderList"),
    "openOrderLists.status": ("GET", "/api/v3/openOrderList"),
    "allOrderLists": ("GET", "/api/v3/allOrderList"),
    "account.status": ("GET", "/api/v3/account"),
    "account.commission": ("GET", "/api/v3/account/commission"),
    "account.rateLimits.orders": ("GET", "/api/v3/rateLimit/order"),
}
SUBSCRIBE = "userDataStream.subscribe.signature"
UNSUBSCRIBE = "userDataStream.unsubscribe"
CONNECT_WEIGHT = 2


def _nothing(_exchange: Exchange, _call: Call) -> bytes:
    return b"{}"


_SESSION_ROUTES = {
    SUBSCRIBE: route(_nothing, weight=2, needs=READ),
    UNSUBSCRIBE: route(_nothing, "subscriptionId", weight=2),
}


class ApiSession:
    """One connection to a WebSocket API: `methods` maps its names to the routes of the front."""

    def __init__(self, front: Front, connection: StreamConnection, methods: Methods) -> None:
        self._front = front
        self._exchange = front.exchange
        self._connection = connection
        self._methods = methods
        front.weights.address(connection.ip, int(self._exchange.now_ms())).used += CONNECT_WEIGHT

    def on_text(self, text: str) -> None:
        try:
            message = orjson.loads(text)
            method, raw = message["method"], message.get("params") or {}
            params = {name: _text(value) for name, value in raw.items() if value is not None}
        except (orjson.JSONDecodeError, KeyError, TypeError, AttributeError):
            self._reply(None, 400, b'"error":{"code":-1135,"msg":"Invalid JSON Request"}', None, {})
            return
        wants = {"returnRateLimits": params.get("returnRateLimits", "true")}
        call = Call(params, self._connection.ip, int(self._exchange.now_ms()), self._front.placed)
        request_id = message.get("id")
        fault = self._fault(method, params)
        if fault is not None and not fault.executes:
            self._harm(fault, request_id, wants)
            return
        status, body = self._carry_out(method, call)
        if fault is not None and fault.harm != Harm.DELAY:
            self._harm(fault, request_id, wants)
            return
        self._reply(request_id, status, body, call, wants, fault.delay_ms if fault is not None else 0.0)

    def on_close(self) -> None:
        """Nothing of this connection outlives it."""

    def route_of(self, method: str) -> Route | None:
        """Return what a method name leads to."""
        return self._front.routes.get(self._methods.get(method, ("", "")))

    def handle(self, method: str, chosen: Route, call: Call) -> bytes:  # noqa: ARG002 - subscriptions are named
        """Carry out an authorized call."""
        return chosen.handler(self._exchange, call)

    def _carry_out(self, method: str, call: Call) -> tuple[int, bytes]:
        """Run one call and return the status and the answer's main field."""
        front, at_ms, since_s = self._front, self._exchange.now_ms(), time.monotonic()
        meter = front.weights.address(call.ip, call.now_ms)
        used_before = meter.used
        chosen = self.route_of(method)
        status, code = 200, 0
        try:
            front.refuse_waiting(meter, call)
            if chosen is None:
                raise ApiError(-1136, f"Unknown method '{method}'.")
            if front.refuses_surplus:
                refuse_surplus(call.params, chosen.known_ws)
            if chosen.needs:
                call.key = self._key(chosen, call, at_ms)
            front.charge(chosen, call, meter)
            body = b'"result":' + self.handle(method, chosen, call)
        except ApiError as error:
            front.charge_failure(chosen, meter, used_before)
            status, code, body = error.status, error.code, b'"error":' + orjson.dumps(error.body())
        outcome = status, code, (time.monotonic() - since_s) * 1000.0
        write_down(self._exchange, call, at_ms, ("WS", method), outcome)
        return status, body

    def _key(self, chosen: Route, call: Call, at_ms: float) -> ApiKey:
        api_key = call.params.get("apiKey", "")
        if not chosen.signed:
            return self._front.known(api_key, call, chosen.needs)
        payload = _signed_text(call.params).encode()
        return self._front.authorize(api_key, payload, call, needs=chosen.needs, at_ms=at_ms)

    def _fault(self, method: str, params: dict[str, str]) -> Fault | None:
        faults = self._exchange.world.faults
        if not faults:
            return None
        key = self._exchange.keys.get(params.get("apiKey", ""))
        account = key.account if key is not None else ""
        fault = faults.strike(self._exchange.venue, "WS", method, account)
        if fault is not None:
            self._exchange.fault_struck(fault, "WS", method, account)
        return fault

    def _harm(self, fault: Fault, request_id: Any, wants: dict[str, str]) -> None:
        if fault.harm == Harm.STATUS:
            body = fault.body.encode() or failure(fault.status)
            self._reply(request_id, fault.status, b'"error":' + body, None, wants)
        elif fault.harm == Harm.GARBAGE:
            self._connection.send(fault.content().encode(), self._exchange.rtt_ms)
        else:
            self._connection.close()

    def _reply(
        self,
        request_id: Any,
        status: int,
        body: bytes,
        call: Call | None,
        wants: dict[str, str],
        delay_ms: float = 0.0,
    ) -> None:
        limits = b""
        if wants.get("returnRateLimits") != "false":
            limits = b',"rateLimits":' + orjson.dumps(self._limits(call))
        self._connection.send(
            b'{"id":%b,"status":%d,%b%b}' % (orjson.dumps(request_id), status, body, limits),
            self._exchange.rtt_ms + delay_ms,
        )

    def _limits(self, call: Call | None) -> list[dict[str, object]]:
        weights, now_ms = self._front.weights, int(self._exchange.now_ms())
        rows = [
            {
                "rateLimitType": "REQUEST_WEIGHT",
                "interval": "MINUTE",
                "intervalNum": 1,
                "limit": weights.weight_max,
                "count": weights.address(self._connection.ip, now_ms).used,
            }
        ]
        placed = [] if call is None or call.key is None else self._front.placed.rows(call.key.account, now_ms)
        return [*rows, *placed]


class SpotApiSession(ApiSession):
    """A connection to the spot API, which also carries user data streams."""

    def __init__(self, front: Front, connection: StreamConnection, everyone: set[SpotApiSession]) -> None:
        super().__init__(front, connection, METHODS)
        self._everyone = everyone
        self._subscriptions: dict[int, tuple[str, Callable[[AccountEvent], None]]] = {}
        self._next_id = 0
        everyone.add(self)

    def on_close(self) -> None:
        self._everyone.discard(self)
        self._forget(list(self._subscriptions))

    def serves(self, account: str) -> bool:
        return any(owner == account for owner, _ in self._subscriptions.values())

    def disconnect(self) -> None:
        self._connection.close()

    def announce_shutdown(self, now_ms: int) -> None:
        """Say that this server is about to stop."""
        told = {"event": {"e": "serverShutdown", "E": now_ms}}
        self._connection.send(orjson.dumps(told), self._exchange.rtt_ms / 2)

    def route_of(self, method: str) -> Route | None:
        return _SESSION_ROUTES.get(method) or super().route_of(method)

    def handle(self, method: str, chosen: Route, call: Call) -> bytes:
        if method == SUBSCRIBE:
            return self._subscribe(call.account)
        if method == UNSUBSCRIBE:
            wanted = call.params.get("subscriptionId")
            self._forget([i for i in self._subscriptions if wanted is None or wanted == str(i)])
        return super().handle(method, chosen, call)

    def _subscribe(self, account: str) -> bytes:
        if self.serves(account):
            raise ApiError(-2035, "Subscription already active")
        subscription_id, self._next_id = self._next_id, self._next_id + 1

        def tell(event: AccountEvent) -> None:
            told = user_event(event)
            if told is not None:
                payload = b'{"subscriptionId":%d,"event":%b}' % (subscription_id, orjson.dumps(told))
                self._connection.send(payload, self._exchange.rtt_ms / 2)

        self._subscriptions[subscription_id] = (account, tell)
        self._exchange.streams.listen(account, tell)
        return b'{"subscriptionId":%d}' % subscription_id

    def _forget(self, ids: list[int]) -> None:
        for subscription_id in ids:
            account, tell = self._subscriptions.pop(subscription_id)
            self._exchange.streams.leave(account, tell)


def _text(value: Any) -> str:
    """Write a JSON parameter as it is signed."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, list | dict):
        return orjson.dumps(value).decode()
    return str(value)


def _signed_text(params: Any) -> str:
    return "&".join(f"{name}={value}" for name, value in sorted(params.items()) if name != "signature")
