"""Kill switches: what each one reaches and stops, and which is the strongest that applies. Pure.

A switch stops orders that open; closes are never asked about one. What it stopped is not made good once it is lifted.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from enum import StrEnum
from typing import NamedTuple


class Reach(StrEnum):
    """What a switch is about, the widest first; `all` is the platform's alone."""

    ALL = "all"
    TENANT = "tenant"
    EXCHANGE = "exchange"
    INSTRUMENT = "instrument"
    STRATEGY = "strategy"


class Stops(StrEnum):
    """What a switch stops: orders that open, or all, so that what is held is closed besides."""

    OPENS = "opens"
    ALL = "all"


# Over every brand at once: to close there takes two people.
_ACROSS_BRANDS = frozenset({Reach.ALL, Reach.EXCHANGE, Reach.INSTRUMENT})
_WIDTH = {reach: width for width, reach in enumerate(reversed(Reach))}


class Spot(NamedTuple):
    """Where an order would open; `exchange` is an exchange's environment ("binance-live"), `symbol` ccxt's."""

    tenant_id: int
    exchange: str
    symbol: str
    strategy_id: int


_REACHES: Mapping[Reach, Callable[[str, Spot], bool]] = {
    Reach.ALL: lambda subject, spot: True,  # noqa: ARG005 - as the others
    Reach.TENANT: lambda subject, spot: subject in ("", str(spot.tenant_id)),
    Reach.EXCHANGE: lambda subject, spot: subject == spot.exchange,
    Reach.INSTRUMENT: lambda subject, spot: subject == spot.symbol,
    Reach.STRATEGY: lambda subject, spot: subject == str(spot.strategy_id),
}


@dataclass(frozen=True, slots=True)
class ThrownSwitch:
    """A switch that was thrown: a brand's, or the whole platform's where `tenant_id` is None.

    `subject` is the exchange's environment, the ccxt symbol, or the strategy's number; for a brand that the platform
    stops the brand's number, else empty. `confirmed_by` is the second person where two are needed.
    """

    id: int
    tenant_id: int | None
    reach: Reach
    subject: str
    stops: Stops
    reason: str
    author: str
    at: datetime
    confirmed_by: str | None = None
    lifted_at: datetime | None = None
    lifted_by: str | None = None

    @property
    def of_platform(self) -> bool:
        return self.tenant_id is None

    @property
    def needs_two(self) -> bool:
        """Tell whether closing takes a second person: where it reaches more than one brand."""
        return needs_two(self.reach, self.stops, of_platform=self.of_platform)

    @property
    def closes(self) -> bool:
        """Tell whether what is held is closed; what waits for a second person stops opens only."""
        agreed = self.confirmed_by is not None or not self.needs_two
        return self.stops is Stops.ALL and agreed and self.lifted_at is None

    @property
    def facts(self) -> dict[str, str]:
        """Return what a denial says of it; a switch without a reason says none."""
        told = {"reach": str(self.reach), "subject": self.subject}
        return {**told, "reason": self.reason} if self.reason else told

    def lifted(self) -> ThrownSwitch:
        """Return it as one that stops and closes nothing any more."""
        return replace(self, lifted_at=self.lifted_at or self.at)

    def reaches(self, spot: Spot) -> bool:
        """Tell whether it applies to an order that would open there."""
        return self.tenant_id in (None, spot.tenant_id) and _REACHES[self.reach](self.subject, spot)


def needs_two(reach: Reach, stops: Stops, *, of_platform: bool) -> bool:
    """Tell whether such a switch closes only once a second person has confirmed it."""
    return of_platform and stops is Stops.ALL and reach in _ACROSS_BRANDS


def stopped(switches: Iterable[ThrownSwitch], spot: Spot) -> ThrownSwitch | None:
    """Return the strongest switch that stops an open there: one that closes, then the platform's, then the widest."""
    return max((switch for switch in switches if switch.reaches(spot)), key=_strength, default=None)


def _strength(switch: ThrownSwitch) -> tuple[bool, bool, int, int]:
    return switch.closes, switch.of_platform, _WIDTH[switch.reach], -switch.id


@dataclass(frozen=True, slots=True)
class SwitchBoard:
    """Every switch that is on: the platform's, and each brand's. `version` is that of the stored switches."""

    version: int = -1
    platform: tuple[ThrownSwitch, ...] = ()
    brands: Mapping[int, tuple[ThrownSwitch, ...]] = field(default_factory=dict)

    def __iter__(self) -> Iterator[ThrownSwitch]:
        yield from self.platform
        for switches in self.brands.values():
            yield from switches

    def stopped(self, spot: Spot) -> ThrownSwitch | None:
        """Return the strongest switch that stops an open there, None where it may go."""
        own = self.brands.get(spot.tenant_id, ())
        return stopped((*self.platform, *own), spot) if self.platform or own else None


class SwitchesNow:
    """The board that holds at this moment, for everyone in a process; only its watcher puts another one there.

    To compare `board` with the one asked last tells whether any switch has changed, at the cost of one look.
    """

    __slots__ = ("board",)

    def __init__(self, board: SwitchBoard | None = None) -> None:
        self.board = board or SwitchBoard()
