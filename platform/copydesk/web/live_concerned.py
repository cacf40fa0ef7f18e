"""Whom does a piece of news concern, of the people who have a page open? Read-only: ids in, ids out.

Each question is one query for any number of news, and is asked about nobody but the given users. These are joined as a
table, for there may be thousands of them, and a list is gone through for every row.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from typing import Any, NamedTuple

from sqlalchemy import text
from sqlalchemy.orm import Session

from copydesk.db import number_array

_COPIED = text(
    """
    SELECT c.signal_id, c.shard, a.user_id, c.subscription_id
    FROM copy c
    JOIN account a ON a.tenant_id = c.tenant_id AND a.id = c.account_id
    JOIN unnest(CAST(:users AS bigint[])) AS w (user_id) ON w.user_id = a.user_id
    WHERE c.signal_id = ANY(CAST(:ids AS bigint[]))
    UNION
    SELECT l.signal_id, r.shard, a.user_id, r.subscription_id
    FROM leader_order l
    JOIN subscription s ON s.tenant_id = l.tenant_id AND s.strategy_id = l.strategy_id
    JOIN account a ON a.tenant_id = s.tenant_id AND a.id = s.account_id
    JOIN unnest(CAST(:users AS bigint[])) AS w (user_id) ON w.user_id = a.user_id
    JOIN resting_order r ON r.tenant_id = s.tenant_id AND r.subscription_id = s.id AND r.leader_order_id = l.id
    WHERE l.signal_id = ANY(CAST(:ids AS bigint[]))
    ORDER BY subscription_id
    """
)
_FOLLOWING = text(
    """
    SELECT s.strategy_id, a.user_id
    FROM subscription s
    JOIN account a ON a.tenant_id = s.tenant_id AND a.id = s.account_id
    JOIN unnest(CAST(:users AS bigint[])) AS w (user_id) ON w.user_id = a.user_id
    WHERE s.strategy_id = ANY(CAST(:ids AS bigint[])) AND s.state <> 'ended'
    UNION
    SELECT t.id, t.trader_id
    FROM strategy t JOIN unnest(CAST(:users AS bigint[])) AS w (user_id) ON w.user_id = t.trader_id
    WHERE t.id = ANY(CAST(:ids AS bigint[]))
    """
)
_OWNERS = text(
    """
    SELECT s.id, a.user_id
    FROM subscription s
    JOIN account a ON a.tenant_id = s.tenant_id AND a.id = s.account_id
    JOIN unnest(CAST(:users AS bigint[])) AS w (user_id) ON w.user_id = a.user_id
    WHERE s.id = ANY(CAST(:ids AS bigint[]))
    """
)


class Copied(NamedTuple):
    """A copy of a signal, or an order that mirrors one: in which lane, whose, by which subscription."""

    shard: str
    user_id: int
    subscription_id: int


def copied_by(session: Session, signals: Collection[int], users: Collection[int]) -> Mapping[int, Sequence[Copied]]:
    """Return by signal what these users have of it, by subscription in order."""
    found: defaultdict[int, list[Copied]] = defaultdict(list)
    for signal_id, *copied in _rows(session, _COPIED, signals, users):
        found[signal_id].append(Copied(*copied))
    return found


def following(session: Session, strategies: Collection[int], users: Collection[int]) -> Mapping[int, frozenset[int]]:
    """Return by strategy who of these users follows it, and its trader."""
    found: defaultdict[int, set[int]] = defaultdict(set)
    for strategy_id, user_id in _rows(session, _FOLLOWING, strategies, users):
        found[strategy_id].add(user_id)
    return {strategy_id: frozenset(who) for strategy_id, who in found.items()}


def owners(session: Session, subscriptions: Collection[int], users: Collection[int]) -> Mapping[int, int]:
    """Return by subscription whose it is, of those that are one of these users'."""
    return dict(_rows(session, _OWNERS, subscriptions, users))


def _rows(session: Session, query: Any, ids: Collection[int], users: Collection[int]) -> Sequence[Any]:
    """Ask nothing where there is nothing to ask about."""
    if not ids or not users:
        return ()
    return session.execute(query, {"ids": number_array([*ids]), "users": number_array([*users])}).all()
