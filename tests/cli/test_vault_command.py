"""`copydesk vault` on a real database: what it says, what it turns, and when it exits 1."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import psycopg
import pytest
from copydesk.bootstrap import Runtime
from copydesk.cli import run
from copydesk.identity import Role, User
from copydesk.vault import FileKeyStore, FileSecretStore, NewAccount, add_account

SECRET = "canary-secret-of-aurora"


@pytest.fixture
def account(shipped_brands: Path, owner_url: str) -> int:
    """An account of aurora with a sealed key, in an installation whose keys are new."""
    with psycopg.connect(owner_url) as connection:
        connection.execute("TRUNCATE data_key, installation_key, account, user_account CASCADE")
    runtime = Runtime()
    try:
        tenant_id = runtime.tenant_ids["aurora"]
        with runtime.db.tenant(tenant_id) as session:
            user = User(tenant_id=tenant_id, email="a@x.invalid", display_name="A", role=Role.FOLLOWER)
            session.add(user)
            session.flush()
            new = NewAccount(user.id, "okx", "lab", "mine", "okx-lab:0", "api-key", SECRET, "pass")
            return add_account(session, runtime.vault, new)
    finally:
        runtime.close()


def told(capsys: pytest.CaptureFixture[str], *words: str, code: int = 0) -> dict[str, Any]:
    assert run(["vault", *words, "--json"]) == code
    return dict(json.loads(capsys.readouterr().out.splitlines()[-1]))


def opened(account: int) -> str:
    """Open the account's key as a role that has just started."""
    runtime = Runtime()
    try:
        return runtime.keys.credentials(runtime.tenant_ids["aurora"], [account])[account].secret
    finally:
        runtime.close()


def test_status_says_where_everything_lies_and_shows_no_key(
    account: int, shipped_brands: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    found = told(capsys, "status")
    exchange = next(one for one in found["masters"] if one["purpose"] == "exchange")
    assert (found["provider"], exchange["version"], exchange["wrapped"], exchange["older"]) == ("file", 1, 1, 0)
    assert {"tenant": "aurora", "purpose": "exchange", "version": 1, "values": 3, "older": 0} in found["brands"]
    assert {"tenant": "boreal", "purpose": "identity", "version": 0, "values": 0, "older": 0} in found["brands"]
    assert run(["vault", "status"]) == 0
    said = capsys.readouterr().out
    assert "aurora exchange: data key 1; 3 values, 0 under older keys" in said
    key = (shipped_brands / "var" / "key").read_text().split(":")[1].strip()
    assert key not in said


def test_data_keys_of_one_brand_are_turned(account: int, capsys: pytest.CaptureFixture[str]) -> None:
    assert told(capsys, "rotate-data-keys", "--tenant", "aurora") == {
        "brands": [{"tenant": "aurora", "moved": 3, "broken": 0}]
    }
    assert opened(account) == SECRET
    assert told(capsys, "rotate-data-keys", "--tenant", "aurora", "--resume")["brands"][0]["moved"] == 0


def test_every_brands_data_keys_are_turned_and_the_intakes_pair(
    account: int, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(["vault", "rotate-data-keys", "--all"]) == 0
    said = capsys.readouterr()
    assert "aurora: 3 values sealed anew" in said.out
    assert "new exchange keys are sealed to pair 1" in said.err + said.out
    assert opened(account) == SECRET


def test_the_master_keys_are_turned_and_older_ones_dropped(
    account: int, shipped_brands: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    done = told(capsys, "rotate-master")
    assert (done["moved"], done["broken"], done["versions"]["exchange"]) == (1, 0, 2)
    assert opened(account) == SECRET
    assert told(capsys, "rotate-master", "--drop-older")["dropped"]["exchange"] == [1, 2]
    assert (shipped_brands / "var" / "key").read_text().startswith("copydesk-key-3:")
    assert opened(account) == SECRET


def test_secrets_of_an_older_installation_come_under_the_pages_master(
    account: int, shipped_brands: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    var = shipped_brands / "var"
    FileSecretStore(var / "secrets", FileKeyStore(var / "key")).set("aurora", "smtp_password", "hunter2")
    FileKeyStore(var / "web" / "key").turn()
    assert told(capsys, "rotate-master")["broken"] == 0
    assert (
        FileSecretStore(var / "secrets", FileKeyStore(var / "web" / "key")).get("aurora", "smtp_password") == "hunter2"
    )


def test_a_value_that_does_not_open_makes_it_exit_1(
    account: int, owner_url: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with psycopg.connect(owner_url) as connection:
        connection.execute("UPDATE account SET sealed_key = sealed_secret")
    assert told(capsys, "rotate-data-keys", "--tenant", "aurora", code=1)["brands"][0]["broken"] == 1


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["rotate-data-keys"], "expected --tenant or --all, one of them"),
        (["rotate-data-keys", "--all", "--tenant", "aurora"], "expected --tenant or --all, one of them"),
        (["rotate-data-keys", "--tenant", "nobody"], "there is no brand nobody"),
        (["rotate-master", "--from", "file"], "expected vault.provider: transit"),
    ],
)
def test_what_cannot_be_is_said(
    shipped_brands: Path, capsys: pytest.CaptureFixture[str], words: list[str], said: str
) -> None:
    assert run(["vault", *words]) == 1
    assert said in capsys.readouterr().err
