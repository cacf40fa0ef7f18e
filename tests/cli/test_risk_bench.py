"""`copydesk bench risk` on a small scale: three ways name as many suspects, and figures come out for each."""

from __future__ import annotations

import json

import pytest
from copydesk.bench.bars import RISK_BARS, verdicts
from copydesk.cli import run


def test_the_risk_engine_is_measured_beside_polars_and_plain_python(capsys: pytest.CaptureFixture[str]) -> None:
    words = ["--positions", "20000", "--accounts", "2000", "--sweeps", "3", "--ticks", "20", "--no-breach", "--json"]
    assert run(["bench", "risk", *words]) == 0
    figures = json.loads(capsys.readouterr().out)
    assert (figures["positions"], figures["accounts"], figures["suspects"]) == (20_000, 2_000, 2)
    times = [name for name in figures if name.endswith("_ms")]
    assert {"sweep_p50_ms", "sweep_p99_ms", "tick_p99_ms", "polars_sweep_p50_ms", "python_sweep_p50_ms"} <= set(times)
    assert all(figures[name] > 0 for name in (*times, "peak_mb"))
    assert figures["bars"] == []


def test_more_positions_than_instruments_of_each_account_are_refused(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["bench", "risk", "--positions", "1000", "--accounts", "3", "--no-plain", "--no-breach"]) != 0
    assert "positions: expected 1 to 300 for each of 3 accounts, found 1,000" in capsys.readouterr().err


def test_a_figure_of_the_risk_engine_is_held_against_its_bar() -> None:
    found = {one.figure: one.met for one in verdicts({"sweep_p99_ms": 25.0, "tick_p99_ms": 1.001}, RISK_BARS)}
    assert found == {"sweep_p99_ms": True, "tick_p99_ms": False}
