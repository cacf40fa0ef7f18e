"""Binance's dialect for `VenueClient`: one wire per origin, alike but for their errors and orders."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

from copydesk.kernel import VenueRefused
from copydesk.trading import Credentials, Denial, Instrument, KeyKind, OrderRequest, OrderView
from copydesk.venues.binance import perpetual_orders, spot_orders
from copydesk.venues.binance.errors import (
    PERPETUAL_ERRORS,
    SPOT_ERRORS,
    ErrorTable,
    blocks,
    classify,
    refuses_time,
)
from copydesk.venues.binance.signing import signed
from copydesk.venues.binance.traits import BINANCE, PERPETUAL, SPOT
from copydesk.venues.client.budget import Reported
from copydesk.venues.client.wire import Blocks, Failure, Headers, Params, Rendered, Wire, header_of, query_text
from copydesk.venues.traits import Endpoint, Feature, LimitUnit

NAME = "Binance"

_COUNT_DIGITS_MAX = 12
_USAGE: Mapping[bytes, tuple[LimitUnit, int, str]] = {
    b"x-mbx-used-weight-1m": (LimitUnit.WEIGHT, 60, ""),
    b"x-mbx-order-count-10s": (LimitUnit.ORDERS, 10, ""),
    b"x-mbx-order-count-1m": (LimitUnit.ORDERS, 60, ""),
    b"x-mbx-order-count-1d": (LimitUnit.ORDERS, 86_400, ""),
}
_FORM = "Content-Type: application/x-www-form-urlencoded\r\n"
_IN_BODY = frozenset({"POST", "PUT"})
_RECV_WINDOW_MS = BINANCE.recv_window_ms


class BinanceWire(Wire):
    """What both origins share (see `client.wire.Wire`)."""

    errors: ClassVar[ErrorTable]
    key_kinds = frozenset(KeyKind)

    @property
    def name(self) -> str:
        return NAME

    def render(
        self, endpoint: Endpoint, params: Params, credentials: Credentials | None, timestamp_ms: int
    ) -> Rendered:
        """Sign with a short receive window for orders, so that a late one is refused rather than executed."""
        text = params if isinstance(params, str) else query_text(params)
        if credentials is None:
            return text, "", b""
        if endpoint.path.endswith("/listenKey"):  # Knows the key alone, and refuses what it does not know.
            return text, f"X-MBX-APIKEY: {credentials.api_key}\r\n", b""
        window_ms = _RECV_WINDOW_MS if endpoint.orders else 2 * _RECV_WINDOW_MS
        stamped = f"{text}{'&' if text else ''}timestamp={timestamp_ms}&recvWindow={window_ms}"
        complete = signed(stamped, credentials)
        if endpoint.method in _IN_BODY:
            return "", f"X-MBX-APIKEY: {credentials.api_key}\r\n{_FORM}", complete.encode("ascii")
        return complete, f"X-MBX-APIKEY: {credentials.api_key}\r\n", b""

    def classify(self, status: int, headers: Headers, body: bytes, now: float) -> Failure | None:
        if status == 200:
            return None
        return classify(self.errors, status, body, header_of(headers, b"retry-after"), now)

    def reported(self, endpoint: Endpoint, headers: Headers) -> Reported:
        told: dict[tuple[LimitUnit, int, str], int] = {}
        for name, usage in _USAGE.items():
            value = header_of(headers, name)
            if value and value.isdigit() and len(value) <= _COUNT_DIGITS_MAX:
                told[usage] = int(value)
        return told

    def refuses_time(self, status: int, body: bytes) -> bool:
        return refuses_time(status, body)

    def blocks(self, status: int, body: bytes) -> Blocks:
        return blocks(status, body)

    def server_time_s(self, answer: Any) -> float:
        return float(answer["serverTime"] / 1000)


class SpotWire(BinanceWire):
    errors = SPOT_ERRORS

    def order_endpoint(self, order: OrderRequest) -> Endpoint:
        return SPOT.endpoints["submit"]

    def order_params(self, order: OrderRequest, instrument: Instrument) -> str:
        _refuse_exits(order, Feature.SPOT_ATTACHED_EXITS)
        return spot_orders.order_form(order, instrument)

    def read_order(self, answer: Any, order: OrderRequest, instrument: Instrument) -> OrderView:
        return spot_orders.order_view(answer, instrument.symbol)


class PerpetualWire(BinanceWire):
    errors = PERPETUAL_ERRORS

    def order_endpoint(self, order: OrderRequest) -> Endpoint:
        return PERPETUAL.endpoints["submit_conditional" if order.type.conditional else "submit"]

    def order_params(self, order: OrderRequest, instrument: Instrument) -> str:
        _refuse_exits(order, Feature.PERPETUAL_ATTACHED_EXITS)
        return perpetual_orders.order_form(order, instrument)

    def read_order(self, answer: Any, order: OrderRequest, instrument: Instrument) -> OrderView:
        if order.type.conditional:
            return perpetual_orders.conditional_view(answer, instrument.symbol)
        return perpetual_orders.order_view(answer, instrument.symbol)


def _refuse_exits(order: OrderRequest, feature: Feature) -> None:
    if order.stop_loss_px is not None or order.take_profit_px is not None:
        raise VenueRefused(f"{NAME}: {BINANCE.unsupported[feature]}", code=Denial.VENUE_REFUSED.value)
