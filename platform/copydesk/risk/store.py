"""Reads and writes the limits that people set: rows of `risk_limit`. Session in, values out."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple

from sqlalchemy import delete, select, text
from sqlalchemy.orm import Session

from copydesk.db import TenantSession, number_array
from copydesk.risk.configured import limit_of
from copydesk.risk.model import Scope, Scoped
from copydesk.risk.tables import RiskLimit

# Everything that could bind one of these subscriptions, in one look.
_ON = text(
    """
    SELECT scope, subject_id, line FROM risk_limit
    WHERE scope = 'tenant'
       OR (scope = 'strategy' AND subject_id = ANY(CAST(:strategy_ids AS bigint[])))
       OR (scope = 'account' AND subject_id = ANY(CAST(:account_ids AS bigint[])))
       OR (scope = 'subscription' AND subject_id = ANY(CAST(:subscription_ids AS bigint[])))
    ORDER BY id
    """
)


class LimitOwner(NamedTuple):
    """Whom a limit is about: everybody of the brand (0), or one strategy, account or subscription by its number."""

    scope: Scope
    id: int = 0


class Holder(NamedTuple):
    """One subscription, with the strategy that it copies and the account that it copies with."""

    subscription_id: int
    strategy_id: int
    account_id: int


@dataclass(frozen=True)
class SetLimit:
    """A limit that somebody set; `author` is who, "profile:<name>" where a profile did."""

    subject: LimitOwner
    line: str
    author: str
    at: datetime

    @property
    def scoped(self) -> Scoped:
        return Scoped(self.subject.scope, limit_of(self.line))


class StoredLimits:
    """The limits that were read, by whom they are about."""

    def __init__(self, rows: Iterable[tuple[str, int, str]]) -> None:
        self._by_subject: dict[tuple[str, int], list[tuple[str, str]]] = {}
        for scope, subject_id, line in rows:
            self._by_subject.setdefault((scope, subject_id), []).append((scope, line))

    def __bool__(self) -> bool:
        return bool(self._by_subject)

    def lines(self, holder: Holder) -> tuple[tuple[str, str], ...]:
        """Return what people said that binds this subscription, as scopes and lines, the widest scope first."""
        found = self._by_subject
        return (
            *found.get(("tenant", 0), ()),
            *found.get(("strategy", holder.strategy_id), ()),
            *found.get(("account", holder.account_id), ()),
            *found.get(("subscription", holder.subscription_id), ()),
        )

    def of(self, holder: Holder) -> tuple[Scoped, ...]:
        """Return the same as limits."""
        return tuple(Scoped(Scope(scope), limit_of(line)) for scope, line in self.lines(holder))


def read_limits(session: Session, holders: Collection[Holder]) -> StoredLimits:
    """Return everything that was set for these subscriptions, in one statement."""
    ids = {
        "strategy_ids": number_array(sorted({holder.strategy_id for holder in holders})),
        "account_ids": number_array(sorted({holder.account_id for holder in holders})),
        "subscription_ids": number_array([holder.subscription_id for holder in holders]),
    }
    return StoredLimits(tuple(row) for row in session.execute(_ON, ids))


def limits_set(session: Session, subject: LimitOwner) -> list[SetLimit]:
    """Return what was set for one subject, oldest first."""
    mine = (RiskLimit.scope == str(subject.scope), RiskLimit.subject_id == subject.id)
    rows = session.scalars(select(RiskLimit).where(*mine).order_by(RiskLimit.id))
    return [SetLimit(subject, row.line, row.author, row.at) for row in rows]


def store_limits(session: TenantSession, subject: LimitOwner, lines: Iterable[str], author: str) -> None:
    """Add limits to a subject."""
    session.add_all(
        RiskLimit(
            tenant_id=session.tenant_id, scope=str(subject.scope), subject_id=subject.id, line=line, author=author
        )
        for line in lines
    )
    session.flush()


def delete_limits(session: TenantSession, subject: LimitOwner, lines: Collection[str]) -> None:
    """Take limits from a subject."""
    session.execute(
        delete(RiskLimit).where(
            RiskLimit.scope == str(subject.scope), RiskLimit.subject_id == subject.id, RiskLimit.line.in_(lines)
        )
    )
