"""A few faults of every kind, as `copydesk faults run` injects them by the hundred: nothing doubled, nothing lost."""

from __future__ import annotations

import os
from pathlib import Path

from copydesk.faults.run import Course, run
from copydesk.faults.table import fault_named

THEMES = Path(__file__).parents[2] / "themes"
SELECTION = (
    "00-no-fault",
    "08-redis-emptied",
    "13-postgres-killed",
    "18-commit-unheard",
    "22-exchange-cut",
    "27-every-doubt",
    "34-stream-disconnected",
    "41-turns-sender-killed",
)


def test_a_selection_of_faults_doubles_and_loses_nothing() -> None:
    said: list[str] = []
    faults = [fault_named(name) for name in SELECTION]
    figures = run(Course(faults, [1], followers=20, themes=THEMES), os.environ, said.append)
    assert figures["violations"] == 0, "\n".join(said)
    assert figures["faults"] == len(SELECTION) and figures["injected"] > 0
