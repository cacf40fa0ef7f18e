"""`copydesk bench analytics`: the two ways agree, and a small desk is measured from trades to the board."""

from __future__ import annotations

import os
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from copydesk.bench.analytics import AnalyticsPlan, in_a_process, run_analytics
from copydesk.bench.analytics_ways import FILTERS, WAYS
from copydesk.bench.bars import ANALYTICS_BARS, verdicts
from copydesk.bench.crowd import BRAND
from copydesk.bootstrap import Runtime
from copydesk.cli import run
from copydesk.performance.board import Sort

SMALL = AnalyticsPlan(
    trades=160,
    strategies=2,
    days=3,
    fold_trades=200,
    fold_days=12,
    rounds=2,
    plain_rounds=1,
    follows=3,
    listed=30,
    samples=5,
    board_rounds=1,
)


def test_arrays_and_plain_loops_come_to_the_same_figures_in_a_process_of_its_own() -> None:
    found = in_a_process(os.environ, "fold", SMALL)
    assert (found["fold_trades"], found["fold_rounds"]) == (200, 2)
    assert found["plain_figures_agree"] >= 25
    assert found["fold_points"] > 200


def test_a_small_desk_is_measured_from_trades_to_the_board(shipped_brands: Path, owner_url: str) -> None:
    with closing(Runtime()) as runtime:
        tenant_id = runtime.tenant_ids[BRAND]

    def measure(way: str, plan: AnalyticsPlan) -> dict[str, Any]:
        return {} if way == "fold" else WAYS[way](plan)

    found = run_analytics(SMALL, measure, owner_url, tenant_id, lambda _line: None)
    assert (found["rebuild_strategies"], found["follows"], found["board_strategies"]) == (2, 3, 30)
    assert found["board_queries"] >= len(Sort) * len(FILTERS)
    assert {bar.figure for bar in ANALYTICS_BARS} <= found.keys() | {"fold_p99_ms"}
    assert not SMALL.full and verdicts(found, ANALYTICS_BARS)


@pytest.mark.parametrize("words", (["--trades", "100", "--strategies", "10"], ["--listed", "0"]))
def test_what_cannot_be_measured_is_refused(words: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["bench", "analytics", *words]) in {1, 2}
    assert "expected" in (said := capsys.readouterr().err) or "Invalid value" in said
