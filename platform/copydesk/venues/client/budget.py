"""Rate budgets, pure: what may be sent now without exceeding what the exchange allows.

The exchange counts in fixed windows (the clock minute, ten seconds, the day), so these do too: a leaky bucket
of the same size would let twice the limit through a window's border. What is under way counts in full until its
answer says otherwise. Opens stop at `1 - reserve` of every limit; the rest belongs to orders that reduce. What can
wait stops far below, so that opens find their part whole.
Times are epoch seconds, given by the caller.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from types import MappingProxyType

from copydesk.venues.traits import Endpoint, LimitScope, LimitUnit, RateLimit

CLOSES_RESERVE_RATIO = Decimal("0.30")
SPARE_RATIO = Decimal("0.30")
SAFETY_RATIO = Decimal(
    "0.95"
)  # Clocks differ a little at the window's border, and other programs may share the address.


# Usage that an answer's headers tell, by unit, period in seconds and group; empty where they are silent.
Reported = Mapping[tuple[LimitUnit, int, str], int]
SILENT: Reported = MappingProxyType({})


class Window:
    """Count one limit in its fixed windows."""

    __slots__ = ("_in_flight", "_index", "_limit", "_limit_opens", "_limit_spare", "_period_s", "_used")

    def __init__(self, count: int, period_s: int, reserve_ratio: Decimal) -> None:
        # A limit of one or two has nothing to keep back: with less than one in a window nobody could ever send.
        self._limit = max(int(count * SAFETY_RATIO), 1)
        self._limit_opens = max(int(self._limit * (1 - reserve_ratio)), 1)
        self._limit_spare = max(int(self._limit * SPARE_RATIO), 1)
        self._period_s = period_s
        self._index = 0
        self._used = 0
        self._in_flight = 0

    def wait_s(self, cost: int, reduces: bool, spare: bool, now: float) -> float:
        """Return 0 when the cost fits, else the seconds until the window turns."""
        self._turn(now)
        limit = self._limit if reduces else self._limit_spare if spare else self._limit_opens
        if self._used + self._in_flight + cost <= limit:
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
    """What one request costs in one window; no order ever counts in a window of `others`, so nothing is reserved."""

    window: Window
    cost: int
    cost_accepted: int
    limit: RateLimit
    others: bool


class RateBudget:
    """Hold the windows of one outgoing address, of every key used from it, and of each key's instruments."""

    def __init__(self, limits: tuple[RateLimit, ...], *, reserve_ratio: Decimal = CLOSES_RESERVE_RATIO) -> None:
        self._limits = limits
        self._reserve_ratio = reserve_ratio
        self._windows: dict[tuple[RateLimit, str, str], Window] = {}
        self._charges: dict[tuple[Endpoint, str, str], tuple[Charge, ...]] = {}
        self._reach: dict[Endpoint, tuple[bool, bool]] = {}
        self._blocked_until = 0.0
        self._keys_blocked_until: dict[str, float] = {}

    def try_take(
        self, endpoint: Endpoint, key: str, symbol: str = "", *, reduces: bool, now: float, spare: bool = False
    ) -> float:
        """Take the request's cost and return 0, or take nothing and return the seconds to wait.

        `spare` marks what can wait: it leaves most of every window to others.
        """
        blocked_until = self._blocked_until
        if self._keys_blocked_until:
            blocked_until = max(blocked_until, self._keys_blocked_until.get(key, 0.0))
        if now < blocked_until:
            return blocked_until - now
        charges = self._charges_of(endpoint, key, symbol)
        for charge in charges:
            wait_s = charge.window.wait_s(charge.cost, reduces or charge.others, spare, now)
            if wait_s > 0:
                return wait_s
        for charge in charges:
            charge.window.take(charge.cost)
        return 0.0

    def settle(
        self, endpoint: Endpoint, key: str, symbol: str = "", *, accepted: bool, reported: Reported, now: float
    ) -> None:
        """Book what a request really cost. `accepted` says that it succeeded: accepted orders weigh nothing."""
        for charge in self._charges_of(endpoint, key, symbol):
            spent = charge.cost_accepted if accepted else charge.cost
            told = reported.get((charge.limit.unit, charge.limit.period_s, charge.limit.group)) if reported else None
            charge.window.settle(charge.cost, spent, told, now)

    def block(self, retry_after_s: float, now: float, key: str = "") -> None:
        """Send nothing for a while, for one key or for all: the exchange said so, and asking again prolongs a ban."""
        if key:
            self._keys_blocked_until = {k: until for k, until in self._keys_blocked_until.items() if until > now}
            self._keys_blocked_until[key] = max(self._keys_blocked_until.get(key, 0.0), now + retry_after_s)
        else:
            self._blocked_until = max(self._blocked_until, now + retry_after_s)

    def _charges_of(self, endpoint: Endpoint, key: str, symbol: str) -> tuple[Charge, ...]:
        per_key, per_symbol = self._reach_of(endpoint)
        whose = (endpoint, key if per_key else "", symbol if per_symbol else "")
        charges = self._charges.get(whose)
        if charges is None:
            charges = tuple(self._charge(endpoint, limit, key, symbol) for limit in self._limits_of(endpoint))
            self._charges[whose] = charges
        return charges

    def _reach_of(self, endpoint: Endpoint) -> tuple[bool, bool]:
        """Tell whether an endpoint's limits count by key, and by key and symbol."""
        reach = self._reach.get(endpoint)
        if reach is None:
            scopes = {limit.scope for limit in self._limits_of(endpoint)}
            reach = (scopes != {LimitScope.IP} and bool(scopes), LimitScope.KEY_SYMBOL in scopes)
            self._reach[endpoint] = reach
        return reach

    def _limits_of(self, endpoint: Endpoint) -> list[RateLimit]:
        applying = (limit for limit in self._limits if not limit.group or limit.group in endpoint.groups)
        return [limit for limit in applying if _cost(endpoint, limit.unit)]

    def _charge(self, endpoint: Endpoint, limit: RateLimit, key: str, symbol: str) -> Charge:
        per_symbol = limit.scope is LimitScope.KEY_SYMBOL
        whose = (limit, "" if limit.scope is LimitScope.IP else key, symbol if per_symbol else "")
        if whose not in self._windows:
            self._windows[whose] = Window(limit.count, limit.period_s, self._reserve_ratio)
        cost = _cost(endpoint, limit.unit)
        weightless = limit.unit is LimitUnit.WEIGHT and endpoint.orders
        others = bool(limit.group) and limit.scope is not LimitScope.IP and not endpoint.orders
        return Charge(self._windows[whose], cost, 0 if weightless else cost, limit, others)


def _cost(endpoint: Endpoint, unit: LimitUnit) -> int:
    if unit is LimitUnit.WEIGHT:
        return endpoint.weight
    return endpoint.orders if unit is LimitUnit.ORDERS else 1
