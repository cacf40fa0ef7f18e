"""A follower whose own stop fires: what the journal must show of it, and what the auditor expects of it afterwards."""

from __future__ import annotations

from typing import Any

from auditor_story import FOLLOWER, LEADER, Story, seats
from copydesk.demo.audit import audit
from copydesk.demo.check import passed, stop_figures
from copydesk.demo.scene import SCENE
from copydesk.demo.stopped import StopSeen, judge_stop, stop_words

OTHER = "aurora:follower:1"


class Stopped:
    """A leader who buys a perpetual, two who copy it, and a moment at which the first one's stop fires."""

    def __init__(self) -> None:
        self.story = Story(leads_on="bybit", copies_on="binance", market="perp")
        self.story.venues[OTHER] = "binance"
        self.story._add(kind="account", change="created", account=OTHER, venue="binance", wallet="trading", balances={})
        self.crowd = seats(1000, 1000, market="perp")
        self.story.leader("buy", "0.2")
        self.story.copy("buy", "0.002")
        self.other("buy", "0.002")
        self.story.wait(10_000)
        self.at_ms = self.story.at_ms
        self.story.wait(100)

    def other(self, side: str, qty: str) -> None:
        self.story.order(OTHER, side, qty, cid=f"cd-{self.story.order_id}", px={"buy": "50250", "sell": "49750"}[side])

    def close(self, qty: str = "0.002", filled: str | None = None) -> None:
        self.story.copy("sell", qty, closes=True, filled=filled)

    def goes_on(self) -> None:
        """Let the leader buy more, well afterwards, and the other follower with it."""
        self.story.wait(3_000)
        self.story.leader("buy", "0.2")
        self.other("buy", "0.002")

    def seen(self) -> StopSeen:
        return judge_stop(self.story.records, self.crowd, FOLLOWER, self.at_ms)

    def figures(self) -> dict[str, Any]:
        return audit(self.story.records, self.crowd, stopped={FOLLOWER: self.at_ms})


def test_who_was_closed_once_and_stays_out_while_others_go_on_is_well_stopped() -> None:
    desk = Stopped()
    desk.close()
    desk.goes_on()
    seen = desk.seen()
    assert (seen.positions, seen.closes, seen.again, seen.opens, seen.left, seen.others) == (1, 1, 0, 0, (), 1)
    assert seen.closed_ms is not None
    assert 100 < seen.closed_ms < 200
    assert seen.well


def test_who_still_holds_something_is_not_well_stopped() -> None:
    desk = Stopped()
    desk.close(filled="0.001")
    desk.goes_on()
    assert desk.seen().left == ("BTC/USDT:USDT",)
    assert not desk.seen().well


def test_a_close_that_was_filled_in_part_is_rightly_sent_again_for_the_rest() -> None:
    desk = Stopped()
    desk.close(filled="0.001")
    desk.close("0.001")
    desk.goes_on()
    assert (desk.seen().closes, desk.seen().again) == (2, 0)
    assert desk.seen().well


def test_a_second_close_of_what_is_closed_already_is_found() -> None:
    desk = Stopped()
    desk.close()
    desk.close(filled="0")
    desk.goes_on()
    assert (desk.seen().closes, desk.seen().again) == (2, 1)
    assert not desk.seen().well


def test_an_order_that_opens_when_none_can_be_on_its_way_any_more_is_found() -> None:
    desk = Stopped()
    desk.close()
    desk.goes_on()
    desk.story.copy("buy", "0.002")
    seen = desk.seen()
    assert (seen.opens, seen.left) == (1, ("BTC/USDT:USDT",))
    assert not seen.well


def test_where_nobody_else_trades_afterwards_nothing_is_shown() -> None:
    desk = Stopped()
    desk.close()
    assert not desk.seen().trader_went_on
    assert not desk.seen().well


def test_the_auditor_expects_nothing_more_of_who_was_stopped_and_as_much_of_the_others() -> None:
    desk = Stopped()
    desk.close()
    desk.goes_on()
    figures = desk.figures()
    assert (figures["copies_expected"], figures["copies_done"], figures["missing"]) == (3, 3, 0)
    assert (figures["duplicates"], figures["drift_steps_max"]) == (0, 0)
    assert figures["denied_rightly"] == {"subscription_disarmed": 1}
    unknown = audit(desk.story.records, desk.crowd)
    assert (unknown["missing"], unknown["duplicates"]) == (1, 1)


def test_a_copy_that_was_due_just_before_a_stop_may_come_or_not() -> None:
    desk = Stopped()
    desk.story.leader("buy", "0.2")
    desk.at_ms = desk.story.at_ms + 50
    desk.other("buy", "0.002")
    assert desk.figures()["missing"] == 0


def test_a_stop_that_did_not_fire_fails_the_check() -> None:
    found = stop_figures([], [], SCENE, [])
    assert not found["well"]
    assert stop_words(found) == "aurora:follower:6: drawdown > 1 % of equity -> close_and_disarm did not fire"
    desk = Stopped()
    desk.close()
    desk.goes_on()
    figures = desk.figures()
    assert passed(figures)
    assert not passed(figures | {"stop": found})


def test_the_report_says_in_one_line_what_became_of_the_follower() -> None:
    desk = Stopped()
    desk.close()
    desk.goes_on()
    named = {"account": FOLLOWER, "line": SCENE.line, "fired": 1}
    said = stop_words({**named, **desk.seen().figures()})
    assert said.startswith(f"{FOLLOWER}: {SCENE.line} fired: 1 positions closed, each once; out after 1")
    assert said.endswith("stays out; its trader and 1 others of the strategy go on")
    assert LEADER not in said
