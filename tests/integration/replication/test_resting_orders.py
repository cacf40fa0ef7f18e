"""A trader's resting orders are placed, amended and canceled for followers, and books end where the trader's do."""

from __future__ import annotations

from decimal import Decimal

import pytest
from copydesk.db import Database
from copydesk.kernel import VenueRefused
from copydesk.replication import recall_orders
from copydesk.trading import OrderStatus, OrderType, Side, TimeInForce
from copydesk.venues import OrderFact
from order_site import OrderSite

D = Decimal


def test_a_resting_limit_order_is_placed_for_the_follower_at_the_same_price(db: Database) -> None:
    desk = OrderSite(db)
    worker = desk.worker()
    (stored,) = desk.place("1", Side.BUY, "1", "49000")
    assert stored.shards == ("binance-lab:0",)
    assert worker.tend() == 1
    (order,) = desk.exchange.resting(desk.account)
    assert (order.side, order.qty, order.px, order.time_in_force) == (Side.BUY, D("0.01"), D(49000), TimeInForce.GTC)
    assert desk.states() == ["resting"]
    assert worker.tend() == 0
    assert len(desk.exchange.arrived) == 1


def test_fills_of_a_mirrored_order_are_not_copied_again(db: Database) -> None:
    desk = OrderSite(db)
    worker = desk.worker()
    desk.place("1", Side.BUY, "1", "49000")
    worker.tend()
    desk.exchange.fill(desk.account, "0.004")
    desk.fill("1", "0.4")
    worker.drain()
    worker.tend()
    assert desk.book() == (D("0.003996"), D("0.003996"))
    desk.exchange.fill(desk.account, "0.006")
    desk.fill("1", "0.6")
    worker.drain()
    worker.tend()
    assert desk.states() == ["done"]
    assert desk.legs() == [("rest-1", "filled"), ("open", "denied"), ("open", "denied")]
    reasons = desk.site.rows("SELECT reason FROM copy WHERE status = 'denied'")
    assert [row[0] for row in reasons] == ["order_rests", "order_rests"]
    assert desk.book() == (D("0.00999"), D("0.00999"))
    assert desk.site.books_are_sums() and desk.site.books_are_backed()


def test_what_the_follower_missed_when_the_traders_order_is_filled_is_opened_once(db: Database) -> None:
    desk = OrderSite(db)
    worker = desk.worker()
    desk.place("1", Side.BUY, "1", "49000")
    worker.tend()
    desk.exchange.fill(desk.account, "0.003")
    desk.fill("1", "1")
    worker.drain()
    assert worker.tend() > 0
    assert desk.states() == ["done"]
    assert desk.legs() == [("rest-1", "canceled"), ("open", "denied"), ("catch-up", "filled")]
    last = desk.exchange.arrived[-1][1]
    assert (last.qty, last.px, last.time_in_force) == (D("0.007"), D("49245.00"), TimeInForce.IOC)
    assert desk.book()[0] == D("0.01") - D("0.00001")
    assert desk.site.books_are_sums() and desk.site.books_are_backed()


def test_what_the_follower_got_beyond_a_canceled_order_is_given_back(db: Database) -> None:
    desk = OrderSite(db)
    worker = desk.worker()
    desk.place("1", Side.BUY, "1", "49000")
    worker.tend()
    desk.exchange.fill(desk.account, "0.007")
    desk.fill("1", "0.2")
    worker.drain()
    desk.cancel("1")
    worker.tend()
    assert desk.states() == ["done"]
    assert desk.legs()[-1] == ("give-back", "filled")
    assert desk.exchange.arrived[-1][1].qty == D("0.005")
    qty, target = desk.book()
    assert abs(qty - D("0.002")) < D("0.00001") and abs(target - qty) < D("0.00001")
    assert desk.site.books_are_sums() and desk.site.books_are_backed()


def test_a_canceled_order_that_nobody_filled_leaves_nothing(db: Database) -> None:
    desk = OrderSite(db)
    worker = desk.worker()
    desk.place("1", Side.BUY, "1", "49000")
    worker.tend()
    desk.cancel("1")
    worker.tend()
    assert desk.states() == ["done"]
    assert desk.exchange.resting(desk.account) == [] and len(desk.exchange.arrived) == 1
    assert desk.legs() == [("rest-1", "canceled")]


