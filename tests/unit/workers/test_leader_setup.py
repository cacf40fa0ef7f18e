"""What open positions tell of a leader's settings."""

from __future__ import annotations

from decimal import Decimal

from copydesk.replication import LeaderSetupSeen
from copydesk.trading import PositionSide
from copydesk.venues import ModeScope, Position
from copydesk.workers.leader_setup import learned

BTC, ETH = "BTC/USDT:USDT", "ETH/USDT:USDT"
D = Decimal
FLAT = LeaderSetupSeen(hedge=False, leverage=None)


def position(symbol: str, side: PositionSide, leverage: int | None) -> Position:
    return Position(symbol, side, D(1), D(1), D(1), leverage, None, D(0), None)


def test_a_flat_account_tells_nothing_and_counts_as_one_way() -> None:
    assert learned([BTC, ETH], {}, [], ModeScope.ACCOUNT) == {BTC: FLAT, ETH: FLAT}


def test_a_mode_of_the_account_is_told_for_all_perpetuals_and_one_of_a_symbol_for_it_alone() -> None:
    held = [position(BTC, PositionSide.SHORT, 3)]
    hedge = LeaderSetupSeen(hedge=True, leverage=3)
    assert learned([BTC, ETH], {}, held, ModeScope.ACCOUNT) == {BTC: hedge, ETH: hedge._replace(leverage=None)}
    assert learned([BTC, ETH], {}, held, ModeScope.SYMBOL) == {BTC: hedge, ETH: FLAT}


def test_what_was_seen_stays_until_something_else_is_seen() -> None:
    before = {BTC: LeaderSetupSeen(hedge=True, leverage=3)}
    assert learned([BTC], before, [], ModeScope.ACCOUNT) == before
    untold = [position(BTC, PositionSide.LONG, None)]
    assert learned([BTC], before, untold, ModeScope.ACCOUNT) == before
    one_way = [position(BTC, PositionSide.NET, 10)]
    assert learned([BTC], before, one_way, ModeScope.ACCOUNT) == {BTC: LeaderSetupSeen(hedge=False, leverage=10)}


def test_positions_outside_the_brands_markets_are_left_out() -> None:
    assert learned([BTC], {}, [position(ETH, PositionSide.NET, 7)], ModeScope.SYMBOL) == {BTC: FLAT}
