"""How many requests of one kind a lane makes in a round, when the rate budget decides how many fit. Pure.

What the budget refuses in the middle of several requests has cost the ones before it. So a refusal halves the next
round and lets it wait; rounds without one double.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta

from copydesk.kernel import Unavailable

_WAIT_MIN_S, _WAIT_MAX_S = 0.5, 8.0


class Pace:
    """The pace of one lane. `most` is what a round never goes beyond."""

    def __init__(self, most: int) -> None:
        self._most = self._next = most
        self._wait_s = _WAIT_MIN_S
        self._quiet_until: datetime | None = None

    def allowed(self, now: datetime) -> int:
        """Return how many may be asked in the round that begins now."""
        return 0 if self._quiet_until is not None and now < self._quiet_until else self._next

    def note(self, answers: Iterable[object], now: datetime) -> None:
        """Learn from the answers of a round: what is `Unavailable` was refused, the rest was told."""
        refused, told = [], 0
        for answer in answers:
            if isinstance(answer, Unavailable):
                refused.append(answer.retry_after_s)
            else:
                told += 1
        if refused:
            self._next = max(told // 2, 1)
            self._quiet_until = now + timedelta(seconds=max(*refused, self._wait_s))
            self._wait_s = min(self._wait_s * 2, _WAIT_MAX_S)
        elif told:
            self._next = min(self._next * 2, self._most)
            self._wait_s = _WAIT_MIN_S
