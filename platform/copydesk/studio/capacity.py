"""Up to which total allocation a strategy's copies stay within the brand's bound of slippage. Pure.

The model and its formula: platform/docs/studio.md. It says what copies of the past suggest, no more.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum
from statistics import median
from typing import NamedTuple

SIGNALS_MIN = 20
COPIES_MIN = 50
# Beyond this many times what was ever allocated the model is not asked.
REACH = 10


class FannedOut(NamedTuple):
    """An opening signal that was copied: by how many, their allocations, what they traded, their median slippage.

    Amounts are in quote currency, slippage in basis points; above zero is worse than the leader's price.
    """

    copies: int
    allocation: float
    notional: float
    slippage_bps: float


class Verdict(StrEnum):
    """What can be said of a strategy's capacity."""

    TOO_FEW = "too_few"
    NOT_FELT = "not_felt"
    BEYOND_REACH = "beyond_reach"
    FOUND = "found"
    FULL = "full"


@dataclass(frozen=True, slots=True)
class Capacity:
    """How much can be allocated in all before the median slippage exceeds `bound_bps`.

    `total` is None unless it was found; `seen` is the largest allocation that one signal was copied with, `now` what is
    allocated now. `signals` and `copies` are what was looked at.
    """

    verdict: Verdict
    bound_bps: int
    signals: int
    copies: int
    now: Decimal
    seen: Decimal
    total: Decimal | None = None


def capacity_of(signals: Sequence[FannedOut], *, bound_bps: int, now: Decimal) -> Capacity:
    """Fit slippage = k · √(traded in all) through the signals, and tell at which allocation it reaches the bound."""
    used = [one for one in signals if one.notional > 0 and one.allocation > 0]
    copies = sum(one.copies for one in used)
    seen = _money(max((one.allocation for one in used), default=0.0))
    if len(used) < SIGNALS_MIN or copies < COPIES_MIN:
        return Capacity(Verdict.TOO_FEW, bound_bps, len(used), copies, now, seen)
    k = slope_of(used)
    if k <= 0:
        return Capacity(Verdict.NOT_FELT, bound_bps, len(used), copies, now, seen)
    share = median(one.notional / one.allocation for one in used)
    total = (bound_bps / k) ** 2 / share
    most = REACH * float(max(seen, now))
    if total > most:
        return Capacity(Verdict.BEYOND_REACH, bound_bps, len(used), copies, now, seen, _money(most))
    verdict = Verdict.FULL if total <= float(now) else Verdict.FOUND
    return Capacity(verdict, bound_bps, len(used), copies, now, seen, _money(total))


def slope_of(signals: Sequence[FannedOut]) -> float:
    """Return k of least squares through the origin: Σ √x·y ÷ Σ x. Basis points per root of quote currency."""
    return sum(math.sqrt(one.notional) * one.slippage_bps for one in signals) / sum(one.notional for one in signals)


def _money(amount: float) -> Decimal:
    return Decimal(round(amount))
