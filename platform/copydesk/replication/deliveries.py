"""The signals that a lane has yet to plan, and what it is about to send for one, stored in that delivery's row.

Intents are stored before anything is sent, in one row whatever their number; copies are made of them with the
answers (`record`), or by whoever takes the lane over (platform/docs/adr/0015-intents.md).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import Enum, auto
from typing import Any

import orjson
from sqlalchemy import text

from copydesk.db import TenantSession, number_array, sparse_array, word_array
from copydesk.replication.margin_modes import other_than
from copydesk.replication.model import Planned, SignalFact
from copydesk.trading import MarginMode, PositionSide

_NEXT_DUE = text(
    """
    SELECT s.id, s.strategy_id, s.symbol, s.px, s.position_before, s.position_after, s.leader_equity, s.venue_at,
           s.qty = s.cum_qty AS first_of_order, s.position_side, s.leader_leverage,
           strategy.status IN ('live', 'probation') AS strategy_live,
           strategy.status = 'suspended' AS strategy_suspended,
           coalesce((SELECT version FROM crowd_version), 0) AS crowd_version,
           (SELECT json_object_agg(p.account_id, p.margin_mode) FROM account_setup p
            WHERE p.tenant_id = s.tenant_id AND p.symbol = s.symbol AND p.margin_mode = :other_mode) AS modes,
           (SELECT count(*) FROM delivery o WHERE o.shard = :shard AND o.drained_at IS NULL) AS waiting
    FROM delivery d JOIN signal s ON s.tenant_id = d.tenant_id AND s.id = d.signal_id
    JOIN strategy ON strategy.tenant_id = s.tenant_id AND strategy.id = s.strategy_id
    WHERE d.shard = :shard AND d.drained_at IS NULL ORDER BY d.signal_id LIMIT 1
    """
)

# What waits together with the oldest signal and is of the same strategy, instrument and side.
_BEHIND = text(
    """
    SELECT s.id, s.strategy_id, s.symbol, s.px, s.position_before, s.position_after, s.leader_equity, s.venue_at,
           s.qty = s.cum_qty AS first_of_order, s.position_side, s.leader_leverage
    FROM delivery d JOIN signal s ON s.tenant_id = d.tenant_id AND s.id = d.signal_id
    WHERE d.shard = :shard AND d.drained_at IS NULL AND s.strategy_id = :strategy_id AND s.symbol = :symbol
      AND s.position_side = :position_side AND s.id > :signal_id ORDER BY s.id LIMIT 50
    """
)

# The epoch condition is the fence: a worker that lost its lease stores nothing and therefore sends nothing. Nor does
# one whose crowd has changed since it planned: somebody may have been stopped, and closed, meanwhile (`stops`).
_STORE = text(
    """
    UPDATE delivery SET drained_at = :now, epoch = :epoch,
        intents = CASE WHEN signal_id = :signal_id THEN CAST(:intents AS json) END,
        joined_into = CASE WHEN signal_id <> :signal_id THEN :signal_id END,
        stored_at = CASE WHEN signal_id <> :signal_id THEN clock_timestamp() END
    WHERE shard = :shard AND signal_id = ANY(CAST(:signal_ids AS bigint[])) AND drained_at IS NULL
      AND EXISTS (SELECT 1 FROM shard_lease WHERE shard = :shard AND epoch = :epoch FOR SHARE)
      AND coalesce((SELECT version FROM crowd_version FOR SHARE), 0) = :crowd_version
    RETURNING signal_id
    """
)
_CROWD = text("SELECT coalesce((SELECT version FROM crowd_version), 0)")
_CLAIM = text(
    """
    UPDATE delivery SET intents = NULL, stored_at = :stored_at
    WHERE shard = :shard AND signal_id = :signal_id AND epoch = :epoch AND intents IS NOT NULL RETURNING signal_id
    """
)
_LEFT_BEHIND = text(
    """
    UPDATE delivery d SET intents = NULL, stored_at = coalesce(d.stored_at, clock_timestamp())
    FROM delivery o JOIN signal s ON s.tenant_id = o.tenant_id AND s.id = o.signal_id
    WHERE d.shard = :shard AND d.intents IS NOT NULL
      AND o.tenant_id = d.tenant_id AND o.shard = d.shard AND o.signal_id = d.signal_id
    RETURNING d.signal_id, s.symbol, s.position_side, o.intents, clock_timestamp()
    """
)


_IS_DUE = text("SELECT EXISTS (SELECT 1 FROM delivery WHERE shard = :shard AND drained_at IS NULL)")


@dataclass(frozen=True)
class DueSignal:
    """A signal that a shard has yet to plan, with the strategy whose followers it concerns.

    A strategy that is not `strategy_live` opens nothing, `strategy_suspended` or not; what its followers hold is still
    closed. `crowd_version` moves with every change of who copies, or how (`crowd`). `waiting` are the undrained signals
    of the same strategy, instrument and side, oldest first: `fact` and those behind it. `more` tells whether anything
    else was due as well. `modes` are the accounts whose margin mode is not what the brand wants.
    """

    strategy_id: int
    strategy_live: bool
    fact: SignalFact
    crowd_version: int = 0
    waiting: tuple[SignalFact, ...] = ()
    more: bool = False
    strategy_suspended: bool = False
    modes: Mapping[int, MarginMode] = field(default_factory=dict)


class Stored(Enum):
    """What became of intents. `LOST`: another worker took the shard over, or the delivery was drained before.

    `OUTDATED`: who copies, or how, has changed since the plan: it is to be made anew.
    """

    STORED = auto()
    LOST = auto()
    OUTDATED = auto()


@dataclass(frozen=True)
class Place:
    """Where intents belong: the delivery, and the instrument and side that it is about."""

    shard: str
    signal_id: int
    symbol: str
    position_side: str


@dataclass(frozen=True)
class LegIntents:
    """The copies of one leg: alike in everything but whose they are and how much. `columns` are array literals."""

    alike: dict[str, Any]
    columns: dict[str, str]
    facts: dict[str, dict[str, str]]


def is_due(session: TenantSession, shard: str) -> bool:
    """Tell whether a lane has a signal to plan."""
    return bool(session.execute(_IS_DUE, {"shard": shard}).scalar())


def next_due(session: TenantSession, shard: str, margin_mode: MarginMode = MarginMode.CROSS) -> DueSignal | None:
    """Return the oldest undrained signal of the shard, or None; `margin_mode` is what the brand wants."""
    row = session.execute(_NEXT_DUE, {"shard": shard, "other_mode": str(other_than(margin_mode))}).first()
    if row is None:
        return None
    *signal, live, suspended, version, modes, waiting = row
    fact, strategy_id = _fact(signal), signal[1]
    behind: list[SignalFact] = []
    if waiting > 1 and fact.opens:
        here = {"symbol": fact.symbol, "position_side": str(fact.position_side), "signal_id": fact.id}
        rows = session.execute(_BEHIND, {"shard": shard, "strategy_id": strategy_id, **here})
        behind = [_fact(one) for one in rows]
    kept = {int(account): MarginMode(mode) for account, mode in (modes or {}).items()}
    return DueSignal(strategy_id, live, fact, version, (fact, *behind), waiting > 1, suspended, kept)


def _fact(row: Sequence[Any]) -> SignalFact:
    signal_id, _, symbol, px, before, after, equity, venue_at, first, side, leverage = row
    return SignalFact(signal_id, symbol, px, before, after, equity, venue_at, first, PositionSide(side), leverage)


def leg_intents(planned: Sequence[Planned], client_order_ids: Sequence[str]) -> LegIntents:
    """Put the copies of one leg, at least one, in the form in which intents are stored and copies are made."""
    first = planned[0]
    px = next((item.px for item in planned if item.px is not None), None)
    alike = {
        "leg": first.leg,
        "side": str(first.side),
        "type": str(first.type),
        "px": None if px is None else str(px),
        "reduces": first.reduces,
    }
    columns = {
        "subscription_ids": number_array([item.subscription_id for item in planned]),
        "account_ids": number_array([item.account_id for item in planned]),
        "qtys": number_array([item.qty for item in planned]),
        "client_order_ids": "{" + ",".join(client_order_ids) + "}",
        "denials": sparse_array([item.denial for item in planned]),
        "targets": number_array([item.target_qty for item in planned]),
        "waits": sparse_array([item.waits or None for item in planned]),
        "wanted_qtys": number_array([item.wanted_qty for item in planned]),
        "allocations": number_array([item.allocation for item in planned]),
        "book_qtys": number_array([item.book_qty for item in planned]),
        "bounds": word_array([item.bound for item in planned]),
        "carried_qtys": sparse_array([item.carried_qty or None for item in planned]),
        "carried_ats": sparse_array([item.carried_at for item in planned]),
    }
    facts = {str(place): item.facts for place, item in enumerate(planned, start=1) if item.facts}
    return LegIntents(alike, columns, facts)


def store_intents(
    session: TenantSession,
    place: Place,
    legs: Sequence[LegIntents],
    *,
    epoch: int,
    crowd_version: int,
    now: datetime,
    joined: Sequence[int] = (),
) -> Stored:
    """Store what is about to be sent, which drains the delivery, and with it those of the signals `joined` into it.

    Unless it says `STORED`, nothing is to be sent. `crowd_version` is the one that was planned with.
    """
    document = [vars(leg) for leg in legs]
    params = {
        "shard": place.shard,
        "signal_id": place.signal_id,
        "signal_ids": number_array([place.signal_id, *joined]),
        "epoch": epoch,
        "crowd_version": crowd_version,
        "now": now,
        "intents": orjson.dumps({"at": now, "legs": document}).decode(),
    }
    if place.signal_id in session.execute(_STORE, params).scalars().all():
        return Stored.STORED
    return Stored.LOST if session.execute(_CROWD).scalar_one() == crowd_version else Stored.OUTDATED


def crowd_version(session: TenantSession) -> int:
    """Return the number that moves with every change of who copies in this brand, or how."""
    return int(session.execute(_CROWD).scalar_one())


def claim_intents(session: TenantSession, place: Place, *, epoch: int, stored_at: datetime) -> bool:
    """Take the intents out of their delivery, to be made into copies in this transaction; False if they are gone."""
    params = {"shard": place.shard, "signal_id": place.signal_id, "epoch": epoch, "stored_at": stored_at}
    return session.execute(_CLAIM, params).scalar() is not None


@dataclass(frozen=True)
class LeftBehind:
    """Intents whose worker ended before their answers; `planned_at` is when they were stored, `found_at` is now."""

    place: Place
    legs: list[LegIntents]
    planned_at: datetime
    found_at: datetime


def left_behind(session: TenantSession, shard: str) -> list[LeftBehind]:
    """Take every intent of a shard out of its delivery, to be made into copies in this transaction."""
    found = []
    for signal_id, symbol, position_side, intents, now in session.execute(_LEFT_BEHIND, {"shard": shard}):
        legs = [LegIntents(**leg) for leg in intents["legs"]]
        place = Place(shard, signal_id, symbol, position_side)
        found.append(LeftBehind(place, legs, datetime.fromisoformat(intents["at"]), now))
    return sorted(found, key=lambda left: left.place.signal_id)
