"""`bench venues`: what one warm venue serves, beside one ccxt instance for each account, and how long the loop stalls.

The lab is a process of its own on one core; every measurement is one on the other core, so that memory is that of the
measured way alone.
"""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import orjson

from copydesk.bench.lab import BenchStage, RunningLab
from copydesk.bench.lab_orders import LANES
from copydesk.bench.long_lists import long_lists
from copydesk.bench.venue_trial import SYMBOL, WINDOW_S, Stall, Trial, summary, written
from copydesk.demo.lab_control import LabControl
from copydesk.kernel import InvalidInput, Unavailable
from copydesk.venues import EXCHANGES

Say = Callable[[str], None]
# Bybit takes 600 requests in five seconds of one address, of which opens may use two thirds.
BURSTS = {"bybit": 350}
_LIST_ENDPOINTS = ("instruments", "prices")


@dataclass(frozen=True)
class Plan:
    """What to measure: accounts, rows of each long list, rounds of each stall, which exchanges (none: all)."""

    accounts: int = 1000
    rows: int = 2000
    rounds: int = 5
    venues: tuple[str, ...] = ()

    @property
    def chosen(self) -> tuple[str, ...]:
        return self.venues or tuple(EXCHANGES)


def run_venues(plan: Plan, folder: Path, say: Say) -> dict[str, Any]:
    """Run the benchmark: rows of warm accounts, rows of stalls, and whether every stall is short enough."""
    unknown = sorted(set(plan.chosen) - EXCHANGES.keys())
    if unknown:
        raise InvalidInput(f"exchange: expected one of {', '.join(EXCHANGES)}, found {unknown[0]!r}")
    cores = sorted(os.sched_getaffinity(0))
    stage = BenchStage(folder, cores[0])
    os.sched_setaffinity(0, {cores[0]})
    try:
        warm, stalled = _rows(plan, stage, cores[-1], say)
    finally:
        os.sched_setaffinity(0, set(cores))
    return {
        "cores": len(cores),
        "accounts": plan.accounts,
        "warm": warm,
        "stalls": stalled,
        "ok": all(row["ok"] for row in stalled),
    }


def _rows(plan: Plan, stage: BenchStage, core: int, say: Say) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    warm: list[dict[str, Any]] = []
    stalled: list[dict[str, Any]] = []
    for venue in plan.chosen:
        with stage.lab(venue) as lab:
            bench = _VenueBench(plan, venue, lab, _keys(lab.control, venue, plan.accounts), core, say)
            warm += bench.warm_rows()
            stalled += bench.stall_rows()
    return warm, stalled


@dataclass(frozen=True)
class _VenueBench:
    plan: Plan
    venue: str
    lab: RunningLab
    keys: tuple[tuple[str, str, str], ...]
    core: int
    say: Say

    def warm_rows(self) -> list[dict[str, Any]]:
        rows = []
        for kind, way in (("ours", "copydesk"), ("plain", "ccxt")):
            self.say(f"{self.venue}: {len(self.keys):,} accounts trade once, by {way}")
            rows.append({"exchange": self.venue, "way": way, **self._trial(kind, self.lab.places["rest"])})
        return rows

    def stall_rows(self) -> list[dict[str, Any]]:
        self.say(f"{self.venue}: stalls of the event loop")
        with long_lists(self.lab.places["rest"], _list_paths(self.venue), self.plan.rows) as rest:
            reads = self._trial("stalls", rest)
        orders = self._trial("order_stalls", self.lab.places["rest"])
        return [
            {"exchange": self.venue, "call": call, "items": found["listed"], **summary([Stall(*one) for one in stalls])}
            for found in (reads, orders)
            for call, stalls in found["stalls"].items()
        ]

    def _trial(self, kind: str, rest: str) -> dict[str, Any]:
        lane = next(lane for lane in LANES if lane.venue == self.venue and lane.ccxt_symbol == SYMBOL)
        burst = BURSTS.get(self.venue, len(self.keys))
        trial = Trial(kind, self.venue, rest, self.lab.places["ws"], self.keys, burst, lane.ccxt_qty, self.plan.rounds)
        return _run(trial, self.core)


def _run(trial: Trial, core: int) -> dict[str, Any]:
    """Measure in a fresh process on its own core, and in a window of its own: the lab counts by address."""
    time.sleep(WINDOW_S)
    command = [sys.executable, "-m", "copydesk.bench.venue_trial"]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        os.sched_setaffinity(process.pid, {core})
        out, _ = process.communicate(written(trial))
    if process.returncode:
        raise Unavailable(f"{trial.venue}: the trial {trial.kind!r} failed")
    found: dict[str, Any] = orjson.loads(out)
    return found


def _list_paths(venue: str) -> set[str]:
    origins: Sequence[Any] = tuple(EXCHANGES[venue].traits.origins.values())
    return {
        endpoint.path
        for rules in origins
        for name, endpoint in rules.endpoints.items()
        if name.endswith(_LIST_ENDPOINTS)
    }


def _keys(control: LabControl, venue: str, count: int) -> tuple[tuple[str, str, str], ...]:
    """Open accounts with money for perpetuals, and a key each."""
    found = []
    for number in range(count):
        name = f"{venue}-{number}"
        control.call("POST", "accounts", {"account": name, "venue": venue, "balances": {"USDT": "1000000"}})
        control.call("POST", "deposits", {"account": name, "asset": "USDT", "qty": "1000000", "wallet": "futures"})
        key = control.call("POST", "keys", {"account": name})
        found.append((key["apiKey"], key["secret"], key["passphrase"]))
    return tuple(found)
