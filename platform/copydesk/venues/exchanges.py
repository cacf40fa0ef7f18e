"""The exchanges that can be opened, by name: their traits, trading side, leader stream and public prices.

An exchange is added by a package beside this module and one row in `EXCHANGES`; see `platform/docs/venues.md`.
"""

from __future__ import annotations

import ssl
from collections.abc import Callable, Mapping, Sequence
from types import MappingProxyType
from typing import NamedTuple

from copydesk.kernel import ConfigError
from copydesk.venues.binance import quotes as binance_quotes
from copydesk.venues.binance.adapter import Binance
from copydesk.venues.binance.traits import BINANCE
from copydesk.venues.bitget import quotes as bitget_quotes
from copydesk.venues.bitget.adapter import Bitget
from copydesk.venues.bitget.traits import BITGET
from copydesk.venues.bybit import quotes as bybit_quotes
from copydesk.venues.bybit.adapter import Bybit
from copydesk.venues.bybit.traits import BYBIT
from copydesk.venues.client.budget import RateBudget
from copydesk.venues.client.http_pool import PoolLimits
from copydesk.venues.model import StreamTiming
from copydesk.venues.okx import quotes as okx_quotes
from copydesk.venues.okx.adapter import Okx
from copydesk.venues.okx.traits import OKX
from copydesk.venues.port import LeaderStream, MarketStream, Venue
from copydesk.venues.quotes import Part
from copydesk.venues.signer import ANY_ORDER, OrderPolicy
from copydesk.venues.traits import RateLimit, VenueTraits
from copydesk.venues.urls import VenueUrls


class Opening(NamedTuple):
    """How an environment is opened. `broker_id` is the reseller's, where an exchange takes it beside the order id.

    `budgets`, by origin, are what instances with different brokers share, since the exchange counts the address.
    `policy` is what every order passes before it is signed.
    """

    urls: VenueUrls
    limits: PoolLimits | None
    ssl_context: ssl.SSLContext | None
    broker_id: str
    budgets: Mapping[str, RateBudget]
    policy: OrderPolicy


class Exchange(NamedTuple):
    """One row of the table. `stream` gets the venue that `venue` made."""

    traits: VenueTraits
    venue: Callable[[Opening], Venue]
    stream: Callable[[Venue, StreamTiming], LeaderStream]
    price_parts: Sequence[Part]


def open_venue(
    venue: str,
    urls: VenueUrls,
    *,
    limits: PoolLimits | None = None,
    ssl_context: ssl.SSLContext | None = None,
    broker_id: str = "",
    budgets: Mapping[str, RateBudget] | None = None,
    policy: OrderPolicy = ANY_ORDER,
) -> Venue:
    """Return the trading side of one environment; close it with `aclose`. Raises `ConfigError` for a strange name.

    Instances of one environment that differ in their broker alone must be given the same `budgets` (`budgets_of`).
    """
    assert urls.venue == venue, f"these are the addresses of {urls.venue}, not of {venue}"
    return _exchange(venue).venue(Opening(urls, limits, ssl_context, broker_id, budgets or {}, policy))


def budgets_of(venue: str, make: Callable[[str, tuple[RateLimit, ...]], RateBudget]) -> Mapping[str, RateBudget]:
    """Return a budget for each origin, made of its limits; origins at one address are counted together by one."""
    rules, found = _exchange(venue).traits.origins, dict[str, RateBudget]()
    rest = VenueUrls.live(venue).rest
    for address in dict.fromkeys(rest.values()):
        origins = [origin for origin in rules if rest[origin] == address]
        limits = dict.fromkeys(limit for origin in origins for limit in rules[origin].rate_limits)
        found |= dict.fromkeys(origins, make(origins[0], tuple(limits)))
    return found


def open_stream(venue: Venue, *, timing: StreamTiming | None = None) -> LeaderStream:
    """Return the leader stream of an environment. It uses the venue's connections, so close that after it."""
    return _exchange(venue.traits.venue).stream(venue, timing or StreamTiming())


def open_market_stream(venue: Venue, *, timing: StreamTiming | None = None) -> MarketStream:
    """Return the public prices of an environment; needs no key. Close the venue after it."""
    from copydesk.venues.prices import PriceSource, PriceStream  # Streams need aiohttp, which takes long to import.

    assert isinstance(venue, PriceSource), "a price stream needs the names of an opened venue"
    return PriceStream(venue, _exchange(venue.traits.venue).price_parts, timing or StreamTiming())


def _exchange(venue: str) -> Exchange:
    if venue not in EXCHANGES:
        raise ConfigError(f"venue {venue!r} is not supported; expected one of {', '.join(EXCHANGES)}")
    return EXCHANGES[venue]


def _binance(opening: Opening) -> Venue:
    """Binance knows a broker by the prefix of client order ids alone: one instance serves all brands."""
    return Binance(
        opening.urls,
        limits=opening.limits,
        ssl_context=opening.ssl_context,
        budgets=opening.budgets,
        policy=opening.policy,
    )


def _binance_stream(venue: Venue, timing: StreamTiming) -> LeaderStream:
    from copydesk.venues.binance.stream import BinanceStream  # Streams need aiohttp, which takes long to import.

    assert isinstance(venue, Binance), "a Binance stream needs a Binance venue"
    return BinanceStream(venue, timing)


def _okx(opening: Opening) -> Venue:
    return Okx(
        opening.urls,
        limits=opening.limits,
        ssl_context=opening.ssl_context,
        broker_id=opening.broker_id,
        budget=opening.budgets.get("rest"),
        policy=opening.policy,
    )


def _okx_stream(venue: Venue, timing: StreamTiming) -> LeaderStream:
    from copydesk.venues.okx.stream import OkxStream

    assert isinstance(venue, Okx), "an OKX stream needs an OKX venue"
    return OkxStream(venue, timing)


def _bybit(opening: Opening) -> Venue:
    return Bybit(
        opening.urls,
        limits=opening.limits,
        ssl_context=opening.ssl_context,
        broker_id=opening.broker_id,
        budget=opening.budgets.get("rest"),
        policy=opening.policy,
    )


def _bybit_stream(venue: Venue, timing: StreamTiming) -> LeaderStream:
    from copydesk.venues.bybit.stream import BybitStream

    assert isinstance(venue, Bybit), "a Bybit stream needs a Bybit venue"
    return BybitStream(venue, timing)


def _bitget(opening: Opening) -> Venue:
    return Bitget(
        opening.urls,
        limits=opening.limits,
        ssl_context=opening.ssl_context,
        broker_id=opening.broker_id,
        budget=opening.budgets.get("classic"),
        policy=opening.policy,
    )


def _bitget_stream(venue: Venue, timing: StreamTiming) -> LeaderStream:
    from copydesk.venues.bitget.stream import BitgetStream

    assert isinstance(venue, Bitget), "a Bitget stream needs a Bitget venue"
    return BitgetStream(venue, timing)


EXCHANGES: Mapping[str, Exchange] = MappingProxyType(
    {
        "binance": Exchange(BINANCE, _binance, _binance_stream, binance_quotes.PARTS),
        "okx": Exchange(OKX, _okx, _okx_stream, okx_quotes.PARTS),
        "bybit": Exchange(BYBIT, _bybit, _bybit_stream, bybit_quotes.PARTS),
        "bitget": Exchange(BITGET, _bitget, _bitget_stream, bitget_quotes.PARTS),
    }
)
TRAITS: Mapping[str, VenueTraits] = MappingProxyType({name: exchange.traits for name, exchange in EXCHANGES.items()})
