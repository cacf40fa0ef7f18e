"""Queries about revisions: session in, values out. The row of a brand in `tenant` is what changes wait for."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from sqlalchemy import Select, Update, func, insert, select, update
from sqlalchemy.engine import Row

from copydesk.db import TenantSession
from copydesk.tenancy.changes import Change, Revision, RevisionState
from copydesk.tenancy.model import Origin, Overrides
from copydesk.tenancy.overlay import hash_of, packed, unpacked
from copydesk.tenancy.schema import SCHEMA_VERSION
from copydesk.tenancy.tables import SettingRevision, TenantRecord

_ROWS = SettingRevision.__table__


def lock_brand(session: TenantSession) -> None:
    """Let the next change of this brand's settings wait until this transaction ends.

    Not what else is stored about the brand: rows that refer to it lock its key alone.
    """
    held = select(TenantRecord.id).where(TenantRecord.id == session.tenant_id)
    session.execute(held.with_for_update(key_share=True)).scalar_one()


def read_overrides(session: TenantSession) -> Overrides:
    """Return what the brand's panel has set: the values of the revision that holds."""
    of_brand = (SettingRevision.tenant_id == TenantRecord.id) & (SettingRevision.id == TenantRecord.revision)
    query = select(_ROWS).join(TenantRecord, of_brand).where(TenantRecord.id == session.tenant_id)
    row = session.execute(query).one_or_none()
    if row is None:
        return Overrides()
    origins = {key: Origin(number, who, datetime.fromisoformat(at)) for key, (number, who, at) in row.origins.items()}
    return Overrides(row.id, row.hash, unpacked(row.values), origins)


def next_id(session: TenantSession) -> int:
    """Return the number of the brand's next revision; `lock_brand` first."""
    highest = select(func.max(SettingRevision.id)).where(SettingRevision.tenant_id == session.tenant_id)
    return (session.execute(highest).scalar_one() or 0) + 1


def add_revision(session: TenantSession, revision: Revision) -> None:
    """Store a new revision."""
    session.execute(insert(SettingRevision).values(tenant_id=session.tenant_id, id=revision.id, **_columns(revision)))


def settle_revision(session: TenantSession, revision: Revision) -> None:
    """Store what became of a proposal."""
    session.execute(_update(session, revision.id).values(**_columns(revision)))


def publish(session: TenantSession, revision: Revision, origins: Mapping[str, Origin]) -> None:
    """Make a stored revision the one that holds."""
    told = {key: [origin.revision, origin.author, origin.at.isoformat()] for key, origin in origins.items()}
    session.execute(_update(session, revision.id).values(origins=told))
    moved = update(TenantRecord).where(TenantRecord.id == session.tenant_id).values(revision=revision.id)
    session.execute(moved.execution_options(synchronize_session=False))


def find_revision(session: TenantSession, revision_id: int) -> Revision | None:
    """Return one revision of the session's brand."""
    row = session.execute(_mine(session).where(_ROWS.c.id == revision_id)).one_or_none()
    return _revision(row) if row else None


def newest(session: TenantSession, *, limit: int, before: int | None = None) -> tuple[Revision, ...]:
    """Return the newest revisions first; `before` continues a list."""
    query = _mine(session)
    if before is not None:
        query = query.where(_ROWS.c.id < before)
    return tuple(_revision(row) for row in session.execute(query.order_by(_ROWS.c.id.desc()).limit(limit)))


def proposals(session: TenantSession) -> tuple[Revision, ...]:
    """Return what waits for a second person, the oldest first."""
    waiting = _mine(session).where(_ROWS.c.state == str(RevisionState.PROPOSED)).order_by(_ROWS.c.id)
    return tuple(_revision(row) for row in session.execute(waiting))


def _mine(session: TenantSession) -> Select[Any]:
    return select(_ROWS).where(_ROWS.c.tenant_id == session.tenant_id)


def _update(session: TenantSession, revision_id: int) -> Update:
    mine = (SettingRevision.tenant_id == session.tenant_id, SettingRevision.id == revision_id)
    return update(SettingRevision).where(*mine).execution_options(synchronize_session=False)


def _columns(revision: Revision) -> dict[str, Any]:
    return {
        "state": str(revision.state),
        "author_id": revision.author_id,
        "author": revision.author,
        "reason": revision.reason,
        "created_at": revision.created_at,
        "decided_by": revision.decided_by,
        "decided_at": revision.decided_at,
        "changes": {key: packed(list(change)) for key, change in revision.changes.items()},
        "values": packed(revision.values),
        "origins": {},
        "hash": hash_of(revision.values),
        "rolls_back": revision.rolls_back,
        "schema_version": SCHEMA_VERSION,
    }


def _revision(row: Row[Any]) -> Revision:
    changes = {key: Change(*unpacked(told)) for key, told in row.changes.items()}
    return Revision(
        id=row.id,
        state=RevisionState(row.state),
        author_id=row.author_id,
        author=row.author,
        reason=row.reason,
        created_at=row.created_at,
        decided_by=row.decided_by,
        decided_at=row.decided_at,
        changes=changes,
        values=unpacked(row.values),
        hash=row.hash,
        rolls_back=row.rolls_back,
    )
