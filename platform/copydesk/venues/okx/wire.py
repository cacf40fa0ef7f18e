"""OKX's dialect for `VenueClient`."""

from __future__ import annotations

from typing import Any

from orjson import dumps

from copydesk.trading import Credentials, Instrument, KeyKind, OrderRequest, OrderView
from copydesk.venues.client.budget import SILENT, Reported
from copydesk.venues.client.wire import Blocks, Failure, Headers, Params, Rendered, Wire, query_text
from copydesk.venues.okx import errors
from copydesk.venues.okx.orders import accepted, order_params
from copydesk.venues.okx.signing import iso_text, sign
from copydesk.venues.okx.traits import OKX, REST
from copydesk.venues.traits import Endpoint

NAME = "OKX"


class OkxWire(Wire):
    """See `client.wire.Wire`. `broker_id` goes with every order as its tag."""

    key_kinds = frozenset({KeyKind.HMAC})

    def __init__(self, broker_id: str) -> None:
        self._broker_id = broker_id

    @property
    def name(self) -> str:
        return NAME

    def render(
        self, endpoint: Endpoint, params: Params, credentials: Credentials | None, timestamp_ms: int
    ) -> Rendered:
        """Sign one request; an order says until when it may be carried out (`expTime`)."""
        if endpoint.method == "GET":
            query, body = query_text(params), b""
        else:
            query, body = "", dumps(params)
        if credentials is None:
            return query, "", body
        stamp = iso_text(timestamp_ms)
        target = f"{endpoint.path}?{query}" if query else endpoint.path
        signature = sign(f"{stamp}{endpoint.method}{target}{body.decode()}", credentials.secret)
        headers = (
            f"OK-ACCESS-KEY: {credentials.api_key}\r\nOK-ACCESS-SIGN: {signature}\r\nOK-ACCESS-TIMESTAMP: {stamp}\r\n"
            f"OK-ACCESS-PASSPHRASE: {credentials.password}\r\nContent-Type: application/json\r\n"
        )
        if endpoint.orders:
            headers += f"expTime: {timestamp_ms + OKX.recv_window_ms}\r\n"
        return query, headers, body

    def classify(self, status: int, headers: Headers, body: bytes, now: float) -> Failure | None:
        return errors.classify(status, headers, body)

    def reported(self, endpoint: Endpoint, headers: Headers) -> Reported:
        """OKX tells no usage."""
        return SILENT

    def refuses_time(self, status: int, body: bytes) -> bool:
        return errors.parse(body)[0] in errors.TIME_CODES

    def blocks(self, status: int, body: bytes) -> Blocks:
        return errors.blocks(status, body)

    def server_time_s(self, answer: Any) -> float:
        return int(answer["data"][0]["ts"]) / 1000

    def order_endpoint(self, order: OrderRequest) -> Endpoint:
        return REST.endpoints["submit_conditional" if order.type.conditional else "submit"]

    def order_params(self, order: OrderRequest, instrument: Instrument) -> dict[str, Any]:
        return order_params(order, instrument, self._broker_id)

    def read_order(self, answer: Any, order: OrderRequest, instrument: Instrument) -> OrderView:
        (item,) = answer["data"]
        if item["sCode"] != "0":
            raise errors.failure_of(item["sCode"], item["sMsg"], f"{NAME} answered {item['sCode']}: {item['sMsg']}")
        return accepted(item, order, "algoId" if order.type.conditional else "ordId")
