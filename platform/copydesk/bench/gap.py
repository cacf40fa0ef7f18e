"""`bench gap`: the price gaps through everybody's stop while something else is broken; who is closed, when, how often?

Servers, lab and roles are processes of their own, and what a scenario breaks is killed as by a power cut and stays away
until everybody is flat. The exchange's journal is the truth.
"""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

import orjson
from sqlalchemy import text

from copydesk.bench.fallen import FALLEN, SETTINGS, expect, fall, flush, invest, running, scalar, watched
from copydesk.bench.fanout import desk_of
from copydesk.bench.gap_closes import Gap, Holdings, Record, gap_figures
from copydesk.bench.load import FULL, PERPETUAL, Load, Plan
from copydesk.bench.stage import Bench, staged
from copydesk.stack import RoleOptions, wait_until
from copydesk.stack.process import port_answers
from copydesk.venues.budgets import begin_anew
from copydesk.workers.outage import DATABASE_AWAY

Say = Callable[[str], None]
_PATIENCE_S = 90
_SITES = ("web", "live")

_CLOSED = text("SELECT count(*) FROM risk_act WHERE state = 'closed'")
_SEEN = text("SELECT min(extract(epoch FROM (facts ->> 'suspected_at')::timestamptz) * 1000) FROM risk_act")
_RECONCILED = text("SELECT (min(extract(epoch FROM at) * 1000) > :since_ms)::int FROM reconcile_run")
# A desk that comes back shows soon whether it would do anything twice.
_SETTINGS = {**SETTINGS, "replication": {"reconcile_every_ms": 1000}}


@dataclass
class Breaker:
    """Who breaks things on a stage, and mends them."""

    bench: Bench
    _killed: list[str] = field(default_factory=list)
    _sites: ExitStack = field(default_factory=ExitStack)

    def roles(self, *names: str) -> None:
        """Kill roles, and keep them from being started again."""
        for name in names:
            self.bench.supervisor.kill(name)
            self._killed.append(name)

    def redis(self) -> None:
        assert self.bench.stack.redis is not None
        self.bench.stack.redis.kill()

    def postgres(self) -> None:
        assert self.bench.stack.postgres is not None
        self.bench.stack.postgres.kill()

    def sites(self) -> None:
        """Run the brands' sites and their live events until they serve, then kill them with all their workers."""
        options = self.bench.options
        processes = [self._sites.enter_context(running(self.bench, name)) for name in _SITES]
        expect(lambda: all(map(port_answers, (options.port, options.live_port))), "the sites do not serve")
        for process in processes:
            os.killpg(process.pid, signal.SIGKILL)

    def mend(self) -> None:
        """Start again whatever was killed, but for the sites."""
        if "Redis" in self.bench.stack.heal():
            begin_anew(self.bench.stack.redis_url)
        for name in self._killed:
            self.bench.supervisor.start_again(name)
        self._killed.clear()
        self._sites.close()


class Scenario(NamedTuple):
    """What is broken before the price falls, and what right after."""

    before: Callable[[Breaker], None] = lambda _breaker: None
    after: Callable[[Breaker], None] = lambda _breaker: None


def _everything(breaker: Breaker) -> None:
    breaker.sites()
    breaker.roles("replicator", "relay", "listener")
    breaker.redis()


SCENARIOS: Mapping[str, Scenario] = {
    "undisturbed": Scenario(),
    "redis": Scenario(before=Breaker.redis),
    "workers": Scenario(before=lambda breaker: breaker.roles("replicator", "relay")),
    "replicator": Scenario(before=lambda breaker: breaker.roles("replicator")),
    "postgres": Scenario(after=Breaker.postgres),
    "web": Scenario(before=Breaker.sites),
    "everything": Scenario(before=_everything, after=Breaker.postgres),
}


@dataclass(frozen=True)
class GapPlan:
    """How many followers, which scenarios, and the round trip to the exchange."""

    followers: int
    scenarios: Sequence[str]
    rtt_ms: float


def run_gap(plan: GapPlan, options: RoleOptions, environ: Mapping[str, str], say: Say) -> list[dict[str, Any]]:
    """Run each scenario on a stage of its own and return a row of figures for each."""
    rows = []
    for name in plan.scenarios:
        folder = options.var_dir / name
        folder.mkdir()
        rows.append(_staged(plan, replace(options, var_dir=folder), environ, name, say))
        say(f"{name}: " + ", ".join(f"{figure} {value}" for figure, value in rows[-1].items()))
    return rows


def _staged(plan: GapPlan, options: RoleOptions, environ: Mapping[str, str], name: str, say: Say) -> dict[str, Any]:
    load = Load(plan.followers, market=PERPETUAL)
    staging = staged(Plan(load, plan.rtt_ms, 0, engine=FULL), options, environ, say, settings=_SETTINGS)
    with staging as bench, watched(bench):
        bench.lab.call("POST", "rtt", {"ms": plan.rtt_ms})
        holdings = Holdings(frozenset(follower.account for follower in bench.crowd))
        truth = _Truth(bench, _Tail(options.var_dir / "lab" / "journal.jsonl"), holdings)
        return _scenario(bench, truth, plan, name)


@dataclass(frozen=True)
class _Truth:
    """The exchange's journal, read as it grows."""

    bench: Bench
    tail: _Tail
    holdings: Holdings

    def begin(self, rtt_ms: float) -> Gap:
        """Book everything so far, and begin with a gap."""
        flush(self.bench)
        for record in self.tail.records():
            self.holdings.book(record)
        return Gap(self.holdings, FALLEN, rtt_ms)

    def flat(self, gap: Gap) -> bool:
        """Read on, and tell whether nobody holds anything at the exchange any more."""
        gap.take(self.tail.records())
        return gap.flat


def _scenario(bench: Bench, truth: _Truth, plan: GapPlan, name: str) -> dict[str, Any]:
    scenario, breaker = SCENARIOS[name], Breaker(bench)
    invest(bench, desk_of(bench))
    gap = truth.begin(plan.rtt_ms)
    try:
        scenario.before(breaker)
        fall(bench)
        scenario.after(breaker)
        wait_until(partial(truth.flat, gap), patience_s=_PATIENCE_S, poll_s=0.1)
    finally:
        breaker.mend()
    _await_calm(bench, name)
    flush(bench)
    truth.flat(gap)
    return gap_figures(name, plan.followers, gap.closes(), scalar(bench, _SEEN))


def _await_calm(bench: Bench, name: str) -> None:
    """Wait until every stop has come to its end in the desk's rows, and whoever was killed has looked after its lane.

    What a healed desk would do twice it has done by then.
    """
    everybody, healed_ms = bench.load.followers, time.time_ns() // 1_000_000

    def calm() -> bool:
        try:
            closed = scalar(bench, _CLOSED) == everybody
            return closed and bool(scalar(bench, _RECONCILED, since_ms=healed_ms))
        except DATABASE_AWAY:  # It comes back just now.
            return False

    expect(calm, f"{name}: not every stop is closed", patience_s=_PATIENCE_S)


class _Tail:
    """Read a journal while it grows, each line once."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._offset = 0

    def records(self) -> Iterator[Record]:
        """Yield what has come since the last time; a line that is not whole yet comes later."""
        with self._path.open("rb") as lines:
            lines.seek(self._offset)
            for line in lines:
                if not line.endswith(b"\n"):
                    return
                self._offset += len(line)
                yield orjson.loads(line)
