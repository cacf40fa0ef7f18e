"""The auditor reads a lab journal: what it counts, what it excuses, and what it does not."""

from __future__ import annotations

import pytest
from auditor_story import LEADER, D, Story, seats
from copydesk.demo.check import FAULTS, demo_seats, passed, require_fills, traded_orders
from copydesk.demo.listed import Listed
from copydesk.demo.report import table
from copydesk.kernel import Unavailable
from copydesk.trading import SizingMode
from copydesk.venues import TRAITS


def round_trip(*, bought: str = "0.00399", sold: str = "0.00398") -> Story:
    """The leader buys for a fifth of the equity and sells it again; the follower does the same with 1,000."""
    story = Story()
    story.leader("buy", "0.4")
    story.copy("buy", bought)
    story.leader("sell", "0.3996")
    story.copy("sell", sold)
    return story


def test_a_faithful_round_trip_satisfies_the_auditor() -> None:
    figures = round_trip().figures()
    assert {name: figures[name] for name in ("leader_fills", "copies_expected", "copies_done", "placed", "filled")} == {
        "leader_fills": 2,
        "copies_expected": 2,
        "copies_done": 2,
        "placed": 2,
        "filled": 2,
    }
    assert [figures[fault] for fault in (*FAULTS, "drift_steps_max")] == [0, 0, 0, 0, 0, 0]
    assert figures["p50_ms"] == 5
    assert passed(figures)


def test_one_lost_copy_among_many_is_counted_as_one() -> None:
    story = Story()
    for _ in range(4):
        story.leader("buy", "0.1")
        story.copy("buy", "0.00099")
    story.leader("buy", "0.1")
    assert story.figures()["missing"] == 1


def test_a_performance_in_which_nobody_ever_bought_does_not_pass() -> None:
    story = Story()
    for _ in range(5):
        story.leader("buy", "0.1")
        story.copy("buy", "0.00099", filled="0")
    figures = story.figures()
    assert (figures["placed"], figures["filled"]) == (5, 0)
    assert not passed(figures)
    with pytest.raises(Unavailable, match="found 0 of 5"):
        require_fills(figures)


def test_a_late_copy_is_late_even_when_the_leader_has_traded_again_since() -> None:
    story = Story()
    story.leader("buy", "0.1")
    story.wait(5_000)
    story.leader("buy", "0.1")
    story.copy("buy", "0.00099")
    story.copy("buy", "0.00099")
    assert story.figures()["p99_ms"] > 5_000


def test_a_close_that_sold_short_may_be_tried_again() -> None:
    story = Story()
    story.leader("buy", "0.4")
    story.copy("buy", "0.00399")
    story.leader("sell", "0.3996")
    story.copy("sell", "0.00398", filled="0.00200")
    story.copy("sell", "0.00198")
    figures = story.figures()
    assert (figures["copies_expected"], figures["copies_done"]) == (2, 2)
    assert passed(figures)


def test_a_close_too_small_to_be_sold_is_caught_up_by_the_next() -> None:
    story = Story()
    story.leader("buy", "0.4")
    story.copy("buy", "0.00399")
    story.leader("sell", "0.008")
    story.wait(5_000)
    story.leader("sell", "0.2")
    story.copy("sell", "0.00207")
    figures = story.figures()
    assert (figures["copies_expected"], figures["copies_done"], figures["p99_ms"]) == (2, 2, 5)
    assert passed(figures)


def test_an_increase_after_a_skipped_close_asks_only_for_what_is_not_held_already() -> None:
    story = Story()
    crowd = seats(40)
    story.leader("buy", "0.4")
    story.copy("buy", "0.00015")
    story.leader("sell", "0.2")
    story.leader("buy", "0.36")
    figures = story.figures(crowd)
    assert (figures["missing"], figures["drift_steps_max"]) == (0, 0)


def test_a_price_that_ran_away_excuses_an_unfilled_open() -> None:
    story = Story()
    story.leader("buy", "0.4")
    story.mark("50300")
    story.copy("buy", "0.00399", filled="0", px="50100")
    assert story.figures()["drift_steps_max"] == 0


def test_only_leader_orders_that_traded_have_to_be_copied() -> None:
    story = Story()
    story.leader("buy", "0.1")
    story.order(LEADER, "buy", "0.1", cid="resting", parts=("0",))
    story.copy("buy", "0.00099")
    assert traded_orders(story.records, {LEADER}) == 1


