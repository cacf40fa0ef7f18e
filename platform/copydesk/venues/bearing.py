"""What the market of one instrument bears: what is offered near the price, summed over an order book. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from decimal import Decimal
from typing import Any

from copydesk.venues.model import Depth, Liquidity

NEAR = Decimal("0.01")
LEVELS_SHOWN = 20

# Price and size first, as every exchange tells a level, as text or as a number; more may follow.
Levels = Sequence[Sequence[Any]]


def liquidity_of(bids: Levels, asks: Levels, volume: Decimal, *, unit: Decimal = Decimal(1)) -> Liquidity:
    """Return what lies within 1 % of the middle, where sizes count `unit` base units; the best levels come first.

    An exchange tells a few hundred levels at most: of a very deep market less than there is, never more.
    """
    bid_levels, ask_levels = [_level(row) for row in bids], [_level(row) for row in asks]
    best = [levels[0][0] for levels in (bid_levels, ask_levels) if levels]
    if not best:
        return Liquidity(Decimal(0), Decimal(0), volume)
    middle = sum(best, Decimal(0)) / len(best)
    low, high = middle * (1 - NEAR), middle * (1 + NEAR)
    return Liquidity(
        _notional((level for level in bid_levels if level[0] >= low), unit),
        _notional((level for level in ask_levels if level[0] <= high), unit),
        volume,
    )


def depth_of(bids: Levels, asks: Levels, *, unit: Decimal = Decimal(1)) -> Depth:
    """Return the best levels of both sides, where sizes count `unit` base units; the best levels come first."""
    sides = (tuple((px, qty * unit) for px, qty in map(_level, side[:LEVELS_SHOWN])) for side in (bids, asks))
    return Depth(*sides)


def _level(row: Sequence[Any]) -> tuple[Decimal, Decimal]:
    return Decimal(str(row[0])), Decimal(str(row[1]))


def _notional(levels: Iterable[tuple[Decimal, Decimal]], unit: Decimal) -> Decimal:
    return sum((px * qty * unit for px, qty in levels), Decimal(0))
