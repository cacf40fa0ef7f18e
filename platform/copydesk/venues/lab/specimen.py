"""Made-up filled orders with figures that stand nowhere else, from which the express lane cuts its stencils."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from decimal import Decimal
from typing import Any, NamedTuple

from copydesk.venues.lab.journal import Requested, lines_of, plain
from copydesk.venues.lab.light import Deal
from copydesk.venues.lab.model import FILLED, Execution, NewOrder, Order, OrderUpdate
from copydesk.venues.lab.stencil import Stencil, Wording, Words, cut

_REALIZED = Decimal("5.34219876")


class Specimen(NamedTuple):
    """A filled order, and what its request said. `qty_text` is the quantity in the client's words."""

    new: NewOrder
    order: Order
    execution: Execution
    client_id: str
    qty_text: str
    at_ms: float
    out_ms: float
    number: int

    @property
    def deal(self) -> Deal:
        """Return what it came to."""
        fill = self.execution
        return Deal(fill.px, fill.qty, self.order.cum_quote, fill.fee, fill.fee_currency)


def specimen(new: NewOrder, asset: str, number: int) -> Specimen:
    """Make one of two specimens of an order; `asset` is what its fee is paid in."""
    order_id, trade_id = 6_100_000_000_000_031 * number, 7_300_000_000_000_057 * number
    now_ms, at_ms = 1_650_123_456_789 + 111_111_111 * number, 1_710_987_654_321.125 + number
    client_id, account = f"zQmark{number}c", f"zQmark{number}a"
    qty, px = Decimal("71.23456789") * number, Decimal("81234.56789123") * number
    cost, fee = Decimal("912345.67891234") * number, Decimal("0.91827364") * number
    realized = _REALIZED * number
    execution = Execution(
        trade_id,
        order_id,
        account,
        new.symbol,
        new.side,
        px,
        qty,
        fee,
        asset,
        False,
        now_ms,
        realized,
        new.position_side,
    )
    order = Order(
        order_id,
        account,
        client_id,
        new.symbol,
        new.side,
        new.type,
        qty,
        None if new.quote_qty is None else Decimal("3456.78912345") * number,
        new.px,
        new.tif,
        now_ms,
        now_ms,
        Decimal(0),
        FILLED,
        qty,
        cost,
        None,
        [execution],
        new.market,
        new.position_side,
        new.reduce_only,
        None,
        new.margin_mode,
        new.tag,
        realized,
    )
    return Specimen(new, order, execution, client_id, f"zQmark{number}q", at_ms, at_ms + 5.5, number)


class Asked(NamedTuple):
    """The request of an order as the journal tells it: path, code, and its parameters by client id and quantity."""

    path: str
    code: int | str
    params: Callable[[str, str], Mapping[str, Any]]


def journal_stencil(venue: str, asked: Asked, first: Specimen, second: Specimen) -> Stencil | None:
    """Cut the three lines that an order leaves in the journal: accepted, executed, requested."""

    def render(one: Specimen) -> bytes:
        seq, ip, latency_ms = _place_of(one)
        order, done = one.order, one.execution
        order.tag, kept = _tag_of(one), order.tag
        told = OrderUpdate(order.account, order, FILLED, FILLED, order.qty, order.cum_quote, done, done.at_ms)
        lines = lines_of(seq, done.at_ms, venue, told)
        order.tag = kept
        params = asked.params(one.client_id, one.qty_text)
        request = Requested(order.account, ip, "POST", asked.path, params, 200, asked.code, latency_ms, one.client_id)
        return lines + lines_of(seq + 2, one.at_ms, venue, request)

    def words(one: Specimen) -> Wording:
        seq, ip, latency_ms = _place_of(one)
        order, done = one.order, one.execution
        numbers = seq, seq + 1, seq + 2, one.at_ms, done.at_ms, done.order_id, done.trade_id
        own = (*numbers, one.client_id.encode(), order.account.encode(), ip.encode(), latency_ms)
        shared = deal_words(one.deal, order.quote_qty, _tag_of(one).encode(), one.qty_text.encode())
        return (*own, plain(done.realized).encode()), shared

    return cut(render, words, first, second)


JOURNAL_OWN = 12
"""How many words of the journal's each order has of its own."""


def deal_words(deal: Deal, quote_qty: Decimal | None, tag_json: bytes, qty_text: bytes) -> Words:
    """Put a deal into the journal's words."""
    texts = plain(deal.px), plain(deal.qty), plain(deal.fee), "" if quote_qty is None else plain(quote_qty)
    return (*[text.encode() for text in texts], tag_json, qty_text)


def _place_of(one: Specimen) -> tuple[int, str, float]:
    return 4_400_000_000_000_001 * one.number, f"198.51.100.7{one.number}", 8765.432 * one.number


def _tag_of(one: Specimen) -> str:
    return f"zQmark{one.number}t"
