"""Laws of copying perpetuals, long and short: leverage, drift, reversals in two legs, closes that nothing blocks."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal

from copy_world import LIMITS, NOW, allocations, decimals
from copydesk.kernel import ZERO, floor_to_step
from copydesk.replication.model import Limits
from copydesk.replication.plan import plan_copies
from copydesk.trading import Denial, Instrument, Side, SizingMode, SubscriptionState
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from signed_world import SignedWorld, exposures, perpetual_prices, perpetuals, signed

Sizing = tuple[SizingMode, Decimal | None]
sizings: st.SearchStrategy[Sizing] = st.one_of(
    st.just((SizingMode.EQUITY_RATIO, None)),
    st.tuples(st.just(SizingMode.MULTIPLIER), decimals("0.1", "5")),
    st.tuples(st.just(SizingMode.FIXED_RATIO), decimals("0.001", "3")),
    st.tuples(st.just(SizingMode.FIXED_QTY), decimals("0.001", "10")),
    st.tuples(st.just(SizingMode.FIXED_NOTIONAL), decimals("1", "5000", 2)),
)
shares = st.sampled_from([Decimal(0), Decimal("0.3"), Decimal(1)])
EXACT = 1 + Decimal("1e-20")


def held(exposure: Decimal, world: SignedWorld, px: Decimal) -> Decimal:
    """Return what the leader then holds, in whole steps."""
    return floor_to_step(exposure * world.equity / px, world.instrument.qty_step)


@settings(max_examples=200, deadline=None)
@given(
    perpetuals(),
    allocations,
    decimals("100", "1000000", 2),
    perpetual_prices,
    st.lists(st.tuples(decimals("-2", "2"), decimals("0.5", "2"), shares, st.booleans()), min_size=1, max_size=8),
)
def test_long_or_short_a_follower_never_takes_more_leverage_than_the_leader(
    instrument: Instrument,
    allocation: Decimal,
    equity: Decimal,
    first_px: Decimal,
    moves: list[tuple[Decimal, Decimal, Decimal, bool]],
) -> None:
    world, px = SignedWorld(instrument, allocation, equity), first_px
    for exposure, drift, share, known in moves:
        px = max((px * drift).quantize(instrument.px_tick), instrument.px_tick)
        world.trade(held(exposure, world, px), px)
        assert world.target * world.leader >= 0
        assert abs(world.target) * equity <= abs(world.leader) * allocation * EXACT
        if known:
            world.settle(px, share=share)
            assert abs(world.target) * equity <= abs(world.leader) * allocation * EXACT


@settings(max_examples=200, deadline=None)
@given(perpetuals(), sizings, allocations, perpetual_prices, exposures)
def test_after_its_fills_a_book_is_within_one_order_of_its_target(
    instrument: Instrument, sizing: Sizing, allocation: Decimal, px: Decimal, exposures: list[Decimal]
) -> None:
    world = SignedWorld(instrument, allocation, mode=sizing[0], value=sizing[1])
    for exposure in exposures:
        world.trade(held(exposure, world, px), px)
        world.settle(px)
        assert world.orders == []
        assert abs(world.qty - world.target) < max(instrument.qty_step, instrument.qty_min)
        assert world.qty == sum(world.fills, ZERO)


@settings(max_examples=200, deadline=None)
@given(perpetuals(), sizings, allocations, perpetual_prices, st.lists(st.tuples(decimals("-1.5", "1.5"), shares)))
def test_whatever_is_filled_reconcile_brings_the_book_to_its_target(
    instrument: Instrument, sizing: Sizing, allocation: Decimal, px: Decimal, moves: list[tuple[Decimal, Decimal]]
) -> None:
    world = SignedWorld(instrument, allocation, mode=sizing[0], value=sizing[1])
    for exposure, share in moves:
        world.trade(held(exposure, world, px), px)
        world.settle(px, share=share)
    world.mend(px)
    assert world.orders == []
    assert abs(world.qty - world.target) < max(instrument.qty_step, instrument.qty_min)


@settings(max_examples=200, deadline=None)
@given(perpetuals(), allocations, perpetual_prices, decimals("0.05", "1"), decimals("0.05", "1"), st.booleans())
def test_a_reversal_is_two_legs_and_the_close_comes_first(
    instrument: Instrument, allocation: Decimal, px: Decimal, first: Decimal, then: Decimal, short: bool
) -> None:
    world, sign = SignedWorld(instrument, allocation), -1 if short else 1
    world.trade(held(first * sign, world, px), px)
    world.settle(px)
    was = world.qty
    assume(held(then, world, px) > 0)
    plans = world.trade(held(-then * sign, world, px), px)
    if was == 0:
        assert [plan.leg for plan in plans] == ["open"]
        return
    close, opened = plans
    assert (close.leg, close.reduces, close.denial, close.qty) == ("close", True, None, abs(was))
    assert (opened.leg, opened.reduces, opened.side) == ("open", False, close.side)
    assert opened.denial or opened.waits
    assert [order.plan.leg for order in world.orders if order.sent] == ["close"]


@settings(max_examples=150, deadline=None)
@given(perpetuals(), sizings, allocations, perpetual_prices, exposures, shares, st.booleans())
def test_planning_a_stored_signal_again_plans_nothing(
    instrument: Instrument,
    sizing: Sizing,
    allocation: Decimal,
    px: Decimal,
    exposures: list[Decimal],
    share: Decimal,
    settled: bool,
) -> None:
    world = SignedWorld(instrument, allocation, mode=sizing[0], value=sizing[1])
    for exposure in exposures:
        world.trade(held(exposure, world, px), px)
        if settled:
            world.settle(px, share=share)
        again = world.signal(world.leader, px, id=world.signals)
        assert plan_copies(again, [world.follower()], instrument, LIMITS, now=NOW) == []


@settings(max_examples=200, deadline=None)
@given(
    perpetuals(),
    allocations,
    perpetual_prices,
    exposures,
    st.sampled_from(SubscriptionState),
    st.booleans(),
    st.booleans(),
)
def test_no_rule_keeps_a_close_back(
    instrument: Instrument,
    allocation: Decimal,
    px: Decimal,
    exposures: list[Decimal],
    state: SubscriptionState,
    usable: bool,
    turns: bool,
) -> None:
    world = SignedWorld(instrument, allocation)
    for exposure in exposures:
        world.trade(held(exposure, world, px), px)
        world.settle(px)
    if abs(world.qty) < instrument.qty_min:
        return
    forbidding = Limits(1, 1, market_allowed=False, strategy_live=False)
    refusal = (Denial.POSITION_MODE_WRONG, {})
    who = world.follower(state=state, usable=usable, refusal=refusal)
    after = -world.leader if turns else ZERO
    old = world.signal(after, px, venue_at=NOW - timedelta(days=1))
    close, *rest = plan_copies(old, [who], instrument, forbidding, now=NOW)
    assert (close.leg, close.denial, close.qty, close.reduces) == ("close", None, abs(world.qty), True)
    assert signed(close.side, world.qty) < 0
    assert all(plan.denial for plan in rest)


@settings(max_examples=150, deadline=None)
@given(perpetuals(), decimals("0.001", "3"), perpetual_prices, exposures, shares)
def test_shorts_are_planned_as_longs_are(
    instrument: Instrument, ratio: Decimal, px: Decimal, exposures: list[Decimal], share: Decimal
) -> None:
    """Prices differ, so a smallest notional would; nothing else does."""
    alike = SignedWorld(instrument, Decimal(10) ** 12, mode=SizingMode.FIXED_RATIO, value=ratio)
    mirror = SignedWorld(instrument, Decimal(10) ** 12, mode=SizingMode.FIXED_RATIO, value=ratio)
    for exposure in exposures:
        after = held(exposure, alike, px)
        if after == alike.leader:
            continue
        one, two = alike.trade(after, px), mirror.trade(-after, px)
        if any(plan.denial is Denial.BELOW_NOTIONAL_MIN for plan in (*one, *two)):
            return
        assert [(p.leg, p.qty, p.denial, p.waits) for p in one] == [(p.leg, p.qty, p.denial, p.waits) for p in two]
        assert [p.target_qty for p in one] == [-p.target_qty for p in two]
        assert all(p.side is not q.side for p, q in zip(one, two, strict=True))
        alike.settle(px, share=share)
        mirror.settle(px, share=share)


@settings(max_examples=150, deadline=None)
@given(perpetuals(), sizings, allocations, st.lists(st.tuples(decimals("-2", "2"), perpetual_prices, shares)))
def test_long_or_short_no_more_than_the_allocation_is_held_at_entry(
    instrument: Instrument,
    sizing: Sizing,
    allocation: Decimal,
    moves: list[tuple[Decimal, Decimal, Decimal]],
) -> None:
    world = SignedWorld(instrument, allocation, mode=sizing[0], value=sizing[1])
    for exposure, px, share in moves:
        world.trade(held(exposure, world, px), px)
        world.settle(px * Decimal("1.005"), share=share)
        assert world.cost <= allocation * EXACT


@settings(max_examples=150, deadline=None)
@given(perpetuals("binance"), perpetuals("okx"), allocations, perpetual_prices, decimals("-1", "1"))
def test_followers_on_two_exchanges_get_the_same_up_to_their_own_steps(
    fine: Instrument, coarse: Instrument, allocation: Decimal, px: Decimal, exposure: Decimal
) -> None:
    worlds = [SignedWorld(fine, allocation), SignedWorld(coarse, allocation)]
    after = (exposure * worlds[0].equity / px).quantize(Decimal("0.0001"))
    plans = [world.trade(after, px)[0] for world in worlds if after]
    if not plans or any(plan.denial for plan in plans):
        return
    one, two = plans
    assert one.side is two.side is (Side.BUY if after > 0 else Side.SELL)
    assert abs(one.qty - two.qty) <= max(fine.qty_step, coarse.qty_step) + abs(one.target_qty - two.target_qty)
    for plan, instrument in ((one, fine), (two, coarse)):
        assert plan.px is not None
        beyond = signed(plan.side, plan.px - px)
        assert beyond <= px * LIMITS.slippage_bps_max / 10_000
        assert plan.px % instrument.px_tick == 0
        assert plan.qty % instrument.qty_step == 0
