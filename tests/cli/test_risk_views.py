"""`copydesk risk status` and `simulate` on a real database: what they show, what they count, and when they exit 1."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from copydesk.bootstrap import Runtime
from copydesk.cli import run
from copydesk.kernel import utc_now
from copydesk.marks import MarkWriter
from copydesk.risk.acts import Act, ActState, Watch, advance_act, note_watch, store_acts
from copydesk.risk.model import Scope
from copydesk.risk.store import LimitOwner, store_limits
from copydesk.venues import Price
from sqlalchemy import text
from test_risk_command import follower

BTC = "BTC/USDT"
DRAWDOWN = "drawdown > 20 % of equity -> close_and_disarm"
D = Decimal
WATCH = Watch(copy_id=0, holders=2, stops=0, doubts=0)
PAYS = "UPDATE book SET cost = 500, cash = -500 WHERE subscription_id = :id"
SIGNAL = text(
    """
    INSERT INTO signal (tenant_id, strategy_id, account_id, symbol, side, venue_order_id, cum_qty, qty, px,
                        position_before, position_after, leader_equity, venue_at, seen_at)
    SELECT tenant_id, strategy_id, (SELECT account_id FROM strategy WHERE strategy.tenant_id = subscription.tenant_id
                                    AND strategy.id = strategy_id),
           :symbol, 'buy', :order, 1, 1, :px, :before, :after, 10000, :at, :at
    FROM subscription WHERE id = :id
    """
)


@dataclass
class Desk:
    """Brand aurora with one follower, who has 1000 and holds half a coin that cost 500."""

    capsys: pytest.CaptureFixture[str]
    runtime: Runtime
    subscription: int

    def run(self, *argv: str, code: int = 0) -> list[str]:
        assert run(["risk", *argv, "--tenant", "aurora"]) == code
        return self.capsys.readouterr().out.splitlines()

    def json(self, *argv: str, code: int = 0) -> Any:
        return json.loads(self.run(*argv, "--json", code=code)[-1])

    def status(self, code: int = 0) -> Any:
        return self.json("status", code=code)["brands"]["aurora"]

    def act(self, statement: str, **params: Any) -> None:
        with self.runtime.db.tenant(self.runtime.tenant_ids["aurora"]) as session:
            session.execute(text(statement), params)

    def limit(self, line: str) -> None:
        with self.runtime.db.tenant(self.runtime.tenant_ids["aurora"]) as session:
            store_limits(session, LimitOwner(Scope.SUBSCRIPTION, self.subscription), [line], "Mara")

    def mark(self, px: str) -> None:
        now_ms = int(utc_now().timestamp() * 1000)
        MarkWriter(self.runtime.redis, "binance-lab").write([Price(BTC, D(px), now_ms, D(px), now_ms)])

    def watched(self, watch: Watch = WATCH) -> None:
        with self.runtime.db.tenant(self.runtime.tenant_ids["aurora"]) as session:
            note_watch(session, watch)

    def stop(self, state: ActState, subscription_state: str) -> None:
        """Let a stop have fired a moment ago."""
        facts = {"turn": 1, "whose": "subscription", "now": "790", "at": "800"}
        reference = f"subscription-{self.subscription}-1-fire"
        act = Act(reference, "subscription", self.subscription, self.subscription, DRAWDOWN, "close_and_disarm",
                  ActState.FIRING, facts, utc_now())  # fmt: skip
        with self.runtime.db.tenant(self.runtime.tenant_ids["aurora"]) as session:
            store_acts(session, [act])
            advance_act(session, reference, state, sent_at=utc_now())
        self.act(
            "UPDATE subscription SET state = :state WHERE id = :id", state=subscription_state, id=self.subscription
        )

    def trades(self, *told: tuple[int, str, str, str]) -> datetime:
        """Let the leader, worth 10000, go from one position to another at a price, minutes after a beginning."""
        begin = utc_now() - timedelta(days=20)
        with self.runtime.db.tenant(self.runtime.tenant_ids["aurora"]) as session:
            for minute, before, after, px in told:
                at = begin + timedelta(minutes=minute)
                row = {"id": self.subscription, "symbol": BTC, "order": f"o{minute}-{begin.timestamp()}", "px": D(px)}
                session.execute(SIGNAL, row | {"before": D(before), "after": D(after), "at": at})
        return begin


@pytest.fixture
def desk(shipped_brands: Path, capsys: pytest.CaptureFixture[str]) -> Iterator[Desk]:
    runtime = Runtime()
    try:
        with runtime.db.tenant(runtime.tenant_ids["aurora"]) as session:
            for table in ("risk_act", "risk_limit", "risk_watermark", "risk_watch"):
                session.execute(text(f"DELETE FROM {table}"))
            subscription, _ = follower(session)
            session.execute(text(PAYS), {"id": subscription})
        MarkWriter(runtime.redis, "binance-lab").begin(())
        yield Desk(capsys, runtime, subscription)
        MarkWriter(runtime.redis, "binance-lab").begin(())
        with runtime.db.tenant(runtime.tenant_ids["aurora"]) as session:
            session.execute(text("DELETE FROM risk_act"))
            session.execute(text("DELETE FROM risk_limit"))
    finally:
        runtime.close()


def test_a_brand_that_nobody_watches_exits_1(desk: Desk) -> None:
    assert desk.status(code=1)["alive"] is False
    assert "FAIL nobody has ever watched it" in desk.run("status", code=1)[0]
    desk.watched()
    assert desk.status()["watch"]["holders"] == 2
    desk.act("UPDATE risk_watch SET at = at - interval '1 hour'")
    (said, *_) = desk.run("status", code=1)
    assert re.search(r"the risk role was last heard of 36\d\d s ago", said)


def test_what_the_role_says_of_itself_is_shown(desk: Desk) -> None:
    desk.watched(Watch(0, 17, 3, 1))
    (said, *_) = desk.run("status")
    assert said.endswith("17 holders, 3 stops on their way, 1 prices in doubt")


def test_every_brand_is_told_where_none_is_named_and_one_that_is_wrong_counts(desk: Desk) -> None:
    desk.watched()
    with desk.runtime.db.tenant(desk.runtime.tenant_ids["boreal"]) as session:
        session.execute(text("DELETE FROM risk_watch"))
        session.execute(text("UPDATE subscription SET state = 'ended'"))
    assert run(["risk", "status", "--json"]) == 1
    told = json.loads(desk.capsys.readouterr().out.splitlines()[-1])
    assert [(slug, brand["alive"]) for slug, brand in told["brands"].items()] == [("aurora", True), ("boreal", False)]
    assert (told["brands"]["boreal"]["by_instrument"], told["brands"]["aurora"]["by_instrument"] == []) == ([], False)


def test_a_brand_that_is_not_there_is_refused(desk: Desk) -> None:
    assert run(["risk", "status", "--tenant", "nobodys"]) != 0
    assert "there is no brand nobodys" in desk.capsys.readouterr().err


def test_the_distance_to_the_nearest_limit_is_counted_at_fresh_prices(desk: Desk) -> None:
    desk.watched()
    desk.limit(DRAWDOWN)
    desk.mark("700")
    # 1000 less the 500 that were paid, and half a coin at 700; the limit lies at 80 % of the 1000 at first.
    (near,) = desk.status()["nearest"]
    assert (near["id"], near["scope"], near["strategy"]) == (desk.subscription, "subscription", "steady")
    assert (near["equity"], near["at"], near["left"], near["left_percent"]) == ("850", "800", "50", "5.88")
    assert near["sentence"].startswith("Your equity falls more than 20 % of equity from its highest value:")
    said = " ".join(desk.run("status"))
    assert f"subscription {desk.subscription} of steady: 50.00 USDT left (5.88 % of 850.00 USDT)" in said


def test_without_a_fresh_price_nothing_is_guessed(desk: Desk) -> None:
    desk.watched()
    desk.limit(DRAWDOWN)
    shown = desk.status()
    assert (shown["nearest"], shown["unpriced"]) == ([], 1)
    (held,) = shown["by_instrument"]
    assert (held["name"], held["long"], held["books"], held["unpriced"]) == (BTC, "0", 1, 1)


def test_what_is_held_is_told_by_strategy_instrument_and_exchange(desk: Desk) -> None:
    desk.watched()
    desk.mark("700")
    shown = desk.status()
    for kind, name in (("strategy", "steady"), ("instrument", BTC), ("exchange", "binance-lab")):
        (held,) = shown[f"by_{kind}"]
        assert (held["name"], held["long"], held["short"], held["unpriced"]) == (name, "350", "0", 0)


def test_a_fired_stop_is_told_with_its_limit_in_plain_words(desk: Desk) -> None:
    desk.watched()
    desk.stop(ActState.CLOSED, "disarmed")
    (act,) = desk.status()["acts"]
    assert (act["state"], act["fired"], act["line"]) == ("closed", True, DRAWDOWN)
    assert act["ended_at"] > act["at"]
    said = " ".join(desk.run("status"))
    assert "last day: 1 stops fired, 0 stops of opens, 0 warnings" in said
    assert "It was 790.00 USDT, the limit lay at 800.00 USDT." in said


def test_an_act_of_before_yesterday_is_not_told(desk: Desk) -> None:
    desk.watched()
    desk.stop(ActState.CLOSED, "disarmed")
    desk.act("UPDATE risk_act SET at = at - interval '25 hours'")
    assert desk.status()["acts"] == []


def test_a_flagged_stop_exits_1_until_its_owner_goes_on(desk: Desk) -> None:
    desk.watched()
    desk.stop(ActState.FLAGGED, "disarmed")
    assert desk.status(code=1)["flagged"] == [{"scope": "subscription", "id": desk.subscription}]
    assert f"FAIL the stop of subscription {desk.subscription} did not get to its end" in desk.run("status", code=1)[1]
    desk.act("UPDATE subscription SET state = 'synced' WHERE id = :id", id=desk.subscription)
    assert desk.status()["flagged"] == []


def test_a_stop_that_nobody_goes_on_with_exits_1_while_something_is_held(desk: Desk) -> None:
    desk.watched()
    desk.stop(ActState.CLOSING, "disarmed")
    assert desk.status()["flagged"] == []
    desk.act("UPDATE risk_act SET at = at - interval '3 minutes'")
    assert desk.status(code=1)["flagged"] == [{"scope": "subscription", "id": desk.subscription}]
    desk.act("UPDATE book SET qty = 0 WHERE subscription_id = :id", id=desk.subscription)
    assert desk.status()["flagged"] == []


def test_a_subscription_out_of_sync_is_told_with_its_reason(desk: Desk) -> None:
    desk.watched()
    desk.act("UPDATE subscription SET state = 'out_of_sync', state_reason = 'close_failed' WHERE id = :id",
             id=desk.subscription)  # fmt: skip
    (adrift,) = desk.status()["out_of_sync"]
    assert adrift == {"subscription_id": desk.subscription, "strategy": "steady", "reason": "close_failed"}


def test_why_a_subscription_was_stopped_is_said_in_words(desk: Desk) -> None:
    desk.act("UPDATE subscription SET state = 'disarmed', state_reason = 'risk_stop' WHERE id = :id",
             id=desk.subscription)  # fmt: skip
    assert run(["subscriptions", "list", "--tenant", "aurora"]) == 0
    assert "disarmed (a limit was reached, and what was copied is closed)" in desk.capsys.readouterr().out


FALL = ((0, "0", "50", "100"), (2, "50", "49", "60"), (3, "49", "48", "50"), (4, "48", "47", "20"))


def test_a_simulation_says_what_limits_would_have_saved(desk: Desk) -> None:
    desk.trades(*FALL)
    told = desk.json("simulate", "--strategy", "steady", "--limit", "loss > 15 % of equity -> close")
    assert told["signals"] == 4
    deeds = [(act["deed"], act["symbol"]) for act in told["acts"]]
    assert deeds == [("fired", ""), ("closed", BTC)]
    assert D(told["saved"]) == D(told["with"]["equity"]) - D(told["without"]["equity"]) > 0
    assert (told["with"]["stop"], told["without"]["stop"]) == ("closed", "armed")
    assert len(told["with"]["curve"]) == len(told["without"]["curve"]) == 200


def test_a_simulation_draws_both_ways_on_one_scale(desk: Desk) -> None:
    desk.trades(*FALL)
    said = desk.run("simulate", "--strategy", "steady", "--limit", "loss > 15 % of equity -> close")
    without, guarded = (
        [line.split()[-1] for line in said if line.startswith(f"{name} ")] for name in ("without", "with")
    )
    assert without[-1][0] == guarded[-1][0] == "█"
    assert (without[-1][-1], len(without[-1])) == ("▁", 60)
    assert guarded[-1][-1] > "▁"
    assert any(line.startswith("The limits saved ") for line in said)


def test_what_a_history_cannot_tell_is_named(desk: Desk) -> None:
    desk.trades(*FALL)
    lines = ("--limit", "volume < 1000000 USDT per day -> block_opens", "--limit", "loss > 99 % of equity -> close")
    told = desk.json("simulate", "--strategy", "steady", *lines)
    assert told["not_judged"][0].startswith("volume < 1000000 USDT per day -> block_opens:")
    assert D(told["saved"]) == 0
    assert "The limits changed nothing in the end." in desk.run("simulate", "--strategy", "steady", *lines)


def test_a_profile_is_tried_and_a_limit_by_hand_goes_before_its_own(desk: Desk) -> None:
    desk.trades(*FALL)
    by_hand = "drawdown > 33 % of equity -> close_and_disarm"
    told = desk.json("simulate", "--strategy", "steady", "--profile", "balanced", "--limit", by_hand)
    assert by_hand in told["limits"]
    assert DRAWDOWN not in told["limits"]


def test_without_a_limit_what_holds_for_the_strategy_is_tried(desk: Desk) -> None:
    desk.trades(*FALL)
    desk.act(
        "INSERT INTO risk_limit (tenant_id, scope, subject_id, line, author) "
        "SELECT tenant_id, 'strategy', strategy_id, :line, 'Mara' FROM subscription WHERE id = :id",
        line=DRAWDOWN,
        id=desk.subscription,
    )
    assert DRAWDOWN in desk.json("simulate", "--strategy", "steady")["limits"]


def test_only_the_last_days_are_replayed_where_they_are_named(desk: Desk) -> None:
    desk.trades(*FALL, (19 * 1440, "47", "40", "30"))
    assert desk.json("simulate", "--strategy", "steady", "--days", "5")["signals"] == 1
    assert desk.json("simulate", "--strategy", "steady", "--days", "50")["signals"] == 5


def test_what_is_still_held_is_worth_what_it_is_today(desk: Desk) -> None:
    desk.trades((0, "0", "50", "100"))
    desk.mark("70")
    told = desk.json("simulate", "--strategy", "steady", "--limit", "loss > 90 % of equity -> close")
    # Half of the leader's share of 1000, five coins at 100, less ten basis points of fee.
    assert D(told["without"]["equity"]) == D("849.5")


@pytest.mark.parametrize(
    ("argv", "said"),
    [
        (("--strategy", "nobodys", "--profile", "balanced"), "there is no strategy nobodys"),
        (("--strategy", "steady", "--limit", "loss > 5"), "loss"),
        (("--strategy", "steady", "--limit", "loss > 250 % of equity -> warn"), "250"),
        (("--strategy", "steady", "--allocation", "-5", "--profile", "balanced"), "expected an amount above zero"),
        (("--strategy", "steady", "--profile", "balanced"), "nothing is stored of the strategy steady"),
    ],
)
def test_a_simulation_of_nothing_is_refused_by_name(desk: Desk, argv: tuple[str, ...], said: str) -> None:
    assert run(["risk", "simulate", "--tenant", "aurora", *argv]) != 0
    assert said in desk.capsys.readouterr().err


def test_limits_that_contradict_each_other_are_not_tried(desk: Desk) -> None:
    desk.trades(*FALL)
    lines = ("--limit", "loss > 5 % of equity -> close", "--limit", "loss > 10 % of equity -> warn")
    assert run(["risk", "simulate", "--tenant", "aurora", "--strategy", "steady", *lines]) != 0
    assert "expected less than the 5 %" in desk.capsys.readouterr().err
