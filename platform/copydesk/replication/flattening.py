"""Books that are closed whatever their leader does: their subscriptions were stopped, or a switch closes an instrument.

`close_books` notes it, and nothing is sent from there. The lane's worker closes at market, again and again until a book
is flat or only dust is left, and flags what does not get there. Whose positions are being closed may not resume.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from datetime import timedelta
from decimal import Decimal
from enum import StrEnum
from typing import Any, NamedTuple

from sqlalchemy import text

from copydesk.db import TenantSession, array_literal, number_array
from copydesk.kernel import ZERO
from copydesk.replication.dispatch import Dispatch
from copydesk.replication.leaving import Left, closing_step
from copydesk.replication.rest_rows import recall_orders
from copydesk.replication.steps import LaneNow, store_step
from copydesk.trading import Denial, Instrument, PositionSide, SubscriptionState

FLAT = "flat"
TRIES_MAX = 3
_OUT_OF_SYNC = SubscriptionState.OUT_OF_SYNC
# Orders that were sent longer ago belong to an earlier stop.
_TRIES_FOR = timedelta(hours=1)


class StopReason(StrEnum):
    """Why all books of a subscription are closed: its `state_reason` from then on."""

    SWITCH = "stopped_by_switch"
    OWNER = "stopped_by_owner"


_OPEN = "('planned', 'in_flight', 'accepted', 'partially_filled')"
_STOPPED = "s.state IN ('disarmed', 'out_of_sync') AND s.state_reason IN ('stopped_by_switch', 'stopped_by_owner')"
# Whom a lane flattens. Who is leaving at once is closed by that.
_FLATTENED = """
    a.shard = :shard AND ((s.state IN ('disarmed', 'out_of_sync')
                           AND s.state_reason IN ('stopped_by_switch', 'stopped_by_owner'))
        OR (b.symbol = ANY(CAST(:symbols AS text[])) AND s.state <> 'ended'
            AND (s.state <> 'ending' OR s.end_mode = 'manage_until_exit')))
"""
_OF_BOOK = """
    JOIN subscription s ON s.tenant_id = b.tenant_id AND s.id = b.subscription_id
    JOIN account a ON a.tenant_id = s.tenant_id AND a.id = s.account_id
"""

# Who is stopped already is left alone: every change counts the crowd's version up.
_TO_STOP = text(
    """
    SELECT id, state FROM subscription
    WHERE id = ANY(CAST(:ids AS bigint[])) AND state <> 'ended'
      AND (state <> 'ending' OR end_mode = 'manage_until_exit')
      AND NOT (state IN ('disarmed', 'out_of_sync') AND state_reason IS NOT DISTINCT FROM :reason)
    ORDER BY id FOR UPDATE
    """
)
# Who follows closes until the leader is flat is not left waiting for that.
_STOP = text(
    """
    UPDATE subscription SET state = CASE state WHEN 'ending' THEN state ELSE 'disarmed' END,
        state_reason = CASE state WHEN 'ending' THEN state_reason ELSE :reason END,
        end_mode = CASE state WHEN 'ending' THEN 'close_now' ELSE end_mode END
    WHERE id = ANY(CAST(:ids AS bigint[]))
    """
)
_FORGO_JOINS = text(
    """
    UPDATE late_join SET state = 'skipped', reason = :denial
    WHERE subscription_id = ANY(CAST(:ids AS bigint[])) AND state = 'waiting'
      AND symbol = coalesce(CAST(:symbol AS text), symbol)
    """
)
_AIM_AT_NOTHING = text(
    """
    UPDATE book SET target_qty = 0, carried_qty = 0, carried_at = NULL, updated_at = now()
    WHERE subscription_id = ANY(CAST(:ids AS bigint[])) AND symbol = coalesce(CAST(:symbol AS text), symbol)
      AND (target_qty <> 0 OR carried_qty <> 0)
    """
)
_NOTE_ERRANDS = text(
    """
    INSERT INTO errand (tenant_id, subscription_id, shard, due_at)
    SELECT s.tenant_id, s.id, a.shard, now() FROM subscription s
    JOIN account a ON a.tenant_id = s.tenant_id AND a.id = s.account_id
    WHERE s.id = ANY(CAST(:ids AS bigint[])) AND s.state <> 'ended'
    ON CONFLICT (tenant_id, subscription_id) DO UPDATE SET due_at = least(errand.due_at, excluded.due_at)
    RETURNING shard
    """
)
# An open that was on its way when all began raises the target once more: it is brought down in every round.
_AIM_AGAIN = """
    UPDATE book SET target_qty = 0, carried_qty = 0, carried_at = NULL, updated_at = now()
    FROM book b {of_book}
    WHERE book.tenant_id = b.tenant_id AND book.subscription_id = b.subscription_id AND book.symbol = b.symbol
      AND book.position_side = b.position_side AND (b.target_qty <> 0 OR b.carried_qty <> 0) AND {flattened}
      AND EXISTS (SELECT 1 FROM shard_lease WHERE shard = :shard AND epoch = :epoch FOR SHARE)
