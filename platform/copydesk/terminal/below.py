"""How many followers an order would be too small for, before it is sent. Pure, and an estimate.

By the exchanges' minima and each follower's own sizing alone: what is spent already, limits and balances are not asked.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from decimal import Decimal
from typing import NamedTuple

from copydesk.kernel import ZERO
from copydesk.replication.minima import smallest_open_qty
from copydesk.replication.model import SignalFact
from copydesk.replication.sizing import sizes_of
from copydesk.trading import Instrument, SizePolicy, SizingMode

_AT = datetime(2000, 1, 1, tzinfo=UTC)


class Follower(NamedTuple):
    """So many followers who copy in the same way on one environment of an exchange ("binance-lab")."""

    place: str
    allocation: Decimal
    sizing_mode: SizingMode
    sizing_value: Decimal | None
    size_policy: SizePolicy
    people: int = 1


class BelowMinimum(NamedTuple):
    """How many of all followers get less than their exchange's smallest order, and how many of those skip it.

    `unknown` are those of whose exchange nothing is known now; `least` is the smallest order of the trader's, in base
    units, that reaches everybody, None where no size does or nobody is below.
    """

    below: int
    skipped: int
    whole: int
    unknown: int = 0
    least: Decimal | None = None


def below_minimum(
    followers: Iterable[Follower],
    instruments: Mapping[str, Instrument],
    *,
    qty: Decimal,
    px: Decimal,
    equity: Decimal,
) -> BelowMinimum:
    """Count whom an order of the trader, worth `qty` at `px` of their `equity`, is too small for.

    `instruments` are those of the order's symbol, by place.
    """
    below = skipped = whole = unknown = 0
    least = ZERO
    for one in followers:
        whole += one.people
        instrument = instruments.get(one.place)
        if instrument is None:
            unknown += one.people
            continue
        wanted = _wanted(one, instrument.symbol, qty=qty, px=px, equity=equity)
        smallest = smallest_open_qty(px, instrument)
        if wanted >= smallest:
            continue
        below += one.people
        skipped += one.people if one.size_policy is SizePolicy.SKIP else 0
        least = max(least, qty * smallest / wanted) if wanted > 0 and least is not None else least
    return BelowMinimum(below, skipped, whole, unknown, least or None)


def _wanted(one: Follower, symbol: str, *, qty: Decimal, px: Decimal, equity: Decimal) -> Decimal:
    signal = SignalFact(0, symbol, px, ZERO, qty, equity, _AT)
    return sizes_of(signal)[one.sizing_mode](one.allocation, one.sizing_value)
