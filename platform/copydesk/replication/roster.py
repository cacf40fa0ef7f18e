"""Subscriptions as their owners and operators see them: state, what is held, what is kept back and why. Read-only."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal

from sqlalchemy import text

from copydesk.db import TenantSession
from copydesk.kernel import NotFound
from copydesk.trading import Denial, Environment

_LISTED = text(
    """
    SELECT s.id, t.slug AS strategy_slug, s.account_id, a.venue AS exchange, s.state, s.state_reason, s.allocation,
           s.sizing_mode, s.sizing_value, s.join_mode, s.end_mode, s.created_at, s.ended_at
    FROM subscription s JOIN strategy t ON t.tenant_id = s.tenant_id AND t.id = s.strategy_id
    JOIN account a ON a.tenant_id = s.tenant_id AND a.id = s.account_id
    WHERE (CAST(:slug AS text) IS NULL OR t.slug = :slug) AND (:ended OR s.state <> 'ended') ORDER BY s.id
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
_STRATEGY = text("SELECT id, account_id FROM strategy WHERE slug = :slug")
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
    """One subscription. `funding` is what it paid (below zero) and received so far, in its settlement currency."""

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
    end_mode: str | None
    created_at: datetime
    ended_at: datetime | None
    funding: Decimal = Decimal(0)
    held: list[InstrumentLine] = field(default_factory=list)
    kept_back: list[InstrumentLine] = field(default_factory=list)
    joining: list[InstrumentLine] = field(default_factory=list)


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


def subscription_lines(
    session: TenantSession, *, strategy_slug: str | None = None, ended: bool = False
) -> list[SubscriptionLine]:
    """Return the subscriptions of a brand, of one strategy or of all; ended ones only if asked for."""
    held, doors, joins = (defaultdict[int, list[InstrumentLine]](list) for _ in range(3))
    for row in session.execute(_HELD):
        held[row.subscription_id].append(InstrumentLine(row.symbol, row.position_side, row.qty))
    for row in session.execute(_DOORS):
        doors[row.subscription_id].append(InstrumentLine(row.symbol, row.position_side, reason=Denial(row.reason)))
    for row in session.execute(_JOINS):
        reason = None if row.reason is None else Denial(row.reason)
        joins[row.subscription_id].append(InstrumentLine(row.symbol, row.position_side, reason=reason, state=row.state))
    funding = {row.subscription_id: row.paid for row in session.execute(_FUNDING)}
    return [
        SubscriptionLine(
            **row,
            funding=funding.get(row["id"], Decimal(0)),
            held=held[row["id"]],
            kept_back=doors[row["id"]],
            joining=joins[row["id"]],
        )
        for row in session.execute(_LISTED, {"slug": strategy_slug, "ended": ended}).mappings()
    ]


def strategy_keys(session: TenantSession, slug: str) -> StrategyKeys | None:
    """Return the ids behind a strategy's slug, None where there is none."""
    row = session.execute(_STRATEGY, {"slug": slug}).first()
    return None if row is None else StrategyKeys(row.id, row.account_id)