def test_a_journal_without_trading_does_not_pass() -> None:
    figures = Story().figures()
    assert (figures["leader_fills"], figures["copies_expected"]) == (0, 0)
    assert not passed(figures)


def test_an_open_that_the_market_did_not_fill_is_neither_missing_nor_drift() -> None:
    story = Story()
    story.leader("buy", "0.4")
    story.copy("buy", "0.00399", filled="0")
    story.leader("sell", "0.3996")
    figures = story.figures()
    assert (figures["missing"], figures["duplicates"], figures["drift_steps_max"]) == (0, 0, 0)


def test_an_open_that_filled_in_part_is_closed_in_that_part() -> None:
    story = Story()
    story.leader("buy", "0.4")
    story.copy("buy", "0.00399", filled="0.00200")
    story.leader("sell", "0.3996")
    story.copy("sell", "0.00199")
    assert passed(story.figures())


def test_the_rest_of_a_partly_filled_open_may_be_bought_once() -> None:
    story = Story()
    story.leader("buy", "0.4")
    story.copy("buy", "0.00399", filled="0.00200")
    story.copy("buy", "0.00199", filled="0.00100")
    assert story.figures()["duplicates"] == 0
    story.copy("buy", "0.00099")
    assert story.figures()["duplicates"] == 1


def test_who_got_the_rest_of_an_open_at_a_second_try_holds_what_was_asked_for() -> None:
    story = Story()
    story.leader("buy", "0.4")
    story.copy("buy", "0.00399", filled="0.00200")
    story.copy("buy", "0.00199")
    figures = story.figures()
    assert (figures["duplicates"], figures["drift_steps_max"] <= 1) == (0, True), figures


def test_a_follower_is_judged_even_where_his_exchange_has_told_no_price_yet() -> None:
    story = Story(copies_on="okx")
    story.records = [record for record in story.records if (record["kind"], record["venue"]) != ("mark", "okx")]
    story.leader("buy", "0.4")
    assert story.figures()["missing"] == 1


def test_a_follower_too_small_for_the_order_owes_no_copy() -> None:
    story = Story()
    story.leader("buy", "0.4")
    figures = story.figures(seats(10))
    assert (figures["copies_expected"], figures["missing"]) == (0, 0)


def test_each_sizing_is_held_to_its_own_terms() -> None:
    story = Story()
    story.leader("buy", "0.4")
    story.copy("buy", "0.00399")
    assert passed(story.figures(seats(1000, mode=SizingMode.FIXED_RATIO, value=D("0.01"))))
    assert not passed(story.figures(seats(1000, mode=SizingMode.FIXED_RATIO, value=D("0.02"))))
    assert not passed(story.figures(seats(1000, mode=SizingMode.FIXED_NOTIONAL, value=D(40))))


def test_the_demo_seats_every_follower_of_both_brands_under_a_leader() -> None:
    crowd = demo_seats(50)
    assert len(crowd) == len({seat.account for seat in crowd}) == 100
    assert {seat.terms.sizing_mode for seat in crowd} == set(SizingMode)
    assert len({seat.terms.allocation for seat in crowd}) == 7
    # Followers of every exchange copy every leader.
    assert {(seat.leader, seat.terms.venue) for seat in crowd} == {
        (leader, venue) for leader in {seat.leader for seat in crowd} for venue in TRAITS
    }
    assert {(seat.terms.venue, seat.market) for seat in crowd} == {(v, m) for v in TRAITS for m in ("spot", "perp")}


def test_the_auditor_knows_the_minima_of_every_instrument_of_every_exchange() -> None:
    listed = Listed()
    for venue in TRAITS:
        for symbol in ("BTC/USDT", "ETH/USDT:USDT", "SOL/USDT"):
            assert listed.rules(venue, symbol).qty_step > 0
    assert listed.symbol({"venue": "okx", "market": "perp", "symbol": "ETH-USDT-SWAP"}) == "ETH/USDT:USDT"


def test_the_table_has_a_line_for_each_market_and_the_reasons_of_what_was_not_copied() -> None:
    story = round_trip()
    story.leader("buy", "0.0001")
    lines = list(table(story.figures()))
    assert [line.split()[0] for line in lines[1:]] == ["binance", "all"]
    assert lines[1].endswith("below_notional_min 1") or lines[1].endswith("below_qty_min 1")
