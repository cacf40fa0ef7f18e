"""The next step of a resting order follows from what is known, whatever happened before."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest
from copydesk.replication.resting import (
    LeaderTerms,
    Rest,
    RestState,
    Step,
    next_step,
    order_px,
    trigger_px,
    wanted_terms,
)
from copydesk.trading import Instrument, OrderStatus, OrderType, PositionSide, Side
from copydesk.venues import BINANCE
from hypothesis import given
from hypothesis import strategies as st

D = Decimal
NOW = datetime(2026, 3, 1, tzinfo=UTC)
SPOT = Instrument("binance", "BTC/USDT", "BTCUSDT", "BTC", "USDT", D("0.01"), D("0.00001"), D("0.00001"), D(9000), D(5))
PERPETUAL = replace(SPOT, symbol="BTC/USDT:USDT", settle="USDT", qty_step=D("0.001"), qty_min=D("0.001"))
LEADER = LeaderTerms(OrderStatus.ACCEPTED, D(1), D(0), D(49_000), None, closes_all=False, position=D(0))
REST = Rest(
    subscription_id=1,
    account_id=2,
    leader_order_id=3,
    signal_id=4,
    symbol="BTC/USDT",
    position_side=PositionSide.NET,
    side=Side.BUY,
    type=OrderType.LIMIT,
    reduces=False,
    state=RestState.RESTING,
    revision=1,
    ratio=D("0.01"),
    from_qty=D(0),
    base_qty=D(0),
    qty=D("0.01"),
    px=D(49_000),
    trigger_px=None,
    next_qty=None,
    next_px=None,
    copy_id=5,
    client_order_id="c",
    reason=None,
    looks=0,
    look_at=NOW + timedelta(seconds=30),
    proof_at=None,
    leader=LEADER,
    drained=D(0),
    got=D(0),
    cum_qty=D(0),
    told=False,
    venue_order_id="v",
    planned_at=NOW,
    acked_at=NOW,
    held=D(0),
    as_if_held=D(0),
    target_qty=D(0),
    moving=False,
    kept=True,
    stirred=False,
)
OVER = replace(REST, state=RestState.OVER, told=True)


def leader(**terms: object) -> LeaderTerms:
    return replace(LEADER, **terms)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("rest", "step"),
    [
        (REST, Step.WAIT),
        (replace(REST, look_at=NOW), Step.LOOK),
        (replace(REST, stirred=True), Step.LOOK),
        (replace(REST, leader=leader(status=OrderStatus.CANCELED)), Step.CANCEL),
        (replace(REST, kept=False), Step.CANCEL),
        (replace(REST, leader=leader(px=D(48_000))), Step.CANCEL),
        (replace(REST, symbol=PERPETUAL.symbol, leader=leader(px=D(48_000))), Step.AMEND),
        (replace(REST, state=RestState.PLACING, look_at=NOW), Step.LOOK),
        (replace(REST, state=RestState.PLACING), Step.WAIT),
        (replace(REST, state=RestState.AMENDING, look_at=NOW), Step.LOOK),
        (replace(REST, state=RestState.CANCELING, look_at=NOW), Step.CANCEL),
        (OVER, Step.PLACE),
        (replace(OVER, told=False, look_at=NOW), Step.LOOK),
        (replace(OVER, reason="order_canceled_by_owner"), Step.WAIT),
        (replace(OVER, kept=False), Step.WAIT),
        (replace(OVER, got=D("0.01")), Step.WAIT),
        (replace(OVER, leader=leader(status=OrderStatus.FILLED, cum_qty=D(1))), Step.WAIT),
        (replace(OVER, leader=leader(status=OrderStatus.FILLED, cum_qty=D(1)), drained=D(1)), Step.FINISH),
        (replace(REST, state=RestState.DONE), Step.WAIT),
    ],
)
def test_each_state_has_one_next_step(rest: Rest, step: Step) -> None:
    instrument = PERPETUAL if ":" in rest.symbol else SPOT
    assert next_step(rest, instrument, BINANCE, NOW) is step


def test_what_rests_stays_while_the_market_is_halted_and_nothing_is_placed() -> None:
    halted = replace(SPOT, trading=False)
    assert next_step(REST, halted, BINANCE, NOW) is Step.WAIT
    assert next_step(OVER, halted, BINANCE, NOW) is Step.WAIT


prices = st.decimals("1", "100000", places=6)


@given(prices, st.sampled_from(Side))
def test_a_limit_is_never_worse_than_the_traders(px: Decimal, side: Side) -> None:
    found = order_px(px, side, SPOT, OrderType.LIMIT)
    assert found is not None and found % SPOT.px_tick == 0 and abs(found - px) < SPOT.px_tick
    assert found <= px if side is Side.BUY else found >= px


@given(prices, st.sampled_from(Side), st.sampled_from([OrderType.STOP_MARKET, OrderType.TAKE_PROFIT_MARKET]))
def test_exits_trigger_no_later_and_entries_no_sooner_than_the_traders(
    px: Decimal, side: Side, kind: OrderType
) -> None:
    rises = (side is Side.BUY) is (kind is OrderType.STOP_MARKET)
    leave = trigger_px(px, side, SPOT, kind, reduces=True)
    enter = trigger_px(px, side, SPOT, kind, reduces=False)
    assert leave is not None and enter is not None
    assert (leave <= px <= enter) if rises else (enter <= px <= leave)


quantities = st.decimals("0.001", "100", places=3)


@given(quantities, quantities, st.decimals("0", "1", places=3))
def test_a_closing_order_never_sells_more_than_is_held(held: Decimal, position: Decimal, share: Decimal) -> None:
    terms = leader(qty=position * share, position=position)
    rest = replace(OVER, side=Side.SELL, reduces=True, held=held, as_if_held=held, leader=terms)
    wanted = wanted_terms(rest, SPOT, fresh=True)
    assert wanted is None or ZERO < wanted.qty <= held


ZERO = D(0)
