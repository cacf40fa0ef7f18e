"""Who copies a strategy on a lane, and with what in hand: what planning a signal needs to know of its followers.

Terms seldom change, so they are kept in memory for as long as the brand's crowd version stands; positions are read
anew for every signal.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from decimal import Decimal
from typing import Any, NamedTuple

from sqlalchemy import text

from copydesk.db import TenantSession, number_array
from copydesk.kernel import ZERO
from copydesk.replication.burst import burst_length, joined
from copydesk.replication.crossing import Kin, read_kin
from copydesk.replication.deliveries import DueSignal
from copydesk.replication.doors import closed_doors
from copydesk.replication.model import Book, Follower, No, RiskView, SignalFact
from copydesk.replication.order_limits import LimitedCrowd, OrderLimits, Rows
from copydesk.replication.order_states import Copier
from copydesk.replication.port import Surroundings
from copydesk.risk.store import Holder, StoredLimits, read_limits
from copydesk.trading import Denial, SizePolicy, SizingMode, SubscriptionState, quote_currency

# Three plain reads joined in memory: as one statement PostgreSQL, without fresh statistics, joins them row by row.
_SUBSCRIPTIONS = text(
    """
    SELECT s.created_at, s.id, s.account_id, s.state, a.status = 'active', s.sizing_mode, s.sizing_value, s.allocation,
           s.size_policy, s.leverage_max, a.key_denial
    FROM subscription s JOIN account a ON a.tenant_id = s.tenant_id AND a.id = s.account_id
    WHERE s.strategy_id = :strategy_id AND a.shard = :shard AND s.state <> 'ended' ORDER BY s.id
    """
)
_BOOKS = text(
    "SELECT subscription_id, symbol = :symbol AND position_side = :position_side, qty, target_qty, last_signal_id, "
    "cost, carried_qty, carried_at FROM book WHERE subscription_id = ANY(CAST(:ids AS bigint[]))"
)
# Executed and not yet told fill by fill, so not in the book: the last two columns, quantity and value.
_MOVING = text(
    """
    SELECT c.subscription_id, c.symbol = :symbol AND c.position_side = :position_side, c.side, c.reduces,
           sum(c.qty - c.cum_qty), sum((c.qty - c.cum_qty) * c.px), sum(c.cum_qty - coalesce(told.qty, 0)),
           sum((c.cum_qty - coalesce(told.qty, 0)) * coalesce(c.avg_px, c.px)) FILTER (WHERE NOT c.reduces)
    FROM copy c LEFT JOIN LATERAL (
        SELECT sum(f.qty) AS qty FROM copy_fill f
        WHERE f.tenant_id = c.tenant_id AND f.copy_id = c.id AND c.cum_qty > 0) AS told ON true
    WHERE c.shard = :shard AND c.status IN ('planned', 'in_flight', 'accepted', 'partially_filled')
    GROUP BY 1, 2, 3, 4
    """
)

_DOORS = text("SELECT EXISTS (SELECT 1 FROM door WHERE strategy_id = :strategy_id)")

_HOLD = text("SELECT version FROM crowd_version FOR SHARE")
# Whoever changes a subscription counts the version up: two that had shared the row before would wait for each other.
_HOLD_TO_CHANGE = text("SELECT version FROM crowd_version FOR UPDATE")
_STATES = {str(state): state for state in SubscriptionState}
_MODES = {str(mode): mode for mode in SizingMode}
_POLICIES = {str(policy): policy for policy in SizePolicy}


class Terms(NamedTuple):
    """One subscription's terms, in two parts in the order in which `Follower` has them.

    `refusal` is why its account opens nothing at all, None for one that does: what its key may do decides.
    """

    head: tuple[int, int, SubscriptionState, bool, SizingMode, Decimal | None, Decimal]
    tail: tuple[SizePolicy, int | None]
    refusal: No | None = None


class Seats(NamedTuple):
    """The subscriptions of one strategy on one lane as of a version; `ids` is an array literal.

    `doors` tells whether any of them has closed a door, so that doors need not be looked for. `kin` are the accounts
    that copy other strategies besides, `limits` what people set for any of them.
    """

    version: int
    created_at: list[datetime]
    terms: list[Terms]
    ids: str
    doors: bool
    kin: dict[int, Kin]
    limits: StoredLimits

    def copiers(self) -> list[Copier]:
        """Return everybody with the account and the allocation."""
        return [Copier(head[0], head[1], head[6]) for head, _, _ in self.terms]

    def sharing(self, account_id: int) -> Sequence[int]:
        """Return all subscriptions of an account that has several."""
        kin = self.kin.get(account_id)
        return kin.everyone if kin else ()

    def at(self, moment: datetime) -> list[Terms]:
        """Return who was subscribed when the leader traded."""
        if not self.created_at or max(self.created_at) <= moment:
            return self.terms
        return [terms for created_at, terms in zip(self.created_at, self.terms, strict=True) if created_at <= moment]

    def joined_between(self, first: datetime, last: datetime) -> bool:
        """Tell whether anybody subscribed between two moments: then signals of both are not the same to all."""
        return any(first < created_at <= last for created_at in self.created_at)


def hold_crowd(session: TenantSession, *, changes: bool = False) -> int:
    """Keep who copies, and how, as it is until this transaction ends, and return its version.

    What is read afterwards is all that a stop has stored (`stops`), and none can store anything meanwhile. `changes`
    says that the transaction may change it itself.
    """
    return session.execute(_HOLD_TO_CHANGE if changes else _HOLD).scalar() or 0


class Crowds:
    """The crowds that this process has met, with the limits on what they open."""

    def __init__(self, around: Surroundings) -> None:
        self._seats: dict[tuple[int, str, int], Seats] = {}
        self._limits = OrderLimits(around)

    def followers(self, session: TenantSession, due: DueSignal, shard: str) -> list[Follower]:
        """Return the strategy's subscriptions on this shard that existed when the leader traded."""
        seats = self._seats_of(session, due, shard)
        limited = self._limited(session, seats, due, shard) if due.fact.opens else None
        if limited is None:
            return followers(session, seats, due, shard)
        rows, views = self._limits.look(session, limited, due.fact, shard)
        crowd = followers(session, seats, due, shard, rows)
        return [follower._replace(risk=views.get(follower.subscription_id)) for follower in crowd]

    def views(self, session: TenantSession, due: DueSignal, shard: str) -> dict[int, RiskView]:
        """Return what opening orders of a signal are judged by, of those subscriptions whose orders are limited."""
        limited = self._limited(session, self._seats_of(session, due, shard), due, shard)
        return {} if limited is None else self._limits.look(session, limited, due.fact, shard)[1]

    def _limited(self, session: TenantSession, seats: Seats, due: DueSignal, shard: str) -> LimitedCrowd | None:
        return self._limits.of(
            session,
            shard,
            due.strategy_id,
            version=seats.version,
            stored=seats.limits,
            copiers=seats.copiers,
            kin=seats.sharing,
            currency=quote_currency(due.fact.symbol),
        )

    def kin(self, tenant_id: int, shard: str, strategy_id: int) -> dict[int, Kin]:
        """Return the accounts that copy other strategies besides, as of when the followers were last read."""
        return self._seats[tenant_id, shard, strategy_id].kin

    def together(
        self, session: TenantSession, due: DueSignal, shard: str, *, now: datetime, age_ms_max: int
    ) -> DueSignal:
        """Join the opens of a burst that wait behind the oldest signal: they are planned as one."""
        if len(due.waiting) < 2:
            return due
        first, *_ = burst = due.waiting[: burst_length(due.waiting, now=now, age_ms_max=age_ms_max)]
        seats = self._seats_of(session, due, shard)
        same = [signal for signal in burst if not seats.joined_between(first.venue_at, signal.venue_at)]
        return replace(due, fact=joined(same), waiting=tuple(same))

    def _seats_of(self, session: TenantSession, due: DueSignal, shard: str) -> Seats:
        place = (session.tenant_id, shard, due.strategy_id)
        seats = self._seats.get(place)
        if seats is None or seats.version != due.crowd_version:
            seats = self._seats[place] = _read_seats(session, due, shard)
        return seats


