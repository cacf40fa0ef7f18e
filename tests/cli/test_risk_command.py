"""`copydesk risk` on a real database: what it shows before, what it does, and how it refuses."""

from __future__ import annotations

import io
import json
from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from copydesk.bootstrap import Runtime
from copydesk.cli import run
from copydesk.db import TenantSession
from copydesk.identity import Role, User
from copydesk.kernel import utc_now
from copydesk.replication import NewStrategy, NewSubscription, add_strategy, subscribe
from copydesk.vault import Account
from sqlalchemy import text

SHARD = "binance-lab:0"
HOLDS = text(
    "INSERT INTO book (tenant_id, subscription_id, symbol, qty, target_qty) "
    "SELECT tenant_id, id, 'BTC/USDT', 0.5, 0.5 FROM subscription WHERE id = :id"
)
THROW = ("risk", "switch", "on", "--tenant", "aurora", "--reason", "drill", "--by", "Mara", "--yes", "--json")


@dataclass
class Desk:
    """Two brands in the current folder; each has a strategy "steady" with one follower who holds half a coin."""

    capsys: pytest.CaptureFixture[str]
    runtime: Runtime
    followers: dict[str, tuple[int, int]]

    def json(self, *argv: str, code: int = 0) -> Any:
        assert run(argv) == code
        return json.loads(self.capsys.readouterr().out.splitlines()[-1])

    def said(self, *argv: str, code: int = 0) -> str:
        assert run(argv) == code
        caught = self.capsys.readouterr()
        return " ".join((caught.err if code else caught.out).split())

    def state(self, brand: str) -> tuple[str, str | None, Decimal]:
        query = text("SELECT s.state, s.state_reason, b.target_qty FROM subscription s JOIN book b "
                     "ON b.tenant_id = s.tenant_id AND b.subscription_id = s.id WHERE s.id = :id")  # fmt: skip
        with self.runtime.db.tenant(self.runtime.tenant_ids[brand]) as session:
            row = session.execute(query, {"id": self.followers[brand][0]}).one()
        return row[0], row[1], row[2]


@pytest.fixture
def desk(shipped_brands: Path, capsys: pytest.CaptureFixture[str]) -> Iterator[Desk]:
    runtime = Runtime()
    try:
        followers = {}
        for brand in ("aurora", "boreal"):
            with runtime.db.tenant(runtime.tenant_ids[brand]) as session:
                followers[brand] = follower(session)
        yield Desk(capsys, runtime, followers)
        lift_all(runtime)
    finally:
        runtime.close()


def follower(session: TenantSession) -> tuple[int, int]:
    """Let a user with half a coin copy a new strategy; return the subscription and the account."""
    tenant_id, name = session.tenant_id, utc_now().isoformat()
    users = [
        User(tenant_id=tenant_id, email=f"{who}-{name}@b.invalid", display_name=who, role=Role.TRADER)
        for who in ("leader", "follower")
    ]
    session.add_all(users)
    session.flush()
    accounts = [
        Account(tenant_id=tenant_id, user_id=user.id, venue="binance", environment="lab", label="one", shard=SHARD)
        for user in users
    ]
    session.add_all(accounts)
    session.flush()
    session.execute(text("UPDATE strategy SET slug = 'older-' || id WHERE slug = 'steady'"))
    session.execute(text("UPDATE subscription SET state = 'ended'"))
    strategy_id = add_strategy(session, NewStrategy(users[0].id, accounts[0].id, "steady", "Steady", "Buys."))
    subscription = subscribe(session, NewSubscription(strategy_id, accounts[1].id, Decimal(1000)))
    session.execute(HOLDS, {"id": subscription})
    return subscription, accounts[1].id


def lift_all(runtime: Runtime) -> None:
    """Lift what a test has thrown: later ones share the database."""
    statement = "UPDATE {} SET lifted_at = now(), lifted_by = 'the test' WHERE lifted_at IS NULL"
    with runtime.db.installation() as session:
        session.execute(text(statement.format("installation_switch")))
    for tenant_id in runtime.tenant_ids.values():
        with runtime.db.tenant(tenant_id) as session:
            session.execute(text(statement.format("risk_switch")))


def test_a_dry_run_shows_whom_it_reaches_and_changes_nothing(desk: Desk) -> None:
    told = desk.json(*THROW, "--all", "--stops", "all", "--dry-run")
    assert (told["ok"], told["dry_run"]) == (True, True)
    shown = told["preview"]
    assert (shown["followers"], shown["subscriptions"], shown["positions"]) == (1, 1, 1)
    (held,) = shown["instruments"]
    assert (held["exchange"], held["symbol"], Decimal(held["long_qty"])) == ("binance-lab", "BTC/USDT", Decimal("0.5"))
    assert (held["notional"], held["slippage_bps"]) == (None, None)
    assert desk.json("risk", "switch", "list", "--json") == {"switches": []}
    assert desk.state("aurora") == ("synced", None, Decimal("0.5"))


def test_what_is_not_known_of_closing_is_said_so(desk: Desk) -> None:
    out = desk.said(*THROW[:-1], "--all", "--dry-run")
    assert "binance-lab BTC/USDT: 1 positions, long 0.5, short 0, worth not known; slippage not known" in out


