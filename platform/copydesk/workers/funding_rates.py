"""Reading what perpetuals will pay or receive next, once a minute, for whoever shows a position."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Collection

from redis.exceptions import RedisError

from copydesk.kernel import CopydeskError
from copydesk.marks import ComingFunding
from copydesk.venues import Draw, FundingRate, Venue, drawing_on

log = logging.getLogger(__name__)

READ_EVERY_S = 60.0


async def keep_rates(
    coming: ComingFunding, place: str, venue: Venue, symbols: Collection[str], *, every_s: float = READ_EVERY_S
) -> None:
    """Read and write until canceled, with what others leave of the rate budget; what is not told keeps its last rate.

    Trouble is logged and tried again: nothing but what is shown depends on it.
    """
    perpetuals = sorted(symbol for symbol in symbols if ":" in symbol)
    rates: dict[str, FundingRate] = {}
    while perpetuals:
        for symbol in perpetuals:
            try:
                with drawing_on(Draw.SPARE):
                    rates[symbol] = await venue.funding_rate(symbol)
            except CopydeskError as error:
                log.info("the funding rate of %s at %s is not read now: %s", symbol, place, error)
        try:
            await asyncio.to_thread(coming.write, place, dict(rates))
        except RedisError as error:
            log.info("funding rates of %s are not written now: %s", place, error)
        await asyncio.sleep(every_s)
