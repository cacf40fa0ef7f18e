"""Whether a brand's plan, and a strategy's terms, have room for one more. Who is in stays, whatever either says.

Demo accounts take nobody's place and need none: whoever comes without registering must not keep followers out.
Terms are the trader's (`studio.terms`), read here by their row: this is where they hold.
"""

from __future__ import annotations

from decimal import Decimal

from sqlalchemy import text

from copydesk.db import TenantSession
from copydesk.kernel import Refused, decimal_text

_PLAN = text("SELECT followers_max, strategies_max FROM tenant WHERE id = :tenant_id")
# Two who come at once wait for each other, so that both cannot take the last place.
_IN_TURN = text("SELECT pg_advisory_xact_lock(hashtext('copydesk:plan'), :tenant_id)")
_FOLLOWERS = text(
    """
    SELECT count(DISTINCT a.user_id),
           coalesce(bool_or(a.user_id = own.user_id), false)
           OR EXISTS (SELECT 1 FROM account o WHERE o.id = :account_id AND o.demo)
    FROM subscription s JOIN account a ON a.tenant_id = s.tenant_id AND a.id = s.account_id AND NOT a.demo
    LEFT JOIN account own ON own.tenant_id = s.tenant_id AND own.id = :account_id
    WHERE s.state <> 'ended'
    """
)
_STRATEGIES = text("SELECT count(*) FROM strategy WHERE status NOT IN ('closed', 'declined')")
# The row is held until the transaction ends, so that of two who come at once one counts the other.
_LEAST = text(
    "SELECT t.min_allocation FROM subscription s JOIN strategy_terms t ON t.tenant_id = s.tenant_id "
    "AND t.strategy_id = s.strategy_id WHERE s.id = :id"
)
_TERMS = text(
    "SELECT min_allocation, followers_max, private FROM strategy_terms WHERE strategy_id = :strategy_id FOR UPDATE"
)
_PLACE = text(
    """
    SELECT (SELECT count(DISTINCT a.user_id) FROM subscription s
            JOIN account a ON a.tenant_id = s.tenant_id AND a.id = s.account_id AND NOT a.demo
            WHERE s.strategy_id = :strategy_id AND s.state <> 'ended') AS followers,
           EXISTS (SELECT 1 FROM subscription s JOIN account a ON a.tenant_id = s.tenant_id AND a.id = s.account_id
                   WHERE s.strategy_id = :strategy_id AND s.state <> 'ended' AND a.user_id = own.user_id
                          AND NOT a.demo) AS known,
           own.demo AS guest,
           EXISTS (SELECT 1 FROM strategy_invite i WHERE i.strategy_id = :strategy_id AND i.used_by = own.user_id
                   AND i.revoked_at IS NULL) AS invited
    FROM account own WHERE own.id = :account_id
    """
)


class PlanFull(Refused):
    """The brand's plan has no room; the operator of the installation can give it more."""

    code = "plan_full"


class BeyondTerms(Refused):
    """The strategy's trader takes nobody on these terms; the code says which: allocation, number or invitation."""

    code = "beyond_terms"


def require_room_for_follower(session: TenantSession, account_id: int) -> None:
    """Raise `PlanFull` where an account's owner would be one follower too many; whoever copies already is none."""
    limit = _limits(session)[0]
    if limit is None:
        return
    session.execute(_IN_TURN, {"tenant_id": session.tenant_id})
    count, known = session.execute(_FOLLOWERS, {"account_id": account_id}).one()
    if not known and count >= limit:
        raise PlanFull(_full(limit, "follower", "followers"))


def require_room_for_strategy(session: TenantSession) -> None:
    """Raise `PlanFull` where one more strategy would be too many; closed ones do not count."""
    limit = _limits(session)[1]
    if limit is None:
        return
    session.execute(_IN_TURN, {"tenant_id": session.tenant_id})
    if session.execute(_STRATEGIES).scalar_one() >= limit:
        raise PlanFull(_full(limit, "strategy", "strategies"))


def require_terms(session: TenantSession, strategy_id: int, account_id: int, allocation: Decimal) -> None:
    """Raise `BeyondTerms` where a new subscription does not meet the trader's terms.

    Codes: "allocation_min" (too small), "strategy_full" (as many copy as the trader takes; whoever copies already with
    another account is none more), "strategy_private" (nobody invited them).
    """
    terms = session.execute(_TERMS, {"strategy_id": strategy_id}).first()
    if terms is None:
        return
    require_allocation_min(terms.min_allocation, allocation)
    if terms.followers_max is None and not terms.private:
        return
    place = session.execute(_PLACE, {"strategy_id": strategy_id, "account_id": account_id}).one()
    if terms.private and not (place.invited or place.known):
        told = "This strategy is private: its trader invites who may copy it."
        raise BeyondTerms(told, code="strategy_private")
    most = terms.followers_max
    if most is not None and not (place.known or place.guest) and place.followers >= most:
        people = "1 follower" if most == 1 else f"{most} followers"
        raise BeyondTerms(f"This strategy takes {people} at most, and every place is taken.", code="strategy_full")


def require_terms_still(session: TenantSession, subscription_id: int, allocation: Decimal) -> None:
    """Raise `BeyondTerms` where a subscription would be given less than its trader asks."""
    least = session.execute(_LEAST, {"id": subscription_id}).scalar()
    if least is not None:
        require_allocation_min(least, allocation)


def require_allocation_min(least: Decimal, allocation: Decimal) -> None:
    """Raise `BeyondTerms` for an allocation below what the trader asks."""
    if allocation < least:
        told = f"allocation: expected at least {decimal_text(least)}, which the trader asks, found "
        raise BeyondTerms(told + f"{decimal_text(allocation)}.", code="allocation_min")


def _full(limit: int, one: str, many: str) -> str:
    return f"This site has room for {limit} {one if limit == 1 else many} at present, and every place is taken."


def _limits(session: TenantSession) -> tuple[int | None, int | None]:
    row = session.execute(_PLAN, {"tenant_id": session.tenant_id}).first()
    return (None, None) if row is None else (row[0], row[1])
