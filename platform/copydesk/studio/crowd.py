"""Followers of a strategy in aggregate, and what their results would be worth to its trader. Never one by one."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal

from sqlalchemy import text
from sqlalchemy.orm import Session

from copydesk.kernel import ZERO
from copydesk.performance.followers import FollowerTruth, follower_truth
from copydesk.replication.counted import counted
from copydesk.studio.terms import Terms
from copydesk.tenancy import PLATFORM_RATIO, Tenant, setting_value

_BY_STATE = text(
    f"""
    SELECT state, count(*) AS followers, sum(allocation) AS allocated
    FROM subscription s WHERE strategy_id = :id AND {counted("s")} GROUP BY state ORDER BY 2 DESC, 1
    """  # noqa: S608 - a condition of ours
)
_WATCHING = text("SELECT count(*) FROM watch WHERE strategy_id = :id")
_GAINS = text(
    f"""
    SELECT coalesce(sum(greatest(net_result, 0)), 0), count(*) FILTER (WHERE net_result > 0), count(*)
    FROM subscription_figures k JOIN subscription s ON s.tenant_id = k.tenant_id AND s.id = k.subscription_id
    WHERE k.strategy_id = :id AND net_result IS NOT NULL AND {counted("s")}
    """  # noqa: S608 - a condition of ours
)
_CENTS = Decimal("0.01")


@dataclass(frozen=True, slots=True)
class Crowd:
    """Who follows, in numbers: subscriptions that run by state and those that ended, people who watch, allocations."""

    copying: int
    gone: int
    watching: int
    allocated: Decimal
    by_state: Mapping[str, int]
    truth: FollowerTruth


@dataclass(frozen=True, slots=True)
class Earnings:
    """What a trader's share would be if every follower settled now: an estimate, nothing is booked.

    `gains` are the results of those in profit since they began, in quote currency; losses take nothing off another's
    gain. `fee` is the profit share of them, of which the brand keeps `brand_part`.
    """

    gains: Decimal
    in_profit: int
    judged: int
    profit_share: Decimal
    fee: Decimal
    brand_part: Decimal

    @property
    def trader_part(self) -> Decimal:
        return self.fee - self.brand_part


def crowd_of(session: Session, strategy_id: int) -> Crowd:
    """Sum up the followers of a strategy."""
    states = {row.state: row for row in session.execute(_BY_STATE, {"id": strategy_id})}
    ended = states.pop("ended", None)
    copying = sum(row.followers for row in states.values())
    return Crowd(
        copying=copying,
        gone=ended.followers if ended else 0,
        watching=session.execute(_WATCHING, {"id": strategy_id}).scalar_one(),
        allocated=sum((row.allocated for row in states.values()), ZERO),
        by_state={state: row.followers for state, row in states.items()},
        truth=follower_truth(session, strategy_id, followers=copying),
    )


def earnings_of(session: Session, strategy_id: int, terms: Terms, tenant: Tenant) -> Earnings:
    """Estimate what the terms would give today: a share of the gain of each follower who has one. Rounded down."""
    gains, in_profit, judged = session.execute(_GAINS, {"id": strategy_id}).one()
    fee = _down(gains * terms.profit_share)
    part = _down(fee * setting_value(tenant, PLATFORM_RATIO, Decimal))
    return Earnings(_down(gains), in_profit, judged, terms.profit_share, fee, part)


def _down(amount: Decimal) -> Decimal:
    return max(amount - amount % _CENTS, ZERO)
