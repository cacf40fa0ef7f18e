"""Every fault is explained where an operator looks, and a seed alone decides what an injection does."""

from __future__ import annotations

from pathlib import Path

import pytest
from copydesk.faults.injection import plan_of
from copydesk.faults.strike import Part
from copydesk.faults.table import FAULTS, LEFT_OUT, fault_named
from copydesk.faults.timetable import Plan
from copydesk.kernel import Failpoint, NotFound

PAGE = (Path(__file__).parents[3] / "platform" / "docs" / "faults.md").read_text()
AT_FAILPOINTS = ("01-died-at-", "07-paused-at-")


def test_every_fault_and_every_failpoint_is_on_the_page() -> None:
    shown = [fault for fault in FAULTS.values() if not fault.name.startswith(AT_FAILPOINTS)]
    assert [fault.name for fault in shown if f"| `{fault.name}` | {fault.help} | {fault.proves} |" not in PAGE] == []
    assert [point for point in Failpoint if f"| `{point}` | {point.help} |" not in PAGE] == []


def test_every_failpoint_is_a_fault() -> None:
    assert {f"01-died-at-{point}" for point in Failpoint} <= set(FAULTS)


def test_every_row_of_the_matrix_on_replication_is_a_fault_or_left_out_with_a_reason() -> None:
    # Rows 1, 2 and 3 are deaths at failpoints, row 7 is a worker that stands still at one.
    rows = {int(name[:2]) for name in FAULTS} | {2}
    assert sorted(set(range(1, 49)) - rows - set(LEFT_OUT)) == []


@pytest.mark.parametrize("name", FAULTS)
def test_a_seed_decides_who_trades_what_and_when_the_fault_strikes(name: str) -> None:
    plans = [plan_of(fault_named(name), seed)[0] for seed in range(20)]
    assert plans == [plan_of(fault_named(name), seed)[0] for seed in range(20)]
    assert len({plan.rtt_ms for plan in plans}) == 20


def lots_of(plan: Plan) -> list[int]:
    """Return what the leader holds after each trade, in lots."""
    held, path = 0, []
    for lots in [*plan.before, *(move.lots for move in plan.moves)]:
        held = 0 if lots is None else held + lots
        path.append(held)
    return path


@pytest.mark.parametrize("name", FAULTS)
def test_three_orders_fall_under_a_fault_and_only_perpetuals_go_short(name: str) -> None:
    for plan in (plan_of(fault_named(name), seed)[0] for seed in range(20)):
        path = lots_of(plan)
        assert len(plan.moves) == 3
        assert plan.part is Part.TURNS or min(path) >= 0
        assert plan.part is not Part.TURNS or plan.troupe.perpetual


def test_an_unknown_fault_is_refused_with_those_of_its_row() -> None:
    with pytest.raises(NotFound, match=r"there is no fault '13-mysql'; expected one of 13-postgres-killed"):
        fault_named("13-mysql")
