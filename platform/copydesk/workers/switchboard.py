"""The kill switches as a process knows them: watched in a thread of its own, so that opens stop everywhere at once.

Ten times a second one number is read, on a connection of its own; a message on Redis brings that forward. Without
Redis nothing changes, and without PostgreSQL what is known goes on holding.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Collection
from contextlib import closing

from redis import Redis
from redis.exceptions import RedisError
from sqlalchemy import Connection
from sqlalchemy.exc import DBAPIError, SQLAlchemyError

from copydesk.db import Database
from copydesk.kernel import CopydeskError
from copydesk.risk import SwitchBoard, SwitchesNow, ThrownSwitch
from copydesk.risk.switches import CHANNEL, board_version, read_board
from copydesk.workers.outage import first_line

log = logging.getLogger(__name__)

LOOK_EVERY_S = 0.1
_LISTEN_S = 0.5

# Carries out in all brands what a switch asks for that was thrown, confirmed or lifted.
CarryOut = Callable[[ThrownSwitch], None]


class SwitchWatch:
    """Keep a process's board in step with what is stored, and have changed switches carried out.

    `url` is PostgreSQL's. Opens stop before anything else is done about a switch.
    """

    def __init__(
        self,
        url: str,
        brands: Callable[[], Collection[int]],
        now: SwitchesNow,
        carry_out: CarryOut = lambda _: None,
        *,
        look_every_s: float = LOOK_EVERY_S,
    ) -> None:
        self._db = Database.connect(url, pool_size=1)
        self._connection: Connection | None = None
        self._brands = brands
        self._known: frozenset[int] = frozenset()
        self._now = now
        self._carry_out = carry_out
        self._look_every_s = look_every_s
        self._to_do: list[ThrownSwitch] = []
        self._away = False
        self._stopped = False
        self._nudged = threading.Event()
        self._threads: list[threading.Thread] = []

    def look(self) -> bool:
        """Look once, and return whether the board was read anew. Raises what PostgreSQL being away raises.

        A brand that is new may have switches that are on already.
        """
        if self._connection is None:
            self._connection = self._db.engine.connect().execution_options(isolation_level="AUTOCOMMIT")
        brands = frozenset(self._brands())
        if board_version(self._connection) == self._now.board.version and brands == self._known:
            return False
        before, self._now.board, self._known = self._now.board, read_board(self._db, brands), brands
        self._to_do += changed(before, self._now.board)
        return True

    def settle(self) -> None:
        """Carry out what has changed; what breaks off is done at the next look."""
        while self._to_do:
            self._carry_out(self._to_do[0])
            del self._to_do[0]

    def start(self, redis: Redis | None = None) -> None:
        """Watch in a thread from now on; with Redis another one waits for nudges."""
        self._threads = [threading.Thread(target=self._watch, name="switchboard", daemon=True)]
        if redis is not None:
            listening = threading.Thread(target=self._listen, args=(redis,), name="switch-nudges", daemon=True)
            self._threads.append(listening)
        for thread in self._threads:
            thread.start()

    def close(self) -> None:
        """End the threads, and close the connections."""
        self._stopped = True
        self._nudged.set()
        for thread in self._threads:
            thread.join()
        self._hang_up()
        self._db.dispose()

    def _watch(self) -> None:
        while not self._stopped:
            self._nudged.wait(self._look_every_s)
            self._nudged.clear()
            try:
                self.look()
                self.settle()
            except (SQLAlchemyError, CopydeskError) as error:
                self._say_away(error)
                self._hang_up()
            else:
                self._away = False

    def _say_away(self, error: Exception) -> None:
        if not self._away:
            why = first_line(error) if isinstance(error, DBAPIError) else str(error)
            log.warning("switches cannot be read, those known hold: %s", why)
        self._away = True

    def _hang_up(self) -> None:
        if self._connection is not None:
            self._connection.invalidate()
            self._connection.close()
            self._connection = None

    def _listen(self, redis: Redis) -> None:
        pause = threading.Event()
        while not self._stopped:
            try:
                with closing(redis.pubsub(ignore_subscribe_messages=True)) as nudges:  # type: ignore[no-untyped-call]
                    nudges.subscribe(CHANNEL)
                    while not self._stopped:
                        if nudges.get_message(timeout=_LISTEN_S) is not None:
                            self._nudged.set()
            except (RedisError, OSError):
                pause.wait(_LISTEN_S)


def changed(before: SwitchBoard, after: SwitchBoard) -> list[ThrownSwitch]:
    """Return what is to be carried out between two boards: what was thrown, confirmed, or is on no more. Pure."""
    known, here = {_key(switch): switch for switch in before}, {_key(switch): switch for switch in after}
    new = [switch for key, switch in here.items() if known.get(key) != switch]
    gone = [switch.lifted() for key, switch in known.items() if key not in here]
    return new + gone


def _key(switch: ThrownSwitch) -> tuple[int | None, int]:
    return switch.tenant_id, switch.id
