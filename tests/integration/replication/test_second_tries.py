"""Second tries on a real PostgreSQL: each once, whatever dies in between; and the arithmetic of R1 to R6 end to end."""

from __future__ import annotations

from decimal import Decimal

import pytest
from copydesk.trading import Denial, OrderType, Side, SizePolicy
from desk_site import Opens, Site
from paper_exchange import PERPETUAL, D


def copies(site: Site) -> list[tuple[str, str, str]]:
    rows = site.rows("SELECT leg, status, coalesce(reason, '') FROM copy ORDER BY id")
    return [tuple(row) for row in rows]


def qtys(site: Site, follower: int = 0) -> list[Decimal]:
    return [order.qty for order in site.exchange.orders_of(site.accounts[follower])]


def test_a_partly_filled_open_is_topped_up_once(site: Site) -> None:
    worker, account = site.worker(), site.accounts[0]
    site.exchange.mood = {account: "half"}
    site.trade(Side.BUY, "0.4")
    worker.drain()
    assert copies(site) == [("open", "expired", "price_moved")]
    assert worker.around.looked_soon != []
    site.exchange.mood = {}
    for _ in range(3):
        worker.reconcile()
    assert copies(site) == [("open", "expired", "price_moved"), ("top-up", "filled", "")]
    first, again = site.exchange.orders_of(account)
    assert (first.qty, again.qty, again.px, again.type) == (D("0.004"), D("0.002"), first.px, OrderType.LIMIT)
    assert site.book()[:2] == (D("0.003996"), D("0.003996"))
    assert site.books_are_sums()
    assert site.books_are_backed()


def test_a_top_up_that_falls_short_too_is_the_end_of_it(site: Site) -> None:
    worker = site.worker()
    site.exchange.mood = {site.accounts[0]: "half"}
    site.trade(Side.BUY, "0.4")
    worker.drain()
    for _ in range(3):
        worker.reconcile()
    assert copies(site) == [("open", "expired", "price_moved"), ("top-up", "expired", "price_moved")]
    assert qtys(site) == [D("0.004"), D("0.002")]
    qty, target, _ = site.book()
    assert qty == target == D("0.003") * D("0.999")


def test_a_top_up_is_not_sent_once_its_signal_is_too_old(site: Site) -> None:
    worker = site.worker()
    site.exchange.mood = {site.accounts[0]: "half"}
    site.trade(Side.BUY, "0.4")
    worker.drain()
    worker.clock.ahead_s = 21
    worker.reconcile()
    assert qtys(site) == [D("0.004")]


def test_a_top_up_is_not_sent_after_the_leader_moved_on(site: Site) -> None:
    worker = site.worker()
    site.exchange.mood = {site.accounts[0]: "half"}
    site.trade(Side.BUY, "0.4")
    worker.drain()
    site.exchange.mood = {}
    site.trade(Side.SELL, "0.4")
    worker.reconcile()
    assert qtys(site) == [D("0.004")]
    worker.drain()
    worker.reconcile()
    assert [row[0] for row in copies(site)] == ["open", "close"]
    assert site.book()[1] == 0


def test_a_top_up_whose_worker_died_before_its_answer_is_neither_lost_nor_doubled(site: Site) -> None:
    site.exchange.mood = {site.accounts[0]: "half"}
    site.trade(Side.BUY, "0.4")
    first = site.worker("one")
    first.drain()
    site.exchange.mood = {site.accounts[0]: "silent"}

    def die() -> None:
        raise KeyboardInterrupt

    site.exchange.on_submit = die
    with pytest.raises(KeyboardInterrupt):
        first.reconcile()
    site.exchange.on_submit = lambda: None
    site.expire_lease()
    second = site.worker("two")
    for ahead_s in (0, 5, 10):
        second.clock.ahead_s = ahead_s
        second.reconcile()
    assert [row[:2] for row in copies(site)] == [("open", "expired"), ("top-up", "filled")]
    assert qtys(site) == [D("0.004"), D("0.002")]
    assert site.exchange.duplicates == 0
    assert site.books_are_sums()


def test_a_worker_that_lost_its_lane_stores_no_second_try(site: Site) -> None:
    site.exchange.mood = {site.accounts[0]: "half"}
    site.trade(Side.BUY, "0.4")
    first = site.worker("one")
    first.drain()
    site.expire_lease()
    second = site.worker("two")
    second.reconcile()
    first.reconcile()
    assert qtys(site) == [D("0.004"), D("0.002")]


def test_an_open_without_enough_balance_is_tried_once_with_what_is_there(site: Site) -> None:
    worker, account = site.worker(), site.accounts[0]
    site.exchange.mood, site.exchange.cash = {account: "strict"}, {account: D(100)}
    site.trade(Side.BUY, "0.4")
    worker.drain()
    assert copies(site) == [("open", "rejected", "insufficient_balance")]
    for _ in range(3):
        worker.reconcile()
    assert copies(site)[1:] == [("smaller", "filled", "")]
    # 0.98 x 100 / 50,250
    assert qtys(site) == [D("0.00195")]
    assert site.one("SELECT bound FROM copy WHERE leg = 'smaller'") == "balance"
    assert site.book()[0] == site.book()[1] == D("0.00195") * D("0.999")


def test_an_account_without_money_is_refused_once_for_each_signal_and_read_not_resent(site: Site) -> None:
    worker, account = site.worker(), site.accounts[0]
    site.exchange.mood = {account: "strict"}
    site.trade(Side.BUY, "0.4")
    worker.drain()
    for _ in range(3):
        worker.reconcile()
    assert copies(site) == [("open", "rejected", "insufficient_balance")]
    assert qtys(site) == []
    assert site.exchange.read == [account]
    assert site.book()[:2] == (0, 0)


