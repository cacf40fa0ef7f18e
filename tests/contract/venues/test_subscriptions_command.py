"""`copydesk subscriptions` with a real database, a real Redis and the simulated exchange."""

from __future__ import annotations

import json
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

D = Decimal


# An order that rests for a subscription; a key that its exchange refuses; books that were moved, and funding.
RESTING = """
WITH placed AS (
    INSERT INTO leader_order (tenant_id, strategy_id, account_id, signal_id, symbol, position_side, venue_order_id,
                              placed_id, side, type, status, qty, cum_qty, px, reduces, closes_all, placed_at, venue_at,
                              seen_at)
    SELECT s.tenant_id, s.strategy_id, g.account_id, g.id, 'BTC/USDT', 'net', '77', '', 'buy', 'limit', 'accepted', 1,
           0, 49000, false, false, now(), now(), now()
    FROM subscription s JOIN signal g ON g.tenant_id = s.tenant_id AND g.strategy_id = s.strategy_id
    WHERE s.id = {number} RETURNING tenant_id, id)
INSERT INTO resting_order (tenant_id, subscription_id, leader_order_id, account_id, shard, symbol, position_side, side,
                           type, reduces, state, revision, ratio, from_qty, base_qty, qty, px)
SELECT tenant_id, {number}, id, {account}, 'binance-lab:0', 'BTC/USDT', 'net', 'buy', 'limit', false, 'resting', 1,
       0.01, 0, 0, 0.01, 49000 FROM placed RETURNING state
"""
DEAD_KEY = "UPDATE account SET status = 'unusable', status_reason = 'key_rejected' WHERE id = {account} RETURNING id"
BOUGHT = """
INSERT INTO book_adjustment (tenant_id, subscription_id, symbol, position_side, qty, px, reason)
SELECT tenant_id, id, 'BTC/USDT:USDT', 'net', 1, 50000, 'crossed' FROM subscription WHERE id = {number} RETURNING id
"""
TAKEN_OVER = """
INSERT INTO book_adjustment (tenant_id, subscription_id, symbol, position_side, qty, px, reason)
SELECT tenant_id, id, 'BTC/USDT:USDT', 'net', moved.qty, moved.px, 'crossed'
FROM subscription, (VALUES (1, 1, 100), (2, -1, 110)) AS moved(place, qty, px) WHERE id = {number}
ORDER BY moved.place RETURNING id
"""
PAID = """
INSERT INTO funding_payment (tenant_id, account_id, payment_id, subscription_id, symbol, amount, currency, at)
SELECT tenant_id, {account}, 'p', id, 'BTC/USDT:USDT', -0.5, 'USDT', now() FROM subscription
WHERE id = {number} RETURNING payment_id
"""


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
def desk(shipped_brands: Path, monkeypatch: pytest.MonkeyPatch, owner_url: str, lab: LabProcess, var: Path) -> Desk:
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


def limited(desk: Desk, *line: str) -> None:
    """Let the account be limited, for as long as the test's account is used."""
    whose = ["--tenant", "aurora", "--by", "Mara", "--account", str(desk.follower)]
    assert run(["risk", "limits", "set", *whose, *line]) == 0


def test_a_preview_says_what_limits_would_make_of_an_order(desk: Desk, capsys: pytest.CaptureFixture[str]) -> None:
    limited(desk, "order > 100 USDT -> shrink")
    capsys.readouterr()
    assert run(asked(desk, "preview", "--join", "at_market")) == 0
    (line,) = said(capsys)["joining"]
    assert (D(line["cut_from"]), line["limited"]["limit_line"]) == (D("0.004"), "order > 100 USDT -> shrink")
    assert D(line["notional"]) <= 100
    assert run(asked(desk, "preview", "--join", "at_market")[:-1]) == 0
    told = capsys.readouterr().out
    assert f"; cut from 0.004 to {D(line['qty']).normalize():f}. Limit: " in told
    assert "order > 100 USDT -> shrink" in told
    assert "(the account's)." in told


