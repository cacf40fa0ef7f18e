"""Bybit's express lane: plain orders of `order/create`; see light_lane.py.

No take-profit or stop-loss comes here, so no fill gives a position any.
"""

from __future__ import annotations

from binascii import hexlify
from collections.abc import Mapping
from hmac import compare_digest
from typing import NamedTuple

from copydesk.venues.lab.dialects.bybit.account import expires_ms
from copydesk.venues.lab.dialects.bybit.entry import read_order
from copydesk.venues.lab.dialects.bybit.errors import ApiError
from copydesk.venues.lab.dialects.bybit.ids import order_id_text
from copydesk.venues.lab.dialects.bybit.limits import Quota
from copydesk.venues.lab.dialects.bybit.orders import created
from copydesk.venues.lab.dialects.bybit.params import MARKETS, SPOT_CATEGORY, Call, Used, market_of, text_of
from copydesk.venues.lab.dialects.bybit.rest import JSON, RIGHTS, ROUTES, Front, envelope, limit_lines
from copydesk.venues.lab.express import Door
from copydesk.venues.lab.keys import ApiKey
from copydesk.venues.lab.light_lane import LightLane
from copydesk.venues.lab.light_shape import Cut, Fields, Shape, cut_json, read_flat
from copydesk.venues.lab.model import NewOrder, Order
from copydesk.venues.lab.server import written
from copydesk.venues.lab.specimen import Specimen
from copydesk.venues.lab.stencil import Words

PATH = "/v5/order/create"
_NAMES = "category symbol side orderType qty price timeInForce orderLinkId positionIdx reduceOnly marketUnit isLeverage"
KNOWN = frozenset(_NAMES.split())
NAME_LEN_MAX = 36
STAMP_LEN = 13
WINDOW_LEN_MAX = 9


class Terms(NamedTuple):
    """Which right an order needs, and on which meter it counts."""

    right: str
    meter: str
    limit: int


class BybitLane(LightLane):
    """Orders of both categories."""

    key_header = b"x-bapi-api-key"
    marks = (b"\r\nX-BAPI-TIMESTAMP: ", b"\r\nX-BAPI-SIGN: ")
    client_name, qty_name = "orderLinkId", "qty"
    refusal = ApiError

    def __init__(self, front: Front) -> None:
        super().__init__(front.exchange, PATH)
        self._front = front

    def may(self, key: ApiKey, headers: Mapping[bytes, bytes]) -> bool:  # noqa: ARG002 - others have passphrases
        return True  # What a key may do depends on the category.

    def ends_ms(self, key: ApiKey) -> float | None:
        return expires_ms(key)

    def cut(self, body: bytes, key: ApiKey) -> Cut | None:  # noqa: ARG002 - others read by the account's mode
        found = cut_json(body, b'"orderLinkId":"', b'"qty":"')
        return found if found is not None and len(found[1]) <= NAME_LEN_MAX else None

    def fields(self, rest: bytes) -> Fields | None:
        found = read_flat(rest, KNOWN)
        return found if found is not None and found.get("category") in MARKETS else None

    def read(self, key: ApiKey, fields: Fields) -> NewOrder:
        asked = read_order(self.exchange, key.account, market_of(fields), fields)
        assert isinstance(asked, NewOrder), "only what has a trigger price is conditional"
        return asked

    def terms(self, fields: Fields) -> Terms:
        category, quota = text_of(fields, "category"), ROUTES["POST", PATH].quota
        assert isinstance(quota, Quota), "order entry is limited"
        if category == SPOT_CATEGORY:
            return Terms(RIGHTS[category], f"{PATH}/spot", quota.spot)
        return Terms(RIGHTS[category], PATH, quota.linear)

    def signed(self, door: Door, body: bytes, said: list[bytes], stamp: bytes, at_ms: float, terms: Terms) -> bool:
        key, (stamp, sign) = door.key, said
        assert key is not None, "only who may come in signs"
        window = door.headers.get(b"x-bapi-recv-window", b"")
        if len(stamp) != STAMP_LEN or not stamp.isdigit() or terms.right not in key.permissions:
            return False
        if window and (len(window) > WINDOW_LEN_MAX or not window.isdigit()):
            return False
        if not self._front.fits(int(stamp), window.decode("latin-1"), int(at_ms)):
            return False
        made = key.signer.digest(b"%b%b%b%b" % (stamp, door.headers[self.key_header], window, body))
        return compare_digest(hexlify(made), sign)

    def admit(self, account: str, ip: str, now_ms: int, terms: Terms) -> Used | None:
        front = self._front
        taken, used = front.user_meter.take((account, terms.meter), terms.limit, now_ms, window_ms=1000)
        # An address that goes over is banned by being asked about; the ordinary way finds it banned.
        return used if taken and front.ip_meter.allows(ip, now_ms) else None

    def render(self, one: Specimen, shape: Shape) -> bytes:  # noqa: ARG002 - others answer in several forms
        order = one.order
        result = created(order_id_text(order.market, order.order_id), one.client_id)
        return envelope(0, b"OK", result, Call({}, "", order.created_ms))

    def order_words(self, order: Order, client_id: bytes, at_ms: float, out_ms: float) -> Words:  # noqa: ARG002
        return order_id_text(order.market, order.order_id).encode(), client_id, order.created_ms

    def reply(self, body: bytes, room: Used) -> bytes:
        return written(200, body, limit_lines(room), JSON)
