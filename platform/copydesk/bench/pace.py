"""How far apart signals are, so that neither an exchange's limits nor our own budgets make anybody wait. Pure."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from copydesk.bench.load import ADDRESS_ROOM, Load
from copydesk.venues import TRAITS
from copydesk.venues.budgets import seat_of
from copydesk.venues.client.budget import CLOSES_RESERVE_RATIO
from copydesk.venues.client.windows import bounds_of
from copydesk.venues.traits import LimitScope, LimitUnit


class Room(NamedTuple):
    """How many signals may open in one window of a limit without a lease."""

    signals: int
    period_s: int


def pause_s(load: Load, signals: int, *, replicators: int = 1) -> float:
    """Return how long to wait after each of so many signals.

    A limit whose window takes all of them asks for no pause. What an exchange needs beyond that, because it is also
    asked what became of each order, is data of the benchmark.
    """
    rooms = [room for venue in load.venues for room in rooms_of(venue, load, replicators)]
    fixed = [ADDRESS_ROOM[venue].pause_s for venue in load.venues if venue in ADDRESS_ROOM]
    return max([0.0, *fixed, *(room.period_s / room.signals for room in rooms if signals > room.signals)])


def rooms_of(venue: str, load: Load, replicators: int = 1) -> Iterator[Room]:
    """Yield what the limits that every order counts towards leave room for, at each of so many replicators.

    Weight is not among them: Binance, which counts it, gives back that of accepted orders.
    """
    seat, origins = seat_of("replicator", replicators), TRAITS[venue].origins
    origin = origins.get(load.market) or next(iter(origins.values()))
    costs = {
        (LimitScope.IP, LimitUnit.REQUESTS): load.neighbors(venue),
        (LimitScope.KEY, LimitUnit.REQUESTS): 1,
        (LimitScope.KEY, LimitUnit.ORDERS): 1,
    }
    for limit in origin.rate_limits:
        cost = costs.get((limit.scope, limit.unit))
        if cost is not None and not limit.group:
            own = bounds_of(limit, CLOSES_RESERVE_RATIO, seat).own
            yield Room(max(own.opens // cost, 1), limit.period_s)
