"""Who appears in the demo, as data: traders with their strategies, and followers of every size."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal

from copydesk.trading import SizingMode

FOLLOWERS_PER_BRAND = 50
LEADER_EQUITY = Decimal(100_000)


@dataclass(frozen=True)
class Trader:
    """A trader of one brand; `plan` names the program in `demo.traders` that places the orders."""

    slug: str
    person: str
    name: str
    summary: str
    plan: str


TRADERS: dict[str, tuple[Trader, ...]] = {
    "aurora": (
        Trader(
            "steady-averages",
            "Mara Lindholm",
            "Steady averages",
            "Buys when the price climbs above its own average, sells when it falls below. One position at a time.",
            "crossover",
        ),
        Trader(
            "three-step-dips",
            "Jonas Weber",
            "Three-step dips",
            "Buys dips in three equal steps and sells them again in three steps on the way up.",
            "ladder",
        ),
    ),
    "boreal": (
        Trader(
            "range-breaker",
            "Samira Haddad",
            "Range breaker",
            "Enters when the price leaves its recent range, exits when it comes back to the middle.",
            "breakout",
        ),
        Trader(
            "quiet-reversion",
            "Tarek Mansour",
            "Quiet reversion",
            "Sells strength and buys weakness around a slow average, in small resting orders.",
            "reversion",
        ),
    ),
}

_ALLOCATIONS = tuple(Decimal(a) for a in (60, 150, 400, 1_000, 2_500, 6_000, 15_000))
_SIZINGS: tuple[tuple[SizingMode, Decimal | None], ...] = (
    (SizingMode.EQUITY_RATIO, None),
    (SizingMode.EQUITY_RATIO, None),
    (SizingMode.EQUITY_RATIO, None),
    (SizingMode.FIXED_RATIO, Decimal("0.02")),
    (SizingMode.FIXED_NOTIONAL, Decimal(40)),
)


@dataclass(frozen=True)
class FollowerTerms:
    """How the n-th follower of a brand copies; `strategy` indexes the brand's traders."""

    number: int
    strategy: int
    allocation: Decimal
    sizing_mode: SizingMode
    sizing_value: Decimal | None

    @property
    def funds(self) -> Decimal:
        """Money on the exchange account: a little more than the allocation, for fees."""
        return self.allocation * Decimal("1.1")


def follower_terms(number: int) -> FollowerTerms:
    """Spread allocations and sizing modes over followers so that every combination occurs."""
    mode, value = _SIZINGS[number % len(_SIZINGS)]
    return FollowerTerms(number, number % 2, _ALLOCATIONS[number % len(_ALLOCATIONS)], mode, value)
