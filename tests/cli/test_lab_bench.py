"""`copydesk bench lab` on a small scale: every order accepted, nothing left behind, figures for both modes."""

from __future__ import annotations

import json
import os

import pytest
from copydesk.cli import run


def test_the_lab_is_measured_matched_and_light_and_restarted(capsys: pytest.CaptureFixture[str]) -> None:
    cores = os.sched_getaffinity(0)
    words = ["--orders", "1000", "--accounts", "100", "--connections", "8", "--dialect", "okx", "--no-plain", "--json"]
    assert run(["bench", "lab", *words]) == 0
    figures = json.loads(capsys.readouterr().out)
    assert [(row["dialect"], row["mode"], row["orders"]) for row in figures["rows"]] == [
        ("okx", "matched", 1000),
        ("okx", "light", 1000),
    ]
    assert all(row["orders_per_s"] > 0 and row["p99_ms"] >= row["p50_ms"] > 0 for row in figures["rows"])
    assert figures["memory"]["positions_after_restart"] == figures["memory"]["accounts"] == 100
    assert os.sched_getaffinity(0) == cores
