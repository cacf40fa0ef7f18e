"""What differs between exchanges, as data: id rules, receive window, rate limits, and the allowed endpoints.

The HTTP layer refuses every (method, path) that is not in `endpoints`: no withdrawal can be sent by mistake.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from functools import lru_cache
from types import MappingProxyType

from copydesk.kernel import ConfigError

DIGEST_LEN_MIN = 24  # 96 bits in hexadecimal: two copies never share an id by chance.


class LimitScope(StrEnum):
    IP = "ip"
    KEY = "key"


class LimitUnit(StrEnum):
    WEIGHT = "weight"
    REQUESTS = "requests"
    ORDERS = "orders"


@dataclass(frozen=True, slots=True)
class Endpoint:
    """One allowed request. `weight` counts against the address, `orders` against the account.

    `settles`: it finds out what became of an order, or the time that every order needs, and may draw on the
    reserve that is kept for closes.
    """

    method: str
    path: str
    weight: int = 1
    orders: int = 0
    settles: bool = False

    @property
    def mutates(self) -> bool:
        return self.method != "GET"


@dataclass(frozen=True, slots=True)
class RateLimit:
    """A published limit: `count` units per fixed window of `period_s` seconds."""

    scope: LimitScope
    unit: LimitUnit
    count: int
    period_s: int
    source: str
    as_of: date


@dataclass(frozen=True)
class VenueTraits:
    """The facts about one exchange. Patterns are matched against the whole text."""

    venue: str
    client_order_id_len_max: int
    client_order_id_pattern: str
    broker_prefix_pattern: str
    recv_window_ms: int
    rate_limits: tuple[RateLimit, ...]
    endpoints: Mapping[str, Endpoint]


_SPOT_DOCS = "binance-spot-api-docs rest-api.md, exchangeInfo rateLimits"
_AS_OF = date(2026, 11, 22)

BINANCE_SPOT = VenueTraits(
    venue="binance",
    client_order_id_len_max=36,
    client_order_id_pattern=r"[a-zA-Z0-9_-]{1,36}",
    broker_prefix_pattern=r"(x-[A-Za-z0-9]{6,12})?[A-Za-z0-9_-]{0,8}",
    recv_window_ms=2000,
    rate_limits=(
        RateLimit(LimitScope.IP, LimitUnit.WEIGHT, 6000, 60, _SPOT_DOCS, _AS_OF),
        RateLimit(LimitScope.IP, LimitUnit.REQUESTS, 300_000, 300, _SPOT_DOCS, _AS_OF),
        RateLimit(LimitScope.KEY, LimitUnit.ORDERS, 50, 10, _SPOT_DOCS, _AS_OF),
        RateLimit(LimitScope.KEY, LimitUnit.ORDERS, 160_000, 86_400, _SPOT_DOCS, _AS_OF),
    ),
    endpoints=MappingProxyType(
        {
            "time": Endpoint("GET", "/api/v3/time", 1, settles=True),
            "instruments": Endpoint("GET", "/api/v3/exchangeInfo", 20),
            "prices": Endpoint("GET", "/api/v3/ticker/price", 4),
            "submit": Endpoint("POST", "/api/v3/order", 1, orders=1),
            "query": Endpoint("GET", "/api/v3/order", 4, settles=True),
            "cancel": Endpoint("DELETE", "/api/v3/order", 1),
            "open_orders": Endpoint("GET", "/api/v3/openOrders", 80),
            "balances": Endpoint("GET", "/api/v3/account", 20),
            "trades": Endpoint("GET", "/api/v3/myTrades", 20),
            "fills": Endpoint("GET", "/api/v3/myTrades", 5, settles=True),  # Of one order.
            "key_scope": Endpoint("GET", "/sapi/v1/account/apiRestrictions", 1),
        }
    ),
)

TRAITS: Mapping[str, VenueTraits] = MappingProxyType({BINANCE_SPOT.venue: BINANCE_SPOT})


def client_order_id(prefix: str, digest: str, traits: VenueTraits = BINANCE_SPOT) -> str:
    """Join the tenant's broker prefix and a copy's digest to an id that the exchange accepts.

    The digest is cut to the room that is left, so the same inputs always give the same id.
    Raises `ConfigError` for a prefix that is malformed or leaves too little room; a bad digest is our bug.
    """
    room = _room(prefix, traits.venue)
    assert len(digest) >= DIGEST_LEN_MIN, "digest is too short to be unique"
    text = prefix + digest[:room]
    assert re.fullmatch(traits.client_order_id_pattern, text), f"digest has characters that {traits.venue} refuses"
    return text


@lru_cache(maxsize=1024)
def _room(prefix: str, venue: str) -> int:
    """Return how many characters a prefix leaves for the digest."""
    traits = TRAITS[venue]
    if not re.fullmatch(traits.broker_prefix_pattern, prefix):
        raise ConfigError(
            f"broker prefix for {traits.venue}: expected {traits.broker_prefix_pattern}, found {prefix!r}"
        )
    room = traits.client_order_id_len_max - len(prefix)
    if room < DIGEST_LEN_MIN:
        raise ConfigError(f"broker prefix for {traits.venue}: expected at least {DIGEST_LEN_MIN} free, found {room}")
    return room
