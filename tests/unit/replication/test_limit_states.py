"""What opening orders are held against, by hand: sums of a subscription, and of all of its account."""

from __future__ import annotations

from decimal import Decimal

from copydesk.replication.order_states import ComingRow, Copier, HeldRow, Scene, order_states
from copydesk.risk.order_rules import OrderState, Sums
from copydesk.trading import PositionSide
from copydesk.venues import Liquidity

D = Decimal
BTC, ETH = "BTC/USDT:USDT", "ETH/USDT:USDT"
ME, SISTER, OTHER = Copier(1, 10, D(1_000)), Copier(2, 10, D(500)), Copier(3, 30, D(100))
BUYING = Scene(BTC, PositionSide.NET, short=False, marks={BTC: D(110), ETH: D(50)})
LONG = HeldRow(1, BTC, "net", D(2), D(200), D(-201))
SHORT = HeldRow(1, ETH, "net", D(-4), D(240), D(239))


def state_of(*held: HeldRow, coming: tuple[ComingRow, ...] = (), scene: Scene = BUYING) -> OrderState:
    return order_states({1}, [ME, SISTER, OTHER], held, coming, scene)[1]


def test_equity_is_allocation_cash_and_what_is_held_at_the_market_and_balance_leaves_open_gains_out() -> None:
    state = state_of(LONG, SHORT)
    # 2 at 110 less 201; and 239 less 4 at 50.
    assert state.own.equity == 1_000 + 220 - 201 + 239 - 200
    assert state.own.balance == 1_000 - 1 - 1
    assert (state.own.exposure, state.own.positions) == (420, 2)


def test_where_the_market_is_not_known_what_is_held_is_worth_its_cost() -> None:
    state = state_of(LONG, SHORT, scene=BUYING._replace(marks={}))
    assert state.own == Sums(D(998), D(998), D(440), 2, 0)


def test_opens_on_their_way_count_as_held_and_closes_do_not() -> None:
    state = state_of(LONG, coming=(ComingRow(1, BTC, "buy", D(55)), ComingRow(1, "SOL/USDT", "buy", D(5))))
    assert (state.position, state.own.exposure, state.own.positions) == (275, 280, 2)


def test_an_account_is_all_of_its_subscriptions_and_nobody_else() -> None:
    state = state_of(LONG, HeldRow(2, BTC, "net", D(1), D(100), D(-100)), HeldRow(3, BTC, "net", D(9), D(900), D(-900)))
    assert (state.position, state.instrument, state.overlap) == (220, 330, 110)
    assert (state.allocation, state.allocation_total) == (1_000, 1_500)
    assert state.account == Sums(D(1_500 + 19 + 10), D(1_500 - 1), D(330), 1, 0)


def test_what_others_hold_on_the_other_side_is_no_overlap() -> None:
    state = state_of(HeldRow(2, BTC, "net", D(-1), D(100), D(100)))
    assert (state.instrument, state.overlap) == (110, 0)


def test_what_is_closed_before_the_order_opens_does_not_count() -> None:
    state = state_of(LONG, SHORT, scene=BUYING._replace(short=True))
    assert (state.position, state.own.exposure, state.own.positions) == (0, 200, 1)
    hedged = BUYING._replace(short=True, position_side=PositionSide.SHORT)
    assert state_of(LONG._replace(position_side="long"), scene=hedged).position == 220


def test_an_order_takes_from_the_side_that_it_trades_against() -> None:
    scene = BUYING._replace(liquidity=Liquidity(bids=D(1), asks=D(2), volume=D(3)))
    assert (state_of(scene=scene).depth, state_of(scene=scene).volume) == (2, 3)
    assert state_of(scene=scene._replace(short=True)).depth == 1
    assert state_of().depth is None


def test_orders_of_the_last_minute_and_the_nearest_liquidation_are_counted() -> None:
    state = state_of(scene=BUYING._replace(orders={1: 2, 2: 3}, margins={10: D("0.05")}))
    assert (state.own.orders, state.account.orders, state.margin_distance) == (2, 5, D("0.05"))
