"""Shapes of orders: what all orders in the same words have in common, read once and told from forms ever after.

Orders are of one shape when their requests differ in client id, quantity and what signs them alone. A shape is read by
the dialect's own functions, and so are made the texts in which its orders are answered and journaled; of each order
only the figures are filled in. Making one costs as much as several orders do, so a shape is made when it comes again.
"""

from __future__ import annotations

import string
from abc import ABC, abstractmethod
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, ClassVar, NamedTuple

import orjson

from copydesk.kernel import ZERO
from copydesk.venues.lab.light import Deal, perp_deal, qty_refusal, spot_deal
from copydesk.venues.lab.model import NET, SPOT, NewOrder, Order, Reject
from copydesk.venues.lab.perp.admission import opens
from copydesk.venues.lab.specimen import JOURNAL_OWN, Asked, Specimen, deal_words, journal_stencil, specimen
from copydesk.venues.lab.stencil import Form, Stencil, Wording, Words, cut

if TYPE_CHECKING:
    from copydesk.venues.lab.engine import Engine
    from copydesk.venues.lab.exchange import Exchange
    from copydesk.venues.lab.keys import ApiKey
    from copydesk.venues.lab.perp import PerpEngine

SHAPES_MAX = 4096
LOTS_MAX = 16_384
Fields = dict[str, Any]
# A body with client id, quantity and time left empty, and these three; "" for a quantity or time that it does not tell.
Cut = tuple[bytes, bytes, bytes, bytes]
NAME_LEGAL = f"{string.ascii_letters}{string.digits}-_".encode()
# Stands for the client id while an order is read for all of its shape.
_SOME_ID = "zQ"


class Lot(NamedTuple):
    """What one quantity of a shape comes to at the present price, and the forms in which that is told."""

    new: NewOrder
    deal: Deal
    answer: Form
    journal: Form


class Shape:
    """Orders in the same words, with lots of the price `px`. `terms` is what the dialect keeps with them.

    `spot` is None for perpetuals; `own` is how many words of an answer each order has of its own.
    """

    __slots__ = (
        "answer",
        "book",
        "closes",
        "engine",
        "fields",
        "instrument",
        "journal",
        "lots",
        "own",
        "perp",
        "px",
        "spot",
        "symbol",
        "terms",
    )

    def __init__(self, exchange: Exchange, new: NewOrder, fields: Fields, terms: Any) -> None:
        self.spot: Engine | None = exchange.spot if new.market == SPOT else None
        self.perp: PerpEngine = exchange.perp
        self.engine: Engine | PerpEngine = self.spot or self.perp
        self.symbol = new.symbol
        self.instrument = self.engine.instruments[new.symbol]
        self.book = self.engine.books[new.symbol]
        self.closes = new.market != SPOT and (new.reduce_only or (new.position_side != NET and not opens(new)))
        self.fields = fields
        self.terms = terms
        self.lots: dict[bytes, Lot] = {}
        self.px = ZERO
        self.own = 0
        self.answer: Stencil
        self.journal: Stencil

    def deal(self, new: NewOrder) -> Deal | None:
        """Reckon an order at the present price; None if it is refused."""
        if self.spot is not None:
            deal = spot_deal(self.spot, new, self.instrument, self.px)
            return None if isinstance(deal, Reject) else deal
        if new.qty is None or new.close_position or qty_refusal(new, self.instrument, self.px) is not None:
            return None
        return perp_deal(self.perp, new.qty, self.px)


