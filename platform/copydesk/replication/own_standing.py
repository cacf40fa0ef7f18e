"""Where many subscriptions of one person stand under their own limits, at once: what their cards show. Read-only.

The same sums as `limit_standing` for one subscription, without what only its account or an order decides.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal

from copydesk.db import TenantSession
from copydesk.replication.exposure import Exposure, HeldBook, read_exposures
from copydesk.replication.limit_standing import equity_state
from copydesk.replication.order_states import Copier, HeldRow, Scene, order_states
from copydesk.replication.shards import whereabouts_of
from copydesk.risk.acts import waters_among
from copydesk.risk.gauge import Distance
from copydesk.risk.limits import Holding, effective, subject_of
from copydesk.risk.measures import MEASURES, Judged, Subject
from copydesk.risk.model import Action, Scope
from copydesk.risk.order_rules import OrderState
from copydesk.risk.readings import Standing, reading_of
from copydesk.risk.service import Ground
from copydesk.risk.store import Holder, read_limits
from copydesk.risk.waters import Waters
from copydesk.trading import PositionSide

# From a place and a symbol to the mark of now.
Marks = Mapping[tuple[str, str], Decimal]


@dataclass(frozen=True)
class OwnStanding:
    """One subscription at the marks of now. `unpriced` instruments count at their cost.

    `stops` are its limits that close, or keep new positions back.
    """

    subscription_id: int
    equity: Decimal
    allocation: Decimal
    gross: Decimal
    books: tuple[HeldBook, ...]
    unpriced: tuple[str, ...]
    stops: tuple[Distance, ...]

    @property
    def net(self) -> Decimal:
        """Return what was earned after fees and funding, open positions included."""
        return self.equity - self.allocation

    @property
    def positions(self) -> int:
        return sum(bool(book.qty) for book in self.books)


def read_held(session: TenantSession, subscription_ids: Sequence[int]) -> list[Exposure]:
    """Return what these subscriptions hold; what marks are needed is known by it."""
    return read_exposures(session, subscription_ids) if subscription_ids else []


def places_held(held: Iterable[Exposure]) -> dict[str, set[str]]:
    """Return the instruments that are held, by place. Pure."""
    found: dict[str, set[str]] = {}
    for one in held:
        symbols = {book.symbol for book in one.books if book.qty}
        found.setdefault(whereabouts_of(one.shard).exchange, set()).update(symbols)
    return found


def own_standings(
    session: TenantSession, ground: Ground, held: Sequence[Exposure], marks: Marks
) -> dict[int, OwnStanding]:
    """Return where each subscription stands at these marks, by its number; in two statements, however many."""
    if not held:
        return {}
    holders = {one.subscription_id: Holder(one.subscription_id, one.strategy_id, one.account_id) for one in held}
    stored = read_limits(session, list(holders.values()))
    waters = waters_among(session, Scope.SUBSCRIPTION, list(holders))
    known: dict[tuple[tuple[str, str], ...], tuple[Holding, ...]] = {}
    standings = {}
    for one in held:
        lines = stored.lines(holders[one.subscription_id])
        if lines not in known:
            limits = effective((*ground.limits, *stored.of(holders[one.subscription_id])))
            known[lines] = tuple(filter(_shown, limits.holdings))
        standings[one.subscription_id] = _standing(one, known[lines], waters.get(one.subscription_id), marks)
    return standings


def _standing(one: Exposure, holdings: Iterable[Holding], waters: Waters | None, marks: Marks) -> OwnStanding:
    place = whereabouts_of(one.shard).exchange
    symbols = {book.symbol for book in one.books if book.qty}
    own_marks = {symbol: marks[place, symbol] for symbol in symbols if (place, symbol) in marks}
    missing = tuple(sorted(symbols - own_marks.keys()))
    orders = _orders(one, own_marks)
    state = equity_state(orders.own, one.allocation, waters, None)
    standing = Standing(orders, state, state)
    stops = tuple(
        Distance(holding, None if missing else reading_of(holding.scoped, standing), state.balance)
        for holding in holdings
    )
    worth = state.equity, one.allocation, orders.own.exposure
    return OwnStanding(one.subscription_id, *worth, one.books, missing, stops)


def _orders(one: Exposure, marks: Mapping[str, Decimal]) -> OrderState:
    rows = [
        HeldRow(one.subscription_id, book.symbol, str(book.position_side), book.qty, book.cost, book.cash)
        for book in one.books
    ]
    copier = Copier(one.subscription_id, one.account_id, one.allocation)
    scene = Scene("", PositionSide.NET, short=False, marks=marks)
    return order_states({one.subscription_id}, [copier], rows, (), scene)[one.subscription_id]


def _shown(holding: Holding) -> bool:
    limit = holding.scoped.limit
    judged = Judged.EQUITY in MEASURES[limit.measure].judged
    return judged and limit.action is not Action.WARN and subject_of(holding.scoped) is Subject.SUBSCRIPTION
