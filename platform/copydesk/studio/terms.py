"""What a trader asks of followers and shows to all: within the brand's bounds, and read where money is promised."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from sqlalchemy import select
from sqlalchemy.orm import Session

from copydesk.db import TenantSession
from copydesk.kernel import ZERO, InvalidInput, decimal_text
from copydesk.performance.shown import PositionsShown
from copydesk.studio.settings import FOLLOWERS_MAX, MIN_ALLOCATION_MAX, PRIVATE_ALLOWED
from copydesk.studio.tables import StrategyTerms
from copydesk.tenancy import PROFIT_SHARE_RATIO, PROFIT_SHARE_RATIO_MAX, Tenant, setting_value


@dataclass(frozen=True, slots=True)
class Terms:
    """What a strategy asks and shows. `profit_share` is a ratio, `min_allocation` in the brand's quote currency.

    Without `followers_max` only the brand's plan bounds their number.
    """

    profit_share: Decimal
    min_allocation: Decimal = ZERO
    followers_max: int | None = None
    private: bool = False
    positions: PositionsShown = PositionsShown.NOW
    followers_shown: bool = True


@dataclass(frozen=True, slots=True)
class Bounds:
    """What a brand lets its traders ask."""

    profit_share_max: Decimal
    min_allocation_max: Decimal
    followers_max: int
    private_allowed: bool


def bounds_of(tenant: Tenant) -> Bounds:
    """Return the bounds that the brand's settings give."""
    return Bounds(
        profit_share_max=setting_value(tenant, PROFIT_SHARE_RATIO_MAX, Decimal),
        min_allocation_max=setting_value(tenant, MIN_ALLOCATION_MAX, Decimal),
        followers_max=setting_value(tenant, FOLLOWERS_MAX, int),
        private_allowed=setting_value(tenant, PRIVATE_ALLOWED, bool),
    )


def brand_terms(tenant: Tenant) -> Terms:
    """Return what holds for a strategy whose trader has set nothing: the brand's profit share, everything shown."""
    return Terms(profit_share=setting_value(tenant, PROFIT_SHARE_RATIO, Decimal))


def terms_of(session: Session, strategy_id: int, tenant: Tenant) -> Terms:
    """Return the terms of a strategy; the brand's own (`brand_terms`) where its trader has set none.

    A share that is above what the brand allows by now is what the brand allows.
    """
    row = session.scalars(select(StrategyTerms).where(StrategyTerms.strategy_id == strategy_id)).one_or_none()
    if row is None:
        return brand_terms(tenant)
    most = setting_value(tenant, PROFIT_SHARE_RATIO_MAX, Decimal)
    return Terms(
        profit_share=min(row.profit_share, most),
        min_allocation=row.min_allocation,
        followers_max=row.followers_max,
        private=row.private,
        positions=PositionsShown(row.shows.get("positions", PositionsShown.NOW)),
        followers_shown=bool(row.shows.get("followers", True)),
    )


def require_within(terms: Terms, bounds: Bounds) -> None:
    """Raise `InvalidInput` for terms beyond the brand's bounds; its code is the field's name."""
    for name, found, most in (
        ("profit_share", terms.profit_share, bounds.profit_share_max),
        ("min_allocation", terms.min_allocation, bounds.min_allocation_max),
    ):
        if not (found.is_finite() and ZERO <= found <= most):
            raise InvalidInput(f"{name}: expected 0 to {decimal_text(most)}, found {found}", code=name)
    followers = terms.followers_max
    if followers is not None and not 1 <= followers <= bounds.followers_max:
        expected = f"nothing, or 1 to {bounds.followers_max}"
        raise InvalidInput(f"followers_max: expected {expected}, found {followers}", code="followers_max")
    if terms.private and not bounds.private_allowed:
        raise InvalidInput("private: this site has no private strategies", code="private")


def store_terms(session: TenantSession, strategy_id: int, terms: Terms, *, at: datetime) -> None:
    """Store the terms of a strategy that has none yet; `at` is when they were submitted."""
    row = StrategyTerms(
        tenant_id=session.tenant_id,
        strategy_id=strategy_id,
        profit_share=terms.profit_share,
        min_allocation=terms.min_allocation,
        followers_max=terms.followers_max,
        private=terms.private,
        shows={"positions": str(terms.positions), "followers": terms.followers_shown},
        submitted_at=at,
    )
    session.add(row)
    session.flush()
