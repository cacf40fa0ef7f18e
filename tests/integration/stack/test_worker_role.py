"""`copydesk work default` as a process: it signs, takes jobs, outlives a Redis that hangs up, and ends in order."""

from __future__ import annotations

import os
import signal
import sysconfig
from contextlib import closing
from pathlib import Path

from copydesk.bootstrap.beat import running_configs
from copydesk.performance.overseen import clerk_sign
from copydesk.stack import spawn, stop, wait_until
from copydesk.workers.follow import enqueue_follow, figures_queue
from redis import Redis

WORK = [str(Path(sysconfig.get_path("scripts")) / "copydesk"), "work", "default"]


def test_the_worker_signs_takes_jobs_outlives_a_cut_connection_and_ends_on_sigterm(
    shipped_brands: Path, redis_url: str
) -> None:
    log = shipped_brands / "worker.log"
    process = spawn(WORK, log, env={**os.environ, "COPYDESK_ROOT": str(shipped_brands)})
    try:
        with closing(Redis.from_url(redis_url)) as redis:
            wait_until(lambda: clerk_sign(redis) is not None or process.poll() is not None, patience_s=60)
            assert clerk_sign(redis) is not None, log.read_text()
            assert wait_until(lambda: [one.role for one in running_configs(redis)] == ["worker"], patience_s=10)
            queue = figures_queue(redis)
            assert wait_until(lambda: taken(redis, 1), patience_s=30), log.read_text()
            redis.client_kill_filter(skipme=True, _type="normal")
            assert wait_until(lambda: taken(redis, 2), patience_s=30), log.read_text()
            assert len(queue) == 0
        process.send_signal(signal.SIGTERM)
        assert process.wait(30) == 0, log.read_text()
    finally:
        stop(process)


def taken(redis: Redis, strategy_id: int) -> bool:
    """Enqueue a strategy of a brand that nobody serves until somebody takes it."""
    enqueue_follow(figures_queue(redis), 999, strategy_id)
    return wait_until(lambda: not len(figures_queue(redis)), patience_s=5)
