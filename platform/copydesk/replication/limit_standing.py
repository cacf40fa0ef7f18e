"""Where a subscription stands under its limits, for whoever wants to look: the same sums as at an order. Read-only."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from decimal import Decimal
from typing import NamedTuple

from sqlalchemy import text

from copydesk.db import TenantSession, number_array
from copydesk.kernel import ZERO, NotFound, utc_now
from copydesk.replication.exposure import Exposure, HeldBook, books_together, read_exposures
from copydesk.replication.likenesses import correlations_of
from copydesk.replication.liquidations import liquidations_of
from copydesk.replication.order_limits import orders_of
from copydesk.replication.order_states import Copier, HeldRow, Scene, order_states
from copydesk.replication.purses import purses_of
from copydesk.replication.shards import whereabouts_of
from copydesk.risk.acts import waters_of
from copydesk.risk.equity_rules import EquityState, Spans
from copydesk.risk.margins import Liquidation
from copydesk.risk.model import Scope
from copydesk.risk.order_rules import Sums
from copydesk.risk.readings import Standing
from copydesk.risk.store import Holder
from copydesk.risk.waters import Waters
from copydesk.trading import PositionSide

_KIN = text(
    """
    SELECT kin.id, kin.allocation FROM subscription s
    JOIN subscription kin ON kin.tenant_id = s.tenant_id AND kin.account_id = s.account_id
    WHERE s.id = :id AND s.state <> 'ended' AND kin.state <> 'ended'
    """
)

# All other subscriptions of an account, as one: nothing of them is told apart.
_OTHERS = 0

# From an exchange's environment and a ccxt symbol to the price of today, None where it is not known.
PriceOf = Callable[[str, str], Decimal | None]


class Stands(NamedTuple):
    """A subscription with where it stands; `symbol` is its largest position, which limits on positions are about.

    `mine` is what it holds itself, `others` the books of all other subscriptions of its account, added up.
    """

    holder: Holder
    standing: Standing
    symbol: str
    mine: Exposure
    others: tuple[HeldBook, ...] = ()


def standing_now(session: TenantSession, subscription_id: int, px_of: PriceOf, *, currency: str) -> Stands:
    """Return where a subscription stands, in its brand's currency; raises NotFound where there is none any more."""
    kin = {row.id: row.allocation for row in session.execute(_KIN, {"id": subscription_id})}
    mine = next(iter(read_exposures(session, [subscription_id])), None) if kin else None
    if mine is None:
        raise NotFound(f"there is no subscription {subscription_id} that has not ended")
    rest = kin.keys() - {subscription_id}
    others = books_together(session, rest) if rest else ()
    marks = _marks(mine, others, px_of)
    largest = max(mine.books, key=lambda book: _worth(book, marks), default=None)
    accounts = number_array([mine.account_id])
    opened = orders_of(session, number_array(list(kin)))
    scene = Scene(
        "" if largest is None else largest.symbol,
        PositionSide.NET if largest is None else largest.position_side,
        largest is not None and largest.qty < 0,
        marks,
        orders={subscription_id: opened.pop(subscription_id, 0), _OTHERS: sum(opened.values())},
        margins=_margins(session, mine, px_of),
        correlations=correlations_of(session, mine.strategy_id, accounts),
        purses=purses_of(session, accounts, currency),
    )
    given = sum((kin[number] for number in rest), ZERO)
    copiers = [Copier(subscription_id, mine.account_id, mine.allocation), Copier(_OTHERS, mine.account_id, given)]
    rows = [*_rows(subscription_id, mine.books), *_rows(_OTHERS, others)]
    state = order_states({subscription_id}, copiers, rows, (), scene)[subscription_id]
    margin = state.margin_distance
    own = waters_of(session, (Scope.SUBSCRIPTION, subscription_id))
    account = waters_of(session, (Scope.ACCOUNT, mine.account_id))
    standing = Standing(
        state,
        equity_state(state.own, mine.allocation, own, margin),
        equity_state(state.account, state.allocation_total, account, margin),
    )
    holder = Holder(subscription_id, mine.strategy_id, mine.account_id)
    return Stands(holder, standing, scene.symbol, mine, others)


def _marks(mine: Exposure, others: Sequence[HeldBook], px_of: PriceOf) -> dict[str, Decimal]:
    place = whereabouts_of(mine.shard).exchange
    held = {book.symbol for book in (*mine.books, *others) if book.qty}
    return {symbol: px for symbol in sorted(held) if (px := px_of(place, symbol)) is not None}


def _margins(session: TenantSession, mine: Exposure, px_of: PriceOf) -> dict[int, Decimal]:
    """Return how far the account's nearest position is from its liquidation, at the price of today if it is known."""
    place = whereabouts_of(mine.shard).exchange
    distances = [
        Liquidation(one.px, one.short).distance(px_of(place, one.symbol) or one.mark_px)
        for one in liquidations_of(session, mine.account_id)
        if one.px is not None and one.px > 0 and one.mark_px > 0
    ]
    return {mine.account_id: min(distances)} if distances else {}


def _worth(book: HeldBook, marks: dict[str, Decimal]) -> Decimal:
    return abs(book.qty) * marks[book.symbol] if book.symbol in marks else book.cost


def _rows(owner: int, books: Sequence[HeldBook]) -> list[HeldRow]:
    return [HeldRow(owner, book.symbol, str(book.position_side), book.qty, book.cost, book.cash) for book in books]


def equity_state(sums: Sums, allocation: Decimal, waters: Waters | None, margin: Decimal | None) -> EquityState:
    """Put sums beside the high waters that the risk role keeps; before it has kept any, everything begins now."""
    known = waters or Waters.begun(allocation, utc_now())
    realised = sums.balance - allocation
    day, week, month = known.windows
    opened = Spans(day.equity, week.equity, month.equity, allocation)
    earned = Spans(realised - day.realised, realised - week.realised, realised - month.realised, realised)
    return EquityState(sums.equity, sums.balance, opened, earned, max(known.peak, sums.equity, ZERO), margin)
