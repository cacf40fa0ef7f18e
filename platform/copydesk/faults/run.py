"""Many injections on one stage, one after another, and what they add up to."""

from __future__ import annotations

import shutil
import tempfile
import time
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from typing import Any

import psycopg
from redis.exceptions import RedisError

from copydesk.faults.audit import Findings
from copydesk.faults.cast import ClientError
from copydesk.faults.injection import Report, conclude, inject
from copydesk.faults.stage import Setting, Stage, staged
from copydesk.faults.table import Fault
from copydesk.kernel import CopydeskError

Say = Callable[[str], None]
# What the stage's own parts may raise: the lab's control, the leaders' client, servers that do not come up again.
_BROKEN_OFF = (CopydeskError, OSError, ClientError, psycopg.Error, RedisError)
# After the last injection of all nothing follows in which a late order would show.
_LATE_S = 3.0


@dataclass(frozen=True)
class Course:
    """What to run: every fault with every seed, on brands of so many followers."""

    faults: Sequence[Fault]
    seeds: Sequence[int]
    followers: int
    themes: Path
    keep: Path | None = None


class Theater:
    """Open a stage when it is first wanted, and another one after an injection has left it in doubt."""

    def __init__(self, course: Course, environ: Mapping[str, str], say: Say) -> None:
        self._course = course
        self._environ = environ
        self._say = say
        self._open = ExitStack()
        self._stage: Stage | None = None
        self._root: Path | None = None

    def stage(self) -> Stage:
        """Return the stage, opened where there is none."""
        if self._stage is None:
            self._root = Path(tempfile.mkdtemp(prefix="copydesk-faults-", dir=self._course.keep))
            setting = Setting(self._course.followers, self._course.seeds[0], self._root / "desk", self._course.themes)
            setting.root.mkdir()
            self._stage = self._open.enter_context(staged(setting, self._environ, self._say))
        return self._stage

    def close(self, *, failed: bool = False) -> None:
        """End the stage; its files stay where a fault has failed on it, or where all are to be kept."""
        self._open.close()
        if self._root is not None and not failed and self._course.keep is None:
            shutil.rmtree(self._root, ignore_errors=True)
        elif self._root is not None:
            self._say(f"journal and logs kept in {self._root}")
        self._stage = self._root = None


def run(course: Course, environ: Mapping[str, str], say: Say) -> dict[str, Any]:
    """Carry out the course and return its figures; progress and violations are said as they happen."""
    reports: list[Report] = []
    theater = Theater(course, environ, say)
    began, failed = time.monotonic(), False
    try:
        for number, (fault, seed) in enumerate(_injections(course), start=1):
            report = _carry_out(theater, fault, seed, last=number == len(course.faults) * len(course.seeds))
            reports.append(report)
            failed = report.findings.total > 0
            _tell(say, number, course, report, time.monotonic() - began)
            if failed:
                theater.close(failed=True)
    finally:
        theater.close(failed=failed)
    return summarize(reports, time.monotonic() - began)


def _carry_out(theater: Theater, fault: Fault, seed: int, *, last: bool) -> Report:
    """Inject one fault; where that cannot be carried through, the report says so, and it counts as broken."""
    stage = theater.stage()
    try:
        report = inject(stage, fault, seed)
        if last:
            time.sleep(_LATE_S)
        conclude(stage, report)
    except _BROKEN_OFF as error:
        said = f"broken off: {type(error).__name__}: {' '.join(str(error).split())[:200]}"
        report = Report(fault.name, seed, "unknown", struck=False, findings=Findings(broken_off=1, details=[said]))
    return report


def _injections(course: Course) -> Iterator[tuple[Fault, int]]:
    return ((fault, seed) for seed in course.seeds for fault in course.faults)


def _tell(say: Say, number: int, course: Course, report: Report, spent_s: float) -> None:
    of = len(course.faults) * len(course.seeds)
    state = "healed" if report.struck else "did not strike; calm"
    say(
        f"{number}/{of} {spent_s:5.0f} s  {report.fault} seed {report.seed} ({report.part}): "
        f"{state} after {report.heal_s:.1f} s"
    )
    if report.findings.total:
        counts = ", ".join(f"{count} {name}" for name, count in report.findings.named().items())
        say(f"violation: {report.fault} seed {report.seed}: {counts}")
        for sentence in report.findings.details:
            say(f"  {sentence}")
        say(f"  replay: {report.replay}")


def summarize(reports: Sequence[Report], spent_s: float) -> dict[str, Any]:
    """Return the figures by name; `injected` counts faults that struck, `violations` those that broke a promise."""
    by_fault: dict[str, list[Report]] = defaultdict(list)
    for report in reports:
        by_fault[report.fault].append(report)
    heals = [report.heal_s for report in reports if report.struck]
    broken = [report for report in reports if report.findings.total]
    return {
        "injected": sum(report.struck for report in reports),
        "violations": len(broken),
        "faults": len(by_fault),
        "heal_p50_s": round(median(heals), 2) if heals else 0.0,
        "heal_p99_s": round(_quantile(heals, 0.99), 2),
        "missed": sum(not report.struck for report in reports),
        "spent_s": round(spent_s, 1),
        "broken": [{"replay": report.replay, **report.findings.named()} for report in broken],
        "by_fault": {name: _row(rows) for name, rows in sorted(by_fault.items())},
    }


def _row(reports: Sequence[Report]) -> dict[str, Any]:
    heals = [report.heal_s for report in reports]
    return {
        "injected": sum(report.struck for report in reports),
        "violations": sum(report.findings.total > 0 for report in reports),
        "heal_p50_s": round(median(heals), 2),
        "heal_max_s": round(max(heals), 2),
    }


def _quantile(values: Sequence[float], share: float) -> float:
    ordered = sorted(values)
    return ordered[min(int(len(ordered) * share), len(ordered) - 1)] if ordered else 0.0
