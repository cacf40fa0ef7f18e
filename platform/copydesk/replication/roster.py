"""Subscriptions as their owners and operators see them: state, what is held, what is kept back and why. Read-only."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal

from sqlalchemy import text

from copydesk.db import TenantSession
from copydesk.kernel import NotFound
from copydesk.replication.resting_lines import RestingLine, resting_lines
from copydesk.trading import Denial, Environment

_LISTED = text(
    """
    SELECT s.id, t.slug AS strategy_slug, s.account_id, a.venue AS exchange, s.state, s.state_reason, s.allocation,
           s.sizing_mode, s.sizing_value, s.join_mode, s.copies, s.end_mode, s.created_at, s.ended_at,
           a.status AS account_status, a.status_reason AS account_reason
    FROM subscription s JOIN strategy t ON t.tenant_id = s.tenant_id AND t.id = s.strategy_id
    JOIN account a ON a.tenant_id = s.tenant_id AND a.id = s.account_id
    WHERE (CAST(:slug AS text) IS NULL OR t.slug = :slug) AND (:ended OR s.state <> 'ended')
      AND (CAST(:id AS bigint) IS NULL OR s.id = :id) ORDER BY s.id
    """
)
_HELD = text(
    "SELECT subscription_id, symbol, position_side, qty FROM book WHERE qty <> 0 ORDER BY symbol, position_side"
)
_DOORS = text("SELECT subscription_id, symbol, position_side, reason FROM door ORDER BY symbol, position_side")
_JOINS = text(
    "SELECT subscription_id, symbol, position_side, state, reason FROM late_join WHERE state <> 'done' "
    "ORDER BY symbol, position_side"
)
_ACCOUNT = text("SELECT venue, environment, shard FROM account WHERE id = :id")
_FOLLOWER = text(
    "SELECT a.user_id FROM subscription s JOIN account a ON a.tenant_id = s.tenant_id AND a.id = s.account_id "
    "WHERE s.id = :id"
)
_STRATEGY = text("SELECT id, account_id FROM strategy WHERE slug = :slug")
_STRATEGIES = text(
    """
    SELECT t.id, t.slug, t.name, t.status, t.account_id, a.venue AS exchange, a.status AS account_status, t.created_at,
           count(s.id) AS copied_by, count(s.id) FILTER (WHERE s.copies = 'orders') AS orders_copied_by
    FROM strategy t JOIN account a ON a.tenant_id = t.tenant_id AND a.id = t.account_id
    LEFT JOIN subscription s ON s.tenant_id = t.tenant_id AND s.strategy_id = t.id AND s.state <> 'ended'
    GROUP BY t.tenant_id, t.id, a.tenant_id, a.id ORDER BY t.slug
    """
)
_FUNDING = text("SELECT subscription_id, sum(amount) AS paid FROM funding_payment GROUP BY subscription_id")


@dataclass(frozen=True)
class InstrumentLine:
    """One instrument of a subscription: what it holds, or why it is kept back; `qty` is signed."""

    symbol: str
    position_side: str
    qty: Decimal | None = None
    reason: Denial | None = None
    state: str | None = None


@dataclass(frozen=True)
class SubscriptionLine:
    """One subscription. `funding` is what it paid (below zero) and received so far, in its settlement currency.

    `copies` is a `CopyMode`. Of an account that is not active nothing can be canceled; `account_reason` says why.
    """

    id: int
    strategy_slug: str
    account_id: int
    exchange: str
    state: str
    state_reason: str | None
    allocation: Decimal
    sizing_mode: str
    sizing_value: Decimal | None
    join_mode: str
    copies: str
    end_mode: str | None
    created_at: datetime
    ended_at: datetime | None
    account_status: str
    account_reason: Denial | None
    funding: Decimal = Decimal(0)
    held: list[InstrumentLine] = field(default_factory=list)
    kept_back: list[InstrumentLine] = field(default_factory=list)
    joining: list[InstrumentLine] = field(default_factory=list)
    resting: list[RestingLine] = field(default_factory=list)


@dataclass(frozen=True)
class StrategyLine:
    """One strategy with how many subscriptions have not ended, and how many of these copy orders."""

    id: int
    slug: str
    name: str
    status: str
    account_id: int
    exchange: str
    account_status: str
    created_at: datetime
    copied_by: int
    orders_copied_by: int


@dataclass(frozen=True)
class StrategyKeys:
    """A strategy by its ids."""

    strategy_id: int
    account_id: int


@dataclass(frozen=True)
class AccountPlace:
    """Where an account is, and which lane serves it."""

    venue: str
    environment: Environment
    shard: str


def account_place(session: TenantSession, account_id: int) -> AccountPlace:
    """Return where an account is; raises NotFound."""
    row = session.execute(_ACCOUNT, {"id": account_id}).first()
    if row is None:
        raise NotFound(f"there is no account {account_id}")
    return AccountPlace(row.venue, Environment(row.environment), row.shard)


def follower_of(session: TenantSession, subscription_id: int) -> int | None:
    """Return whose subscription it is, by the number of the user; None where there is no such subscription."""
    number: int | None = session.execute(_FOLLOWER, {"id": subscription_id}).scalar()
    return number


def subscription_lines(
    session: TenantSession, *, strategy_slug: str | None = None, ended: bool = False, number: int | None = None
) -> list[SubscriptionLine]:
    """Return the subscriptions of a brand, of one strategy, or the one of that number; ended ones only if asked for."""
    held, doors, joins = (defaultdict[int, list[InstrumentLine]](list) for _ in range(3))
    for row in session.execute(_HELD):
        held[row.subscription_id].append(InstrumentLine(row.symbol, row.position_side, row.qty))
    for row in session.execute(_DOORS):
        doors[row.subscription_id].append(InstrumentLine(row.symbol, row.position_side, reason=Denial(row.reason)))
    for row in session.execute(_JOINS):
        reason = None if row.reason is None else Denial(row.reason)
        joins[row.subscription_id].append(InstrumentLine(row.symbol, row.position_side, reason=reason, state=row.state))
    resting = resting_lines(session)
    funding = {row.subscription_id: row.paid for row in session.execute(_FUNDING)}
    asked = {"slug": strategy_slug, "ended": ended, "id": number}
    return [
        SubscriptionLine(
            **(row | {"account_reason": None if row["account_reason"] is None else Denial(row["account_reason"])}),
            funding=funding.get(row["id"], Decimal(0)),
            held=held[row["id"]],
            kept_back=doors[row["id"]],
            joining=joins[row["id"]],
            resting=resting[row["id"]],
        )
        for row in map(dict, session.execute(_LISTED, asked).mappings())
    ]


def strategy_keys(session: TenantSession, slug: str) -> StrategyKeys:
    """Return the ids behind a strategy's slug; raises NotFound."""
    row = session.execute(_STRATEGY, {"slug": slug}).first()
    if row is None:
        raise NotFound(f"there is no strategy {slug}")
    return StrategyKeys(row.id, row.account_id)


def strategy_lines(session: TenantSession) -> list[StrategyLine]:
    """Return the strategies of a brand, closed ones too."""
    return [StrategyLine(**row) for row in session.execute(_STRATEGIES).mappings()]
