"""Perpetuals on a real PostgreSQL: shorts, reversals in two legs, prepared accounts, two books of one symbol."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from decimal import Decimal
from typing import Any

from copydesk.kernel import Unavailable, VenueRefused, utc_now
from copydesk.replication import due_lanes
from copydesk.replication.settle import Settlement, settle
from copydesk.trading import Denial, Fill, MarginMode, OrderStatus, OrderType, PositionSide, Side
from desk_site import SHARD, Site
from paper_exchange import PERPETUAL, PX, D


def move(site: Site, side: Side, qty: str, **changed: Any) -> None:
    site.trade(side, qty, symbol=PERPETUAL, **changed)


def book(site: Site, side: PositionSide = PositionSide.NET) -> Any:
    query = "SELECT qty, target_qty, cost FROM book WHERE symbol = :symbol AND position_side = :side"
    return site.one(query, symbol=PERPETUAL, side=side)


def copies(site: Site) -> list[tuple[str, str, str]]:
    rows = site.rows("SELECT leg, status, coalesce(reason, '') FROM copy ORDER BY id")
    return [tuple(row) for row in rows]


def test_a_short_is_opened_held_below_zero_and_closed(site: Site) -> None:
    worker = site.worker()
    move(site, Side.SELL, "0.8")
    worker.drain()
    # The exchange fills at the limit, 50 basis points below the trader's price.
    assert book(site) == (D("-0.008"), D("-0.008"), D("0.008") * D(49750))
    move(site, Side.BUY, "0.4")
    worker.drain()
    assert book(site) == (D("-0.004"), D("-0.004"), D("0.004") * D(49750))
    move(site, Side.BUY, "0.4")
    worker.drain()
    assert book(site) == (0, 0, 0)
    orders = site.exchange.orders_of(site.accounts[0])
    assert [(o.side, o.type, o.reduces) for o in orders] == [
        (Side.SELL, OrderType.LIMIT, False),
        (Side.BUY, OrderType.MARKET, True),
        (Side.BUY, OrderType.MARKET, True),
    ]
    assert {order.margin_mode for order in orders} == {MarginMode.CROSS}
    assert site.books_are_sums()


def test_a_fee_in_the_settlement_currency_leaves_the_book_whole(site: Site) -> None:
    move(site, Side.BUY, "0.8")
    site.worker().drain()
    assert site.one("SELECT fee_currency FROM copy_fill") == "USDT"
    assert book(site)[:2] == (D("0.008"), D("0.008"))


def test_a_reversal_closes_first_and_opens_when_that_is_known(site: Site) -> None:
    worker = site.worker()
    move(site, Side.BUY, "0.4")
    worker.drain()
    seen: list[list[tuple[str, str, bool]]] = []
    query = "SELECT leg, status, waits FROM copy WHERE signal_id = (SELECT max(id) FROM signal) ORDER BY id"
    site.exchange.on_submit = lambda: seen.append([tuple(row) for row in site.rows(query)])
    move(site, Side.SELL, "1.2")
    worker.drain()
    # Both legs are stored before anything is sent, first as intents; the second is not sent with the first.
    assert seen == [[], [("close", "filled", False), ("open", "planned", False)]]
    first, close, opened = site.exchange.orders_of(site.accounts[0])
    assert (first.qty, close.qty, close.reduces, opened.qty, opened.side) == (
        D("0.004"),
        D("0.004"),
        True,
        D("0.008"),
        Side.SELL,
    )
    assert book(site) == (D("-0.008"), D("-0.008"), D("0.008") * D(49750))
    assert site.books_are_sums()


def test_an_open_waits_while_the_close_before_it_is_in_doubt(site: Site) -> None:
    worker = site.worker()
    move(site, Side.BUY, "0.4")
    worker.drain()
    site.exchange.mood = {site.accounts[0]: "lost"}
    move(site, Side.SELL, "1.2")
    worker.drain()
    site.exchange.mood = {}
    assert copies(site)[1:] == [("close", "in_flight", ""), ("open", "planned", "")]
    worker.reconcile()
    assert copies(site)[1:] == [("close", "in_flight", ""), ("open", "planned", "")]
    worker.clock.ahead_s = 10
    worker.reconcile()
    worker.clock.ahead_s = 12
    worker.reconcile()
    assert copies(site)[1:] == [("close", "filled", ""), ("open", "filled", "")]
    assert book(site)[:2] == (D("-0.008"), D("-0.008"))


def test_an_open_whose_close_fails_waits_for_the_correction(site: Site) -> None:
    worker = site.worker()
    move(site, Side.BUY, "0.4")
    worker.drain()
    site.exchange.mood = {site.accounts[0]: "half"}
    move(site, Side.SELL, "1.2")
    worker.drain()
    assert copies(site)[1:] == [("close", "expired", "no_liquidity"), ("open", "planned", "")]
    assert book(site)[:2] == (D("0.002"), D("-0.008"))
    site.exchange.mood = {}
    worker.reconcile()
    assert copies(site)[1:] == [("close", "expired", "no_liquidity"), ("open", "filled", ""), ("fix-1", "filled", "")]
    assert book(site)[:2] == (D("-0.008"), D("-0.008"))
    assert site.books_are_sums()


def test_an_open_whose_close_is_not_confirmed_in_time_is_not_sent(site: Site) -> None:
    worker = site.worker()
    move(site, Side.BUY, "0.4")
    worker.drain()
    site.exchange.mood = {site.accounts[0]: "rest"}
    move(site, Side.SELL, "1.2")
    worker.drain()
    worker.clock.ahead_s = 21
    worker.reconcile()
    assert copies(site)[1:] == [("close", "accepted", ""), ("open", "expired", "close_unconfirmed")]
    assert len(site.exchange.orders_of(site.accounts[0])) == 2
    assert book(site)[:2] == (D("0.004"), 0)


def test_an_open_that_waits_is_not_sent_after_the_leader_closed(site: Site) -> None:
    worker = site.worker()
    move(site, Side.BUY, "0.4")
    worker.drain()
    site.exchange.mood = {site.accounts[0]: "lost"}
    move(site, Side.SELL, "1.2")
    worker.drain()
    site.exchange.mood = {}
    move(site, Side.BUY, "0.8")
    worker.drain()
    worker.clock.ahead_s = 10
    worker.reconcile()
    assert copies(site)[1:] == [
        ("close", "filled", ""),
        ("open", "expired", "never_arrived"),
        ("close", "denied", "nothing_to_reduce"),
    ]
    assert book(site) == (0, 0, 0)


def test_a_worker_that_takes_over_does_not_send_what_still_waits(site: Site) -> None:
    old, new = site.worker("old"), site.worker("new")
    move(site, Side.BUY, "0.4")
    old.drain()
    site.exchange.mood = {site.accounts[0]: "lost"}
    move(site, Side.SELL, "1.2")
    old.drain()
    site.expire_lease()
    new.reconcile()
    assert copies(site)[1:] == [("close", "in_flight", ""), ("open", "planned", "")]
    assert site.one("SELECT waits, epoch = (SELECT epoch FROM shard_lease) FROM copy WHERE leg = 'open' AND waits") == (
        True,
        True,
    )
    site.exchange.mood = {}
    new.clock.ahead_s = 10
    new.reconcile()
    assert copies(site)[1:] == [("close", "filled", ""), ("open", "filled", "")]


def test_a_fill_of_both_legs_told_at_once_leaves_the_cost_of_the_new_side(site: Site) -> None:
    """Adopted copies may be settled together; what is sold beyond zero is the new position's cost."""
    worker = site.worker()
    move(site, Side.BUY, "0.4")
    worker.drain()
    site.exchange.mood = {site.accounts[0]: "rest"}
    move(site, Side.SELL, "1.2")
    worker.drain()
    fills = [
        Settlement(
            copy, OrderStatus.FILLED, cum_qty=qty, avg_px=PX, fills=(Fill(leg, qty, PX, D(1), "USDT", utc_now()),)
        )
        for copy, leg, qty in site.rows("SELECT id, leg, qty FROM copy ORDER BY id DESC LIMIT 2")
    ]
    with site.db.tenant(site.tenant_id) as session:
        settle(session, fills, epoch=1)
    assert book(site) == (D("-0.008"), D("-0.008"), D("0.008") * PX)