def _read_seats(session: TenantSession, due: DueSignal, shard: str) -> Seats:
    """Read the terms; they are at least as new as the version that the signal was read with."""
    rows = session.execute(_SUBSCRIPTIONS, {"strategy_id": due.strategy_id, "shard": shard}).all()
    terms = [
        Terms(
            (row[1], row[2], _STATES[row[3]], row[4], _MODES[row[5]], row[6], row[7]),
            (_POLICIES[row[8]], row[9]),
            (Denial(row[10]), {}) if row[10] else None,
        )
        for row in rows
    ]
    ids = number_array([row[1] for row in rows])
    doors = bool(session.execute(_DOORS, {"strategy_id": due.strategy_id}).scalar())
    kin = read_kin(session, due.strategy_id, shard)
    limits = read_limits(session, [Holder(row[1], due.strategy_id, row[2]) for row in rows])
    return Seats(due.crowd_version, [row[0] for row in rows], terms, ids, doors, kin, limits)


# What is on its way, and what is executed but untold, by side of the order and whether it reduces.
_Ways = dict[tuple[str, bool], tuple[Decimal, Decimal]]
_STILL = (ZERO, ZERO)
_EMPTY = Book()


def followers(
    session: TenantSession, seats: Seats, due: DueSignal, shard: str, rows: Rows | None = None
) -> list[Follower]:
    """Join terms with what each subscription holds and has on its way, where `rows` of it are not given already."""
    signal = due.fact
    held, under_way = _read(session, seats, signal, shard) if rows is None else rows.plain
    spent: dict[int, Decimal] = {}
    books: dict[int, Book] = {}
    for subscription_id, is_here, qty, target, last_signal_id, cost, carried, carried_at in held:
        spent[subscription_id] = spent.get(subscription_id, ZERO) + cost
        if is_here:
            books[subscription_id] = Book(
                qty, target, ZERO, ZERO, last_signal_id, cost, ZERO, ZERO, carried, carried_at
            )
    moving: dict[int, _Ways] = {}
    for subscription_id, is_here, side, reduces, qty, reserved, untold, paid in under_way:
        # An open in flight may still cost its limit, on whatever pair; a close has no price and costs nothing.
        spent[subscription_id] = spent.get(subscription_id, ZERO) + (reserved or ZERO) + (paid or ZERO)
        if is_here:
            moving.setdefault(subscription_id, {})[side, reduces] = (qty, untold)
    for subscription_id, ways in moving.items():
        books[subscription_id] = _with_moving(books.get(subscription_id, _EMPTY), ways, perpetual=signal.perpetual)
    shut = _shut(session, due, shard) if seats.doors else {}
    return [
        Follower(*head, spent.get(head[0], ZERO), books.get(head[0], _EMPTY), refusal or shut.get(head[0]), *tail)
        for head, tail, refusal in seats.at(signal.venue_at)
    ]


