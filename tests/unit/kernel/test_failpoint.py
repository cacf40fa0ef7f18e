"""A failpoint does nothing until it is armed, acts once at its pass, and every one of the table is really passed."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import copydesk
import pytest
from copydesk.kernel import ConfigError, Failpoint, arm, disarm, parse_trap, reached
from copydesk.kernel.failpoint import FailpointError

PACKAGE = Path(copydesk.__file__).parent


@pytest.fixture(autouse=True)
def disarmed() -> Iterator[None]:
    yield
    disarm()


def passes_until_it_acts(point: Failpoint, limit: int = 5) -> int | None:
    for count in range(1, limit + 1):
        try:
            reached(point)
        except FailpointError:
            return count
    return None


def test_an_unarmed_failpoint_does_nothing() -> None:
    assert [passes_until_it_acts(point) for point in Failpoint] == [None] * len(Failpoint)


def test_an_armed_failpoint_acts_once_at_its_pass_and_no_other_point_does() -> None:
    arm("planned:3:raise")
    assert passes_until_it_acts(Failpoint.SETTLED) is None
    assert passes_until_it_acts(Failpoint.PLANNED) == 3
    assert passes_until_it_acts(Failpoint.PLANNED) is None


def test_a_step_without_work_is_no_pass() -> None:
    arm("fix-stored:1:raise")
    reached(Failpoint.FIX_STORED, [])
    with pytest.raises(FailpointError):
        reached(Failpoint.FIX_STORED, [1])


def test_a_trap_in_a_file_is_taken_away_by_the_process_that_acts(tmp_path: Path) -> None:
    trap = tmp_path / "trap"
    arm(f"@{trap}")
    assert passes_until_it_acts(Failpoint.PLANNED) is None
    trap.write_text("planned:2:raise")
    assert passes_until_it_acts(Failpoint.PLANNED) == 2
    assert not trap.exists() and trap.with_suffix(".fired").exists()
    assert passes_until_it_acts(Failpoint.PLANNED) is None


def test_a_trap_that_is_taken_away_from_its_file_does_not_act(tmp_path: Path) -> None:
    trap = tmp_path / "trap"
    trap.write_text("planned:2:raise")
    arm(f"@{trap}")
    reached(Failpoint.PLANNED)
    trap.unlink()
    assert passes_until_it_acts(Failpoint.PLANNED) is None


@pytest.mark.parametrize("text", ["", "nowhere", "planned:0", "planned:x", "planned:1:sleep"])
def test_a_trap_that_cannot_be_read_is_refused(text: str) -> None:
    with pytest.raises(ConfigError, match="COPYDESK_FAILPOINT: expected"):
        parse_trap(text)


def test_the_default_action_is_to_die_at_once() -> None:
    program = "from copydesk.kernel import *; arm('planned'); reached(Failpoint.PLANNED); print('alive')"
    environment = {**os.environ, "PYTHONPATH": str(PACKAGE.parent)}
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, env=environment, check=False)
    assert done.returncode == -signal.SIGKILL
    assert done.stdout == b"" and b"failpoint planned reached: kill" in done.stderr


def test_every_declared_failpoint_has_a_sentence_and_is_passed_somewhere() -> None:
    sources = "".join(path.read_text() for path in PACKAGE.rglob("*.py"))
    passed = set(re.findall(r"reached\(Failpoint\.(\w+)", sources))
    assert passed == {point.name for point in Failpoint}
    assert all(point.help.endswith(".") for point in Failpoint)
