"""OKX's express lanes: single orders, alone or as a batch of one; see light_lane.py."""

from __future__ import annotations

from binascii import b2a_base64
from collections.abc import Mapping
from functools import lru_cache
from hmac import compare_digest
from typing import Any, NamedTuple

import orjson

from copydesk.venues.lab.dialects.okx.access import WINDOW_MS, may, stamp_ms
from copydesk.venues.lab.dialects.okx.catalog import order_text
from copydesk.venues.lab.dialects.okx.desk import Desk
from copydesk.venues.lab.dialects.okx.errors import ApiError
from copydesk.venues.lab.dialects.okx.limits import ORDERS_MAX
from copydesk.venues.lab.dialects.okx.orders import EVERY_MS, ONE_MAX, accepted, read_new_order
from copydesk.venues.lab.dialects.okx.params import text_of
from copydesk.venues.lab.dialects.okx.routes import PREFIX, TRADE
from copydesk.venues.lab.dialects.okx.trade import Outcome, envelope
from copydesk.venues.lab.express import Door
from copydesk.venues.lab.keys import ApiKey
from copydesk.venues.lab.light_lane import LightLane
from copydesk.venues.lab.light_shape import Cut, Fields, Shape, cut_json, flat
from copydesk.venues.lab.model import NewOrder, Order
from copydesk.venues.lab.server import JSON, written
from copydesk.venues.lab.specimen import Specimen
from copydesk.venues.lab.stencil import Words

KNOWN = frozenset(
    [
        "instId",
        "instIdCode",
        "side",
        "ordType",
        "sz",
        "px",
        "tdMode",
        "tgtCcy",
        "posSide",
        "reduceOnly",
        "tag",
        "clOrdId",
        "ccy",
    ]
)
NAME_LEN_MAX = 32
_STAMP_LEN = len("2020-12-08T09:08:57.715Z")


class Terms(NamedTuple):
    """What is repeated of an order, and the instrument by which it is counted."""

    tag: str
    instrument: str


class OkxLane(LightLane):
    """One of the two order endpoints."""

    key_header = b"ok-access-key"
    marks = (b"\r\nOK-ACCESS-SIGN: ", b"\r\nOK-ACCESS-TIMESTAMP: ", b"\r\nexpTime: ")
    code = "0"
    tells_out = True
    client_name, qty_name = "clOrdId", "sz"
    refusal = ApiError

    def __init__(self, desk: Desk, name: str, *, batch: bool) -> None:
        super().__init__(desk.exchange, f"{PREFIX}/trade/{name}")
        self._desk = desk
        self._batch = batch
        self._signs = f"POST{self.path}".encode()

    def may(self, key: ApiKey, headers: Mapping[bytes, bytes]) -> bool:
        passphrase = headers.get(b"ok-access-passphrase", b"")
        live = headers.get(b"x-simulated-trading") != b"1"
        return live and may(key, TRADE) and compare_digest(key.passphrase.encode(), passphrase)

    def cut(self, body: bytes, key: ApiKey) -> Cut | None:  # noqa: ARG002 - others read by the account's mode
        found = cut_json(body, b'"clOrdId":"', b'"sz":"')
        return found if found is not None and found[1].isalnum() and len(found[1]) <= NAME_LEN_MAX else None

    def fields(self, rest: bytes) -> Fields | None:
        try:
            found = orjson.loads(rest)
        except orjson.JSONDecodeError:
            return None
        if self._batch:
            found = found[0] if isinstance(found, list) and len(found) == 1 else None
        return flat(found, KNOWN)

    def told(self, fields: Fields) -> Mapping[str, Any]:
        return {"orders": [fields]} if self._batch else fields

    def read(self, key: ApiKey, fields: Fields) -> NewOrder:
        return read_new_order(self._desk, key.account, fields["clOrdId"], fields)

    def terms(self, fields: Fields) -> Terms:
        return Terms(text_of(fields, "tag"), str(fields.get("instId") or fields.get("instIdCode")))

    def signed(self, door: Door, body: bytes, said: list[bytes], stamp: bytes, at_ms: float, terms: Any) -> bool:  # noqa: ARG002
        sign, stamp, _ = said
        if len(stamp) != _STAMP_LEN or not stamp[20:23].isdigit() or stamp[19] != ord(".") or stamp[23] != ord("Z"):
            return False
        second_ms = _second_ms(stamp[:19])
        if second_ms is None or abs(at_ms - second_ms - int(stamp[20:23])) > WINDOW_MS:
            return False
        assert door.key is not None, "only who may come in signs"
        made = door.key.signer.digest(b"%b%b%b" % (stamp, self._signs, body))
        return compare_digest(b2a_base64(made, newline=False), sign)

    def admit(self, account: str, ip: str, now_ms: int, terms: Terms) -> bytes | None:  # noqa: ARG002
        meters = self._desk.meters
        if not meters.has_room(("orders", account), ORDERS_MAX, now_ms):
            return None
        if not meters.take(("place", account, terms.instrument), ONE_MAX, EVERY_MS, now_ms):
            return None
        meters.take_order(account, now_ms)
        return b""

    def render(self, one: Specimen, shape: Shape) -> bytes:
        row = accepted(one.client_id, one.order, shape.terms.tag, one.order.created_ms)
        return envelope(Outcome("0", "", [row]), int(one.at_ms * 1000.0), int(one.out_ms * 1000.0))

    def order_words(self, order: Order, client_id: bytes, at_ms: float, out_ms: float) -> Words:
        number = order_text(order.order_id, order.market).encode()
        return number, client_id, order.created_ms, int(at_ms * 1000.0), int(out_ms * 1000.0)

    def reply(self, body: bytes, room: bytes) -> bytes:
        return written(200, body, room, JSON)


@lru_cache(maxsize=256)
def _second_ms(text: bytes) -> float | None:
    """Read a whole second, which many orders are signed in, in epoch ms."""
    try:
        return stamp_ms(f"{text.decode('latin-1')}Z")
    except ApiError:
        return None
