"""What limits say about opening orders: compiled once for a crowd, and held against what is read with it.

Nobody's limits cost nothing: then no row more is read, and nothing is judged. With limits the reads of `crowd` are
wider, and only what some limit asks for is read besides, for all followers at once.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, NamedTuple

from sqlalchemy import text

from copydesk.db import TenantSession, number_array
from copydesk.kernel import ZERO
from copydesk.replication.likenesses import correlations_of
from copydesk.replication.model import RiskView, SignalFact
from copydesk.replication.order_states import ComingRow, Copier, HeldRow, Scene, order_states
from copydesk.replication.port import Surroundings
from copydesk.replication.purses import is_of_purse, purses_of
from copydesk.risk.limits import effective
from copydesk.risk.model import Basis, Measure, Scoped
from copydesk.risk.order_rules import OrderBounds, order_bounds
from copydesk.risk.store import Holder, StoredLimits

# The first eight columns are those of `crowd`.
_BOOKS = text(
    "SELECT subscription_id, symbol = :symbol AND position_side = :position_side, qty, target_qty, last_signal_id, "
    "cost, carried_qty, carried_at, symbol, position_side, cash "
    "FROM book WHERE subscription_id = ANY(CAST(:ids AS bigint[]))"
)
_MOVING = text(
    """
    SELECT c.subscription_id, c.symbol = :symbol AND c.position_side = :position_side, c.side, c.reduces,
           sum(c.qty - c.cum_qty), sum((c.qty - c.cum_qty) * c.px), sum(c.cum_qty - coalesce(told.qty, 0)),
           sum((c.cum_qty - coalesce(told.qty, 0)) * coalesce(c.avg_px, c.px)) FILTER (WHERE NOT c.reduces), c.symbol
    FROM copy c LEFT JOIN LATERAL (
        SELECT sum(f.qty) AS qty FROM copy_fill f
        WHERE f.tenant_id = c.tenant_id AND f.copy_id = c.id AND c.cum_qty > 0) AS told ON true
    WHERE c.shard = :shard AND c.status IN ('planned', 'in_flight', 'accepted', 'partially_filled')
    GROUP BY 1, 2, 3, 4, 9
    """
)
_OTHERS = text("SELECT id, account_id, allocation FROM subscription WHERE id = ANY(CAST(:ids AS bigint[]))")
# Signals come in their order: the newest few thousand are all that a limit per minute can be about.
_ORDERS = text(
    """
    SELECT subscription_id, count(*) FROM copy
    WHERE signal_id = ANY(ARRAY(
        SELECT id FROM (SELECT id, stored_at FROM signal ORDER BY id DESC LIMIT 6001) AS newest
        WHERE stored_at >= clock_timestamp() - interval '5 minutes'))
      AND planned_at >= clock_timestamp() - interval '1 minute' AND NOT reduces AND status <> 'denied'
      AND subscription_id = ANY(CAST(:ids AS bigint[]))
    GROUP BY 1
    """
)
_MARGINS = text(
    """
    SELECT account_id, min(abs(mark_px - liquidation_px) / mark_px) FROM account_position
    WHERE account_id = ANY(CAST(:account_ids AS bigint[])) AND qty <> 0 AND liquidation_px > 0 AND mark_px > 0
    GROUP BY 1
    """
)

_AT_MARKS = frozenset({Measure.POSITION, Measure.INSTRUMENT, Measure.EXPOSURE, Measure.OVERLAP})
_OF_MONEY = frozenset({Basis.EQUITY, Basis.BALANCE})
_LIQUID = frozenset({Measure.DEPTH_SHARE, Measure.VOLUME})


class Rows(NamedTuple):
    """Books and what is on its way, as `crowd` reads them, with columns of our own behind."""

    books: Sequence[Any]
    moving: Sequence[Any]

    @property
    def plain(self) -> tuple[Sequence[Any], Sequence[Any]]:
        """Return both without our own columns."""
        return [row[:8] for row in self.books], [row[:8] for row in self.moving]


@dataclass(frozen=True)
class LimitedCrowd:
    """The followers of a strategy on a lane whose orders some limit is about, and what these limits ask for.

    `copiers` are all subscriptions of their accounts, `ids` these and every other follower, `accounts` their accounts;
    both are array literals. Orders are quoted in `currency`.
    """

    strategy_id: int
    currency: str
    bounds: Mapping[int, OrderBounds]
    copiers: Sequence[Copier]
    ids: str
    accounts: str
    marks: bool
    orders: bool
    margins: bool
    liquid: bool
    likenesses: bool
    purses: bool


class OrderLimits:
    """The limits on the crowds that this process has met; they change with the crowd's version or the brand's files."""

    def __init__(self, around: Surroundings) -> None:
        self._around = around
        self._known: dict[tuple[int, str, int], tuple[int, tuple[Scoped, ...], LimitedCrowd | None]] = {}

    def of(
        self,
        session: TenantSession,
        shard: str,
        strategy_id: int,
        *,
        version: int,
        stored: StoredLimits,
        copiers: Callable[[], list[Copier]],
        kin: Callable[[int], Collection[int]],
        currency: str,
    ) -> LimitedCrowd | None:
        """Return what limits say of a crowd, None where nobody limits its orders. `kin` are who share an account."""
        told = self._around.terms(session.tenant_id, shard).risk_limits
        place = (session.tenant_id, shard, strategy_id)
        known = self._known.get(place)
        if known is None or known[:2] != (version, told):
            bounds = _compiled(strategy_id, told, stored, copiers, currency)
            crowd = _crowd(session, strategy_id, currency, bounds, copiers(), kin) if bounds else None
            known = self._known[place] = (version, told, crowd)
        return known[2]

    def look(
        self, session: TenantSession, limited: LimitedCrowd, signal: SignalFact, shard: str
    ) -> tuple[Rows, dict[int, RiskView]]:
        """Read what a crowd holds and has on its way, and return it with what each follower's order is judged by."""
        rows = self._read(session, limited, signal, shard)
        return rows, self._views(session, limited, rows, signal, shard)

    def _read(self, session: TenantSession, limited: LimitedCrowd, signal: SignalFact, shard: str) -> Rows:
        here = {"symbol": signal.symbol, "position_side": str(signal.position_side)}
        books = session.execute(_BOOKS, {"ids": limited.ids, **here}).all()
        return Rows(books, session.execute(_MOVING, {"shard": shard, **here}).all())

    def _views(
        self, session: TenantSession, limited: LimitedCrowd, rows: Rows, signal: SignalFact, shard: str
    ) -> dict[int, RiskView]:
        held = [HeldRow(row[0], row[8], row[9], row[2], row[5], row[10]) for row in rows.books]
        coming = [
            ComingRow(row[0], row[8], row[2], (row[5] or ZERO) + (row[7] or ZERO)) for row in rows.moving if not row[3]
        ]
        scene = self._scene(session, limited, held, signal, shard)
        states = order_states(limited.bounds.keys(), limited.copiers, held, coming, scene)
        return {one: RiskView(bounds, states[one]) for one, bounds in limited.bounds.items()}

    def _scene(
        self, session: TenantSession, limited: LimitedCrowd, held: Iterable[HeldRow], signal: SignalFact, shard: str
    ) -> Scene:
        around, tenant_id = self._around, session.tenant_id
        marks: dict[str, Decimal] = {}
        if limited.marks:
            for symbol in {row.symbol for row in held if row.qty}:
                px = around.price_now(shard, symbol).px
                if px is not None:
                    marks[symbol] = px
        liquidity = around.liquidity(tenant_id, shard, signal.symbol) if limited.liquid else None
        ids = number_array([copier.subscription_id for copier in limited.copiers])
        accounts = limited.accounts
        return Scene(
            signal.symbol,
            signal.position_side,
            signal.short,
            marks,
            around.exchange(tenant_id, shard).instruments,
            liquidity,
            orders_of(session, ids) if limited.orders else {},
            margins_of(session, accounts) if limited.margins else {},
            correlations_of(session, limited.strategy_id, accounts) if limited.likenesses else {},
            purses_of(session, accounts, limited.currency) if limited.purses else {},
        )


