"""Whether an allocation is within what limits allow the account, asked before a subscription begins.

Orders ask again at each open (`order_limits`): an account may be emptied later. A limit that is a share of a purse that
was never seen refuses nothing here; it keeps orders back until the purse is seen.
"""

from __future__ import annotations

from collections.abc import Iterable
from decimal import Decimal
from typing import NamedTuple

from sqlalchemy import text

from copydesk.db import TenantSession, number_array
from copydesk.kernel import ZERO, InvalidInput, decimal_text
from copydesk.replication.purses import OF_PURSE, purses_of
from copydesk.risk.grammar import text_of
from copydesk.risk.limits import LimitSet
from copydesk.risk.model import Action, Measure, Scoped
from copydesk.risk.order_rules import allocation_most, order_bounds
from copydesk.risk.service import Ground, limits_of
from copydesk.risk.store import Holder

_OTHERS = text(
    "SELECT coalesce(sum(allocation), 0) FROM subscription "
    "WHERE account_id = :account_id AND id <> :subscription_id AND state <> 'ended'"
)
_SUBSCRIPTION = text("SELECT strategy_id, account_id, allocation FROM subscription WHERE id = :id")


class Excess(NamedTuple):
    """A limit that an allocation, or all of the account together (`found`), is beyond; `most` is what it allows."""

    scoped: Scoped
    found: Decimal
    most: Decimal

    @property
    def field(self) -> str:
        return str(self.scoped.limit.measure)

    def words(self, currency: str) -> str:
        """Say it in one sentence: the field, the bound, whose it is, and the value."""
        bound = f"at most {decimal_text(self.most)} {currency}"
        whose = f"{text_of(self.scoped.limit)}, the {self.scoped.scope}'s limit"
        return f"{self.field}: expected {bound} ({whose}), found {decimal_text(self.found)} {currency}"


def excesses(
    session: TenantSession, limits: LimitSet, holder: Holder, allocation: Decimal, *, currency: str
) -> list[Excess]:
    """Return the limits that would block a subscription's orders because of its allocation. Amounts in `currency`."""
    bounds = [
        bound
        for bound in order_bounds(limits, currency=currency)
        if bound.scoped.limit.measure in OF_PURSE and bound.action is not Action.WARN
    ]
    if not bounds:
        return []
    purse = purses_of(session, number_array([holder.account_id]), currency).get(holder.account_id)
    keys = {"account_id": holder.account_id, "subscription_id": holder.subscription_id}
    together = session.execute(_OTHERS, keys).scalar_one() + allocation
    found = []
    for bound in bounds:
        used = allocation if bound.scoped.limit.measure is Measure.ALLOCATION else together
        most = allocation_most(bound, purse)
        if most is not None and used > most:
            found.append(Excess(bound.scoped, used, max(most, ZERO)))
    return found


def require_allocation(session: TenantSession, ground: Ground, subscription_id: int) -> None:
    """Refuse a subscription whose allocation is beyond its limits: InvalidInput names field, bound and value."""
    strategy_id, account_id, allocation = session.execute(_SUBSCRIPTION, {"id": subscription_id}).one()
    holder = Holder(subscription_id, strategy_id, account_id)
    limits = limits_of(session, ground, holder)
    _refuse(excesses(session, limits, holder, allocation, currency=ground.currency), ground.currency)


def _refuse(found: Iterable[Excess], currency: str) -> None:
    first = next(iter(found), None)
    if first is not None:
        raise InvalidInput(first.words(currency), code=f"limit_{first.field}")
