"""Two strategies copied with one account: their books cross in its position, and are each other's no business."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal
from typing import Any

import pytest
from copydesk.db import Database
from copydesk.kernel import ZERO
from copydesk.replication.lifecycle import end_subscription
from copydesk.trading import Denial, EndMode, OrderRequest, PositionSide, Side
from desk_site import Site, Worker
from order_site import OrderSite
from paper_exchange import PERPETUAL, D
from shared_site import second_strategy
from sqlalchemy import event

BUY, SELL = Side.BUY, Side.SELL


class Pair:
    """One account that copies two leaders, at an exchange that refuses what would not reduce."""

    def __init__(self, site: Site) -> None:
        self.long, self.short = site, second_strategy(site)
        self.account = site.accounts[0]
        site.exchange.mood = {self.account: "strict"}
        site.exchange.cash = {self.account: D(100_000)}
        self.worker = site.worker()

    def moves(self, site: Site, side: Side, qty: str, **changed: Any) -> None:
        site.trade(side, qty, symbol=PERPETUAL, **changed)
        self.worker.drain()

    def books(self) -> tuple[Decimal, Decimal]:
        return tuple(
            next((row[0] for row in site._held(site.subscriptions[0], PERPETUAL)), ZERO)
            for site in (self.long, self.short)
        )

    @property
    def last(self) -> OrderRequest:
        return self.long.exchange.orders_of(self.account)[-1]

    def agrees(self) -> bool:
        """Tell whether the exchange's one position is the sum of the books, and the books that of their fills."""
        return self.long.exchange.position(self.account) == sum(self.books()) and self.long.books_are_sums()

    def ends(self) -> set[tuple[str, str]]:
        return {tuple(row) for row in self.long.rows("SELECT status, coalesce(reason, '') FROM copy")}


@pytest.fixture
def pair(site: Site) -> Pair:
    return Pair(site)


def open_both(pair: Pair) -> None:
    """Five long for the one, three short for the other: two long at the exchange."""
    pair.moves(pair.long, BUY, "0.5")
    pair.moves(pair.short, SELL, "0.3")
    assert pair.books() == (D("0.005"), D("-0.003"))
    assert pair.agrees()


def test_opposite_books_cross_in_the_one_position_of_the_account(pair: Pair) -> None:
    open_both(pair)
    assert pair.long.exchange.position(pair.account) == D("0.002")


def test_a_close_larger_than_the_position_is_sent_plain_and_goes_through(pair: Pair) -> None:
    open_both(pair)
    pair.moves(pair.long, SELL, "0.5")
    assert (pair.last.qty, pair.last.reduces, pair.last.reduce_only) == (D("0.005"), True, False)
    assert pair.books() == (0, D("-0.003"))
    assert pair.agrees()
    pair.moves(pair.short, BUY, "0.3")
    assert pair.last.reduce_only
    assert pair.books() == (0, 0)
    assert pair.agrees()
    assert pair.ends() == {("filled", "")}


def test_a_close_within_the_position_stays_reduce_only(pair: Pair) -> None:
    open_both(pair)
    pair.moves(pair.long, SELL, "0.2")
    assert (pair.last.qty, pair.last.reduce_only) == (D("0.002"), True)
    assert pair.agrees()


def test_the_smaller_side_closes_first_without_a_refusal(pair: Pair) -> None:
    open_both(pair)
    pair.moves(pair.short, BUY, "0.1")
    pair.moves(pair.short, BUY, "0.2")
    assert not pair.last.reduce_only
    assert pair.books() == (D("0.005"), 0)
    pair.moves(pair.long, SELL, "0.5")
    assert pair.last.reduce_only
    assert pair.books() == (0, 0)
    assert pair.agrees()
    assert pair.ends() == {("filled", "")}


def test_books_of_one_side_close_reduce_only(pair: Pair) -> None:
    pair.moves(pair.long, BUY, "0.5")
    pair.moves(pair.short, BUY, "0.3")
    pair.moves(pair.long, SELL, "0.5")
    assert pair.last.reduce_only
    assert pair.books() == (0, D("0.003"))
    assert pair.agrees()


def test_a_reversal_through_the_other_book_closes_and_opens_its_own_quantities(pair: Pair) -> None:
    open_both(pair)
    pair.moves(pair.short, BUY, "0.7")
    close, opened = pair.long.exchange.orders_of(pair.account)[-2:]
    assert (close.qty, close.reduces, close.reduce_only) == (D("0.003"), True, False)
    assert (opened.qty, opened.reduces) == (D("0.004"), False)
    assert pair.books() == (D("0.005"), D("0.004"))
    assert pair.agrees()


