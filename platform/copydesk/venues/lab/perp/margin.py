"""Margin: what positions and orders of an account need, and the prices at which that is no longer there.

Initial margin of a position is its notional at the mark price over its leverage. Orders add what they need beyond it:
of the position as it is, with all its opening buys filled (at their prices), and with all its sells filled, the
largest notional counts, so that orders of both sides net against the position and each other. Source: Binance,
"Initial margin of open orders" in one-way mode; a side of hedge mode is treated alike, its closing orders need none.
"""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from typing import NamedTuple

from copydesk.kernel import ZERO
from copydesk.venues.lab.model import Bracket, PositionView
from copydesk.venues.lab.perp.model import MarginView
from copydesk.venues.lab.perp.positions import Leg, PerpAccount

# A contract without brackets: any size at up to 125 times, half a percent of maintenance.
OPEN_BRACKET = (Bracket(ZERO, Decimal(10) ** 15, 125, Decimal("0.005"), ZERO),)


class Valuation(NamedTuple):
    """An account at the present mark prices. `cross_*` leave isolated positions and their margins out."""

    unrealized: Decimal
    initial: Decimal
    orders: Decimal
    maint: Decimal
    cross_wallet: Decimal
    cross_unrealized: Decimal
    cross_initial: Decimal
    cross_maint: Decimal
    isolated: Decimal

    @property
    def cross_equity(self) -> Decimal:
        return self.cross_wallet + self.cross_unrealized

    @property
    def available(self) -> Decimal:
        """Money for new positions, below zero when there is too little for those held."""
        return self.cross_wallet + self.cross_unrealized - self.cross_initial - self.orders

    @property
    def held(self) -> Decimal:
        """Money of the purse that must stay; unrealized losses are in it, profits do not count."""
        loss = -self.cross_unrealized if self.cross_unrealized < ZERO else ZERO
        return self.isolated + self.cross_initial + self.orders + loss


def brackets_of(leg: Leg) -> Sequence[Bracket]:
    return leg.market.instrument.brackets or OPEN_BRACKET


def bracket_at(leg: Leg, notional: Decimal) -> Bracket:
    """Find the bracket of a notional; above the last one the last one holds."""
    brackets = brackets_of(leg)
    for bracket in brackets:
        if notional <= bracket.notional_cap:
            return bracket
    return brackets[-1]


def notional_max(leg: Leg, leverage: int) -> Decimal:
    """Return how large a position may be at this leverage; 0 for one that no bracket allows."""
    largest = ZERO
    for bracket in brackets_of(leg):
        if bracket.leverage_max < leverage:
            break  # Larger positions are allowed less leverage.
        largest = bracket.notional_cap
    return largest


def maint_of(leg: Leg, notional: Decimal) -> Decimal:
    bracket = bracket_at(leg, notional)
    maint = notional * bracket.maint_ratio - bracket.maint_deduction
    return maint if maint > ZERO else ZERO


def exposure(position: Decimal, buys: Decimal, sells: Decimal) -> Decimal:
    """Return the largest notional that a position (signed) can get with these orders filled."""
    largest = position if position >= ZERO else -position
    if position + buys > largest:
        largest = position + buys
    return sells - position if sells - position > largest else largest


def valuation(account: PerpAccount) -> Valuation:
    """Value all positions and orders of an account."""
    unrealized = initial = orders = maint = ZERO
    cross_unrealized = cross_initial = cross_maint = isolated = ZERO
    for leg in account.legs.values():
        if not (leg.qty or leg.buys or leg.sells):
            continue
        position, leverage = leg.qty * leg.market.px(), leg.leverage
        notional = position if position >= ZERO else -position
        needed = notional / leverage
        if leg.buys or leg.sells:
            orders += exposure(position, leg.buys, leg.sells) / leverage - needed
        if not leg.qty:
            continue
        profit, keep = position - leg.cost, maint_of(leg, notional)
        unrealized += profit
        initial += needed
        maint += keep
        if leg.isolated:
            isolated += leg.margin
        else:
            cross_unrealized += profit
            cross_initial += needed
            cross_maint += keep
    wallet = account.money.free - isolated
    return Valuation(unrealized, initial, orders, maint, wallet, cross_unrealized, cross_initial, cross_maint, isolated)


def margin_view(account: PerpAccount) -> MarginView:
    """Return the account's margin at a glance; nothing in it that can be spent is below zero."""
    value, wallet = valuation(account), account.money.free
    return MarginView(
        wallet,
        value.unrealized,
        wallet + value.unrealized,
        value.initial,
        value.orders,
        value.maint,
        max(value.available, ZERO),
        max(wallet - value.held, ZERO),
    )


def position_view(leg: Leg, value: Valuation) -> PositionView:
    """Describe a position; `value` is its account's valuation now."""
    px = leg.market.px()
    notional = abs(leg.qty * px)
    maint = maint_of(leg, notional)
    liquidation_px, bankruptcy_px = _ruin_prices(leg, value, notional, maint)
    return PositionView(
        leg.owner.name,
        leg.symbol,
        leg.position_side,
        leg.qty,
        leg.cost / leg.qty if leg.qty else ZERO,
        px,
        leg.leverage,
        leg.config.margin_mode,
        leg.margin,
        notional / leg.leverage,
        maint,
        leg.unrealized(),
        leg.realized,
        liquidation_px,
        bankruptcy_px,
        notional,
        leg.updated_ms,
        leg.created_ms,
    )


def _ruin_prices(leg: Leg, value: Valuation, notional: Decimal, maint: Decimal) -> tuple[Decimal, Decimal]:
    """Return the mark prices of liquidation and of bankruptcy, all other contracts staying where they are.

    With money `m` behind the position (its own margin, or what the other cross positions leave of the wallet),
    liquidation is where m + qty·px - cost = ratio·|qty|·px - deduction; bankruptcy is where the left side is 0.
    """
    qty = leg.qty
    if not qty:
        return ZERO, ZERO
    if leg.isolated:
        behind = cushion = leg.margin
    else:
        behind = value.cross_equity - leg.unrealized()
        cushion = behind - (value.cross_maint - maint)
    bracket = bracket_at(leg, notional)
    liquidation = (leg.cost - cushion - bracket.maint_deduction) / (qty - abs(qty) * bracket.maint_ratio)
    bankruptcy = (leg.cost - behind) / qty
    tick = leg.market.instrument.px_tick
    return max(liquidation, ZERO).quantize(tick), max(bankruptcy, ZERO).quantize(tick)
