"""Laws of sizing: no more leverage than the leader, no more money than the allocation, nothing unclosable."""

from __future__ import annotations

from decimal import Decimal

from copy_world import (
    FEE,
    LIMITS,
    NOW,
    World,
    allocations,
    decimals,
    instruments,
    prices,
    sellable,
    sizings,
)
from copydesk.kernel import ZERO, floor_to_step
from copydesk.replication.minima import smallest_open
from copydesk.replication.model import SignalFact
from copydesk.replication.plan import open_limit_px, plan_copies
from copydesk.replication.sizing import kept_share, sizes_of
from copydesk.trading import Denial, Instrument, Side, SizingMode
from hypothesis import given, settings
from hypothesis import strategies as st

shares = st.sampled_from([Decimal(0), Decimal("0.3"), Decimal("0.5"), Decimal(1)])
# What the leader holds afterwards, as a share of the equity; the fill that follows; whether it is known in time.
moves = st.lists(
    st.tuples(decimals("0", "2"), decimals("0.5", "2"), shares, st.booleans()),
    min_size=1,
    max_size=8,
)


@settings(max_examples=150, deadline=None)
@given(instruments(), allocations, decimals("100", "1000000", 2), prices, moves)
def test_equity_ratio_never_takes_more_leverage_than_the_leader(
    instrument: Instrument,
    allocation: Decimal,
    equity: Decimal,
    first_px: Decimal,
    moves: list[tuple[Decimal, Decimal, Decimal, bool]],
) -> None:
    world = World(allocation=allocation, equity=equity)
    px = first_px
    for exposure, drift, share, known in moves:
        px = max((px * drift).quantize(instrument.px_tick), instrument.px_tick)
        plan = world.trade(instrument, floor_to_step(exposure * equity / px, instrument.qty_step), px)
        leader = world.leader[instrument.symbol]
        # Compared by multiplication: leader / equity is not exact in decimals.
        assert plan.target_qty * equity <= leader * allocation * (1 + Decimal("1e-20"))
        if plan.denial is None and plan.side is Side.BUY:
            book = world.follower(instrument.symbol).book
            assert book.qty + book.buying - book.selling <= plan.target_qty
        if known:
            world.settle(instrument, share=share, px=px)


@settings(max_examples=200, deadline=None)
@given(
    st.tuples(instruments("BTC/USDT"), instruments("ETH/USDT")),
    sizings,
    allocations,
    st.lists(st.tuples(st.integers(0, 1), decimals("0", "2"), prices, shares, st.booleans()), min_size=1, max_size=10),
)
def test_no_sizing_mode_ever_exceeds_the_allocation(
    pairs: tuple[Instrument, Instrument],
    sizing: tuple[SizingMode, Decimal | None],
    allocation: Decimal,
    moves: list[tuple[int, Decimal, Decimal, Decimal, bool]],
) -> None:
    world = World(mode=sizing[0], value=sizing[1], allocation=allocation)
    for which, exposure, px, share, known in moves:
        instrument = pairs[which]
        world.trade(instrument, floor_to_step(exposure * world.equity / px, instrument.qty_step), px)
        assert world.exposure() <= allocation * (1 + Decimal("1e-20"))
        if known:
            world.settle(instrument, share=share, px=px * Decimal("1.5"))
            assert world.exposure() <= allocation * (1 + Decimal("1e-20"))


@settings(max_examples=200, deadline=None)
@given(instruments(), sizings, allocations, prices, decimals("0.0001", "1"))
def test_an_open_that_is_planned_can_be_closed_after_its_fee(
    instrument: Instrument,
    sizing: tuple[SizingMode, Decimal | None],
    allocation: Decimal,
    px: Decimal,
    exposure: Decimal,
) -> None:
    world = World(mode=sizing[0], value=sizing[1], allocation=allocation)
    plan = world.trade(instrument, exposure * world.equity / px, px)
    if plan.denial is None:
        assert sellable(plan.qty * (1 - FEE), px, instrument)
        assert plan.px is not None
        assert plan.px <= px * Decimal("1.005")
        assert plan.px % instrument.px_tick == 0
        assert plan.qty % instrument.qty_step == 0


