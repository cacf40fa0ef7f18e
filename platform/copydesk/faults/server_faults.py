"""Faults of PostgreSQL and Redis, and of the links to them."""

from __future__ import annotations

import os
import shutil
import signal
import time
from collections.abc import Iterator
from contextlib import ExitStack, closing, suppress
from pathlib import Path
from typing import Any

import psycopg
import redis

from copydesk.faults.links import Weather
from copydesk.faults.stage import POSTGRES, REDIS
from copydesk.faults.strike import Strike
from copydesk.stack import DATABASE, OWNER_ROLE

_CUT_BYTES = 7
_SESSIONS = 20


def empty_redis(strike: Strike) -> Iterator[None]:
    """Kill Redis, remove its file and start it again without anything."""
    _redis(strike).kill()
    shutil.rmtree(strike.stage.stack.var.redis)
    strike.stage.stack.heal()
    yield


def redis_down(strike: Strike) -> Iterator[None]:
    """Kill Redis, and start it again after a while."""
    _redis(strike).kill()
    yield
    strike.stage.stack.heal()


def forget_jobs(strike: Strike) -> Iterator[None]:
    """Lose every wake-up that waits in the queue, as a worker does that dies after it took one."""
    with closing(redis.Redis.from_url(strike.stage.stack.redis_url)) as client:
        _forget(client)
        yield
        _forget(client)


def _forget(client: redis.Redis) -> None:
    for queue in client.scan_iter("rq:queue:replicate*"):
        client.delete(queue)


def slow_redis(strike: Strike) -> Iterator[None]:
    """Let every word to and from Redis take its time."""
    strike.stage.links.harm(REDIS, Weather(delay_s=0.1))
    yield
    strike.stage.links.harm(REDIS, Weather())


def hanging_redis(strike: Strike) -> Iterator[None]:
    """Leave Redis connected and mute."""
    strike.stage.links.harm(REDIS, Weather(hold=True))
    yield
    strike.stage.links.heal()


def full_redis(strike: Strike) -> Iterator[None]:
    """Let Redis refuse every write for want of memory."""
    with closing(redis.Redis.from_url(strike.stage.stack.redis_url)) as client:
        client.config_set("maxmemory", "1mb")
        yield
        client.config_set("maxmemory", "0")


def cut_redis_file(strike: Strike) -> Iterator[None]:
    """Kill Redis in the middle of a write: its file ends in half a command."""
    _redis(strike).kill()
    newest = max(strike.stage.stack.var.redis.rglob("*.aof"), key=lambda path: path.stat().st_mtime)
    with newest.open("r+b") as file:
        file.truncate(max(newest.stat().st_size - _CUT_BYTES, 0))
    strike.stage.stack.heal()
    yield


def postgres_killed(strike: Strike) -> Iterator[None]:
    """Kill PostgreSQL and start it again at once."""
    _postgres(strike).kill()
    strike.stage.stack.heal()
    yield


def postgres_down(strike: Strike) -> Iterator[None]:
    """Kill PostgreSQL, and start it again after a while."""
    _postgres(strike).kill()
    yield
    strike.stage.stack.heal()


def both_down(strike: Strike) -> Iterator[None]:
    """Kill both servers, and start them again after a while."""
    _redis(strike).kill()
    _postgres(strike).kill()
    yield
    strike.stage.stack.heal()


def stuck_sessions(strike: Strike) -> Iterator[None]:
    """Hold twenty idle transactions, one of which keeps every lane's lease locked."""
    with ExitStack() as sessions:
        for number in range(_SESSIONS):
            session = sessions.enter_context(_session(strike))
            session.execute("SELECT 1" if number else "SELECT * FROM shard_lease FOR UPDATE")
        yield


def deadlock(strike: Strike) -> Iterator[None]:
    """Lock books, then leases: the other way round than a worker does, so that PostgreSQL ends one of the two."""
    with _session(strike) as session:
        session.execute("SELECT * FROM book FOR UPDATE")
        time.sleep(strike.rng.uniform(0.05, 0.3))
        with suppress(psycopg.errors.DeadlockDetected):
            session.execute("SELECT * FROM shard_lease FOR UPDATE")
        yield


def cut_at_commit(strike: Strike) -> Iterator[None]:
    """Break connections just after a COMMIT has left: it happens, and nobody hears of it."""
    cuts = strike.rng.randint(1, 4)
    weather = Weather(cut_after=b"COMMIT", cuts_left=cuts)
    strike.stage.links.harm(POSTGRES, weather)
    yield
    strike.struck = weather.cuts_left < cuts
    strike.stage.links.harm(POSTGRES, Weather())


def cut_postgres(strike: Strike) -> Iterator[None]:
    """Reset every connection to PostgreSQL."""
    strike.stage.links.harm(POSTGRES, Weather(), cut=True)
    yield


def stall_postgres(strike: Strike) -> Iterator[None]:
    """Let every process of PostgreSQL stand still, as a disk does that does not come back from a flush."""
    main = int((strike.stage.stack.var.postgres / "postmaster.pid").read_text().split("\n", 1)[0])
    stopped = [main, *_children(main)]
    _signal(stopped, signal.SIGSTOP)
    yield
    _signal(stopped, signal.SIGCONT)


def _signal(pids: list[int], number: signal.Signals) -> None:
    for pid in pids:
        with suppress(ProcessLookupError):
            os.kill(pid, number)


def _children(pid: int) -> list[int]:
    found = []
    for stat in Path("/proc").glob("[0-9]*/stat"):
        with suppress(OSError):
            if int(stat.read_text().rpartition(")")[2].split()[1]) == pid:
                found.append(int(stat.parent.name))
    return found


def _redis(strike: Strike) -> Any:
    server = strike.stage.stack.redis
    assert server is not None, "the stage has a Redis of its own"
    return server


def _postgres(strike: Strike) -> Any:
    server = strike.stage.stack.postgres
    assert server is not None, "the stage has a PostgreSQL of its own"
    return server


def _session(strike: Strike) -> Any:
    return psycopg.connect(_postgres(strike).url(OWNER_ROLE, DATABASE))
