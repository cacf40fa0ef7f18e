"""A trader's stops, take-profits and resting sales are mirrored for what the follower holds, and go with it."""

from __future__ import annotations

from decimal import Decimal

from copydesk.db import Database
from copydesk.replication.lifecycle import end_subscription
from copydesk.trading import EndMode, OrderStatus, OrderType, PositionSide, Side
from copydesk.venues import UNNAMED
from order_site import OrderSite, OrderWorker

D = Decimal
PERPETUAL = "BTC/USDT:USDT"


def holding(desk: OrderSite, qty: str = "1") -> OrderWorker:
    """Let the leader buy at market, and everyone copy it."""
    worker = desk.worker()
    desk.site.trade(Side.BUY, qty, order="market", symbol=desk.symbol)
    worker.drain()
    return worker


def test_a_stop_of_the_trader_is_placed_for_the_followers_own_position(db: Database) -> None:
    desk = OrderSite(db, symbol=PERPETUAL)
    worker = holding(desk)
    stop = {"type": OrderType.STOP_MARKET, "trigger_px": D("45000.005"), "reduces": True}
    desk.place("s", Side.SELL, "1", None, **stop)
    worker.tend()
    (order,) = desk.exchange.resting(desk.account)
    assert (order.type, order.qty, order.reduces) == (OrderType.STOP_MARKET, D("0.01"), True)
    assert (order.trigger_px, order.px) == (D("45000.01"), None)


def test_a_stop_for_half_the_position_is_placed_for_half(db: Database) -> None:
    desk = OrderSite(db, symbol=PERPETUAL)
    worker = holding(desk)
    desk.place("s", Side.SELL, "0.5", None, type=OrderType.STOP_MARKET, trigger_px=D(45000), reduces=True)
    worker.tend()
    assert desk.exchange.resting(desk.account)[0].qty == D("0.005")


def test_an_exit_for_the_whole_position_grows_with_it(db: Database) -> None:
    desk = OrderSite(db, symbol=PERPETUAL)
    worker = holding(desk)
    stop = {"type": OrderType.TAKE_PROFIT_MARKET, "trigger_px": D(60000), "reduces": True, "closes_all": True}
    desk.place("s", Side.SELL, "0", None, **stop)
    worker.tend()
    desk.site.trade(Side.BUY, "1", order="more", symbol=desk.symbol)
    worker.drain()
    worker.tend()
    (order,) = desk.exchange.resting(desk.account)
    assert order.qty == D("0.02") and desk.exchange.duplicates == 0


def test_an_exit_is_removed_when_the_book_is_flat(db: Database) -> None:
    desk = OrderSite(db, symbol=PERPETUAL)
    worker = holding(desk)
    desk.place("s", Side.SELL, "1", None, type=OrderType.STOP_MARKET, trigger_px=D(45000), reduces=True)
    worker.tend()
    desk.site.trade(Side.SELL, "1", order="close", symbol=desk.symbol)
    worker.drain()
    worker.tend()
    assert desk.exchange.resting(desk.account) == []
    desk.cancel("s")
    worker.tend()
    assert desk.states() == ["done"]


def test_a_stop_that_triggers_for_both_closes_once(db: Database) -> None:
    desk = OrderSite(db, symbol=PERPETUAL)
    worker = holding(desk)
    desk.place("s", Side.SELL, "1", None, type=OrderType.STOP_MARKET, trigger_px=D(45000), reduces=True)
    worker.tend()
    desk.exchange.fill(desk.account, "0.01")
    desk.change("s", placed_id="child")
    _fill_child(desk, "1")
    worker.drain()
    worker.tend()
    worker.reconcile()
    assert desk.states() == ["done"]
    assert desk.legs() == [("open", "filled"), ("rest-1", "filled"), ("close", "denied")]
    assert desk.book() == (D(0), D(0))


def test_a_stop_that_triggered_for_the_trader_alone_is_made_good_at_market(db: Database) -> None:
    desk = OrderSite(db, symbol=PERPETUAL)
    worker = holding(desk)
    desk.place("s", Side.SELL, "1", None, type=OrderType.STOP_MARKET, trigger_px=D(45000), reduces=True)
    worker.tend()
    desk.change("s", placed_id="child")
    _fill_child(desk, "1")
    worker.drain()
    worker.tend()
    worker.reconcile()
    assert desk.legs() == [("open", "filled"), ("rest-1", "canceled"), ("close", "denied"), ("fix-1", "filled")]
    assert desk.book() == (D(0), D(0))


