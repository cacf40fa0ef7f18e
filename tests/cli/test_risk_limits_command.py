"""`copydesk risk limits`, `profile` and `explain` on a real database."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from copydesk.bootstrap import Runtime
from copydesk.cli import run
from copydesk.identity import Role, User
from copydesk.kernel import utc_now
from copydesk.replication import NewStrategy, NewSubscription, add_strategy, subscribe
from copydesk.vault import Account
from sqlalchemy import text

SHARD = "binance-lab:0"
BOOK = text(
    "INSERT INTO book (tenant_id, subscription_id, symbol, qty, target_qty, cost, cash) "
    "SELECT tenant_id, id, 'BTC/USDT', 0.01, 0.01, 500, -500 FROM subscription WHERE id = :id"
)


@dataclass
class Shell:
    """The brand Aurora in the current folder, with a strategy and one follower who holds a hundredth of a coin."""

    capsys: pytest.CaptureFixture[str]
    slug: str
    account: int
    subscription: int

    def json(self, *argv: str, code: int = 0) -> Any:
        assert run(("risk", *argv, "--tenant", "aurora", "--json")) == code
        return json.loads(self.capsys.readouterr().out.splitlines()[-1])

    def said(self, *argv: str, code: int = 0) -> str:
        assert run(("risk", *argv, "--tenant", "aurora")) == code
        caught = self.capsys.readouterr()
        return " ".join((caught.err if code else caught.out).split())

    def set(self, *argv: str, code: int = 0) -> str:
        return self.said("limits", "set", "--by", "Mara", *argv, code=code)

    @property
    def mine(self) -> tuple[str, str]:
        return "--subscription", str(self.subscription)


@pytest.fixture
def shell(shipped_brands: Path, capsys: pytest.CaptureFixture[str]) -> Iterator[Shell]:
    runtime = Runtime()
    tenant_id, name = runtime.tenant_ids["aurora"], f"{utc_now():%H%M%S%f}"
    with runtime.db.tenant(tenant_id) as session:
        user = User(tenant_id=tenant_id, email=f"{name}@b.invalid", display_name="One", role=Role.TRADER)
        session.add(user)
        session.flush()
        accounts = [
            Account(
                tenant_id=tenant_id,
                user_id=user.id,
                venue="binance",
                environment="lab",
                label=who,
                shard="binance-lab:0",
            )
            for who in ("leader", "follower")
        ]
        session.add_all(accounts)
        session.flush()
        strategy = add_strategy(session, NewStrategy(user.id, accounts[0].id, f"s{name}", "Steady", "Buys."))
        subscription = subscribe(session, NewSubscription(strategy, accounts[1].id, Decimal(1_000)))
        session.execute(BOOK, {"id": subscription})
        session.execute(text("DELETE FROM risk_limit"))
        account = accounts[1].id
    runtime.close()
    yield Shell(capsys, f"s{name}", account, subscription)


def test_limits_are_set_shown_and_taken_back_for_each_whom_they_can_be_about(shell: Shell) -> None:
    line = "positions > 7 -> block_opens"
    for whose in ((), ("--strategy", shell.slug), ("--account", str(shell.account)), shell.mine):
        assert line in shell.set(*whose, line)
        shown = shell.json("limits", "show", *whose)
        assert [(one["line"], one["author"]) for one in shown["limits"]] == [(line, "Mara")]
        assert shell.json("limits", "clear", *whose, line)["ok"] is True
        assert shell.json("limits", "show", *whose)["limits"] == []


def test_the_brands_limits_are_shown_with_those_of_the_files(shell: Shell) -> None:
    assert "platform: drawdown > 90 % of equity -> close_and_disarm [file]" in shell.said("limits", "show")


def test_a_refused_limit_names_the_field_the_bound_and_the_value_and_exits_1(shell: Shell) -> None:
    said = shell.set(*shell.mine, "drawdown > 95 % of equity -> close", code=1)
    assert "drawdown of equity -> close: expected at most 90 %, the platform's limit, found 95 %." in said
    said = shell.set(*shell.mine, "instruments in DOGE/USDT -> block_opens", code=1)
    assert "expected a known instrument" in said
    assert 'found "DOGE/USDT"' in said


@pytest.mark.parametrize(
    ("line", "bound", "value"),
    [
        ("loss > 250 % of equity -> warn", "limit: expected loss from 0.1 to 100 %", "250 %"),
        ("loss > 5 % of equty -> close", "as basis for loss (did you mean equity?)", '"equty"'),
        (
            "instruments in BTC/USD -> block_opens",
            "limit: expected a known instrument (did you mean BTC/USDT?)",
            '"BTC/USD"',
        ),
        (
            "exposure > 60 % of equity -> warn",
            "exposure of equity -> warn: expected less than the 50 % of block_opens",
            "60 %",
        ),
        ("order > 10 EUR -> shrink", "order -> shrink: expected an amount in USDT", "10 EUR"),
    ],
)
def test_a_bad_limit_is_refused_with_field_bound_and_value_for_whomever_it_is_set(
    shell: Shell, line: str, bound: str, value: str
) -> None:
    for whose in ((), ("--strategy", shell.slug), ("--account", str(shell.account)), shell.mine):
        shell.set(*whose, "exposure > 50 % of equity -> block_opens")
        said = shell.set(*whose, line, code=1)
        assert bound in said
        assert f"found {value}." in said
        shell.json("limits", "clear", *whose, "exposure > 50 % of equity -> block_opens")


def test_an_account_limits_itself_to_instruments_of_its_own_exchange(shell: Shell) -> None:
    tenant = Path("tenants/aurora/tenant.yaml")
    told = tenant.read_text().replace("BTC/USDT, ETH/USDT, SOL/USDT", "BTC/USDT, SOL/USDT", 1)
    tenant.write_text(told)
    line = "instruments in ETH/USDT -> block_opens"
    for whose in (("--account", str(shell.account)), shell.mine):
        assert "expected a known instrument" in shell.set(*whose, line, code=1)
    assert line in shell.set(line)


@pytest.mark.parametrize(
    ("whose", "said"),
    [
        (("--strategy", "nobody"), "there is no strategy nobody"),
        (("--account", "987654321"), "there is no account 987654321"),
        (("--subscription", "987654321"), "there is no subscription 987654321"),
        (("--subscription", "1", "--account", "1"), "expected one of --strategy, --account and --subscription"),
    ],
)
def test_whom_nobody_knows_has_no_limits(shell: Shell, whose: tuple[str, ...], said: str) -> None:
    assert said in shell.set(*whose, "positions > 7 -> block_opens", code=1)


def test_a_profile_is_shown_in_plain_words_and_picked(shell: Shell) -> None:
    assert set(shell.json("profile", "list")["profiles"]) == {"conservative", "balanced", "aggressive"}
    said = shell.said("profile", "show", "conservative")
    assert "An order is worth more than 10 % of equity: it is made smaller." in said
    chosen = shell.json("profile", "choose", str(shell.subscription), "conservative")
    assert chosen["lines"] == [one["line"] for one in shell.json("profile", "show", "conservative")["limits"]]
    assert shell.json("explain", str(shell.subscription))["profile"] == "conservative"


def test_explain_tells_of_each_limit_whose_it_is_what_it_overrules_and_how_far_it_is(shell: Shell) -> None:
    shell.set("exposure > 900 USDT -> shrink")
    shell.set(*shell.mine, "exposure > 800 USDT -> shrink")
    told = {one["line"]: one for one in shell.json("explain", str(shell.subscription))["limits"]}
    mine = told["exposure > 800 USDT -> shrink"]
    assert (mine["scope"], mine["author"]) == ("subscription", "Mara")
    assert mine["overrules"] == [{"scope": "tenant", "line": "exposure > 900 USDT -> shrink"}]
    assert (mine["now"], mine["at"], mine["left"]) == ("500 USDT", "800 USDT", "300 USDT")
    assert told["drawdown > 90 % of equity -> close_and_disarm"]["left"] == "900 USDT"
    said = shell.said("explain", str(shell.subscription))
    assert "Now 500 USDT, the limit lies at 800 USDT: 300 USDT left." in said
    assert "Instead of: exposure > 900 USDT -> shrink [tenant]" in said


def test_explain_needs_a_subscription_that_goes_on(shell: Shell) -> None:
    assert "there is no subscription 987654321" in shell.said("explain", "987654321", code=1)
