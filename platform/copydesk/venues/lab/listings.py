"""What each simulated exchange lists: its instruments in its own names and steps, its fees and its rules.

Steps, minima, contract sizes and brackets are close to those of the exchanges' instrument lists of 2025.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from decimal import Decimal

from copydesk.venues.lab.model import Bracket, LabInstrument
from copydesk.venues.lab.perp import PerpRules
from copydesk.venues.lab.rules import OrderRules

# Per base currency: highest leverage, and the notional up to which it holds (the following brackets grow from it).
_LEVERAGE = {
    "BTC": (125, 300_000),
    "ETH": (100, 300_000),
    "SOL": (100, 100_000),
    "XRP": (75, 100_000),
    "BNB": (75, 100_000),
}
# Each further bracket: notional bound as a multiple of the first, and the share of the highest leverage.
_STEPS = ((1, 1), (5, 2), (20, 5), (60, 10), (200, 25))
_NOTIONAL_MAX = Decimal(1_000_000_000)


def brackets_of(base: str) -> tuple[Bracket, ...]:
    """Return the leverage brackets of one contract; maintenance is half of the initial margin at most leverage."""
    leverage_max, first = _LEVERAGE[base]
    brackets: list[Bracket] = []
    floor, deduction, before = Decimal(0), Decimal(0), Decimal(0)
    for place, (multiple, share) in enumerate(_STEPS):
        leverage = max(1, leverage_max // share)
        ratio = (Decimal(1) / leverage / 2).quantize(Decimal("0.0001"))
        cap = Decimal(first * multiple) if place < len(_STEPS) - 1 else _NOTIONAL_MAX
        deduction += floor * (ratio - before) if brackets else Decimal(0)
        brackets.append(Bracket(floor, cap, leverage, ratio, deduction))
        floor, before = cap, ratio
    return tuple(brackets)


@dataclass(frozen=True)
class Listing:
    """One exchange. `unified` accounts keep spot and perpetual money in one purse."""

    venue: str
    spot: tuple[LabInstrument, ...]
    perp: tuple[LabInstrument, ...]
    rules: PerpRules
    unified: bool
    spot_fee: Decimal = Decimal("0.001")
    perp_maker_fee: Decimal = Decimal("0.0002")
    perp_taker_fee: Decimal = Decimal("0.0005")
    spot_rules: OrderRules = field(default_factory=OrderRules)


# How long an order that ended without a fill is found. OKX, Order details: canceled ones for two hours. Bybit, Get
# Order History: Cancelled, Rejected and Deactivated for 24 hours. Binance futures, Query Order: three days from its
# creation, here from its end. Binance spot and Bitget keep them for 90 days, which no lab lasts.
_HOUR_MS = 3_600_000
_KEPT_OKX_MS, _KEPT_BYBIT_MS, _KEPT_BINANCE_MS = 2 * _HOUR_MS, 24 * _HOUR_MS, 72 * _HOUR_MS

# base, spot (tick, step, largest), perpetual (tick, step, largest), contract size on exchanges that count contracts.
_SHEETS: tuple[tuple[str, tuple[str, str, str], tuple[str, str, str], str], ...] = (
    ("BTC", ("0.01", "0.00001", "9000"), ("0.1", "0.001", "1000"), "0.01"),
    ("ETH", ("0.01", "0.0001", "9000"), ("0.01", "0.001", "10000"), "0.1"),
    ("SOL", ("0.01", "0.001", "90000"), ("0.01", "0.1", "100000"), "1"),
    ("XRP", ("0.0001", "0.1", "9222449"), ("0.0001", "0.1", "5000000"), "100"),
    ("BNB", ("0.01", "0.001", "90000"), ("0.01", "0.01", "50000"), "0.01"),
)


def _spot(name: str, *, notional_min: str = "5") -> tuple[LabInstrument, ...]:
    return tuple(
        LabInstrument(
            symbol=f"{base}/USDT",
            venue_symbol=name.format(base=base),
            base=base,
            quote="USDT",
            px_tick=Decimal(tick),
            qty_step=Decimal(step),
            qty_min=Decimal(step),
            qty_max=Decimal(most),
            notional_min=Decimal(notional_min),
        )
        for base, (tick, step, most), _, _ in _SHEETS
    )


def _perp(name: str, *, notional_min: str, contracts: bool = False) -> tuple[LabInstrument, ...]:
    """List perpetuals. Where the exchange counts contracts, orders go in hundredths of one."""
    listed = []
    for base, _, (tick, step, most), size in _SHEETS:
        contract = Decimal(size) if contracts else Decimal(1)
        qty_step = contract / 100 if contracts else Decimal(step)
        listed.append(
            LabInstrument(
                symbol=f"{base}/USDT:USDT",
                venue_symbol=name.format(base=base),
                base=base,
                quote="USDT",
                px_tick=Decimal(tick),
                qty_step=qty_step,
                qty_min=qty_step,
                qty_max=Decimal(most),
                notional_min=Decimal(notional_min),
                contract_size=contract,
                settle="USDT",
                brackets=brackets_of(base),
            )
        )
    return tuple(listed)


LISTINGS: dict[str, Listing] = {
    listing.venue: listing
    for listing in (
        Listing(
            "binance",
            spot=_spot("{base}USDT"),
            perp=_perp("{base}USDT", notional_min="5"),
            rules=PerpRules(unfilled_kept_ms=_KEPT_BINANCE_MS),
            unified=False,
            spot_rules=OrderRules(conditional_keeps_id=True),
        ),
        Listing(
            "okx",
            spot=_spot("{base}-USDT", notional_min="0"),
            perp=_perp("{base}-USDT-SWAP", notional_min="0", contracts=True),
            rules=PerpRules(post_only_cancels=True, leverage_default=3, unfilled_kept_ms=_KEPT_OKX_MS),
            unified=True,
            spot_rules=OrderRules(post_only_cancels=True, unfilled_kept_ms=_KEPT_OKX_MS),
        ),
        Listing(
            "bybit",
            spot=_spot("{base}USDT"),
            perp=_perp("{base}USDT", notional_min="5"),
            rules=PerpRules(
                position_mode_per_symbol=True,
                post_only_cancels=True,
                conditional_keeps_id=True,
                leverage_default=10,
                unfilled_kept_ms=_KEPT_BYBIT_MS,
            ),
            unified=True,
            spot_rules=OrderRules(post_only_cancels=True, conditional_keeps_id=True, unfilled_kept_ms=_KEPT_BYBIT_MS),
        ),
        Listing(
            "bitget",
            spot=_spot("{base}USDT", notional_min="1"),
            perp=_perp("{base}USDT", notional_min="5"),
            rules=PerpRules(post_only_cancels=True, leverage_default=10),
            unified=False,
        ),
        # The unified account of the same exchange is traded apart: other endpoints, one purse.
        Listing(
            "bitget-uta",
            spot=_spot("{base}USDT", notional_min="1"),
            perp=_perp("{base}USDT", notional_min="5"),
            rules=PerpRules(post_only_cancels=True, leverage_default=10),
            unified=True,
        ),
    )
}
