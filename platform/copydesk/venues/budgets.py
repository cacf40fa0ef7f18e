"""One process's rate budgets, by exchange environment, origin and outgoing address, shared with other processes.

The listener reads, replicators and risk send: an account's orders are theirs, of everything else each has its share.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from contextlib import closing
from decimal import Decimal

from redis import Redis

from copydesk.venues.client.budget import RateBudget
from copydesk.venues.client.budget_link import ASK_MAX_S, BudgetLink
from copydesk.venues.client.leases import BIRTH
from copydesk.venues.client.shared_budget import SharedBudget
from copydesk.venues.client.windows import Seat, Shares
from copydesk.venues.exchanges import budgets_of
from copydesk.venues.traits import RateLimit

_LISTENER, _REPLICATORS, _RISK, _TERMINAL = Decimal("0.12"), Decimal("0.50"), Decimal("0.05"), Decimal("0.03")
_REPLICATORS_KEYS = Decimal("0.55")
_NOTHING = Decimal(0)
# Of an account's orders: what risk closes must go out however busy the replicators are.
_RISK_ORDERS = Decimal("0.1")
_REPLICATORS_ORDERS = Decimal("0.5")
ROLES = ("listener", "replicator", "risk", "terminal")


def seat_of(role: str, replicators: int) -> Seat:
    """Return the seat of the listener, of risk, of one of so many replicators, which are alike, or of the terminal.

    The terminal sends from accounts that lead, and nobody else does: all orders of an account are its own there.
    """
    assert role in ROLES, f"{role} has no seat at the rate budgets"
    by_hand = role == "terminal"
    return Seat(
        address=_shares(_LISTENER, _REPLICATORS, _RISK, _TERMINAL, replicators, modest=2),
        orders=_shares(_NOTHING, _NOTHING, _NOTHING, Decimal(1), replicators) if by_hand else _orders(replicators),
        keys=_shares(_LISTENER, _REPLICATORS_KEYS, _RISK, _TERMINAL, replicators, modest=2),
        place={"listener": 0, "replicator": 1, "risk": 1 + replicators, "terminal": 2 + replicators}[role],
    )


class SharedBudgets:
    """Budgets opened when first asked for. Use it on the loop that sends, and close it with `aclose`."""

    def __init__(
        self, redis_url: str, seat: Seat, *, now: Callable[[], float] = time.time, ask_max_s: float = ASK_MAX_S
    ) -> None:
        self._link = BudgetLink(redis_url, now=now, ask_max_s=ask_max_s)
        self._seat = seat
        self._places: dict[str, Mapping[str, RateBudget]] = {}

    def of(self, venue: str, place: str) -> Mapping[str, RateBudget]:
        """Return the budgets of a place ("binance-lab", or "binance-lab@203.0.113.5") by origin."""
        if place not in self._places:
            self._places[place] = budgets_of(venue, lambda origin, limits: self._open(f"{place}:{origin}", limits))
        return self._places[place]

    async def aclose(self) -> None:
        await self._link.aclose()

    def _open(self, scope: str, limits: tuple[RateLimit, ...]) -> RateBudget:
        budget = SharedBudget(limits, scope=scope, seat=self._seat, line=self._link)
        self._link.serve(budget)
        return budget


def begin_anew(redis_url: str) -> None:
    """Tell a Redis that nobody holds a lease, so that it lends from the start.

    Only whoever has started that Redis for processes that do not run yet can know that. Without it, what began before
    Redis did is not lent of: a minute's window for up to a minute.
    """
    with closing(Redis.from_url(redis_url)) as redis:
        run = str(redis.info("server")["run_id"])
        redis.hset(BIRTH, mapping={"run": run, "at": "0"})


def _orders(replicators: int) -> Shares:
    """Share an account's orders where copies are sent from it."""
    part = 1 - _RISK_ORDERS if replicators == 1 else _REPLICATORS_ORDERS
    return _shares(_NOTHING, part, _RISK_ORDERS, _NOTHING, replicators)


def _shares(
    listener: Decimal, replicators: Decimal, risk: Decimal, terminal: Decimal, count: int, *, modest: int = 0
) -> Shares:
    """Return the shares of all; of the few that an exchange allows of some calls, `modest` ones take none."""
    return Shares((listener, *[replicators / count] * count, risk, terminal), modest)
