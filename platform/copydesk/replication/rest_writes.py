"""Store each step of a resting order before it is sent, and what the exchange answered, under the lane's fence.

A resting order's copies (legs "rest-1", "rest-2", ...) move no target: that follows the leader's fills alone. Their
fills are booked like every copy's.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from decimal import Decimal
from typing import Any, NamedTuple

from psycopg.types.json import Jsonb
from sqlalchemy import text

from copydesk.db import TenantSession
from copydesk.kernel import ZERO
from copydesk.replication.margin_modes import told_mode
from copydesk.replication.model import Bound, No
from copydesk.replication.orders import copy_digest
from copydesk.replication.rest_rows import Marks
from copydesk.replication.resting import REST, WANTED, OrderTerms, Rest, RestState
from copydesk.replication.settle import Settlement, book_fills, heed_refusals
from copydesk.replication.steps import LaneNow
from copydesk.trading import MarginMode, OrderRequest, OrderType, PositionSide, Side, TimeInForce
from copydesk.venues import client_order_id

_FENCE = text("SELECT 1 FROM shard_lease WHERE shard = :shard AND epoch = :epoch FOR SHARE")
# Who has gone over to copying fills meanwhile mirrors nothing (`changeover`).
_ENTER = text(
    """
    INSERT INTO resting_order (tenant_id, subscription_id, leader_order_id, account_id, shard, symbol, position_side,
                               side, type, reduces, state, revision, ratio, from_qty, base_qty, qty, reason,
                               reason_facts, look_at, at)
    SELECT :tenant_id, s.id, :leader_order_id, :account_id, :shard, :symbol, :position_side, :side, :type, :reduces,
           :state, 0, :ratio, :from_qty, 0, 0, CAST(:reason AS text), CAST(:reason_facts AS jsonb), :now, :now
    FROM subscription s WHERE s.id = :subscription_id AND s.copies = 'orders' FOR SHARE
    ON CONFLICT (tenant_id, subscription_id, leader_order_id) DO NOTHING
    """
)
_COPY = text(
    """
    INSERT INTO copy (tenant_id, subscription_id, signal_id, account_id, shard, leg, symbol, position_side, side, type,
                      qty, px, reduces, client_order_id, status, epoch, planned_at, wanted_qty, allocation, book_qty,
                      bound, reason_facts)
    VALUES (:tenant_id, :subscription_id, :signal_id, :account_id, :shard, :leg, :symbol, :position_side, :side, :type,
            :qty, :px, :reduces, :cid, 'planned', :epoch, :now, :wanted_qty, :allocation, :book_qty, :bound,
            CAST(:limited AS jsonb))
    RETURNING id, (SELECT p.margin_mode FROM account_setup p WHERE p.tenant_id = copy.tenant_id
        AND p.account_id = copy.account_id AND p.symbol = copy.symbol) AS margin_mode
    """
)
# Fills move a book that exists.
_BOOK = text(
    "INSERT INTO book (tenant_id, subscription_id, symbol, position_side) "
    "VALUES (:tenant_id, :subscription_id, :symbol, :position_side) ON CONFLICT DO NOTHING"
)
_PLACING = text(
    """
    UPDATE resting_order SET state = 'placing', revision = :revision, copy_id = :copy_id, client_order_id = :cid,
        qty = :qty, px = :px, trigger_px = :trigger_px, ratio = :ratio, from_qty = :from_qty, base_qty = :base_qty,
        looks = 0, look_at = :now, proof_at = :proof_at, at = clock_timestamp()
    WHERE subscription_id = :subscription_id AND leader_order_id = :leader_order_id
    """
)
_AMENDING = text(
    """
    UPDATE resting_order SET state = 'amending', next_qty = :qty, next_px = :px, ratio = :ratio, from_qty = :from_qty,
        base_qty = :base_qty, looks = 0, look_at = :now, at = clock_timestamp()
    WHERE subscription_id = :subscription_id AND leader_order_id = :leader_order_id
    """
)
_AMENDED = text(
    """
    UPDATE resting_order SET state = 'resting', qty = CASE WHEN :applied THEN next_qty ELSE qty END,
        px = CASE WHEN :applied THEN next_px END, next_qty = NULL, next_px = NULL, look_at = :look_at,
        at = clock_timestamp()
    WHERE subscription_id = :subscription_id AND leader_order_id = :leader_order_id
    """
)
_MARK = text(
    """
    UPDATE resting_order SET state = :state, look_at = :look_at, looks = :looks, reason = coalesce(:reason, reason),
        looked_at = CASE WHEN :looked THEN clock_timestamp() ELSE looked_at END,
        at = clock_timestamp()
    WHERE subscription_id = :subscription_id AND leader_order_id = :leader_order_id
    """
)
_COPY_QTY = text(
    """
    UPDATE copy SET qty = :qty, px = :px,
        wanted_qty = coalesce(CAST(reason_facts ->> :wanted AS numeric), :qty),
        bound = CASE WHEN reason_facts ->> :wanted IS NULL THEN 'none' ELSE 'risk_limit' END
    WHERE id = :copy_id AND epoch = :epoch
    """
)
_LIMITED = text(
    """
    UPDATE resting_order SET reason_facts = CAST(:limited AS jsonb)
    WHERE subscription_id = :subscription_id AND leader_order_id = :leader_order_id
    """
)
# What rests has no reason yet, so that all that its facts tell is of a limit.
_COPY_LIMITED = text(
    "UPDATE copy SET reason_facts = CAST(:limited AS jsonb) WHERE id = :copy_id AND epoch = :epoch AND reason IS NULL"
)
# A fill can overtake our cancel, so what is canceled may yet be filled; nothing else follows an end.
_ANSWER = text(
    """
    UPDATE copy SET status = :status, reason = :reason,
        reason_facts = CASE WHEN reason_facts ?| ARRAY['limit_line', 'warned_line']
                            THEN reason_facts || coalesce(CAST(:facts AS jsonb), '{}') ELSE CAST(:facts AS jsonb) END,
        venue_order_id = coalesce(:venue_order_id, venue_order_id), cum_qty = greatest(cum_qty, :cum_qty),
        avg_px = coalesce(CAST(:avg_px AS numeric), avg_px), sent_at = coalesce(sent_at, :sent_at),
        acked_at = coalesce(acked_at, :acked_at), next_check_at = NULL, checks = least(checks + 1, 10000)
    WHERE id = :copy_id AND epoch = :epoch AND status IN ('planned', 'in_flight', 'accepted', 'partially_filled')
    """
)
_DELIVERED = text(
    "DELETE FROM order_delivery WHERE shard = :shard AND leader_order_id = :leader_order_id AND version <= :version"
)
_LOWER = text(
    """
    UPDATE book SET target_qty = :target_qty, updated_at = now()
    WHERE subscription_id = :subscription_id AND symbol = :symbol AND position_side = :position_side
    """
)


class Entry(NamedTuple):
    """A leader's order as one follower begins to mirror it; with a `no` it is copied by its fills instead.

    `limited` is what a receipt says of the limit that made it smaller.
    """

    subscription_id: int
    account_id: int
    leader_order_id: int
    symbol: str
    position_side: PositionSide
    side: Side
    type: OrderType
    reduces: bool
    ratio: Decimal
    from_qty: Decimal
    no: No | None = None
    limited: Mapping[str, str] | None = None


class Anchor(NamedTuple):
    """How the leader's fills translate from now on: `base_qty` for those up to `from_qty`, beyond by `ratio`."""

    ratio: Decimal
    from_qty: Decimal
    base_qty: Decimal


