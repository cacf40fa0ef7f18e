"""Whether a brand's plan has room for one more follower or strategy. Who is in stays, whatever the plan says."""

from __future__ import annotations

from sqlalchemy import text

from copydesk.db import TenantSession
from copydesk.kernel import Refused

_PLAN = text("SELECT followers_max, strategies_max FROM tenant WHERE id = :tenant_id")
# Two who come at once wait for each other, so that both cannot take the last place.
_IN_TURN = text("SELECT pg_advisory_xact_lock(hashtext('copydesk:plan'), :tenant_id)")
_FOLLOWERS = text(
    """
    SELECT count(DISTINCT a.user_id), coalesce(bool_or(a.user_id = own.user_id), false)
    FROM subscription s JOIN account a ON a.tenant_id = s.tenant_id AND a.id = s.account_id
    LEFT JOIN account own ON own.tenant_id = s.tenant_id AND own.id = :account_id
    WHERE s.state <> 'ended'
    """
)
_STRATEGIES = text("SELECT count(*) FROM strategy WHERE status <> 'closed'")


class PlanFull(Refused):
    """The brand's plan has no room; the operator of the installation can give it more."""

    code = "plan_full"


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


def _full(limit: int, one: str, many: str) -> str:
    return f"This site has room for {limit} {one if limit == 1 else many} at present, and every place is taken."


def _limits(session: TenantSession) -> tuple[int | None, int | None]:
    row = session.execute(_PLAN, {"tenant_id": session.tenant_id}).first()
    return (None, None) if row is None else (row[0], row[1])
