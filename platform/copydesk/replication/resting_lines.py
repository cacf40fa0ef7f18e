"""Orders that rest for subscriptions, as their owners and operators see them. Read-only."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from decimal import Decimal

from sqlalchemy import TextClause, text

from copydesk.db import TenantSession
from copydesk.trading import Denial

_RESTING = """
    SELECT subscription_id, symbol, position_side, side, type, qty, px, trigger_px, reduces, state, reason,
           reason_facts AS facts
    FROM resting_order WHERE {which} state <> 'done' AND qty > 0 ORDER BY symbol, position_side, leader_order_id
"""
_ALL = text(_RESTING.format(which=""))
_OF_ONE = text(_RESTING.format(which="subscription_id = :id AND shard = :shard AND"))


@dataclass(frozen=True)
class RestingLine:
    """One order that rests for a subscription, or did until the leader's ends; `state` is a `RestState`.

    `facts` name the limit that made it smaller, or keeps it from growing.
    """

    symbol: str
    position_side: str
    side: str
    type: str
    qty: Decimal
    px: Decimal | None
    trigger_px: Decimal | None
    reduces: bool
    state: str
    reason: Denial | None
    facts: dict[str, str] | None = None


def resting_lines(session: TenantSession) -> defaultdict[int, list[RestingLine]]:
    """Return what rests in a brand, by the number of its subscription."""
    return _read(session, _ALL, {})


def resting_of(session: TenantSession, subscription_id: int, shard: str) -> list[RestingLine]:
    """Return what rests for one subscription that one lane serves."""
    return _read(session, _OF_ONE, {"id": subscription_id, "shard": shard})[subscription_id]


def _read(session: TenantSession, query: TextClause, keys: dict[str, object]) -> defaultdict[int, list[RestingLine]]:
    found = defaultdict[int, list[RestingLine]](list)
    for order in map(dict, session.execute(query, keys).mappings()):
        owner, reason = order.pop("subscription_id"), order.pop("reason")
        found[owner].append(RestingLine(**order, reason=None if reason is None else Denial(reason)))
    return found
