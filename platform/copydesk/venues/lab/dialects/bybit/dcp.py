"""Disconnection protect: cancel an account's orders when all its watching private streams have gone.

Source: v5 documentation, "Set Disconnect Cancel All", "Get DCP Info", stream "Dcp". Production enables it per
account on request; here every account may set it.
"""

from __future__ import annotations

import orjson

from copydesk.venues.lab.dialects.bybit import errors
from copydesk.venues.lab.dialects.bybit.limits import per_second
from copydesk.venues.lab.dialects.bybit.params import Call, Memory, integer_of, text_of
from copydesk.venues.lab.dialects.bybit.routes import ANY, Route, Routes
from copydesk.venues.lab.exchange import Exchange
from copydesk.venues.lab.keys import PERP as PERP_RIGHT
from copydesk.venues.lab.model import PERP, SPOT

DEFAULT_SECONDS = 10
SECONDS = range(3, 301)
PRODUCTS = {"SPOT": SPOT, "DERIVATIVES": PERP}
TOPICS = {"dcp.spot": SPOT, "dcp.future": PERP}


class DcpWatch:
    """Count the private streams that watch over each account, and strike once none has been left for long enough."""

    def __init__(self, exchange: Exchange, memory: Memory) -> None:
        self._exchange = exchange
        self._memory = memory
        self._watching: dict[tuple[str, str], int] = {}
        self._due_ms: dict[tuple[str, str], float] = {}

    def join(self, account: str, market: str) -> None:
        """Count a stream in; a countdown that runs is stopped."""
        key = account, market
        self._watching[key] = self._watching.get(key, 0) + 1
        self._due_ms.pop(key, None)

    def leave(self, account: str, market: str) -> None:
        """Count a stream out; the last one starts the countdown, if one was set."""
        key = account, market
        self._watching[key] -= 1
        seconds = self._memory.dcp_seconds.get(key)
        if not self._watching[key] and seconds is not None:
            self._due_ms[key] = self._exchange.now_ms() + seconds * 1000

    def tick(self) -> None:
        """Cancel the orders of accounts whose time is up."""
        if not self._due_ms:
            return
        now_ms = int(self._exchange.now_ms())
        for key in [key for key, due_ms in self._due_ms.items() if due_ms <= now_ms]:
            del self._due_ms[key]
            account, market = key
            for result in self._exchange.engine(market).cancel_all(account, None, now_ms):
                self._exchange.publish(result.events, now_ms)


def _set(_exchange: Exchange, call: Call) -> bytes:
    product, seconds = text_of(call.params, "product") or "OPTIONS", integer_of(call.params, "timeWindow")
    if seconds not in SECONDS:
        raise errors.bad_params("timeWindow invalid")
    if product not in PRODUCTS:
        raise errors.bad_params("product invalid")
    assert seconds is not None
    call.memory.dcp_seconds[call.account, PRODUCTS[product]] = seconds
    return b"{}"


def _info(_exchange: Exchange, call: Call) -> bytes:
    windows = call.memory.dcp_seconds
    return orjson.dumps(
        {
            "dcpInfos": [
                {"product": product, "dcpStatus": "ON", "timeWindow": str(windows[call.account, market])}
                for product, market in PRODUCTS.items()
                if (call.account, market) in windows
            ]
        }
    )


ROUTES: Routes = {
    ("POST", "/v5/order/disconnected-cancel-all"): Route(_set, PERP_RIGHT, per_second(5), says=b"success"),
    ("GET", "/v5/account/query-dcp-info"): Route(_info, ANY, per_second(5), says=b"success"),
}
