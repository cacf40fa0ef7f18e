"""The threads of a replicator: each lane one job at a time, several lanes at once (ADR 0016)."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from threading import Lock

from copydesk.workers.outage import DATABASE_AWAY, first_line

log = logging.getLogger(__name__)

# Lanes that one process works on at once; most of their time they wait for PostgreSQL or an exchange.
LANES_AT_ONCE = 16

Job = Callable[[int, str], object]
_Lane = tuple[int, str]


class Crew:
    """Do the jobs of lanes. A job that waits for its lane already is not added again: it will find all that is due."""

    def __init__(self, jobs: Mapping[str, Job], *, lanes_at_once: int = LANES_AT_ONCE) -> None:
        self._jobs = jobs
        self._pool = ThreadPoolExecutor(lanes_at_once, thread_name_prefix="lane")
        self._lock = Lock()
        # Of every busy lane the jobs that wait, first come first served.
        self._waiting: dict[_Lane, dict[str, None]] = {}

    def give(self, job: str, tenant_id: int, shard: str) -> None:
        """Have a job done for a lane, after what the lane is busy with; returns at once."""
        lane = (tenant_id, shard)
        with self._lock:
            busy = lane in self._waiting
            self._waiting.setdefault(lane, {})[job] = None
        if not busy:
            self._begin(lane)

    def close(self) -> None:
        """Finish what is being done, and leave the rest to the deliveries, which tell what is due."""
        self._pool.shutdown(wait=True, cancel_futures=True)

    def _work(self, lane: _Lane) -> None:
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
            more = bool(self._waiting[lane])
            if not more:
                del self._waiting[lane]
        if more:
            self._begin(lane)

    def _begin(self, lane: _Lane) -> None:
        with suppress(RuntimeError):  # The pool is closing.
            self._pool.submit(self._work, lane)
