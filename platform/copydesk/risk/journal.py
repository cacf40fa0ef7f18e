"""A file of what risk was about to do while PostgreSQL was away: written and synced before anything is sent.

One JSON object a line. What has been stored since is crossed out by a line of its own; a file with nothing left in it
begins anew. A line that was cut off by a crash was never acted upon.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from threading import Lock
from typing import Any

import orjson

_DONE = "done"


class Journal:
    """One process's file. Entries are told apart by their `reference`. Safe to use from several threads."""

    def __init__(self, path: Path) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        self._path = path
        _cut_off_torn(path)
        self._left = _entries(path)
        self._lock = Lock()

    @property
    def left(self) -> Mapping[str, Mapping[str, Any]]:
        """Return what is not stored in PostgreSQL yet, oldest first, by reference."""
        with self._lock:
            return dict(self._left)

    def write(self, *entries: Mapping[str, Any]) -> None:
        """Add entries; once this returns they outlive a crash. Raises OSError: then nothing may be sent."""
        with self._lock:
            self._append([dict(entry) for entry in entries])
            self._left |= {str(entry["reference"]): dict(entry) for entry in entries}

    def done(self, *references: str) -> None:
        """Cross entries out that are stored in PostgreSQL."""
        with self._lock:
            known = [reference for reference in references if self._left.pop(reference, None) is not None]
            if known and not self._left:
                self._path.unlink(missing_ok=True)
            elif known:
                self._append([{_DONE: reference} for reference in known])

    def _append(self, lines: list[dict[str, Any]]) -> None:
        with self._path.open("ab") as file:
            file.write(b"".join(orjson.dumps(line) + b"\n" for line in lines))
            file.flush()
            os.fsync(file.fileno())


def _cut_off_torn(path: Path) -> None:
    """Take off a last line that a crash cut short, so that the next one begins on a line of its own."""
    if path.exists():
        whole = path.read_bytes().rpartition(b"\n")
        if whole[2]:
            os.truncate(path, len(whole[0]) + len(whole[1]))


def _entries(path: Path) -> dict[str, dict[str, Any]]:
    found: dict[str, dict[str, Any]] = {}
    for line in path.read_bytes().splitlines() if path.exists() else ():
        entry = orjson.loads(line)
        if _DONE in entry:
            found.pop(entry[_DONE], None)
        else:
            found[entry["reference"]] = entry
    return found
