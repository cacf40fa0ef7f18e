"""`copydesk bench keys` on a small scale: opening is measured two ways, and every key is turned and revoked."""

from __future__ import annotations

import json

import pytest
from copydesk.bench.bars import KEY_BARS, verdicts
from copydesk.cli import run


def test_opening_a_key_is_measured_beside_unwrapping_its_data_key(capsys: pytest.CaptureFixture[str]) -> None:
    run(["bench", "keys", "--opens", "300", "--accounts", "0", "--json"])
    figures = json.loads(capsys.readouterr().out)
    assert 0 < figures["open_p50_us"] < figures["plain_open_p50_us"]
    assert [verdict["figure"] for verdict in figures["bars"]] == ["open_p50_us", "open_p99_us"]
    assert "revoke_all_s" not in figures


def test_every_key_of_a_brand_is_turned_and_revoked(capsys: pytest.CaptureFixture[str]) -> None:
    run(["bench", "keys", "--opens", "100", "--accounts", "12", "--json"])
    figures = json.loads(capsys.readouterr().out)
    assert (figures["accounts"], figures["revoked"]) == (12, 12)
    assert all(figures[name] > 0 for name in ("open_all_s", "reseal_all_s", "revoke_all_s"))


def test_figures_of_keys_are_held_against_their_bars() -> None:
    found = {one.figure: one.met for one in verdicts({"open_p50_us": 5.0, "revoke_all_s": 60.1}, KEY_BARS)}
    assert found == {"open_p50_us": True, "revoke_all_s": False}
