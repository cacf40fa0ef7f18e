"""What traders do to strategies of their own: pause, go on, close; each recorded, each done at once."""

from __future__ import annotations

from datetime import datetime

from copydesk.audit import Actor, record
from copydesk.db import TenantSession
from copydesk.kernel import Refused
from copydesk.replication import close_strategy, pause_strategy, resume_strategy
from copydesk.studio.applying import withdraw
from copydesk.studio.model import OwnStrategy, Status, StudioAct


def pause(session: TenantSession, own: OwnStrategy, *, actor: Actor, at: datetime) -> None:
    """Open nothing any more for anyone; closes still follow the trader. Raises `Refused` from another state."""
    _require(own, StudioAct.PAUSE)
    pause_strategy(session, own.id)
    _note(session, own, actor, "strategy.paused", at)


def go_on(session: TenantSession, own: OwnStrategy, *, actor: Actor, at: datetime) -> None:
    """Open again from the trader's next trade on; one that was on probation is so again.

    Raises `Refused` unless the trader paused it: what the guard suspended staff let go on.
    """
    _require(own, StudioAct.RESUME)
    resume_strategy(session, own.id)
    _note(session, own, actor, "strategy.resumed", at)


def close(session: TenantSession, own: OwnStrategy, *, actor: Actor, at: datetime) -> int:
    """End a strategy for good and return how many subscriptions end; an application is withdrawn.

    What followers hold is closed as the trader closes it. Raises `Refused` from a state that has nothing to close.
    """
    _require(own, StudioAct.CLOSE)
    if own.status is Status.PENDING:
        withdraw(session, own.trader_id, own.slug, actor=actor, at=at)
        return 0
    leaving = close_strategy(session, own.id)
    _note(session, own, actor, "strategy.closed", at)
    return len(leaving)


def _require(own: OwnStrategy, act: StudioAct) -> None:
    if not own.allows(act):
        raise Refused(f"The strategy is {own.status}: it cannot {act} now; look at it again.", code="wrong_state")


def _note(session: TenantSession, own: OwnStrategy, actor: Actor, act: str, at: datetime) -> None:
    before = {"status": str(own.status)}
    record(session, session.tenant_id, actor, act, f"strategy:{own.id}", at=at, before=before)
