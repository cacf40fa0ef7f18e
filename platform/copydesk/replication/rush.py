"""Lanes of one process that are about to send go before lanes that only have to book what was answered."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from threading import Condition

# Books are no later than this, however many lanes are sending.
GIVE_WAY_S_MAX = 0.25


class Rush:
    """Know how many lanes are on their way from a signal to its answers. For any number of threads."""

    def __init__(self, give_way_s_max: float = GIVE_WAY_S_MAX) -> None:
        self._give_way_s_max = give_way_s_max
        self._changed = Condition()
        self._hurrying = 0

    @contextmanager
    def hurry(self) -> Iterator[None]:
        """Count as being on the way inside."""
        with self._changed:
            self._hurrying += 1
        try:
            yield
        finally:
            with self._changed:
                self._hurrying -= 1
                self._changed.notify_all()

    def give_way(self) -> None:
        """Wait until nobody hurries, but not for long: under a steady flow somebody always does."""
        with self._changed:
            self._changed.wait_for(lambda: self._hurrying == 0, self._give_way_s_max)
