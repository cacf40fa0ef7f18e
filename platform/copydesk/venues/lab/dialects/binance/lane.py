"""Binance's express lanes: plain orders on spot and USDⓈ-M futures, signed in their form; see light_lane.py."""

from __future__ import annotations

from binascii import hexlify
from collections.abc import Callable, Mapping
from functools import lru_cache
from hmac import compare_digest
from typing import Any, ClassVar, NamedTuple

import orjson

from copydesk.kernel import ZERO
from copydesk.venues.lab.dialects.binance import orders
from copydesk.venues.lab.dialects.binance.errors import ApiError
from copydesk.venues.lab.dialects.binance.front import Front, stamp_fits, usage_lines, window_of
from copydesk.venues.lab.dialects.binance.params import Call, read_pairs
from copydesk.venues.lab.dialects.binance.shapes import eight
from copydesk.venues.lab.dialects.binance.um import orders as um_orders
from copydesk.venues.lab.dialects.binance.um.formats import FORMATS, average, fixed
from copydesk.venues.lab.dialects.binance.um.terms import read_new_order
from copydesk.venues.lab.express import Door
from copydesk.venues.lab.keys import PERP, TRADE, ApiKey
from copydesk.venues.lab.light import Deal
from copydesk.venues.lab.light_lane import LightLane
from copydesk.venues.lab.light_shape import NAME_LEGAL, Cut, Fields, Shape
from copydesk.venues.lab.model import NewOrder, Order
from copydesk.venues.lab.server import JSON, written
from copydesk.venues.lab.specimen import Specimen
from copydesk.venues.lab.stencil import Words

_SIGN, _NAME, _STAMP, _QTY = b"&signature=", b"newClientOrderId=", b"timestamp=", b"quantity="
_SIGN_LEN = len(_SIGN) + 64
NAME_LEN_MAX = 36
STAMP_LEN = 13
_BOTH = "symbol side type timeInForce quantity price newClientOrderId newOrderRespType recvWindow timestamp"
SPOT_KNOWN = frozenset(f"{_BOTH} quoteOrderQty".split())
UM_KNOWN = frozenset(f"{_BOTH} positionSide reduceOnly".split())
_PLAIN_TYPES = frozenset({"MARKET", "LIMIT", "LIMIT_MAKER"})


class Terms(NamedTuple):
    """How long a request is good for, and how its answer is written."""

    window_ms: float
    write: Callable[[Order], dict[str, Any]]


class Places(NamedTuple):
    """Which of a form's parts tell client id, time and quantity; the same for all orders of a client."""

    parts: int
    name: int
    stamp: int
    qty: int