@settings(max_examples=200, deadline=None)
@given(instruments(), allocations, prices, decimals("0.0001", "1.5"))
def test_the_allocation_that_a_denial_names_would_have_been_enough(
    instrument: Instrument, allocation: Decimal, px: Decimal, exposure: Decimal
) -> None:
    bought = exposure * World().equity / px
    denied = World(allocation=allocation).trade(instrument, bought, px)
    if denied.denial in {Denial.BELOW_QTY_MIN, Denial.BELOW_NOTIONAL_MIN}:
        assert denied.facts is not None
        assert denied.facts.keys() >= {"allocation_needed", "notional", "minimum", "currency"}
        needed = Decimal(denied.facts["allocation_needed"])
        assert needed > allocation
        assert World(allocation=needed).trade(instrument, bought, px).denial is None


@settings(max_examples=200, deadline=None)
@given(instruments(), prices)
def test_an_order_of_the_minimum_that_a_denial_names_is_copied(instrument: Instrument, px: Decimal) -> None:
    minimum = smallest_open(px, instrument)
    world = World(SizingMode.FIXED_NOTIONAL, minimum, allocation=minimum * 2, equity=1000 * minimum)
    assert world.trade(instrument, 100 * minimum / px, px).denial is None


@settings(max_examples=200, deadline=None)
@given(instruments(), sizings, allocations, prices, decimals("0.0001", "2"), st.integers(0, 3), st.booleans())
def test_every_denial_of_size_carries_the_numbers_of_its_sentence(
    instrument: Instrument,
    sizing: tuple[SizingMode, Decimal | None],
    allocation: Decimal,
    px: Decimal,
    exposure: Decimal,
    opens_before: int,
    first: bool,
) -> None:
    world = World(mode=sizing[0], value=sizing[1], allocation=allocation)
    step = exposure * world.equity / px
    plans = [world.trade(instrument, step * n, px, first_of_order=first) for n in range(1, opens_before + 2)]
    plans.append(world.trade(instrument, step / 2, px))
    for plan in plans:
        known: dict[Denial | None, set[str]] = {
            Denial.ALLOCATION_SPENT: {"allocation", "spent", "currency"},
            Denial.BELOW_QTY_MIN: {"notional", "minimum", "currency"},
            Denial.BELOW_NOTIONAL_MIN: {"notional", "minimum", "currency"},
        }
        needed = known.get(plan.denial, set())
        facts = plan.facts or {}
        assert needed <= set(facts)
        if "notional" in needed:
            assert Decimal(facts["notional"]) < Decimal(facts["minimum"])
        if plan.denial is Denial.ALLOCATION_SPENT:
            left = Decimal(facts["allocation"]) - Decimal(facts["spent"])
            assert left <= smallest_open(px, instrument) * Decimal("1.005")


@given(prices, st.integers(1, 300), st.sampled_from([Decimal("0.01"), Decimal("0.1"), Decimal("0.0001")]))
def test_a_limit_is_never_beyond_the_slippage_bound(px: Decimal, bps: int, tick: Decimal) -> None:
    buy, sell = open_limit_px(px, tick, bps), open_limit_px(px, tick, bps, Side.SELL)
    bound = px * bps / 10_000
    assert px + bound - tick < buy <= px + bound
    assert px - bound <= sell < px - bound + tick


@given(decimals("0", "10"), decimals("0", "10"), prices, instruments())
def test_a_kept_share_lies_between_nothing_and_all(
    before: Decimal, sold: Decimal, px: Decimal, instrument: Instrument
) -> None:
    after = max(before - sold, ZERO)
    share = kept_share(SignalFact(1, "BTC/USDT", px, before, after, ZERO, NOW), instrument)
    assert 0 <= share <= 1
    assert sellable(after, px, instrument) or share == 0


@given(allocations, decimals("0.0001", "100"), prices, decimals("1", "1000000", 2))
def test_twice_the_allocation_wants_twice_the_quantity(
    allocation: Decimal, increase: Decimal, px: Decimal, equity: Decimal
) -> None:
    signal = SignalFact(1, "BTC/USDT", px, ZERO, increase, equity, NOW)
    wanted = sizes_of(signal)[SizingMode.EQUITY_RATIO]
    one, two = wanted(allocation, None), wanted(2 * allocation, None)
    assert abs(two - 2 * one) <= two * Decimal("1e-20")


@given(instruments(), prices)
def test_a_leader_without_equity_is_not_copied(instrument: Instrument, px: Decimal) -> None:
    signal = SignalFact(1, "BTC/USDT", px, ZERO, Decimal(1), ZERO, NOW)
    (plan,) = plan_copies(signal, [World().follower("BTC/USDT")], instrument, LIMITS, now=NOW)
    assert plan.denial in {Denial.BELOW_QTY_MIN, Denial.BELOW_NOTIONAL_MIN}
