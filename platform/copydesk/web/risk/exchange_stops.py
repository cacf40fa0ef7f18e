"""How the open perpetuals of a brand, or of one subscription, are protected by stops that rest at the exchange."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

from copydesk.replication import CopiedPerpetual, PositionStop, StopStanding
from copydesk.replication.moves import Direction
from copydesk.trading import PositionSide
from copydesk.web.market import direction_words
from copydesk.web.stop_words import bare_words, told_words

BARE_SHOWN = 10


@dataclass(frozen=True)
class BareLine:
    """One position without a stop: `side` only where a market has two, `told` in the exchange's own words."""

    subscription_id: int
    symbol: str
    side: str
    why: str
    told: str


@dataclass(frozen=True)
class ExchangeStops:
    """How many positions have a stop that rests, when the one was seen that was seen longest ago, and who has none.

    `wanted` is False for a brand that keeps no stops; `hidden` more positions without one are not listed.
    """

    wanted: bool
    resting: int
    positions: int
    seen_at: datetime | None
    bare: tuple[BareLine, ...]
    hidden: int

    @property
    def missing(self) -> int:
        return self.positions - self.resting if self.wanted else 0


@dataclass(frozen=True)
class OwnPerpetual:
    """A copied perpetual with its stop; `stop` is None where none rests, then `why` and `told` say why."""

    copied: CopiedPerpetual
    stop: PositionStop | None
    why: str = ""
    told: str = ""


def brand_stops(standings: Sequence[StopStanding], *, wanted: bool) -> ExchangeStops:
    """Put a brand's positions in lines."""
    bare = [one for one in standings if not one.protected] if wanted else []
    seen = [one.stop.verified_at for one in standings if one.protected and one.stop and one.stop.verified_at]
    return ExchangeStops(
        wanted,
        sum(one.protected for one in standings),
        len(standings),
        min(seen, default=None),
        tuple(map(_bare_line, bare[:BARE_SHOWN])),
        max(len(bare) - BARE_SHOWN, 0),
    )


def own_perpetual(copied: CopiedPerpetual, standings: Iterable[StopStanding]) -> OwnPerpetual:
    """Pair a copied perpetual with its stop among those of its subscription."""
    book = copied.symbol, copied.position_side
    standing = next((one for one in standings if (one.symbol, one.position_side) == book), None)
    stop = standing and standing.stop
    if standing is not None and standing.protected:
        return OwnPerpetual(copied, stop)
    return OwnPerpetual(copied, None, *_why(stop))


def _bare_line(one: StopStanding) -> BareLine:
    side = "" if one.position_side is PositionSide.NET else direction_words(Direction(one.position_side))
    return BareLine(one.subscription_id, one.symbol, side, *_why(one.stop))


def _why(stop: PositionStop | None) -> tuple[str, str]:
    """Say why none rests, in our words and in the exchange's."""
    return (bare_words(None), "") if stop is None else (bare_words(stop.state), told_words(stop.reason))