"""
_HELD = """
    SELECT s.id AS subscription_id, s.account_id, s.allocation, s.state, a.status = 'active' AS usable, b.symbol,
           b.position_side, b.qty, b.last_signal_id, l.last_px, sent.legs, sent.tries, sent.tried_at,
           EXISTS (SELECT 1 FROM copy c WHERE c.tenant_id = b.tenant_id AND c.shard = :shard
                   AND c.subscription_id = s.id AND c.symbol = b.symbol AND c.position_side = b.position_side
                   AND c.leg NOT LIKE 'rest-%' AND NOT c.waits AND c.status IN {open}) AS moving
    FROM book b {of_book}
    LEFT JOIN leader_book l ON l.tenant_id = s.tenant_id AND l.strategy_id = s.strategy_id AND l.symbol = b.symbol
         AND l.position_side = b.position_side
    CROSS JOIN LATERAL (
        SELECT count(*) AS legs, count(*) FILTER (WHERE c.planned_at > :since) AS tries, max(c.planned_at) AS tried_at
        FROM copy c WHERE c.tenant_id = b.tenant_id AND c.subscription_id = s.id AND c.symbol = b.symbol
          AND c.position_side = b.position_side AND c.leg LIKE 'flat-%') AS sent
    WHERE b.qty <> 0 AND {flattened} ORDER BY s.id, b.symbol, b.position_side
"""
# Stopped subscriptions that the lane still looks after: whether anything of them moves, and whether they are flagged.
_LOOKED_AFTER = """
    SELECT e.subscription_id, s.state = 'out_of_sync' AS flagged,
           EXISTS (SELECT 1 FROM copy c WHERE c.tenant_id = s.tenant_id AND c.subscription_id = s.id
                   AND c.shard = e.shard AND c.status IN {open}) AS moving
    FROM errand e JOIN subscription s ON s.tenant_id = e.tenant_id AND s.id = e.subscription_id
    WHERE e.shard = :shard AND {stopped}