def test_a_preview_counts_the_limits_of_a_profile_that_would_be_picked(
    desk: Desk, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(asked(desk, "preview", "--join", "at_market", "--profile", "conservative")) == 0
    (line,) = said(capsys)["joining"]
    assert D(line["notional"]) <= 100
    assert line["limited"]["limit_line"] == "order > 10 % of equity -> shrink"


def test_an_allocation_beyond_its_share_of_what_the_account_owns_is_refused(
    desk: Desk, capsys: pytest.CaptureFixture[str]
) -> None:
    limited(desk, "allocation > 0.1 % of balance -> block_opens")
    capsys.readouterr()
    for what in ("preview", "start"):
        assert run(asked(desk, what)) == 1
        (reason,) = said(capsys)["against"]
        assert reason["reason"] == "risk_allocation_max"
        assert reason["excess"].startswith("allocation: expected at most ")
        assert reason["excess"].endswith("the account's limit), found 1000 USDT")
    assert desk.rows(f"SELECT count(*) FROM subscription WHERE account_id = {desk.follower}") == [(0,)]
    ((owned,),) = desk.rows(f"SELECT balance FROM account_purse WHERE account_id = {desk.follower}")
    assert f"at most {(owned / 1000).normalize():f} USDT" in reason["excess"]


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


def test_a_subscription_begins_with_the_limits_of_the_profile_that_was_picked(
    desk: Desk, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(asked(desk, "start", "--profile", "conservative")) == 0
    number = said(capsys)["subscription_id"]
    mine = f"FROM risk_limit WHERE scope = 'subscription' AND subject_id = {number}"
    assert desk.rows(f"SELECT DISTINCT author {mine}") == [("profile:conservative",)]
    assert ("order > 10 % of equity -> shrink",) in desk.rows(f"SELECT line {mine}")


def test_orders_are_copied_where_that_is_chosen_and_the_choice_is_shown(
    desk: Desk, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(asked(desk, "preview", "--copies", "orders")) == 0
    assert run(asked(desk, "start", "--copies", "orders")) == 0
    number = str(said(capsys)["subscription_id"])
    here = ["--tenant", "aurora"]
    assert run(["subscriptions", "list", "--strategy", desk.strategy, *here, "--json"]) == 0
    assert [line["copies"] for line in said(capsys)["subscriptions"]] == ["orders"]
    assert run(["subscriptions", "show", number, *here]) == 0
    assert f"{number} {desk.strategy} account {desk.follower} binance synced" in (shown := capsys.readouterr().out)
    assert shown.splitlines()[0].endswith("allocation 1000 copies orders")
    assert run(["subscriptions", "copies", number, "fills", *here, "--json"]) == 0
    assert said(capsys) == {"ok": True, "resting": 0}
    assert desk.rows(f"SELECT copies FROM subscription WHERE id = {number}") == [("fills",)]
    assert run(["subscriptions", "copies", number, "orders", *here]) == 0
    assert capsys.readouterr().out == f"Subscription {number} copies orders.\n"


def test_a_recall_that_takes_longer_than_the_wait_is_said_and_nothing_is_switched(
    desk: Desk, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(asked(desk, "start", "--copies", "orders")) == 0
    number = str(said(capsys)["subscription_id"])
    desk.rows(RESTING.format(number=number, account=desk.follower))
    here = ["--tenant", "aurora"]
    assert run(["subscriptions", "copies", number, "fills", *here, "--wait-s", "0"]) == 1
    assert f"Subscription {number} still copies orders: 1 of them are being recalled." in capsys.readouterr().out
    assert desk.rows(f"SELECT copies FROM subscription WHERE id = {number}") == [("orders",)]
    desk.rows(DEAD_KEY.format(account=desk.follower))
    assert run(["subscriptions", "show", number, *here]) == 0
    told = capsys.readouterr().out
    assert "what rests at the exchange cannot be canceled. Refused: the exchange does not accept" in told
    assert "resting buy 0.01 BTC/USDT net limit 49000: Recalled: this subscription copies fills now" in told


def test_a_subscription_that_is_leaving_does_not_change_what_it_copies(
    desk: Desk, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(asked(desk, "start")) == 0
    number = str(said(capsys)["subscription_id"])
    here = ["--tenant", "aurora"]
    assert run(["subscriptions", "end", number, "--mode", "hand_over", *here]) == 0
    assert run(["subscriptions", "copies", number, "orders", *here]) == 1
    assert f"subscription {number} is ending: it cannot switch" in capsys.readouterr().err


def test_what_is_copied_is_fills_or_orders_and_nothing_else(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["subscriptions", "copies", "1", "signals", "--tenant", "aurora"]) == 2
    assert "'signals' is not one of 'fills', 'orders'" in capsys.readouterr().err


def test_earnings_are_told_by_book_and_in_all(desk: Desk, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(asked(desk, "start")) == 0
    number = str(said(capsys)["subscription_id"])
    desk.rows(TAKEN_OVER.format(number=number))
    desk.rows(PAID.format(number=number, account=desk.follower))
    assert run(["subscriptions", "earnings", number, "--tenant", "aurora", "--json"]) == 0
    captured = capsys.readouterr()
    (told,) = json.loads(captured.out.splitlines()[-1])["subscriptions"]
    assert told["net"] == {"USDT": "9.5"}
    assert [(book["symbol"], book["qty"], book["realized"]) for book in told["books"]] == [("BTC/USDT:USDT", "0", "10")]
    assert told["funding"] == [{"symbol": "BTC/USDT:USDT", "currency": "USDT", "amount": "-0.5"}]
    assert f"{number} {desk.strategy} account {desk.follower} synced: +9.5 USDT" in captured.err
    assert "  BTC/USDT:USDT net realized +10" in captured.err


def test_an_open_position_counts_at_the_exchanges_price_where_that_is_asked_for(
    desk: Desk, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(asked(desk, "start")) == 0
    number = str(said(capsys)["subscription_id"])
    desk.rows(BOUGHT.format(number=number))
    ask = ["subscriptions", "earnings", "--strategy", desk.strategy, "--tenant", "aurora"]
    assert run([*ask, "--json"]) == 0
    assert said(capsys)["subscriptions"][0]["books"][0]["unrealized"] is None
    assert run([*ask, "--at-market", "--json"]) == 0
    unrealized = D(said(capsys)["subscriptions"][0]["books"][0]["unrealized"])
    assert D(9_000) < unrealized < D(11_000)


def test_a_strategy_is_paused_resumed_and_closed_for_good(desk: Desk, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(asked(desk, "start", "--copies", "orders")) == 0
    number = said(capsys)["subscription_id"]
    here = ["--tenant", "aurora"]
    for act in ("pause", "resume"):
        assert run(["strategies", act, desk.strategy, *here]) == 0
    assert run(["strategies", "resume", desk.strategy, *here]) == 1
    assert "only a strategy that is paused or suspended becomes live" in capsys.readouterr().err
    assert run(["strategies", "close", desk.strategy, *here, "--json"]) == 0
    assert said(capsys) == {"ok": True, "ending": [number]}
    assert run(["strategies", "list", *here, "--json"]) == 0
    (line,) = [one for one in said(capsys)["strategies"] if one["slug"] == desk.strategy]
    assert (line["status"], line["copied_by"], line["orders_copied_by"]) == ("closed", 1, 1)
    for what in ("preview", "start"):
        assert run(asked(desk, what)) == 1
        assert "the strategy is closed: nobody can begin to copy it" in capsys.readouterr().err


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
