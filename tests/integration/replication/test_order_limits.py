"""Limits at opening orders: what each measure keeps back, whose limit bites, and that closes always go."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal
from typing import Any

import pytest
from copydesk.db import Database
from copydesk.replication import LeaderSetupSeen, explanation_of, note_setups, subscription_lines
from copydesk.replication.lifecycle import end_subscription
from copydesk.risk.grammar import parse
from copydesk.risk.model import Scope, Scoped
from copydesk.risk.store import LimitOwner, delete_limits, store_limits
from copydesk.trading import Denial, EndMode, JoinMode, Side
from copydesk.venues import Liquidity
from copydesk.web.explanation import told
from copydesk.web.speaking import speaking
from desk_site import Opens, Site, Worker
from life_site import join
from order_site import OrderSite
from paper_exchange import PERPETUAL, PX, D
from shared_site import second_strategy
from sqlalchemy import event

BUY, SELL = Side.BUY, Side.SELL
# What a buy may pay at most for one coin: the trader's price and 50 basis points.
COST = PX * D("1.005")


class Desk:
    """A site whose followers have limits, and the worker that plans their copies."""

    def __init__(self, site: Site) -> None:
        self.site = site
        self.worker: Worker = site.worker()
        self.around = self.worker.around

    def limit(self, *lines: str, follower: int = 0) -> None:
        """Let a follower limit the own subscription."""
        self.set(LimitOwner(Scope.SUBSCRIPTION, self.site.subscriptions[follower]), *lines)

    def set(self, subject: LimitOwner, *lines: str) -> None:
        with self.site.db.tenant(self.site.tenant_id) as session:
            store_limits(session, subject, lines, "test")

    def clear(self, subject: LimitOwner, *lines: str) -> None:
        with self.site.db.tenant(self.site.tenant_id) as session:
            delete_limits(session, subject, lines)

    def buys(self, qty: str, **changed: Any) -> None:
        self.trades(BUY, qty, **changed)

    def trades(self, side: Side, qty: str, **changed: Any) -> None:
        self.site.trade(side, qty, **changed)
        self.worker.drain()

    def last(self, follower: int = 0) -> tuple[Decimal, str, str | None]:
        """Return what the newest copy of a follower was for, its status, and why it was denied."""
        query = "SELECT qty, status, reason FROM copy WHERE subscription_id = :id ORDER BY id DESC LIMIT 1"
        return tuple(self.site.rows(query, id=self.site.subscriptions[follower])[0])

    def facts(self) -> dict[str, str]:
        return self.site.rows("SELECT reason_facts FROM copy ORDER BY id DESC LIMIT 1")[0][0] or {}

    def denied(self, denial: Denial) -> bool:
        return self.last() == (0, "denied", denial.value)


@pytest.fixture
def desk(site: Site) -> Iterator[Desk]:
    yield Desk(site)


def test_an_order_is_cut_to_what_the_order_limit_leaves_and_its_copy_names_the_limit(desk: Desk) -> None:
    desk.limit("order > 100 USDT -> shrink")
    desk.buys("0.4")
    assert desk.last() == (D("0.00199"), "filled", None)
    assert D("0.00199") * COST <= 100 < D("0.00200") * COST
    assert desk.site.one("SELECT bound, wanted_qty FROM copy") == ("risk_limit", D("0.004"))
    assert desk.facts() == {
        "limit": "100",
        "limit_unit": "money",
        "limit_scope": "subscription",
        "limit_line": "order > 100 USDT -> shrink",
        "currency": "USDT",
    }


def test_what_a_limit_kept_back_is_not_made_up_for_later(desk: Desk) -> None:
    subject = LimitOwner(Scope.SUBSCRIPTION, desk.site.subscriptions[0])
    desk.set(subject, "order > 100 USDT -> shrink")
    desk.buys("0.4")
    desk.clear(subject, "order > 100 USDT -> shrink")
    desk.buys("0.1")
    assert desk.last()[0] <= D("0.00101")


def test_an_order_that_would_be_cut_below_the_exchanges_smallest_is_denied_in_the_limits_name(desk: Desk) -> None:
    desk.limit("order > 4 USDT -> shrink")
    desk.buys("0.4")
    assert desk.denied(Denial.RISK_ORDER_MAX)
    assert desk.facts()["limit_line"] == "order > 4 USDT -> shrink"


def test_an_order_limit_that_blocks_is_all_or_nothing(desk: Desk) -> None:
    desk.limit("order > 10 % of equity -> block_opens")
    desk.buys("0.4")
    assert desk.denied(Denial.RISK_ORDER_MAX)
    desk.buys("0.1")
    assert desk.last()[1] == "filled"


def test_a_warning_lets_the_order_through_and_is_told_on_its_copy(desk: Desk) -> None:
    desk.limit("order > 100 USDT -> warn")
    desk.buys("0.4")
    assert desk.last()[:2] == (D("0.004"), "filled")
    assert desk.facts() == {"warned_line": "order > 100 USDT -> warn", "warned_scope": "subscription"}


def test_a_position_grows_no_larger_than_its_limit(desk: Desk) -> None:
    desk.limit("position > 300 USDT -> shrink")
    desk.around.marks = {"BTC/USDT": PX}
    desk.buys("0.4")
    desk.buys("0.4")
    held = desk.site.book()[0]
    assert 0 < desk.last()[0] < D("0.004")
    assert held * PX <= 300
    desk.buys("0.4")
    assert desk.denied(Denial.RISK_POSITION_MAX)


def test_positions_are_worth_what_the_market_says_and_their_cost_where_it_says_nothing(desk: Desk) -> None:
    desk.limit("position > 255 USDT -> block_opens")
    desk.buys("0.4")
    desk.around.marks = {"BTC/USDT": PX * D("1.08")}
    desk.buys("0.1")
    assert desk.denied(Denial.RISK_POSITION_MAX)
    desk.around.marks = {}
    desk.buys("0.1")
    assert desk.last()[1] == "filled"


def test_exposure_adds_the_positions_of_all_instruments(desk: Desk) -> None:
    desk.limit("exposure > 30 % of equity -> shrink")
    desk.around.marks = {"BTC/USDT": PX, "ETH/USDT": PX}
    desk.buys("0.4")
    desk.buys("0.4", symbol="ETH/USDT")
    assert 0 < desk.last()[0] < D("0.003")
    desk.buys("0.4", symbol="ETH/USDT")
    assert desk.denied(Denial.RISK_EXPOSURE_MAX)


def test_no_further_market_is_opened_beyond_the_number_of_positions(desk: Desk) -> None:
    desk.limit("positions > 1 -> block_opens")
    desk.buys("0.1")
    desk.buys("0.1", symbol="ETH/USDT")
    assert desk.denied(Denial.RISK_POSITIONS_MAX)
    desk.buys("0.1")
    assert desk.last()[1] == "filled"


def test_what_a_fee_left_behind_is_no_position(desk: Desk) -> None:
    desk.limit("positions > 1 -> block_opens")
    desk.buys("0.4")
    desk.trades(SELL, "0.4")
    assert 0 < desk.site.book()[0] < D("0.00001")
    desk.buys("0.4", symbol="ETH/USDT")
    assert desk.last()[1] == "filled"


def test_the_leverage_limit_lowers_the_leverage_and_leaves_the_size(desk: Desk) -> None:
    desk.limit("leverage > 2 -> shrink")
    desk.site.leverage = {PERPETUAL: 4}
    desk.buys("0.4", symbol=PERPETUAL)
    assert desk.last()[:2] == (D("0.004"), "filled")
    assert (desk.site.accounts[0], "leverage", 2) in desk.site.exchange.setups
    assert desk.facts()["limit_line"] == "leverage > 2 -> shrink"
    # And what prepares accounts ahead of signals sets nothing else.
    with desk.site.db.tenant(desk.site.tenant_id) as session:
        note_setups(session, desk.site.leader, {PERPETUAL: LeaderSetupSeen(False, 4)})
    desk.worker.prepare()
    assert [value for _, what, value in desk.site.exchange.setups if what == "leverage"] == [2]


def test_no_more_orders_are_opened_in_a_minute_than_the_limit_allows(desk: Desk) -> None:
    desk.limit("orders > 2 per minute -> block_opens")
    for _ in range(2):
        desk.buys("0.1")
        assert desk.last()[1] == "filled"
    desk.buys("0.1")
    assert desk.denied(Denial.RISK_ORDERS_MAX)
    desk.site.act("UPDATE copy SET planned_at = planned_at - interval '2 minutes'")
    desk.buys("0.1")
    assert desk.last()[1] == "filled"


def test_an_order_takes_no_larger_part_of_the_offers_near_the_price_than_its_limit(desk: Desk) -> None:
    desk.limit("depth_share > 2 % -> shrink")
    desk.around.bears = {"BTC/USDT": Liquidity(bids=D(1), asks=D(5_000), volume=D(1))}
    desk.buys("0.4")
    assert D(50) < desk.last()[0] * PX <= D(100)


def test_nothing_is_opened_in_a_market_with_too_little_traded(desk: Desk) -> None:
    desk.limit("volume < 1000000 USDT per day -> block_opens")
    desk.around.bears = {
        "BTC/USDT": Liquidity(D(1), D(1), volume=D(999_999)),
        "ETH/USDT": Liquidity(D(1), D(1), D(10**6)),
    }
    desk.buys("0.4")
    assert desk.denied(Denial.RISK_VOLUME_MIN)
    desk.buys("0.4", symbol="ETH/USDT")
    assert desk.last()[1] == "filled"


def test_where_depth_and_volume_are_not_known_no_order_passes_a_limit_on_them(desk: Desk) -> None:
    desk.limit("depth_share > 2 % -> shrink")
    desk.buys("0.4")
    assert desk.denied(Denial.RISK_LIQUIDITY_UNKNOWN)


def test_the_market_is_only_looked_at_where_a_limit_is_about_it(desk: Desk) -> None:
    desk.limit("order > 100 USDT -> shrink")
    desk.buys("0.4")
    assert desk.around.looked_at_market == []


def test_only_instruments_on_the_list_are_opened(desk: Desk) -> None:
    desk.limit("instruments in ETH/USDT -> block_opens")
    desk.buys("0.4")
    assert desk.denied(Denial.RISK_INSTRUMENT_NOT_ALLOWED)
    desk.buys("0.4", symbol="ETH/USDT")
    assert desk.last()[1] == "filled"


def test_nothing_is_opened_while_a_position_of_the_account_is_close_to_its_liquidation(desk: Desk) -> None:
    desk.limit("margin_distance < 10 % -> block_opens")
    seen = (
        "INSERT INTO account_position (tenant_id, account_id, symbol, position_side, qty, mark_px, liquidation_px) "
        "VALUES (:tenant, :account, 'ETH/USDT:USDT', 'net', 1, 100, 95)"
    )
    desk.site.act(seen, tenant=desk.site.tenant_id, account=desk.site.accounts[0])
    desk.buys("0.4")
    assert desk.denied(Denial.RISK_MARGIN_DISTANCE_MIN)
    desk.site.act("UPDATE account_position SET liquidation_px = 85")
    desk.buys("0.4")
    assert desk.last()[1] == "filled"


def test_the_instrument_limit_counts_all_subscriptions_of_the_account(desk: Desk) -> None:
    other = Desk(second_strategy(desk.site))
    other.buys("0.4")
    desk.limit("instrument > 300 USDT -> shrink")
    desk.buys("0.4")
    assert 0 < desk.last()[0] < D("0.003")


def test_a_limit_of_the_account_measures_all_its_subscriptions_together(desk: Desk) -> None:
    other = Desk(second_strategy(desk.site))
    desk.set(LimitOwner(Scope.ACCOUNT, desk.site.accounts[0]), "exposure > 300 USDT -> block_opens")
    other.buys("0.4")
    desk.buys("0.4")
    assert desk.denied(Denial.RISK_EXPOSURE_MAX)


def test_two_strategies_of_an_account_hold_no_more_of_one_market_than_the_overlap_allows(desk: Desk) -> None:
    other = Desk(second_strategy(desk.site))
    desk.limit("overlap > 100 USDT -> shrink")
    other.buys("0.4")
    desk.buys("0.4")
    assert D(90) < desk.last()[0] * COST <= 100
    desk.buys("0.4", symbol="ETH/USDT")
    assert desk.last()[0] == D("0.004")


def test_the_allocation_of_a_subscription_and_of_all_of_its_account_are_limited_by_amounts(desk: Desk) -> None:
    desk.limit("allocation > 999 USDT -> block_opens")
    desk.buys("0.4")
    assert desk.denied(Denial.RISK_ALLOCATION_MAX)
    second_strategy(desk.site)
    desk.clear(LimitOwner(Scope.SUBSCRIPTION, desk.site.subscriptions[0]), "allocation > 999 USDT -> block_opens")
    desk.limit("allocation_total > 1500 USDT -> block_opens")
    desk.buys("0.4")
    assert desk.denied(Denial.RISK_ALLOCATION_TOTAL_MAX)


def test_equity_is_allocation_and_all_gains_and_losses_of_the_copies(desk: Desk) -> None:
    desk.limit("order > 20 % of equity -> shrink")
    desk.buys("0.1", symbol="ETH/USDT")
    desk.around.marks = {"ETH/USDT": PX / 2}
    desk.buys("0.4")
    equity = D(1_000) - D("0.001") * COST + D("0.000999") * PX / 2
    assert desk.last()[0] * COST <= equity / 5 < (desk.last()[0] + D("0.00001")) * COST


def test_of_two_limits_the_tighter_holds_whoever_set_it_and_the_copy_says_whose(desk: Desk) -> None:
    desk.limit("order > 150 USDT -> shrink")
    desk.set(LimitOwner(Scope.TENANT), "order > 100 USDT -> shrink")
    desk.set(LimitOwner(Scope.STRATEGY, desk.site.leader.strategy_id), "order > 120 USDT -> shrink")
    desk.buys("0.4")
    assert desk.last()[0] * COST <= 100
    assert desk.facts()["limit_scope"] == "tenant"


def test_limits_of_the_platform_and_of_the_brands_file_hold_with_the_next_signal(desk: Desk) -> None:
    desk.buys("0.1")
    desk.around.risk_limits = (
        Scoped(Scope.PLATFORM, parse("order > 100 USDT -> shrink")),
        Scoped(Scope.TENANT, parse("order > 150 USDT -> shrink")),
    )
    desk.buys("0.4")
    assert desk.last()[0] * COST <= 100
    assert desk.facts()["limit_scope"] == "platform"
    desk.around.risk_limits = ()
    desk.buys("0.4")
    assert desk.last()[0] >= D("0.0039")


def test_a_changed_limit_counts_from_the_next_signal_on(desk: Desk) -> None:
    subject = LimitOwner(Scope.SUBSCRIPTION, desk.site.subscriptions[0])
    desk.buys("0.1")
    desk.set(subject, "order > 100 USDT -> shrink")
    desk.buys("0.4")
    assert desk.last()[0] * COST <= 100
    desk.clear(subject, "order > 100 USDT -> shrink")
    desk.buys("0.1")
    assert desk.last()[0] == D("0.001")


def test_one_followers_limits_are_no_others(opens: Opens) -> None:
    desk = Desk(opens(followers=2))
    desk.limit("order > 100 USDT -> shrink", follower=0)
    desk.buys("0.4")
    assert (desk.last(0)[0], desk.last(1)[0]) == (D("0.00199"), D("0.004"))


def test_a_brands_limits_are_no_other_brands(opens: Opens) -> None:
    strict, free = Desk(opens()), Desk(opens())
    strict.set(LimitOwner(Scope.TENANT), "order > 100 USDT -> shrink")
    strict.buys("0.4")
    free.buys("0.4")
    assert (strict.last()[0], free.last()[0]) == (D("0.00199"), D("0.004"))


EVERY_LIMIT = (
    "order > 1 USDT -> block_opens",
    "position > 1 USDT -> block_opens",
    "instrument > 1 USDT -> block_opens",
    "exposure > 1 USDT -> block_opens",
    "positions > 1 -> block_opens",
    "leverage > 1 -> block_opens",
    "orders > 1 per minute -> block_opens",
    "depth_share > 0.1 % -> block_opens",
    "volume < 1000000 USDT per day -> block_opens",
    "overlap > 1 USDT -> block_opens",
    "correlation > 10 % -> block_opens",
    "margin_distance < 90 % -> block_opens",
    "allocation > 1 USDT -> block_opens",
    "allocation_total > 1 USDT -> block_opens",
    "instruments in ETH/USDT -> block_opens",
    "loss > 1 USDT -> block_opens",
    "drawdown > 1 USDT -> block_opens",
)


def test_closes_are_blocked_by_no_limit(desk: Desk) -> None:
    desk.buys("0.4")
    desk.limit(*EVERY_LIMIT)
    desk.buys("0.4")
    assert desk.last()[1] == "denied"
    desk.trades(SELL, "0.4")
    assert desk.last()[1] == "filled"
    desk.trades(SELL, "0.4")
    assert desk.site.book()[0] < D("0.00001")


def test_a_reversal_closes_under_every_limit_and_only_its_open_is_denied(desk: Desk) -> None:
    desk.buys("0.4", symbol=PERPETUAL)
    desk.limit(*EVERY_LIMIT)
    desk.trades(SELL, "0.8", symbol=PERPETUAL)
    assert desk.site.book(symbol=PERPETUAL)[0] == 0
    assert desk.site.rows("SELECT leg, status FROM copy ORDER BY id DESC LIMIT 2") == [
        ("open", "denied"),
        ("close", "filled"),
    ]


def test_what_is_to_be_closed_first_does_not_count_against_a_reversal(desk: Desk) -> None:
    desk.limit("position > 250 USDT -> block_opens")
    desk.buys("0.4", symbol=PERPETUAL)
    desk.trades(SELL, "0.8", symbol=PERPETUAL)
    assert desk.site.book(symbol=PERPETUAL)[0] == D("-0.004")


def test_leaving_closes_under_every_limit(desk: Desk) -> None:
    desk.buys("0.4")
    desk.limit(*EVERY_LIMIT)
    with desk.site.db.tenant(desk.site.tenant_id) as session:
        end_subscription(session, desk.site.subscriptions[0], EndMode.CLOSE_NOW)
    desk.worker.reconcile()
    assert desk.site.book()[0] < D("0.00001")


def test_a_late_joiner_takes_over_no_more_than_the_limits_allow(site: Site) -> None:
    desk = Desk(site)
    desk.set(LimitOwner(Scope.TENANT), "order > 100 USDT -> shrink")
    site.trade(BUY, "0.4")
    _, account = join(site, JoinMode.AT_MARKET)
    desk.worker.drain()
    desk.worker.reconcile()
    (order,) = site.exchange.orders_of(account)
    assert order.qty * COST <= 100


def test_a_second_try_is_held_to_the_limits_of_today(site: Site) -> None:
    desk = Desk(site)
    site.exchange.mood = {site.accounts[0]: "half"}
    desk.buys("0.4")
    site.exchange.mood = {}
    desk.limit("position > 120 USDT -> shrink")
    desk.worker.reconcile()
    legs = site.rows("SELECT leg, qty FROM copy ORDER BY id")
    assert [leg for leg, _ in legs] == ["open", "top-up"]
    assert site.book()[0] * COST <= 120


def limit_all(desk: OrderSite, *lines: str) -> None:
    with desk.site.db.tenant(desk.site.tenant_id) as session:
        store_limits(session, LimitOwner(Scope.TENANT), lines, "test")


def test_a_resting_order_is_placed_no_larger_than_the_limits_allow(db: Database) -> None:
    desk = OrderSite(db)
    limit_all(desk, "order > 100 USDT -> shrink")
    desk.place("1", BUY, "1", "49000")
    desk.worker().tend()
    (order,) = desk.exchange.resting(desk.account)
    assert order.qty == D("0.00204")
    bound, wanted, facts = desk.site.one("SELECT bound, wanted_qty, reason_facts FROM copy")
    assert (bound, wanted) == ("risk_limit", D("0.01"))
    assert (facts["limit_line"], facts["limit_scope"]) == ("order > 100 USDT -> shrink", "tenant")
    # And it stays known when the order is filled.
    desk.exchange.fill(desk.account, "0.00204")
    desk.look_now()
    desk.worker().tend()
    status, facts = desk.site.one("SELECT status, reason_facts FROM copy")
    assert (status, facts["limit_line"]) == ("filled", "order > 100 USDT -> shrink")


def test_a_resting_order_that_no_limit_lets_rest_is_left_to_its_fills_which_are_judged_too(db: Database) -> None:
    desk = OrderSite(db)
    limit_all(desk, "order > 100 USDT -> block_opens")
    worker = desk.worker()
    desk.place("1", BUY, "1", "49000")
    worker.tend()
    assert desk.exchange.resting(desk.account) == []
    assert desk.site.rows("SELECT state, reason FROM resting_order") == [("done", "risk_order_max")]
    signal = desk.site.one("SELECT max(id) FROM signal")
    with db.tenant(desk.site.tenant_id) as session:
        found = explanation_of(session, desk.site.subscriptions[0], signal)
    with speaking("en"):
        rows = told(found)[-1].rows
    (risk,) = [said for title, said in rows if title == "Risk"]
    assert "order > 100 USDT -> block_opens" in risk and "the brand's" in risk
    desk.fill("1", "1")
    worker.drain()
    assert desk.site.rows("SELECT status, reason FROM copy") == [("denied", "risk_order_max")]


def test_a_resting_order_grows_no_further_than_the_limits_allow(db: Database) -> None:
    desk = OrderSite(db, symbol=PERPETUAL)
    limit_all(desk, "exposure > 600 USDT -> shrink")
    worker = desk.worker()
    desk.place("1", BUY, "1", "50000")
    worker.tend()
    desk.change("1", qty=D(3))
    worker.tend()
    (order,) = desk.exchange.resting(desk.account)
    assert D("0.01") < order.qty <= D("0.012")
    bound, wanted, line = desk.site.one("SELECT bound, wanted_qty, reason_facts ->> 'limit_line' FROM copy")
    assert (bound, wanted, line) == ("risk_limit", D("0.03"), "exposure > 600 USDT -> shrink")
    # And it is looked at as ever.
    desk.exchange.fill(desk.account, "0.005")
    desk.look_now()
    worker.tend()
    assert desk.book()[0] == D("0.005")


def test_a_resting_order_that_may_not_grow_names_the_limit_until_it_may(db: Database) -> None:
    desk = OrderSite(db, symbol=PERPETUAL)
    worker = desk.worker()
    desk.place("1", BUY, "1", "50000")
    worker.tend()
    line = "exposure > 400 USDT -> block_opens"
    limit_all(desk, line)
    desk.change("1", qty=D(3))
    worker.tend()
    facts = desk.site.one("SELECT reason_facts FROM copy")
    assert (facts["limit_line"], facts["limit_wanted"]) == (line, "0.03")
    with db.tenant(desk.site.tenant_id) as session:
        (shown,) = subscription_lines(session)[0].resting
        delete_limits(session, LimitOwner(Scope.TENANT), [line])
    assert shown.facts is not None
    assert shown.facts["limit_line"] == line
    desk.look_now()
    worker.tend()
    assert desk.site.rows("SELECT qty, bound, reason_facts FROM copy") == [(D("0.03"), "none", None)]


def test_an_explanation_names_the_limit_that_cut_the_copy_and_whose_it_is(desk: Desk) -> None:
    desk.set(LimitOwner(Scope.STRATEGY, desk.site.leader.strategy_id), "order > 100 USDT -> shrink")
    (signal,) = desk.site.trade(BUY, "0.4")
    desk.worker.drain()
    with desk.site.db.tenant(desk.site.tenant_id) as session:
        found = explanation_of(session, desk.site.subscriptions[0], signal.id)
    with speaking("en"):
        *_, section = told(found)
    rows = dict(section.rows)
    assert rows["Why this size"].endswith("cut to what a limit allows.")
    assert "order > 100 USDT -> shrink" in rows["Risk"] and "the trader's" in rows["Risk"]


def test_a_refusal_of_the_exchange_keeps_the_limit_that_cut_the_order(desk: Desk) -> None:
    desk.limit("order > 100 USDT -> shrink")
    desk.site.exchange.mood = {desk.site.accounts[0]: "key"}
    desk.buys("0.4")
    assert desk.last()[2] == Denial.KEY_REJECTED
    assert desk.facts()["limit_line"] == "order > 100 USDT -> shrink"
    assert desk.facts()["message"] == "Invalid API-key"


def test_an_order_of_unknown_outcome_keeps_the_limit_that_cut_it(desk: Desk) -> None:
    desk.limit("order > 100 USDT -> shrink")
    desk.site.exchange.mood = {desk.site.accounts[0]: "silent"}
    desk.buys("0.4")
    desk.worker.reconcile()
    assert desk.last()[1] == "filled"
    assert desk.facts()["limit_line"] == "order > 100 USDT -> shrink"


def test_what_a_resting_order_missed_is_opened_as_far_as_the_limits_allow(db: Database) -> None:
    desk = OrderSite(db)
    worker = desk.worker()
    desk.place("1", BUY, "1", "49000")
    worker.tend()
    limit_all(desk, "order > 100 USDT -> shrink")
    desk.fill("1", "1")
    worker.drain()
    worker.tend()
    legs = desk.site.rows("SELECT leg, qty, bound FROM copy WHERE leg = 'catch-up'")
    assert legs == [("catch-up", D("0.00203"), "risk_limit")]
    assert desk.book()[1] <= D("0.00203")


def test_without_limits_a_signal_takes_no_more_statements_than_before(desk: Desk) -> None:
    desk.buys("0.1")
    plain = statements_of(desk, "0.1")
    assert not [
        one for one in plain if "risk_limit" in one or "account_position" in one or "cash" in one.split("FROM")[0]
    ]
    desk.around.risk_limits = (
        Scoped(Scope.PLATFORM, parse("drawdown > 90 % of equity -> close_and_disarm")),
        Scoped(Scope.TENANT, parse("loss > 50 % of equity per day -> block_opens")),
    )
    assert len(statements_of(desk, "0.1")) == len(plain)


def test_limits_that_need_only_books_cost_no_statement_more(desk: Desk) -> None:
    desk.buys("0.1")
    plain = statements_of(desk, "0.1")
    desk.limit("exposure > 300 % of equity -> shrink", "order > 25 % of equity -> shrink", "leverage > 5 -> shrink")
    desk.buys("0.1")  # The crowd is read anew.
    assert len(statements_of(desk, "0.1")) == len(plain)


def statements_of(desk: Desk, qty: str) -> list[str]:
    """Return the statements that draining one more open takes."""
    desk.site.trade(BUY, qty)
    seen: list[str] = []

    def note(connection: Any, cursor: Any, statement: str, *more: Any) -> None:
        seen.append(statement)

    engine = desk.site.db.engine
    event.listen(engine, "before_cursor_execute", note)
    try:
        desk.worker.drain()
    finally:
        event.remove(engine, "before_cursor_execute", note)
    return seen
