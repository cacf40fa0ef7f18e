"""A role killed at each failpoint between intake and settlement neither loses nor doubles a copy; the journal is truth.

Real roles on a stage of the fault suite; whichever dies is started again, and the desk has a minute to heal.
"""

from __future__ import annotations

import os
from pathlib import Path

from copydesk.faults.run import Course, run
from copydesk.faults.table import FAULTS
from copydesk.kernel import Failpoint

THEMES = Path(__file__).parents[2] / "themes"
# The seed decides at which pass of its failpoint a role dies; where the trading had fewer, another seed is tried.
SEEDS = (1, 2, 3)


def test_a_role_killed_at_any_failpoint_doubles_and_loses_nothing() -> None:
    left = [FAULTS[f"01-died-at-{point}"] for point in Failpoint]
    said: list[str] = []
    for seed in SEEDS:
        if left:
            figures = run(Course(left, [seed], followers=20, themes=THEMES), os.environ, said.append)
            assert figures["violations"] == 0, "\n".join(said)
            left = [fault for fault in left if not figures["by_fault"][fault.name]["injected"]]
    assert [fault.name for fault in left] == [], "\n".join(said)
