"""What the operator asks of every brand: who is there, what waits, what was promised and kept, what was used."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from sqlalchemy import text

from copydesk.db import Database
from copydesk.estate.model import Budget, Duty, Month, Plan, Usage
from copydesk.estate.settings import COPY_MS_MAX, IN_TIME_RATIO
from copydesk.replication.usage import Crowd, crowd_now, sent_in_time, traded_between
from copydesk.tenancy import LayerValues, installation_value

_KNOWN = text("SELECT id, slug, status, suspend_reason, followers_max, strategies_max FROM tenant ORDER BY slug")


@dataclass(frozen=True)
class Promise:
    """Within how many milliseconds what share of copies is to be sent."""

    copy_ms_max: int
    in_time_ratio: Decimal

    @classmethod
    def of(cls, defaults: LayerValues) -> Promise:
        """Return what the installation has set."""
        return cls(installation_value(defaults, COPY_MS_MAX, int), installation_value(defaults, IN_TIME_RATIO, Decimal))


@dataclass(frozen=True)
class BrandState:
    """One brand as the database has it: whether it runs, its plan, who is there, and what is left of its budget."""

    tenant_id: int
    slug: str
    status: str
    suspend_reason: str
    plan: Plan
    crowd: Crowd
    budget: Budget

    @property
    def over_plan(self) -> bool:
        """Tell whether there are more than the plan has room for: it was made smaller afterwards."""
        followers_max, strategies_max = self.plan
        over_followers = followers_max is not None and self.crowd.followers > followers_max
        return over_followers or (strategies_max is not None and self.crowd.strategies > strategies_max)


def brand_states(db: Database, promise: Promise, *, at: datetime) -> Iterator[BrandState]:
    """Return every brand that the installation knows, by slug, each read in a transaction of its own."""
    with db.installation() as session:
        known = session.execute(_KNOWN).all()
    begins = Month.of(at).begins
    for tenant_id, slug, status, reason, followers_max, strategies_max in known:
        with db.tenant(tenant_id) as session:
            crowd = crowd_now(session)
            duty = Duty(*sent_in_time(session, begins, at, ms_max=promise.copy_ms_max))
        budget = Budget(duty, promise.in_time_ratio)
        plan = Plan(followers_max, strategies_max)
        yield BrandState(tenant_id, slug, status, reason or "", plan, crowd, budget)


def brand_usage(db: Database, month: Month) -> Mapping[str, Usage]:
    """Return what each brand used in a month, by slug."""
    with db.installation() as session:
        known = [(tenant_id, slug) for tenant_id, slug, *_ in session.execute(_KNOWN)]
    found: dict[str, Usage] = {}
    for tenant_id, slug in known:
        with db.tenant(tenant_id) as session:
            traded = traded_between(session, month.begins, month.next.begins)
        found[slug] = Usage(*traded)
    return found
