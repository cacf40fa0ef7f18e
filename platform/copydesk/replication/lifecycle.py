"""The life of a subscription after it began: pausing, resuming, leaving, attaching again; and closing a strategy.

Nothing is sent from here. What a lane has to do about it is noted as an errand, and its worker does it (`errands`).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from types import MappingProxyType

from sqlalchemy import text

from copydesk.db import TenantSession
from copydesk.kernel import InvalidInput, NotFound, utc_now
from copydesk.replication.doors import Doorway, open_door
from copydesk.replication.flattening import being_closed
from copydesk.replication.rest_rows import recall_orders
from copydesk.replication.strategy_news import NewsKind, tell_news
from copydesk.risk.acts import end_suspensions
from copydesk.trading import Denial, EndMode, PositionSide, SubscriptionState

_S = SubscriptionState


class Act(StrEnum):
    """What a follower, or an operator, may do to a subscription."""

    PAUSE = "pause"
    RESUME = "resume"
    END = "end"
    REATTACH = "reattach"
    SWITCH = "switch between fills and orders"
    REALLOCATE = "be given another allocation"


# From which states an act is possible. Resuming is what a person does: nothing here happens by itself.
ALLOWED: Mapping[Act, frozenset[SubscriptionState]] = MappingProxyType(
    {
        Act.PAUSE: frozenset({_S.SYNCED, _S.CATCHING_UP, _S.OUT_OF_SYNC}),
        Act.RESUME: frozenset({_S.PAUSED, _S.OUT_OF_SYNC, _S.DISARMED, _S.LIQUIDATED}),
        Act.END: frozenset(_S) - {_S.ENDED},
        Act.REATTACH: frozenset(_S) - {_S.ENDING, _S.ENDED},
        Act.SWITCH: frozenset(_S) - {_S.ENDING, _S.ENDED},
        Act.REALLOCATE: frozenset(_S) - {_S.ENDING, _S.ENDED},
    }
)

# In these a strategy's opens are copied.
_COPIED = ("live", "probation")
# Either would end the closing of what somebody has stopped.
_NOT_BEFORE_FLAT = frozenset({Act.PAUSE, Act.RESUME})

_LOCK = text("SELECT state FROM subscription WHERE id = :id FOR UPDATE")
_SET_STATE = text("UPDATE subscription SET state = :state, state_reason = NULL WHERE id = :id")
_SET_ENDING = text("UPDATE subscription SET state = 'ending', state_reason = NULL, end_mode = :mode WHERE id = :id")
_FORGO_JOINS = text(
    "UPDATE late_join SET state = 'skipped', reason = :reason WHERE subscription_id = :id AND state = 'waiting'"
)
_NOTE_ERRAND = text(
    """
    INSERT INTO errand (tenant_id, subscription_id, shard, due_at)
    SELECT s.tenant_id, s.id, a.shard, now() FROM subscription s
    JOIN account a ON a.tenant_id = s.tenant_id AND a.id = s.account_id WHERE s.id = :id
    ON CONFLICT (tenant_id, subscription_id) DO UPDATE SET due_at = least(errand.due_at, excluded.due_at)
    RETURNING shard
    """
)
_OF_STRATEGY = text(
    "SELECT id FROM subscription WHERE strategy_id = :id AND state NOT IN ('ending', 'ended') ORDER BY id FOR UPDATE"
)
_SET_STRATEGY = text("UPDATE strategy SET status = :to WHERE id = :id AND status = ANY(:was) RETURNING id")
# What was approved and is not live yet is on probation (`studio.reviewing`).
_GOING_ON = text(
    "SELECT CASE WHEN EXISTS (SELECT 1 FROM strategy_terms WHERE strategy_id = :id AND decided_at IS NOT NULL "
    "AND live_at IS NULL) THEN 'probation' ELSE 'live' END"
)
_COPYING = text("SELECT id FROM subscription WHERE strategy_id = :id AND state <> 'ended'")
_CLOSE_STRATEGY = text("UPDATE strategy SET status = 'closed' WHERE id = :id AND status <> 'closed' RETURNING id")


@dataclass(frozen=True)
class Leaving:
    """A subscription that ends: wake this lane, so that it begins at once."""

    subscription_id: int
    shard: str


def pause(session: TenantSession, subscription_id: int) -> None:
    """Open nothing any more; closes follow the leader. Raises NotFound, or InvalidInput from another state."""
    allow(session, subscription_id, Act.PAUSE)
    session.execute(_SET_STATE, {"id": subscription_id, "state": str(_S.PAUSED)})
    recall_orders(session, subscription_id)


def resume(session: TenantSession, subscription_id: int) -> None:
    """Open again from the next signal on; what was missed meanwhile is not made good."""
    allow(session, subscription_id, Act.RESUME)
    session.execute(_SET_STATE, {"id": subscription_id, "state": str(_S.SYNCED)})
    recall_orders(session, subscription_id)


def end_subscription(session: TenantSession, subscription_id: int, mode: EndMode) -> Leaving:
    """Let a follower leave: close all now, keep following closes until flat, or keep the positions as one's own.

    The lane's worker does it. An ending that has begun may still be turned into another.
    """
    allow(session, subscription_id, Act.END)
    session.execute(_SET_ENDING, {"id": subscription_id, "mode": str(mode)})
    session.execute(_FORGO_JOINS, {"id": subscription_id, "reason": str(Denial.SUBSCRIPTION_ENDING)})
    recall_orders(session, subscription_id)
    return Leaving(subscription_id, note_errand(session, subscription_id))


def reattach(session: TenantSession, door: Doorway) -> Denial:
    """Copy an instrument again from the leader's next trade on; returns why it was not copied.

    Raises NotFound where nothing keeps the instrument back.
    """
    allow(session, door.subscription_id, Act.REATTACH)
    reason = open_door(session, door)
    recall_orders(session, door.subscription_id)
    if reason is None:
        raise NotFound(f"subscription {door.subscription_id} is not detached from {door.symbol} {door.position_side}")
    return reason


def pause_strategy(session: TenantSession, strategy_id: int) -> list[str]:
    """Open nothing any more for anyone; closes follow the leader, who is still watched. Returns the shards to wake.

    Resting orders that open are recalled, exits stay. Raises InvalidInput unless the strategy is live or on probation.
    """
    return _set_strategy(session, strategy_id, was=_COPIED, to="paused")


def resume_strategy(session: TenantSession, strategy_id: int) -> list[str]:
    """Open again from the next signal on, and place what rests again; how far it falls is measured anew from now on.

    One that was on probation is so again. Only a person calls it. Raises InvalidInput unless the strategy is paused or
    suspended.
    """
    to = str(session.execute(_GOING_ON, {"id": strategy_id}).scalar_one())
    shards = _set_strategy(session, strategy_id, was=("paused", "suspended"), to=to)
    if end_suspensions(session, strategy_id):
        tell_news(session, strategy_id, NewsKind.RESUMED, None, {}, utc_now())
    return shards


def suspend_strategy(session: TenantSession, strategy_id: int) -> list[str] | None:
    """Do as `pause_strategy` does, in the name of the guard; None where nobody could be opening anything."""
    suspended = {"id": strategy_id, "was": list(_COPIED), "to": "suspended"}
    if session.execute(_SET_STRATEGY, suspended).scalar() is None:
        return None
    return recall_orders(session, *session.execute(_COPYING, {"id": strategy_id}).scalars())


def close_strategy(session: TenantSession, strategy_id: int) -> list[Leaving]:
    """End a strategy: nothing opens any more, and every follower's position is managed until the leader has left it.

    The leader's account is watched until then. Closing it again changes nothing.
    """
    if session.execute(_CLOSE_STRATEGY, {"id": strategy_id}).scalar() is None:
        return []
    ids = session.execute(_OF_STRATEGY, {"id": strategy_id}).scalars().all()
    return [end_subscription(session, subscription_id, EndMode.MANAGE_UNTIL_EXIT) for subscription_id in ids]


def note_errand(session: TenantSession, subscription_id: int) -> str:
    """Have the lane look after a subscription at once, and return the lane's shard."""
    return str(session.execute(_NOTE_ERRAND, {"id": subscription_id}).scalar_one())