def _read(session: TenantSession, seats: Seats, signal: SignalFact, shard: str) -> tuple[Sequence[Any], Sequence[Any]]:
    here = {"symbol": signal.symbol, "position_side": str(signal.position_side)}
    books = session.execute(_BOOKS, {"ids": seats.ids, **here}).all()
    return books, session.execute(_MOVING, {"shard": shard, **here}).all()


def _shut(session: TenantSession, due: DueSignal, shard: str) -> dict[int, No]:
    signal = due.fact
    return closed_doors(session, due.strategy_id, shard, signal.symbol, signal.position_side, signal_id=signal.id)


def _with_moving(book: Book, ways: _Ways, *, perpetual: bool) -> Book:
    """Join what is held with what moves.

    Of a perpetual, what is executed is held, told in full or not. On spot the fee may still be taken off it, so there
    it counts as on its way.
    """
    every = {
        (side, reduces): ways.get((side, reduces), _STILL) for side in ("buy", "sell") for reduces in (False, True)
    }
    qty = book.qty
    if perpetual:
        qty += sum((untold if side == "buy" else -untold for (side, _), (_, untold) in every.items()), ZERO)
    left = {way: rest if perpetual else rest + untold for way, (rest, untold) in every.items()}
    back, off = left["buy", True], left["sell", True]
    buying, selling = left["buy", False] + back, left["sell", False] + off
    return book._replace(qty=qty, buying=buying, selling=selling, buying_back=back, selling_off=off)
