"""The limits of brands' plans, as the operator sets them."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import text
from sqlalchemy.orm import Session

from copydesk.audit import OPERATOR, record
from copydesk.db import TenantSession
from copydesk.estate.model import Plan
from copydesk.kernel import InvalidInput

LIMIT_MAX = 10_000_000

_READ = text("SELECT followers_max, strategies_max FROM tenant WHERE id = :id")
_WRITE = text("UPDATE tenant SET followers_max = :followers_max, strategies_max = :strategies_max WHERE id = :id")


def plan_of(session: Session, tenant_id: int) -> Plan:
    """Return the limits of a brand's plan; none where it has no row yet."""
    row = session.execute(_READ, {"id": tenant_id}).first()
    return Plan() if row is None else Plan(*row)


def set_plan(session: TenantSession, plan: Plan, *, at: datetime) -> bool:
    """Set the limits of a brand's plan, and tell whether that changed anything. Nobody is put out who is in already."""
    for name, limit in plan._asdict().items():
        if limit is not None and not 0 <= limit <= LIMIT_MAX:
            raise InvalidInput(f"{name}: expected 0 to {LIMIT_MAX}, or no limit, found {limit}")
    tenant_id = session.tenant_id
    before = plan_of(session, tenant_id)
    if before == plan:
        return False
    session.execute(_WRITE, {"id": tenant_id, **plan._asdict()})
    told = {"before": before._asdict(), "after": plan._asdict()}
    record(session, tenant_id, OPERATOR, "plan.set", f"tenant:{tenant_id}", at=at, **told)
    return True
