"""How a follower's account is set up for a perpetual."""

from __future__ import annotations

from dataclasses import replace

import pytest
from copydesk.replication.prepare import target_of, task_of, wanted_setup, with_refusals
from copydesk.replication.setups import Setup
from copydesk.trading import Denial, MarginMode, PositionSide
from copydesk.venues import BINANCE, ModeScope
from perpetual_values import PERP, follower, signal


@pytest.mark.parametrize(
    ("leader", "brand", "instrument", "expected"),
    [(3, 5, 100, 3), (50, 5, 100, 5), (50, 20, 10, 10), (None, 5, 100, 1), (2, 5, 0, 1)],
)
def test_the_leaders_leverage_is_followed_as_far_as_all_allow(
    leader: int | None, brand: int, instrument: int, expected: int
) -> None:
    listed = replace(PERP, leverage_max=instrument)
    assert wanted_setup(signal("0", "1", leverage=leader), listed, brand).leverage == expected


@pytest.mark.parametrize(
    ("side", "hedge"), [(PositionSide.NET, False), (PositionSide.LONG, True), (PositionSide.SHORT, True)]
)
def test_the_position_mode_is_the_leaders(side: PositionSide, hedge: bool) -> None:
    assert wanted_setup(signal("0", "1", position_side=side), PERP, 5) == Setup(hedge, 1)


def test_only_refused_accounts_are_refused() -> None:
    crowd = [follower(account_id=1), follower(account_id=2)]
    no = (Denial.LEVERAGE_REFUSED, {"exchange": "okx"})
    assert [one.refusal for one in with_refusals(crowd, {2: no})] == [None, no]


BTC, ETH = "BTC/USDT:USDT", "ETH/USDT:USDT"
ONE_WAY, HEDGE = Setup(hedge=False, leverage=3), Setup(hedge=True, leverage=3)
ISOLATED = ONE_WAY._replace(margin_mode=MarginMode.ISOLATED)


@pytest.mark.parametrize(
    ("position", "margin", "stored", "steps"),
    [
        (ModeScope.ACCOUNT, ModeScope.SYMBOL, {}, (True, True)),
        (ModeScope.ACCOUNT, ModeScope.SYMBOL, {ETH: ONE_WAY}, (False, True)),
        (ModeScope.ACCOUNT, ModeScope.SYMBOL, {ETH: HEDGE}, (True, True)),
        (ModeScope.SYMBOL, ModeScope.ACCOUNT, {ETH: ONE_WAY}, (True, False)),
        (ModeScope.PRODUCT, ModeScope.ORDER, {ETH: ONE_WAY}, (False, True)),
        (ModeScope.PRODUCT, ModeScope.ORDER, {BTC: ONE_WAY._replace(leverage=5)}, (False, False)),
        (ModeScope.PRODUCT, ModeScope.ORDER, {BTC: ISOLATED}, (False, True)),
        (ModeScope.SYMBOL, ModeScope.ACCOUNT, {BTC: ISOLATED, ETH: ISOLATED}, (False, True)),
    ],
)
def test_a_mode_is_set_only_where_nothing_of_its_scope_was_set_so(
    position: ModeScope, margin: ModeScope, stored: dict[str, Setup], steps: tuple[bool, bool]
) -> None:
    traits = replace(BINANCE, position_mode_scope=position, margin_mode_scope=margin)
    assert task_of(BTC, ONE_WAY, stored, traits)[1:] == steps


def test_among_strategies_the_lowest_leverage_is_chosen_and_no_mode_against_another() -> None:
    low = ONE_WAY._replace(leverage=2)
    assert target_of({BTC: {ONE_WAY, low}}, BTC, BINANCE) == low
    assert target_of({BTC: {ONE_WAY}, ETH: {HEDGE}}, BTC, BINANCE) is None
    each = replace(BINANCE, position_mode_scope=ModeScope.SYMBOL)
    assert target_of({BTC: {ONE_WAY}, ETH: {HEDGE}}, BTC, each) == ONE_WAY
