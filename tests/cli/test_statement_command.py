"""`copydesk statement` on a real database: each format, what is recorded, and how it refuses."""

from __future__ import annotations

import csv
import io
import json
from pathlib import Path

import pytest
from copydesk.audit import read_entries
from copydesk.bootstrap import Runtime
from copydesk.cli import run
from copydesk.identity import Role, User

FEBRUARY = ("--period", "2026-02")


@pytest.fixture
def person(shipped_brands: Path) -> int:
    """The shipped brands as the current folder, with one follower of aurora."""
    assert shipped_brands.is_dir()
    runtime = Runtime()
    try:
        tenant_id = runtime.tenant_ids["aurora"]
        with runtime.db.tenant(tenant_id) as session:
            known = session.query(User).count()
            user = User(tenant_id=tenant_id, email=f"{known}@b.invalid", display_name="Mara Lind", role=Role.FOLLOWER)
            session.add(user)
            session.flush()
            return int(user.id)
    finally:
        runtime.close()


def argv(person: int, *options: str) -> list[str]:
    return ["statement", "--tenant", "aurora", "--user", str(person), *options]


def recorded(person: int) -> list[object]:
    runtime = Runtime()
    try:
        tenant_id = runtime.tenant_ids["aurora"]
        with runtime.db.tenant(tenant_id) as session:
            entries = read_entries(session, tenant_id, limit=20, subject=f"user:{person}")
        return [(entry.act, entry.after) for entry in entries]
    finally:
        runtime.close()


def test_a_pdf_goes_into_a_file_and_into_the_record(person: int, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(argv(person, *FEBRUARY, "--out", "february.pdf", "--locale", "ar")) == 0
    written = Path("february.pdf").read_bytes()
    assert written.startswith(b"%PDF-") and b"/Lang (ar)" in written
    assert capsys.readouterr().out == f"february.pdf: 2026-02 of user {person}, {len(written)} bytes\n"
    assert recorded(person) == [("statement.read", {"period": "2026-02", "kind": "pdf"})]


def test_tables_go_to_the_screen(person: int, capfdbinary: pytest.CaptureFixture[bytes]) -> None:
    days = ("--from", "2026-02-01", "--to", "2026-02-14")
    assert run(argv(person, *days, "--format", "summary.csv", "--bom")) == 0
    out = capfdbinary.readouterr().out.decode()
    assert next(csv.reader(io.StringIO(out)))[0] == "\ufeffof"


def test_json_is_the_last_line(person: int, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(argv(person, *FEBRUARY, "--json")) == 0
    told = json.loads(capsys.readouterr().out.splitlines()[-1])
    assert (told["user"], told["name"], told["period"]["name"]) == (person, "Mara Lind", "2026-02")


@pytest.mark.parametrize(
    ("options", "told"),
    [
        (("--period", "2026-13", "--json"), "Expected a year"),
        (("--json",), "Expected --period, or --from and --to."),
        (("--from", "2026-02-02", "--to", "2026-02-01", "--json"), "on or after the first"),
        (("--user", "999", *FEBRUARY, "--json"), "There is no user 999."),
        ((*FEBRUARY, "--out", "none/february.pdf"), "none/february.pdf"),
    ],
)
def test_what_cannot_be_is_one_sentence(
    person: int, capsys: pytest.CaptureFixture[str], options: tuple[str, ...], told: str
) -> None:
    assert run(argv(person, *options)) == 1
    said = capsys.readouterr().err
    assert told in said and said.count("\n") == 1 and "unexpected" not in said


def test_a_pdf_without_a_file_is_a_mistake(person: int, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(argv(person, *FEBRUARY)) == 2
    assert "--out" in capsys.readouterr().err
