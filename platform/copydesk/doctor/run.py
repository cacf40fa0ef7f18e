"""Runs checks beside each other, each against the clock: whoever hangs is told about and left behind."""

from __future__ import annotations

import threading
import time
from collections.abc import Sequence
from dataclasses import replace

from redis.exceptions import RedisError
from sqlalchemy.exc import SQLAlchemyError

from copydesk.doctor.case import Case, Check
from copydesk.doctor.model import Result, fail
from copydesk.kernel import CopydeskError

DEADLINE_S = 5.0
_EXPECTED = (CopydeskError, OSError, RedisError, SQLAlchemyError)


def examine(case: Case, checks: Sequence[Check], *, deadline_s: float = DEADLINE_S) -> list[Result]:
    """Ask every question, and return what was found in the order of the checks.

    Takes no longer than the longest deadline. A check that is not through by then goes on in a thread that nobody waits
    for; what it has found so far counts.
    """
    asked = [_Asked(case, check) for check in checks]
    began = time.monotonic()
    for one in asked:
        threading.Thread(target=one.look, daemon=True, name=f"doctor {one.check.name}").start()
    for one in asked:
        one.done.wait(max(0.0, began + _deadline(one.check, deadline_s) - time.monotonic()))
    return [result for one in asked for result in one.told(deadline_s)]


class _Asked:
    """One check under way: what it has found so far, and whether it is through."""

    def __init__(self, case: Case, check: Check) -> None:
        self.check, self.done = check, threading.Event()
        self._case = case
        self._found: list[Result] = []

    def look(self) -> None:
        """Look until there is nothing left to find."""
        broke_off = True
        try:
            for result in self.check.look(self._case):
                self._found.append(result)
            broke_off = False
        except _EXPECTED as error:
            self._found.append(fail(self.check.name, _sentence(error), self.check.remedy))
            broke_off = False
        finally:
            # What is our own mistake shows its traceback, and the other checks go on.
            if broke_off:
                remedy = "Report this with what stands above it."
                self._found.append(fail(self.check.name, "the check itself broke off", remedy))
            self.done.set()

    def told(self, usual_s: float) -> list[Result]:
        """Return what was found, and where the check hangs, that it does."""
        through, found = self.done.is_set(), list(self._found)
        if not through:
            said = f"no answer within {_deadline(self.check, usual_s):g} s"
            found.append(fail(self.check.name, said, self.check.remedy))
        return [replace(one, check=self.check.name) for one in found]


def _deadline(check: Check, usual_s: float) -> float:
    return usual_s if check.deadline_s is None else check.deadline_s


def _sentence(error: Exception) -> str:
    """Return what an error says, on one line; a driver's own words without the statement that it was about."""
    own = getattr(error, "orig", None) or error
    lines = str(own).strip().splitlines()
    return lines[0] if lines else type(own).__name__