"""
_NAMES = {"open": _OPEN, "of_book": _OF_BOOK, "flattened": _FLATTENED, "stopped": _STOPPED}
_AIM_AGAIN_NOW, _HELD_NOW, _LOOKED_AFTER_NOW = (
    text(query.format(**_NAMES)) for query in (_AIM_AGAIN, _HELD, _LOOKED_AFTER)
)
_FLAG = text(
    """
    UPDATE subscription SET state = 'out_of_sync',
        state_reason = CASE state WHEN 'disarmed' THEN state_reason ELSE 'close_failed' END
    WHERE id = ANY(CAST(:ids AS bigint[])) AND (state IN ('synced', 'catching_up')
        OR (state = 'disarmed' AND state_reason IN ('stopped_by_switch', 'stopped_by_owner')))
    """
)
_UNFLAG = text(
    """
    UPDATE subscription SET state = 'disarmed'
    WHERE id = ANY(CAST(:ids AS bigint[])) AND state = 'out_of_sync'
      AND state_reason IN ('stopped_by_switch', 'stopped_by_owner')
    """
)
_BEING_CLOSED = text(
    "SELECT EXISTS (SELECT 1 FROM errand e JOIN subscription s ON s.tenant_id = e.tenant_id "
    "AND s.id = e.subscription_id WHERE s.id = :id AND s.state IN ('disarmed', 'out_of_sync') "
    "AND s.state_reason IN ('stopped_by_switch', 'stopped_by_owner'))"
)


class Flattened(NamedTuple):
    """What a lane's round came to: orders to send, subscriptions that it is not done with, and whose flag changes.

    `fine` ones are flat after all, `failed` ones do not get there.
    """

    batch: list[Dispatch]
    busy: set[int]
    failed: set[int]
    fine: set[int]


class Stuck(NamedTuple):
    """A book that is to be flat: what it holds, how often it was tried, and whether an order of it is on its way."""

    subscription_id: int
    account_id: int
    allocation: Decimal
    state: SubscriptionState
    usable: bool
    legs: int
    moving: bool
    left: Left

    @property
    def leg(self) -> str:
        """Name the next order of it."""
        return f"{FLAT}-{self.legs + 1}"


def close_books(
    session: TenantSession, subscription_ids: Collection[int], reason: StopReason, denial: Denial
) -> list[str]:
    """Open nothing any more for these subscriptions and have every book of theirs closed; return the shards to wake.

    They stay disarmed when that is done. Called again it changes nothing but wakes the lanes. `denial` is what becomes
    of positions that they waited to take over.
    """
    ids = array_literal(sorted(subscription_ids))
    if not subscription_ids:
        return []
    found = session.execute(_TO_STOP, {"ids": ids, "reason": str(reason)}).all()
    if found:
        session.execute(_STOP, {"ids": number_array([row.id for row in found]), "reason": str(reason)})
    return _begin(session, subscription_ids, None, denial)


def close_instrument(session: TenantSession, subscription_ids: Collection[int], symbol: str) -> list[str]:
    """Have these subscriptions' books of one instrument closed, which goes on while a switch says so.

    They go on copying everything else. Returns the shards to wake.
    """
    return _begin(session, subscription_ids, symbol, Denial.STOPPED_BY_SWITCH) if subscription_ids else []


def _begin(session: TenantSession, subscription_ids: Collection[int], symbol: str | None, denial: Denial) -> list[str]:
    params = {"ids": array_literal(sorted(subscription_ids)), "symbol": symbol}
    session.execute(_FORGO_JOINS, {**params, "denial": str(denial)})
    session.execute(_AIM_AT_NOTHING, params)
    recall_orders(session, *subscription_ids)
    return sorted(set(session.execute(_NOTE_ERRANDS, {"ids": params["ids"]}).scalars()))


def flatten(
    session: TenantSession, lane: LaneNow, instruments: Mapping[str, Instrument], symbols: Collection[str]
) -> Flattened:
    """Store the next closing order of every book of the lane that is to be flat; only for whoever holds the lane.

    `symbols` are the instruments that a switch closes. A book whose instrument is gone or whose account's key is dead
    is flagged, and tried again as soon as it can be.
    """
    here = {"shard": lane.shard, "symbols": array_literal(sorted(symbols))}
    session.execute(_AIM_AGAIN_NOW, {**here, "epoch": lane.epoch})
    stopped = session.execute(_LOOKED_AFTER_NOW, here).all()
    found = Flattened([], {row.subscription_id for row in stopped if row.moving}, set(), set())
    for row in session.execute(_HELD_NOW, {**here, "since": lane.now - _TRIES_FOR}).mappings().all():
        book, instrument = _stuck(row), instruments.get(row["symbol"])
        qty = book.left.closable_qty(instrument) if instrument else ZERO
        if instrument and not qty and not book.moving:
            continue  # Dust, which its owner keeps.
        found.busy.add(book.subscription_id)
        if book.state is not _OUT_OF_SYNC and (instrument is None or not book.usable or book.left.tries >= TRIES_MAX):
            found.failed.add(book.subscription_id)
        if instrument and book.usable and qty and not book.moving and book.left.due(lane.now):
            dispatch = store_step(session, lane, closing_step(book, book.left, book.leg, qty, instrument))
            found.batch.extend([dispatch] if dispatch is not None else [])
    found.fine.update(row.subscription_id for row in stopped if row.flagged and row.subscription_id not in found.busy)
    return found


def flag(session: TenantSession, found: Flattened) -> None:
    """Mark who does not get flat out of sync, and take the mark off who did; in a transaction of its own."""
    for statement, ids in ((_FLAG, found.failed), (_UNFLAG, found.fine)):
        if ids:
            session.execute(statement, {"ids": number_array(sorted(ids))})


def being_closed(session: TenantSession, subscription_id: int) -> bool:
    """Tell whether a subscription was stopped and its books are being closed."""
    return bool(session.execute(_BEING_CLOSED, {"id": subscription_id}).scalar())


def _stuck(row: Mapping[Any, Any]) -> Stuck:
    side = PositionSide(row["position_side"])
    sent = row["tries"], row["tried_at"]
    return Stuck(
        row["subscription_id"],
        row["account_id"],
        row["allocation"],
        SubscriptionState(row["state"]),
        row["usable"],
        row["legs"],
        row["moving"],
        Left(row["symbol"], side, row["qty"], row["last_signal_id"], row["last_px"], *sent),
    )
