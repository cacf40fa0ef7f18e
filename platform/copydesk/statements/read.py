"""Reads what a statement is made of: one person's subscriptions and strategies with all that moved them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Row, text

from copydesk.db import TenantSession, number_array
from copydesk.kernel import ZERO, NotFound
from copydesk.marks import place_name
from copydesk.replication.counted import counted
from copydesk.statements.build import Terms, built
from copydesk.statements.model import Followers, Movement, MovementKind, Person, Statement
from copydesk.statements.period import Period
from copydesk.statements.raw import BookEvents, Flow, Paid, PointSeen, Prices, RawStrategy, RawSubscription
from copydesk.statements.rows import leader_books, own_books, prices_at
from copydesk.tenancy import Tenant
from copydesk.trading import Environment, quote_currency

_PERSON = text(
    "SELECT id AS user_id, display_name AS name, email, role, created_at FROM user_account WHERE id = :user_id"
)
_SUBSCRIPTIONS = text(
    """
    SELECT s.id, t.slug AS strategy_slug, t.name AS strategy_name, u.display_name AS trader_name,
           a.venue AS exchange, a.environment, a.label AS account, s.state, s.allocation, s.created_at AS began_at,
           s.ended_at
    FROM subscription s JOIN account a ON a.tenant_id = s.tenant_id AND a.id = s.account_id
    JOIN strategy t ON t.tenant_id = s.tenant_id AND t.id = s.strategy_id
    JOIN user_account u ON u.tenant_id = t.tenant_id AND u.id = t.trader_id
    WHERE a.user_id = :user_id AND s.created_at < :until AND (s.ended_at IS NULL OR s.ended_at >= :since)
    ORDER BY s.id
    """
)
_STRATEGIES = text(
    """
    SELECT t.id, t.slug, t.name, a.venue AS exchange, a.environment, t.account_id, t.status, t.created_at AS began_at
    FROM strategy t JOIN account a ON a.tenant_id = t.tenant_id AND a.id = t.account_id
    WHERE t.trader_id = :user_id AND t.created_at < :until ORDER BY t.id
    """
)
_FUNDING = text(
    "SELECT at, symbol, currency, amount, payment_id AS reference FROM funding_payment "
    "WHERE subscription_id = :id AND at < :until ORDER BY at, payment_id"
)
_FLOWS = text("SELECT at, amount, kind FROM cash_flow WHERE subscription_id = :id AND at < :until ORDER BY at, id")
_LEADER_FLOWS = text("SELECT at, amount, kind FROM cash_flow WHERE strategy_id = :id AND at < :until ORDER BY at, id")
_COPIES = text(
    """
    SELECT c.id, c.signal_id, c.planned_at, c.symbol, c.position_side, c.side, c.qty, c.cum_qty, c.avg_px, c.status,
           c.reason, c.reason_facts
    FROM subscription s JOIN signal g ON g.tenant_id = s.tenant_id AND g.strategy_id = s.strategy_id
    JOIN copy c ON c.tenant_id = g.tenant_id AND c.signal_id = g.id AND c.subscription_id = s.id
    WHERE s.id = :id AND c.planned_at >= :since AND c.planned_at < :until ORDER BY c.planned_at, c.id
    """
)
# Days are kept for ever; the last one before the period is where it begins.
_POINTS = text(
    """
    SELECT at, equity, flow, index_close AS reached, index_low, index_high FROM performance_point
    WHERE owner = :owner AND owner_id = :id AND grain = 'day' AND at < :until
      AND at >= coalesce((SELECT max(at) FROM performance_point WHERE owner = :owner AND owner_id = :id
                          AND grain = 'day' AND at < :since), :since)
    ORDER BY at
    """
)
_CROWD = text(
    f"""
    SELECT count(*) FILTER (WHERE created_at < :since AND (ended_at IS NULL OR ended_at >= :since)) AS before,
           count(*) FILTER (WHERE created_at >= :since) AS joined,
           count(*) FILTER (WHERE ended_at >= :since AND ended_at < :until) AS gone,
           coalesce(sum(allocation) FILTER (WHERE ended_at IS NULL OR ended_at >= :until), 0) AS allocation,
           array_agg(id) FILTER (WHERE ended_at IS NULL OR ended_at >= :since) AS ids
    FROM subscription s WHERE strategy_id = :id AND created_at < :until AND {counted("s")}
    """  # noqa: S608 - a condition of ours
)

# What each has earned is its worth less all that was put in, now less at the beginning.
_RESULTS = text(
    """
    SELECT s.id, (closing.equity - coalesce(paid.total, s.allocation))
                 - coalesce(opening.equity - coalesce(paid.before, s.allocation), 0) AS net
    FROM subscription s
    CROSS JOIN LATERAL (SELECT sum(amount) AS total, sum(amount) FILTER (WHERE at < :since) AS before FROM cash_flow
                        WHERE subscription_id = s.id AND at < :until) AS paid
    CROSS JOIN LATERAL (SELECT equity FROM performance_point WHERE owner = 'subscription' AND owner_id = s.id
                        AND grain = 'day' AND at < :until ORDER BY at DESC LIMIT 1) AS closing
    LEFT JOIN LATERAL (SELECT equity FROM performance_point WHERE owner = 'subscription' AND owner_id = s.id
                       AND grain = 'day' AND at < :since ORDER BY at DESC LIMIT 1) AS opening ON true
    WHERE s.id = ANY(CAST(:ids AS bigint[]))
    """
)


def read_person(session: TenantSession, user_id: int) -> Person:
    """Return whose statements a user's are; raises NotFound."""
    row = session.execute(_PERSON, {"user_id": user_id}).mappings().one_or_none()
    if row is None:
        raise NotFound(f"There is no user {user_id}.")
    return Person(**row)


