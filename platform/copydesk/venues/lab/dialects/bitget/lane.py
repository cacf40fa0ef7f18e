"""Bitget's express lanes: plain orders of the classic account, spot and futures; see light_lane.py."""

from __future__ import annotations

from binascii import b2a_base64
from collections.abc import Mapping
from hmac import compare_digest
from typing import Any, ClassVar

import orjson

from copydesk.venues.lab.dialects.bitget import classic_mix, classic_spot, trading
from copydesk.venues.lab.dialects.bitget.access import fits
from copydesk.venues.lab.dialects.bitget.classic_market import contract_of, pair_of
from copydesk.venues.lab.dialects.bitget.errors import CODE_OK, ApiError
from copydesk.venues.lab.dialects.bitget.limits import AddressMeter, SecondMeter
from copydesk.venues.lab.dialects.bitget.params import Call, success
from copydesk.venues.lab.dialects.bitget.routes import Route
from copydesk.venues.lab.dialects.bitget.words import order_id_text
from copydesk.venues.lab.exchange import Exchange
from copydesk.venues.lab.express import Door
from copydesk.venues.lab.keys import ApiKey
from copydesk.venues.lab.light_lane import LightLane
from copydesk.venues.lab.light_shape import Cut, Fields, Shape, cut_json, read_flat
from copydesk.venues.lab.model import NewOrder, Order
from copydesk.venues.lab.server import JSON, written
from copydesk.venues.lab.specimen import Specimen
from copydesk.venues.lab.stencil import Words

_BOTH = "symbol side orderType force price size clientOid"
SPOT_KNOWN = frozenset(_BOTH.split())
MIX_KNOWN = frozenset(f"{_BOTH} productType marginMode marginCoin tradeSide reduceOnly".split())
NAME_LEN_MAX = 64
STAMP_LEN = 13


class BitgetLane(LightLane):
    """Spot orders, and what futures share with them."""

    key_header = b"access-key"
    marks = (b"\r\nACCESS-SIGN: ", b"\r\nACCESS-TIMESTAMP: ")
    code = CODE_OK
    client_name, qty_name = "clientOid", "size"
    refusal = ApiError
    known: ClassVar[frozenset[str]] = SPOT_KNOWN

    def __init__(self, exchange: Exchange, path: str, route: Route, meters: tuple[AddressMeter, SecondMeter]) -> None:
        super().__init__(exchange, path)
        self._addresses, self._seconds = meters
        self._route = route
        self._signs = f"POST{path}".encode()

    def may(self, key: ApiKey, headers: Mapping[bytes, bytes]) -> bool:
        right = self._route.right
        assert right is not None, "orders need a right"
        return right.held_by(key) and key.passphrase == headers.get(b"access-passphrase", b"").decode("latin-1")

    def cut(self, body: bytes, key: ApiKey) -> Cut | None:  # noqa: ARG002 - futures read by the account's mode
        found = cut_json(body, b'"clientOid":"', b'"size":"')
        return found if found is not None and len(found[1]) <= NAME_LEN_MAX else None

    def fields(self, rest: bytes) -> Fields | None:
        return read_flat(rest, self.known)

    def read(self, key: ApiKey, fields: Fields) -> NewOrder:
        call = Call(self.exchange, fields, "", 0, key)
        return classic_spot.read_order(call, fields, pair_of(call).venue_symbol)

    def terms(self, fields: Fields) -> None:
        """A shape says it all."""

    def signed(self, door: Door, body: bytes, said: list[bytes], stamp: bytes, at_ms: float, terms: Any) -> bool:  # noqa: ARG002
        sign, stamp = said
        assert door.key is not None, "only who may come in signs"
        if len(stamp) != STAMP_LEN or not stamp.isdigit() or not fits(int(stamp), at_ms):
            return False
        made = door.key.signer.digest(b"%b%b%b" % (stamp, self._signs, body))
        return compare_digest(b2a_base64(made, newline=False), sign)

    def admit(self, account: str, ip: str, now_ms: int, terms: None) -> int | None:  # noqa: ARG002
        second, most = now_ms // 1000, self._route.rate
        if not self._seconds.has_room(account, self.path, second, most) or not self._addresses.has_room(ip, now_ms):
            return None
        self._addresses.refuses(ip, now_ms)
        return self._seconds.spend(account, self.path, second, most)

    def render(self, one: Specimen, shape: Shape) -> bytes:  # noqa: ARG002 - others answer in several forms
        return success(one.order.created_ms, orjson.dumps(trading.ack(one.order)))

    def order_words(self, order: Order, client_id: bytes, at_ms: float, out_ms: float) -> Words:  # noqa: ARG002
        return order_id_text(order.market, order.order_id).encode(), client_id, order.created_ms

    def reply(self, body: bytes, room: int) -> bytes:
        return written(200, body, b"x-mbx-used-remain-limit: %d\r\n" % room, JSON)


class MixLane(BitgetLane):
    """Futures orders, whose direction is read by the account's position mode."""

    known = MIX_KNOWN

    def cut(self, body: bytes, key: ApiKey) -> Cut | None:
        found = super().cut(body, key)
        if found is None:
            return None
        rest, name, qty, stamp = found
        return (b"h" if self.exchange.perp.hedge(key.account) else b"n") + rest, name, qty, stamp

    def fields(self, rest: bytes) -> Fields | None:
        return super().fields(rest[1:])

    def read(self, key: ApiKey, fields: Fields) -> NewOrder:
        call = Call(self.exchange, fields, "", 0, key)
        symbol = contract_of(call).venue_symbol
        classic_mix.margin_coin_of(fields)
        return classic_mix.asked_order(call, fields, symbol, fields)
