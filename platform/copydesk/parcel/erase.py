"""Takes every row of a brand out of the database, its record included: only the schema's owner can."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from sqlalchemy import text

from copydesk.db import TenantSession
from copydesk.parcel.catalog import brand_tables
from copydesk.parcel.owner import as_owner
from copydesk.replication.kinship import remove_edge

_BRAND = text("DELETE FROM tenant WHERE id = :tenant_id")
_KNOWN = text("SELECT 1 FROM tenant WHERE id = :tenant_id")
_COPYING = text("SELECT id FROM subscription WHERE tenant_id = :tenant_id ORDER BY id")


@dataclass(frozen=True)
class Erased:
    """How many rows of each table are gone; empty where there was no such brand."""

    tenant_id: int
    rows: Mapping[str, int]


def erase_tenant(owner_url: str, tenant_id: int) -> Erased:
    """Delete all rows of a brand and the brand itself, in one transaction; safe to run twice.

    The caller keeps a parcel first (`export_tenant`), and takes folder and secrets away afterwards: a folder that is
    still there would have the brand registered anew.
    """
    with as_owner(owner_url, "erasing a brand") as db, db.tenant(tenant_id) as session:
        if session.execute(_KNOWN, {"tenant_id": tenant_id}).scalar() is None:
            return Erased(tenant_id, {})
        return Erased(tenant_id, _erased(session))


def _erased(session: TenantSession) -> dict[str, int]:
    mine = {"tenant_id": session.tenant_id}
    for number in session.execute(_COPYING, mine).scalars().all():
        remove_edge(session, number)
    counted: dict[str, int] = {}
    tables = [*reversed(brand_tables(session))]
    # Triggers of some tables count in others: what they counted meanwhile goes in the second round.
    for table in [*tables, *(one for one in tables if one.name == "crowd_version")]:
        gone = session.execute(text(f"DELETE FROM {table.quoted} WHERE tenant_id = :tenant_id"), mine)  # noqa: S608 - a name from the catalog
        counted[table.name] = counted.get(table.name, 0) + max(gone.rowcount, 0)  # type: ignore[attr-defined]
    session.execute(_BRAND, mine)
    return {name: count for name, count in counted.items() if count}
