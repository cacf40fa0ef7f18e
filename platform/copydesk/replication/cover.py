"""Fills of a leader's order that followers have an order of their own for: they move targets, and send nothing.

A follower whose resting order is ahead of the leader's, or behind, is shown to the planner as if it were in step, so
that every other signal is planned as ever.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from decimal import Decimal
from typing import NamedTuple

from sqlalchemy import text

from copydesk.db import TenantSession
from copydesk.kernel import ZERO
from copydesk.replication.deliveries import DueSignal
from copydesk.replication.model import CLOSE, OPEN, Follower, Planned, SignalFact
from copydesk.trading import Denial, OrderType, Side

_ANY = text(
    "SELECT EXISTS (SELECT 1 FROM subscription s JOIN account a ON a.tenant_id = s.tenant_id AND a.id = s.account_id "
    "WHERE s.strategy_id = :strategy_id AND a.shard = :shard AND s.copies = 'orders')"
)

# What of our orders is still at the exchange, and executed but not told fill by fill, is counted apart.
_BESIDE = text(
    """
    SELECT r.subscription_id, r.side, r.reduces,
           g.venue_order_id IN (o.venue_order_id, o.placed_id) AS covers,
           r.ratio * greatest(g.cum_qty - greatest(r.from_qty, g.cum_qty - g.qty), 0) AS asks,
           r.base_qty + r.ratio * greatest(drained.qty - r.from_qty, 0) AS due, coalesce(own.got, 0) AS got,
           coalesce(own.left, 0) AS left, coalesce(own.got - own.told, 0) AS untold
    FROM resting_order r
    JOIN leader_order o ON o.tenant_id = r.tenant_id AND o.id = r.leader_order_id
    JOIN signal g ON g.tenant_id = r.tenant_id AND g.id = :signal_id AND g.account_id = o.account_id
                 AND g.symbol = r.symbol AND g.position_side = r.position_side
    CROSS JOIN LATERAL (
        SELECT coalesce(max(f.cum_qty), 0) AS qty FROM signal f
        JOIN delivery d ON d.tenant_id = f.tenant_id AND d.signal_id = f.id AND d.shard = r.shard
        WHERE f.tenant_id = o.tenant_id AND f.account_id = o.account_id AND f.symbol = o.symbol
          AND f.venue_order_id IN (o.venue_order_id, o.placed_id) AND d.drained_at IS NOT NULL) AS drained
    LEFT JOIN LATERAL (
        SELECT sum(c.cum_qty) AS got, sum(coalesce(t.qty, 0)) AS told,
               sum(c.qty - c.cum_qty) FILTER (WHERE c.status IN ('planned', 'in_flight', 'accepted',
                                                                 'partially_filled')) AS left
        FROM copy c LEFT JOIN LATERAL (
            SELECT sum(f.qty) AS qty FROM copy_fill f WHERE f.tenant_id = c.tenant_id AND f.copy_id = c.id) AS t ON true
        WHERE c.tenant_id = r.tenant_id AND c.signal_id = o.signal_id AND c.subscription_id = r.subscription_id
          AND c.leg LIKE 'rest-%') AS own ON true
    WHERE r.shard = :shard AND r.state <> 'done'
    """
)


class Beside(NamedTuple):
    """One resting order of the book that a signal is about; `asks` is what the signal asks of it if it `covers`."""

    subscription_id: int
    side: Side
    reduces: bool
    covers: bool
    asks: Decimal
    due: Decimal
    got: Decimal
    left: Decimal
    untold: Decimal


class Parted(NamedTuple):
    """A crowd without those who have an order of their own for this signal, and what is planned for these."""

    crowd: list[Follower]
    covered: list[Planned]


Reads = Callable[[TenantSession, DueSignal, str], list[Follower]]


class Cover:
    """Part crowds; remembers of each strategy whether anybody copies its orders, for as long as the crowd stands."""

    def __init__(self) -> None:
        self._known: dict[tuple[int, str, int], tuple[int, bool]] = {}

    def apart(self, session: TenantSession, due: DueSignal, shard: str) -> DueSignal:
        """Leave a signal alone where orders are copied: of a burst, some may be covered and others not."""
        if len(due.waiting) > 1 and self._copied(session, due, shard):
            return replace(due, waiting=due.waiting[:1])
        return due

    def part(self, session: TenantSession, due: DueSignal, shard: str, read: Reads) -> Parted:
        """Read the crowd of a signal and part it; costs nothing more where nobody copies orders."""
        crowd = read(session, due, shard)
        if not self._copied(session, due, shard):
            return Parted(crowd, [])
        rows = session.execute(_BESIDE, {"signal_id": due.fact.id, "shard": shard})
        beside = [Beside(row[0], Side(row[1]), *row[2:]) for row in rows]
        return parted(due.fact, crowd, beside)

    def _copied(self, session: TenantSession, due: DueSignal, shard: str) -> bool:
        place = (session.tenant_id, shard, due.strategy_id)
        version, copied = self._known.get(place, (-1, False))
        if version != due.crowd_version:
            copied = bool(session.execute(_ANY, {"strategy_id": due.strategy_id, "shard": shard}).scalar())
            self._known[place] = due.crowd_version, copied
        return copied


def parted(signal: SignalFact, crowd: Sequence[Follower], beside: Sequence[Beside]) -> Parted:
    """Take out who is covered, and show the others in step. Pure."""
    mine: dict[int, list[Beside]] = {}
    for rest in beside:
        mine.setdefault(rest.subscription_id, []).append(rest)
    others: list[Follower] = []
    covered: list[Planned] = []
    for follower in crowd:
        rests = mine.get(follower.subscription_id, ())
        own = next((rest for rest in rests if rest.covers), None)
        if own is None:
            others.append(_in_step(signal, follower, rests) if rests else follower)
        elif follower.book.last_signal_id < signal.id:
            covered.append(_covered(signal, follower, own))
    return Parted(others, covered)


def _covered(signal: SignalFact, follower: Follower, own: Beside) -> Planned:
    """Move the target by what the fill asks for; a leader who is flat leaves nothing to be held."""
    book = follower.book
    moved = own.asks if own.side is Side.BUY else -own.asks
    target = book.target_qty + moved
    if own.reduces and (target * book.target_qty <= 0 or signal.position_after == 0):
        target = ZERO
    return Planned(
        follower.subscription_id,
        follower.account_id,
        OPEN if signal.opens else CLOSE,
        own.side,
        OrderType.LIMIT if signal.opens else OrderType.MARKET,
        ZERO,
        None,
        not signal.opens,
        target,
        Denial.ORDER_RESTS,
        carried_qty=book.carried_qty,
        carried_at=book.carried_at,
        wanted_qty=own.asks,
        allocation=follower.allocation,
        book_qty=book.qty,
    )


def _in_step(signal: SignalFact, follower: Follower, rests: Sequence[Beside]) -> Follower:
    """Count resting orders as filled exactly as the leader's, and not as on their way.

    A close sells nothing that is held only because a resting order is ahead, but no more than is held either.
    """
    book = follower.book
    qty, buying, selling = book.qty, book.buying, book.selling
    back, off = book.buying_back, book.selling_off
    ahead = ZERO
    for rest in rests:
        on_its_way = rest.left if signal.perpetual else rest.left + rest.untold
        if rest.side is Side.BUY:
            buying -= on_its_way
            back -= on_its_way if rest.reduces else ZERO
            ahead += rest.got - rest.due
        else:
            selling -= on_its_way
            off -= on_its_way if rest.reduces else ZERO
            ahead -= rest.got - rest.due
        if not signal.perpetual:
            qty += rest.untold if rest.side is Side.BUY else -rest.untold
    held_ahead = -ahead if signal.short else ahead
    if signal.opens or held_ahead > 0:
        # What a fee in base took of what is ahead is nothing that would have to be bought.
        qty = qty - ahead if signal.perpetual else max(qty - ahead, ZERO)
    return follower._replace(
        book=book._replace(qty=qty, buying=buying, selling=selling, buying_back=back, selling_off=off)
    )
