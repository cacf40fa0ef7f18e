"""The door of the control API: the table of all calls, the token, and how an answer is put into words."""

from __future__ import annotations

import hmac
from collections.abc import Mapping
from decimal import Decimal
from typing import Any

import orjson

from copydesk.kernel import Refused
from copydesk.venues.lab.control import accounts, crowds, faults, journal, market
from copydesk.venues.lab.control.body import Body, Call, Lab, body_of
from copydesk.venues.lab.exchange import Exchange
from copydesk.venues.lab.model import SPOT
from copydesk.venues.lab.page import page
from copydesk.venues.lab.server import Answer, Request

PREFIX = "/lab/v1/"


def _health(lab: Lab, _body: Body) -> Any:
    return {"status": "ok", "at_ms": int(lab.world.now_ms())}


def _state(lab: Lab, _body: Body) -> Any:
    world = lab.world
    return {
        "at_ms": int(world.now_ms()),
        "market_ms": int(world.market_ms()),
        "speed": world.market_clock.speed,
        "rtt_ms": world.rtt_ms,
        "journal_seq": world.journal.seq,
        "addresses": lab.places,
        "faults": [faults.fault_view(fault) for fault in world.faults],
        "pins": dict(world.pins),
        "exchanges": {exchange.venue: _exchange_view(exchange) for exchange in world.exchanges.values()},
    }


def _exchange_view(exchange: Exchange) -> dict[str, Any]:
    return {
        "accounts": len(exchange.spot.accounts()),
        "keys": len(exchange.keys),
        "streams": sorted(exchange.streams.listeners),
        "market_streams": sorted(exchange.streams.topics),
        "prices": {symbol: exchange.engine(SPOT).ticker(symbol).last_px for symbol in exchange.spot.instruments},
    }


def _list_calls(_lab: Lab, _body: Body) -> Any:
    return {"calls": [{"call": f"{c.method} {c.path}", "fields": c.fields, "help": c.help} for c in CALLS]}


CALLS: tuple[Call, ...] = (
    Call("GET", "calls", _list_calls, "", "this table"),
    Call("GET", "health", _health, "", "is it there"),
    Call("GET", "state", _state, "", "time, addresses, counts, listening accounts, faults, prices"),
    *accounts.CALLS,
    *crowds.CALLS,
    *market.CALLS,
    *faults.CALLS,
    *journal.CALLS,
)
_TABLE: Mapping[tuple[str, str], Call] = {(call.method, call.path): call for call in CALLS}


def has_token(headers: Mapping[bytes, bytes], token: str) -> bool:
    """Tell whether a request carries the lab's token."""
    return hmac.compare_digest(headers.get(b"x-lab-token", b""), token.encode())


class Control:
    """Answer control calls on one lab, and hand out the page that shows it."""

    def __init__(self, lab: Lab, token: str) -> None:
        self.lab = lab
        self._token = token

    def __call__(self, request: Request) -> Answer:
        """Carry out one control call."""
        if not request.path.startswith(PREFIX):
            return page(request)
        if not has_token(request.headers, self._token):
            return _error(401, "expected the lab's token in header X-Lab-Token, found none or another")
        call = _TABLE.get((request.method, request.path.removeprefix(PREFIX)))
        if call is None:
            return _error(404, f"expected a control call, found {request.method} {request.path}")
        try:
            return Answer(200, orjson.dumps(call.act(self.lab, body_of(request)), _plain))
        except Refused as refused:
            return _error(refused.http_status, str(refused))


def _plain(value: object) -> str:
    if isinstance(value, Decimal):
        return str(value)
    raise TypeError(f"a control answer cannot hold {type(value).__name__}")


def _error(status: int, message: str) -> Answer:
    return Answer(status, orjson.dumps({"error": message}))
