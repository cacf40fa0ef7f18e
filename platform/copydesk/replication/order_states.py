"""What opening orders are held against: a follower's and its account's sums before the order. Pure.

Computed for all followers of a signal at once from the rows that were read with them. An account is what all
subscriptions of it are together: coins and positions of its owner are not the copy's.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from types import MappingProxyType
from typing import Any, NamedTuple

from copydesk.kernel import ZERO
from copydesk.risk.order_rules import OrderState, Purse, Sums
from copydesk.trading import Instrument, PositionSide
from copydesk.venues.model import Liquidity


class Copier(NamedTuple):
    """A subscription of an account; `allocation` in quote currency."""

    subscription_id: int
    account_id: int
    allocation: Decimal


class HeldRow(NamedTuple):
    """One book: signed quantity in base units, cost at entry without a sign, and cash, in quote currency."""

    subscription_id: int
    symbol: str
    position_side: str
    qty: Decimal
    cost: Decimal
    cash: Decimal


class ComingRow(NamedTuple):
    """Opens of one book and side that are on their way, at their limits, or executed and not told yet."""

    subscription_id: int
    symbol: str
    side: str
    notional: Decimal


_NONE: Mapping[Any, Any] = MappingProxyType({})


class Scene(NamedTuple):
    """Where the orders open, and what was read about it. `marks` are prices as far as any are known.

    `orders` are the opening orders of the last minute by subscription, `margins` how far each account's nearest
    position is from its liquidation, `correlations` the highest with another strategy that it copies, `purses` what it
    owned when it was last seen; whoever is missing has none, or it is not known.
    """

    symbol: str
    position_side: PositionSide
    short: bool
    marks: Mapping[str, Decimal] = _NONE
    instruments: Mapping[str, Instrument] = _NONE
    liquidity: Liquidity | None = None
    orders: Mapping[int, int] = _NONE
    margins: Mapping[int, Decimal] = _NONE
    correlations: Mapping[int, Decimal] = _NONE
    purses: Mapping[int, Purse] = _NONE


@dataclass(slots=True)
class _Figures:
    """Sums that grow book by book. `same_side` is what is held of the order's instrument on its side."""

    allocation: Decimal = ZERO
    earned: Decimal = ZERO
    realised: Decimal = ZERO
    exposure: Decimal = ZERO
    position: Decimal = ZERO
    same_side: Decimal = ZERO
    orders: int = 0
    symbols: set[str] = field(default_factory=set)

    def plus(self, other: _Figures) -> _Figures:
        return _Figures(
            self.allocation + other.allocation,
            self.earned + other.earned,
            self.realised + other.realised,
            self.exposure + other.exposure,
            self.position + other.position,
            self.same_side + other.same_side,
            self.orders + other.orders,
            self.symbols | other.symbols,
        )

    @property
    def sums(self) -> Sums:
        equity, balance = self.allocation + self.earned, self.allocation + self.realised
        return Sums(equity, balance, self.exposure, len(self.symbols), self.orders)


def order_states(
    wanted: Collection[int],
    copiers: Collection[Copier],
    held: Iterable[HeldRow],
    coming: Iterable[ComingRow],
    scene: Scene,
) -> dict[int, OrderState]:
    """Return what an opening order of each `wanted` subscription is held against.

    `copiers` are all subscriptions of the accounts concerned, the wanted ones among them; rows of others are passed
    over.
    """
    figures = {
        copier.subscription_id: _Figures(copier.allocation, orders=scene.orders.get(copier.subscription_id, 0))
        for copier in copiers
    }
    for row in held:
        if (own := figures.get(row.subscription_id)) is not None:
            _hold(own, row, scene, turns=row.subscription_id in wanted)
    for way in coming:
        if (own := figures.get(way.subscription_id)) is not None:
            _await(own, way, scene)
    accounts: dict[int, _Figures] = {}
    for subscription_id, account_id, _ in copiers:
        own, others = figures[subscription_id], accounts.get(account_id)
        # Most accounts have one subscription: both are the same then.
        accounts[account_id] = own if others is None else others.plus(own)
    depth = volume = None
    if scene.liquidity is not None:
        depth = scene.liquidity.bids if scene.short else scene.liquidity.asks
        volume = scene.liquidity.volume
    states: dict[int, OrderState] = {}
    for subscription_id, account_id, allocation in copiers:
        if subscription_id not in wanted:
            continue
        own, account = figures[subscription_id], accounts[account_id]
        sums = own.sums
        states[subscription_id] = OrderState(
            sums,
            sums if account is own else account.sums,
            own.position,
            account.position,
            allocation,
            account.allocation,
            account.same_side - own.same_side,
            depth,
            volume,
            scene.correlations.get(account_id),
            scene.margins.get(account_id),
            scene.purses.get(account_id),
        )
    return states


def _hold(own: _Figures, row: HeldRow, scene: Scene, *, turns: bool) -> None:
    _, symbol, position_side, qty, cost, cash = row
    mark = scene.marks.get(symbol)
    value = cost if mark is None else abs(qty) * mark
    own.earned += cash + (value if qty > 0 else -value)
    own.realised += cash + (cost if qty > 0 else -cost)
    here, same_side = symbol == scene.symbol, (qty < 0) is scene.short
    if not qty or (turns and here and not same_side and position_side == scene.position_side):
        return  # Who turns round closes the other side before anything is opened.
    own.exposure += value
    instrument = scene.instruments.get(symbol)
    # What a fee in base leaves behind after a close is no position: it can be neither sold nor felt.
    if instrument is None or abs(qty) >= instrument.qty_min:
        own.symbols.add(symbol)
    if here:
        own.position += value
        own.same_side += value if same_side else ZERO


def _await(own: _Figures, way: ComingRow, scene: Scene) -> None:
    own.exposure += way.notional
    own.symbols.add(way.symbol)
    if way.symbol == scene.symbol:
        own.position += way.notional
        own.same_side += way.notional if (way.side == "sell") is scene.short else ZERO
