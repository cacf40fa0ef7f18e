"""Reads one line of an export strictly, and what can still be told of one that is broken. Pure."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from copydesk.audit.lines import CHECKPOINT, END, ENTRY, FIELDS, HEADER
from copydesk.audit.model import canonical, moment_text

_KIND = re.compile(rb'"kind":"(header|entry|checkpoint|end)"')
_SEQ = re.compile(rb'"seq":(\d{1,18})[,}]')
_PREV = re.compile(rb'"prev":"([0-9a-f]{64})"')
_HASH = re.compile(rb'"hash":"([0-9a-f]{64})"')


@dataclass(slots=True)
class Line:
    """One line: what it says, and what was found out of it so far.

    `wrong` says why it cannot be read; `sound` that its hash or signature holds; `kept` that it is in its order;
    `spare` that it is not the line of its number; `foreign` that it is of another brand.
    """

    number: int
    raw: bytes
    kind: str
    seq: int | None = None
    data: dict[str, Any] = field(default_factory=dict)
    wrong: str = ""
    sound: bool = False
    kept: bool = False
    spare: bool = False
    foreign: bool = False

    @property
    def name(self) -> str:
        """Say which line this is, in words."""
        if self.kind == ENTRY:
            return f"entry {self.seq}"
        if self.kind == CHECKPOINT and self.data:
            return f"checkpoint {self.data['number']}"
        return {HEADER: "the header", END: "the last line"}.get(self.kind, f"the {self.kind or 'broken'} line")

    @property
    def rank(self) -> tuple[int, ...] | None:
        """Return where the line belongs beside others, None where that cannot be told."""
        if self.kind in (HEADER, END):
            return (-1,) if self.kind == HEADER else (1 << 62,)
        if self.seq is None:
            return None
        return (self.seq, 0) if self.kind == ENTRY else (self.seq, 1, *self._number())

    @property
    def links(self) -> tuple[str, str]:
        """Return the hashes of the entry before and of this one, as far as they can still be read."""
        prev, own = _PREV.search(self.raw), _HASH.search(self.raw)
        return prev[1].decode() if prev else "", own[1].decode() if own else ""

    def _number(self) -> tuple[int, ...]:
        return (self.data["number"],) if self.data else ()


def read_line(number: int, raw: bytes) -> Line:
    """Read a line; one that is not exactly as it would have been written says so in `wrong`."""
    wrong, data = _parsed(raw)
    if wrong:
        kind, seq = _KIND.search(raw), _SEQ.search(raw)
        guessed = kind[1].decode() if kind else ""
        return Line(number, raw, guessed, int(seq[1]) if seq else None, wrong=wrong)
    return Line(number, raw, data["kind"], data.get("seq"), data)


def _parsed(raw: bytes) -> tuple[str, dict[str, Any]]:
    if not raw.endswith(b"\n"):
        return "it was cut: a line feed is missing at its end", {}
    try:
        said = json.loads(raw)
    except (ValueError, RecursionError):
        return "it cannot be read: expected one JSON object", {}
    if not isinstance(said, dict) or said.get("kind") not in FIELDS:
        return "it is no line of a record: expected a header, an entry, a checkpoint or an end", {}
    return _misfit(raw, said), said


def _misfit(raw: bytes, said: dict[str, Any]) -> str:
    fields = FIELDS[said["kind"]]
    if said.keys() != fields.keys() | {"kind"}:
        odd = sorted(said.keys() ^ (fields.keys() | {"kind"}))
        return f"it has other fields than a {said['kind']} line: {', '.join(odd)[:80]}"
    for name, kind in fields.items():
        if not isinstance(said[name], kind) or isinstance(said[name], bool):
            return f"its {name} has the wrong type"
    if not _is_moment(said["at"]):
        return "its moment is not written as the record writes them"
    if not 0 <= said.get("seq", 0) < 1 << 60 or said.get("number", 0) < 0:
        return "its number is out of range"
    try:
        same = canonical(said) + b"\n" == raw
    except ValueError:
        same = False
    return "" if same else "it was edited: its bytes are not those that the record writes"


def _is_moment(text: str) -> bool:
    try:
        at = datetime.fromisoformat(text)
    except ValueError:
        return False
    return at.tzinfo is not None and moment_text(at) == text
