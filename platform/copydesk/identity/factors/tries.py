"""Counts tries in PostgreSQL, before they are looked at: tries at the same moment are counted one by one."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import delete, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from copydesk.identity.factors.patience import FORGOTTEN_AFTER, Effort, wait_after
from copydesk.identity.factors.tables import FactorTry
from copydesk.identity.throttle import TooManyTries


def take_try(session: Session, tenant_id: int, user_id: int, at: datetime, effort: Effort = Effort.PROOF) -> None:
    """Count one more try; raises `TooManyTries` while the person has to wait.

    Commit before the proof is looked at: a refusal rolls its own transaction back, and this must stay. `forgive` takes
    the count back once a proof holds.
    """
    values = {"tenant_id": tenant_id, "user_id": user_id, "kind": effort, "tries": 0, "last_at": at, "not_before": at}
    session.execute(insert(FactorTry).values(values).on_conflict_do_nothing())
    counted = select(FactorTry).where(FactorTry.user_id == user_id, FactorTry.kind == effort)
    found = session.scalars(counted.with_for_update().execution_options(populate_existing=True)).one()
    if at < found.not_before:
        raise TooManyTries(found.not_before - at)
    found.tries = 1 if at - found.last_at > FORGOTTEN_AFTER else found.tries + 1
    found.last_at, found.not_before = at, at + wait_after(effort, found.tries)
    session.flush()


def forgive(session: Session, user_id: int, effort: Effort = Effort.PROOF) -> None:
    """Forget a person's wrong proofs of one effort, since one holds; messages stay counted, for each costs money."""
    assert effort is not Effort.TEXT, "messages that went out are not forgotten"
    session.execute(delete(FactorTry).where(FactorTry.user_id == user_id, FactorTry.kind == effort))