def test_an_amended_price_is_followed_by_another_order_where_spot_cannot_be_amended(db: Database) -> None:
    desk = OrderSite(db)
    worker = desk.worker()
    desk.place("1", Side.BUY, "1", "49000")
    worker.tend()
    desk.exchange.fill(desk.account, "0.002")
    desk.change("1", px=D(48000), qty=D("1.5"))
    worker.tend()
    (order,) = desk.exchange.resting(desk.account)
    assert (order.px, order.qty) == (D(48000), D("0.013"))
    assert desk.legs() == [("rest-1", "canceled"), ("rest-2", "accepted")]
    assert desk.exchange.duplicates == 0


def test_an_amended_perpetual_is_amended_in_place(db: Database) -> None:
    desk = OrderSite(db, symbol="BTC/USDT:USDT")
    worker = desk.worker()
    desk.place("1", Side.BUY, "1", "49000")
    worker.tend()
    desk.change("1", px=D(48000), qty=D("1.5"))
    worker.tend()
    (order,) = desk.exchange.resting(desk.account)
    assert (order.px, order.qty) == (D(48000), D("0.015"))
    assert len(desk.exchange.arrived) == 1 and len(desk.exchange.amended) == 1
    assert worker.tend() == 0


def test_a_fill_that_overtakes_our_cancel_is_read_and_kept_in_step(db: Database) -> None:
    desk = OrderSite(db)
    worker = desk.worker()
    desk.place("1", Side.BUY, "1", "49000")
    worker.tend()
    desk.exchange.on_cancel = lambda _: desk.exchange.fill(desk.account, "0.01")
    desk.change("1", px=D(48000))
    worker.tend()
    assert desk.legs() == [("rest-1", "filled")]
    assert desk.states() == ["over"]
    desk.fill("1", "1")
    worker.drain()
    worker.later(1)
    assert desk.states() == ["done"] and len(desk.exchange.arrived) == 1
    assert desk.book() == (D("0.00999"), D("0.00999"))


def test_an_order_of_unknown_outcome_is_asked_for_and_never_sent_twice(db: Database) -> None:
    desk = OrderSite(db)
    worker = desk.worker()
    desk.exchange.mood[desk.account] = "silent"
    desk.place("1", Side.BUY, "1", "49000")
    worker.tend()
    assert desk.states() == ["placing"]
    worker.later(1)
    assert desk.states() == ["resting"] and len(desk.exchange.arrived) == 1


def test_what_the_trader_does_while_an_order_is_in_doubt_is_followed_as_soon_as_it_is_known(db: Database) -> None:
    desk = OrderSite(db)
    worker = desk.worker()
    desk.exchange.mood[desk.account] = "silent"
    desk.place("1", Side.BUY, "1", "49000")
    worker.tend()
    desk.cancel("1")
    worker.tend()
    assert desk.states() == ["placing"]
    worker.later(1)
    assert desk.states() == ["done"] and desk.exchange.resting(desk.account) == []
    assert desk.site.rows("SELECT count(*) FROM order_delivery") == [(0,)]


def test_a_cancel_of_unknown_outcome_is_asked_for(db: Database) -> None:
    desk = OrderSite(db)
    worker = desk.worker()
    desk.place("1", Side.BUY, "1", "49000")
    worker.tend()
    desk.exchange.cancels_lost = True
    desk.cancel("1")
    worker.tend()
    assert desk.states() == ["canceling"]
    worker.later(2)
    assert desk.states() == ["done"] and len(desk.exchange.canceled) == 1


def test_an_amendment_that_the_exchange_refuses_is_made_by_another_order(db: Database) -> None:
    desk = OrderSite(db, symbol="BTC/USDT:USDT")
    worker = desk.worker()
    desk.place("1", Side.BUY, "1", "49000")
    worker.tend()
    desk.exchange.amends_refused = VenueRefused("no", code="venue_refused", venue_code="-1")
    desk.change("1", px=D(48000))
    worker.tend()
    worker.later(2)
    (order,) = desk.exchange.resting(desk.account)
    assert order.px == 48000 and desk.legs() == [("rest-1", "canceled"), ("rest-2", "accepted")]


def test_an_order_that_never_arrived_is_placed_again_under_another_id_once_that_is_proof(db: Database) -> None:
    desk = OrderSite(db)
    worker = desk.worker()
    desk.exchange.mood[desk.account] = "lost"
    desk.place("1", Side.BUY, "1", "49000")
    worker.tend()
    desk.exchange.mood[desk.account] = "fill"
    worker.later(1)
    assert desk.states() == ["placing"] and desk.exchange.arrived == []
    worker.later(6)
    assert desk.states() == ["resting"]
    assert desk.legs() == [("rest-1", "expired"), ("rest-2", "accepted")]


