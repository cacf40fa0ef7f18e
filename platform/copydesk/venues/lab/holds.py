"""Answers that wait for their round trip to be over: one timer for the earliest of them, however many there are."""

from __future__ import annotations

import asyncio
import time
from collections import deque
from collections.abc import Callable
from heapq import heappop, heappush
from math import ceil, inf
from typing import Any

Act = Callable[..., None]


class HoldQueue:
    """Call back later, many at a time; before any of them is called, `settle` is.

    Nearly all wait equally long and so come due in the order in which they were put: those stand in line, which costs
    next to nothing, and only what comes due before the end of the line is sorted.
    """

    def __init__(self, settle: Callable[[], None] | None = None) -> None:
        self._settle = settle
        self._line: deque[tuple[float, Act, tuple[Any, ...]]] = deque()
        self._early: list[tuple[float, int, Act, tuple[Any, ...]]] = []
        self._timer: asyncio.TimerHandle | None = None
        self._count = 0

    def put(self, due_s: float, act: Act, *args: Any) -> None:
        """Call `act` at this time of the monotonic clock; equal times keep their order."""
        line = self._line
        if not line or due_s >= line[-1][0]:
            line.append((due_s, act, args))
        else:
            self._count += 1
            heappush(self._early, (due_s, self._count, act, args))
            if self._next_s() == due_s:
                self._arm()
        if self._timer is None:
            self._arm()

    def close(self) -> None:
        """Forget whatever still waits."""
        self._line.clear()
        self._early.clear()
        if self._timer is not None:
            self._timer.cancel()

    def _next_s(self) -> float:
        line_s = self._line[0][0] if self._line else inf
        return min(line_s, self._early[0][0]) if self._early else line_s

    def _arm(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
        # The loop's timers count whole milliseconds: rounded up, so that nothing goes out early.
        wait_ms = max(0, ceil((self._next_s() - time.monotonic()) * 1000.0))
        self._timer = asyncio.get_running_loop().call_later(wait_ms / 1000.0, self._sweep)

    def _sweep(self) -> None:
        self._timer = None
        if self._settle is not None:
            self._settle()
        line, early, now_s = self._line, self._early, time.monotonic()
        while early and early[0][0] <= now_s:
            while line and line[0][0] <= early[0][0]:
                _, act, args = line.popleft()
                act(*args)
            _, _, act, args = heappop(early)
            act(*args)
        while line and line[0][0] <= now_s:
            _, act, args = line.popleft()
            act(*args)
        if line or early:
            self._arm()
