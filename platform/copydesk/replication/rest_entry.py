"""Begin to mirror a leader's order: which followers place one of their own, how large, or why their fills are copied.

An order that opens is sized as a fill of all that is left of it, at its limit price, would be; one that closes takes
the share of what the follower holds that the leader's takes of the leader's position.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import replace
from datetime import datetime
from decimal import ROUND_CEILING, Decimal
from typing import NamedTuple

from sqlalchemy import text

from copydesk.db import TenantSession
from copydesk.kernel import ZERO, decimal_text, round_to_step
from copydesk.replication.crowd import Crowds
from copydesk.replication.deliveries import DueSignal
from copydesk.replication.model import Book, Bound, Follower, Limits, No, Planned, SignalFact
from copydesk.replication.order_deliveries import DeliveredOrder
from copydesk.replication.plan import plan_copies
from copydesk.replication.port import Surroundings, Terms
from copydesk.replication.rest_rows import ahead_of_leader
from copydesk.replication.rest_writes import Entry
from copydesk.replication.resting import WANTED, order_px
from copydesk.trading import Bracket, Denial, Instrument, OrderType, Side

_RATIO_STEP = Decimal("1E-18")  # As fine as it is stored; rounded up, so that the whole order is never a step short.
_NEWEST = 2**62  # Newer than what any book has seen: an order is sized anew whatever was copied before it.

# Who subscribed later copies what the order fills from then on.
_NEW_TO_IT = text(
    """
    SELECT s.id FROM subscription s JOIN account a ON a.tenant_id = s.tenant_id AND a.id = s.account_id
    WHERE s.strategy_id = :strategy_id AND a.shard = :shard AND s.copies = 'orders' AND s.state <> 'ended'
      AND s.created_at <= :placed_at AND NOT EXISTS (
        SELECT 1 FROM resting_order r WHERE r.tenant_id = s.tenant_id AND r.subscription_id = s.id
        AND r.leader_order_id = :id)
    """
)

_STILL_RESTING = text(
    """
    SELECT c.subscription_id, c.side, c.reduces, c.qty - c.cum_qty, c.cum_qty - coalesce(told.qty, 0)
    FROM copy c LEFT JOIN LATERAL (
        SELECT sum(f.qty) AS qty FROM copy_fill f WHERE f.tenant_id = c.tenant_id AND f.copy_id = c.id) AS told ON true
    WHERE c.shard = :shard AND c.symbol = :symbol AND c.position_side = :position_side AND c.leg LIKE 'rest-%'
      AND c.status IN ('planned', 'in_flight', 'accepted', 'partially_filled')
    """
)


class StillResting(NamedTuple):
    """What of a resting order is still to be filled, and what is filled and not told fill by fill."""

    side: Side
    reduces: bool
    left: Decimal
    untold: Decimal


def newcomers(session: TenantSession, around: Surroundings, order: DeliveredOrder, shard: str) -> list[Follower]:
    """Return the followers who copy orders and do not mirror this one yet, their books as if they were in step."""
    keys = {"strategy_id": order.strategy_id, "shard": shard, "placed_at": order.placed_at, "id": order.id}
    ids = set(session.execute(_NEW_TO_IT, keys).scalars())
    if not ids:
        return []
    # What limits say is read for orders that open; which way is all that matters.
    way = ZERO if order.closes in (None, True) else Decimal(1 if order.side is Side.BUY else -1)
    fact = SignalFact(
        _NEWEST, order.symbol, order.mark, ZERO, way, ZERO, order.placed_at, position_side=order.position_side
    )
    crowd = Crowds(around).followers(session, DueSignal(order.strategy_id, order.strategy_live, fact), shard)
    ahead, here = ahead_of_leader(session, shard), {"symbol": order.symbol, "position_side": str(order.position_side)}
    left: dict[int, list[StillResting]] = {}
    for row in session.execute(_STILL_RESTING, {"shard": shard, **here}):
        still = StillResting(Side(row[1]), *row[2:])
        left.setdefault(row[0], []).append(still)
    return [
        in_step(
            follower,
            order,
            ahead.get((follower.subscription_id, order.symbol, str(order.position_side)), ZERO),
            left.get(follower.subscription_id, ()),
        )
        for follower in crowd
        if follower.subscription_id in ids
    ]


def in_step(follower: Follower, order: DeliveredOrder, ahead_qty: Decimal, resting: Sequence[StillResting]) -> Follower:
    """Return a follower's book as if resting orders were filled as the leader's, and none were on its way. Pure.

    What else is on its way stays: a close that has not ended leaves room for what is opened after it.
    """
    book, perpetual = follower.book, ":" in order.symbol
    qty, buying, selling = book.qty - ahead_qty, book.buying, book.selling
    back, off = book.buying_back, book.selling_off
    for still in resting:
        left = still.left if perpetual else still.left + still.untold
        untold = ZERO if perpetual else still.untold
        if still.side is Side.BUY:
            qty, buying, back = qty + untold, buying - left, back - (left if still.reduces else ZERO)
        else:
            qty, selling, off = qty - untold, selling - left, off - (left if still.reduces else ZERO)
    return follower._replace(
        book=book._replace(
            qty=qty if perpetual else max(qty, ZERO),
            buying=buying,
            selling=selling,
            buying_back=back,
            selling_off=off,
        )
    )


def whole_order(order: DeliveredOrder, now: datetime) -> SignalFact:
    """Show all that is left of an order as one fill at its price, now. Pure."""
    left = order.qty - order.drained
    after = order.position + (left if order.side is Side.BUY else -left)
    return SignalFact(
        _NEWEST,
        order.symbol,
        order.mark,
        order.position,
        after,
        order.leader_equity,
        now,
        position_side=order.position_side,
        leverage=order.leader_leverage,
    )


def plan_opening(
    order: DeliveredOrder,
    crowd: Sequence[Follower],
    instrument: Instrument,
    terms: Terms,
    now: datetime,
    *,
    unrest: No | None = None,
    brackets: tuple[Bracket, ...] = (),
) -> list[Planned]:
    """Size an opening order for each follower, who pays its limit and not more. Pure."""
    limits = Limits(
        0,
        terms.signal_age_ms_max,
        market_allowed=order.symbol in terms.markets,
        strategy_live=order.strategy_live,
        leverage_max=terms.leverage_max_of(order.symbol),
        round_up_max=terms.round_up_max,
        carry_s_max=0,
        exposure_max=terms.exposure_max,
        strategy_suspended=order.strategy_suspended,
        unrest=unrest,
        brackets=brackets,
    )
    px = order_px(order.mark, order.side, instrument, OrderType.LIMIT) or order.mark
    signal = replace(whole_order(order, now), px=px)
    return plan_copies(signal, crowd, instrument, limits, now=now)


def opening_entries(order: DeliveredOrder, planned: Sequence[Planned]) -> list[Entry]:
    """Begin to mirror an opening order with what was planned; who would have to turn round copies its fills. Pure."""
    turning = {item.subscription_id for item in planned if item.reduces}
    left = order.qty - order.drained
    entries = []
    for item in planned:
        if item.reduces:
            continue
        no: No | None = (item.denial, item.facts or {}) if item.denial else None
        if item.subscription_id in turning:
            no = Denial.ORDER_WOULD_TURN, {}
        ratio = ZERO if no else round_to_step(item.qty / left, _RATIO_STEP, ROUND_CEILING)
        entry = _entry(order, item.subscription_id, item.account_id, ratio, reduces=False, no=no)
        entries.append(entry._replace(limited=None if no else _limited(item)))
    return entries


def _limited(item: Planned) -> dict[str, str] | None:
    """Return what a receipt says of the limit that cut an order, or only warned."""
    cut = {WANTED: decimal_text(item.wanted_qty)} if item.bound is Bound.RISK_LIMIT else {}
    return {**item.facts, **cut} if item.facts else None


def closing_entries(order: DeliveredOrder, crowd: Collection[Follower]) -> list[Entry]:
    """Begin to mirror a closing order for everyone who holds something that it would close. Pure."""
    entries = []
    direction = -1 if order.side is Side.BUY else 1
    for follower in crowd:
        held = _meant(follower.book, direction)
        no: No | None = None
        if held <= 0 or order.position * direction <= 0:
            no = Denial.NOTHING_TO_REDUCE, {"held": decimal_text(max(held, ZERO))}
        elif not follower.usable:
            no = Denial.ACCOUNT_UNUSABLE, {}
        ratio = ZERO if no else round_to_step(held / abs(order.position), _RATIO_STEP, ROUND_CEILING)
        entries.append(_entry(order, follower.subscription_id, follower.account_id, ratio, reduces=True, no=no))
    return entries


def _meant(book: Book, direction: int) -> Decimal:
    """Return what a book holds on that side, as soon as what is on its way there is filled."""
    held, coming = book.qty * direction, book.buying if direction > 0 else book.selling
    return max(held, min(book.target_qty * direction, held + coming))


def turning_entries(order: DeliveredOrder, crowd: Collection[Follower], denial: Denial) -> list[Entry]:
    """Leave an order to its fills, for everyone and the same reason. Pure."""
    no: No = denial, {}
    return [_entry(order, f.subscription_id, f.account_id, ZERO, reduces=False, no=no) for f in crowd]


def _entry(
    order: DeliveredOrder, subscription_id: int, account_id: int, ratio: Decimal, *, reduces: bool, no: No | None
) -> Entry:
    return Entry(
        subscription_id,
        account_id,
        order.id,
        order.symbol,
        order.position_side,
        order.side,
        order.type,
        reduces,
        ratio,
        order.drained,
        no,
    )
