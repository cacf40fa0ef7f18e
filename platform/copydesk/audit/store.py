"""Adds lines to a brand's record, and reads them. Nothing here changes or deletes one; the database would refuse."""

from __future__ import annotations

from collections.abc import Generator, Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Row, Select, insert, select, update
from sqlalchemy.dialects.postgresql import insert as upsert
from sqlalchemy.orm import Session

from copydesk.audit.model import Act, Actor, ActorKind, Checkpoint, Entry, entry_of, genesis
from copydesk.audit.tables import AuditCheckpoint, AuditEntry, AuditHead

_AT_ONCE = 1_000


def record(
    session: Session,
    tenant_id: int,
    actor: Actor,
    act: str,
    subject: str,
    *,
    at: datetime,
    before: Mapping[str, Any] | None = None,
    after: Mapping[str, Any] | None = None,
) -> int:
    """Write what was done into the brand's record and return its number, in the transaction of the change itself.

    `act` is "noun.verb", `subject` is "kind:id". Values of secret-looking names are redacted. Acts of one brand wait
    for each other from here to the end of their transactions: call it last, after every lock that the change takes.
    """
    return record_all(session, tenant_id, actor, [Act(act, subject, before, after)], at=at)


def record_all(session: Session, tenant_id: int, actor: Actor, acts: Sequence[Act], *, at: datetime) -> int:
    """Write several acts in their order, for the price of about one, and return the number of the last."""
    seq, prev = lock_head(session, tenant_id)
    if not acts:
        return seq
    entries: list[Entry] = []
    for number, act in enumerate(acts, start=seq + 1):
        entries.append(entry_of(tenant_id, number, actor, act, at=at, prev=prev))
        prev = entries[-1].hash
    for start in range(0, len(entries), _AT_ONCE):
        session.execute(insert(AuditEntry), [row_of(entry) for entry in entries[start : start + _AT_ONCE]])
    last = entries[-1]
    moved = update(AuditHead).where(AuditHead.tenant_id == tenant_id).values(seq=last.seq, hash=last.hash)
    session.execute(moved.execution_options(synchronize_session=False))
    return last.seq


def lock_head(session: Session, tenant_id: int) -> tuple[int, str]:
    """Return the newest line's number and hash, held until the transaction ends; 0 and the genesis before any act."""
    fresh = upsert(AuditHead).values(tenant_id=tenant_id, seq=0, hash=genesis(tenant_id))
    held = fresh.on_conflict_do_update(index_elements=["tenant_id"], set_={"seq": AuditHead.__table__.c.seq})
    seq, hash_ = session.execute(held.returning(AuditHead.seq, AuditHead.hash)).one()
    return seq, hash_


def read_head(session: Session, tenant_id: int) -> tuple[int, str]:
    """Return the newest line's number and hash without holding anybody up."""
    found = session.execute(select(AuditHead.seq, AuditHead.hash).where(AuditHead.tenant_id == tenant_id)).one_or_none()
    return (found.seq, found.hash) if found else (0, genesis(tenant_id))


def read_entries(
    session: Session,
    tenant_id: int,
    *,
    limit: int = 100,
    before_seq: int | None = None,
    act: str = "",
    user_id: int | None = None,
    subject: str = "",
) -> list[Entry]:
    """Return the newest lines first; `before_seq` continues a list, `act` filters by a name or its beginning "key."."""
    query = select(AuditEntry.__table__).where(AuditEntry.tenant_id == tenant_id)
    if before_seq is not None:
        query = query.where(AuditEntry.seq < before_seq)
    if act:
        named = AuditEntry.act.startswith(act, autoescape=True) if act.endswith(".") else AuditEntry.act == act
        query = query.where(named)
    if user_id is not None:
        query = query.where(AuditEntry.user_id == user_id)
    if subject:
        query = query.where(AuditEntry.subject == subject)
    rows = session.execute(query.order_by(AuditEntry.seq.desc()).limit(limit))
    return [_entry_of(row) for row in rows]


def walk_entries(session: Session, tenant_id: int, *, to_seq: int) -> Generator[Entry, None, None]:
    """Give every line up to `to_seq` in order, a thousand in memory at a time."""
    query = select(AuditEntry.__table__).where(AuditEntry.tenant_id == tenant_id, AuditEntry.seq <= to_seq)
    yield from (_entry_of(row) for row in _streamed(session, query.order_by(AuditEntry.seq)))


def read_checkpoints(session: Session, tenant_id: int) -> list[Checkpoint]:
    """Return every checkpoint of a brand in order."""
    query = select(AuditCheckpoint).where(AuditCheckpoint.tenant_id == tenant_id).order_by(AuditCheckpoint.number)
    return [_checkpoint_of(row) for row in session.scalars(query)]


def last_checkpoint(session: Session, tenant_id: int) -> Checkpoint | None:
    """Return a brand's newest checkpoint, None before the first."""
    query = select(AuditCheckpoint).where(AuditCheckpoint.tenant_id == tenant_id)
    found = session.scalars(query.order_by(AuditCheckpoint.number.desc()).limit(1)).one_or_none()
    return _checkpoint_of(found) if found else None


def add_checkpoint(session: Session, checkpoint: Checkpoint) -> None:
    """Store a checkpoint."""
    names = ("tenant_id", "number", "seq", "hash", "at", "key_id", "signature")
    session.execute(insert(AuditCheckpoint), [{name: getattr(checkpoint, name) for name in names}])


def _streamed(session: Session, query: Select[Any]) -> Iterator[Row[Any]]:
    # Whoever stops reading in the middle closes the cursor, too.
    with session.execute(query, execution_options={"yield_per": _AT_ONCE}) as rows:
        yield from rows


def row_of(entry: Entry) -> dict[str, Any]:
    """Return an entry as the table holds it."""
    return {
        "tenant_id": entry.tenant_id,
        "seq": entry.seq,
        "at": entry.at,
        "actor_kind": str(entry.actor.kind),
        "user_id": entry.actor.user_id,
        "session_id": entry.actor.session_id,
        "ip": entry.actor.ip,
        "act": entry.act,
        "subject": entry.subject,
        "before": entry.before,
        "after": entry.after,
        "prev": entry.prev,
        "hash": entry.hash,
    }


def _entry_of(row: Row[Any]) -> Entry:
    actor = Actor(ActorKind(row.actor_kind), row.user_id, row.session_id, row.ip)
    return Entry(row.tenant_id, row.seq, row.at, actor, row.act, row.subject, row.before, row.after, row.prev, row.hash)


def _checkpoint_of(row: AuditCheckpoint) -> Checkpoint:
    return Checkpoint(row.tenant_id, row.number, row.seq, row.hash, row.at, row.key_id, row.signature)
