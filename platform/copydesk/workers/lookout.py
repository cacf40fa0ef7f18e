"""Looking at PostgreSQL again and again, in a thread of its own."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable

from copydesk.workers.outage import DATABASE_AWAY, first_line

log = logging.getLogger(__name__)


class Lookout:
    """Call `look` every so many seconds; while PostgreSQL is away, say once what that means (`away`) and go on."""

    def __init__(self, name: str, look: Callable[[], object], *, every_s: float, away: str) -> None:
        self._look = look
        self._every_s = every_s
        self._away = away
        self._stopped = threading.Event()
        self._thread = threading.Thread(target=self._look_on, name=name, daemon=True)

    def start(self) -> None:
        """Look from now on."""
        self._thread.start()

    def close(self) -> None:
        """End the thread, if it was started."""
        self._stopped.set()
        if self._thread.is_alive():
            self._thread.join()

    def _look_on(self) -> None:
        away = False
        while not self._stopped.wait(self._every_s):
            try:
                self._look()
                away = False
            except DATABASE_AWAY as error:
                if not away:
                    log.warning("%s: %s", self._away, first_line(error))
                away = True
