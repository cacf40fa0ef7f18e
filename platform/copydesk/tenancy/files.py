"""Keeps what a brand's admin uploads: named by its content, so that a name never means something else."""

from __future__ import annotations

import hashlib
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.dialects.postgresql import insert

from copydesk.db import TenantSession
from copydesk.kernel import InvalidInput
from copydesk.tenancy.tables import BrandFile

CONTENT_TYPES = {
    ".svg": "image/svg+xml",
    ".png": "image/png",
    ".webp": "image/webp",
    ".ico": "image/x-icon",
    ".woff2": "font/woff2",
}


def keep_file(session: TenantSession, tenant_id: int, data: bytes, ending: str, at: datetime) -> str:
    """Store what was uploaded and return its name, for `brand.logo: stored:<name>`; the same content is kept once.

    Whoever calls has looked at the content; here an unknown `ending` (".svg", …) and nothing at all are refused.
    """
    if ending not in CONTENT_TYPES or not data:
        raise InvalidInput(f"expected a file that ends in {', '.join(CONTENT_TYPES)}, found {ending or 'no ending'}")
    name = hashlib.sha256(data).hexdigest()[:32] + ending
    row = insert(BrandFile).values(
        tenant_id=tenant_id, name=name, content_type=CONTENT_TYPES[ending], data=data, created_at=at
    )
    session.execute(row.on_conflict_do_nothing())
    return name


def read_file(session: TenantSession, name: str) -> tuple[bytes, str] | None:
    """Return content and content type of what the session's brand stored under a name; None where it has no such."""
    query = select(BrandFile.data, BrandFile.content_type).where(
        BrandFile.tenant_id == session.tenant_id, BrandFile.name == name
    )
    found = session.execute(query).one_or_none()
    return (found.data, found.content_type) if found else None


def is_kept(session: TenantSession, name: str) -> bool:
    """Tell whether the session's brand stored something under a name."""
    query = select(BrandFile.name).where(BrandFile.tenant_id == session.tenant_id, BrandFile.name == name)
    return session.execute(query).one_or_none() is not None