def test_a_close_whose_sibling_may_just_have_opened_the_other_way_is_sent_plain(pair: Pair) -> None:
    pair.moves(pair.long, BUY, "0.5")
    pair.long.exchange.mood = {pair.account: "silent"}
    pair.moves(pair.short, SELL, "0.3")
    pair.long.exchange.mood = {pair.account: "strict"}
    assert pair.books() == (D("0.005"), 0)
    pair.moves(pair.long, SELL, "0.5")
    assert not pair.last.reduce_only
    pair.worker.reconcile()
    assert pair.books() == (0, D("-0.003"))
    assert pair.agrees()


def test_a_correction_decides_anew_whether_it_crosses(pair: Pair) -> None:
    open_both(pair)
    pair.long.exchange.mood = {pair.account: "miss"}
    pair.moves(pair.long, SELL, "0.5")
    pair.long.exchange.mood = {pair.account: "strict"}
    pair.worker.reconcile()
    assert (pair.last.qty, pair.last.reduce_only) == (D("0.005"), False)
    assert pair.books() == (0, D("-0.003"))
    assert pair.agrees()


def test_a_close_that_never_arrived_decides_anew_whether_it_crosses(pair: Pair) -> None:
    open_both(pair)
    pair.long.exchange.mood = {pair.account: "lost"}
    pair.moves(pair.long, SELL, "0.5")
    pair.long.exchange.mood = {pair.account: "strict"}
    pair.moves(pair.short, BUY, "0.3")
    assert not pair.last.reduce_only
    pair.worker.clock.ahead_s = 60
    pair.worker.reconcile()
    assert (pair.last.qty, pair.last.reduce_only) == (D("0.005"), True)
    assert pair.books() == (0, 0)
    assert pair.agrees()


def test_a_close_refused_because_of_what_the_owner_did_is_resized_to_what_is_left(pair: Pair) -> None:
    pair.moves(pair.long, BUY, "0.5")
    pair.moves(pair.short, BUY, "0.3")
    pair.long.exchange.sold_by_hand = {pair.account: D("0.004")}
    pair.moves(pair.long, SELL, "0.5")
    assert ("rejected", Denial.NOTHING_TO_REDUCE.value) in pair.ends()
    pair.worker.reconcile()
    orders = pair.long.exchange.orders_of(pair.account)
    assert (orders[-1].qty, orders[-1].reduce_only) == (D("0.004"), True)
    assert pair.long.exchange.position(pair.account) == 0


def test_an_account_that_copies_one_strategy_costs_no_look_at_others(site: Site) -> None:
    worker = site.worker()
    site.trade(BUY, "0.5", symbol=PERPETUAL)
    worker.drain()
    looked = statements_of(site, worker, lambda: site.trade(SELL, "0.5", symbol=PERPETUAL))
    assert not [one for one in looked if "'net' AND b.qty <> 0" in one]


def test_an_opening_signal_costs_no_look_at_others(pair: Pair) -> None:
    pair.moves(pair.long, BUY, "0.5")
    looked = statements_of(pair.long, pair.worker, lambda: pair.short.trade(SELL, "0.3", symbol=PERPETUAL))
    assert not [one for one in looked if "'net' AND b.qty <> 0" in one]
    looked = statements_of(pair.long, pair.worker, lambda: pair.long.trade(SELL, "0.5", symbol=PERPETUAL))
    assert len([one for one in looked if "'net' AND b.qty <> 0" in one]) == 1


def test_two_strategies_spend_their_own_allocations(pair: Pair) -> None:
    pair.moves(pair.long, BUY, "4")
    # The first has spent its 1,000 USDT to the last contract; the second has its own whole.
    pair.moves(pair.short, BUY, "0.5")
    assert pair.books() == (D("0.019"), D("0.005"))
    pair.moves(pair.long, BUY, "0.5")
    denial = "SELECT reason FROM copy WHERE status = 'denied'"
    assert pair.long.rows(denial) == [(Denial.ALLOCATION_SPENT.value,)]


def test_a_balance_that_fails_one_strategy_leaves_the_other_alone(pair: Pair) -> None:
    pair.moves(pair.long, BUY, "0.5")
    pair.long.exchange.cash = {pair.account: ZERO}
    pair.moves(pair.short, SELL, "0.3")
    assert ("rejected", Denial.INSUFFICIENT_BALANCE.value) in pair.ends()
    pair.moves(pair.long, SELL, "0.2")
    assert pair.books() == (D("0.003"), 0)
    assert pair.agrees()
    assert pair.long.rows("SELECT DISTINCT state FROM subscription") == [("synced",)]


