"""Rate budgets, pure: what may be sent now without exceeding what the exchange allows.

Where an exchange counts in fixed windows (the clock minute, ten seconds, the day), these do too: a leaky bucket of the
same size would let twice the limit through a window's border. Where it counts over the last seconds, or does not say,
so do these (`rolling`). What is under way counts in full until its answer says otherwise. Opens stop at `1 - reserve`
of every limit; the rest belongs to orders that reduce. What can wait stops far below, so that opens find their part
whole.
Times are epoch seconds, given by the caller.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from decimal import Decimal
from types import MappingProxyType
from typing import Protocol

from copydesk.venues.client.brand_shares import BrandShares
from copydesk.venues.client.breaker import TRIP_RATIO, Breaker
from copydesk.venues.client.draw import Draw
from copydesk.venues.client.rolling import RollingWindow
from copydesk.venues.client.windows import ALONE, LEVEL, Charge, Seat, Window, bounds_of, settle_all, take_all
from copydesk.venues.traits import Endpoint, LimitScope, LimitUnit, RateLimit

CLOSES_RESERVE_RATIO = Decimal("0.30")

# Usage that an answer's headers tell, by unit, period in seconds and group; empty where they are silent.
Reported = Mapping[tuple[LimitUnit, int, str], int]
SILENT: Reported = MappingProxyType({})


class Coming(Protocol):
    """One request that is about to be sent: what it takes of the budget."""

    @property
    def endpoint(self) -> Endpoint: ...

    @property
    def key(self) -> str: ...

    @property
    def symbol(self) -> str: ...

    @property
    def draw(self) -> Draw: ...


@dataclass(slots=True)
class Reach:
    """How an endpoint's limits count, by key or also by symbol, and the charges of those that were met so far.

    `shared` are its limits by address, each with what it costs there and what an accepted request costs less; it is
    told with the first charges.
    """

    per_key: bool
    per_symbol: bool
    charges: dict[str | tuple[str, str], tuple[Charge, ...]]
    shared: tuple[tuple[BrandShares, int, int], ...] = ()


class RateBudget:
    """Hold the windows of one outgoing address, of every key used from it, and of each key's instruments."""

    def __init__(
        self,
        limits: tuple[RateLimit, ...],
        *,
        reserve_ratio: Decimal = CLOSES_RESERVE_RATIO,
        seat: Seat = ALONE,
    ) -> None:
        self._limits = limits
        self._reserve_ratio = reserve_ratio
        self._seat = seat
        self._windows: dict[tuple[RateLimit, str, str], Window] = {}
        self._shares: dict[Window, BrandShares] = {}
        self._reach: dict[Endpoint, Reach] = {}
        self._blocked_until = 0.0
        self._keys_blocked_until: dict[str, float] = {}
        self._breaker = _breaker_of(limits)

    def try_take(
        self, endpoint: Endpoint, key: str, symbol: str = "", *, draw: Draw, now: float, brand: int = 0
    ) -> float:
        """Take the request's cost and return 0, or take nothing and return the seconds to wait.

        A `brand` takes no more than its fair share while others want theirs; 0 is nobody's in particular.
        """
        if now < self._blocked_until or self._keys_blocked_until:
            blocked_until = max(self._blocked_until, self._keys_blocked_until.get(key, 0.0))
            if now < blocked_until:
                return blocked_until - now
        level = LEVEL[draw]
        charges = self._charges_of(endpoint, key, symbol)
        shared = self._reach[endpoint].shared if brand else ()
        for place, (shares, cost, _) in enumerate(shared):
            if wait_s := shares.take(brand, cost, now, urgent=not level):
                _give_back(shared[:place], brand, now)
                return wait_s
        full = take_all(charges, level, now)
        if full is None:
            return 0.0
        _give_back(shared, brand, now)
        if brand and full.window in self._shares:
            self._shares[full.window].want(brand, full.cost)
        self._denied(full, draw, now)
        return full.window.wait_s(full.cost, 0 if full.others else level, now)

    def settle(
        self,
        endpoint: Endpoint,
        key: str,
        symbol: str = "",
        *,
        accepted: bool,
        reported: Reported,
        now: float,
        brand: int = 0,
    ) -> None:
        """Book what a request really cost. `accepted` says that it succeeded: accepted orders weigh nothing."""
        charges = self._charges_of(endpoint, key, symbol)
        settle_all(charges, now, accepted=accepted)
        if brand and accepted:
            for shares, _, less in self._reach[endpoint].shared:
                if less:
                    shares.give_back(brand, less, now)
        if reported:
            for charge in charges:
                limit = charge.limit
                charge.window.hear(reported.get((limit.unit, limit.period_s, limit.group), 0), now)

    async def ahead(self, coming: Iterable[Coming], now: float, *, at_once: int) -> None:
        """Get ready for requests that are about to be sent, `at_once` together at most.

        Alone behind the address there is nobody to agree with.
        """

    def breaker_s(self, endpoint: Endpoint, now: float) -> float:
        """Return 0 when an open may be sent, else the seconds for which a storm of refusals has stopped opens."""
        return self._breaker.wait_s(now) if self._breaker and endpoint.weight else 0.0

    def book_order(self, endpoint: Endpoint, now: float, *, accepted: bool, reduces: bool) -> float:
        """Count what became of an order that was sent; return for how long opens are stopped from now on, or 0."""
        if not self._breaker or not endpoint.weight:
            return 0.0
        open_s = self._breaker.book(now, accepted=accepted, reduces=reduces)
        if open_s:
            self._breaker_opened(open_s)
        return open_s

    def block(self, retry_after_s: float, now: float, key: str = "") -> None:
        """Send nothing for a while, for one key or for all: the exchange said so, and asking again prolongs a ban."""
        if key:
            self._keys_blocked_until = {k: until for k, until in self._keys_blocked_until.items() if until > now}
            self._keys_blocked_until[key] = max(self._keys_blocked_until.get(key, 0.0), now + retry_after_s)
        else:
            self._blocked_until = max(self._blocked_until, now + retry_after_s)

    def _breaker_opened(self, open_s: float) -> None:
        """Take note that opens are stopped; whoever shares the address tells the others."""

    def _denied(self, charge: Charge, draw: Draw, now: float) -> None:
        """Take note that a request did not fit; whoever leases asks for more."""

    def _charges_of(self, endpoint: Endpoint, key: str, symbol: str) -> tuple[Charge, ...]:
        reach = self._reach.get(endpoint)
        if reach is None:
            reach = self._reach[endpoint] = self._reach_of(endpoint)
        whose = (key, symbol) if reach.per_symbol else key if reach.per_key else ""
        charges = reach.charges.get(whose)
        if charges is None:
            charges = tuple(self._charge(endpoint, limit, key, symbol) for limit in self._limits_of(endpoint))
            reach.charges[whose] = charges
            if not reach.shared:
                reach.shared = tuple(self._shared(charges))
        return charges

    def _reach_of(self, endpoint: Endpoint) -> Reach:
        scopes = {limit.scope for limit in self._limits_of(endpoint)}
        return Reach(bool(scopes - {LimitScope.IP}), LimitScope.KEY_SYMBOL in scopes, {})

    def _limits_of(self, endpoint: Endpoint) -> list[RateLimit]:
        applying = (limit for limit in self._limits if not limit.group or limit.group in endpoint.groups)
        return [limit for limit in applying if _cost(endpoint, limit.unit)]

    def _charge(self, endpoint: Endpoint, limit: RateLimit, key: str, symbol: str) -> Charge:
        per_symbol = limit.scope is LimitScope.KEY_SYMBOL
        whose = (limit, "" if limit.scope is LimitScope.IP else key, symbol if per_symbol else "")
        if whose not in self._windows:
            kind = RollingWindow if limit.rolling else Window
            self._windows[whose] = kind(bounds_of(limit, self._reserve_ratio, self._seat))
            self._opened(self._windows[whose], *whose)
        cost = _cost(endpoint, limit.unit)
        weightless = limit.unit is LimitUnit.WEIGHT and endpoint.orders
        others = bool(limit.group) and limit.scope is not LimitScope.IP and not endpoint.orders
        return Charge(self._windows[whose], cost, 0 if weightless else cost, limit, others)

    def _shared(self, charges: Iterable[Charge]) -> Iterator[tuple[BrandShares, int, int]]:
        """Count windows of the address by brand: what is this process's own of one, or may be leased."""
        for charge in charges:
            if charge.limit.scope is LimitScope.IP:
                bounds = charge.window.bounds
                most = bounds.own.opens + bounds.pool.opens
                shares = self._shares.setdefault(charge.window, BrandShares(most, charge.limit.period_s))
                yield shares, charge.cost, charge.cost - charge.cost_accepted

    def _opened(self, window: Window, limit: RateLimit, key: str, symbol: str) -> None:
        """Take note of a new window: of the address, of a key, or of a key's instrument."""


def _give_back(shared: Iterable[tuple[BrandShares, int, int]], brand: int, now: float) -> None:
    for shares, cost, _ in shared:
        shares.give_back(brand, cost, now)


def _breaker_of(limits: Iterable[RateLimit]) -> Breaker | None:
    """Return a breaker where requests weigh on the address: there accepted orders weigh nothing, refused ones do."""
    weights = [lim.count for lim in limits if lim.unit is LimitUnit.WEIGHT and lim.scope is LimitScope.IP]
    return Breaker(max(int(min(weights) * TRIP_RATIO), 1)) if weights else None


def _cost(endpoint: Endpoint, unit: LimitUnit) -> int:
    if unit is LimitUnit.WEIGHT:
        return endpoint.weight
    return endpoint.orders if unit is LimitUnit.ORDERS else 1
