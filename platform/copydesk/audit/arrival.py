"""Takes over the record of a brand that comes from another installation, where it had another number.

Every hash of a chain covers the brand's number, so the lines are chained anew, each after it was held to the chain that
it comes from. The export that came along, signed there, is what proves them; whoever calls this keeps it.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from datetime import datetime
from itertools import islice
from typing import Any

from sqlalchemy import insert, update
from sqlalchemy.orm import Session

from copydesk.audit.lines import ENTRY
from copydesk.audit.model import Actor, ActorKind, Entry, chained, fields_of, genesis
from copydesk.audit.reading import read_line
from copydesk.audit.store import lock_head, row_of
from copydesk.audit.tables import AuditEntry, AuditHead
from copydesk.kernel import Refused

_AT_ONCE = 1_000


@dataclass(frozen=True)
class ChainEnd:
    """The newest line of a record: its number and its hash."""

    seq: int
    hash: str


def read_record(lines: Iterable[bytes], tenant_id: int) -> Iterator[Entry]:
    """Give the entries of an export in order, each held to the one before; raises `Refused` at the first odd one."""
    seq, prev = 0, genesis(tenant_id)
    for number, raw in enumerate(lines, start=1):
        line = read_line(number, raw + b"\n")
        if line.wrong:
            raise Refused(f"the record of who did what, line {number}: {line.wrong}")
        if line.kind != ENTRY:
            continue
        entry = _entry(line.data)
        follows = (entry.tenant_id, entry.seq, entry.prev) == (tenant_id, seq + 1, prev)
        if not follows or chained(fields_of(entry), prev) != entry.hash:
            raise Refused(f"the record of who did what, line {number}: entry {entry.seq} does not follow entry {seq}")
        seq, prev = entry.seq, entry.hash
        yield entry


def record_end(lines: Iterable[bytes], tenant_id: int) -> ChainEnd:
    """Read a record to its end and return where that is; raises as `read_record` does."""
    end = ChainEnd(0, genesis(tenant_id))
    for entry in read_record(lines, tenant_id):
        end = ChainEnd(entry.seq, entry.hash)
    return end


def take_over(session: Session, tenant_id: int, entries: Iterable[Entry]) -> int:
    """Write entries of another installation as this brand's first ones, and return how many there were."""
    count, prev = lock_head(session, tenant_id)
    assert count == 0, "a brand that arrives has no record yet"
    waiting = iter(entries)
    while batch := list(islice(waiting, _AT_ONCE)):
        rows = []
        for entry in batch:
            bare = replace(entry, tenant_id=tenant_id, prev=prev)
            ours = replace(bare, hash=chained(fields_of(bare), prev))
            rows.append(row_of(ours))
            prev = ours.hash
        session.execute(insert(AuditEntry), rows)
        count += len(rows)
    session.execute(update(AuditHead).where(AuditHead.tenant_id == tenant_id).values(seq=count, hash=prev))
    return count


def _entry(said: dict[str, Any]) -> Entry:
    who = said["actor"]
    actor = Actor(ActorKind(who["kind"]), who["user_id"], who["session_id"], who["ip"])
    at = datetime.fromisoformat(said["at"])
    names = ("tenant_id", "seq", "act", "subject", "before", "after", "prev", "hash")
    return Entry(at=at, actor=actor, **{name: said[name] for name in names})
