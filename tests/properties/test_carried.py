"""Laws of what is carried: nothing the leader does is lost or counted twice on its way to an order."""

from __future__ import annotations

from decimal import Decimal

from copy_world import NOW, World, decimals, instruments, prices
from copydesk.kernel import ZERO, floor_to_step
from copydesk.replication.burst import burst_length, joined
from copydesk.replication.minima import can_be_opened, smallest_open_qty
from copydesk.replication.model import Bound, SignalFact
from copydesk.trading import Denial, Instrument, SizePolicy, SizingMode
from hypothesis import given, settings
from hypothesis import strategies as st
from signed_world import SignedWorld, exposures, perpetual_prices, perpetuals

PLENTY = Decimal(10) ** 15
NEARLY = Decimal("1e-18")
policies = st.sampled_from(SizePolicy)


@settings(max_examples=200, deadline=None)
@given(perpetuals(), decimals("0.0001", "2"), perpetual_prices, exposures)
def test_who_accumulates_has_the_leaders_share_in_target_and_carry_together(
    instrument: Instrument, ratio: Decimal, px: Decimal, exposures: list[Decimal]
) -> None:
    world = SignedWorld(instrument, PLENTY, mode=SizingMode.FIXED_RATIO, value=ratio, policy=SizePolicy.ACCUMULATE)
    for exposure in exposures:
        world.trade(floor_to_step(exposure * world.equity / px, instrument.qty_step), px)
        world.settle(px)
        share = world.leader * ratio
        assert abs(world.target + world.carried - share) <= abs(share) * NEARLY
        assert (world.carried == 0) is (world.carried_at is None)
        assert not can_be_opened(floor_to_step(abs(world.carried), instrument.qty_step), px, instrument)


@settings(max_examples=200, deadline=None)
@given(instruments(), policies, decimals("0.001", "1"), prices, st.integers(2, 10), st.integers(1, 40))
def test_ten_partial_fills_ask_for_as_much_as_one_full_fill(
    instrument: Instrument, policy: SizePolicy, ratio: Decimal, px: Decimal, parts: int, steps: int
) -> None:
    """What is asked for is the target and what is carried; what is held lacks at most what no order can be made of."""
    part = steps * instrument.qty_step
    equity = parts * part * px * 2
    whole, cut = (
        World(SizingMode.FIXED_RATIO, ratio, allocation=PLENTY, equity=equity, policy=policy) for _ in range(2)
    )
    whole.trade(instrument, parts * part, px)
    for number in range(1, parts + 1):
        cut.trade(instrument, number * part, px, first_of_order=number == 1)
    at_once, bit_by_bit = whole.books[instrument.symbol], cut.books[instrument.symbol]
    asked = [book.target_qty + book.carried_qty for book in (at_once, bit_by_bit)]
    assert abs(asked[0] - asked[1]) <= asked[0] * NEARLY
    ordered = [sum((flight.plan.qty for flight in world.in_flight), ZERO) for world in (whole, cut)]
    lacking = ordered[0] - ordered[1]
    assert lacking < smallest_open_qty(px, instrument) + instrument.qty_step
    if policy is not SizePolicy.ROUND_UP:
        assert -instrument.qty_step <= lacking


@settings(max_examples=200, deadline=None)
@given(
    instruments(),
    policies,
    decimals("10", "5000", 2),
    prices,
    st.lists(st.tuples(decimals("0", "1"), st.booleans()), min_size=1, max_size=8),
)
def test_no_policy_for_small_orders_exceeds_the_allocation_or_twice_the_share(
    instrument: Instrument, policy: SizePolicy, allocation: Decimal, px: Decimal, moves: list[tuple[Decimal, bool]]
) -> None:
    world = World(allocation=allocation, policy=policy)
    for exposure, first in moves:
        before = world.leader.get(instrument.symbol, ZERO)
        after = floor_to_step(exposure * world.equity / px, instrument.qty_step)
        carried = world.books[instrument.symbol].carried_qty if instrument.symbol in world.books else ZERO
        plan = world.trade(instrument, after, px, first_of_order=first)
        assert world.exposure() <= allocation * (1 + NEARLY)
        if plan.bound is Bound.MINIMUM_ROUNDED_UP:
            assert plan.qty == smallest_open_qty(px, instrument)
            assert plan.qty <= 2 * (plan.wanted_qty + max(carried, ZERO))
            assert plan.wanted_qty == (after - before) * allocation / world.equity
        world.settle(instrument, px=px)


@settings(max_examples=200, deadline=None)
@given(instruments(), policies, prices, st.lists(decimals("0", "1"), min_size=1, max_size=8))
def test_a_leader_who_is_flat_leaves_nothing_carried(
    instrument: Instrument, policy: SizePolicy, px: Decimal, exposures: list[Decimal]
) -> None:
    world = World(allocation=Decimal(50), policy=policy)
    for exposure in exposures:
        world.trade(instrument, floor_to_step(exposure * world.equity / px, instrument.qty_step), px)
        world.settle(instrument, px=px)
    world.trade(instrument, ZERO, px)
    book = world.books[instrument.symbol]
    assert (book.target_qty, book.carried_qty, book.carried_at) == (0, 0, None)


@settings(max_examples=200, deadline=None)
@given(instruments(), prices, decimals("0.0001", "0.2"), st.integers(1, 12))
def test_an_accumulated_order_is_one_that_the_exchange_takes(
    instrument: Instrument, px: Decimal, exposure: Decimal, orders: int
) -> None:
    world = World(allocation=Decimal(1_000), policy=SizePolicy.ACCUMULATE)
    for number in range(1, orders + 1):
        plan = world.trade(instrument, number * exposure * world.equity / px, px)
        world.settle(instrument, px=px)
        if plan.denial is None:
            assert plan.qty >= smallest_open_qty(px, instrument)
            assert plan.carried_qty == 0
        if plan.denial is Denial.CARRIED:
            assert 0 < plan.carried_qty < smallest_open_qty(px, instrument)


@settings(max_examples=150, deadline=None)
@given(st.lists(decimals("0.001", "2"), min_size=1, max_size=6), prices, st.booleans())
def test_a_burst_moves_the_leader_as_far_as_its_signals_did(steps: list[Decimal], px: Decimal, short: bool) -> None:
    signals, at = [], ZERO
    for number, step in enumerate(steps, start=1):
        after = at - step if short else at + step
        signals.append(SignalFact(number, "BTC/USDT:USDT", px + number, at, after, Decimal(1), NOW))
        at = after
    assert burst_length(signals, now=NOW, age_ms_max=20_000) == len(signals)
    one = joined(signals)
    assert (one.id, one.position_before, one.position_after) == (len(steps), 0, at)
    assert px < one.px <= px + len(steps)
    assert one.orders == len(steps)
