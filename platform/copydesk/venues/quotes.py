"""What an exchange's public price channels say, in its own words and in ours. Pure.

An exchange gives its `Part`s: one for each address that carries prices, with the `Speech` that is spoken there.
Everything else about connections is in `prices` and `stream`.
"""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from typing import NamedTuple, Protocol

from copydesk.kernel import Unavailable
from copydesk.venues.client.wire import number

BTC_SPOT, BTC_PERPETUAL = "BTC/USDT", "BTC/USDT:USDT"


class Name(NamedTuple):
    """An instrument as the exchange names it; spot and perpetual may share a name."""

    perpetual: bool
    text: str


class Quote(NamedTuple):
    """What one message tells of one instrument, by the exchange's time; None leaves a price as it was told before.

    `whole`: what the message does not mention has not changed until now, as in streams of differences.
    """

    name: Name
    at_ms: int
    px: Decimal | None = None
    mark: Decimal | None = None
    whole: bool = False


class Told(NamedTuple):
    """What one message means: prices, how many subscriptions it accepts or refuses, or the end of the connection."""

    quotes: tuple[Quote, ...] = ()
    accepted: int = 0
    refused: str = ""
    failure: Unavailable | None = None


SILENCE = Told()


class Speech(Protocol):
    """Subscribe to prices and read them. `read` may raise what `client.wire.MISREAD` lists."""

    def frames(self, names: Sequence[Name]) -> list[str]:
        """Return the frames that subscribe to these instruments."""
        ...

    def answers(self, names: Sequence[Name]) -> int:
        """Return how many acceptances or refusals those frames are answered with."""
        ...

    def read(self, message: str) -> Told: ...


class Part(NamedTuple):
    """One address that carries prices. `stream` names it in `VenueUrls.streams`.

    `perpetual` says which market's prices it has, None both. `symbols_max` is how many instruments one connection
    subscribes to. `beat` is the frame that the exchange wants to hear every `beat_every_s`. `lively` are instruments
    that never rest: they are subscribed to as well, so that a mute connection is told from a quiet market.
    """

    name: str
    stream: str
    speech: Speech
    perpetual: bool | None
    symbols_max: int
    lively: tuple[str, ...]
    beat: str = ""
    beat_every_s: float = 0.0

    def carries(self, symbol: str) -> bool:
        """Tell whether a ccxt symbol is of this part's market."""
        return self.perpetual is None or self.perpetual == (":" in symbol)


def price(text: str | None) -> Decimal | None:
    """Read a price; an instrument that was never traded has an empty one, or zero."""
    value = number(text) if text else None
    return value if value is None or value > 0 else None


def pieces(items: Sequence[str], size: int) -> list[Sequence[str]]:
    """Cut a list into pieces of at most `size`."""
    return [items[start : start + size] for start in range(0, len(items), size)]
