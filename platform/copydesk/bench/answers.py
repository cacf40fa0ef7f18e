"""Who answered each of the leader's orders, by the exchanges' journal alone."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import NamedTuple

import orjson


class Answers(NamedTuple):
    """Orders of followers beyond one for each of the leader's, and those that were never executed."""

    duplicates: int
    missing: int


class Executed(NamedTuple):
    """One execution: whose, and of which order."""

    account: str
    order_id: str


class JournalTail:
    """Read the executions of a journal while it grows, each line once."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._offset = 0
        self._found: list[Executed] = []

    def skip(self) -> None:
        """Leave out what was executed so far."""
        self.executions()
        self._found = []

    def executions(self) -> list[Executed]:
        """Return all executions that are not left out, oldest first; a line that is not whole yet comes later."""
        with self._path.open("rb") as lines:
            lines.seek(self._offset)
            for line in lines:
                if not line.endswith(b"\n"):
                    break
                self._offset += len(line)
                if b'"kind":"execution"' in line:
                    record = orjson.loads(line)
                    self._found.append(Executed(record["account"], str(record["order_id"])))
        return self._found


def answers(executed: Iterable[Executed], leader: str, followers: Sequence[str]) -> Answers:
    """Count what followers executed between one order of the leader and the next, each once. Pure.

    The executions are in their order; every order of the leader was copied before its next one.
    """
    rounds: list[dict[str, set[str]]] = []
    opened, crowd = "", frozenset(followers)
    for account, order in executed:
        if account == leader and order != opened:
            opened = order
            rounds.append({})
        elif account in crowd and rounds:
            rounds[-1].setdefault(account, set()).add(order)
    extra = sum(len(orders) - 1 for one in rounds for orders in one.values())
    return Answers(extra, sum(len(crowd) - len(one) for one in rounds))
