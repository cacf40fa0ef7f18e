"""How one subscription stands under every limit that holds for it, and what was done because of them. Read-only.

Measured at the marks that are given, by the same sums as at an order and at a price. What has no mark is not guessed
at: then nothing that prices decide is told.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from decimal import Decimal
from typing import NamedTuple

from sqlalchemy import text

from copydesk.db import TenantSession
from copydesk.replication.act_history import acts_of
from copydesk.replication.limit_standing import PriceOf, Stands, standing_now
from copydesk.replication.stop_fills import StopFill, read_stop_fills
from copydesk.risk.acts import Act
from copydesk.risk.gauge import Distance
from copydesk.risk.limits import Holding, subject_of
from copydesk.risk.measures import MEASURES, Judged, Subject
from copydesk.risk.model import Scope
from copydesk.risk.profiles import Profile
from copydesk.risk.readings import reading_of
from copydesk.risk.service import Ground, limits_of, profile_chosen
from copydesk.risk.store import LimitOwner, limits_set
from copydesk.trading import SubscriptionState

_ABOUT = text(
    """
    SELECT s.state, s.state_reason, s.allocation, t.name AS strategy, t.slug, t.status AS strategy_status
    FROM subscription s JOIN strategy t ON t.tenant_id = s.tenant_id AND t.id = s.strategy_id WHERE s.id = :id
    """
)


class About(NamedTuple):
    """A subscription: how it is, and which strategy it copies. `allocation` in quote currency."""

    state: SubscriptionState
    state_reason: str | None
    allocation: Decimal
    strategy: str
    slug: str
    strategy_status: str


@dataclass(frozen=True)
class StandingPicture:
    """A subscription as its follower sees it. `equity` and `peak` are None while something held has no price.

    `unpriced` are the instruments of its account that have none. `acts` are the newest first, `closed` what they
    closed, by their reference.
    """

    about: About
    equity: Decimal | None
    peak: Decimal | None
    profile: Profile | None
    at_prices: tuple[Distance, ...]
    at_orders: tuple[Distance, ...]
    unpriced: tuple[str, ...]
    acts: tuple[Act, ...]
    closed: dict[str, tuple[StopFill, ...]]


def read_standing(
    session: TenantSession, ground: Ground, subscription_id: int, px_of: PriceOf, *, acts_max: int = 20
) -> StandingPicture:
    """Return how a subscription stands now; raises NotFound where there is none, or it has ended."""
    missing: set[str] = set()

    def noted(place: str, symbol: str) -> Decimal | None:
        px = px_of(place, symbol)
        if px is None:
            missing.add(symbol)
        return px

    stands = standing_now(session, subscription_id, noted, currency=ground.currency)
    own = missing.intersection(book.symbol for book in stands.mine.books if book.qty)
    unpriced = own | missing.intersection(book.symbol for book in stands.others if book.qty)
    priced = not own
    blind = {Subject.ACCOUNT: bool(unpriced), Subject.SUBSCRIPTION: not priced}
    distances = tuple(_distances(stands, limits_of(session, ground, stands.holder).holdings, blind))
    acts = tuple(acts_of(session, subscription_id, most=acts_max))
    state = stands.standing.equity
    return StandingPicture(
        _about(session, subscription_id),
        state.equity if priced else None,
        state.peak if priced else None,
        profile_chosen(limits_set(session, LimitOwner(Scope.SUBSCRIPTION, subscription_id))),
        tuple(one for one in distances if _at_prices(one.holding)),
        tuple(one for one in distances if not _at_prices(one.holding)),
        tuple(sorted(unpriced)),
        acts,
        read_stop_fills(session, [act.reference for act in acts]),
    )


def _distances(stands: Stands, holdings: Iterable[Holding], blind: dict[Subject, bool]) -> Iterable[Distance]:
    standing = stands.standing
    for holding in holdings:
        subject = subject_of(holding.scoped)
        state = standing.account_equity if subject is Subject.ACCOUNT else standing.equity
        unseen = blind[subject] and _at_prices(holding)
        reading = None if unseen else reading_of(holding.scoped, standing)
        yield Distance(holding, reading, state.balance)


def _at_prices(holding: Holding) -> bool:
    return Judged.EQUITY in MEASURES[holding.scoped.limit.measure].judged


def _about(session: TenantSession, subscription_id: int) -> About:
    state, *told = session.execute(_ABOUT, {"id": subscription_id}).one()
    return About(SubscriptionState(state), *told)