def doorway(subscription_id: int, symbol: str, position_side: str = "net") -> Doorway:
    """Name an instrument of a subscription; raises InvalidInput for a position side that is none."""
    if position_side not in set(PositionSide):
        raise InvalidInput(f"position side must be net, long or short, found {position_side}")
    return Doorway(subscription_id, symbol, PositionSide(position_side))


def allow(session: TenantSession, subscription_id: int, act: Act) -> None:
    """Lock a subscription for an act; raises NotFound, or InvalidInput where its state does not allow that."""
    state = session.execute(_LOCK, {"id": subscription_id}).scalar()
    if state is None:
        raise NotFound(f"there is no subscription {subscription_id}")
    if SubscriptionState(state) not in ALLOWED[act]:
        raise InvalidInput(f"subscription {subscription_id} is {state}: it cannot {act}")
    if act in _NOT_BEFORE_FLAT and being_closed(session, subscription_id):
        raise InvalidInput(f"subscription {subscription_id} was stopped and is being closed: it cannot {act} yet")


def _set_strategy(session: TenantSession, strategy_id: int, *, was: Sequence[str], to: str) -> list[str]:
    if session.execute(_SET_STRATEGY, {"id": strategy_id, "was": list(was), "to": to}).scalar() is None:
        before = " or ".join("on probation" if state == "probation" else state for state in was)
        raise InvalidInput(f"only a strategy that is {before} becomes {to}")
    return recall_orders(session, *session.execute(_COPYING, {"id": strategy_id}).scalars())