def test_exits_attached_to_an_entry_are_placed_once_it_fills_for_what_the_follower_holds(db: Database) -> None:
    desk = OrderSite(db, symbol=PERPETUAL)
    worker = desk.worker()
    desk.place("entry", Side.BUY, "1", "49000")
    worker.tend()
    desk.exchange.fill(desk.account, "0.004")
    desk.fill("entry", "0.5")
    _attached(desk, "0.5")
    worker.tend()
    worker.drain()
    worker.later(1)
    exits = {order.type: order for order in desk.exchange.resting(desk.account) if order.reduces}
    assert {kind: order.qty for kind, order in exits.items()} == {
        OrderType.STOP_MARKET: D("0.004"),
        OrderType.TAKE_PROFIT_MARKET: D("0.004"),
    }
    desk.fill("entry", "0.5")
    worker.drain()
    worker.later(1)
    worker.later(1)
    assert desk.book()[0] == D("0.01")
    exits = {order.type: order for order in desk.exchange.resting(desk.account)}
    assert {(order.qty, order.reduces) for order in exits.values()} == {(D("0.01"), True)} and len(exits) == 2


def test_exits_that_come_with_the_fill_of_an_entry_wait_until_it_is_planned(db: Database) -> None:
    desk = OrderSite(db, symbol=PERPETUAL)
    worker = desk.worker()
    desk.site.trade(Side.BUY, "1", order="market", symbol=PERPETUAL)
    _attached(desk, "1")
    assert worker.tend() == 0 and desk.states() == []
    worker.drain()
    worker.tend()
    assert [order.qty for order in desk.exchange.resting(desk.account)] == [D("0.01"), D("0.01")]


def test_exits_that_come_before_the_fill_of_an_entry_wait_for_it(db: Database) -> None:
    desk = OrderSite(db, symbol=PERPETUAL)
    worker = desk.worker()
    _attached(desk, "1")
    assert worker.tend() == 0 and desk.states() == []
    desk.site.trade(Side.BUY, "1", order="market", symbol=PERPETUAL)
    worker.drain()
    worker.tend()
    assert [order.qty for order in desk.exchange.resting(desk.account)] == [D("0.01"), D("0.01")]


def test_an_exit_of_nothing_waits_ten_seconds_and_no_longer(db: Database) -> None:
    desk = OrderSite(db, symbol=PERPETUAL)
    worker = desk.worker()
    _attached(desk, "1")
    worker.tend()
    worker.later(11)
    reasons = [row[0] for row in desk.site.rows("SELECT reason FROM resting_order")]
    assert reasons == ["nothing_to_reduce", "nothing_to_reduce"]
    assert desk.site.one("SELECT count(*) FROM order_delivery") == 0


def test_exits_for_a_copy_of_unknown_outcome_are_placed_once_it_is_known(db: Database) -> None:
    desk = OrderSite(db, symbol=PERPETUAL)
    desk.exchange.mood = {desk.account: "silent"}
    worker = holding(desk)
    desk.exchange.mood = {}
    _attached(desk, "1")
    worker.tend()
    assert desk.exchange.resting(desk.account) == [] and desk.states() == ["over", "over"]
    worker.clock.ahead_s += 4
    worker.reconcile()
    worker.later(1)
    assert [order.qty for order in desk.exchange.resting(desk.account)] == [D("0.01"), D("0.01")]


def test_one_attached_exit_that_triggers_takes_the_other_away(db: Database) -> None:
    desk = OrderSite(db, symbol=PERPETUAL)
    worker = holding(desk)
    _attached(desk, "1")
    worker.tend()
    assert len(desk.exchange.resting(desk.account)) == 2
    desk.change("s", placed_id="child")
    desk.cancel("tp")
    _fill_child(desk, "1")
    worker.drain()
    worker.tend()
    worker.reconcile()
    worker.tend()
    assert desk.exchange.resting(desk.account) == [] and desk.states() == ["done", "done"]
    assert desk.book()[0] == 0 and desk.legs()[-1] == ("fix-1", "filled")


