"""The exchange's clock as seen from here: how far ahead it is, and when to ask again. Pure.

Times are epoch seconds of this machine, given by the caller.
"""

from __future__ import annotations

STANDS_S = 3.0  # For so long a clock that was set right is not wrong again by itself; longer than the first tries last.


class VenueClock:
    """Know an exchange's time; a doubt arises when a request is refused for its timestamp."""

    __slots__ = ("_doubted", "ahead_s", "synced_at")

    def __init__(self) -> None:
        self.ahead_s = 0.0
        self.synced_at = 0.0
        self._doubted = False

    def timestamp_ms(self, now: float) -> int:
        return int((now + self.ahead_s) * 1000)

    def learn(self, ahead_s: float, now: float, *, doubted: bool) -> None:
        """Take a new difference; `doubted` says that it was asked for because a request had been refused."""
        self.ahead_s = ahead_s
        self.synced_at = now
        self._doubted = self._doubted or doubted

    def must_ask(self, sent_at: float) -> bool:
        """Tell whether a refusal of a request sent then says something that the last answer did not know."""
        return sent_at >= self.synced_at

    def persists(self, sent_at: float) -> bool:
        """Tell whether a time is refused soon after the clock was set right for a refusal: then it stays wrong.

        Refused later, it has moved once more, and is set right once more.
        """
        return self._doubted and self.synced_at <= sent_at < self.synced_at + STANDS_S

    def accepted(self) -> None:
        """Note that the exchange took one of our timestamps."""
        self._doubted = False
