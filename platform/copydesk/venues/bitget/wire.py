"""Bitget's dialect for `VenueClient`: one for both kinds of account, which differ in how they put orders in words."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Protocol
from urllib.parse import quote

from orjson import dumps

from copydesk.trading import Credentials, Instrument, KeyKind, OrderRequest, OrderView
from copydesk.venues.bitget import errors
from copydesk.venues.bitget.signing import signature_of
from copydesk.venues.bitget.traits import BITGET, EXCHANGE_WINDOW_MS
from copydesk.venues.bitget.words import accepted
from copydesk.venues.client.budget import SILENT, Reported
from copydesk.venues.client.wire import Blocks, Failure, Headers, Params, Rendered, Wire
from copydesk.venues.traits import Endpoint

NAME = "Bitget"


class OrderWords(Protocol):
    """How one kind of account is asked for an order."""

    def endpoint(self, order: OrderRequest) -> Endpoint: ...

    def params(self, order: OrderRequest, instrument: Instrument) -> dict[str, Any]:
        """Name what the order needs; raises `VenueRefused` for one that cannot be expressed."""
        ...


# Bitget takes no receive window: what is stamped this far back, it refuses as late once ours is over.
_BACKDATED_MS = EXCHANGE_WINDOW_MS - BITGET.recv_window_ms


class BitgetWire(Wire):
    """See `client.wire.Wire`. `broker_id` goes with every signed request as its channel code."""

    key_kinds = frozenset({KeyKind.HMAC, KeyKind.RSA})

    def __init__(self, words: OrderWords, broker_id: str) -> None:
        self._words = words
        # Messages come in the language that is asked for; some are read.
        self._fixed = "Content-Type: application/json\r\nlocale: en-US\r\n"
        if broker_id:
            self._fixed += f"X-CHANNEL-API-CODE: {broker_id}\r\n"

    @property
    def name(self) -> str:
        return NAME

    def render(
        self, endpoint: Endpoint, params: Params, credentials: Credentials | None, timestamp_ms: int
    ) -> Rendered:
        """Sign one request; the query is sorted by name, and signed as it reads before it is escaped."""
        query, plain, body = "", "", b""
        if endpoint.method == "GET":
            query, plain = _query(params)
        else:
            body = dumps(params)
        if credentials is None:
            return query, "", body
        target = f"{endpoint.path}?{plain}" if plain else endpoint.path
        if endpoint.mutates:
            timestamp_ms -= _BACKDATED_MS
        signature = signature_of(f"{timestamp_ms}{endpoint.method}{target}{body.decode()}", credentials)
        headers = (
            f"ACCESS-KEY: {credentials.api_key}\r\nACCESS-SIGN: {signature}\r\nACCESS-TIMESTAMP: {timestamp_ms}\r\n"
            f"ACCESS-PASSPHRASE: {credentials.password}\r\n{self._fixed}"
        )
        return query, headers, body

    def classify(self, status: int, headers: Headers, body: bytes, now: float) -> Failure | None:
        return errors.classify(status, headers, body)

    def reported(self, endpoint: Endpoint, headers: Headers) -> Reported:
        """Bitget's usage headers are not documented."""
        return SILENT

    def refuses_time(self, status: int, body: bytes) -> bool:
        return status != 200 and errors.parse(body)[0] in errors.TIME_CODES

    def blocks(self, status: int, body: bytes) -> Blocks:
        return errors.blocks(status, body)

    def server_time_s(self, answer: Any) -> float:
        return int(answer["data"]["serverTime"]) / 1000

    def order_endpoint(self, order: OrderRequest) -> Endpoint:
        return self._words.endpoint(order)

    def order_params(self, order: OrderRequest, instrument: Instrument) -> dict[str, Any]:
        return self._words.params(order, instrument)

    def read_order(self, answer: Any, order: OrderRequest, instrument: Instrument) -> OrderView:
        return accepted(answer, order)


def _query(params: Params) -> tuple[str, str]:
    """Return the query as it is sent and as it is signed."""
    assert isinstance(params, Mapping), "Bitget takes named parameters"
    named = [(name, str(params[name])) for name in sorted(params)]
    plain = "&".join(f"{name}={value}" for name, value in named)
    return "&".join(f"{name}={quote(value, safe='')}" for name, value in named), plain
