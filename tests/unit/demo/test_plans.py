"""What the traders do is fixed by seed, and has everything that a desk must copy."""

from __future__ import annotations

from itertools import islice, pairwise

from copydesk.demo.cast import BASES, PERP, SPOT, TRADERS, follower_terms
from copydesk.demo.plans import PLANS, Move, moves
from copydesk.venues import TRAITS


def first(number: int, plan: str = "turns", seed: int = 7, account: str = "a") -> list[Move]:
    return list(islice(moves(plan, seed, account), number))


def test_a_seed_and_an_account_decide_every_move() -> None:
    assert first(50) == first(50)
    assert first(50) != first(50, seed=8)
    assert first(50) != first(50, account="b")


def test_no_coin_is_traded_twice_in_a_row_and_none_is_forgotten() -> None:
    bases = [move.base for move in first(60)]
    assert all(one != other for one, other in pairwise(bases))
    assert set(bases) == set(BASES)


def test_every_plan_goes_round_in_each_coin_and_ends_flat() -> None:
    for plan, exposures in PLANS.items():
        mine = [move.exposure for move in first(200, plan) if move.base == "BTC"]
        assert mine[len(exposures) - 1] == 0
        assert [(share > 0) - (share < 0) for share in mine[: len(exposures)]] == [
            (share > 0) - (share < 0) for share in exposures
        ]


def test_perpetual_plans_open_add_trim_close_and_turn_round_and_spot_plans_are_never_short() -> None:
    traders = [trader for cast in TRADERS.values() for trader in cast]
    assert all(min(PLANS[trader.plan]) >= 0 for trader in traders if trader.market == SPOT)
    steps = {step for trader in traders if trader.market == PERP for step in pairwise((0.0, *PLANS[trader.plan]))}
    assert any(a > 0 > b for a, b in steps)
    assert any(a < 0 < b for a, b in steps)
    assert any(b < a < 0 for a, b in steps)
    assert any(a < b < 0 for a, b in steps)
    assert any(0 < b < a for a, b in steps)
    assert any(a and not b for a, b in steps)


def test_traders_and_followers_are_on_every_exchange() -> None:
    assert {trader.venue for cast in TRADERS.values() for trader in cast} == set(TRAITS)
    counts = [sum(follower_terms(number).venue == venue for number in range(50)) for venue in TRAITS]
    assert max(counts) - min(counts) <= 1
