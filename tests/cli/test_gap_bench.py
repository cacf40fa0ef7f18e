"""`copydesk bench gap`: hundreds of stops fire while everything else is away, and everybody is closed exactly once."""

from __future__ import annotations

import json

import pytest
from copydesk.cli import run


def test_five_hundred_are_closed_once_with_everything_but_the_risk_role_down(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert run(["bench", "gap", "--followers", "500", "--scenario", "everything", "--json"]) == 0
    (row,) = json.loads(capsys.readouterr().out)["rows"]
    assert (row["scenario"], row["followers"], row["acknowledged"]) == ("everything", 500, 500)
    assert (row["missing"], row["duplicates"], row["over_closed"]) == (0, 0, 0)
    assert row["price_to_ack_ms"] > row["breach_to_ack_ms"] > 0
    assert {bar["figure"] for bar in row["bars"]} == {"price_to_ack_ms", "missing", "duplicates", "over_closed"}


def test_an_unknown_scenario_is_refused_by_name(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["bench", "gap", "--scenario", "earthquake"]) != 0
    assert "'earthquake' is not one of 'undisturbed', 'redis'" in capsys.readouterr().err
