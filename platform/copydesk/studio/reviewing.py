"""What staff decide of strategies: approve, reject, end probation, let a suspended one go on; and what time does."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta

from sqlalchemy import text

from copydesk.audit import SYSTEM, Actor, record
from copydesk.db import TenantSession
from copydesk.kernel import InvalidInput, Refused
from copydesk.replication import resume_strategy
from copydesk.studio.model import OwnStrategy, Status
from copydesk.studio.settings import PROBATION_DAYS
from copydesk.tenancy import Tenant, setting_value

REASON_MIN, REASON_MAX = 10, 500

# Its record begins now: what the account traded before nobody could have copied.
_APPROVE = text("UPDATE strategy SET status = :to, created_at = :at WHERE id = :id AND status = 'pending' RETURNING id")
_REJECT = text("UPDATE strategy SET status = 'declined' WHERE id = :id AND status = 'pending' RETURNING id")
_DECIDED = text(
    "UPDATE strategy_terms SET decided_at = :at, decided_by = :by, reason = :reason, live_at = :live_at "
    "WHERE strategy_id = :id"
)
_LIVE = text("UPDATE strategy SET status = 'live' WHERE id = :id AND status = 'probation' RETURNING id")
_LIVE_AT = text("UPDATE strategy_terms SET live_at = :at WHERE strategy_id = :id")
# A suspension begins probation anew.
_OVER = text(
    """
    SELECT s.id FROM strategy s JOIN strategy_terms t ON t.tenant_id = s.tenant_id AND t.strategy_id = s.id
    WHERE s.status = 'probation' AND t.decided_at <= :before AND NOT EXISTS (
        SELECT 1 FROM strategy_news n WHERE n.tenant_id = s.tenant_id AND n.strategy_id = s.id
          AND n.kind = 'suspended' AND n.at > :before)
    ORDER BY s.id
    """
)


def approve(session: TenantSession, tenant: Tenant, strategy: OwnStrategy, *, actor: Actor, at: datetime) -> Status:
    """Publish a strategy on probation, or live at once where the brand has no probation; returns which.

    Raises `Refused` for one that was decided before.
    """
    probation = setting_value(tenant, PROBATION_DAYS, int) > 0
    status = Status.PROBATION if probation else Status.LIVE
    if session.execute(_APPROVE, {"id": strategy.id, "to": str(status), "at": at}).scalar() is None:
        raise _decided_before()
    _decide(session, strategy, actor, at, live_at=None if probation else at)
    _note(session, strategy, actor, "strategy.approved", at, {"status": str(status)})
    return status


def reject(session: TenantSession, strategy: OwnStrategy, reason: str, *, actor: Actor, at: datetime) -> None:
    """Turn an application down; its trader reads the reason, and may apply again.

    Raises `InvalidInput` for a reason of no length, and `Refused` where the application was decided before.
    """
    told = " ".join(reason.split())
    if not REASON_MIN <= len(told) <= REASON_MAX:
        raise InvalidInput(
            f"reason: expected {REASON_MIN} to {REASON_MAX} characters, found {len(told)}", code="reason"
        )
    if session.execute(_REJECT, {"id": strategy.id}).scalar() is None:
        raise _decided_before()
    _decide(session, strategy, actor, at, reason=told)
    _note(session, strategy, actor, "strategy.rejected", at, {"reason": told})


def go_live(session: TenantSession, strategy: OwnStrategy, *, actor: Actor, at: datetime) -> None:
    """End a strategy's probation before its time; raises `Refused` for one that is not on probation."""
    if not _end_probation(session, strategy.id, actor, at):
        raise Refused("Only a strategy on probation becomes live; look at it again.", code="wrong_state")


def let_go_on(session: TenantSession, strategy: OwnStrategy, *, actor: Actor, at: datetime) -> list[str]:
    """Let a suspended strategy open again; returns the shards to wake. Raises `Refused` for one that is not."""
    if strategy.status is not Status.SUSPENDED:
        raise Refused("Only a suspended strategy can be let go on; look at it again.", code="wrong_state")
    shards = resume_strategy(session, strategy.id)
    _note(session, strategy, actor, "strategy.resumed", at, None)
    return shards


def end_probations(session: TenantSession, tenant: Tenant, *, now: datetime) -> list[int]:
    """Move strategies to live whose probation is over without a suspension; returns which."""
    before = now - timedelta(days=setting_value(tenant, PROBATION_DAYS, int))
    due: Sequence[int] = session.execute(_OVER, {"before": before}).scalars().all()
    return [strategy_id for strategy_id in due if _end_probation(session, strategy_id, SYSTEM, now)]


def probation_ends(strategy: OwnStrategy, tenant: Tenant) -> datetime | None:
    """Return when a strategy's probation ends if nothing suspends it; None where it is on none."""
    if strategy.status is not Status.PROBATION or strategy.decided_at is None:
        return None
    return strategy.decided_at + timedelta(days=setting_value(tenant, PROBATION_DAYS, int))


def _end_probation(session: TenantSession, strategy_id: int, actor: Actor, at: datetime) -> bool:
    if session.execute(_LIVE, {"id": strategy_id}).scalar() is None:
        return False
    session.execute(_LIVE_AT, {"id": strategy_id, "at": at})
    record(session, session.tenant_id, actor, "strategy.live", f"strategy:{strategy_id}", at=at)
    return True


def _decide(
    session: TenantSession,
    strategy: OwnStrategy,
    actor: Actor,
    at: datetime,
    *,
    reason: str = "",
    live_at: datetime | None = None,
) -> None:
    told = {"id": strategy.id, "at": at, "by": actor.user_id, "reason": reason, "live_at": live_at}
    session.execute(_DECIDED, told)


def _note(
    session: TenantSession, strategy: OwnStrategy, actor: Actor, act: str, at: datetime, after: dict[str, str] | None
) -> None:
    before = {"status": str(strategy.status)}
    record(session, session.tenant_id, actor, act, f"strategy:{strategy.id}", at=at, before=before, after=after)


def _decided_before() -> Refused:
    return Refused("This application was decided by now; look at it again.", code="wrong_state")
