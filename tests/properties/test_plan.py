"""Laws of planning over whole stories: books are their fills, replays plan nothing, closes reach the ground."""

from __future__ import annotations

from decimal import Decimal

from copy_world import LIMITS, NOW, World, allocations, decimals, instruments, prices, sellable, sizings
from copydesk.kernel import ZERO, floor_to_step
from copydesk.replication.minima import can_be_closed
from copydesk.replication.model import SignalFact
from copydesk.replication.plan import plan_copies
from copydesk.trading import Instrument, Side, SizingMode
from hypothesis import given, settings
from hypothesis import strategies as st

Sizing = tuple[SizingMode, Decimal | None]
exposures = st.lists(decimals("0", "1.5"), min_size=1, max_size=8)
shares = st.sampled_from([Decimal(0), Decimal("0.4"), Decimal(1)])


@settings(max_examples=150, deadline=None)
@given(instruments(), sizings, allocations, prices, exposures, shares)
def test_a_book_is_the_sum_of_its_fills(
    instrument: Instrument, sizing: Sizing, allocation: Decimal, px: Decimal, exposures: list[Decimal], share: Decimal
) -> None:
    world = World(mode=sizing[0], value=sizing[1], allocation=allocation)
    for exposure in exposures:
        world.trade(instrument, floor_to_step(exposure * world.equity / px, instrument.qty_step), px)
        world.settle(instrument, share=share, px=px)
        book = world.books[instrument.symbol]
        signed = (qty - fee if side is Side.BUY else -qty for side, qty, fee in book.fills)
        assert book.qty == sum(signed, ZERO)
        assert book.qty >= 0


@settings(max_examples=150, deadline=None)
@given(instruments(), sizings, allocations, prices, exposures, st.booleans())
def test_planning_a_stored_signal_again_plans_nothing(
    instrument: Instrument, sizing: Sizing, allocation: Decimal, px: Decimal, exposures: list[Decimal], settled: bool
) -> None:
    world = World(mode=sizing[0], value=sizing[1], allocation=allocation)
    for exposure in exposures:
        before = world.leader.get(instrument.symbol, ZERO)
        after = floor_to_step(exposure * world.equity / px, instrument.qty_step)
        world.trade(instrument, after, px)
        if settled:
            world.settle(instrument, px=px)
        again = SignalFact(world.signals, instrument.symbol, px, before, after, world.equity, NOW)
        assert plan_copies(again, [world.follower(instrument.symbol)], instrument, LIMITS, now=NOW) == []


@settings(max_examples=150, deadline=None)
@given(instruments(), sizings, allocations, prices, exposures, st.booleans(), shares)
def test_a_leader_who_did_not_move_causes_no_order(
    instrument: Instrument,
    sizing: Sizing,
    allocation: Decimal,
    px: Decimal,
    exposures: list[Decimal],
    settled: bool,
    share: Decimal,
) -> None:
    world = World(mode=sizing[0], value=sizing[1], allocation=allocation)
    for exposure in exposures:
        after = floor_to_step(exposure * world.equity / px, instrument.qty_step)
        if not sellable(after, px, instrument):  # Dust of the leader's counts as flat, which is a move.
            after = ZERO
        plan = world.trade(instrument, after, px)
        # A close that was cut short is planned again at the next chance, so it counts as known in full.
        if settled:
            world.settle(instrument, share=share if plan.side is Side.BUY else Decimal(1), px=px)
    still = world.leader[instrument.symbol]
    assert world.trade(instrument, still, px).denial is not None


@settings(max_examples=150, deadline=None)
@given(instruments(), sizings, allocations, exposures, st.lists(prices, min_size=9, max_size=9), shares)
def test_a_final_close_leaves_less_than_the_exchange_would_sell(
    instrument: Instrument,
    sizing: Sizing,
    allocation: Decimal,
    exposures: list[Decimal],
    pxs: list[Decimal],
    share: Decimal,
) -> None:
    world = World(mode=sizing[0], value=sizing[1], allocation=allocation)
    for exposure, px in zip(exposures, pxs, strict=False):
        world.trade(instrument, floor_to_step(exposure * world.equity / px, instrument.qty_step), px)
        world.settle(instrument, share=share, px=px)
    world.trade(instrument, ZERO, pxs[-1])
    world.settle(instrument, px=pxs[-1])
    book = world.books[instrument.symbol]
    assert book.target_qty == 0
    assert not sellable(book.qty, pxs[-1], instrument)


@settings(max_examples=150, deadline=None)
@given(instruments(), allocations, prices, decimals("0.01", "1"), st.booleans())
def test_three_closes_of_a_third_end_at_zero_or_unsellable_dust(
    instrument: Instrument, allocation: Decimal, px: Decimal, exposure: Decimal, leader_keeps_dust: bool
) -> None:
    world = World(allocation=allocation)
    whole = floor_to_step(exposure * world.equity / px, instrument.qty_step)
    world.trade(instrument, whole, px)
    world.settle(instrument, px=px)
    third = floor_to_step(whole / 3, instrument.qty_step)
    dust = min(instrument.qty_min, instrument.notional_min / px) / 2 if leader_keeps_dust else ZERO
    for left in (whole - third, whole - 2 * third, min(dust, whole)):
        world.trade(instrument, left, px)
        world.settle(instrument, px=px)
    assert not sellable(world.books[instrument.symbol].qty, px, instrument)


@settings(max_examples=100, deadline=None)
@given(instruments(), allocations, prices, decimals("0.05", "1"))
def test_a_close_in_flight_is_not_sold_twice(
    instrument: Instrument, allocation: Decimal, px: Decimal, exposure: Decimal
) -> None:
    world = World(allocation=allocation)
    world.trade(instrument, floor_to_step(exposure * world.equity / px, instrument.qty_step), px)
    world.settle(instrument, px=px)
    held = world.books[instrument.symbol].qty
    sold = [world.trade(instrument, ZERO, px).qty for _ in range(3)]
    assert sum(sold, ZERO) <= held


@settings(max_examples=100, deadline=None)
@given(instruments(), allocations, prices, decimals("0.05", "0.4"))
def test_an_open_during_a_close_in_flight_asks_for_its_full_size(
    instrument: Instrument, allocation: Decimal, px: Decimal, exposure: Decimal
) -> None:
    """What a close on its way will sell is no longer counted as held."""
    qty = floor_to_step(exposure * World().equity / px, instrument.qty_step)
    fresh = World(allocation=allocation).trade(instrument, qty, px)
    world = World(allocation=allocation)
    world.trade(instrument, qty, px)
    world.settle(instrument, px=px)
    world.trade(instrument, ZERO, px)
    second = world.trade(instrument, qty, px)
    # Up to a step of dust is still held, so as much less is bought, or nothing where that is too little.
    dust = 2 * instrument.qty_step
    if second.denial is None:
        assert abs(second.qty - fresh.qty) <= dust
    else:
        assert not can_be_closed(fresh.qty - dust, px, instrument)
