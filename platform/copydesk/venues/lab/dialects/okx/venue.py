"""The lab as OKX: authorization, limits, dispatch and the answer's envelope."""

from __future__ import annotations

import secrets
import time
import uuid
from collections.abc import Mapping, Sequence
from typing import Any

import orjson

from copydesk.venues.lab.dialects.okx import (
    account,
    algo_lists,
    algos,
    errors,
    funding,
    ledger,
    market,
    order_lists,
    positions,
    precheck,
    public,
    trade,
)
from copydesk.venues.lab.dialects.okx.access import authorize, header
from copydesk.venues.lab.dialects.okx.desk import Desk
from copydesk.venues.lab.dialects.okx.hub import IDLE_S, Hub
from copydesk.venues.lab.dialects.okx.lane import OkxLane
from copydesk.venues.lab.dialects.okx.params import Call, read_body, read_query
from copydesk.venues.lab.dialects.okx.routes import PREFIX, Route, Routes
from copydesk.venues.lab.dialects.okx.trade import Outcome, envelope
from copydesk.venues.lab.exchange import Exchange
from copydesk.venues.lab.journal import Requested
from copydesk.venues.lab.keys import KeyTexts
from copydesk.venues.lab.light_lane import LightLane
from copydesk.venues.lab.server import JSON, Answer, Request
from copydesk.venues.lab.streams import SessionMaker

_TABLES: tuple[Routes, ...] = (
    market.ROUTES,
    public.ROUTES,
    account.ROUTES,
    positions.ROUTES,
    funding.ROUTES,
    ledger.ROUTES,
    trade.ROUTES,
    precheck.ROUTES,
    order_lists.ROUTES,
    algos.ROUTES,
    algo_lists.ROUTES,
)
ROUTES: dict[tuple[str, str], Route] = {
    (method, PREFIX + path): route for table in _TABLES for (method, path), route in table.items()
}
# What the exchange says when it fails itself, by HTTP status; that of a time-out leaves open what happened.
_TIMEOUT = (
    "50004",
    "API endpoint request timeout (does not mean that the request was successful or failed, please check the request "
    "result).",
)
_FAILURES = {
    408: _TIMEOUT,
    504: _TIMEOUT,
    429: ("50011", "Too Many Requests"),
    503: ("50001", "Service temporarily unavailable. Please try again later"),
}
_FAILURE = ("50026", "System error. Try again later.")


class Okx:
    """Answer OKX v5 calls and serve its streams on one exchange of the world."""

    venue = "okx"
    pair_kinds: frozenset[str] = frozenset()
    prefixes: tuple[str, ...] = ("/api/v5/",)

    def __init__(self, exchange: Exchange, *, idle_s: float = IDLE_S) -> None:
        """Open on an exchange; WebSocket connections are closed after `idle_s` seconds without data."""
        self.exchange = exchange
        self.desk = Desk(exchange)
        self.hub = Hub(self.desk, idle_s)

    def handles(self, request: Request) -> bool:
        return request.path.startswith(self.prefixes)

    def account_of(self, request: Request) -> str:
        """Name the account of the key in the request, "" if there is none; nothing is verified yet."""
        key = self.exchange.keys.get(header(request, b"ok-access-key"))
        return key.account if key is not None else ""

    def answer(self, request: Request, ip: str, hold_ms: float = 0.0) -> Answer:
        """Carry out one REST request and write it down."""
        exchange, at_ms = self.exchange, self.exchange.now_ms()
        call = Call({}, ip, int(at_ms), int(at_ms * 1000.0))
        status, code = 200, "0"
        try:
            found = self._carry_out(request, call, at_ms)
            if type(found) is Outcome:
                body = envelope(found, call.at_us, int(exchange.now_ms() * 1000.0))
                code = found.first_code
            else:
                body = b'{"code":"0","data":%b,"msg":""}' % orjson.dumps(found)
        except errors.ApiError as error:
            status, code, body = error.status, error.code, orjson.dumps(error.body())
        latency_ms = (time.monotonic() - request.arrived_s) * 1000.0
        write_down(exchange, call, at_ms, (request.method, request.path), (status, code, latency_ms))
        return Answer(status, body, b"", JSON, hold_ms)

    def _carry_out(self, request: Request, call: Call, at_ms: float) -> Any:
        route = ROUTES.get((request.method, request.path))
        if route is None:
            known = any((method, request.path) in ROUTES for method in ("GET", "POST"))
            raise errors.wrong_method() if known else errors.not_found()
        if route.needs:
            call.key = authorize(self.exchange, request, call.ip, needs=route.needs, at_ms=at_ms)
        _read(request, route, call)
        if route.most:
            self._charge(route, request.path, call)
        return route.handler(self.desk, call)

    def _charge(self, route: Route, path: str, call: Call) -> None:
        who = call.ip if call.key is None else call.key.account
        scope = path, who, str(call.params.get(route.per, "")) if route.per else ""
        if not self.desk.meters.take(scope, route.most, route.every_ms, call.now_ms):
            raise errors.too_often()

    def lanes(self) -> Sequence[LightLane]:
        """Return the express lanes of single orders, alone and as batches of one."""
        return OkxLane(self.desk, "order", batch=False), OkxLane(self.desk, "batch-orders", batch=True)

    def failure(self, status: int) -> bytes:
        """Return the body with which the exchange reports an internal trouble under that HTTP status."""
        code, msg = _FAILURES.get(status, _FAILURE)
        return orjson.dumps({"code": code, "data": [], "msg": msg})

    def sessions(self) -> Mapping[str, SessionMaker]:
        """Map the three WebSocket paths to their sessions."""
        return self.hub.sessions()

    def tick(self) -> None:
        """Send what a moved market has to tell."""
        self.hub.tick()

    def disconnect(self, account: str) -> int:
        """Cut the private streams of an account; return how many there were."""
        return self.hub.disconnect(account)

    def key_texts(self) -> KeyTexts:
        """Make a key like the exchange's: a UUID, 32 hexadecimal capitals and a passphrase, which the owner chooses."""
        return KeyTexts(str(uuid.uuid4()), secrets.token_hex(16).upper(), f"Lab-{secrets.token_hex(6)}")


def _read(request: Request, route: Route, call: Call) -> None:
    """Read the parameters: of the query, or of a JSON body, which is a list on batch endpoints."""
    if request.method == "GET":
        call.params = read_query(request.query)
        return
    found = read_body(request.body)
    if route.batch:
        call.items = found
    elif isinstance(found, dict):
        call.params = found
    else:
        raise errors.bad_json()


def write_down(
    exchange: Exchange, call: Call, at_ms: float, asked: tuple[str, str], outcome: tuple[int, str, float]
) -> None:
    """Journal a finished request: method and path; status, code and latency in ms. Secrets are only in headers."""
    (method, path), (status, code, latency_ms) = asked, outcome
    who = "" if call.key is None else call.key.account
    if call.items is None:
        params: dict[str, Any] = call.params
        client_id = params.get("clOrdId") or params.get("algoClOrdId") or ""
    else:
        params = {"orders": call.items}
        client_id = ",".join([str(i.get("clOrdId") or "") for i in call.items if isinstance(i, dict)])
    exchange.journal.request(
        at_ms, Requested(who, call.ip, method, path, params, status, code, latency_ms, str(client_id))
    )
