"""What two books of one account both have too much of, on opposite sides: it crosses inside, and no order goes out."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from decimal import Decimal
from typing import NamedTuple

from sqlalchemy import text

from copydesk.db import TenantSession
from copydesk.kernel import ZERO
from copydesk.replication.adjustments import Adjusts, write_down
from copydesk.replication.doors import Doorway
from copydesk.replication.excess import Excess
from copydesk.trading import Instrument, PositionSide

_FENCE = text("SELECT 1 FROM shard_lease WHERE shard = :shard AND epoch = :epoch FOR SHARE")


class Crossed(NamedTuple):
    """What one book gives up: a signed quantity, below zero of a long."""

    book: Excess
    qty: Decimal


def crossed(excesses: Iterable[Excess], instruments: Mapping[str, Instrument]) -> list[Crossed]:
    """Pair what books have too much of by account and instrument, in whole steps, oldest subscriptions first. Pure.

    Only one-way mode has one position for both; the quantities of each account and instrument add up to nothing.
    """
    places: defaultdict[tuple[int, str], list[Excess]] = defaultdict(list)
    for excess in sorted(excesses, key=lambda one: one.subscription_id):
        if ":" in excess.symbol and excess.position_side is PositionSide.NET and excess.symbol in instruments:
            places[excess.account_id, excess.symbol].append(excess)
    found: list[Crossed] = []
    for (_, symbol), books in places.items():
        step = instruments[symbol].qty_step
        longs = [(book, book.too_much // step * step) for book in books if book.qty > 0]
        shorts = [(book, book.too_much // step * step) for book in books if book.qty < 0]
        both = min(sum((qty for _, qty in longs), ZERO), sum((qty for _, qty in shorts), ZERO))
        found += _given_up(longs, both, -1) + _given_up(shorts, both, 1)
    return found


def _given_up(books: Iterable[tuple[Excess, Decimal]], qty: Decimal, sign: int) -> list[Crossed]:
    parts: list[Crossed] = []
    for book, most in books:
        part = min(most, qty)
        qty -= part
        if part:
            parts.append(Crossed(book, part * sign))
    return parts


def set_off(
    session: TenantSession,
    excesses: list[Excess],
    instruments: Mapping[str, Instrument],
    mark_px: Callable[[str], Decimal | None],
    *,
    shard: str,
    epoch: int,
) -> list[Excess]:
    """Write off what crosses inside, at one price for both sides, and return what is left to be closed.

    The price is the market's, or the newest signal's where that is not known; nobody is charged a fee.
    """
    pairs = crossed(excesses, instruments)
    if not pairs or session.execute(_FENCE, {"shard": shard, "epoch": epoch}).scalar() is None:
        return excesses
    newest: dict[tuple[int, str], Excess] = {}
    for book, _ in pairs:
        place = book.account_id, book.symbol
        newest[place] = max(newest.get(place, book), book, key=lambda one: one.signal_id)
    left = {one.place: one for one in excesses}
    for book, qty in pairs:
        px = mark_px(book.symbol) or newest[book.account_id, book.symbol].px
        door = Doorway(book.subscription_id, book.symbol, book.position_side)
        assert write_down(session, door, qty, Adjusts.CROSSED, px=px), "a book with too much holds as much"
        left[book.place] = replace(book, qty=book.qty + qty)
    return list(left.values())