def test_a_worker_that_dies_after_storing_leaves_an_order_that_is_asked_for_first(db: Database) -> None:
    desk = OrderSite(db)
    first, second = desk.worker("one"), desk.worker("two")
    desk.place("1", Side.BUY, "1", "49000")

    def die() -> None:
        raise ConnectionError("killed")

    desk.exchange.on_submit = die
    with pytest.raises(ConnectionError):
        first.tend()
    desk.exchange.on_submit = lambda: None
    assert desk.states() == ["placing"]
    desk.site.expire_lease()
    second.tend()
    assert desk.exchange.arrived == []
    second.later(10)
    assert desk.states() == ["resting"] and len(desk.exchange.arrived) == 1


def test_a_worker_that_lost_the_lane_places_amends_and_cancels_nothing(db: Database) -> None:
    desk = OrderSite(db)
    first, second = desk.worker("one"), desk.worker("two")
    desk.place("1", Side.BUY, "1", "49000")
    first.tend()
    desk.site.expire_lease()
    assert second.lanes.hold(desk.site.tenant_id, "binance-lab:0") is not None
    desk.cancel("1")
    desk.place("2", Side.BUY, "1", "48000")
    first.tend()
    assert desk.exchange.canceled == [] and len(desk.exchange.arrived) == 1
    second.tend()
    assert len(desk.exchange.canceled) == 1 and len(desk.exchange.resting(desk.account)) == 1


def test_fills_before_the_order_was_seen_are_copied_as_fills_and_the_rest_as_an_order(db: Database) -> None:
    desk = OrderSite(db)
    worker = desk.worker()
    desk.facts["1"] = _fact(desk)
    desk.fill("1", "0.4", told=False)
    worker.drain()
    desk.tell(desk.facts["1"])
    worker.tend()
    (order,) = desk.exchange.resting(desk.account)
    assert order.qty == D("0.006")
    desk.exchange.fill(desk.account, "0.006")
    desk.fill("1", "0.6")
    worker.drain()
    worker.tend()
    assert desk.states() == ["done"]
    assert desk.book() == (D("0.00999"), D("0.00999"))


def test_another_trade_is_copied_as_ever_while_an_order_is_ahead_of_the_traders(db: Database) -> None:
    desk = OrderSite(db)
    worker = desk.worker()
    desk.place("1", Side.BUY, "1", "49000")
    worker.tend()
    desk.exchange.fill(desk.account, "0.01")
    desk.look_now()
    worker.tend()
    assert desk.book()[0] == D("0.00999")
    desk.site.trade(Side.BUY, "2", order="a")
    worker.drain()
    assert desk.exchange.arrived[-1][1].qty == D("0.02")
    worker.reconcile()
    desk.site.trade(Side.SELL, "1", order="b")
    worker.drain()
    sold = desk.exchange.arrived[-1][1]
    assert sold.side is Side.SELL and abs(sold.qty - D("0.01")) <= D("0.00002")
    worker.reconcile()
    assert desk.exchange.arrived[-1][1] is sold
    desk.fill("1", "1")
    worker.drain()
    worker.later(1)
    worker.reconcile()
    qty, target = desk.book()
    assert desk.states() == ["done"] and desk.exchange.arrived[-1][1] is sold
    assert abs(qty - D("0.02")) <= D("0.00005") and abs(qty - target) <= D("0.00005")


def test_fills_of_a_mirrored_order_that_come_in_a_burst_each_move_the_target(db: Database) -> None:
    desk = OrderSite(db)
    worker = desk.worker()
    desk.place("1", Side.BUY, "1", "49000")
    worker.tend()
    desk.exchange.fill(desk.account, "0.01")
    for qty in ("0.2", "0.3", "0.5"):
        desk.fill("1", qty)
    worker.drain()
    worker.tend()
    assert desk.states() == ["done"]
    assert desk.book() == (D("0.00999"), D("0.00999")) and len(desk.exchange.arrived) == 1


def test_an_order_placed_while_a_close_is_on_its_way_is_mirrored_in_full(db: Database) -> None:
    desk = OrderSite(db)
    worker = desk.worker()
    desk.site.trade(Side.BUY, "1", order="a")
    worker.drain()
    desk.exchange.mood[desk.account] = "lost"
    desk.site.trade(Side.SELL, "1", order="b")
    worker.drain()
    desk.exchange.mood[desk.account] = "fill"
    desk.place("1", Side.BUY, "1", "49000")
    worker.tend()
    (order,) = desk.exchange.resting(desk.account)
    assert abs(order.qty - D("0.01")) <= D("0.00001")


