"""`copydesk tenant export` and `import`: what they say, and when they exit 1."""

from __future__ import annotations

import io
import json
import sys
from pathlib import Path
from typing import Any

import pytest
from copydesk.audit import OPERATOR, record
from copydesk.bootstrap import Runtime
from copydesk.cli import run
from copydesk.kernel import utc_now
from copydesk.tenancy import TENANT_FILE

PASSPHRASE = "twelve letters and more"


@pytest.fixture
def house(shipped_brands: Path, owner_url: str, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The shipped brands, each with a line in its record, and the passphrase in a file."""
    monkeypatch.setenv("DATABASE_OWNER_URL", owner_url)
    for theme in ("aurora", "obsidian"):
        (shipped_brands / "themes" / theme).mkdir(exist_ok=True)
    runtime = Runtime()
    try:
        for tenant_id in runtime.tenant_ids.values():
            with runtime.db.tenant(tenant_id) as session:
                record(session, tenant_id, OPERATOR, "limit.set", "user:1", at=utc_now())
    finally:
        runtime.close()
    (shipped_brands / "passphrase.txt").write_text(f"{PASSPHRASE}\n")
    return shipped_brands


def told(capsys: pytest.CaptureFixture[str], *words: str, code: int = 0) -> dict[str, Any]:
    assert run(["tenant", *words, "--passphrase-file", "passphrase.txt", "--json"]) == code
    return dict(json.loads(capsys.readouterr().out.splitlines()[-1]))


def test_a_brand_leaves_and_arrives_and_a_second_arrival_is_nothing(
    house: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    packed = told(capsys, "export", "aurora")
    assert (packed["file"], packed["tenant"], packed["audit"]["seq"] > 0) == ("aurora.parcel", "aurora", True)
    assert packed["bytes"] == (house / "aurora.parcel").stat().st_size
    where = ("import", "aurora.parcel", "--slug", "dawn", "--host", "dawn.localhost")
    rehearsed = told(capsys, *where, "--dry-run")
    assert (rehearsed["fresh"], rehearsed["dry_run"], (house / "tenants" / "dawn").exists()) == (True, True, False)
    arrived = told(capsys, *where)
    assert (arrived["tenant"], arrived["fresh"], arrived["broken"]) == ("dawn", True, 0)
    assert "hosts: [dawn.localhost]" in (house / "tenants" / "dawn" / TENANT_FILE).read_text()
    assert run(["tenant", *where, "--passphrase-file", "passphrase.txt"]) == 0
    assert "dawn came from this parcel already; nothing to do" in capsys.readouterr().out


def test_an_export_can_be_rehearsed_and_overwrites_nothing(house: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert told(capsys, "export", "boreal", "--to", "b.parcel", "--dry-run")["file"] == "b.parcel"
    assert not (house / "b.parcel").exists()
    (house / "b.parcel").write_text("mine")
    assert run(["tenant", "export", "boreal", "--to", "b.parcel", "--passphrase-file", "passphrase.txt"]) == 1
    assert "b.parcel exists already" in capsys.readouterr().err
    assert (house / "b.parcel").read_text() == "mine"


def test_a_passphrase_comes_from_standard_input_too(
    house: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "stdin", io.StringIO(f"{PASSPHRASE}\n"))
    assert run(["tenant", "export", "boreal", "--to", "piped.parcel"]) == 0
    monkeypatch.setattr(sys, "stdin", io.StringIO("another passphrase\n"))
    assert run(["tenant", "import", "piped.parcel", "--slug", "b2"]) == 1
    assert "the passphrase does not open this parcel" in capsys.readouterr().err
    monkeypatch.setattr(sys, "stdin", io.StringIO(""))
    assert run(["tenant", "import", "piped.parcel", "--slug", "b2"]) == 1
    assert "expected a passphrase" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["export", "nobody"], "there is no brand nobody"),
        (["import", "nothing.parcel"], "there is no file nothing.parcel"),
        (["import", "passphrase.txt"], "this is no parcel"),
    ],
)
def test_what_cannot_be_is_one_sentence(
    house: Path, capsys: pytest.CaptureFixture[str], words: list[str], said: str
) -> None:
    assert run(["tenant", *words, "--passphrase-file", "passphrase.txt"]) == 1
    assert said in capsys.readouterr().err


def test_unpacking_needs_the_schemas_owner(
    house: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("DATABASE_OWNER_URL")
    assert run(["tenant", "import", "x.parcel", "--passphrase-file", "passphrase.txt"]) == 1
    assert "DATABASE_OWNER_URL is not set" in capsys.readouterr().err
    assert run(["tenant", "export", "aurora", "--to", "again.parcel", "--passphrase-file", "passphrase.txt"]) == 0


def test_addresses_of_servers_may_be_in_files(
    house: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, database_url: str
) -> None:
    (house / "url").write_text(f"{database_url}\n")
    monkeypatch.delenv("DATABASE_URL")
    monkeypatch.setenv("DATABASE_URL_FILE", str(house / "url"))
    assert run(["audit", "list", "--tenant", "aurora"]) == 0
    monkeypatch.delenv("DATABASE_URL")
    (house / "url").write_text(" ")
    assert run(["audit", "list", "--tenant", "aurora"]) == 1
    assert "is empty, expected an address" in capsys.readouterr().err
    monkeypatch.setenv("DATABASE_URL_FILE", str(house / "nothing"))
    assert run(["audit", "list", "--tenant", "aurora"]) == 1
    assert "No such file or directory" in capsys.readouterr().err
