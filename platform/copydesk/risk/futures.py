"""Linear perpetuals by numbers: maintenance, liquidation, leverage and funding of one position.

Money is in the settlement currency, quantities are signed base units (a short is below zero), ratios are plain.
Sources: Binance, "Liquidation Price of USDS-M Futures" and "Leverage and Margin of USDS-M Futures"; OKX, "Maintenance
margin" (the tier's ratio counts for the whole position, so brackets come without deduction, and the fee of closing is
counted in). An exchange that judges otherwise tells its own liquidation price, which then goes before this one.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from decimal import ROUND_HALF_EVEN, Decimal
from enum import StrEnum
from typing import NamedTuple

from copydesk.kernel import ZERO
from copydesk.trading import Bracket

# Exchanges pay funding to this place.
_PLACES = Decimal("1E-8")


class Held(NamedTuple):
    """A position that is not flat. `cushion` is the money behind it at its entry price: see `cross_cushion`.

    An isolated position's cushion is its own margin, with all that was added to it.
    """

    qty: Decimal
    entry_px: Decimal
    mark_px: Decimal
    cushion: Decimal
    brackets: Sequence[Bracket]

    @property
    def notional(self) -> Decimal:
        return abs(self.qty) * self.mark_px

    @property
    def unrealized(self) -> Decimal:
        return self.qty * (self.mark_px - self.entry_px)

    @property
    def maint(self) -> Decimal:
        return maint_margin(self.brackets, self.notional)

    @property
    def equity(self) -> Decimal:
        """What is behind the position now."""
        return self.cushion + self.unrealized


class Standing(NamedTuple):
    """How far a position is from its liquidation.

    `distance_ratio` is the part of the mark price that it may still move against the position: zero or less means now,
    None (like `liquidation_px`) never. `leverage` is notional over equity, None where no equity is left; `margin_ratio`
    is maintenance over equity, liquidation comes at one.
    """

    liquidation_px: Decimal | None
    distance_ratio: Decimal | None
    leverage: Decimal | None
    margin_ratio: Decimal | None


class LeverageBound(StrEnum):
    """What leverage was bound by; of equal bounds the first here is named."""

    LEADER = "leader"
    FOLLOWER = "follower"
    BRAND = "brand"
    BRACKET = "bracket"


class Permitted(NamedTuple):
    leverage: int
    by: LeverageBound


def ladder(tiers: Iterable[tuple[Decimal, int, Decimal]]) -> tuple[Bracket, ...]:
    """Make brackets of (cap, most leverage, maintenance ratio) with the deductions that leave no jump between them.

    Binance: deduction of a level = its floor x (its ratio - the ratio of the level below) + the deduction below.
    """
    brackets: list[Bracket] = []
    floor = ratio_below = deduction = ZERO
    for cap, leverage_max, ratio in tiers:
        deduction += floor * (ratio - ratio_below)
        brackets.append(Bracket(cap, leverage_max, ratio, deduction))
        floor, ratio_below = cap, ratio
    return tuple(brackets)


def bracket_at(brackets: Sequence[Bracket], notional: Decimal) -> Bracket:
    """Find the bracket of a notional; one that reaches a cap exactly is still below it."""
    return brackets[_tier(brackets, notional)]


def maint_margin(brackets: Sequence[Bracket], notional: Decimal) -> Decimal:
    """Return the margin below which a position of this notional is liquidated."""
    return _maint(bracket_at(brackets, notional), notional)


def notional_max(brackets: Sequence[Bracket], leverage: int) -> Decimal:
    """Return how large a position may be at this leverage; 0 for one that no bracket allows."""
    return max((each.notional_cap for each in brackets if each.leverage_max >= leverage), default=ZERO)


def leverage_permitted(
    *,
    leader: int | None,
    follower_max: int | None,
    brand_max: int,
    brackets: Sequence[Bracket],
    notional: Decimal,
) -> Permitted:
    """Follow the leader's leverage as far as the follower, the brand and the exchange's bracket of `notional` allow.

    `notional` is that of the whole position after the order. A leader's leverage that is not known counts as one, a
    follower without a cap is bound by the others. Never below one: that much is no borrowing at all.
    """
    bounds = {
        LeverageBound.LEADER: leader or 1,
        LeverageBound.FOLLOWER: follower_max,
        LeverageBound.BRAND: brand_max,
        LeverageBound.BRACKET: bracket_at(brackets, notional).leverage_max,
    }
    given = {by: bound for by, bound in bounds.items() if bound is not None}
    by = min(given, key=lambda each: given[each])
    return Permitted(max(given[by], 1), by)


def effective_leverage(notional: Decimal, equity: Decimal) -> Decimal | None:
    """Return how many times the equity is at work; None where none is left."""
    return notional / equity if equity > 0 else None


def cross_cushion(wallet: Decimal, others: Iterable[Held]) -> Decimal:
    """Return the money behind one cross position: the wallet, less what the other cross positions lose and must keep.

    `wallet` is without isolated margins. The others stay at their marks; their own cushions are not looked at.
    """
    return wallet + sum((other.unrealized - other.maint for other in others), ZERO)


def liquidation_px(held: Held, *, fee_ratio: Decimal = ZERO) -> Decimal | None:
    """Return the mark price at which equity first falls to maintenance (and the fee of closing), None for never.

    Unrounded. Coming from the present mark price the brackets are looked at one after the other, since a long's
    notional falls on the way and a short's grows; a jump of maintenance where a bracket begins may liquidate at once.
    Of a position that should be gone already the price is told by its present bracket, as exchanges do.
    """
    size, brackets = abs(held.qty), held.brackets
    at = _tier(brackets, held.notional)
    if held.qty > 0:
        for index in range(at, -1, -1):
            px = _root(held, brackets[index], fee_ratio)
            if px > _floor(brackets, index) / size:
                return px
        return None
    for index in range(at, len(brackets)):
        px = _root(held, brackets[index], fee_ratio)
        if index == len(brackets) - 1 or px * size <= brackets[index].notional_cap:
            return max(px, _floor(brackets, index) / size)
    raise AssertionError("the last bracket has no end")


def standing(held: Held, *, fee_ratio: Decimal = ZERO) -> Standing:
    """Say how far a position is from its liquidation; ask for the leader's and for the copy's to show them together."""
    px, equity = liquidation_px(held, fee_ratio=fee_ratio), held.equity
    away = None if px is None else (held.mark_px - px if held.qty > 0 else px - held.mark_px) / held.mark_px
    return Standing(px, away, effective_leverage(held.notional, equity), held.maint / equity if equity > 0 else None)


def cushion_for(held: Held, px: Decimal, *, fee_ratio: Decimal = ZERO) -> Decimal:
    """Return the cushion with which a position is liquidated at `px`, worse than the mark: what lasts until there.

    After the leader has added margin, the difference to what the copy has is what its follower is told to add.
    """
    notional = abs(held.qty) * px
    return maint_margin(held.brackets, notional) + fee_ratio * notional - held.qty * (px - held.entry_px)


def funding_payment(qty: Decimal, mark_px: Decimal, rate: Decimal) -> Decimal:
    """Return what an account receives at a funding time, below zero where it pays, to 8 places half to even.

    Longs pay the rate on their notional at the mark price to shorts; below zero it is the other way round (Binance,
    "Introduction to Binance Futures Funding Rates").
    """
    return -(qty * mark_px * rate).quantize(_PLACES, ROUND_HALF_EVEN)


def _tier(brackets: Sequence[Bracket], notional: Decimal) -> int:
    last = len(brackets) - 1
    return next((index for index, each in enumerate(brackets) if notional <= each.notional_cap), last)


def _floor(brackets: Sequence[Bracket], index: int) -> Decimal:
    return brackets[index - 1].notional_cap if index else ZERO


def _maint(bracket: Bracket, notional: Decimal) -> Decimal:
    return max(notional * bracket.maint_ratio - bracket.maint_deduction, ZERO)


def _root(held: Held, bracket: Bracket, fee_ratio: Decimal) -> Decimal:
    """Solve cushion + qty (px - entry) = |qty| px (ratio + fee) - deduction for px."""
    kept = held.qty - abs(held.qty) * (bracket.maint_ratio + fee_ratio)
    return (held.qty * held.entry_px - held.cushion - bracket.maint_deduction) / kept
