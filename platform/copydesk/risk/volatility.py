"""Guards on an instrument that runs away and on an exchange that is not at its best. They concern opens: closes go.

Times are milliseconds of one clock, the marks' own; prices are quote units. Nothing here asks for the time.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum
from types import MappingProxyType
from typing import NamedTuple

from copydesk.trading import Denial

# K9: a mark that moves by more than this in that time lets opens pause.
RANGE_RATIO_MAX = Decimal("0.05")
WINDOW_MS = 60_000
_FOREVER_MS = 2**62


class PauseReason(StrEnum):
    """Why opens of an instrument pause."""

    MOVING = "mark_moving"
    SETTLING = "mark_settling"


class Pause(NamedTuple):
    """Opens of an instrument pause, and why: it moves too much now, or has not yet been calm for a whole window.

    `range_ratio` is the range of the marks in the window over the lowest of them. `until_ms` is the earliest time at
    which opens may go on, if no mark comes that moves it again.
    """

    reason: PauseReason
    range_ratio: Decimal
    limit_ratio: Decimal
    low: Decimal
    high: Decimal
    until_ms: int


@dataclass(slots=True)
class _Extreme:
    """A mark that may yet be the highest (or lowest) of the window; it stands until the next mark comes."""

    px: Decimal
    until_ms: int = _FOREVER_MS


class MarkWindow:
    """The marks of one instrument over the last window, and whether they let opens go.

    Two monotonic queues keep what can still become the highest and the lowest mark, so a mark costs amortised O(1).
    A mark counts for as long as it stands: the one that stood when the window began is still in it.
    """

    __slots__ = ("_at_ms", "_highs", "_loud_ms", "_lows", "limit_ratio", "window_ms")

    def __init__(self, *, limit_ratio: Decimal = RANGE_RATIO_MAX, window_ms: int = WINDOW_MS) -> None:
        self.limit_ratio = limit_ratio
        self.window_ms = window_ms
        self._highs: deque[_Extreme] = deque()
        self._lows: deque[_Extreme] = deque()
        self._at_ms = -_FOREVER_MS
        self._loud_ms = -_FOREVER_MS  # The range was above the limit until then.

    def see(self, at_ms: int, px: Decimal) -> None:
        """Take a mark in. One that is older than the newest, or no price, says nothing and is left out."""
        if at_ms < self._at_ms or px <= 0:
            return
        self._expire(at_ms)
        self._at_ms = at_ms
        # The newest mark ends both queues.
        for queue in (self._highs, self._lows):
            if queue:
                queue[-1].until_ms = at_ms
        while self._highs and self._highs[-1].px <= px:
            self._highs.pop()
        while self._lows and self._lows[-1].px >= px:
            self._lows.pop()
        self._highs.append(_Extreme(px))
        self._lows.append(_Extreme(px))
        if self._moving():
            self._loud_ms = at_ms

    def pause(self, now_ms: int) -> Pause | None:
        """Return why opens pause at `now_ms`, None where they may go: also without any mark."""
        now_ms = max(now_ms, self._at_ms)
        self._expire(now_ms)
        if not self._highs:
            return None
        if self._moving():
            # The range shrinks as soon as the older of its two ends has left, a window later opens go on.
            leaves_ms = min(self._highs[0].until_ms, self._lows[0].until_ms) + self.window_ms
            return self._told(PauseReason.MOVING, leaves_ms + self.window_ms)
        until_ms = self._loud_ms + self.window_ms
        return self._told(PauseReason.SETTLING, until_ms) if now_ms < until_ms else None

    def _told(self, reason: PauseReason, until_ms: int) -> Pause:
        low, high = self._lows[0].px, self._highs[0].px
        return Pause(reason, (high - low) / low, self.limit_ratio, low, high, until_ms)

    def _moving(self) -> bool:
        low = self._lows[0].px
        return self._highs[0].px - low > self.limit_ratio * low

    def _expire(self, now_ms: int) -> None:
        """Let marks go that no longer stood when the window began, in the order of time.

        So the moment at which the range came back below the limit is known however seldom anyone asks.
        """
        while True:
            queue = min(self._highs, self._lows, key=lambda each: each[0].until_ms if each else _FOREVER_MS)
            if not queue or queue[0].until_ms + self.window_ms > now_ms:
                break
            if self._moving():
                self._loud_ms = queue[0].until_ms + self.window_ms
            queue.popleft()


class VenueState(StrEnum):
    """How an exchange, or one instrument on it, is to be treated now; the worst that holds counts (see `worst`)."""

    OPEN = "open"
    VOLATILE = "volatile"
    HALTED = "halted"
    BREAKER_OPEN = "breaker_open"
    MAINTENANCE = "maintenance"


class Handling(StrEnum):
    """What becomes of an order. `expire`: it ends with a reason and is never sent late; `retry`: until confirmed."""

    SEND = "send"
    EXPIRE = "expire"
    RETRY = "retry"


class Course(NamedTuple):
    """What becomes of opens and closes, and the name of the "no" that an expired open ends with."""

    opens: Handling
    closes: Handling
    denial: Denial | None


# Closes are in no row anything but sent or retried: they are never blocked. A retry asks for the outcome first.
COURSES: Mapping[VenueState, Course] = MappingProxyType(
    {
        VenueState.OPEN: Course(Handling.SEND, Handling.SEND, None),
        VenueState.VOLATILE: Course(Handling.EXPIRE, Handling.SEND, Denial.RISK_VOLATILE),
        VenueState.HALTED: Course(Handling.EXPIRE, Handling.RETRY, Denial.INSTRUMENT_HALTED),
        VenueState.BREAKER_OPEN: Course(Handling.EXPIRE, Handling.RETRY, Denial.VENUE_BREAKER_OPEN),
        VenueState.MAINTENANCE: Course(Handling.EXPIRE, Handling.RETRY, Denial.VENUE_UNAVAILABLE),
    }
)
_GRAVITY = tuple(VenueState)


def worst(*, volatile: bool, halted: bool, breaker_open: bool, maintenance: bool) -> VenueState:
    """Return the gravest state that holds."""
    holding = (True, volatile, halted, breaker_open, maintenance)
    return max((state for state, holds in zip(_GRAVITY, holding, strict=True) if holds), key=_GRAVITY.index)
