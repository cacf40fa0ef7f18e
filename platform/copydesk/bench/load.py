"""What a fan-out is measured with: followers, exchanges, market and the way in which the lab is run."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import NamedTuple

SPOT, PERPETUAL = "spot", "perpetual"
MARKETS = (SPOT, PERPETUAL)
LIGHT, FULL = "light", "full"
ENGINES = (LIGHT, FULL)
SYMBOLS: Mapping[str, str] = MappingProxyType({SPOT: "BTC/USDT", PERPETUAL: "BTC/USDT:USDT"})
# Kept open from one address, and from all of them together: each is an open file, on both sides.
CONNECTIONS_MIN, CONNECTIONS_MAX, CONNECTIONS_SUM = 200, 1_000, 6_000
# What each follower's order is about, in base units; every exchange takes it.
ORDER_QTY = 0.002
# A price that stands still: what is measured is time.
PX = 100_000


class AddressRoom(NamedTuple):
    """How many followers share one outgoing address, and how long its limits need between two signals at least.

    With `usual` the first of them leave from the usual address.
    """

    followers_max: int
    pause_s: float = 0.0
    usual: bool = False


# Bybit takes 600 requests in five seconds of an address, Bitget 6,000 a minute, and both are asked what each order
# has filled. Binance's orders weigh nothing once they are accepted, but each counts while it is under way. OKX counts
# orders by account alone. A desk of that size has more addresses there too.
ADDRESS_ROOM: Mapping[str, AddressRoom] = MappingProxyType(
    {
        "binance": AddressRoom(1_000, usual=True),
        "bybit": AddressRoom(100, 6.0),
        "bitget": AddressRoom(250, 10.0),
    }
)


@dataclass(frozen=True)
class Load:
    """Who copies where. `lanes` are the shards on each exchange of accounts that leave from the usual address."""

    followers: int
    venues: tuple[str, ...] = ("binance",)
    market: str = SPOT
    lanes: int = 1

    @property
    def symbol(self) -> str:
        return SYMBOLS[self.market]

    def spread(self) -> dict[str, int]:
        """Return how many followers each exchange has: evenly, what does not divide goes to the first ones."""
        each, more = divmod(self.followers, len(self.venues))
        return {venue: each + (number < more) for number, venue in enumerate(self.venues)}

    def address(self, venue: str, number: int) -> str | None:
        """Return the outgoing address of an exchange's follower, a loopback one; None for the usual address."""
        room = ADDRESS_ROOM.get(venue)
        if room is None or (room.usual and number < room.followers_max):
            return None
        return f"127.0.2.{number // room.followers_max + (0 if room.usual else 1)}"

    def neighbors(self, venue: str) -> int:
        """Return the most followers of an exchange that share an address."""
        room = ADDRESS_ROOM.get(venue)
        return min(self.spread()[venue], room.followers_max) if room else self.spread()[venue]

    @property
    def connections(self) -> int:
        """Return the connections that are opened ahead of need from each address."""
        wanted = min(max(max(map(self.neighbors, self.venues)) // 2, CONNECTIONS_MIN), CONNECTIONS_MAX)
        return min(wanted, CONNECTIONS_SUM // (len(self.addresses()) + len(self.venues)))

    def addresses(self) -> list[str]:
        """Return every address but the usual one, each once."""
        found = (self.address(venue, number) for venue, many in self.spread().items() for number in range(many))
        return list(dict.fromkeys(address for address in found if address))


@dataclass(frozen=True)
class Plan:
    """What to measure. `plain` also runs the comparisons; `tls` has the lab serve orders under its own certificate."""

    load: Load
    rtt_ms: float
    signals: int
    plain: bool = True
    engine: str = LIGHT
    tls: bool = False