def test_accounts_are_set_up_once_before_their_first_open(opens: Callable[..., Site]) -> None:
    site = opens(followers=2)
    site.leverage = {PERPETUAL: 3}
    worker = site.worker()
    move(site, Side.BUY, "0.4")
    worker.drain()
    expected = [("leverage", 3), ("margin_mode", MarginMode.CROSS), ("position_mode", False)]
    for account in site.accounts:
        assert sorted((what, value) for who, what, value in site.exchange.setups if who == account) == expected
    move(site, Side.BUY, "0.4")
    move(site, Side.SELL, "0.8")
    worker.drain()
    assert len(site.exchange.setups) == 6
    site.leverage = {PERPETUAL: 50}
    move(site, Side.SELL, "0.4")
    worker.drain()
    # A higher leverage of the leader is followed up to the brand's bound; nothing else has to be set again.
    assert set(site.exchange.setups[6:]) == {(account, "leverage", 5) for account in site.accounts}


def test_an_account_that_cannot_be_set_up_opens_nothing_and_says_why(site: Site) -> None:
    worker = site.worker()
    site.exchange.setup_refused = {"leverage": VenueRefused("above your limit", venue_code="-4028")}
    move(site, Side.BUY, "0.4")
    worker.drain()
    facts = {"message": "above your limit", "exchange": "binance", "leverage": "1"}
    assert site.one("SELECT status, reason, reason_facts FROM copy") == ("denied", "leverage_refused", facts)
    assert site.exchange.arrived == []
    assert book(site) == (0, 0, 0)
    site.exchange.setup_refused = {"margin_mode": VenueRefused("open position", code=Denial.MARGIN_MODE_WRONG)}
    move(site, Side.BUY, "0.4")
    worker.drain()
    site.exchange.setup_refused = {"position_mode": Unavailable("busy")}
    move(site, Side.BUY, "0.4")
    worker.drain()
    assert [reason for _, _, reason in copies(site)[1:]] == ["margin_mode_wrong", "venue_unavailable"]
    site.exchange.setup_refused = {}
    move(site, Side.BUY, "0.4")
    worker.drain()
    assert site.statuses()[-1] == "filled"


