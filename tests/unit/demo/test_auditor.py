"""The auditor reads a lab journal and is not easily satisfied: every kind of fault must be able to fail it."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal
from typing import Any

import pytest
from copydesk.demo.audit import Seat, audit
from copydesk.demo.cast import FollowerTerms
from copydesk.demo.check import demo_seats, lab_rules, passed, require_fills, traded_orders
from copydesk.demo.ledger import Rules
from copydesk.kernel import Unavailable
from copydesk.trading import SizingMode

D = Decimal
RULES = {"BTCUSDT": Rules(D("0.00001"), D("0.00001"), D(5))}
LEADER, FOLLOWER = "aurora:trader:one", "aurora:follower:0"


def seats(*allocations: int, mode: SizingMode = SizingMode.EQUITY_RATIO, value: Decimal | None = None) -> list[Seat]:
    return [
        Seat(f"aurora:follower:{n}", LEADER, FollowerTerms(n, 0, D(allocation), mode, value))
        for n, allocation in enumerate(allocations)
    ]


class Story:
    """A journal written by hand: what an exchange would have recorded."""

    def __init__(self) -> None:
        self.at_ms = 1_000.0
        self.order_id = 0
        self.records: list[dict[str, Any]] = [
            {"kind": "account", "account": LEADER, "balances": {"USDT": "100000"}},
            {"kind": "account", "account": FOLLOWER, "balances": {"USDT": "1100"}},
        ]
        self.mark("50000")

    def mark(self, px: str) -> None:
        self._add(kind="mark", symbol="BTCUSDT", px=px)

    def wait(self, ms: float) -> None:
        self.at_ms += ms

    def leader(self, side: str, qty: str) -> None:
        self.order(LEADER, side, qty, cid=f"leader-{self.order_id}")

    def copy(
        self, side: str, qty: str, *, cid: str | None = None, filled: str | None = None, px: str = "50250"
    ) -> None:
        limit = {"px": px} if side == "buy" else {"px": None}
        self.order(FOLLOWER, side, qty, cid=cid or f"cd-{self.order_id}", filled=filled, **limit)

    def order(
        self, account: str, side: str, qty: str, *, cid: str, filled: str | None = None, px: str | None = None
    ) -> None:
        """Record an order, its execution at 50,000 with a fee of 0.1 %, and its expiry if it filled short."""
        self.order_id += 1
        named = {"account": account, "symbol": "BTCUSDT", "order_id": self.order_id, "client_order_id": cid}
        self._add(kind="order", change="NEW", side=side, qty=qty, px=px, cum_qty="0", **named)
        done = D(qty if filled is None else filled)
        if done:
            fee, currency = (done / 1000, "BTC") if side == "buy" else (done * 50, "USDT")
            money = {"px": "50000", "qty": str(done), "fee": str(fee), "fee_currency": currency}
            self._add(kind="execution", side=side, order_cum_qty=str(done), **named, **money)
        if done < D(qty):
            self._add(kind="order", change="EXPIRED", cum_qty=str(done), **named)

    def _add(self, **record: Any) -> None:
        self.at_ms += 5
        self.records.append({"at_ms": self.at_ms, **record})

    def figures(self, crowd: list[Seat] | None = None) -> dict[str, Any]:
        return audit(self.records, crowd or seats(1000), RULES)


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
    assert figures == {
        "leader_fills": 2,
        "copies_expected": 2,
        "copies_done": 2,
        "duplicates": 0,
        "missing": 0,
        "drift_steps_max": 0,
        "p50_ms": figures["p50_ms"],
        "p99_ms": figures["p99_ms"],
        "placed": 2,
        "filled": 2,
    }
    assert figures["p50_ms"] == 5
    assert passed(figures)


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
    story.leader("sell", "0.3996")
    story.copy("sell", "0.00200")
    story.copy("sell", "0.00198")


@pytest.mark.parametrize(
    ("fault", "figure"),
    [
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
        (a_lost_open_and_an_unasked_sale, "duplicates"),
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


def test_one_lost_copy_among_many_is_counted_as_one() -> None:
    story = Story()
    for _ in range(4):
        story.leader("buy", "0.1")
        story.copy("buy", "0.00099")
    story.leader("buy", "0.1")
    assert story.figures()["missing"] == 1


def test_a_lost_open_and_an_unasked_sale_do_not_cancel_out() -> None:
    story = Story()
    a_lost_open_and_an_unasked_sale(story)
    figures = story.figures()
    assert (figures["copies_expected"], figures["copies_done"]) == (2, 1)
    assert (figures["missing"], figures["duplicates"]) == (1, 1)


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
    story.leader("buy", "0.3")
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
    story.order(LEADER, "buy", "0.1", cid="resting", filled="0")
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
    assert len({seat.leader for seat in crowd}) == 4
    assert {seat.terms.sizing_mode for seat in crowd} == set(SizingMode)


def test_the_auditor_knows_the_minima_of_every_pair_that_the_lab_trades() -> None:
    rules = lab_rules()
    assert {"BTCUSDT", "ETHUSDT", "SOLUSDT"} <= rules.keys()
    assert all(rule.notional_min > 0 and rule.qty_step > 0 for rule in rules.values())
