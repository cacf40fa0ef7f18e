"""Rate budgets, pure: what may be sent now without exceeding what the exchange allows.

The exchange counts in fixed windows (the clock minute, ten seconds, the day), so these do too: a leaky bucket
of the same size would let twice the limit through a window's border. What is under way counts in full until its
answer says otherwise. Opens stop at `1 - reserve` of every limit; the rest belongs to orders that reduce.
Times are epoch seconds, given by the caller.
"""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal

from copydesk.venues.traits import Endpoint, LimitScope, LimitUnit, RateLimit

CLOSES_RESERVE_RATIO = Decimal("0.30")
SAFETY_RATIO = Decimal(
    "0.95"
)  # Clocks differ a little at the window's border, and other programs may share the address.


@dataclass(frozen=True, slots=True)
class Reported:
    """Usage that an answer's headers tell; None where they are silent."""

    weight_1m: int | None = None
    orders_10s: int | None = None
    orders_1d: int | None = None


class Window:
    """Count one limit in its fixed windows."""

    __slots__ = ("_in_flight", "_index", "_limit", "_limit_opens", "_period_s", "_used")

    def __init__(self, count: int, period_s: int, reserve_ratio: Decimal) -> None:
        self._limit = int(count * SAFETY_RATIO)
        self._limit_opens = int(self._limit * (1 - reserve_ratio))
        self._period_s = period_s
        self._index = 0
        self._used = 0
        self._in_flight = 0

    def wait_s(self, cost: int, reduces: bool, now: float) -> float:
        """Return 0 when the cost fits, else the seconds until the window turns."""
        self._turn(now)
        if self._used + self._in_flight + cost <= (self._limit if reduces else self._limit_opens):
            return 0.0
        return (self._index + 1) * self._period_s - now

    def take(self, cost: int) -> None:
        self._in_flight += cost

    def settle(self, cost: int, spent: int, reported: int | None, now: float) -> None:
        """Replace what was taken by what it really cost, and believe the exchange when it counted more.

        Answers overtake each other, so a smaller count is an older one: within a window ours never falls.
        """
        self._turn(now)
        self._in_flight -= cost
        self._used = max(self._used + spent, reported or 0)

    def _turn(self, now: float) -> None:
        index = int(now // self._period_s)
        if index != self._index:
            self._index = index
            self._used = 0


@dataclass(frozen=True, slots=True)
class Charge:
    """What one request costs in one window."""

    window: Window
    cost: int
    cost_accepted: int
    limit: RateLimit


class RateBudget:
    """Hold the windows of one outgoing address and of every key that sends orders from it."""

    def __init__(self, limits: tuple[RateLimit, ...], *, reserve_ratio: Decimal = CLOSES_RESERVE_RATIO) -> None:
        self._limits = limits
        self._reserve_ratio = reserve_ratio
        self._address = self._windows(LimitScope.IP)
        self._keys: dict[str, list[tuple[RateLimit, Window]]] = {}
        self._charges: dict[tuple[str, Endpoint], tuple[Charge, ...]] = {}
        self._blocked_until = 0.0

    def try_take(self, endpoint: Endpoint, key: str, *, reduces: bool, now: float) -> float:
        """Take the request's cost and return 0, or take nothing and return the seconds to wait."""
        if now < self._blocked_until:
            return self._blocked_until - now
        charges = self._charges_of(endpoint, key)
        for charge in charges:
            wait_s = charge.window.wait_s(charge.cost, reduces, now)
            if wait_s > 0:
                return wait_s
        for charge in charges:
            charge.window.take(charge.cost)
        return 0.0

    def settle(self, endpoint: Endpoint, key: str, *, accepted: bool, reported: Reported, now: float) -> None:
        """Book what a request really cost. `accepted` says that it succeeded: accepted orders weigh nothing."""
        for charge in self._charges_of(endpoint, key):
            spent = charge.cost_accepted if accepted else charge.cost
            charge.window.settle(charge.cost, spent, _reported(charge.limit, reported), now)

    def block(self, retry_after_s: float, now: float) -> None:
        """Send nothing for a while: the exchange said so, and asking again prolongs a ban."""
        self._blocked_until = max(self._blocked_until, now + retry_after_s)

    def _charges_of(self, endpoint: Endpoint, key: str) -> tuple[Charge, ...]:
        payer = key if endpoint.orders else ""
        charges = self._charges.get((payer, endpoint))
        if charges is None:
            windows = self._address + (self._key_windows(payer) if endpoint.orders else [])
            charges = tuple(_charge(endpoint, limit, window) for limit, window in windows)
            self._charges[(payer, endpoint)] = charges
        return charges

    def _key_windows(self, key: str) -> list[tuple[RateLimit, Window]]:
        if key not in self._keys:
            self._keys[key] = self._windows(LimitScope.KEY)
        return self._keys[key]

    def _windows(self, scope: LimitScope) -> list[tuple[RateLimit, Window]]:
        return [(x, Window(x.count, x.period_s, self._reserve_ratio)) for x in self._limits if x.scope is scope]


def _charge(endpoint: Endpoint, limit: RateLimit, window: Window) -> Charge:
    if limit.unit is LimitUnit.WEIGHT:
        return Charge(window, endpoint.weight, 0 if endpoint.orders else endpoint.weight, limit)
    cost = endpoint.orders if limit.unit is LimitUnit.ORDERS else 1
    return Charge(window, cost, cost, limit)


def _reported(limit: RateLimit, reported: Reported) -> int | None:
    if limit.unit is LimitUnit.WEIGHT:
        return reported.weight_1m
    if limit.unit is LimitUnit.ORDERS:
        return reported.orders_10s if limit.period_s == 10 else reported.orders_1d
    return None
