"""`copydesk config` knows the panel too, and says so where it cannot be asked."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from copydesk.audit import OPERATOR
from copydesk.bootstrap import Runtime, declared_settings
from copydesk.cli import run
from copydesk.kernel import utc_now
from copydesk.tenancy import declared


@pytest.fixture
def overridden(shipped_brands: Path) -> Path:
    """The shipped brands; aurora's panel has set a name and a fee."""
    assert (shipped_brands / "tenants").is_dir()
    runtime = Runtime()
    try:
        tenant = runtime.directory.by_slug("aurora")
        assert tenant is not None
        with runtime.db.tenant(runtime.tenant_ids["aurora"]) as session:
            if not runtime.settings_desk.overrides(session).revision:
                runtime.settings_desk.change(
                    session,
                    tenant,
                    {"brand.name": "Dawn", "replication.slippage_bps_max": 33},
                    actor=OPERATOR,
                    author="command line",
                    reason="as agreed",
                    at=utc_now(),
                    by_operator=True,
                )
    finally:
        runtime.close()
    return shipped_brands


def explained(capsys: pytest.CaptureFixture[str], key: str) -> dict[str, Any]:
    assert run(["config", "explain", "aurora", key, "--json"]) == 0
    told: dict[str, Any] = json.loads(capsys.readouterr().out.splitlines()[-1])
    return told


def test_explain_names_the_revision_that_the_panel_set(overridden: Path, capsys: pytest.CaptureFixture[str]) -> None:
    told = explained(capsys, "replication.slippage_bps_max")
    assert (told["value"], told["layer"], told["revision"]) == (33, "panel", 1)
    assert told["source"].startswith("panel revision 1 by command line, ")
    assert explained(capsys, "brand.tagline")["layer"] == "tenant file"


def test_explain_without_a_database_says_that_it_read_the_file_only(
    overridden: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, free_port: int
) -> None:
    monkeypatch.setenv("DATABASE_URL", f"postgresql://copydesk_app@127.0.0.1:{free_port}/copydesk")
    assert run(["config", "explain", "aurora", "brand.name"]) == 0
    out, err = capsys.readouterr()
    assert "Aurora" in out
    assert err.startswith("file only: what panels have set is not known: ")
    assert len(err.splitlines()) == 1


def test_the_example_command_prints_every_key(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["config", "example"]) == 0
    printed = capsys.readouterr().out
    names = {one.key.rpartition(".")[2] for one in declared(declared_settings())}
    assert [name for name in names if f"{name}:" not in printed] == []