def test_a_brands_switch_that_closes_disarms_its_followers_and_no_others(desk: Desk) -> None:
    told = desk.json(*THROW, "--all", "--stops", "all")
    assert (told["switch"]["closes"], told["switch"]["reach"], told["switch"]["author"]) == (True, "tenant", "Mara")
    assert desk.state("aurora") == ("disarmed", "stopped_by_switch", Decimal(0))
    assert desk.state("boreal") == ("synced", None, Decimal("0.5"))


def test_a_switch_that_stops_opens_leaves_positions_alone(desk: Desk) -> None:
    told = desk.json(*THROW, "--strategy", "steady")
    assert told["switch"]["closes"] is False
    assert desk.state("aurora") == ("synced", None, Decimal("0.5"))


def test_over_all_brands_closing_takes_a_second_person(desk: Desk) -> None:
    platform = ("risk", "switch", "on", "--platform", "--all", "--stops", "all", "--reason", "drill", "--yes")
    number = desk.json(*platform, "--by", "Mara", "--json")["switch"]["id"]
    assert desk.state("aurora")[0] == desk.state("boreal")[0] == "synced"
    confirm = ("risk", "switch", "confirm", str(number), "--yes")
    assert "expected another person than Mara" in desk.said(*confirm, "--by", "Mara", code=1)
    told = desk.json(*confirm, "--by", "Omar", "--json")
    assert (told["switch"]["closes"], told["preview"]["followers"]) == (True, 2)
    assert desk.state("aurora")[:2] == desk.state("boreal")[:2] == ("disarmed", "stopped_by_switch")


def test_a_lifted_switch_stays_on_record_with_who_and_when(desk: Desk) -> None:
    number = desk.json(*THROW, "--instrument", "BTC/USDT")["switch"]["id"]
    listed = desk.said("risk", "switch", "list", "--tenant", "aurora")
    assert f"{number} aurora instrument BTC/USDT stops opens since" in listed
    off = ("risk", "switch", "off", str(number), "--tenant", "aurora", "--by", "Omar")
    assert f"Switch {number} is lifted." in desk.said(*off)
    assert "was lifted already, by Omar" in desk.said(*off, code=1)
    (kept,) = [
        one for one in desk.json("risk", "switch", "list", "--lifted", "--json")["switches"] if one["id"] == number
    ]
    assert (kept["lifted_by"], kept["reason"], kept["tenant"]) == ("Omar", "drill", "aurora")


def test_the_platform_stops_one_brand_by_its_slug(desk: Desk) -> None:
    platform = ("risk", "switch", "on", "--platform", "--tenant", "boreal", "--stops", "all", "--reason", "drill")
    told = desk.json(*platform, "--by", "Mara", "--yes", "--json")
    assert (told["switch"]["reach"], told["switch"]["closes"]) == ("tenant", True)
    assert (desk.state("aurora")[0], desk.state("boreal")[0]) == ("synced", "disarmed")


def test_without_a_yes_nothing_is_thrown(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.stdin", io.StringIO("n\n"))
    argv = [one for one in THROW if one != "--yes"]
    assert desk.json(*argv, "--all", code=1)["ok"] is False
    assert desk.json("risk", "switch", "list", "--json") == {"switches": []}


@pytest.mark.parametrize(
    ("options", "told"),
    [
        ((), "expected one of --exchange, --instrument, --strategy, --all, found none"),
        (("--all", "--strategy", "steady"), "found several"),
        (("--exchange", "kraken-live"), "exchange: expected one of"),
        (("--instrument", "DOGE"), "instrument: expected one of"),
        (("--strategy", "odd"), "there is no strategy odd"),
        (("--platform", "--instrument", "BTC/USDT"), "stops one brand, or one instrument, not both"),
    ],
)
def test_what_cannot_be_named_is_refused_with_what_was_expected(
    desk: Desk, options: tuple[str, ...], told: str
) -> None:
    assert told in desk.said(*THROW, *options, code=1)
    assert desk.json("risk", "switch", "list", "--json") == {"switches": []}


def test_stop_all_closes_what_one_follower_holds(desk: Desk) -> None:
    subscription, account = desk.followers["aurora"]
    stop = ("risk", "stop-all", "--tenant", "aurora", "--account", str(account), "--json")
    assert desk.json(*stop, "--dry-run")["preview"]["positions"] == 1
    assert desk.state("aurora")[0] == "synced"
    assert desk.json(*stop, "--yes")["subscription_ids"] == [subscription]
    assert desk.state("aurora") == ("disarmed", "stopped_by_owner", Decimal(0))
    assert desk.state("boreal")[0] == "synced"


def test_stop_all_names_one_account_or_one_user(desk: Desk) -> None:
    stop = ("risk", "stop-all", "--tenant", "aurora", "--yes")
    assert "expected either --account or --user" in desk.said(*stop, code=1)
    assert "there is no account" in desk.said(*stop, "--account", str(desk.followers["boreal"][1]), code=1)
