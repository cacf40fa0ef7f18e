"""`bench failover`: one of two replicators is killed in the middle of a fan-out; what does the other one still do?

The leader trades again when everybody has copied, and when the exchange's limits on an account's orders have had their
time; the throughput is that of the copying alone, so it is what the replicators manage. What was copied twice or
never is counted in the exchange's journal, not in the desk's own rows.
"""

from __future__ import annotations

import os
import signal
import subprocess
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass

from copydesk.bench.answers import Answers, JournalTail, answers
from copydesk.bench.crowd import LEADER
from copydesk.bench.fanout import copied, desk_of, settled, signal_of, warm_up
from copydesk.bench.figures import Figures
from copydesk.bench.hops import Desk
from copydesk.bench.installation import Settings
from copydesk.bench.load import Load, Plan
from copydesk.bench.pace import pause_s
from copydesk.bench.stage import Bench, staged
from copydesk.stack import ROLES, RoleOptions, spawn, stop, wait_until
from copydesk.stack.process import leash

Say = Callable[[str], None]
_WORKERS = 2
# More than any limit's window takes, so that the pause is what signals need that never end.
_SIGNALS_MANY = 1_000_000
_TAKEOVER_S = 120
# A reconcile finds what the killed one left; it need not wait longer than that for its turn.
_RECONCILE_MS = 1_000


@dataclass(frozen=True)
class FailoverPlan:
    """Followers on so many lanes, and the seconds of load before the kill and after the take-over."""

    followers: int
    lanes: int
    seconds: int
    rtt_ms: float


def run_failover(plan: FailoverPlan, options: RoleOptions, environ: Mapping[str, str], say: Say) -> Figures:
    """Run the benchmark and return its figures by name."""
    load = Load(plan.followers, lanes=plan.lanes)
    settings: Settings = {
        "replication": {"shards": plan.lanes, "reconcile_every_ms": _RECONCILE_MS},
        "venues": {"replicators": _WORKERS},
    }
    staging = staged(Plan(load, plan.rtt_ms, 0), options, environ, say, settings=settings)
    with staging as bench, _second(bench) as second:
        desk, tail = desk_of(bench), JournalTail(options.var_dir / "lab" / "journal.jsonl")
        bench.lab.call("POST", "rtt", {"ms": plan.rtt_ms})
        apart_s = pause_s(load, _SIGNALS_MANY, replicators=_WORKERS)
        warm_up(bench, desk, apart_s)
        _flush(bench)
        tail.skip()
        say(f"{plan.seconds} s of load on two replicators")
        before = _throughput(bench, desk, plan.seconds, apart_s)
        say("one of them is killed in the middle of a fan-out")
        takeover_s = _kill(bench, desk, second, tail)
        say(f"{plan.seconds} s of load on the other one")
        after = _throughput(bench, desk, plan.seconds, apart_s)
        found = _audit(bench, tail)
    return {
        "followers": plan.followers,
        "lanes": plan.lanes,
        "rtt_ms": plan.rtt_ms,
        "copies_per_s_before": round(before),
        "copies_per_s_after": round(after),
        "throughput_ratio": round(after / before, 2),
        "takeover_s": round(takeover_s, 1),
        "duplicates": found.duplicates,
        "missing": found.missing,
    }


@contextmanager
def _second(bench: Bench) -> Iterator[subprocess.Popen[bytes]]:
    """Run a second replicator, which nobody starts again when it ends."""
    role = next(role for role in ROLES if role.name == "replicator")
    log = bench.stack.var.log / "replicator-2.log"
    process = spawn([*leash("KILL"), *role.argv(bench.options)], log, env=bench.environment)
    try:
        bench.await_replicators(_WORKERS)
        yield process
    finally:
        stop(process)


def _throughput(bench: Bench, desk: Desk, seconds: int, apart_s: float) -> float:
    """Let the leader trade for so long and return the copies per second of copying; pauses do not count."""
    begun, busy_s, signals = time.monotonic(), 0.0, 0
    while time.monotonic() - begun < seconds:
        busy_s -= time.monotonic()
        copied(bench, desk)
        busy_s += time.monotonic()
        signals += 1
        time.sleep(apart_s)
    return signals * bench.load.followers / busy_s


def _kill(bench: Bench, desk: Desk, process: subprocess.Popen[bytes], tail: JournalTail) -> float:
    """Kill a replicator while orders are under way; return the seconds until everybody has copied all the same."""
    signal_of(bench, desk)
    begun = time.monotonic()
    os.kill(process.pid, signal.SIGKILL)
    process.wait()
    # Who is still missing then is counted so: the load goes on.
    wait_until(lambda: settled(bench) and not _audit(bench, tail).missing, patience_s=_TAKEOVER_S, poll_s=0.1)
    return time.monotonic() - begun


def _audit(bench: Bench, tail: JournalTail) -> Answers:
    """Count in the journal what followers executed for each of the leader's orders."""
    _flush(bench)
    return answers(tail.executions(), f"{LEADER}:0", [follower.account for follower in bench.crowd])


def _flush(bench: Bench) -> None:
    """Have the lab put on disk what it holds back of its journal, as it does before it reads it."""
    bench.lab.call("GET", "journal", {"limit": 1})