def test_on_spot_the_exit_that_finds_its_coins_locked_is_copied_by_its_fills(db: Database) -> None:
    desk = OrderSite(db)
    worker = holding(desk)
    desk.place("p", Side.SELL, "1", "60000")
    worker.tend()
    desk.exchange.mood = {desk.account: "refuse"}
    desk.place("s", Side.SELL, "1", None, type=OrderType.STOP_MARKET, trigger_px=D(45000))
    worker.tend()
    desk.exchange.mood = {}
    assert desk.site.rows("SELECT state, reason FROM resting_order ORDER BY leader_order_id")[1] == (
        "done",
        "insufficient_balance",
    )
    desk.change("s", placed_id="child")
    desk.cancel("p")
    _fill_child(desk, "1")
    worker.drain()
    worker.tend()
    worker.reconcile()
    assert desk.book()[0] < D("0.00001") and desk.exchange.resting(desk.account) == []
    assert desk.site.books_are_sums() and desk.site.books_are_backed()


def test_a_moved_stop_is_another_order_for_the_follower(db: Database) -> None:
    desk = OrderSite(db, symbol=PERPETUAL)
    worker = holding(desk)
    desk.place("s", Side.SELL, "1", None, type=OrderType.STOP_MARKET, trigger_px=D(45000), reduces=True)
    worker.tend()
    desk.change("s", trigger_px=D(46000))
    worker.tend()
    (order,) = desk.exchange.resting(desk.account)
    assert order.trigger_px == D(46000) and desk.legs()[1:] == [("rest-1", "canceled"), ("rest-2", "accepted")]


def test_a_resting_sale_on_spot_sells_the_same_share(db: Database) -> None:
    desk = OrderSite(db)
    worker = holding(desk)
    desk.place("p", Side.SELL, "0.5", "60000")
    worker.tend()
    (order,) = desk.exchange.resting(desk.account)
    assert (order.side, order.qty) == (Side.SELL, D("0.00499"))
    desk.exchange.fill(desk.account, "0.00499")
    desk.fill("p", "0.5")
    worker.drain()
    worker.tend()
    worker.reconcile()
    assert desk.states() == ["done"] and len(desk.exchange.arrived) == 2
    assert desk.site.books_are_sums() and desk.site.books_are_backed()


def test_a_leader_who_sells_all_by_resting_sales_leaves_nothing(db: Database) -> None:
    desk = OrderSite(db, symbol=PERPETUAL)
    worker = holding(desk)
    for number, qty in enumerate(("0.33", "0.33", "0.34")):
        order = f"p{number}"
        desk.place(order, Side.SELL, qty, "60000", reduces=True)
        worker.tend()
        (resting,) = desk.exchange.resting(desk.account)
        desk.exchange.fill(desk.account, resting.qty)
        desk.fill(order, qty)
        worker.drain()
        worker.tend()
    worker.reconcile()
    assert desk.book() == (D(0), D(0))
    assert {leg for leg, _ in desk.legs() if leg.startswith("fix")} == set()


def test_pausing_keeps_exits(db: Database) -> None:
    desk = OrderSite(db, symbol=PERPETUAL)
    worker = holding(desk)
    desk.place("s", Side.SELL, "1", None, type=OrderType.STOP_MARKET, trigger_px=D(45000), reduces=True)
    worker.tend()
    desk.site.act("UPDATE subscription SET state = 'paused'")
    desk.look_now()
    worker.tend()
    assert len(desk.exchange.resting(desk.account)) == 1


def test_leaving_cancels_what_rests_before_positions_are_closed(db: Database) -> None:
    desk = OrderSite(db, symbol=PERPETUAL)
    worker = holding(desk)
    desk.place("b", Side.BUY, "1", "40000")
    desk.place("s", Side.SELL, "1", None, type=OrderType.STOP_MARKET, trigger_px=D(45000), reduces=True)
    worker.tend()
    assert len(desk.exchange.resting(desk.account)) == 2
    with desk.site.db.tenant(desk.site.tenant_id) as session:
        end_subscription(session, desk.site.subscriptions[0], EndMode.CLOSE_NOW)
    worker.tend()
    assert desk.exchange.resting(desk.account) == []
    worker.reconcile()
    worker.reconcile()
    assert desk.legs()[-1] == ("end", "filled") and desk.book()[0] == 0
    assert desk.site.one("SELECT state FROM subscription") == "ended"


