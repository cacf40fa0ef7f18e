"""One limit counted in its fixed windows, and how much of it this process may use. Pure.

Alone behind its address a process may use all of a limit. Beside others it has a share of each window that is its
own without asking, and leases more of the common rest (see `platform/docs/algorithms/rate-budgets.md`).
Units are those of the limit; times are epoch seconds, given by the caller.
"""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from functools import lru_cache
from typing import NamedTuple

from copydesk.venues.client.draw import Draw
from copydesk.venues.traits import LimitScope, LimitUnit, RateLimit

SPARE_RATIO = Decimal("0.30")
SAFETY_RATIO = Decimal(
    "0.95"
)  # Clocks differ a little at the window's border, and other programs may share the address.
LEASE_WAIT_S = 0.05  # A window that lacks nothing but a lease may have it this soon.


class Shares(NamedTuple):
    """The parts of a count that each process has for its own, one after the other; what they leave is leased.

    The last `modest` ones have nothing of a count that their part of is less than one.
    """

    parts: tuple[Decimal, ...]
    modest: int = 0

    def split(self, count: int, place: int) -> tuple[int, int]:
        """Return how many units are one process's own, and how many are everybody's to lease.

        Everyone else with a part has at least one, if there are that many.
        """
        firm = len(self.parts) - self.modest
        least = 1 if count >= firm else 0
        units = [
            max(int(count * part), least if part and number < firm else 0) for number, part in enumerate(self.parts)
        ]
        assert sum(units) <= count, "the shares of one address add up to more than its limits"
        return units[place], count - sum(units)


class Seat(NamedTuple):
    """This process among those that send from one address: nobody else may.

    Shares differ by what is counted: the address, an account's orders, or what else is asked with its key.
    """

    address: Shares
    orders: Shares
    keys: Shares
    place: int

    def split(self, limit: RateLimit, count: int) -> tuple[int, int]:
        """Return the own units of a limit of so many, and those to lease."""
        if limit.scope is LimitScope.IP:
            return self.address.split(count, self.place)
        return (self.orders if limit.unit is LimitUnit.ORDERS else self.keys).split(count, self.place)


_ALL = Shares((Decimal(1),))
ALONE = Seat(_ALL, _ALL, _ALL, 0)


class Levels(NamedTuple):
    """How much of a count each draw may use."""

    reserve: int
    opens: int
    spare: int

    @classmethod
    def of(cls, count: int, reserve_ratio: Decimal) -> Levels:
        """Keep a part back; of a count of one or two there is nothing to keep, or nobody could ever send."""
        opens, spare = int(count * (1 - reserve_ratio)), int(count * SPARE_RATIO)
        return cls(count, max(opens, 1), max(spare, 1)) if count else cls(0, 0, 0)


NOTHING = Levels(0, 0, 0)
LEVEL = {Draw.RESERVE: 0, Draw.OPENS: 1, Draw.SPARE: 2}  # Where `Levels` has each.


class Bounds(NamedTuple):
    """What one limit means for one process: all that may be used, what is its own of it, and the pool to lease from."""

    limit: Levels
    own: Levels
    pool: Levels
    period_s: int


@lru_cache(maxsize=1024)
def bounds_of(limit: RateLimit, reserve_ratio: Decimal, seat: Seat = ALONE) -> Bounds:
    """Divide a limit; windows of thousands of accounts share one answer."""
    # With less than one in a window nobody could ever send.
    safe = max(int(limit.count * SAFETY_RATIO), 1)
    own, pool = seat.split(limit, safe)
    limited, owned, pooled = (Levels.of(count, reserve_ratio) for count in (safe, own, pool))
    return Bounds(limited, owned, pooled, limit.period_s)


class Statement(NamedTuple):
    """What a process says about window number `turn`: what it holds beyond its share, has spent, and was told."""

    turn: int
    held: int
    spent: int
    told: int


