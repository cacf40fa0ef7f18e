"""`copydesk subscriptions` with a real database, a real Redis and the simulated exchange."""

from __future__ import annotations

import json
import shutil
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import Any

import psycopg
import pytest
from copydesk.bootstrap import Runtime
from copydesk.cli import run
from copydesk.identity import Role, User
from copydesk.kernel import utc_now
from copydesk.replication import Leader, LeaderState, NewStrategy, add_strategy, record_equity, store_trades
from copydesk.trading import OrderType, Side
from copydesk.vault import NewAccount, add_account
from copydesk.venues import LeaderTrade
from venue_lab import LabProcess

ROOT = Path(__file__).parents[3]
D = Decimal


@dataclass
class Desk:
    """A brand with a leader who holds 0.4 BTC, bought at 60,000, and a follower's account."""

    strategy: str
    leader: int
    follower: int
    owner_url: str

    def rows(self, query: str) -> list[tuple[Any, ...]]:
        with psycopg.connect(self.owner_url) as connection:
            return connection.execute(query).fetchall()


@pytest.fixture(scope="module")
def var(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A data folder for as long as the database: the key in it opens what is sealed there."""
    return tmp_path_factory.mktemp("var")


@pytest.fixture
def desk(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    database_url: str,
    owner_url: str,
    redis_url: str,
    lab: LabProcess,
    var: Path,
) -> Desk:
    for name in ("tenants", "config"):
        shutil.copytree(ROOT / name, tmp_path / name)
    for slug in ("aurora", "boreal"):
        (tmp_path / "themes" / slug).mkdir(parents=True)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("DATABASE_URL", database_url)
    monkeypatch.setenv("REDIS_URL", redis_url)
    monkeypatch.setenv("COPYDESK_VAR", str(var))
    monkeypatch.setenv("COPYDESK_LAB_REST", f"http://127.0.0.1:{lab.rest_port}")
    runtime = Runtime()
    try:
        return seeded(runtime, lab, owner_url)
    finally:
        runtime.close()


def seeded(runtime: Runtime, lab: LabProcess, owner_url: str) -> Desk:
    tenant_id = runtime.tenant_ids["aurora"]
    keys = [lab.account(permissions=("read", "trade", "perp"), ips=("127.0.0.1",)).credentials for _ in range(2)]
    with runtime.db.tenant(tenant_id) as session:
        user = User(tenant_id=tenant_id, email=f"{keys[0].api_key[:8]}@x.invalid", display_name="T", role=Role.TRADER)
        session.add(user)
        session.flush()
        leads, follows = (
            add_account(
                session,
                runtime.vault,
                NewAccount(user.id, "binance", "lab", name, "binance-lab:0", key.api_key, key.secret),
            )
            for name, key in zip(("leads", "follows"), keys, strict=True)
        )
        slug = f"steady-{leads}"
        strategy = add_strategy(session, NewStrategy(user.id, leads, slug, "Steady", "One sentence."))
        leader, now = Leader(tenant_id, strategy, leads, utc_now()), utc_now()
        trade = LeaderTrade(
            "1", "1", "", "BTC/USDT", Side.BUY, OrderType.MARKET, D("0.4"), D(60_000), D(0), "USDT", 1_000
        )
        store_trades(session, leader, [trade], state=LeaderState(D(100_000)), seen_at=now)
        record_equity(session, leader, at=now, equity=D(100_000))
    return Desk(slug, leads, follows, owner_url)


def said(capsys: pytest.CaptureFixture[str]) -> Any:
    return json.loads(capsys.readouterr().out.splitlines()[-1])


def asked(desk: Desk, what: str, *more: str, account: int | None = None) -> list[str]:
    follower = desk.follower if account is None else account
    terms = ["--strategy", desk.strategy, "--account", str(follower), "--allocation", "1000"]
    return ["subscriptions", what, "--tenant", "aurora", *terms, *more, "--json"]


def test_a_preview_shows_what_joining_costs_and_changes_nothing(desk: Desk, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(asked(desk, "preview", "--join", "at_market")) == 0
    found = said(capsys)
    assert (found["ok"], found["against"]) == (True, [])
    (line,) = found["joining"]
    assert (line["symbol"], line["side"], D(line["qty"])) == ("BTC/USDT", "buy", D("0.004"))
    assert D(239) < D(line["notional"]) < D(241)
    assert desk.rows(f"SELECT count(*) FROM subscription WHERE account_id = {desk.follower}") == [(0,)]


def test_a_leaders_own_account_is_refused_with_a_reason(desk: Desk, capsys: pytest.CaptureFixture[str]) -> None:
    for what in ("preview", "start"):
        assert run(asked(desk, what, account=desk.leader)) == 1
        assert [reason["reason"] for reason in said(capsys)["against"]] == ["self_copy"]


def test_a_subscription_is_begun_paused_resumed_and_ended(desk: Desk, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(asked(desk, "start", "--join", "at_market")) == 0
    number = str(said(capsys)["subscription_id"])
    here = ["--tenant", "aurora", "--json"]
    for act in ("pause", "resume"):
        assert run(["subscriptions", act, number, *here]) == 0
    assert run(["subscriptions", "resume", number, *here]) == 1
    capsys.readouterr()
    assert run(["subscriptions", "list", "--strategy", desk.strategy, *here]) == 0
    (line,) = said(capsys)["subscriptions"]
    assert (line["state"], line["join_mode"], line["account_id"]) == ("synced", "at_market", desk.follower)
    assert [(one["symbol"], one["state"]) for one in line["joining"]] == [("BTC/USDT", "waiting")]
    assert run(["subscriptions", "end", number, "--mode", "hand_over", *here]) == 0
    assert desk.rows(f"SELECT state, end_mode FROM subscription WHERE id = {number}") == [("ending", "hand_over")]
    assert desk.rows(f"SELECT count(*) FROM account WHERE uid_hash IS NOT NULL AND id = {desk.follower}") == [(1,)]


def test_an_instrument_that_is_waited_for_is_attached_again(desk: Desk, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(asked(desk, "start", "--join", "wait_until_flat")) == 0
    number = str(said(capsys)["subscription_id"])
    attach = ["subscriptions", "reattach", number, "--tenant", "aurora", "--symbol", "BTC/USDT"]
    assert run(attach) == 0
    assert run(attach) == 1
    assert "is not detached from BTC/USDT net" in capsys.readouterr().err


@pytest.mark.parametrize(
    "argv",
    [
        ["list", "--tenant", "nobody"],
        ["pause", "999999", "--tenant", "aurora"],
        ["end", "999999", "--tenant", "aurora", "--mode", "close_now"],
        ["preview", "--tenant", "aurora", "--strategy", "none", "--account", "1", "--allocation", "5"],
    ],
)
def test_what_is_not_there_is_said_in_one_line(desk: Desk, argv: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["subscriptions", *argv]) == 1
    assert "there is no" in capsys.readouterr().err


@pytest.mark.parametrize("amount", ["0", "-5", "nan", "much"])
def test_an_allocation_that_is_no_amount_is_refused(amount: str, capsys: pytest.CaptureFixture[str]) -> None:
    terms = ["--strategy", "s", "--account", "1", "--allocation", amount]
    assert run(["subscriptions", "preview", "--tenant", "aurora", *terms]) == 2
    assert "expected a number above 0" in capsys.readouterr().err
