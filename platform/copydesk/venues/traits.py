"""What differs between exchanges, as data: id rules, units, modes, batch sizes, rate limits, allowed endpoints.

The HTTP layer refuses every (method, path) that is not among an origin's endpoints: no withdrawal can be sent by
mistake. Each fact has its row in `VenueTraits.sources`, each rate limit its own source and date.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from functools import lru_cache
from typing import NamedTuple

from copydesk.kernel import ConfigError, NotPermitted
from copydesk.trading import OrderType
from copydesk.venues.model import Wallet

DIGEST_LEN_MIN = 24  # 96 bits in hexadecimal: two copies never share an id by chance.


class LimitScope(StrEnum):
    """Who is counted: the outgoing address, the account, or the account's use of one instrument."""

    IP = "ip"
    KEY = "key"
    KEY_SYMBOL = "key_symbol"


class LimitUnit(StrEnum):
    WEIGHT = "weight"
    REQUESTS = "requests"
    ORDERS = "orders"


class QtyUnit(StrEnum):
    """In what an exchange counts perpetual quantities on its wire; the port always speaks base units."""

    BASE = "base"
    CONTRACTS = "contracts"


class ModeScope(StrEnum):
    """For how much one setting of the position or margin mode counts."""

    ACCOUNT = "account"
    PRODUCT = "product"
    SYMBOL = "symbol"
    ORDER = "order"


class Feature(StrEnum):
    """What an exchange may lack; contract cards that need it ask `VenueTraits.unsupported`."""

    SPOT_AMEND = "spot_amend"
    PERPETUAL_AMEND = "perpetual_amend"
    SPOT_CONDITIONAL = "spot_conditional"
    PERPETUAL_CONDITIONAL = "perpetual_conditional"
    SPOT_ATTACHED_EXITS = "spot_attached_exits"
    PERPETUAL_ATTACHED_EXITS = "perpetual_attached_exits"
    HEDGE_MODE = "hedge_mode"
    TRANSFER = "transfer"
    SPOT_MARKET_BUY = "spot_market_buy"
    SPOT_TRIGGER_SIDE = "spot_trigger_side"
    KEY_ADDRESS_NAMED = "key_address_named"
    KEY_RIGHT_NAMED = "key_right_named"
    KEY_EXPIRY_NAMED = "key_expiry_named"
    KEY_TRANSFER_RIGHT = "key_transfer_right"


class Source(NamedTuple):
    """Where a fact is written, and when it was read there."""

    page: str
    as_of: date


ANY: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True, eq=False)
class Endpoint:
    """One allowed request, the same only as itself. `weight` counts against the address, `orders` against the account.

    `settles`: it finds out what became of an order, or the time that every order needs, and may draw on the
    reserve that is kept for closes. `groups` are the rate limits, by their `group`, that it counts towards besides
    those without one. `asks` marks a request that changes nothing although its method is not GET. `takes` are the
    only parameters that may be sent, each with its only values, or with any: money that a request moves stays in the
    account by what it cannot say.
    """

    method: str
    path: str
    weight: int = 1
    orders: int = 0
    settles: bool = False
    groups: tuple[str, ...] = ()
    asks: bool = False
    takes: Mapping[str, Collection[str]] | None = None

    @property
    def mutates(self) -> bool:
        return self.method != "GET" and not self.asks

    def refuse_other(self, params: object) -> None:
        """Raise `NotPermitted` for parameters beyond `takes`."""
        if self.takes is None:
            return
        if not isinstance(params, Mapping):
            raise NotPermitted(f"{self.method} {self.path} takes named parameters alone")
        for name, value in params.items():
            if name not in self.takes or (self.takes[name] is not ANY and value not in self.takes[name]):
                raise NotPermitted(f"{self.method} {self.path} may not be sent with {name} as it is")