class Window:
    """Count one limit in its fixed windows.

    What is under way counts in the window in which it was sent and in the one in which its answer comes: nobody
    knows in which of them the exchange counted it.
    """

    __slots__ = (
        "_from",
        "_held",
        "_in_flight",
        "_index",
        "_leased",
        "_limit",
        "_told",
        "_until",
        "_used",
        "bounds",
    )

    def __init__(self, bounds: Bounds) -> None:
        self.bounds = bounds
        self._limit = bounds.limit
        self._index = 0
        self._from = self._until = 0.0
        self._told = 0
        self._used = 0
        self._in_flight = 0
        self._leased = NOTHING
        self._held = bounds.own

    def wait_s(self, cost: int, level: int, now: float) -> float:
        """Return 0 when the cost fits, else the seconds until it may; `level` is one of `LEVEL`."""
        if not self._from <= now < self._until:
            self._turn(now)
        coming = self._in_flight + cost
        if self._told + coming > self._limit[level]:
            return self._left_s(now)
        if self._used + coming <= self._held[level]:
            return 0.0
        return min(LEASE_WAIT_S, self._left_s(now)) if self.bounds.pool.reserve else self._left_s(now)

    def take(self, cost: int) -> None:
        self._in_flight += cost

    def hear(self, reported: int, now: float) -> None:
        """Believe the exchange when it counted more.

        Answers overtake each other, so a smaller count is an older one: within a window ours never falls.
        """
        self._turn(now)
        self._told = max(self._told, reported)

    def lacks(self, cost: int, draw: Draw, now: float) -> int:
        """Return how many units must be leased before the cost fits; 0 if it fits or no lease would help."""
        self._turn(now)
        level = LEVEL[draw]
        coming = self._in_flight + cost
        if not self.bounds.pool[level] or self._told + coming > self.bounds.limit[level]:
            return 0
        return max(self._used + coming - self.bounds.own[level] - self._leased[level], 0)

    def statement(self, now: float) -> Statement:
        """Say what this process holds of the current window, as an absolute number: saying it twice changes nothing."""
        self._turn(now)
        beyond = self._used + self._in_flight - self.bounds.own.reserve
        return Statement(self._index, max(self._leased.reserve, beyond, 0), self._used, self._told)

    def leased(self, said: Statement, granted: int, draw: Draw, told: int, now: float) -> None:
        """Take the answer to a statement: what it said is now held, and so is what was granted on top of it."""
        self._turn(now)
        if said.turn != self._index:
            return  # The window has turned meanwhile, and the lease has ended with it.
        self._told = max(self._told, told)
        # What came over from the last window counts as opens do: it may have been any of them.
        self._hold(_plus(_plus(self._leased, said.held - self._leased.reserve, Draw.OPENS), granted, draw))

    def give_back(self, keep: int, now: float) -> None:
        """Hold no longer what is leased beyond `keep` unused units; the next statement tells the others."""
        self._turn(now)
        if not self._leased.reserve:
            return
        reserve, opens, spare = self._leased
        unused = self._held.reserve - self._used - self._in_flight
        excess = min(unused - keep, reserve)
        if excess > 0:
            left = reserve - excess
            self._hold(Levels(left, min(opens, left), min(spare, left)))

    def busy(self, now: float) -> bool:
        """Tell whether anything was sent in this window, or is on its way."""
        self._turn(now)
        return self._used + self._in_flight > 0

    @property
    def leases(self) -> int:
        """Return how much is leased in the window that was current last."""
        return self._leased.reserve

    def _hold(self, leased: Levels) -> None:
        self._leased = leased
        self._held = Levels(*(own + more for own, more in zip(self.bounds.own, leased, strict=True)))

    def _left_s(self, now: float) -> float:
        return (self._index + 1) * self.bounds.period_s - now

    def _turn(self, now: float) -> None:
        if self._from <= now < self._until:
            return
        period_s = self.bounds.period_s
        index = self._index = int(now // period_s)
        # A clock that was set back a little does not open a window twice.
        self._from, self._until = (index - 1) * period_s, (index + 1) * period_s
        self._told = self._used = 0
        self._end_leases()

    def _end_leases(self) -> None:
        if self._leased.reserve:
            self._hold(NOTHING)


@dataclass(frozen=True, slots=True)
class Charge:
    """What one request costs in one window; no order ever counts in a window of `others`, so nothing is reserved."""

    window: Window
    cost: int
    cost_accepted: int
    limit: RateLimit
    others: bool


def take_all(charges: tuple[Charge, ...], level: int, now: float) -> Charge | None:
    """Take all that a request costs and return None, or take nothing and return the first charge that does not fit.

    The same as `Window.wait_s` and `Window.take` for each, in one loop: every order passes here.
    """
    for charge in charges:
        window = charge.window
        if not window._from <= now < window._until:
            window._turn(now)
        coming, at = window._in_flight + charge.cost, 0 if charge.others else level
        if window._told + coming > window._limit[at] or window._used + coming > window._held[at]:
            return charge
    for charge in charges:
        charge.window._in_flight += charge.cost
    return None


def settle_all(charges: tuple[Charge, ...], now: float, *, accepted: bool) -> None:
    """Replace what was taken by what it really cost."""
    for charge in charges:
        window = charge.window
        if not window._from <= now < window._until:
            window._turn(now)
        spent = charge.cost_accepted if accepted else charge.cost
        window._in_flight -= charge.cost
        window._used += spent
        window._told += spent


def _plus(held: Levels, more: int, draw: Draw) -> Levels:
    """Add a lease: whoever may use less may not use it."""
    level = LEVEL[draw]
    return Levels(*(units + more if place <= level else units for place, units in enumerate(held)))
