"""Who appears in the demo, as data: traders with their strategies, and followers of every size on every exchange."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal

from copydesk.trading import SizingMode
from copydesk.venues import TRAITS

FOLLOWERS_PER_BRAND = 50
LEADER_EQUITY = Decimal(100_000)
LEVERAGE = 3
SPOT, PERP = "spot", "perp"
BASES = ("BTC", "ETH", "SOL")
QUOTE = "USDT"
# Followers' accounts are spread over these, in this order.
VENUES = tuple(TRAITS)


def symbol_of(base: str, market: str) -> str:
    """Return ccxt's symbol of a spot pair or of its perpetual."""
    pair = f"{base}/{QUOTE}"
    return pair if market == SPOT else f"{pair}:{QUOTE}"


@dataclass(frozen=True)
class Trader:
    """A trader of one brand; `plan` names the program in `demo.plans` by which orders are placed on `market`."""

    slug: str
    person: str
    name: str
    summary: str
    venue: str
    market: str
    plan: str


_CAST: dict[str, tuple[Trader, ...]] = {
    "aurora": (
        Trader(
            "steady-steps",
            "Mara Lindholm",
            "Steady steps",
            "Buys coins in two steps, takes half off the table, then leaves. Spot only, never short.",
            "binance",
            SPOT,
            "steps",
        ),
        Trader(
            "both-ways",
            "Jonas Weber",
            "Both ways",
            "Perpetuals, long or short: builds up, trims, and turns round in one order when the view changes.",
            "okx",
            PERP,
            "turns",
        ),
        Trader(
            "short-swings",
            "Ines Carvalho",
            "Short swings",
            "Perpetuals, mostly short: sells rallies in two steps and buys them back in two.",
            "bybit",
            PERP,
            "shorts",
        ),
    ),
    "boreal": (
        Trader(
            "range-breaker",
            "Samira Haddad",
            "Range breaker",
            "Perpetuals: enters in one order, doubles, and swings to the other side when a range breaks.",
            "bitget",
            PERP,
            "swings",
        ),
        Trader(
            "patient-ladder",
            "Tarek Mansour",
            "Patient ladder",
            "Spot: three equal steps in, three steps out. Small orders, one coin at a time.",
            "okx",
            SPOT,
            "ladder",
        ),
        Trader(
            "carry-desk",
            "Lin Wei",
            "Carry desk",
            "Perpetuals, long and short: holds a core position, adds on strength, and ends each round flat.",
            "binance",
            PERP,
            "turns",
        ),
    ),
}
TRADERS: dict[str, tuple[Trader, ...]] = {
    slug: tuple(trader for trader in cast if trader.venue in TRAITS) for slug, cast in _CAST.items()
}


def trader_account(slug: str, trader: Trader) -> str:
    """Name a trader's account on the lab."""
    return f"{slug}:trader:{trader.slug}"


_ALLOCATIONS = tuple(Decimal(a) for a in (60, 150, 400, 1_000, 2_500, 6_000, 15_000))
_SIZINGS: tuple[tuple[SizingMode, Decimal | None], ...] = (
    (SizingMode.EQUITY_RATIO, None),
    (SizingMode.EQUITY_RATIO, None),
    (SizingMode.EQUITY_RATIO, None),
    (SizingMode.FIXED_RATIO, Decimal("0.02")),
    (SizingMode.FIXED_NOTIONAL, Decimal(40)),
    (SizingMode.EQUITY_RATIO, None),
    (SizingMode.MULTIPLIER, Decimal("1.5")),
    (SizingMode.EQUITY_RATIO, None),
    (SizingMode.FIXED_QTY, Decimal("0.05")),
)
# Perpetuals may lose more than they took in; the allocation is a bound on what is invested, not on losses.
_FUNDS = {SPOT: Decimal("1.1"), PERP: Decimal("1.5")}


@dataclass(frozen=True)
class FollowerTerms:
    """How the n-th follower of a brand copies; `strategy` indexes the brand's traders."""

    number: int
    strategy: int
    allocation: Decimal
    sizing_mode: SizingMode
    sizing_value: Decimal | None
    venue: str = "binance"

    def funds(self, market: str) -> Decimal:
        """Return the money on the exchange account: more than the allocation, for fees and losses."""
        return self.allocation * _FUNDS[market]


def follower_terms(number: int, traders: int = 3) -> FollowerTerms:
    """Spread exchanges, strategies, allocations and sizing modes over followers so that all kinds of pairs occur."""
    mode, value = _SIZINGS[number % len(_SIZINGS)]
    return FollowerTerms(
        number,
        number // len(VENUES) % traders,
        _ALLOCATIONS[number % len(_ALLOCATIONS)],
        mode,
        value,
        VENUES[number % len(VENUES)],
    )
