"""The threads of a replicator: each lane one job at a time, several lanes at once (ADR 0016), brands in turn (0019)."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from threading import Lock

from copydesk.workers.outage import DATABASE_AWAY, first_line
from copydesk.workers.turns import Lane, Turns

log = logging.getLogger(__name__)

# Lanes that one process works on at once; most of their time they wait for PostgreSQL or an exchange.
LANES_AT_ONCE = 16
# Beyond those, for brands that come while another one has all of them.
LANES_KEPT = 8

Job = Callable[[int, str], object]


class Crew:
    """Do the jobs of lanes. A job that waits for its lane already is not added again: it will find all that is due."""

    def __init__(
        self, jobs: Mapping[str, Job], *, lanes_at_once: int = LANES_AT_ONCE, lanes_kept: int = LANES_KEPT
    ) -> None:
        self._jobs = jobs
        self._pool = ThreadPoolExecutor(lanes_at_once + lanes_kept, thread_name_prefix="lane")
        self._turns = Turns(lanes_at_once, lanes_kept)
        self._lock = Lock()
        # Of every busy lane the jobs that wait, first come first served.
        self._waiting: dict[Lane, dict[str, None]] = {}

    def give(self, job: str, tenant_id: int, shard: str) -> None:
        """Have a job done for a lane, after what the lane is busy with; returns at once."""
        lane = (tenant_id, shard)
        with self._lock:
            busy = lane in self._waiting
            self._waiting.setdefault(lane, {})[job] = None
            if not busy:
                self._turns.add(lane)
            self._begin()

    def crowded_by(self, tenant_id: int) -> bool:
        """Tell whether a lane of this brand should give way between two signals: another brand waits."""
        with self._lock:
            return self._turns.crowded_by(tenant_id)

    def close(self) -> None:
        """Finish what is being done, and leave the rest to the deliveries, which tell what is due."""
        self._pool.shutdown(wait=True, cancel_futures=True)

    def _work(self, lane: Lane) -> None:
        """Do the lane's next job; further ones wait for a turn of their own, so that no lane keeps others waiting."""
        with self._lock:
            job = next(iter(self._waiting[lane]))
            del self._waiting[lane][job]
        try:
            self._jobs[job](*lane)
        except DATABASE_AWAY as error:
            log.warning("%s of lane %s of brand %s broke off: %s", job, lane[1], lane[0], first_line(error))
        except Exception:
            log.exception("%s of lane %s of brand %s failed", job, lane[1], lane[0])
        with self._lock:
            self._turns.done(lane)
            if self._waiting[lane]:
                self._turns.add(lane)
            else:
                del self._waiting[lane]
            self._begin()

    def _begin(self) -> None:
        """Give free threads to the lanes whose turn it is."""
        while (lane := self._turns.next()) is not None:
            with suppress(RuntimeError):  # The pool is closing.
                self._pool.submit(self._work, lane)
