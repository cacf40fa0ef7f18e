"""The lines of an export: one JSON object each, written in one form only, so that any other bytes are an edit. Pure.

The first line is the header; then each entry, and behind the entry that it signs each checkpoint; the last line is
signed and says where the record ended when it was exported.
"""

from __future__ import annotations

import hashlib
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from copydesk.audit.model import FORMAT, Checkpoint, Entry, canonical, fields_of, moment_text

HEADER, ENTRY, CHECKPOINT, END = "header", "entry", "checkpoint", "end"
# Every field that a line of a kind has, no more and no fewer, with its type.
FIELDS: dict[str, dict[str, type | tuple[type, ...]]] = {
    HEADER: {"format": str, "tenant": str, "tenant_id": int, "at": str},
    ENTRY: {
        "tenant_id": int,
        "seq": int,
        "at": str,
        "actor": dict,
        "act": str,
        "subject": str,
        "before": (dict, type(None)),
        "after": (dict, type(None)),
        "prev": str,
        "hash": str,
    },
    CHECKPOINT: {
        "tenant_id": int,
        "number": int,
        "seq": int,
        "hash": str,
        "at": str,
        "key_id": str,
        "signature": str,
    },
    END: {
        "tenant_id": int,
        "seq": int,
        "hash": str,
        "checkpoints": int,
        "header": str,
        "at": str,
        "key_id": str,
        "signature": str,
    },
}


@dataclass(frozen=True, slots=True)
class Frame:
    """Whose record is exported, when, how far it goes (`seq` with its `hash`), and with which key it is signed."""

    tenant: str
    tenant_id: int
    seq: int
    hash: str
    at: datetime
    key_id: str


def export_lines(
    frame: Frame, entries: Iterable[Entry], checkpoints: Sequence[Checkpoint], sign: Callable[[bytes], str]
) -> Iterator[bytes]:
    """Write a whole export; entries come in order and are not kept, checkpoints are sorted by what they sign."""
    header = header_line(frame.tenant, frame.tenant_id, frame.at)
    yield header
    waiting = deque(checkpoints)
    for entry in entries:
        yield entry_line(entry)
        while waiting and waiting[0].seq <= entry.seq:
            yield checkpoint_line(waiting.popleft())
    yield from map(checkpoint_line, waiting)
    end = {"tenant_id": frame.tenant_id, "seq": frame.seq, "hash": frame.hash, "checkpoints": len(checkpoints)}
    yield end_line(end | {"header": digest(header), "at": moment_text(frame.at), "key_id": frame.key_id}, sign)


def header_line(tenant: str, tenant_id: int, at: datetime) -> bytes:
    """Return the first line."""
    return _line(HEADER, {"format": FORMAT, "tenant": tenant, "tenant_id": tenant_id, "at": moment_text(at)})


def entry_line(entry: Entry) -> bytes:
    """Return an entry's line."""
    return _line(ENTRY, fields_of(entry) | {"prev": entry.prev, "hash": entry.hash})


def checkpoint_line(one: Checkpoint) -> bytes:
    """Return a checkpoint's line."""
    names = ("tenant_id", "number", "seq", "hash", "key_id", "signature")
    return _line(CHECKPOINT, {name: getattr(one, name) for name in names} | {"at": moment_text(one.at)})


def end_line(fields: dict[str, Any], sign: Callable[[bytes], str]) -> bytes:
    """Return the signed last line from its fields without the signature."""
    return _line(END, fields | {"signature": sign(end_bytes(fields))})


def end_bytes(fields: dict[str, Any]) -> bytes:
    """Return what the signature of the last line covers."""
    return b"end\n" + canonical({name: value for name, value in fields.items() if name not in ("signature", "kind")})


def digest(line: bytes) -> str:
    """Return the SHA-256 of a line, by which the last one names the first."""
    return hashlib.sha256(line).hexdigest()


def _line(kind: str, fields: dict[str, Any]) -> bytes:
    assert fields.keys() == FIELDS[kind].keys(), f"the fields of a {kind} line are {', '.join(FIELDS[kind])}"
    return canonical({"kind": kind} | fields) + b"\n"
