"""`copydesk analytics` on a real database: compute anew, compare, show; what is not there is named in one sentence."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from copydesk.bootstrap import Runtime
from copydesk.cli import run
from copydesk.db import TenantSession
from copydesk.identity import User
from copydesk.kernel import utc_now
from copydesk.replication import NewStrategy, add_strategy
from copydesk.vault import Account
from sqlalchemy import text

_SAMPLE = text("INSERT INTO equity_point VALUES (:tenant, :strategy, :at, 10000)")
_TRADE = text(
    "INSERT INTO execution (tenant_id, account_id, symbol, trade_id, venue_order_id, side, qty, px, fee, fee_currency, "
    "at) VALUES (:tenant, :account, 'BTC/USDT', :side, :side, :side, 10, :px, 0, 'USDT', :at)"
)


@pytest.fixture
def runtime(shipped_brands: Path) -> Iterator[Runtime]:
    """Aurora with the strategy `steady`, which won 100 of 10,000 in one trade a few minutes ago."""
    runtime = Runtime()
    with runtime.db.tenant(runtime.tenant_ids["aurora"]) as session:
        if session.execute(text("SELECT count(*) FROM strategy WHERE slug = 'steady'")).scalar_one() == 0:
            seed(session)
    yield runtime
    runtime.close()


def seed(session: TenantSession) -> None:
    number, now = session.tenant_id, utc_now()
    user = User(tenant_id=number, email="steady@x.invalid", display_name="Steady", role="trader")
    session.add(user)
    session.flush()
    where = {"venue": "binance", "environment": "lab", "shard": "binance-lab:0"}
    account = Account(tenant_id=number, user_id=user.id, label="x", **where)
    session.add(account)
    session.flush()
    strategy = add_strategy(session, NewStrategy(user.id, account.id, "steady", "Steady", "One sentence."))
    whose = {"tenant": number, "account": account.id, "strategy": strategy}
    session.execute(_SAMPLE, {**whose, "at": now - timedelta(minutes=20)})
    for side, px, minutes in (("buy", 100, 15), ("sell", 110, 9)):
        session.execute(_TRADE, {**whose, "side": side, "px": px, "at": now - timedelta(minutes=minutes)})


def said(capsys: pytest.CaptureFixture[str], *argv: str, code: int = 0) -> str:
    assert run(argv) == code
    caught = capsys.readouterr()
    return caught.out + caught.err


def told(capsys: pytest.CaptureFixture[str], *argv: str, code: int = 0) -> Any:
    assert run([*argv, "--json"]) == code
    return json.loads(capsys.readouterr().out.splitlines()[-1])


def test_figures_are_computed_anew_compared_and_shown(runtime: Runtime, capsys: pytest.CaptureFixture[str]) -> None:
    before = said(capsys, "analytics", "show", "steady", "--tenant", "aurora")
    (brand,) = told(capsys, "analytics", "rebuild", "--tenant", "aurora", "--strategy", "steady")["brands"]
    every = told(capsys, "analytics", "rebuild")["brands"]
    checked = told(capsys, "analytics", "check", "--tenant", "aurora")
    shown = said(capsys, "analytics", "show", "steady", "--tenant", "aurora")
    figures = told(capsys, "analytics", "show", "steady", "--tenant", "aurora")["figures"]

    assert before == "steady: no figures yet; they begin when the account's equity is told first\n"
    assert (brand["tenant"], brand["strategies"], brand["rows"]) == ("aurora", 1, 2)
    assert [one["tenant"] for one in every] == sorted(runtime.tenant_ids)
    assert (checked["ok"], checked["differences"], checked["compared"] > 40) == (True, [], True)
    assert figures["net_result"] == pytest.approx(100)
    assert "return_all            1.00 %\n" in shown
    assert "no place (record_too_short, too_few_closed)" in shown
    assert "None" not in shown


def test_a_figure_that_differs_ends_the_check_with_1(runtime: Runtime, capsys: pytest.CaptureFixture[str]) -> None:
    said(capsys, "analytics", "rebuild", "--tenant", "aurora")
    with runtime.db.tenant(runtime.tenant_ids["aurora"]) as session:
        session.execute(text("UPDATE strategy_figures SET return_all = 3"))

    words = said(capsys, "analytics", "check", code=1)

    assert "aurora: " in words
    assert "1 differ\n" in words
    assert "return_all: stored 3" in words


@pytest.mark.parametrize(
    ("argv", "words"),
    [
        (("show", "nobody", "--tenant", "aurora"), "there is no strategy nobody"),
        (("check", "--tenant", "nobody"), "there is no brand nobody"),
        (("rebuild", "--strategy", "steady"), "--strategy needs --tenant: strategies of two brands may have one name"),
    ],
)
def test_what_is_not_there_is_named_in_one_sentence(
    runtime: Runtime, capsys: pytest.CaptureFixture[str], argv: tuple[str, ...], words: str
) -> None:
    assert runtime.tenant_ids
    assert words in said(capsys, "analytics", *argv, code=1)
