"""Look up and register brands in PostgreSQL."""

from __future__ import annotations

from sqlalchemy import select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from copydesk.tenancy.model import TenantStatus
from copydesk.tenancy.tables import TenantRecord


def tenant_ids(session: Session) -> dict[str, int]:
    """Map every registered slug to its id."""
    return {slug: tenant_id for tenant_id, slug in session.execute(select(TenantRecord.id, TenantRecord.slug))}


def ensure_tenant(session: Session, slug: str) -> int:
    """Return the brand's id, registering the slug when it is new; safe to run twice."""
    session.execute(insert(TenantRecord).values(slug=slug).on_conflict_do_nothing(index_elements=["slug"]))
    return session.execute(select(TenantRecord.id).where(TenantRecord.slug == slug)).scalar_one()


def set_standing(session: Session, tenant_id: int, status: TenantStatus, reason: str = "") -> bool:
    """Suspend a brand, or take it back into service, and tell whether that changed anything.

    Every process follows within two seconds. The caller records the act, and stops what opens.
    """
    other = (TenantRecord.status != str(status)) | (TenantRecord.suspend_reason != reason)
    moved = update(TenantRecord).where(TenantRecord.id == tenant_id, other)
    written = session.execute(moved.values(status=str(status), suspend_reason=reason).returning(TenantRecord.id))
    return written.one_or_none() is not None
