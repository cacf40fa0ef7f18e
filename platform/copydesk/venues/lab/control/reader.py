"""Reading the journal while it grows, from any place, without scanning it from its start each time."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterator
from operator import itemgetter
from pathlib import Path
from typing import Any

import orjson

TAIL_LEN = 4_000_000
SCAN_LEN = 8_000_000
MARK_EVERY = 2_000


class JournalReader:
    """Read a growing journal file by `seq`, remembering places that were passed so as not to scan from the start."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._marks: list[tuple[int, int]] = [(0, 0)]

    def after(self, seq: int) -> Iterator[dict[str, Any]]:
        """Yield the records after `seq`, for at most `SCAN_LEN` bytes."""
        place = bisect_right(self._marks, seq, key=itemgetter(0)) - 1
        with self._path.open("rb") as file:
            offset = self._marks[place][1]
            file.seek(offset)
            end = offset + SCAN_LEN
            for line in file:
                record = orjson.loads(line)
                offset += len(line)
                self._mark(record["seq"], offset)
                if record["seq"] > seq:
                    yield record
                if offset >= end:
                    return

    def tail(self) -> list[dict[str, Any]]:
        """Return the records of the last `TAIL_LEN` bytes."""
        with self._path.open("rb") as file:
            size = file.seek(0, 2)
            file.seek(max(0, size - TAIL_LEN))
            lines = file.read().splitlines()
        return [orjson.loads(line) for line in (lines if size <= TAIL_LEN else lines[1:])]

    def _mark(self, seq: int, offset: int) -> None:
        if seq >= self._marks[-1][0] + MARK_EVERY:
            self._marks.append((seq, offset))
