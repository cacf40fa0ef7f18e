"""Packs a brand: reads it as it is at one moment, and writes it encrypted, a piece at a time."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path

from sqlalchemy import text

from copydesk import __version__
from copydesk.audit.notary import Brand
from copydesk.audit.store import read_head
from copydesk.db import Database, TenantSession
from copydesk.kernel import NotFound, new_id
from copydesk.parcel.catalog import APART, brand_tables, row_lines
from copydesk.parcel.cipher import require_passphrase
from copydesk.parcel.depot import Depot
from copydesk.parcel.folder import folder_lines
from copydesk.parcel.intakes import intake_lines
from copydesk.parcel.model import Head, Manifest
from copydesk.parcel.stream import new_parcel
from copydesk.parcel.wrapping import data_key_lines, secret_lines
from copydesk.performance.moving import price_lines
from copydesk.vault.turns import every_tenant

ROWS, PRICES = "rows:", "prices"
_BRAND = text("SELECT CAST(to_jsonb(t) AS text) FROM tenant t WHERE id = :id")
_REVISION = text("SELECT version_num FROM alembic_version")


def export_tenant(depot: Depot, slug: str, passphrase: str, to: Path, *, at: datetime) -> Manifest:
    """Write the whole brand into the file `to`, which appears when all of it is written, for its owner only (0600).

    What is written to the brand meanwhile is not in it: suspend a brand that is to be moved before. Raises `NotFound`
    for a brand that is not registered, `Refused` where the file exists already, `InvalidInput` for a passphrase that is
    too short.
    """
    require_passphrase(passphrase)
    tenant_id = every_tenant(depot.room.db).get(slug)
    if tenant_id is None:
        raise NotFound(f"there is no brand {slug}")
    with _at_one_moment(depot.room.db, tenant_id) as session:
        revision = session.execute(_REVISION).scalar_one()
        head = Head(new_id().hex[:16], slug, at, __version__, revision, tenant_id)
        with new_parcel(to, passphrase, depot.work, head) as (writer, store):
            writer.section("folder", folder_lines(depot.tenants / slug))
            writer.section("secrets", secret_lines(depot.room, slug, store))
            writer.section("data_keys", data_key_lines(session, depot.room, tenant_id, store))
            writer.section("intakes", intake_lines(session, depot.room.intake, tenant_id, store))
            record = depot.notary.export(session, Brand(tenant_id, slug), at=at)
            writer.section("record", (line.removesuffix(b"\n") for line in record))
            writer.section("tenant", [session.execute(_BRAND, {"id": tenant_id}).scalar_one().encode()])
            for table in brand_tables(session):
                if table.name not in APART:
                    writer.section(ROWS + table.name, row_lines(session, table, tenant_id))
            writer.section(PRICES, price_lines(session))
            seq, hash_ = read_head(session, tenant_id)
            return writer.end(audit_seq=seq, audit_hash=hash_, key=depot.notary.public.text)


@contextmanager
def _at_one_moment(db: Database, tenant_id: int) -> Iterator[TenantSession]:
    """Read as the brand, everything as it is at the first query."""
    still = Database(db.engine.execution_options(isolation_level="REPEATABLE READ"))
    with still.tenant(tenant_id) as session:
        yield session
