"""Names of lanes: which exchange environment they trade on, from which outgoing address, and their number.

"binance-lab:0" leaves from the usual address, "binance-lab@203.0.113.5:0" from that one: a key that is bound to an
address is no use elsewhere, and what an exchange counts by address is another's budget.
"""

from __future__ import annotations

from functools import lru_cache
from typing import NamedTuple

from copydesk.trading import Environment


class Whereabouts(NamedTuple):
    """Where a lane trades. `egress` is the local address, empty for the usual one."""

    venue: str
    environment: Environment
    egress: str

    @property
    def exchange(self) -> str:
        """Return the exchange environment as brands and price feeds know it ("binance-lab")."""
        return f"{self.venue}-{self.environment}"


def shard_of(
    venue: str, environment: Environment, account_number: int, shards: int, *, egress: str | None = None
) -> str:
    """Name the lane of a new account ("binance-lab:0"); it is stored with the account and never recomputed."""
    return f"{place_of(venue, environment, egress)}:{account_number % shards}"


def place_of(venue: str, environment: Environment, egress: str | None = None) -> str:
    """Name an exchange environment as seen from one outgoing address; the colons of IPv6 become underscores."""
    return f"{venue}-{environment}@{egress.replace(':', '_')}" if egress else f"{venue}-{environment}"


@lru_cache(maxsize=1024)
def whereabouts_of(shard: str) -> Whereabouts:
    """Read the name of a lane, or of the place that it begins with."""
    exchange, _, egress = shard.partition(":")[0].partition("@")
    venue, _, environment = exchange.partition("-")
    return Whereabouts(venue, Environment(environment), egress.replace("_", ":"))
