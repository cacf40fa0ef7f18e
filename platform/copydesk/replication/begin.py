"""Begin to copy as a follower does it on a page: once, however often it is sent, and with the limits of a profile.

Owns what such a page has to know beforehand: whether an account copies the strategy already, and what its copies use.
"""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from typing import NamedTuple

from sqlalchemy import text

from copydesk.db import TenantSession, number_array
from copydesk.kernel import Refused
from copydesk.replication.allocating import require_allocation
from copydesk.replication.subscribe import NewSubscription, subscribe
from copydesk.risk.profiles import Profile
from copydesk.risk.service import Ground, choose_profile

# Two forms sent at once wait for each other here; orders, which refer to the account's key alone, do not.
_IN_TURN = text("SELECT id FROM account WHERE id = :account_id FOR NO KEY UPDATE")
_STANDS = text(
    """
    SELECT id, allocation, sizing_mode, sizing_value, join_mode, size_policy, leverage_max, copies
    FROM subscription WHERE strategy_id = :strategy_id AND account_id = :account_id AND state <> 'ended'
    """
)
_COPIED = text(
    "SELECT account_id, id FROM subscription WHERE strategy_id = :strategy_id AND state <> 'ended' "
    "AND account_id = ANY(CAST(:account_ids AS bigint[]))"
)
_PROMISED = text(
    "SELECT account_id, sum(allocation) AS promised FROM subscription "
    "WHERE state <> 'ended' AND account_id = ANY(CAST(:account_ids AS bigint[])) GROUP BY account_id"
)


class Begun(NamedTuple):
    """The subscription that copies now; `anew` is False where the same form had begun it before."""

    subscription_id: int
    anew: bool


class AlreadyCopied(Refused):
    """The account copies the strategy already, on other terms."""

    code = "already_copied"

    def __init__(self, subscription_id: int) -> None:
        super().__init__("This account copies the strategy already.")
        self.subscription_id = subscription_id


def begin_copying(session: TenantSession, new: NewSubscription, ground: Ground, profile: Profile | None) -> Begun:
    """Subscribe with a profile's limits, or find the subscription that these very terms have begun already.

    Raises what `subscribe` and `choose_profile` raise, and `AlreadyCopied` where the account copies the strategy on
    other terms.
    """
    session.execute(_IN_TURN, {"account_id": new.account_id})
    stands = session.execute(_STANDS, {"strategy_id": new.strategy_id, "account_id": new.account_id}).one_or_none()
    if stands is not None:
        number, *terms = stands
        if terms != _terms(new):
            raise AlreadyCopied(number)
        return Begun(number, anew=False)
    number = subscribe(session, new, ground)
    if profile is not None:
        choose_profile(session, ground, number, profile)
        require_allocation(session, ground, number)
    return Begun(number, anew=True)


def rehearse(session: TenantSession, new: NewSubscription, ground: Ground, profile: Profile | None) -> None:
    """Raise what `begin_copying` would raise now, and change nothing."""
    attempt = session.begin_nested()
    try:
        begin_copying(session, new, ground, profile)
    finally:
        attempt.rollback()


def copied_with(session: TenantSession, strategy_id: int, account_ids: Sequence[int]) -> dict[int, int]:
    """Return the subscriptions by which these accounts copy a strategy, by account."""
    params = {"strategy_id": strategy_id, "account_ids": number_array(account_ids)}
    return {row.account_id: row.id for row in session.execute(_COPIED, params)}


def promised_to_copies(session: TenantSession, account_ids: Sequence[int]) -> dict[int, Decimal]:
    """Return what the copies of these accounts may use together, in quote currency; whoever has none is left out."""
    rows = session.execute(_PROMISED, {"account_ids": number_array(account_ids)})
    return {row.account_id: row.promised for row in rows}


def _terms(new: NewSubscription) -> list[object]:
    """Return the terms of a form as the table has them."""
    leverage, value = new.leverage_max, new.sizing_value
    modes = (str(new.sizing_mode), value, str(new.join_mode), str(new.size_policy), leverage, str(new.copies))
    return [new.allocation, *modes]
