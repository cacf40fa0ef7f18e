"""`copydesk audit` on a real database: what it lists, signs and exports, and what it finds in a file alone."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from copydesk.audit import Actor, ActorKind, record
from copydesk.bootstrap import Runtime
from copydesk.cli import run
from copydesk.workers.witness import SIGN_EVERY, Witness

AT = datetime(2026, 5, 4, 12, tzinfo=UTC)
ACTS = ("session.started", "key.connected", "key.revoked", "staff.granted")


@dataclass
class Desk:
    """Two brands in the current folder, one with a short record."""

    capsys: pytest.CaptureFixture[str]
    runtime: Runtime

    def said(self, *argv: str, code: int = 0) -> str:
        assert run(argv) == code
        caught = self.capsys.readouterr()
        return caught.err if code and not caught.out else caught.out

    def json(self, *argv: str, code: int = 0) -> Any:
        return json.loads(self.said(*argv, "--json", code=code).splitlines()[-1])

    def write(self, slug: str, *acts: str) -> None:
        tenant_id = self.runtime.tenant_ids[slug]
        actor = Actor(ActorKind.USER, 17, 4, "203.0.113.9")
        with self.runtime.db.tenant(tenant_id) as session:
            for act in acts:
                record(session, tenant_id, actor, act, "account:3", at=AT)


@pytest.fixture
def desk(shipped_brands: Path, capsys: pytest.CaptureFixture[str]) -> Iterator[Desk]:
    runtime = Runtime()
    yield Desk(capsys, runtime)
    runtime.close()


@pytest.fixture
def exported(desk: Desk, tmp_path: Path) -> Path:
    """The record of aurora in a file, beside the public key."""
    desk.write("aurora", *ACTS)
    desk.said("audit", "export", "--tenant", "aurora", "--out", "aurora.jsonl")
    (tmp_path / "public.txt").write_text(desk.said("audit", "key"))
    return tmp_path / "aurora.jsonl"


def test_a_list_shows_the_newest_first_and_is_narrowed_by_kind(desk: Desk) -> None:
    desk.write("boreal", *ACTS)
    lines = desk.said("audit", "list", "--tenant", "boreal", "--limit", "2").splitlines()
    assert lines == [
        "4 2026-05-04 12:00:00 UTC user 17 session 4 203.0.113.9 staff.granted account:3",
        "3 2026-05-04 12:00:00 UTC user 17 session 4 203.0.113.9 key.revoked account:3",
    ]
    narrowed = desk.json("audit", "list", "--tenant", "boreal", "--act", "key.")
    assert [entry["act"] for entry in narrowed["entries"]] == ["key.revoked", "key.connected"]


def test_an_export_is_for_its_owner_only_and_verifies_without_a_database(
    desk: Desk, exported: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert exported.stat().st_mode & 0o777 == 0o600
    for name in ("DATABASE_URL", "REDIS_URL"):
        monkeypatch.delenv(name)
    report = desk.json("audit", "verify", str(exported), "--key", "public.txt")
    assert report["ok"] is True
    assert (report["tenant"], report["findings"]) == ("aurora", [])
    text = (exported.parent / "public.txt").read_text().strip()
    assert "every line is as it was written" in desk.said("audit", "verify", str(exported), "--key", text)


def test_an_edited_line_is_named_and_the_command_fails(desk: Desk, exported: Path) -> None:
    lines = exported.read_bytes().splitlines(keepends=True)
    last = json.loads(lines[-2])["seq"]
    exported.write_bytes(b"".join([*lines[:-2], lines[-2].replace(b"account:3", b"account:4"), lines[-1]]))
    said = desk.said("audit", "verify", str(exported), "--key", "public.txt", code=1)
    assert f"line {len(lines) - 1}: entry {last} was edited" in said
    report = desk.json("audit", "verify", str(exported), "--key", "public.txt", code=1)
    assert [(one["problem"], one["seq"]) for one in report["findings"]] == [("edited", last)]


@pytest.mark.parametrize(
    ("key", "says"), [("nonsense", "expected a public key as copydesk-audit-public-1:"), ("empty.txt", "an empty file")]
)
def test_a_key_that_is_none_is_refused_in_one_sentence(desk: Desk, exported: Path, key: str, says: str) -> None:
    (exported.parent / "empty.txt").touch()
    assert says in desk.said("audit", "verify", str(exported), "--key", key, code=1)


def test_a_checkpoint_is_signed_on_demand_and_by_the_relay_every_hour(desk: Desk) -> None:
    desk.write("aurora", "session.started")
    made = desk.json("audit", "checkpoint", "--tenant", "aurora")["checkpoints"]["aurora"]
    assert desk.json("audit", "checkpoint")["checkpoints"]["aurora"] is None
    witness, now = Witness(desk.runtime), datetime.now(UTC)
    desk.write("aurora", "session.ended")
    assert witness.sign_if_due(now) == 0
    assert witness.sign_if_due(now + SIGN_EVERY) >= 1
    desk.write("aurora", "session.started")
    assert witness.sign_if_due(now + SIGN_EVERY + timedelta(minutes=59)) == 0
    again = desk.json("audit", "checkpoint", "--tenant", "aurora")["checkpoints"]["aurora"]
    assert (again["number"], again["seq"]) == (made["number"] + 2, made["seq"] + 2)


def test_switches_and_limits_stand_in_the_record_of_every_brand_that_they_concern(desk: Desk) -> None:
    by = ("--reason", "drill", "--by", "Mara", "--yes")
    number = desk.json("risk", "switch", "on", "--tenant", "boreal", "--all", *by)["switch"]["id"]
    desk.said("risk", "switch", "off", str(number), "--tenant", "boreal", "--by", "Mara")
    whole = desk.json("risk", "switch", "on", "--platform", "--all", *by)["switch"]["id"]
    desk.said("risk", "switch", "off", str(whole), "--platform", "--by", "Omar")
    desk.said("risk", "limits", "set", "--tenant", "boreal", "--by", "Mara", "drawdown > 20 % of equity -> block_opens")
    told = desk.json("audit", "list", "--tenant", "boreal", "--limit", "5")["entries"]
    said = [(one["act"], one["after"]["by"], one["after"].get("whose")) for one in reversed(told)]
    assert said == [
        ("switch.thrown", "Mara", "brand"),
        ("switch.lifted", "Mara", "brand"),
        ("switch.thrown", "Mara", "platform"),
        ("switch.lifted", "Omar", "platform"),
        ("limit.set", "Mara", None),
    ]
    (beside, _) = desk.json("audit", "list", "--tenant", "aurora", "--act", "switch.")["entries"]
    assert (beside["act"], beside["subject"]) == ("switch.lifted", f"switch:{whole}")


def test_a_key_that_cannot_be_used_stops_no_relay(desk: Desk, tmp_path: Path) -> None:
    desk.write("aurora", "session.started")
    (tmp_path / "var" / "audit").mkdir(parents=True)
    (tmp_path / "var" / "audit" / "key").write_text("nonsense")
    assert Witness(desk.runtime).sign_if_due(datetime.now(UTC) + SIGN_EVERY) == 0


def test_links_to_the_risk_desk_stand_in_the_record_without_their_secret(desk: Desk) -> None:
    url = desk.json("risk", "link", "--tenant", "boreal")["url"]
    desk.said("risk", "link", "--end-all")
    ended, made = desk.json("audit", "list", "--tenant", "boreal", "--limit", "2")["entries"]
    assert (made["act"], made["after"]["permission"], ended["act"]) == ("link.made", "risk:read", "links.ended")
    assert url.partition("token=")[2] not in json.dumps(made)


def test_an_export_to_standard_output_leaves_no_room_for_json(desk: Desk) -> None:
    said = desk.said("audit", "export", "--tenant", "aurora", "--out", "-", "--json", code=1)
    assert "give --out a file" in said


def test_a_brand_that_does_not_exist_is_named(desk: Desk) -> None:
    assert "there is no brand nobody" in desk.said("audit", "list", "--tenant", "nobody", code=1)
