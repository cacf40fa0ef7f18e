"""`copydesk keys`: who has which key, and the emergency exit."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from threading import Thread

import pytest
from copydesk.bootstrap import Runtime
from copydesk.cli import run
from copydesk.identity import Role, User
from copydesk.kernel import utc_now
from copydesk.keys.store import keys_of
from copydesk.keys.tables import KeyIntake
from copydesk.vault import NewAccount, add_accounts
from sqlalchemy import select, text

OPENED = "a-key-that-nobody-may-read"
_WAITED_FOR = text("SELECT count(*) FROM pg_locks WHERE NOT granted AND pg_backend_pid() = ANY(pg_blocking_pids(pid))")


@pytest.fixture(scope="module")
def var(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The data directory that belongs to the module's database."""
    return tmp_path_factory.mktemp("var")


@pytest.fixture
def runtime(shipped_brands: Path, var: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Runtime]:
    monkeypatch.setenv("COPYDESK_VAR", str(var))
    runtime = Runtime()
    yield runtime
    runtime.close()


@pytest.fixture
def accounts(runtime: Runtime) -> dict[str, list[int]]:
    """Three keys of one follower on each brand."""
    return {slug: connect(runtime, slug, 3) for slug in ("aurora", "boreal")}


def connect(runtime: Runtime, slug: str, count: int) -> list[int]:
    tenant_id = runtime.tenant_ids[slug]
    with runtime.db.tenant(tenant_id) as session:
        email = f"owner{len(keys_of(session))}@key.example"
        owner = User(tenant_id=tenant_id, email=email, display_name="O", role=Role.FOLLOWER)
        session.add(owner)
        session.flush()
        new = NewAccount(owner.id, "okx", "lab", "Mine", "okx-lab:0", OPENED, OPENED, "phrase")
        return add_accounts(session, runtime.vault, [new] * count)


def test_keys_are_listed_without_any_key(accounts: dict[str, list[int]], capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["keys", "list", "--tenant", "aurora", "--json"]) == 0
    said = capsys.readouterr()
    told = json.loads(said.out.splitlines()[-1])["keys"]
    assert [one["account_id"] for one in told][-3:] == accounts["aurora"]
    assert "not asked about yet" in said.err
    assert OPENED not in said.out + said.err


def test_one_key_is_revoked_and_then_all_and_those_of_the_other_brand_stay(
    runtime: Runtime, accounts: dict[str, list[int]], capsys: pytest.CaptureFixture[str]
) -> None:
    first, *others = accounts["aurora"]
    assert run(["keys", "revoke", "--tenant", "aurora", "--account", str(first), "--json"]) == 0
    told = json.loads(capsys.readouterr().out.splitlines()[-1])
    assert (told["destroyed"], told["accounts"], told["told"]) == (1, [first], 1)
    held = runtime.keys.credentials(runtime.tenant_ids["aurora"], [first, *others])
    assert set(held) == set(others)
    assert run(["keys", "revoke", "--tenant", "aurora", "--all", "--reason", "drill", "--yes", "--json"]) == 0
    told = json.loads(capsys.readouterr().out.splitlines()[-1])
    assert set(others) <= set(told["accounts"]) and first not in told["accounts"]
    assert run(["keys", "list", "--tenant", "aurora"]) == 0
    assert "no keys" in capsys.readouterr().err
    boreal = runtime.keys.credentials(runtime.tenant_ids["boreal"], accounts["boreal"])
    assert set(boreal) == set(accounts["boreal"])


def test_a_key_that_is_accepted_while_all_are_revoked_is_destroyed_too(runtime: Runtime) -> None:
    tenant_id = runtime.tenant_ids["aurora"]
    (known,) = connect(runtime, "aurora", 1)
    with runtime.db.tenant(tenant_id) as session:
        owner = next(one.user_id for one in keys_of(session) if one.account_id == known)
        waiting = KeyIntake(tenant_id=tenant_id, user_id=owner, venue="okx", environment="lab", label="New")
        waiting.state, waiting.due_at = "examining", utc_now()
        session.add(waiting)
    revoking = Thread(target=run, args=(["keys", "revoke", "--tenant", "aurora", "--all", "--yes"],))
    with runtime.db.tenant(tenant_id) as session:
        session.scalars(select(KeyIntake).where(KeyIntake.user_id == owner).with_for_update()).one().state = "accepted"
        session.flush()
        revoking.start()
        while not session.execute(_WAITED_FOR).scalar_one():
            assert revoking.is_alive()
        new = NewAccount(owner, "okx", "lab", "New", "okx-lab:0", OPENED, OPENED, "phrase")
        (accepted,) = add_accounts(session, runtime.vault, [new])
    revoking.join()
    assert runtime.keys.credentials(tenant_id, [known, accepted]) == {}


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ([], "expected one of the two"),
        (["--all", "--account", "1"], "expected one of the two"),
        (["--account", "999999"], "no key is connected to account 999999; nothing was revoked"),
    ],
)
def test_what_to_revoke_must_be_said_and_must_be_there(
    runtime: Runtime, capsys: pytest.CaptureFixture[str], options: list[str], said: str
) -> None:
    assert run(["keys", "revoke", "--tenant", "aurora", *options]) == 1
    assert said in capsys.readouterr().err
