"""Hedge and one-way in all combinations: refused at subscription time, with a reason, where they cannot work."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from copydesk.replication.suitability import Needs, Probe, Suitability, suitability
from copydesk.trading import Denial, OrderStatus, OrderView, PositionSide, Side
from copydesk.venues import BINANCE, Feature, KeyScope, ModeScope, Position
from perpetual_values import PERP, SYMBOL
from plan_values import BTC, D

OTHER = "ETH/USDT:USDT"
LISTED = {BTC.symbol: BTC, SYMBOL: PERP, OTHER: replace(PERP, symbol=OTHER)}
SCOPE = KeyScope(True, True, False, False, True, can_trade_perpetuals=True)
NET, LONG, SHORT = PositionSide.NET, PositionSide.LONG, PositionSide.SHORT
WIDE = replace(BINANCE, position_mode_scope=ModeScope.ACCOUNT)
NARROW = replace(BINANCE, position_mode_scope=ModeScope.SYMBOL)
PER_ORDER = replace(BINANCE, position_mode_scope=ModeScope.ORDER)
ZERO = D(0)


def position(side: PositionSide, symbol: str = SYMBOL) -> Position:
    return Position(symbol, side, D(-1) if side is SHORT else D(1), ZERO, ZERO, None, None, ZERO, None)


def order(side: PositionSide, symbol: str = SYMBOL) -> OrderView:
    return OrderView("1", "1", symbol, Side.BUY, OrderStatus.ACCEPTED, D(1), ZERO, None, position_side=side)


def judged(hedge: bool, *positions: Position, traits: Any = WIDE, **changed: Any) -> list[Denial]:
    needs = Needs({SYMBOL: hedge}, frozenset(), changed.pop("others", {}))
    seen = Probe(None, "", changed.pop("scope", SCOPE), positions, changed.pop("orders", ()))
    return [denial for denial, _ in suitability(needs, seen, traits, LISTED).against]


@pytest.mark.parametrize("hedge", [False, True], ids=["leader one-way", "leader hedged"])
def test_an_account_without_positions_and_orders_fits_any_leader(hedge: bool) -> None:
    assert judged(hedge) == []


@pytest.mark.parametrize("side", [LONG, SHORT])
def test_an_account_that_holds_a_side_in_hedge_mode_fits_a_hedged_leader_alone(side: PositionSide) -> None:
    assert judged(True, position(side)) == []
    assert judged(False, position(side)) == [Denial.POSITION_MODE_WRONG]


def test_an_account_that_holds_anything_in_one_way_mode_fits_a_one_way_leader_alone() -> None:
    assert judged(False, position(NET)) == []
    assert judged(True, position(NET)) == [Denial.POSITION_MODE_WRONG]


def test_a_leader_who_is_long_and_short_at_once_needs_hedge_mode() -> None:
    assert judged(True, position(NET)) == [Denial.POSITION_MODE_WRONG]
    assert judged(True, position(LONG), position(SHORT)) == []


def test_an_open_order_keeps_a_mode_as_a_position_does() -> None:
    assert judged(True, orders=(order(NET),)) == [Denial.POSITION_MODE_WRONG]
    assert judged(True, orders=(order(LONG),)) == []
    assert judged(True, orders=(order(NET, BTC.symbol),)) == []


def test_a_position_in_another_contract_counts_where_the_mode_is_the_accounts() -> None:
    assert judged(True, position(NET, OTHER)) == [Denial.POSITION_MODE_WRONG]
    assert judged(True, position(NET, OTHER), traits=NARROW) == []
    assert judged(True, position(NET), traits=NARROW) == [Denial.POSITION_MODE_WRONG]


def test_where_each_order_names_its_mode_nothing_conflicts() -> None:
    assert judged(True, position(NET), traits=PER_ORDER, others={OTHER: False}) == []


def test_two_strategies_that_need_different_modes_do_not_share_an_account() -> None:
    assert judged(True, others={OTHER: False}) == [Denial.POSITION_MODE_SHARED]
    assert judged(True, others={OTHER: False}, traits=NARROW) == []
    assert judged(True, others={SYMBOL: False}, traits=NARROW) == [Denial.POSITION_MODE_SHARED]
    assert judged(True, others={OTHER: True}) == []


def test_an_exchange_without_hedge_mode_fits_no_hedged_leader() -> None:
    without = replace(WIDE, unsupported={Feature.HEDGE_MODE: "it has none"})
    assert judged(True, traits=without) == [Denial.HEDGE_MODE_MISSING]
    assert judged(False, traits=without) == []


def test_a_key_that_may_not_trade_perpetuals_fits_no_leader_who_does() -> None:
    assert judged(False, scope=replace(SCOPE, can_trade_perpetuals=False)) == [Denial.PERPETUALS_NOT_ALLOWED]


def looked(needs: Needs, seen: Probe) -> Suitability:
    return suitability(needs, seen, WIDE, LISTED)


def test_a_spot_leader_asks_nothing_of_perpetuals() -> None:
    scope = replace(SCOPE, can_trade_perpetuals=False)
    assert looked(Needs({}, frozenset({BTC.symbol}), {}), Probe(None, "", scope)).fits


def test_a_key_that_is_refused_is_all_that_is_said() -> None:
    found = looked(Needs({SYMBOL: True}, frozenset(), {}), Probe(Denial.KEY_CAN_WITHDRAW, "", SCOPE, [position(NET)]))
    assert [denial for denial, _ in found.against] == [Denial.KEY_CAN_WITHDRAW]
    found = looked(Needs({}, frozenset(), {}), Probe(None, "unknown key", None))
    assert found.against == [(Denial.KEY_REJECTED, {"exchange": "binance", "message": "unknown key"})]


def test_what_the_followers_exchange_does_not_list_is_noted_and_no_reason_against() -> None:
    found = looked(
        Needs({"GONE/USDT:USDT": True}, frozenset({"OLD/USDT"}), {}), Probe(None, "", SCOPE, [position(NET)])
    )
    assert found.fits
    assert [facts["symbol"] for denial, facts in found.notes] == ["GONE/USDT:USDT", "OLD/USDT"]
