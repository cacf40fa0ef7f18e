"""What limits would say to the orders of a subscription that does not exist yet, for its preview. Changes nothing."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from decimal import Decimal

from sqlalchemy import text

from copydesk.db import TenantSession, number_array
from copydesk.kernel import ZERO
from copydesk.replication.exposure import read_exposures
from copydesk.replication.likenesses import correlations_of
from copydesk.replication.model import RiskView
from copydesk.replication.order_limits import margins_of, orders_of
from copydesk.replication.order_states import Copier, HeldRow, Scene, order_states
from copydesk.replication.purses import purses_of
from copydesk.risk.limits import LimitSet, effective
from copydesk.risk.model import Measure, Scoped
from copydesk.risk.order_rules import OrderBounds, order_bounds
from copydesk.risk.service import Ground
from copydesk.risk.store import Holder, read_limits
from copydesk.trading import Instrument, PositionSide
from copydesk.venues import Liquidity

# No subscription has this number.
NEW = 0
_SHARING = text("SELECT id FROM subscription WHERE account_id = :account_id AND state <> 'ended'")
_LIQUID = frozenset({Measure.DEPTH_SHARE, Measure.VOLUME})


@dataclass(frozen=True)
class JoiningLimits:
    """The limits on a new subscription, and what its account's other subscriptions hold.

    `liquidity` is what markets bear, by symbol; of one that is missing it is not known.
    """

    bounds: OrderBounds = ()
    copiers: tuple[Copier, ...] = ()
    held: tuple[HeldRow, ...] = ()
    scene: Scene = field(default_factory=lambda: Scene("", PositionSide.NET, short=False))
    liquidity: Mapping[str, Liquidity] = field(default_factory=dict)

    @property
    def asks_market(self) -> bool:
        """Tell whether some limit is about what markets bear."""
        return any(bound.scoped.limit.measure in _LIQUID for bound in self.bounds)

    def view(
        self, symbol: str, position_side: PositionSide, *, short: bool, joined: Iterable[HeldRow]
    ) -> RiskView | None:
        """Return what an order of the new subscription is judged by, once it has `joined` others; None without limits.

        Pure.
        """
        if not self.bounds:
            return None
        mine = tuple(joined)
        scene = self.scene._replace(
            symbol=symbol,
            position_side=position_side,
            short=short,
            liquidity=self.liquidity.get(symbol),
            orders={**self.scene.orders, NEW: len(mine)},
        )
        return RiskView(self.bounds, order_states({NEW}, self.copiers, (*self.held, *mine), (), scene)[NEW])


def limits_on_joining(
    session: TenantSession, ground: Ground, holder: Holder, chosen: Iterable[Scoped] = ()
) -> LimitSet:
    """Return the limits that would hold for a new subscription; `chosen` are those that it begins with."""
    return effective((*ground.limits, *read_limits(session, [holder]).of(holder), *chosen))


def read_joining_limits(
    session: TenantSession,
    limits: LimitSet,
    holder: Holder,
    allocation: Decimal,
    *,
    currency: str,
    prices: Mapping[str, Decimal],
    instruments: Mapping[str, Instrument],
) -> JoiningLimits:
    """Read what the orders of a new subscription would be held against, at these prices."""
    bounds = order_bounds(limits, currency=currency)
    if not bounds:
        return JoiningLimits()
    ids = session.execute(_SHARING, {"account_id": holder.account_id}).scalars().all()
    others = read_exposures(session, ids) if ids else []
    accounts = number_array([holder.account_id])
    scene = Scene(
        "",
        PositionSide.NET,
        short=False,
        marks=prices,
        instruments=instruments,
        orders=orders_of(session, number_array(sorted(ids))),
        margins=margins_of(session, accounts),
        correlations=correlations_of(session, holder.strategy_id, accounts),
        purses=purses_of(session, accounts, currency),
    )
    copiers = [Copier(one.subscription_id, one.account_id, one.allocation) for one in others]
    held = [
        HeldRow(one.subscription_id, book.symbol, str(book.position_side), book.qty, book.cost, book.cash)
        for one in others
        for book in one.books
    ]
    return JoiningLimits(bounds, (*copiers, Copier(NEW, holder.account_id, allocation)), tuple(held), scene)


def joined_row(symbol: str, position_side: PositionSide, qty: Decimal, notional: Decimal) -> HeldRow:
    """Show what an order of the new subscription would have bought at the present price, or sold (`qty` below zero)."""
    return HeldRow(NEW, symbol, str(position_side), qty, notional, -notional if qty > ZERO else notional)