class Why(NamedTuple):
    """What an order was to be, and what made it smaller; `limited` is of the limit that did, or only warned."""

    wanted_qty: Decimal
    bound: Bound
    limited: Mapping[str, str] | None = None


class Placing(NamedTuple):
    """A stored order, ready to be sent."""

    rest: Rest
    copy_id: int
    request: OrderRequest


def fenced(session: TenantSession, lane: LaneNow) -> bool:
    """Tell whether the lane is still ours, and keep it so until this transaction ends."""
    return session.execute(_FENCE, {"shard": lane.shard, "epoch": lane.epoch}).scalar() is not None


def enter(session: TenantSession, lane: LaneNow, entries: Iterable[Entry]) -> None:
    """Begin to mirror orders; what is stored already stays."""
    for entry in entries:
        denial, facts = entry.no or (None, entry.limited)
        params = entry._asdict() | {
            "tenant_id": lane.tenant_id,
            "shard": lane.shard,
            "now": lane.now,
            "position_side": str(entry.position_side),
            "side": str(entry.side),
            "type": str(entry.type),
            "state": str(RestState.DONE if entry.no else RestState.OVER),
            "reason": denial and str(denial),
            "reason_facts": Jsonb(dict(facts)) if facts else None,
        }
        session.execute(_ENTER, params)