def test_two_resting_orders_of_one_instrument_are_each_mirrored_in_full(db: Database) -> None:
    desk = OrderSite(db)
    worker = desk.worker()
    desk.place("1", Side.BUY, "1", "49000")
    worker.tend()
    desk.exchange.fill(desk.account, "0.004")
    desk.fill("1", "0.4")
    worker.drain()
    worker.tend()
    desk.place("2", Side.BUY, "2", "48000")
    worker.tend()
    assert {order.px: order.qty for order in desk.exchange.resting(desk.account)} == {
        49000: D("0.01"),
        48000: D("0.02"),
    }


def test_pausing_cancels_resting_opens_and_resuming_places_them_again(db: Database) -> None:
    desk = OrderSite(db)
    worker = desk.worker()
    desk.place("1", Side.BUY, "1", "49000")
    worker.tend()
    _set_state(desk, "paused")
    worker.tend()
    assert desk.exchange.resting(desk.account) == [] and desk.states() == ["over"]
    _set_state(desk, "synced")
    worker.tend()
    (order,) = desk.exchange.resting(desk.account)
    assert order.qty == D("0.01") and desk.exchange.duplicates == 0


def test_an_order_that_its_owner_canceled_is_neither_placed_again_nor_caught_up(db: Database) -> None:
    desk = OrderSite(db)
    worker = desk.worker()
    desk.place("1", Side.BUY, "1", "49000")
    worker.tend()
    (order,) = desk.exchange.resting(desk.account)
    view = desk.exchange.orders[order.client_order_id]
    desk.exchange.orders[order.client_order_id] = view._replace(status=OrderStatus.CANCELED)
    worker.later(31)
    desk.fill("1", "1")
    worker.drain()
    worker.later(31)
    assert desk.states() == ["done"] and len(desk.exchange.arrived) == 1
    assert desk.book() == (D(0), D(0))
    reason = desk.site.one("SELECT reason FROM resting_order")
    assert reason == "order_canceled_by_owner"


def test_an_order_that_the_exchange_refuses_is_copied_by_its_fills(db: Database) -> None:
    desk = OrderSite(db)
    worker = desk.worker()
    desk.exchange.mood[desk.account] = "refuse"
    desk.place("1", Side.BUY, "1", "49000")
    worker.tend()
    assert desk.states() == ["done"]
    desk.exchange.mood[desk.account] = "fill"
    desk.fill("1", "1")
    worker.drain()
    assert desk.legs() == [("rest-1", "rejected"), ("open", "filled")]


def test_an_order_that_is_too_small_for_the_follower_does_not_rest(db: Database) -> None:
    desk = OrderSite(db)
    worker = desk.worker()
    desk.place("1", Side.BUY, "0.005", "49000")
    worker.tend()
    assert desk.states() == ["done"]
    assert desk.site.one("SELECT reason FROM resting_order") == "below_notional_min"


def test_a_follower_of_fills_has_no_resting_orders(db: Database) -> None:
    desk = OrderSite(db)
    desk.site.act("UPDATE subscription SET copies = 'fills'")
    worker = desk.worker()
    assert desk.place("1", Side.BUY, "1", "49000") == []
    assert worker.tend() == 0 and desk.states() == []
    desk.fill("1", "1")
    worker.drain()
    assert desk.legs() == [("open", "filled")]


def test_a_trader_who_has_an_order_from_before_the_subscription_is_copied_by_its_fills(db: Database) -> None:
    desk = OrderSite(db)
    desk.site.act("UPDATE subscription SET created_at = now() + interval '1 minute'")
    worker = desk.worker()
    desk.place("1", Side.BUY, "1", "49000")
    worker.tend()
    assert desk.states() == [] and desk.exchange.arrived == []


def test_market_and_immediate_orders_never_rest(db: Database) -> None:
    desk = OrderSite(db)
    assert desk.place("1", Side.BUY, "1", None, type=OrderType.MARKET) == []
    assert desk.place("2", Side.BUY, "1", "49000", time_in_force=TimeInForce.IOC) == []


def _fact(desk: OrderSite) -> OrderFact:
    desk.place("0", Side.BUY, "1", "49000", status=OrderStatus.CANCELED)
    return desk.facts["0"]._replace(venue_order_id="1", status=OrderStatus.ACCEPTED)


def _set_state(desk: OrderSite, state: str) -> None:
    desk.site.act("UPDATE subscription SET state = :state", state=state)
    with desk.site.db.tenant(desk.site.tenant_id) as session:
        assert recall_orders(session, desk.site.subscriptions[0]) == ["binance-lab:0"]