def test_a_close_is_not_blocked_by_an_empty_balance(site: Site) -> None:
    worker, account = site.worker(), site.accounts[0]
    site.trade(Side.BUY, "0.4")
    worker.drain()
    site.exchange.mood, site.exchange.cash = {account: "strict"}, {account: D(0)}
    site.trade(Side.SELL, "0.4")
    worker.drain()
    assert copies(site)[-1] == ("close", "filled", "")
    assert site.book()[1] == 0


def test_a_close_of_more_than_is_there_is_resized_to_the_live_position(site: Site) -> None:
    worker, account = site.worker(), site.accounts[0]
    site.trade(Side.BUY, "0.8", symbol=PERPETUAL)
    worker.drain()
    site.exchange.mood = {account: "strict"}
    site.exchange.sold_by_hand[account] = D("0.003")
    site.trade(Side.SELL, "0.8", symbol=PERPETUAL)
    worker.drain()
    assert copies(site)[-1] == ("close", "rejected", "nothing_to_reduce")
    worker.reconcile()
    assert copies(site)[2] == ("resized", "filled", "")
    assert qtys(site)[1] == D("0.005")
    assert site.exchange.position(account) == 0


def test_a_spot_close_of_more_than_is_there_is_resized_to_the_coins(site: Site) -> None:
    worker, account = site.worker(), site.accounts[0]
    site.trade(Side.BUY, "0.4")
    worker.drain()
    site.exchange.mood = {account: "strict"}
    site.exchange.sold_by_hand[account] = D("0.001")
    site.trade(Side.SELL, "0.4")
    worker.drain()
    assert copies(site)[-1] == ("close", "rejected", "insufficient_balance")
    worker.reconcile()
    assert copies(site)[2] == ("resized", "filled", "")
    assert qtys(site)[1] == D("0.00299")


def test_a_reversal_ends_flat_where_its_second_leg_fails(site: Site) -> None:
    worker, account = site.worker(), site.accounts[0]
    site.trade(Side.BUY, "0.8", symbol=PERPETUAL)
    worker.drain()
    site.exchange.mood = {account: "strict"}
    site.trade(Side.SELL, "1.6", symbol=PERPETUAL)
    worker.drain()
    assert copies(site)[1:] == [("close", "filled", ""), ("open", "rejected", "insufficient_balance")]
    for _ in range(2):
        worker.reconcile()
    assert site.book(symbol=PERPETUAL)[:2] == (0, 0)
    assert site.exchange.position(account) == 0


def policy(site: Site, value: SizePolicy) -> None:
    site.act("UPDATE subscription SET size_policy = :value", value=str(value))


def test_small_orders_on_fifty_dollars_are_skipped_rounded_up_or_carried(opens: Opens) -> None:
    told = {}
    for value in SizePolicy:
        site = opens(allocation=D(50))
        policy(site, value)
        worker = site.worker()
        for _ in range(3):
            site.trade(Side.BUY, "0.16")
            worker.drain()
        told[value] = (qtys(site), [reason for _, _, reason in copies(site)])
        assert site.books_are_sums()
    small = Denial.BELOW_NOTIONAL_MIN
    assert told == {
        SizePolicy.SKIP: ([], [small] * 3),
        SizePolicy.ROUND_UP: ([D("0.00012")] * 3, ["", "", ""]),
        SizePolicy.ACCUMULATE: ([D("0.00016")], [Denial.CARRIED, "", Denial.CARRIED]),
    }


def test_what_is_carried_is_stored_with_the_book(opens: Opens) -> None:
    site = opens(allocation=D(50))
    policy(site, SizePolicy.ACCUMULATE)
    worker = site.worker()
    site.trade(Side.BUY, "0.16")
    worker.drain()
    carried, at = site.one("SELECT carried_qty, carried_at FROM book")
    assert carried == D("0.00008")
    assert at is not None
    site.trade(Side.SELL, "0.08")
    worker.drain()
    assert site.one("SELECT carried_qty FROM book") == D("0.00004")
    site.trade(Side.SELL, "0.08")
    worker.drain()
    assert tuple(site.one("SELECT carried_qty, carried_at FROM book")) == (0, None)


def test_ten_partial_fills_of_the_leader_are_copied_as_one_full_fill(opens: Opens) -> None:
    """Each asks for 3 USDT, half the smallest order."""
    bought = []
    for parts in (1, 10):
        site = opens()
        worker = site.worker()
        for _ in range(parts):
            site.trade(Side.BUY, str(D("0.06") / parts), order="one")
            worker.drain()
        bought.append(sum(qtys(site), D(0)))
        assert site.books_are_sums()
    assert abs(bought[0] - bought[1]) <= D("0.00001")


def test_three_closes_of_a_third_leave_exactly_nothing(site: Site) -> None:
    worker = site.worker()
    site.trade(Side.BUY, "0.9", symbol=PERPETUAL)
    worker.drain()
    for _ in range(3):
        site.trade(Side.SELL, "0.3", symbol=PERPETUAL)
        worker.drain()
    assert site.book(symbol=PERPETUAL)[:2] == (0, 0)
    assert site.exchange.position(site.accounts[0]) == 0


def test_a_receipt_has_the_inputs_of_its_decision(site: Site) -> None:
    site.trade(Side.BUY, "0.1234567")
    site.worker().drain()
    row = site.one("SELECT wanted_qty, allocation, book_qty, bound, qty FROM copy")
    assert tuple(row) == (D("0.001234567"), D(1000), 0, "step", D("0.00123"))