def store_placing(
    session: TenantSession,
    lane: LaneNow,
    rest: Rest,
    terms: OrderTerms,
    anchor: Anchor,
    why: Why,
    *,
    proof_at: datetime,
) -> Placing:
    """Store the next revision of a resting order, with a client order id of its own."""
    revision = rest.revision + 1
    leg = f"{REST}-{revision}"
    digest = copy_digest(lane.tenant_id, rest.subscription_id, rest.signal_id, leg)
    cid = client_order_id(lane.broker_prefix, digest, lane.traits)
    params = _keys(rest) | {
        "tenant_id": lane.tenant_id,
        "signal_id": rest.signal_id,
        "account_id": rest.account_id,
        "shard": lane.shard,
        "leg": leg,
        "symbol": rest.symbol,
        "position_side": str(rest.position_side),
        "side": str(rest.side),
        "type": str(rest.type),
        "qty": terms.qty,
        # An order at market reserves of the allocation what it is worth at its trigger.
        "px": terms.px or terms.trigger_px,
        "reduces": rest.reduces,
        "wanted_qty": why.wanted_qty,
        "bound": str(why.bound),
        "limited": Jsonb(dict(why.limited)) if why.limited else None,
        "allocation": rest.allocation,
        "book_qty": rest.book_qty,
        "cid": cid,
        "epoch": lane.epoch,
        "now": lane.now,
    }
    session.execute(_BOOK, params)
    copy_id, mode = session.execute(_COPY, params).one()
    more = {"revision": revision, "copy_id": copy_id, "trigger_px": terms.trigger_px, "proof_at": proof_at}
    session.execute(_PLACING, params | more | anchor._asdict() | {"px": terms.px})
    return Placing(rest, copy_id, resting_request(rest, cid, terms, told_mode(mode)))


def store_amending(session: TenantSession, lane: LaneNow, rest: Rest, terms: OrderTerms, anchor: Anchor) -> None:
    """Store what an order is about to be changed to."""
    new = {"qty": terms.qty, "px": terms.px, "now": lane.now}
    session.execute(_AMENDING, _keys(rest) | new | anchor._asdict())


def store_amended(
    session: TenantSession, lane: LaneNow, rest: Rest, terms: OrderTerms | None, look_at: datetime
) -> None:
    """Store that an order was changed; without terms that it is not known whether it was, so that it is done again."""
    params = _keys(rest) | {"applied": terms is not None, "look_at": look_at, "now": lane.now}
    session.execute(_AMENDED, params)
    if terms is not None:
        keys = {"qty": terms.qty, "px": terms.px or terms.trigger_px, "copy_id": rest.copy_id, "epoch": lane.epoch}
        session.execute(_COPY_QTY, keys | {"wanted": WANTED})


def note_limit(session: TenantSession, lane: LaneNow, rest: Rest, limited: Mapping[str, str]) -> None:
    """Note which limit makes an order smaller now, or keeps it from growing; that none does where it is empty."""
    told = Jsonb(dict(limited)) if limited else None
    session.execute(_LIMITED, _keys(rest) | {"limited": told})
    if rest.copy_id is not None:
        session.execute(_COPY_LIMITED, {"limited": told, "copy_id": rest.copy_id, "epoch": lane.epoch})


def mark(session: TenantSession, lane: LaneNow, rest: Rest, marks: Marks) -> None:
    """Move a resting order to a state, and say when it is to be looked at next."""
    params = marks._asdict() | {"state": str(marks.state), "now": lane.now}
    session.execute(_MARK, _keys(rest) | params)


def store_answers(session: TenantSession, lane: LaneNow, answers: Sequence[Settlement]) -> None:
    """Store what became of copies of resting orders, and book their fills."""
    if not answers:
        return
    for answer in answers:
        params = answer._asdict() | {"epoch": lane.epoch, "status": str(answer.status)}
        params |= {"reason": answer.reason and str(answer.reason), "facts": answer.facts and Jsonb(answer.facts)}
        session.execute(_ANSWER, params)
    heed_refusals(session, answers)
    book_fills(session, [(answer.copy_id, fill) for answer in answers for fill in answer.fills], lane.epoch)


def lower_target(session: TenantSession, rest: Rest, missing: Decimal) -> None:
    """Let a book's target fall by what the leader's order asked for and is given up, without a sign."""
    sign = 1 if rest.target_qty > 0 else -1
    target = max(abs(rest.target_qty) - missing, ZERO) * sign
    side = str(rest.position_side)
    keys = {"subscription_id": rest.subscription_id, "symbol": rest.symbol, "position_side": side}
    session.execute(_LOWER, keys | {"target_qty": target})


def delivered(session: TenantSession, lane: LaneNow, versions: Iterable[tuple[int, int]]) -> None:
    """Forget deliveries of leader orders that the lane has looked at in that version."""
    for leader_order_id, version in versions:
        keys = {"shard": lane.shard, "leader_order_id": leader_order_id, "version": version}
        session.execute(_DELIVERED, keys)


def resting_request(rest: Rest, cid: str, terms: OrderTerms, margin_mode: MarginMode) -> OrderRequest:
    """Build the order that rests: good till canceled, or waiting for its trigger."""
    perpetual = ":" in rest.symbol
    return OrderRequest(
        cid,
        rest.symbol,
        rest.side,
        rest.type,
        terms.qty,
        terms.px,
        TimeInForce.GTC if terms.px is not None else None,
        rest.reduces,
        position_side=rest.position_side if perpetual else PositionSide.NET,
        trigger_px=terms.trigger_px,
        margin_mode=margin_mode if perpetual else None,
    )


def _keys(rest: Rest) -> dict[str, Any]:
    return {"subscription_id": rest.subscription_id, "leader_order_id": rest.leader_order_id}