def _compiled(
    strategy_id: int,
    told: tuple[Scoped, ...],
    stored: StoredLimits,
    copiers: Callable[[], list[Copier]],
    currency: str,
) -> dict[int, OrderBounds]:
    """Make the limits of every follower ready; many have the same, so that each set is made once."""
    of_files = order_bounds(effective(told), currency=currency)
    if not stored:
        return {copier.subscription_id: of_files for copier in copiers()} if of_files else {}
    made: dict[tuple[tuple[str, str], ...], OrderBounds] = {(): of_files}
    bounds: dict[int, OrderBounds] = {}
    for subscription_id, account_id, _ in copiers():
        holder = Holder(subscription_id, strategy_id, account_id)
        lines = stored.lines(holder)
        if lines not in made:
            made[lines] = order_bounds(effective((*told, *stored.of(holder))), currency=currency)
        if made[lines]:
            bounds[subscription_id] = made[lines]
    return bounds


def _crowd(
    session: TenantSession,
    strategy_id: int,
    currency: str,
    bounds: Mapping[int, OrderBounds],
    followers: Sequence[Copier],
    kin: Callable[[int], Collection[int]],
) -> LimitedCrowd:
    copiers = [copier for copier in followers if copier.subscription_id in bounds]
    mine = {copier.subscription_id for copier in copiers}
    others = sorted({one for copier in copiers for one in kin(copier.account_id)} - mine)
    if others:
        copiers += [Copier(*row) for row in session.execute(_OTHERS, {"ids": number_array(others)})]
    # Many followers have one and the same set.
    every = [bound for each in {id(each): each for each in bounds.values()}.values() for bound in each]
    measures = {bound.scoped.limit.measure for bound in every}
    everyone = {copier.subscription_id for copier in (*followers, *copiers)}
    return LimitedCrowd(
        strategy_id,
        currency,
        bounds,
        copiers,
        number_array(sorted(everyone)),
        number_array(sorted({copier.account_id for copier in copiers})),
        marks=bool(measures & _AT_MARKS)
        or any(bound.basis in _OF_MONEY and not is_of_purse(bound.scoped) for bound in every),
        orders=Measure.ORDERS in measures,
        margins=Measure.MARGIN_DISTANCE in measures,
        liquid=bool(measures & _LIQUID),
        likenesses=Measure.CORRELATION in measures,
        purses=any(is_of_purse(bound.scoped) for bound in every),
    )


def orders_of(session: TenantSession, ids: str) -> dict[int, int]:
    """Return how many opening orders subscriptions sent in the last minute; `ids` is an array literal."""
    return {row[0]: row[1] for row in session.execute(_ORDERS, {"ids": ids})}


def margins_of(session: TenantSession, account_ids: str) -> dict[int, Decimal]:
    """Return how far each account's nearest position was from its liquidation when it was last seen."""
    return {row[0]: row[1] for row in session.execute(_MARGINS, {"account_ids": account_ids})}