def test_an_order_refused_for_its_mode_lets_the_account_be_set_up_anew(site: Site) -> None:
    worker = site.worker()
    move(site, Side.BUY, "0.4")
    worker.drain()
    site.exchange.mood = {site.accounts[0]: "mode"}
    move(site, Side.BUY, "0.4")
    worker.drain()
    assert site.one("SELECT reason FROM copy ORDER BY id DESC LIMIT 1") == "position_mode_wrong"
    site.exchange.mood = {}
    move(site, Side.BUY, "0.4")
    worker.drain()
    assert [what for _, what, _ in site.exchange.setups].count("position_mode") == 2
    assert site.statuses()[-1] == "filled"


def test_long_and_short_of_hedge_mode_are_two_books(site: Site) -> None:
    worker = site.worker()
    move(site, Side.BUY, "0.4", position_side=PositionSide.LONG)
    move(site, Side.SELL, "0.8", position_side=PositionSide.SHORT)
    move(site, Side.SELL, "0.2", position_side=PositionSide.LONG)
    worker.drain()
    assert book(site, PositionSide.LONG)[:2] == (D("0.002"), D("0.002"))
    assert book(site, PositionSide.SHORT)[:2] == (D("-0.008"), D("-0.008"))
    orders = site.exchange.orders_of(site.accounts[0])
    assert [(o.side, o.position_side, o.reduces) for o in orders] == [
        (Side.BUY, PositionSide.LONG, False),
        (Side.SELL, PositionSide.SHORT, False),
        (Side.SELL, PositionSide.LONG, True),
    ]
    assert ("position_mode", True) in [(what, value) for _, what, value in site.exchange.setups]
    assert site.books_are_sums()


def test_spot_and_perpetual_of_one_pair_are_two_books(site: Site) -> None:
    worker = site.worker()
    site.trade(Side.BUY, "0.4")
    move(site, Side.SELL, "0.4")
    worker.drain()
    assert site.book()[0] == D("0.003996")
    assert book(site)[0] == D("-0.004")
    # What both took of the allocation bounds the next open of either.
    spent = site.one("SELECT sum(cost) FROM book")
    move(site, Side.SELL, "40")
    worker.drain()
    assert site.one("SELECT sum(cost) FROM book") <= Decimal(1000)
    assert spent == D("0.004") * D(50250) + D("0.004") * D(49750)


def test_a_short_that_is_gone_from_the_account_takes_its_copier_out_of_sync(site: Site) -> None:
    worker = site.worker()
    move(site, Side.SELL, "0.8")
    worker.drain()
    worker.reconcile()
    state = "SELECT state, state_reason FROM subscription"
    assert site.one(state) == ("synced", None)
    site.exchange.sold_by_hand = {site.accounts[0]: D("-0.008")}
    worker.clock.ahead_s = 120
    worker.reconcile()
    assert site.one(state) == ("out_of_sync", "position_missing")
    site.exchange.sold_by_hand = {site.accounts[0]: D("0.5")}
    worker.clock.ahead_s = 240
    worker.reconcile()
    assert site.one(state) == ("synced", None)


