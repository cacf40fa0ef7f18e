"""What a lab refuses of its own operator: no token, and numbers that would stop or drown it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from copydesk.kernel import ConfigError
from copydesk.venues.lab import LabConfig
from lab_process import TOKEN, LabProcess


@pytest.fixture(scope="module")
def account(lab: LabProcess) -> None:
    lab.control("POST", "accounts", account="bounds", balances={})


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({"token": ""}, "lab token: expected a text, found nothing"),
        ({"speed": 100_001.0}, "lab speed: expected a number from 0 to 100000, found 100001.0"),
        ({"speed": float("nan")}, "lab speed: expected a number from 0 to 100000, found nan"),
        ({"rtt_ms": float("inf")}, "lab rtt_ms: expected a number from 0 to 60000, found inf"),
        ({"rtt_ms": -1.0}, "lab rtt_ms: expected a number from 0 to 60000, found -1.0"),
    ],
    ids=str,
)
def test_a_lab_that_could_not_be_run_is_not_configured(change: dict[str, Any], sentence: str, tmp_path: Path) -> None:
    with pytest.raises(ConfigError) as refusal:
        LabConfig(**{"data_dir": tmp_path, "token": TOKEN, **change})
    assert str(refusal.value) == sentence


@pytest.mark.parametrize(
    ("path", "body", "error"),
    [
        ("speed", '{"speed": 100001}', "speed: expected a number from 0 to 100000, found 100001"),
        ("speed", '{"speed": -1}', "speed: expected a number from 0 to 100000, found -1"),
        ("rtt", '{"ms": 60001}', "ms: expected a number from 0 to 60000, found 60001"),
        ("replay", '{"account": "bounds", "count": 1e300}', "count: expected a number from 0 to 1000000, found 1e+300"),
    ],
)
def test_a_control_call_with_a_number_out_of_bounds_changes_nothing(
    lab: LabProcess, account: None, path: str, body: str, error: str
) -> None:
    before = lab.control("GET", "state")
    reply = lab.call("POST", f"/lab/v1/{path}", body, headers={"X-Lab-Token": TOKEN})
    after = lab.control("GET", "state")
    assert (reply.status, reply.body["error"]) == (422, error)
    assert [after[name] for name in ("speed", "rtt_ms")] == [before[name] for name in ("speed", "rtt_ms")]


def test_a_call_without_a_token_is_refused(lab: LabProcess) -> None:
    assert [lab.call("GET", "/lab/v1/state", headers={"X-Lab-Token": word}).status for word in ("", "x")] == [401, 401]
