"""An order endpoint's express lane in light mode: what those of all dialects have in common.

Everything is checked before anything is changed, so that what the lane does not take goes the ordinary way as if
nothing had been. Only orders that are filled at once come here, so what a dialect does on an order's first fill is
its lane's own business (Binance gives the order's count back, which nets to nothing).
"""

from __future__ import annotations

import time
from abc import abstractmethod
from collections.abc import Mapping
from math import inf
from typing import TYPE_CHECKING, Any, ClassVar

import orjson

from copydesk.kernel import ZERO
from copydesk.venues.lab.express import Door
from copydesk.venues.lab.journal import plain
from copydesk.venues.lab.light import payable, settle_perp, settle_spot, written
from copydesk.venues.lab.light_shape import Cut, Lot, Shape, Shapes

if TYPE_CHECKING:
    from copydesk.venues.lab.keys import ApiKey
    from copydesk.venues.lab.model import Order

# Who has so many orders open goes the ordinary way: some exchanges refuse more.
OPEN_MAX = 500
_NOUGHT = plain(ZERO).encode()


class LightLane(Shapes):
    """One order endpoint of a dialect; see `express.Lane`.

    `key_header` names the API key; `tells_out` says whether answers tell when they were written.
    """

    key_header: ClassVar[bytes]
    marks: tuple[bytes, ...] = ()
    tells_out: ClassVar[bool] = False

    @abstractmethod
    def may(self, key: ApiKey, headers: Mapping[bytes, bytes]) -> bool:
        """Tell whether a key may place orders here, as far as that can be told once for all of them."""

    def ends_ms(self, key: ApiKey) -> float | None:
        """Return when a key expires, if ever."""
        return key.expires_ms

    @abstractmethod
    def cut(self, body: bytes, key: ApiKey) -> Cut | None:
        """Cut client id and quantity out of a body; None unless both are plain."""

    @abstractmethod
    def signed(self, door: Door, body: bytes, said: list[bytes], stamp: bytes, at_ms: float, terms: Any) -> bool:
        """Tell whether signature and time are as they should be; `stamp` is the time in the body."""

    @abstractmethod
    def admit(self, account: str, ip: str, now_ms: int, terms: Any) -> Any:
        """Count an order on all meters and return what they tell; None if one of them is full."""

    @abstractmethod
    def reply(self, body: bytes, room: Any) -> bytes:
        """Write an answer with its head; `room` is what the meters told."""

    def enter(self, door: Door) -> None:
        """Find the key that a head names, and whether it may come in."""
        door.api_key = door.headers.get(self.key_header, b"").decode("latin-1")
        key = self.exchange.keys.get(door.api_key)
        # A key pair's signature is no matter of microseconds: it goes the ordinary way.
        door.key = key if key is not None and key.pair is None and self.may(key, door.headers) else None
        if key is not None:
            ends_ms = self.ends_ms(key)
            door.ends_ms = inf if ends_ms is None else ends_ms
            door.account = key.account
            door.name_json = orjson.dumps(key.account)[1:-1]

    def order(self, door: Door, body: bytes, said: list[bytes], ip: str, arrived_s: float) -> bytes | None:
        """Carry out an order and return its whole answer; None leaves everything as it was."""
        exchange, key = self.exchange, door.key
        if exchange.maintenance or exchange.cancel_only or exchange.fills.active:
            return None
        if exchange.keys.get(door.api_key) is not key:
            self.enter(door)
            key = door.key
        at_ms = exchange.now_ms()
        if key is None or at_ms >= door.ends_ms or (key.ips and ip not in key.ips):
            return None
        found = None if door.account in exchange.streams.recent else self.cut(body, key)
        if found is None:
            return None
        rest, client_id, qty, stamp = found
        shape = self._shapes.get(rest) or self.shape(key, rest, qty)
        if shape is None or not self.signed(door, body, said, stamp, at_ms, shape.terms):
            return None
        lot = self.lot(shape, qty, key)
        done = None if lot is None else self._fill(shape, lot, (door.account, client_id.decode()), ip, int(at_ms))
        if lot is None or done is None:
            return None
        order, room = done
        exchange.changes += 1
        order_id, trade_id = order.order_id, order.fills[0].trade_id
        out_ms = exchange.now_ms() if self.tells_out else at_ms
        answer = self.reply(lot.answer.fill(self.order_words(order, client_id, at_ms, out_ms)), room)
        realized = _NOUGHT if order.realized is ZERO else plain(order.realized).encode()
        journal, latency_ms = exchange.journal, (time.monotonic() - arrived_s) * 1000.0
        told = client_id, door.name_json, ip.encode(), latency_ms, realized
        journal.order(at_ms, lot.journal, (order.created_ms, order_id, trade_id, *told))
        return answer

    def _fill(self, shape: Shape, lot: Lot, who: tuple[str, str], ip: str, now_ms: int) -> tuple[Order, Any] | None:
        """Count and settle an order about which all else is right; None if it cannot be."""
        engine, (name, client_id), (new, deal, _, _) = shape.engine, who, lot
        owner = engine.registries.get(name)
        if owner is None or (new.symbol, client_id) in owner.by_client_id or len(owner.open) >= OPEN_MAX:
            return None
        waiting = engine.conditional_book.by_client_id
        if waiting and (name, new.symbol, client_id) in waiting:
            return None
        if shape.spot is None:
            leg = shape.perp.leg(name, new.symbol, new.position_side)
            if shape.closes and (leg.reducers or leg.room(new.side) < deal.qty):
                return None
            room = self.admit(name, ip, now_ms, shape.terms)
            if room is None:
                return None
            realized = settle_perp(shape.perp, leg, new.side, deal, now_ms)
        else:
            purse = shape.spot.account_table[name]
            if not payable(purse, shape.instrument, new.side, deal):
                return None
            room, realized = self.admit(name, ip, now_ms, shape.terms), ZERO
            if room is None:
                return None
            settle_spot(shape.spot, purse, shape.instrument, new.side, deal)
        return written(engine, owner, who, new, deal, realized, now_ms)[0], room
