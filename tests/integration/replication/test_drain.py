"""From a stored signal to a settled copy, on a real PostgreSQL: once each, within the allocation, with a reason."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

import pytest
from copydesk.kernel import utc_now
from copydesk.replication import unsettled_count
from copydesk.trading import OrderType, Side, SizingMode
from desk_site import SHARD, UNKNOWN_WAIT_MS, Site, leader_trade
from paper_exchange import D

STEP = D("0.00001")


def test_every_follower_gets_one_copy_of_an_open_and_one_of_its_close(opens: Callable[..., Site]) -> None:
    site = opens(followers=3)
    worker = site.worker()
    site.trade(Side.BUY, "0.4")
    assert worker.drain() == 1
    site.trade(Side.SELL, "0.4")
    assert worker.drain() == 1
    for follower in site.accounts:
        bought, sold = site.exchange.orders_of(follower)
        # 0.4 of 100,000 for an allocation of 1,000 is 0.004, less the fee in base when it is sold.
        assert (bought.side, bought.qty, bought.px, bought.type) == (Side.BUY, D("0.004"), D(50250), OrderType.LIMIT)
        assert (sold.side, sold.qty, sold.px, sold.type) == (Side.SELL, D("0.00399"), None, OrderType.MARKET)
        assert sold.reduces
    assert set(site.statuses()) == {"filled"}
    assert site.books_are_sums()
    qty, target, _ = site.book()
    assert target == 0
    assert 0 <= qty < STEP


def test_a_drained_signal_is_not_planned_again(site: Site) -> None:
    worker = site.worker()
    site.trade(Side.BUY, "0.4")
    worker.drain()
    assert worker.drain() == 0
    site.act("UPDATE delivery SET drained_at = NULL")
    assert worker.drain() == 1
    assert len(site.exchange.arrived) == 1
    assert site.statuses() == ["filled"]


def test_what_is_about_to_be_sent_is_stored_with_its_targets_before_anything_is_sent(site: Site) -> None:
    seen: list[tuple[bool, str, str, str]] = []
    query = """
        SELECT drained_at IS NOT NULL, leg -> 'columns' ->> 'qtys', leg -> 'columns' ->> 'targets',
               leg -> 'columns' ->> 'client_order_ids'
        FROM delivery, json_array_elements(intents -> 'legs') AS leg
    """
    site.exchange.on_submit = lambda: seen.extend(tuple(row) for row in site.rows(query))
    site.trade(Side.BUY, "0.4")
    site.worker().drain()
    ((_, order),) = site.exchange.arrived
    assert seen == [(True, "{0.00400}", "{0.0040000}", f"{{{order.client_order_id}}}")]
    assert site.one("SELECT intents FROM delivery") is None


def test_what_a_worker_that_died_was_about_to_send_is_found_by_the_next_as_in_doubt(opens: Callable[..., Site]) -> None:
    site = opens(followers=3)

    class Died(Exception):
        pass

    def die() -> None:
        raise Died

    site.exchange.on_submit = die
    site.trade(Side.BUY, "0.4")
    with pytest.raises(Died):
        site.worker("one").drain()
    assert site.statuses() == []
    site.expire_lease()
    site.exchange.on_submit = lambda: None
    other = site.worker("two")
    other.drain()
    assert site.statuses() == ["in_flight"] * 3
    assert [row[0] for row in site.rows("SELECT target_qty FROM book")] == [D("0.004")] * 3
    other.clock.ahead_s = UNKNOWN_WAIT_MS / 1000 + 1
    other.reconcile()
    assert site.statuses() == ["filled"] * 3
    assert site.exchange.duplicates == 0
    assert site.books_are_sums()


def test_a_subscription_younger_than_the_trade_does_not_copy_it(site: Site) -> None:
    site.trade(Side.BUY, "0.4")
    site.act("UPDATE subscription SET created_at = now() + interval '1 minute'")
    site.worker().drain()
    assert site.exchange.arrived == []
    assert site.statuses() == []


def test_a_signal_that_nobody_copies_waits_for_nothing(site: Site) -> None:
    site.trade(Side.BUY, "0.4")
    site.act("UPDATE subscription SET created_at = now() + interval '1 minute'")
    site.worker().drain()
    with site.db.tenant(site.tenant_id) as session:
        assert unsettled_count(session) == 0


def test_a_denial_is_stored_with_its_reason_and_numbers_and_nothing_is_sent(opens: Callable[..., Site]) -> None:
    site = opens(allocation=D(10))
    site.trade(Side.BUY, "0.4")
    site.worker().drain()
    reason, facts = site.one("SELECT reason, reason_facts FROM copy")
    assert reason == "below_notional_min"
    assert facts == {"notional": "2", "minimum": "6.02", "currency": "USDT", "allocation_needed": "31"}
    assert site.exchange.arrived == []
    assert site.book() == (0, 0, 0)


def test_a_pair_that_the_brand_does_not_offer_is_denied_but_still_closed(site: Site) -> None:
    worker = site.worker()
    site.trade(Side.BUY, "0.4", symbol="ETH/USDT")
    worker.drain()
    worker.around.markets = frozenset({"BTC/USDT"})
    site.trade(Side.BUY, "0.1", symbol="ETH/USDT")
    site.trade(Side.SELL, "0.5", symbol="ETH/USDT")
    worker.drain()
    assert site.rows("SELECT status, reason FROM copy ORDER BY id") == [
        ("filled", None),
        ("denied", "market_not_allowed"),
        ("filled", None),
    ]


def test_a_pair_that_the_followers_exchange_does_not_list_is_never_sent(site: Site) -> None:
    site.trade(Side.BUY, "4", symbol="DOGE/USDT")
    site.trade(Side.SELL, "4", symbol="DOGE/USDT")
    assert site.worker().drain() == 2
    assert site.exchange.arrived == []
    assert site.statuses() == ["denied", "denied"]


def test_an_old_open_is_not_copied_and_an_old_close_is(site: Site) -> None:
    worker = site.worker()
    now_ms = int(utc_now().timestamp() * 1000)
    site.store([leader_trade(1, Side.BUY, "0.4", at_ms=now_ms)])
    worker.drain()
    site.store([leader_trade(2, Side.BUY, "0.4", at_ms=now_ms + 1)])
    site.store([leader_trade(3, Side.SELL, "0.8", at_ms=now_ms + 2)])
    worker.clock.ahead_s = 60
    worker.drain()
    assert site.rows("SELECT status, reason FROM copy ORDER BY id") == [
        ("filled", None),
        ("denied", "signal_too_old"),
        ("filled", None),
    ]


def test_what_the_market_did_not_give_leaves_the_target(site: Site) -> None:
    site.exchange.mood = {site.accounts[0]: "half"}
    site.trade(Side.BUY, "0.4")
    site.worker().drain()
    qty, target, cost = site.book()
    assert qty == target == D("0.002") * D("0.999")
    assert cost == D("0.002") * D(50250)
    assert site.one("SELECT status, reason FROM copy") == ("expired", "price_moved")


def test_a_miss_leaves_no_target_and_later_closes_have_nothing_to_reduce(site: Site) -> None:
    site.exchange.mood = {site.accounts[0]: "miss"}
    worker = site.worker()
    site.trade(Side.BUY, "0.4")
    site.trade(Side.SELL, "0.4")
    worker.drain()
    assert site.book() == (0, 0, 0)
    assert site.rows("SELECT status, reason FROM copy ORDER BY id") == [
        ("expired", "price_moved"),
        ("denied", "nothing_to_reduce"),
    ]


def test_an_order_in_flight_on_one_pair_counts_against_the_allocation_on_another(site: Site) -> None:
    site.exchange.mood = {site.accounts[0]: "lost"}
    worker = site.worker()
    site.trade(Side.BUY, "1.2")  # 0.6 of the leader's equity, so 600 of the follower's 1,000 are on their way.
    site.trade(Side.BUY, "1.2", symbol="ETH/USDT")
    worker.drain()
    reserved = site.one("SELECT sum(qty * px) FROM copy WHERE status = 'in_flight'")
    assert D(990) < reserved <= D(1000)


def test_no_fill_takes_a_follower_beyond_the_allocation(opens: Callable[..., Site]) -> None:
    site = opens(sizing_mode=SizingMode.FIXED_RATIO, sizing_value=D("0.01"))
    worker = site.worker()
    for symbol in ("BTC/USDT", "ETH/USDT") * 3:
        site.trade(Side.BUY, "0.5", symbol=symbol)
        worker.drain()
    assert site.one("SELECT sum(cost) FROM book") <= 1000
    assert site.rows("SELECT DISTINCT reason FROM copy WHERE status = 'denied'") == [("allocation_spent",)]


def test_a_fixed_notional_is_spent_once_per_order_of_the_leader(opens: Callable[..., Site]) -> None:
    site = opens(sizing_mode=SizingMode.FIXED_NOTIONAL, sizing_value=D(100))
    for ago_s in (3, 2, 1):
        site.trade(Side.BUY, "0.1", order="77", ago_s=ago_s)
    site.worker().drain()
    assert site.rows("SELECT status, reason, qty FROM copy ORDER BY id") == [
        ("filled", None, D("0.002")),
        ("denied", "order_already_copied", 0),
        ("denied", "order_already_copied", 0),
    ]


def test_a_leader_s_burst_of_opens_that_wait_together_is_copied_as_one(site: Site) -> None:
    for ago_s in (1.3, 1.2, 1.1):
        site.trade(Side.BUY, "0.1", ago_s=ago_s)
    site.trade(Side.SELL, "0.1", ago_s=1.0)
    site.worker().drain()
    ids = [row[0] for row in site.rows("SELECT id FROM signal ORDER BY id")]
    assert site.rows("SELECT signal_id, leg, qty FROM copy ORDER BY id") == [
        (ids[2], "open", D("0.003")),
        (ids[3], "close", D("0.00099")),
    ]
    assert site.rows("SELECT signal_id, joined_into FROM delivery ORDER BY 1") == list(
        zip(ids, [ids[2], ids[2], None, None], strict=True)
    )
    assert site.books_are_sums()


def test_an_account_whose_key_does_not_open_is_told_so_and_others_go_on(opens: Callable[..., Site]) -> None:
    site = opens(followers=2)
    worker = site.worker()
    worker.around.locked_out = {site.accounts[0]}
    site.trade(Side.BUY, "0.4")
    worker.drain()
    rows = site.rows("SELECT account_id, status, reason FROM copy ORDER BY account_id")
    assert rows == [(site.accounts[0], "rejected", "account_unusable"), (site.accounts[1], "filled", None)]
    assert site.book(0) == (0, 0, 0)


def test_a_key_that_may_do_too_much_opens_nothing_more_and_closes_what_there_is(opens: Callable[..., Site]) -> None:
    site = opens(followers=2)
    worker = site.worker()
    site.trade(Side.BUY, "0.4")
    worker.drain()
    site.act("UPDATE account SET key_denial = 'key_can_withdraw' WHERE id = :id", id=site.accounts[0])
    site.trade(Side.BUY, "0.4")
    site.trade(Side.SELL, "0.8")
    while worker.drain():
        pass
    sides = [order.side for order in site.exchange.orders_of(site.accounts[0])]
    assert sides == [Side.BUY, Side.SELL]
    assert len(site.exchange.orders_of(site.accounts[1])) == 3
    denied = "SELECT status, reason FROM copy WHERE account_id = :id AND status = 'denied'"
    assert site.rows(denied, id=site.accounts[0]) == [("denied", "key_can_withdraw")]


def test_a_key_that_the_exchange_rejects_is_not_used_for_the_next_open(opens: Callable[..., Site]) -> None:
    site = opens(followers=2)
    worker = site.worker()
    site.exchange.mood = {site.accounts[0]: "key"}
    site.trade(Side.BUY, "0.4")
    worker.drain()
    query = "SELECT status, status_reason FROM account WHERE id = :id"
    assert site.one(query, id=site.accounts[0]) == ("unusable", "key_rejected")
    assert site.one(query, id=site.accounts[1]) == ("active", None)
    site.exchange.mood = {}
    site.trade(Side.BUY, "0.4")
    worker.drain()
    assert site.exchange.orders_of(site.accounts[0]) == []
    assert len(site.exchange.orders_of(site.accounts[1])) == 2
    assert site.rows("SELECT reason FROM copy WHERE account_id = :id ORDER BY id", id=site.accounts[0]) == [
        ("key_rejected",),
        ("account_unusable",),
    ]


def test_a_paused_strategy_opens_nothing_and_still_closes(site: Site) -> None:
    worker = site.worker()
    site.trade(Side.BUY, "0.4")
    worker.drain()
    site.act("UPDATE strategy SET status = 'paused'")
    site.trade(Side.BUY, "0.4")
    site.trade(Side.SELL, "0.8")
    assert worker.drain() == 2
    assert site.rows("SELECT leg, status, reason FROM copy ORDER BY id") == [
        ("open", "filled", None),
        ("open", "denied", "strategy_paused"),
        ("close", "filled", None),
    ]
    assert site.book()[1] == 0


def test_a_receipt_tells_the_time_of_each_hop(site: Site) -> None:
    site.trade(Side.BUY, "0.4")
    site.worker().drain()
    stages = site.one(
        "SELECT s.stored_at <= c.planned_at, c.planned_at <= c.sent_at, c.sent_at <= c.acked_at FROM copy c "
        "JOIN signal s ON s.id = c.signal_id"
    )
    assert tuple(stages) == (True, True, True)
    assert site.one("SELECT drained_at - created_at FROM delivery") < timedelta(minutes=1)
    assert site.one("SELECT shard FROM delivery") == SHARD