def read_statement(session: TenantSession, tenant: Tenant, user_id: int, period: Period, *, now: datetime) -> Statement:
    """Make a person's statement of a period, of whatever they copy and whatever is copied of them.

    Raises NotFound where the brand has no such person, and for a period that has not begun.
    """
    if period.since > now:
        raise NotFound("There is no statement of a period that has not begun.")
    person = read_person(session, user_id)
    config = tenant.config
    terms = Terms(tenant.name, config.currency, config.time_zone, period, now)
    span = {"user_id": user_id, "since": period.since, "until": period.until}
    copied = [_subscription(session, row, period) for row in session.execute(_SUBSCRIPTIONS, span).all()]
    led = [_strategy(session, row, period) for row in session.execute(_STRATEGIES, span).all()]
    return built(person, terms, copied, led)


def _subscription(session: TenantSession, row: Row[Any], period: Period) -> RawSubscription:
    span = {"id": row.id, "since": period.since, "until": period.until}
    books = own_books(session, row.id)
    flows = [Flow(*flow) for flow in session.execute(_FLOWS, span)]
    return RawSubscription(
        id=row.id,
        strategy_slug=row.strategy_slug,
        strategy_name=row.strategy_name,
        trader_name=row.trader_name,
        exchange=row.exchange,
        account=row.account,
        state=row.state,
        began_at=row.began_at,
        ended_at=row.ended_at,
        books=books,
        funding=tuple(Paid(*paid) for paid in session.execute(_FUNDING, span)),
        flows=tuple(flows) or (Flow(row.began_at, row.allocation, "opening"),),
        copies=tuple(_copy(copy) for copy in session.execute(_COPIES, span)),
        prices=_prices(session, row, books, period),
        points=_points(session, "subscription", span),
    )


def _strategy(session: TenantSession, row: Row[Any], period: Period) -> RawStrategy:
    span = {"id": row.id, "since": period.since, "until": period.until}
    books = leader_books(session, row.id, row.account_id)
    return RawStrategy(
        id=row.id,
        slug=row.slug,
        name=row.name,
        exchange=row.exchange,
        status=row.status,
        began_at=row.began_at,
        books=books,
        flows=tuple(Flow(*flow) for flow in session.execute(_LEADER_FLOWS, span)),
        prices=_prices(session, row, books, period),
        points=_points(session, "strategy", span),
        followers=_followers(session, span),
    )


def _prices(session: TenantSession, row: Row[Any], books: Sequence[BookEvents], period: Period) -> Prices:
    place = place_name(row.exchange, Environment(row.environment))
    return Prices(
        prices_at(session, place, books, period.since),
        prices_at(session, place, books, period.until),
    )


def _points(session: TenantSession, owner: str, span: Mapping[str, Any]) -> tuple[PointSeen, ...]:
    return tuple(PointSeen(*point) for point in session.execute(_POINTS, {**span, "owner": owner}))


def _copy(row: Row[Any]) -> Movement:
    return Movement(
        MovementKind.COPY,
        row.planned_at,
        quote_currency(row.symbol),
        symbol=row.symbol,
        position_side=row.position_side,
        side=row.side,
        qty=row.cum_qty,
        px=row.avg_px,
        reference=str(row.id),
        signal_id=row.signal_id,
        wanted=row.qty,
        status=row.status,
        reason=row.reason or "",
        facts=row.reason_facts,
    )


def _followers(session: TenantSession, span: Mapping[str, Any]) -> Followers:
    """Count a strategy's followers, and sum up what they earned: of each only whether it was a gain is used."""
    row = session.execute(_CROWD, span).one()
    results = [result.net for result in session.execute(_RESULTS, {**span, "ids": number_array(row.ids or [])})]
    return Followers(
        before=row.before,
        joined=row.joined,
        left=row.gone,
        allocation=row.allocation,
        net=sum(results, ZERO),
        in_profit=sum(1 for result in results if result > 0),
        counted=len(results),
    )
