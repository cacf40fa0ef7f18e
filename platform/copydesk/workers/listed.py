"""Telling pages what an exchange says of the brands' markets: steps and minima, kept in Redis beside the prices."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Iterable, Mapping

from redis.exceptions import RedisError

from copydesk.marks import Listings, place_name
from copydesk.tenancy import Tenant
from copydesk.trading import Environment, Instrument

log = logging.getLogger(__name__)


async def tell_listed(
    listings: Listings,
    tenants: Iterable[Tenant],
    venue: str,
    environment: Environment,
    instruments: Mapping[str, Instrument],
) -> None:
    """Write what is listed of any brand's markets on an environment; pages do without while Redis is away."""
    offered = {
        symbol
        for tenant in tenants
        for exchange in tenant.config.exchanges
        if (exchange.venue, exchange.environment) == (venue, environment)
        for symbol in exchange.markets
    }
    listed = {symbol: one for symbol, one in instruments.items() if symbol in offered}
    place = place_name(venue, environment)
    try:
        await asyncio.to_thread(listings.write, place, listed)
    except RedisError as error:
        log.info("instruments of %s are not written now: %s", place, error)