def test_a_follower_who_is_managed_until_the_exit_keeps_exits_alone(db: Database) -> None:
    desk = OrderSite(db, symbol=PERPETUAL)
    worker = holding(desk)
    desk.place("b", Side.BUY, "1", "40000")
    desk.place("s", Side.SELL, "1", None, type=OrderType.STOP_MARKET, trigger_px=D(45000), reduces=True)
    worker.tend()
    with desk.site.db.tenant(desk.site.tenant_id) as session:
        end_subscription(session, desk.site.subscriptions[0], EndMode.MANAGE_UNTIL_EXIT)
    worker.tend()
    assert [order.type for order in desk.exchange.resting(desk.account)] == [OrderType.STOP_MARKET]


def test_a_sale_of_coins_that_were_never_copied_places_nothing(db: Database) -> None:
    desk = OrderSite(db)
    worker = desk.worker()
    desk.place("p", Side.SELL, "0.5", "60000")
    worker.tend()
    assert desk.exchange.arrived == [] and desk.states() == ["done"]
    assert desk.site.one("SELECT reason FROM resting_order") == "nothing_to_reduce"


def test_an_order_that_would_turn_the_trader_round_is_copied_by_its_fills(db: Database) -> None:
    desk = OrderSite(db, symbol=PERPETUAL)
    worker = holding(desk)
    desk.place("t", Side.SELL, "2", "60000")
    worker.tend()
    assert desk.exchange.resting(desk.account) == []
    assert desk.site.one("SELECT reason FROM resting_order") == "order_would_turn"


def test_an_entry_stop_is_mirrored_and_its_fills_are_told_by_the_order_that_it_placed(db: Database) -> None:
    desk = OrderSite(db, symbol=PERPETUAL)
    worker = desk.worker()
    desk.place("e", Side.BUY, "1", "52100", type=OrderType.STOP_LIMIT, trigger_px=D(52000))
    worker.tend()
    (order,) = desk.exchange.resting(desk.account)
    assert (order.type, order.px, order.trigger_px) == (OrderType.STOP_LIMIT, D(52100), D(52000))
    desk.exchange.fill(desk.account, "0.01")
    child = desk.facts["e"]._replace(type=OrderType.LIMIT, trigger_px=None, placed_by=UNNAMED, venue_order_id="child")
    desk.tell(child)
    desk.tell(child._replace(cum_qty=D(1), status=OrderStatus.FILLED))
    _fill_child(desk, "1", side=Side.BUY, px=D(52100))
    worker.drain()
    worker.tend()
    assert desk.legs() == [("rest-1", "filled"), ("open", "denied")]
    assert desk.states() == ["done"] and desk.book() == (D("0.01"), D("0.01"))


def test_both_sides_of_hedge_mode_have_exits_of_their_own(db: Database) -> None:
    desk = OrderSite(db, symbol=PERPETUAL)
    worker = desk.worker()
    for side, order in ((PositionSide.LONG, Side.BUY), (PositionSide.SHORT, Side.SELL)):
        desk.site.trade(order, "1", order=f"open {side}", symbol=PERPETUAL, position_side=side)
        worker.drain()
    for side, order in ((PositionSide.LONG, Side.SELL), (PositionSide.SHORT, Side.BUY)):
        desk.place(f"exit {side}", order, "1", "50000", position_side=side)
    worker.tend()
    resting = {(order.position_side, order.side, order.qty) for order in desk.exchange.resting(desk.account)}
    assert resting == {(PositionSide.LONG, Side.SELL, D("0.01")), (PositionSide.SHORT, Side.BUY, D("0.01"))}


def _attached(desk: OrderSite, qty: str) -> None:
    """Tell of both exits of an entry, as exchanges do once it was filled: for all of the position."""
    terms = {"reduces": True, "closes_all": True}
    desk.place("s", Side.SELL, qty, None, type=OrderType.STOP_MARKET, trigger_px=D(45000), **terms)
    desk.place("tp", Side.SELL, qty, None, type=OrderType.TAKE_PROFIT_MARKET, trigger_px=D(60000), **terms)


def _fill_child(desk: OrderSite, qty: str, side: Side = Side.SELL, px: Decimal | None = None) -> None:
    """Fill the order that a triggered conditional placed, and end the conditional."""
    fact = desk.facts.get("s") or desk.facts["e"]
    if fact.venue_order_id == "s":
        desk.change("s", cum_qty=D(qty), status=OrderStatus.FILLED)
    desk.site.trade(side, qty, order="child", symbol=desk.symbol)
