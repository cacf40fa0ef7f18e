"""One injection: the leader trades, the fault strikes and is lifted, and the journal is asked until it is clean."""

from __future__ import annotations

import random
import time
from collections.abc import Callable
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from functools import partial

from copydesk.faults.audit import Claim, Findings, judge
from copydesk.faults.cast import Cast
from copydesk.faults.stage import Stage
from copydesk.faults.strike import Strike
from copydesk.faults.table import Fault
from copydesk.faults.timetable import Lots, Plan, plan_injection
from copydesk.kernel import CopydeskError
from copydesk.stack import wait_until

AGE_MS_MAX = 20_000
HEALED_S_MAX = 60.0
_POLL_S = 0.05
# A journal with an order too many gets no better; the desk is given this long to prove that it stays so.
_HOPELESS_S = 1.0


@dataclass
class Report:
    """What came of one injection. `heal_s` is from the fault's end to a clean journal and a calm desk."""

    fault: str
    seed: int
    part: str
    struck: bool
    heal_s: float = 0.0
    findings: Findings = field(default_factory=Findings)
    claim: Claim | None = None

    @property
    def replay(self) -> str:
        """Return the command that carries out the same injection."""
        return f"copydesk faults run --fault {self.fault} --seed {self.seed}"


def plan_of(fault: Fault, seed: int) -> tuple[Plan, random.Random]:
    """Return the plan of a fault and a seed, and the chance that its injector goes on with."""
    rng = random.Random(f"{fault.name} {seed}")  # noqa: S311 - repeatable chance, not a secret
    plan = plan_injection(rng, parts=fault.parts, slugs=fault.slugs, lasts_s=fault.lasts_s, at_once=fault.at_once)
    return plan, rng


def inject(stage: Stage, fault: Fault, seed: int) -> Report:
    """Carry out one injection on a calm stage; whatever happens, nothing of the fault is left in force."""
    plan, rng = plan_of(fault, seed)
    cast = stage.casts[plan.troupe.slug]
    strike = Strike(stage, cast, rng, plan.part)
    everybody = list(stage.casts.values())
    stage.tail.begin()
    report = Report(fault.name, seed, str(plan.part), struck=False)
    try:
        stage.lab.call("POST", "rtt", {"ms": plan.rtt_ms})
        for lots in plan.before:
            _trade(cast, lots)
            if not _await_clean(stage, Claim(everybody, AGE_MS_MAX, stage.carried), report):
                return report
        _trade_under(fault, plan, strike)
        report.struck = strike.struck
    finally:
        stage.heal()
    lifted_at = time.monotonic()
    claim = report.claim = Claim(
        everybody,
        AGE_MS_MAX,
        stage.carried,
        opens_owed=plan.opens_owed and fault.opens_owed,
        clocks_agree=fault.clocks_agree,
        excused=frozenset(strike.excused),
    )
    clean = _await_clean(stage, claim, report)
    report.heal_s = time.monotonic() - lifted_at
    if clean and not cast.flat:
        _trade(cast, None)
        _await_clean(stage, claim, report)
    return report


def conclude(stage: Stage, report: Report) -> None:
    """Judge an injection once more when the next one is about to begin: nothing came late. Carries on what is held."""
    if report.claim is not None and not report.findings.total:
        report.findings = judge_now(stage, report.claim)
        stage.carried = report.findings.held


def judge_now(stage: Stage, claim: Claim) -> Findings:
    """Judge what the journal holds by now."""
    return judge(stage.tail.accounts, stage.tail.read(), claim)


def _trade_under(fault: Fault, plan: Plan, strike: Strike) -> None:
    """Trade, strike and lift in the order of their times; a failpoint is laid before the first trade."""
    injector = contextmanager(fault.inject)(strike)
    last_s = plan.moves[-1].at_s
    strike_s = 0.0 if fault.laid_before else plan.strike_at_s
    lift_s = strike_s + plan.lasts_s if fault.lasts_s[1] else max(strike_s, last_s)
    steps: list[tuple[float, int, Callable[[], object]]] = [
        (move.at_s, 1, partial(_trade, strike.cast, move.lots)) for move in plan.moves
    ]
    steps.append((strike_s, 0, injector.__enter__))
    steps.append((lift_s, 2, lambda: injector.__exit__(None, None, None)))
    began = time.monotonic()
    for at_s, _, act in sorted(steps, key=lambda step: step[:2]):
        _sleep_until(began + at_s)
        act()


def _trade(cast: Cast, lots: Lots) -> None:
    if lots is None:
        cast.leave()
    else:
        cast.trade(cast.troupe.lot * lots)


def _sleep_until(moment: float) -> None:
    pause_s = moment - time.monotonic()
    if pause_s > 0:
        time.sleep(pause_s)


def _await_clean(stage: Stage, claim: Claim, report: Report) -> bool:
    """Look until the desk is calm and the journal clean, at most a minute; the last findings are the report's."""
    hopeless_at = 0.0

    def done() -> bool:
        nonlocal hopeless_at
        if not stage.settled():
            return False
        with suppress(CopydeskError):
            report.findings = judge_now(stage, claim)
            hopeless = report.findings.duplicates + report.findings.strangers + report.findings.over_limit
            if hopeless:
                hopeless_at = hopeless_at or time.monotonic()
                return time.monotonic() - hopeless_at > _HOPELESS_S
            return report.findings.total == 0
        return False

    in_time = wait_until(done, patience_s=HEALED_S_MAX, poll_s=_POLL_S)
    if not in_time and report.findings.total == 0:
        report.findings = judge_now(stage, claim)
        report.findings.missing += 1
        report.findings.details += [f"not calm after {HEALED_S_MAX:.0f} s", *stage.waiting()]
    return report.findings.total == 0