def test_pausing_one_strategy_leaves_the_other_copying(pair: Pair) -> None:
    open_both(pair)
    pair.long.act("UPDATE subscription SET state = 'paused' WHERE id = :id", id=pair.long.subscriptions[0])
    pair.moves(pair.long, BUY, "0.1")
    pair.moves(pair.short, SELL, "0.1")
    assert pair.books() == (D("0.005"), D("-0.004"))


def test_the_two_sides_of_hedge_mode_never_cross(pair: Pair) -> None:
    pair.moves(pair.long, BUY, "0.5", position_side=PositionSide.LONG)
    pair.moves(pair.short, SELL, "0.3", position_side=PositionSide.SHORT)
    pair.long.exchange.mood = {}
    pair.moves(pair.long, SELL, "0.5", position_side=PositionSide.LONG)
    assert (pair.last.position_side, pair.last.qty, pair.last.reduce_only) == (PositionSide.LONG, D("0.005"), True)
    rows = pair.long.rows("SELECT position_side, qty FROM book WHERE qty <> 0")
    assert rows == [("short", D("-0.003"))]


def test_two_strategies_hold_the_same_coin_each_its_own(pair: Pair) -> None:
    for site in (pair.long, pair.short):
        site.trade(BUY, "0.5")
        pair.worker.drain()
    held = pair.long.exchange.owned(pair.account)
    pair.long.trade(SELL, "0.5")
    pair.worker.drain()
    rows = pair.long.rows("SELECT subscription_id, qty FROM book WHERE qty > 0.00001")
    assert [subscription for subscription, _ in rows] == [pair.short.subscriptions[0]]
    assert pair.long.exchange.owned(pair.account) == pair.long.one("SELECT sum(qty) FROM book")
    assert held > pair.long.exchange.owned(pair.account) > 0


def test_what_two_books_have_too_much_of_crosses_inside_and_sends_nothing(pair: Pair) -> None:
    open_both(pair)
    pair.long.exchange.mood = {pair.account: "miss"}
    pair.moves(pair.long, SELL, "0.5")
    pair.moves(pair.short, BUY, "0.3")
    pair.long.exchange.mood = {pair.account: "strict"}
    sent = len(pair.long.exchange.orders_of(pair.account))
    pair.worker.reconcile()
    # Of five and three, three cross at the market's price; one order goes out, for the difference.
    orders = pair.long.exchange.orders_of(pair.account)[sent:]
    assert [(order.side, order.qty, order.reduce_only) for order in orders] == [(SELL, D("0.002"), True)]
    assert pair.books() == (0, 0)
    assert pair.agrees()
    told = pair.long.rows("SELECT qty, px, reason FROM book_adjustment ORDER BY id")
    assert told == [(D("-0.003"), 50_000, "crossed"), (D("0.003"), 50_000, "crossed")]


def test_a_strategy_that_is_left_closes_its_own_book_through_the_others(pair: Pair) -> None:
    open_both(pair)
    with pair.long.db.tenant(pair.long.tenant_id) as session:
        end_subscription(session, pair.long.subscriptions[0], EndMode.CLOSE_NOW)
    pair.worker.reconcile()
    assert (pair.last.qty, pair.last.reduce_only) == (D("0.005"), False)
    pair.worker.reconcile()
    assert pair.books() == (0, D("-0.003"))
    assert pair.agrees()
    # Alone from here on, the other one closes as ever.
    pair.moves(pair.short, BUY, "0.3")
    assert pair.last.reduce_only
    assert pair.books() == (0, 0)


@pytest.mark.parametrize(("other", "crosses"), [(SELL, True), (BUY, False)])
def test_a_resting_close_is_plain_where_the_other_book_nets_it_out(db: Database, other: Side, crosses: bool) -> None:
    desk = OrderSite(db, symbol=PERPETUAL)
    short, worker = second_strategy(desk.site), desk.worker()
    desk.site.trade(BUY, "0.5", symbol=PERPETUAL)
    short.trade(other, "0.3", symbol=PERPETUAL)
    worker.drain()
    desk.place("1", SELL, "0.5", "60000", reduces=True)
    worker.tend()
    (order,) = desk.exchange.resting(desk.account)
    assert (order.qty, order.reduces, order.crosses) == (D("0.005"), True, crosses)


def statements_of(site: Site, worker: Worker, act: Callable[[], object]) -> list[str]:
    """Return the statements that draining what `act` stores takes."""
    act()
    seen: list[str] = []

    def note(connection: Any, cursor: Any, statement: str, *more: Any) -> None:
        seen.append(statement)

    engine = site.db.engine
    event.listen(engine, "before_cursor_execute", note)
    try:
        worker.drain()
    finally:
        event.remove(engine, "before_cursor_execute", note)
    return seen
