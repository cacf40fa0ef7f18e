"""A follower gives a subscription more or less money: new orders are sized by it, what is held stays as it is.

High waters move along with the money (`risk.waters`), so a change is neither gain nor loss. A share of less money is
less, though: what would bring a limit to act at once is found before it is done.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from decimal import Decimal
from typing import NamedTuple

from sqlalchemy import text

from copydesk.db import TenantSession
from copydesk.kernel import ZERO, InvalidInput
from copydesk.replication.allocating import require_allocation
from copydesk.replication.lifecycle import Act, allow
from copydesk.replication.limit_standing import PriceOf, standing_now
from copydesk.replication.rest_rows import recall_orders
from copydesk.replication.room import require_terms_still
from copydesk.risk.equity_rules import EquityState, Spans
from copydesk.risk.limits import subject_of
from copydesk.risk.measures import MEASURES, Judged, Subject
from copydesk.risk.model import Action, Scoped
from copydesk.risk.readings import Standing, reading_of
from copydesk.risk.service import Ground, limits_of

_ALLOCATION = text("SELECT allocation FROM subscription WHERE id = :id")
_SET = text("UPDATE subscription SET allocation = :allocation WHERE id = :id")


class Reallocated(NamedTuple):
    """What a subscription had, and what it has now, in quote currency."""

    before: Decimal
    after: Decimal


@dataclass(frozen=True)
class AllocationPreview:
    """What another allocation would mean. `used` is the cost of what is held, in quote currency.

    `acting` are limits that would act at once because of the change, though they do not act now.
    """

    before: Decimal
    after: Decimal
    used: Decimal
    equity: Decimal
    acting: tuple[Scoped, ...]

    @property
    def equity_after(self) -> Decimal:
        return self.equity + self.after - self.before


def change_allocation(session: TenantSession, ground: Ground, subscription_id: int, allocation: Decimal) -> Reallocated:
    """Give a subscription another allocation; its lane plans with it from the next order on.

    Raises NotFound, InvalidInput for an amount that is not above zero, a state that does not allow it, or an amount
    beyond the account's limits, and `room.BeyondTerms` for less than the trader asks. Who keeps figures records the
    payment beside it (`performance.flows`).
    """
    if allocation <= 0:
        raise InvalidInput(f"allocation: expected an amount above 0, found {allocation}", code="allocation")
    allow(session, subscription_id, Act.REALLOCATE)
    before = session.execute(_ALLOCATION, {"id": subscription_id}).scalar_one()
    session.execute(_SET, {"id": subscription_id, "allocation": allocation})
    if allocation > before:
        require_allocation(session, ground, subscription_id)
    else:
        require_terms_still(session, subscription_id, allocation)
    recall_orders(session, subscription_id)
    return Reallocated(before, allocation)


def preview_allocation(
    session: TenantSession, ground: Ground, subscription_id: int, allocation: Decimal, px_of: PriceOf
) -> AllocationPreview:
    """Return what another allocation would mean at the prices of now; raises NotFound for one that has ended."""
    stands = standing_now(session, subscription_id, px_of, currency=ground.currency)
    mine = stands.mine
    used = sum((book.cost for book in mine.books if book.qty), ZERO)
    limits = (holding.scoped for holding in limits_of(session, ground, stands.holder).holdings)
    moved = allocation - mine.allocation
    acting = tuple(_acting(limits, stands.standing, moved))
    return AllocationPreview(mine.allocation, allocation, used, stands.standing.equity.equity, acting)


def _acting(limits: Iterable[Scoped], standing: Standing, moved: Decimal) -> Iterable[Scoped]:
    after = standing._replace(
        equity=_moved(standing.equity, moved), account_equity=_moved(standing.account_equity, moved)
    )
    for scoped in limits:
        if scoped.limit.action is Action.WARN or Judged.EQUITY not in MEASURES[scoped.limit.measure].judged:
            continue
        if subject_of(scoped) is Subject.SUBSCRIPTION and _broken(scoped, after) and not _broken(scoped, standing):
            yield scoped


def _broken(scoped: Scoped, standing: Standing) -> bool:
    reading = reading_of(scoped, standing)
    return reading is not None and reading.left is not None and reading.left < 0


def _moved(state: EquityState, amount: Decimal) -> EquityState:
    opened = Spans(*(opened + amount for opened in state.opened))
    return state._replace(
        equity=state.equity + amount, balance=state.balance + amount, opened=opened, peak=state.peak + amount
    )