class BinanceLane(LightLane):
    """Spot orders, and what futures share with them."""

    key_header = b"x-mbx-apikey"
    client_name, qty_name = "newClientOrderId", "quantity"
    refusal = ApiError
    known: ClassVar[frozenset[str]] = SPOT_KNOWN
    right: ClassVar[str] = TRADE

    def __init__(self, front: Front, path: str) -> None:
        super().__init__(front.exchange, path)
        self.front = front
        self._places = Places(-1, 0, 0, 0)

    def may(self, key: ApiKey, headers: Mapping[bytes, bytes]) -> bool:  # noqa: ARG002 - others have passphrases
        return self.right in key.permissions

    def cut(self, body: bytes, key: ApiKey) -> Cut | None:  # noqa: ARG002 - others read by the account's mode
        parts = body.split(b"&")
        count, name_at, stamp_at, qty_at = self._places
        if len(parts) != count or not (
            parts[name_at].startswith(_NAME) and parts[stamp_at].startswith(_STAMP) and parts[qty_at].startswith(_QTY)
        ):
            places = _places_of(parts)
            if places is None:
                return None
            _, name_at, stamp_at, qty_at = self._places = places
        name, stamp, qty = parts[name_at][len(_NAME) :], parts[stamp_at][len(_STAMP) :], parts[qty_at]
        if body[-_SIGN_LEN:-64] != _SIGN or not 1 <= len(name) <= NAME_LEN_MAX or name.translate(None, NAME_LEGAL):
            return None
        parts[name_at], parts[stamp_at], parts[-1] = _NAME, _STAMP, b""
        if not qty.startswith(_QTY):
            return b"&".join(parts), name, b"", stamp
        parts[qty_at] = _QTY
        return b"&".join(parts), name, qty[len(_QTY) :], stamp

    def fields(self, rest: bytes) -> Fields | None:
        if b"%" in rest or b"+" in rest:
            return None
        try:
            found: Fields = dict(read_pairs("", rest[:-1].decode("latin-1")))
        except ApiError:
            return None
        if not self.known.issuperset(found) or found.get("type") not in _PLAIN_TYPES:
            return None
        del found["timestamp"]
        return found

    def told(self, fields: Fields) -> Mapping[str, Any]:
        return {name: value for name, value in fields.items() if name != "recvWindow"}

    def read(self, key: ApiKey, fields: Fields) -> NewOrder:
        return orders.read_new_order(self.exchange, Call(fields, "", 0, self.front.placed, key))

    def terms(self, fields: Fields) -> Terms:
        return Terms(window_of(fields.get("recvWindow")), orders.shape_of(fields))

    def signed(self, door: Door, body: bytes, said: list[bytes], stamp: bytes, at_ms: float, terms: Any) -> bool:  # noqa: ARG002
        assert door.key is not None, "only who may come in signs"
        if len(stamp) != STAMP_LEN or not stamp.isdigit() or not stamp_fits(int(stamp), at_ms, terms.window_ms):
            return False
        return compare_digest(hexlify(door.key.signer.digest(body[:-_SIGN_LEN])), body[-64:])

    def admit(self, account: str, ip: str, now_ms: int, terms: Any) -> bytes | None:  # noqa: ARG002
        front = self.front
        meter = front.weights.address(ip, now_ms)
        if meter.used > front.weights.weight_max or meter.banned_until_ms:
            return None
        counts = front.placed.fill_at_once(account, now_ms)
        return None if counts is None else _head(meter.used, counts)

    def render(self, one: Specimen, shape: Shape) -> bytes:
        return orjson.dumps(shape.terms.write(one.order))

    def order_words(self, order: Order, client_id: bytes, at_ms: float, out_ms: float) -> Words:  # noqa: ARG002
        return order.order_id, order.fills[0].trade_id, client_id, order.created_ms

    def lot_words(self, new: NewOrder | Order, deal: Deal) -> Words:
        texts = eight(deal.qty), eight(deal.px), eight(deal.cost), eight(deal.fee), eight(new.quote_qty or ZERO)
        return tuple([text.encode() for text in texts])

    def reply(self, body: bytes, room: bytes) -> bytes:
        return room % (len(body), body)


class UmLane(BinanceLane):
    """Orders on USDⓈ-M futures."""

    known = UM_KNOWN
    right = PERP

    def read(self, key: ApiKey, fields: Fields) -> NewOrder:
        return read_new_order(self.exchange, fields, key.account, 0)

    def terms(self, fields: Fields) -> Terms:
        return Terms(window_of(fields.get("recvWindow")), um_orders.shape_of(fields))

    def lot_words(self, new: NewOrder | Order, deal: Deal) -> Words:
        _, qty_spec, avg_spec, quote_spec, _, _ = FORMATS[new.symbol]
        texts = fixed(deal.qty, qty_spec), average(deal.cost, deal.qty, avg_spec), fixed(deal.cost, quote_spec)
        return tuple([text.encode() for text in texts])


@lru_cache(maxsize=4096)
def _head(used: int, counts: bytes) -> bytes:
    """Write an answer up to where its length and body go: those are left as `%d` and `%b`."""
    whole = written(200, b"", usage_lines(used, counts), JSON)
    head, zero, rest = whole.rpartition(b"Content-Length: 0")
    assert zero and b"%" not in whole, "what is written of an empty answer ends in its length"
    return b"%bContent-Length: %%d%b%%b" % (head, rest)


def _places_of(parts: list[bytes]) -> Places | None:
    """Find where a form tells client id, time and quantity; None without one of the first two.

    Where it does not tell a quantity, the place is that of the signature.
    """
    found = {part.partition(b"=")[0]: place for place, part in enumerate(parts)}
    name, stamp = found.get(b"newClientOrderId"), found.get(b"timestamp")
    if name is None or stamp is None:
        return None
    return Places(len(parts), name, stamp, found.get(b"quantity", -1))
