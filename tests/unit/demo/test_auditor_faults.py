"""The auditor is not easily satisfied: every kind of fault must be able to fail it."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from auditor_story import Story
from copydesk.demo.check import passed


def doubled_under_the_same_id(story: Story) -> None:
    story.leader("buy", "0.4")
    story.copy("buy", "0.00399", cid="cd-x")
    story.copy("buy", "0.00399", cid="cd-x")


def doubled_under_another_id(story: Story) -> None:
    story.leader("buy", "0.4")
    story.copy("buy", "0.00399", cid="cd-x")
    story.copy("buy", "0.00399", cid="cd-y")


def an_open_is_lost(story: Story) -> None:
    story.leader("buy", "0.4")


def a_close_is_lost(story: Story) -> None:
    story.leader("buy", "0.4")
    story.copy("buy", "0.00399")
    story.leader("sell", "0.3996")


def too_much_is_bought(story: Story) -> None:
    story.leader("buy", "0.4")
    story.copy("buy", "0.00500")


def too_little_is_bought(story: Story) -> None:
    story.leader("buy", "0.4")
    story.copy("buy", "0.00300")


def too_little_is_sold(story: Story) -> None:
    story.leader("buy", "0.4")
    story.copy("buy", "0.00399")
    story.leader("sell", "0.3996")
    story.copy("sell", "0.00200")


def an_order_that_nobody_asked_for(story: Story) -> None:
    story.leader("buy", "0.4")
    story.copy("buy", "0.00399")
    story.copy("sell", "0.00398")


def a_bid_below_the_leaders_price(story: Story) -> None:
    story.leader("buy", "0.4")
    story.copy("buy", "0.00399", filled="0", px="45000")


def a_bid_that_the_market_was_below(story: Story) -> None:
    story.leader("buy", "0.4")
    story.mark("49990")
    story.copy("buy", "0.00399", filled="0", px="50010")


def a_lost_open_and_an_unasked_sale(story: Story) -> None:
    story.leader("buy", "0.1")
    story.leader("buy", "0.1")
    story.copy("buy", "0.00199")
    story.copy("sell", "0.00001")


def a_full_close_and_another_one(story: Story) -> None:
    story.leader("buy", "0.4")
    story.copy("buy", "0.00399")
    story.wait(10_000)
    story.leader("sell", "0.3996")
    story.copy("sell", "0.00200")
    story.copy("sell", "0.00198")


def an_order_refused_for_its_number(story: Story) -> None:
    story.leader("buy", "0.4")
    story.request(429)
    story.copy("buy", "0.00399")


def a_copy_of_another_pair(story: Story) -> None:
    story.leader("buy", "0.4")
    story.copy("buy", "0.00399")
    story.copy("buy", "0.00399")
    story.records[-2:] = [record | {"symbol": "ETHUSDT"} for record in story.records[-2:]]


@pytest.mark.parametrize(
    ("fault", "figure"),
    [
        (an_order_refused_for_its_number, "over_limit"),
        (a_copy_of_another_pair, "wrong_market"),
        (doubled_under_the_same_id, "duplicates"),
        (doubled_under_another_id, "duplicates"),
        (an_open_is_lost, "missing"),
        (a_close_is_lost, "missing"),
        (a_close_is_lost, "drift_steps_max"),
        (too_much_is_bought, "drift_steps_max"),
        (too_little_is_bought, "drift_steps_max"),
        (too_little_is_sold, "drift_steps_max"),
        (an_order_that_nobody_asked_for, "duplicates"),
        (an_order_that_nobody_asked_for, "drift_steps_max"),
        (a_bid_below_the_leaders_price, "drift_steps_max"),
        (a_bid_that_the_market_was_below, "drift_steps_max"),
        (a_lost_open_and_an_unasked_sale, "missing"),
        (a_lost_open_and_an_unasked_sale, "wrong_side"),
        (a_full_close_and_another_one, "duplicates"),
    ],
    ids=lambda case: case if isinstance(case, str) else case.__name__,
)
def test_the_auditor_finds_the_fault(fault: Callable[[Story], None], figure: str) -> None:
    story = Story()
    fault(story)
    figures = story.figures()
    assert figures[figure] >= (2 if figure == "drift_steps_max" else 1)
    assert not passed(figures)


def test_a_lost_open_and_an_unasked_sale_do_not_cancel_out() -> None:
    story = Story()
    a_lost_open_and_an_unasked_sale(story)
    figures = story.figures()
    assert (figures["copies_expected"], figures["copies_done"]) == (2, 1)
    assert (figures["missing"], figures["wrong_side"]) == (1, 1)