class Shapes(ABC):
    """The shapes of one order endpoint, and how its dialect reads and tells them.

    `code` is what the journal notes for success; `client_name` and `qty_name` are the parameters that are cut out;
    `refusal` is what the dialect's reading functions raise.
    """

    code: ClassVar[int | str] = 0
    client_name: ClassVar[str]
    qty_name: ClassVar[str]
    refusal: ClassVar[type[Exception]]
    path: str

    def __init__(self, exchange: Exchange, path: str) -> None:
        self.exchange = exchange
        self.path = path
        # None is a shape that was seen once, or that is not taken.
        self._shapes: dict[bytes, Shape | None] = {}
        self._left: set[bytes] = set()

    @abstractmethod
    def fields(self, rest: bytes) -> Fields | None:
        """Read the parameters of an order; None if there is one that is not known here."""

    def told(self, fields: Fields) -> Mapping[str, Any]:
        """Return a request's parameters as the journal tells them."""
        return fields

    @abstractmethod
    def read(self, key: ApiKey, fields: Fields) -> NewOrder:
        """Read an order by the dialect's own functions."""

    @abstractmethod
    def terms(self, fields: Fields) -> Any:
        """Read what else this dialect wants to know of a shape."""

    @abstractmethod
    def render(self, one: Specimen, shape: Shape) -> bytes:
        """Write the body of an answer by the dialect's own functions."""

    @abstractmethod
    def order_words(self, order: Order, client_id: bytes, at_ms: float, out_ms: float) -> Words:
        """Name the words of an answer that each order has of its own; the times are of request and answer."""

    def lot_words(self, _new: NewOrder | Order, _deal: Deal) -> Words:
        """Name the words of an answer that all orders of a quantity share."""
        return ()

    def shape(self, key: ApiKey, rest: bytes, qty: bytes) -> Shape | None:
        """Return the shape of a body without its own words; None for one that is new, or not taken."""
        shape = self._shapes.get(rest)
        if shape is not None or rest in self._left:
            return shape
        if len(self._shapes) >= SHAPES_MAX:
            self._shapes.clear()
            self._left.clear()
        if rest not in self._shapes:
            self._shapes[rest] = None
            return None
        return self._learn(key, rest, qty)

    def _learn(self, key: ApiKey, rest: bytes, qty: bytes) -> Shape | None:
        fields = self.fields(rest)
        made = None
        if fields is not None and fields.get(self.client_name) == "" and fields.get(self.qty_name, "") == "":
            try:
                made = self._made(self.read(key, self._filled(fields, _SOME_ID, qty.decode("latin-1"))), fields)
            except self.refusal:
                return None  # Perhaps for its quantity alone.
        if made is None:
            self._left.add(rest)
        self._shapes[rest] = made
        return made

    def _filled(self, fields: Fields, client_id: str, qty: str) -> Fields:
        """Put client id and quantity where they were cut out."""
        cut_out = {self.client_name: client_id}
        if self.qty_name in fields:
            cut_out[self.qty_name] = qty
        return {**fields, **cut_out}

    def _made(self, new: NewOrder, fields: Fields) -> Shape | None:
        if new.take_profit is not None or new.stop_loss is not None or new.expire_ms is not None:
            return None
        shape = Shape(self.exchange, new, fields, self.terms(fields))
        instrument, new = shape.instrument, _as_settled(shape, new)
        asset = instrument.settle or (instrument.base if new.side == "buy" else instrument.quote)
        pair = specimen(new, asset, 1), specimen(new, asset, 2)
        asked = Asked(self.path, self.code, lambda name, qty: self.told(self._filled(fields, name, qty)))
        journal = journal_stencil(self.exchange.venue, asked, *pair)
        answer = cut(lambda one: self.render(one, shape), self._answer_words, *pair)
        if journal is None or answer is None:
            return None
        shape.journal, shape.answer, shape.own = journal, answer, len(self._answer_words(pair[0])[0])
        return shape

    def _answer_words(self, one: Specimen) -> Wording:
        own = self.order_words(one.order, one.client_id.encode(), one.at_ms, one.out_ms)
        return own, self.lot_words(one.order, one.deal)

    def lot(self, shape: Shape, qty: bytes, key: ApiKey) -> Lot | None:
        """Return what a quantity comes to at the present price; None where it cannot be had."""
        book = shape.book
        px = book.last_px
        if book.halted or not px or shape.engine.instruments.get(shape.symbol) is not shape.instrument:
            return None
        if (px is not shape.px and px != shape.px) or len(shape.lots) >= LOTS_MAX:
            shape.lots.clear()
            shape.px = px
        return shape.lots.get(qty) or self._reckoned(shape, qty, key)

    def _reckoned(self, shape: Shape, qty: bytes, key: ApiKey) -> Lot | None:
        try:
            new = self.read(key, self._filled(shape.fields, _SOME_ID, qty.decode("latin-1")))
        except self.refusal:
            return None
        new = _as_settled(shape, new)
        deal = shape.deal(new)
        if deal is None:
            return None
        told = deal_words(deal, new.quote_qty, orjson.dumps(new.tag)[1:-1], qty)
        answer = shape.answer.form(shape.own, self.lot_words(new, deal))
        lot = shape.lots[qty] = Lot(new, deal, answer, shape.journal.form(JOURNAL_OWN, told))
        return lot


def _as_settled(shape: Shape, new: NewOrder) -> NewOrder:
    """Mark an order that may only reduce, as the engine does when it fits one to the position."""
    return new._replace(reduce_only=True) if shape.closes else new


def cut_json(body: bytes, name_mark: bytes, qty_mark: bytes) -> Cut | None:
    """Cut client id and quantity, which stand in quotes after these marks, out of a JSON body."""
    at = body.find(name_mark) + len(name_mark)
    end = body.find(b'"', at)
    name = body[at:end]
    if at < len(name_mark) or not name or name.translate(None, NAME_LEGAL):
        return None
    rest, qty = body[:at] + body[end:], b""
    at = rest.find(qty_mark) + len(qty_mark)
    if at >= len(qty_mark):
        end = rest.find(b'"', at)
        rest, qty = rest[:at] + rest[end:], rest[at:end]
    return rest, name, qty, b""


def flat(found: Any, known: frozenset[str]) -> Fields | None:
    """Return a JSON object of known names and plain values; None for anything else."""
    if not isinstance(found, dict) or not known.issuperset(found):
        return None
    plain = all(value is None or isinstance(value, str | int | float) for value in found.values())
    return found if plain else None


def read_flat(rest: bytes, known: frozenset[str]) -> Fields | None:
    """Read such an object."""
    try:
        return flat(orjson.loads(rest), known)
    except orjson.JSONDecodeError:
        return None
