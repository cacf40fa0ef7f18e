"""Prices to value a leader's account by: from the feed where they are fresh, by REST else."""

from __future__ import annotations

import asyncio
from collections.abc import Collection, Mapping
from decimal import Decimal

from copydesk.marks import Marks
from copydesk.venues import Venue


async def prices_of(marks: Marks, place: str, venue: Venue, symbols: Collection[str]) -> Mapping[str, Decimal]:
    """Return last prices by ccxt symbol, at least of what is asked for and listed.

    One instrument without a fresh price is reason enough to ask the exchange, which answers for all at once. Raises
    what `Venue.prices` raises.
    """
    found = await asyncio.to_thread(marks.fresh, place, symbols)
    known = {symbol: price.px for symbol, price in found.items() if price.px is not None}
    return known if len(known) == len(found) else await venue.prices()
