"""What a Bitget endpoint declares: its handler, how often it may be called and the right that it needs.

Rates per second are those of the exchange's reference (20 times/s by address for public data, per user id for the
rest), which ccxt's table of costs repeats.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

from copydesk.venues.lab.dialects.bitget.params import Call
from copydesk.venues.lab.keys import PERP, READ, TRADE, TRANSFER, ApiKey

Handler = Callable[[Call], bytes]


class Right(NamedTuple):
    """A right of a key in Bitget's words. One that may write may read too; `writes` names the lab's own rights."""

    words: str
    writes: frozenset[str]
    change: bool

    def held_by(self, key: ApiKey) -> bool:
        held = key.permissions
        return bool(self.writes & held) or (not self.change and READ in held)

    @property
    def need(self) -> str:
        return f"{self.words} write" if self.change else f"{self.words} read or {self.words} write"


def _right(words: str, *writes: str) -> tuple[Right, Right]:
    return Right(words, frozenset(writes), False), Right(words, frozenset(writes), True)


SPOT_READ, SPOT_WRITE = _right("spot order", TRADE)
ORDER_READ, ORDER_WRITE = _right("future order", PERP)
POSITION_READ, POSITION_WRITE = _right("future position", PERP)
TRANSFER_READ, TRANSFER_WRITE = _right("transfer", TRANSFER)
MANAGE_READ, MANAGE_WRITE = _right("uta manage", TRADE, PERP)
UNIFIED_READ, UNIFIED_WRITE = _right("uta trade", TRADE, PERP)


class Route(NamedTuple):
    """One endpoint. `rate` is per second: per address without a `right`, else per account."""

    handler: Handler
    rate: int
    right: Right | None


Routes = dict[tuple[str, str], Route]


def public(handler: Handler, rate: int = 20) -> Route:
    return Route(handler, rate, None)


def private(handler: Handler, right: Right, rate: int = 10) -> Route:
    return Route(handler, rate, right)
