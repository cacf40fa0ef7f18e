"""Bybit's dialect for `VenueClient`."""

from __future__ import annotations

from typing import Any

from orjson import dumps

from copydesk.trading import Credentials, Instrument, KeyKind, OrderRequest, OrderView
from copydesk.venues.bybit import errors
from copydesk.venues.bybit.orders import accepted, order_params
from copydesk.venues.bybit.signing import signature_of
from copydesk.venues.bybit.traits import BYBIT, REST
from copydesk.venues.client.budget import SILENT, Reported
from copydesk.venues.client.wire import Blocks, Failure, Headers, Params, Rendered, Wire, header_of, query_text
from copydesk.venues.traits import Endpoint, LimitUnit

NAME = "Bybit"

_SPOT, _PERPETUAL = REST.endpoints["submit_spot"], REST.endpoints["submit_perpetual"]
_COUNT_DIGITS_MAX = 9


class BybitWire(Wire):
    """See `client.wire.Wire`. `broker_id` goes with every signed request as its referer."""

    key_kinds = frozenset({KeyKind.HMAC, KeyKind.RSA})

    def __init__(self, broker_id: str) -> None:
        self._referer = f"Referer: {broker_id}\r\n" if broker_id else ""

    @property
    def name(self) -> str:
        return NAME

    def render(
        self, endpoint: Endpoint, params: Params, credentials: Credentials | None, timestamp_ms: int
    ) -> Rendered:
        """Sign with a short receive window for orders, so that a late one is refused rather than executed."""
        if endpoint.method == "GET":
            query, body = query_text(params), b""
        else:
            query, body = "", dumps(params)
        if credentials is None:
            return query, "", body
        window_ms = BYBIT.recv_window_ms if endpoint.orders else 2 * BYBIT.recv_window_ms
        payload = f"{timestamp_ms}{credentials.api_key}{window_ms}{query or body.decode()}"
        headers = (
            f"X-BAPI-API-KEY: {credentials.api_key}\r\nX-BAPI-TIMESTAMP: {timestamp_ms}\r\n"
            f"X-BAPI-RECV-WINDOW: {window_ms}\r\nX-BAPI-SIGN: {signature_of(payload, credentials)}\r\n"
            f"{self._referer}Content-Type: application/json\r\n"
        )
        return query, headers, body

    def classify(self, status: int, headers: Headers, body: bytes, now: float) -> Failure | None:
        return errors.classify(status, body)

    def reported(self, endpoint: Endpoint, headers: Headers) -> Reported:
        """Read how much of the endpoint's limit this second has used, which may be higher than the standard one."""
        limit, left = _count(headers, b"x-bapi-limit"), _count(headers, b"x-bapi-limit-status")
        if limit is None or left is None or not endpoint.groups:
            return SILENT
        return {(LimitUnit.REQUESTS, 1, endpoint.groups[0]): max(limit - left, 0)}

    def refuses_time(self, status: int, body: bytes) -> bool:
        return status == 200 and errors.parse(body)[0] == errors.INVALID_TIME

    def blocks(self, status: int, body: bytes) -> Blocks:
        return errors.blocks(status, body)

    def server_time_s(self, answer: Any) -> float:
        return int(answer["result"]["timeNano"]) / 1e9

    def order_endpoint(self, order: OrderRequest) -> Endpoint:
        """Spot and perpetual orders go the same way and are counted apart; the settle currency tells them apart."""
        return _PERPETUAL if ":" in order.symbol else _SPOT

    def order_params(self, order: OrderRequest, instrument: Instrument) -> dict[str, Any]:
        return order_params(order, instrument)

    def read_order(self, answer: Any, order: OrderRequest, instrument: Instrument) -> OrderView:
        return accepted(answer["result"], order)


def _count(headers: Headers, name: bytes) -> int | None:
    told = header_of(headers, name)
    return int(told) if told and told.isdigit() and len(told) <= _COUNT_DIGITS_MAX else None