def test_a_short_above_its_target_is_bought_back(site: Site) -> None:
    worker = site.worker()
    move(site, Side.SELL, "0.8")
    worker.drain()
    site.exchange.mood = {site.accounts[0]: "miss"}
    move(site, Side.BUY, "0.8")
    worker.drain()
    site.exchange.mood = {}
    worker.reconcile()
    assert site.exchange.orders_of(site.accounts[0])[-1].side is Side.BUY
    assert book(site) == (0, 0, 0)
    assert site.exchange.position(site.accounts[0]) == 0


def test_a_short_in_doubt_that_is_still_wanted_is_sent_again(site: Site) -> None:
    worker = site.worker()
    site.exchange.mood = {site.accounts[0]: "lost"}
    move(site, Side.SELL, "0.8")
    worker.drain()
    site.exchange.mood = {}
    worker.clock.ahead_s = 10
    worker.reconcile()
    assert copies(site) == [("open", "filled", "")]
    assert book(site)[:2] == (D("-0.008"), D("-0.008"))


def test_an_open_waits_for_an_open_of_the_other_side_in_doubt(site: Site) -> None:
    """It did arrive: what it opened is closed before the other side is opened."""
    worker = site.worker()
    site.exchange.mood = {site.accounts[0]: "silent"}
    move(site, Side.SELL, "0.8")
    worker.drain()
    site.exchange.mood = {}
    move(site, Side.BUY, "1.6")
    worker.drain()
    assert copies(site) == [("open", "in_flight", ""), ("open", "planned", "")]
    worker.reconcile()
    assert copies(site) == [("open", "filled", ""), ("open", "filled", ""), ("fix-1", "filled", "")]
    assert [(o.side, o.qty, o.reduces) for o in site.exchange.orders_of(site.accounts[0])] == [
        (Side.SELL, D("0.008"), False),
        (Side.BUY, D("0.008"), True),
        (Side.BUY, D("0.008"), False),
    ]
    assert book(site)[:2] == (D("0.008"), D("0.008"))


def test_an_open_goes_once_the_other_side_in_doubt_is_proven_absent(site: Site) -> None:
    worker = site.worker()
    site.exchange.mood = {site.accounts[0]: "lost"}
    move(site, Side.SELL, "0.8")
    worker.drain()
    site.exchange.mood = {}
    move(site, Side.BUY, "1.6")
    worker.drain()
    worker.clock.ahead_s = 10
    worker.reconcile()
    assert copies(site) == [("open", "expired", "never_arrived"), ("open", "filled", "")]
    assert book(site)[:2] == (D("0.008"), D("0.008"))


def test_a_lane_with_an_open_that_waits_is_due_for_a_look(site: Site) -> None:
    worker = site.worker()
    move(site, Side.BUY, "0.4")
    worker.drain()
    site.exchange.mood = {site.accounts[0]: "rest"}
    move(site, Side.SELL, "1.2")
    worker.drain()
    site.act("UPDATE copy SET next_check_at = now() + interval '1 hour' WHERE NOT waits")
    soon = utc_now() + timedelta(seconds=2)
    with site.db.tenant(site.tenant_id) as session:
        assert due_lanes(session, now=soon, overdue=soon) == [(SHARD, "reconcile")]


def untold(site: Site) -> None:
    """Take back the fills that were told: as on exchanges that name executions later than quantities."""
    site.act("UPDATE copy SET status = 'partially_filled', next_check_at = now()")
    site.act("DELETE FROM copy_fill")
    site.act("UPDATE book SET qty = 0, cost = 0")


def test_what_is_executed_but_not_told_by_fills_yet_is_neither_opened_twice_nor_kept(site: Site) -> None:
    worker = site.worker()
    move(site, Side.BUY, "0.4")
    worker.drain()
    untold(site)
    move(site, Side.BUY, "0.4")
    worker.drain()
    assert [order.qty for order in site.exchange.orders_of(site.accounts[0])] == [D("0.004"), D("0.004")]
    move(site, Side.SELL, "0.8")
    worker.drain()
    assert copies(site)[-1] == ("close", "filled", "")
    assert site.exchange.position(site.accounts[0]) == 0
    worker.reconcile()
    assert book(site) == (0, 0, 0)
    assert site.books_are_sums()


def test_an_open_that_finds_no_price_leaves_the_target_of_one_whose_fills_are_untold(site: Site) -> None:
    worker = site.worker()
    move(site, Side.BUY, "0.4")
    worker.drain()
    untold(site)
    site.exchange.mood = {site.accounts[0]: "miss"}
    move(site, Side.BUY, "0.4")
    worker.drain()
    site.exchange.mood = {}
    worker.reconcile()
    assert book(site)[:2] == (D("0.004"), D("0.004"))
    assert len(site.exchange.orders_of(site.accounts[0])) == 2
