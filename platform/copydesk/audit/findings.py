"""What can be wrong with an export, and how it is told. Pure."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from enum import StrEnum
from typing import Any


class Problem(StrEnum):
    """What can be wrong with an export."""

    UNREADABLE = "unreadable"
    EDITED = "edited"
    MISSING = "missing"
    MOVED = "moved"
    INSERTED = "inserted"
    REWRITTEN = "rewritten"
    UNKNOWN_KEY = "unknown_key"


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that is wrong: at which line, with which entries (`seq` to `seq_to`), and what in words.

    `other_line` is the second line that a move or a break is about, or the one that something is missing behind.
    """

    problem: Problem
    says: str
    line: int | None = None
    seq: int | None = None
    seq_to: int | None = None
    other_line: int | None = None

    def plain(self) -> dict[str, Any]:
        """Return the finding as values that JSON can carry."""
        return asdict(self) | {"problem": str(self.problem)}


@dataclass(frozen=True, slots=True)
class Report:
    """What an export holds and everything that is wrong with it; `ok` where nothing is."""

    tenant: str
    entries: int
    checkpoints: int
    last_seq: int
    findings: tuple[Finding, ...]

    @property
    def ok(self) -> bool:
        return not self.findings
