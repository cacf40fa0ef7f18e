"""`copydesk tenant doctor` on a real database and Redis: what it finds of a brand, and when it exits 1."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest
from copydesk.audit import OPERATOR, record
from copydesk.bootstrap import Runtime
from copydesk.bootstrap.beat import ConfigBeat
from copydesk.cli import run
from copydesk.identity import Role, User
from copydesk.identity.access.tables import StaffGrant
from copydesk.identity.invitations import Invitation, invite
from copydesk.kernel import utc_now
from copydesk.vault import NewAccount, add_account

PROJECT = Path(__file__).parents[2]
# What needs the outside, or is another test's.
HERE = "hosts,tls,vault,secrets,lanes,owner,languages,legal,record,database,redis,colors,logo,roles,brokers"


@pytest.fixture
def runtime(shipped_brands: Path) -> Iterator[Runtime]:
    shutil.rmtree(shipped_brands / "themes")
    shutil.copytree(PROJECT / "themes", shipped_brands / "themes", ignore=shutil.ignore_patterns("static", "templates"))
    (shipped_brands / "var").mkdir()
    runtime = Runtime()
    yield runtime
    runtime.close()


def told(capsys: pytest.CaptureFixture[str], *words: str, code: int) -> dict[str, list[tuple[str, str]]]:
    """Return the levels and findings by check."""
    assert run(["tenant", "doctor", *words, "--json"]) == code
    found: dict[str, list[tuple[str, str]]] = {}
    for one in json.loads(capsys.readouterr().out.splitlines()[-1])["checks"]:
        found.setdefault(one["check"], []).append((one["level"], one["found"]))
    return found


def test_a_fresh_brand_lacks_an_owner_and_roles_and_is_told_what_to_do(
    runtime: Runtime, capsys: pytest.CaptureFixture[str]
) -> None:
    found = told(capsys, "aurora", "--only", HERE, code=1)
    assert found["owner"] == [("fail", "nobody looks after the brand")]
    assert found["roles"] == [("fail", "none is running")]
    assert found["legal"][0][0] == "warn"
    passing = ("hosts", "vault", "secrets", "lanes", "languages", "record", "database", "redis", "logo")
    assert {name: {level for level, _ in found[name]} for name in passing} == {name: {"pass"} for name in passing}
    assert found["tls"] == [("skip", "plain HTTP on this machine")]


def owner_of(runtime: Runtime, tenant_id: int, email: str) -> None:
    with runtime.db.tenant(tenant_id) as session:
        user = User(tenant_id=tenant_id, email=email, display_name="O", role=Role.STAFF, status="active")
        session.add(user)
        session.flush()
        session.add(StaffGrant(tenant_id=tenant_id, user_id=user.id, role="owner", at=utc_now()))


def test_an_owner_is_awaited_then_wants_a_second_factor(runtime: Runtime, capsys: pytest.CaptureFixture[str]) -> None:
    tenant_id = runtime.tenant_ids["boreal"]
    with runtime.db.tenant(tenant_id) as session:
        invitation = Invitation("mara@boreal.test", Role.STAFF, ("owner",))
        invite(session, runtime.identity_vault, invitation, actor=OPERATOR, at=utc_now())
    found = told(capsys, "boreal", "--only", "owner", code=0)
    assert found["owner"] == [("warn", "mara@boreal.test is invited and has not come")]
    owner_of(runtime, tenant_id, "mara@boreal.test")
    found = told(capsys, "boreal", "--only", "owner", code=1)
    assert found["owner"] == [("fail", "mara@boreal.test has no second factor")]


def test_a_record_that_was_changed_is_found(
    runtime: Runtime, owner_url: str, shipped_brands: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    tenant_id = runtime.tenant_ids["aurora"]
    with runtime.db.tenant(tenant_id) as session:
        for number in range(3):
            record(session, tenant_id, OPERATOR, "limit.set", f"user:{number}", at=utc_now())
    assert told(capsys, "aurora", "--only", "record", code=0)["record"][0][0] == "pass"
    with psycopg.connect(owner_url) as connection:
        connection.execute("UPDATE audit_entry SET subject = 'user:9' WHERE tenant_id = %s AND seq = 2", [tenant_id])
    level, said = told(capsys, "aurora", "--only", "record", code=1)["record"][0]
    assert (level, "entry 2 does not follow entry 1" in said) == ("fail", True)
    assert not (shipped_brands / "var" / "audit" / "key").exists()
    # Where this installation signs, what it signed is looked at besides.
    assert runtime.notary.public
    level, said = told(capsys, "aurora", "--only", "record", code=1)["record"][0]
    assert (level, "entry 2 was edited" in said) == ("fail", True)


def test_a_key_file_that_is_gone_and_a_database_that_is_away_are_failures_not_tracebacks(
    runtime: Runtime, shipped_brands: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    tenant_id = runtime.tenant_ids["aurora"]
    with runtime.db.tenant(tenant_id) as session:
        user = User(tenant_id=tenant_id, email="k@x.invalid", display_name="K", role=Role.FOLLOWER)
        session.add(user)
        session.flush()
        add_account(session, runtime.vault, NewAccount(user.id, "okx", "lab", "mine", "okx-lab:0", "key", "s", "p"))
    assert told(capsys, "aurora", "--only", "vault", code=0)["vault"][0][0] == "pass"
    (shipped_brands / "var" / "key").unlink()
    level, said = told(capsys, "aurora", "--only", "vault,disk", code=1)["vault"][0]
    assert (level, "is missing" in said) == ("fail", True)


def test_processes_that_go_by_another_configuration_are_named(
    runtime: Runtime, capsys: pytest.CaptureFixture[str]
) -> None:
    ConfigBeat("web", lambda: runtime.redis).tell(runtime.directory.revision_hash)
    found = told(capsys, "aurora", "--only", "roles", code=0)["roles"]
    assert ("pass" in {level for level, _ in found}, "fail" in {level for level, _ in found}) == (True, False)
    ConfigBeat("live", lambda: runtime.redis).tell("0123456789ab")
    found = told(capsys, "aurora", "--only", "roles", code=1)["roles"]
    assert any(level == "fail" and "0123456789ab" in said for level, said in found)


def test_a_file_that_is_wrong_is_told_of_though_its_brand_is_not_served(
    runtime: Runtime, shipped_brands: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (shipped_brands / "tenants" / "aurora" / "tenant.yaml").write_text("schema: 2\nbrand: 7\n")
    assert run(["tenant", "doctor", "--all", "--only", "hosts", "--json"]) == 1
    told = json.loads(capsys.readouterr().out.splitlines()[-1])["checks"]
    assert {(one["tenant"], one["level"]) for one in told if one["check"] == "file"} == {("aurora", "fail")}


def test_all_brands_are_asked_about_and_the_installation_once(
    runtime: Runtime, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(["tenant", "doctor", "--all", "--only", "hosts,database,redis", "--json"]) == 0
    out = json.loads(capsys.readouterr().out.splitlines()[-1])
    counted: dict[str, int] = {}
    for one in out["checks"]:
        counted[one["check"]] = counted.get(one["check"], 0) + 1
    assert (counted["hosts"], counted["database"], counted["redis"]) == (2, 1, 1)
    assert {one["tenant"] for one in out["checks"]} == {"aurora", "boreal"}
    assert run(["tenant", "doctor", "--all", "--only", "hosts,tls", "--problems"]) == 0
    assert "aurora.localhost" not in capsys.readouterr().out


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["nobody"], "there is no brand nobody"),
        ([], "expected a brand or --all"),
        (["aurora", "--all"], "expected a brand or --all"),
        (["aurora", "--only", "weather"], "unknown check 'weather'"),
    ],
)
def test_what_is_asked_wrongly_is_one_sentence(
    runtime: Runtime, capsys: pytest.CaptureFixture[str], words: list[str], said: str
) -> None:
    assert run(["tenant", "doctor", *words]) == 1
    assert said in capsys.readouterr().err
