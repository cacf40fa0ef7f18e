"""The bell at the outbox: rung when mail was stored in this process, heard by the postman if one works here."""

from __future__ import annotations

import threading


class Bell:
    """Wake whoever waits. A ring that nobody hears costs nothing and is not lost: the next wait ends at once."""

    def __init__(self) -> None:
        self._rung = threading.Event()

    def ring(self) -> None:
        self._rung.set()

    def wait(self, timeout_s: float) -> bool:
        """Wait for a ring, and take it; tell whether there was one."""
        rung = self._rung.wait(timeout_s)
        self._rung.clear()
        return rung


# One for the process: who stores mail does not know whether a postman works beside it.
BELL = Bell()