@dataclass(frozen=True, slots=True)
class RateLimit:
    """A published limit: `count` units per fixed window of `period_s` seconds, or, if `rolling`, in the last of them.

    With a `group` it concerns only endpoints that name the group, else every endpoint that costs its unit.
    """

    scope: LimitScope
    unit: LimitUnit
    count: int
    period_s: int
    source: str
    as_of: date
    group: str = ""
    rolling: bool = False


class OriginRules(NamedTuple):
    """What may be asked of one origin (scheme, host, port), and how often."""

    endpoints: Mapping[str, Endpoint]
    rate_limits: tuple[RateLimit, ...]


class BatchSizes(NamedTuple):
    """Most orders in one request; 1 where the exchange has no batches or we do not use them."""

    spot: int = 1
    perpetual: int = 1


@dataclass(frozen=True)
class VenueTraits:
    """The facts about one exchange. Patterns are matched against the whole text.

    `acknowledges_fill`: the answer to an order says what was filled; elsewhere an accepted order's view has
    quantity 0 and must be asked for. `wallets` are the purses that the exchange keeps apart: a unified account has
    no FUTURES of its own, and SPOT serves both. `unsupported` names what is refused here, and why. `sources` has
    a row for every field from `client_order_id_len_max` on; `connect_limit` counts stream connections.
    `absence_age_s_min`: an order that was acknowledged less than so long ago may be unknown to a query that lags
    behind. `fills_age_s_max`: executions that lie further back are not told.
    """

    venue: str
    origins: Mapping[str, OriginRules]
    unsupported: Mapping[Feature, str]
    sources: Mapping[str, Source]
    client_order_id_len_max: int
    client_order_id_pattern: str
    broker_prefix_pattern: str
    recv_window_ms: int
    connect_limit: RateLimit
    qty_unit: QtyUnit
    position_mode_scope: ModeScope
    margin_mode_scope: ModeScope
    batch_max: BatchSizes
    acknowledges_fill: bool
    conditional_types: frozenset[OrderType]
    wallets: frozenset[Wallet]
    absence_age_s_min: int
    fills_age_s_max: int

    @property
    def unified(self) -> bool:
        """Tell whether one purse pays for spot and perpetuals."""
        return Wallet.FUTURES not in self.wallets

    @property
    def rate_limits(self) -> tuple[RateLimit, ...]:
        """Return the limits of all origins, each once."""
        return tuple(dict.fromkeys(limit for rules in self.origins.values() for limit in rules.rate_limits))

    def supports(self, feature: Feature) -> bool:
        return feature not in self.unsupported


def client_order_id(prefix: str, digest: str, traits: VenueTraits) -> str:
    """Join the tenant's broker prefix and a copy's digest to an id that the exchange accepts.

    The digest is cut to the room that is left, so the same inputs always give the same id.
    Raises `ConfigError` for a prefix that is malformed or leaves too little room; a bad digest is our bug.
    """
    return client_order_ids(prefix, traits)(digest)


def client_order_ids(prefix: str, traits: VenueTraits) -> Callable[[str], str]:
    """Return `client_order_id` for many digests: letters and digits, as the exchange's pattern is looked at once."""
    room = _room(prefix, traits.venue, traits.broker_prefix_pattern, traits.client_order_id_len_max)
    sample = prefix + "0f" * (room // 2)
    assert re.fullmatch(traits.client_order_id_pattern, sample), f"{traits.venue} refuses digests"

    def join(digest: str) -> str:
        assert len(digest) >= DIGEST_LEN_MIN and digest.isalnum(), "digest is too short or has odd characters"
        return prefix + digest[:room]

    return join


@lru_cache(maxsize=1024)
def _room(prefix: str, venue: str, pattern: str, len_max: int) -> int:
    """Return how many characters a prefix leaves for the digest."""
    if not re.fullmatch(pattern, prefix):
        raise ConfigError(f"broker prefix for {venue}: expected {pattern}, found {prefix!r}")
    room = len_max - len(prefix)
    if room < DIGEST_LEN_MIN:
        raise ConfigError(f"broker prefix for {venue}: expected at least {DIGEST_LEN_MIN} free, found {room}")
    return room
