"""The arrays never miss: whoever is past a level by exact account is among the suspects, however it came about."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from decimal import Decimal, localcontext

from copydesk.risk.arrays import RiskBook
from copydesk.risk.equity import exact_equity
from copydesk.risk.levels import Levels
from copydesk.risk.measures import EXACT
from hypothesis import given, settings
from hypothesis import strategies as st

INSTRUMENTS = 3
NO_LEVELS = Levels()
SPREAD = Decimal("0.000001")  # Nobody is suspected who is farther from a level than this share of what he moves.

money = st.decimals("-1000000000", "1000000000", places=8)
qtys = st.one_of(st.decimals("-1000000", "1000000", places=8), st.just(Decimal(0)))
prices = st.one_of(st.decimals("0.00000001", "0.001", places=8), st.decimals("0.1", "1000000", places=6))
marks = st.one_of(prices, prices, prices, st.none())
hairs = st.sampled_from([Decimal("1E-18"), Decimal("1E-9"), Decimal("0.01"), Decimal(100)])
sides = st.sampled_from(["floor", "trail_share", "trail_amount", "ceiling"])
instruments = st.integers(0, INSTRUMENTS - 1)
picks = st.integers(0, 1000)
steps = st.one_of(
    st.tuples(st.just("add"), money, st.lists(st.tuples(instruments, qtys), max_size=3, unique_by=lambda it: it[0])),
    st.tuples(st.just("remove"), picks),
    st.tuples(st.just("base"), picks, money),
    st.tuples(st.just("qty"), picks, instruments, qtys),
    st.tuples(st.just("hair"), picks, sides, hairs),
    st.tuples(st.just("tick"), instruments, marks),
    st.tuples(st.just("sweep"), st.lists(marks, min_size=INSTRUMENTS, max_size=INSTRUMENTS)),
)


@dataclass
class Held:
    base: Decimal
    qtys: dict[int, Decimal]
    levels: Levels = NO_LEVELS
    peak: Decimal = Decimal(0)


@dataclass
class ExactWorld:
    """The same in decimals, without arrays."""

    book: RiskBook = field(default_factory=RiskBook.empty)
    marks: list[Decimal | None] = field(default_factory=lambda: [None] * INSTRUMENTS)
    holders: dict[int, Held] = field(default_factory=dict)

    def equity(self, held: Held) -> Decimal | None:
        positions = [(qty, self.marks[instrument]) for instrument, qty in held.qtys.items() if qty]
        known = [(qty, mark) for qty, mark in positions if mark is not None]
        return exact_equity(held.base, Decimal(0), known) if len(known) == len(positions) else None

    def size(self, held: Held) -> Decimal:
        """Bound what a holder's figures have been: base, peak, and quantities times the highest marks."""
        return abs(held.base) + abs(held.peak) + sum(abs(qty * (self.marks[i] or 0)) for i, qty in held.qtys.items())

    def take(self, step) -> None:
        kind, *rest = step
        if kind in ("remove", "base", "qty", "hair"):
            if not self.holders:
                return
            rest[0] = sorted(self.holders)[rest[0] % len(self.holders)]
        getattr(self, kind)(*rest)

    def add(self, base, positions) -> None:
        holder = self.book.add_holder(base, Decimal(0), Levels(), positions)
        assert holder not in self.holders
        self.holders[holder] = Held(base, dict(positions))

    def remove(self, holder) -> None:
        self.book.remove_holder(holder)
        del self.holders[holder]

    def base(self, holder, base) -> None:
        self.holders[holder].base = base
        self.book.set_base(holder, base)

    def qty(self, holder, instrument, qty) -> None:
        self.holders[holder].qtys[instrument] = qty
        self.book.set_qty(holder, instrument, qty)

    def hair(self, holder, side, hair) -> None:
        """Set a level so that the holder is past it by a hair."""
        held = self.holders[holder]
        equity = self.equity(held)
        if equity is None:
            return
        with localcontext(EXACT):
            past = equity + hair
            held.levels, held.peak = {
                "floor": (Levels(floor=past), Decimal(0)),
                "trail_share": (Levels(trail_share=Decimal("0.5")), past * 2),
                "trail_amount": (Levels(trail_amount=Decimal(1000)), past + 1000),
                "ceiling": (Levels(ceiling=equity - hair), Decimal(0)),
            }[side]
        self.book.set_levels(holder, held.levels, held.peak)

    def tick(self, instrument, mark) -> None:
        self.marks[instrument] = mark
        suspects = self.book.tick(instrument, math.nan if mark is None else float(mark))
        self.check(suspects.tolist(), [h for h, held in self.holders.items() if held.qtys.get(instrument)])

    def sweep(self, marks) -> None:
        self.marks = list(marks)
        suspects = self.book.sweep([math.nan if mark is None else float(mark) for mark in marks])
        self.check(suspects.tolist(), list(self.holders))

    def check(self, suspects: list[int], concerned: list[int]) -> None:
        assert len(suspects) == len(set(suspects))
        assert [h for h in concerned if past(self.holders[h], self.equity(self.holders[h]), Decimal(0))] == [
            h for h in concerned if h in suspects and past(self.holders[h], self.equity(self.holders[h]), Decimal(0))
        ]
        for holder in suspects:
            assert self.equity(self.holders[holder]) is not None, "suspected without a mark"

    def check_precision(self) -> None:
        for holder in self.book.sweep([math.nan if mark is None else float(mark) for mark in self.marks]).tolist():
            held = self.holders[holder]
            assert past(held, self.equity(held), self.size(held) * SPREAD)


def past(held: Held, equity: Decimal | None, slack: Decimal) -> bool:
    if equity is None:
        return False
    levels = held.levels
    with localcontext(EXACT):
        lines = [
            levels.floor,
            None if levels.trail_share is None else held.peak * levels.trail_share,
            None if levels.trail_amount is None else held.peak - levels.trail_amount,
        ]
        below = any(equity - slack < line for line in lines if line is not None)
        return below or (levels.ceiling is not None and equity + slack > levels.ceiling)


@settings(max_examples=200, deadline=None)
@given(st.lists(steps, min_size=5, max_size=60))
def test_whoever_is_past_a_level_is_suspected_and_nobody_who_is_far_from_one(taken) -> None:
    world = ExactWorld()
    for _ in range(INSTRUMENTS):
        world.book.add_instrument()
    for step in taken:
        world.take(step)
    world.sweep(world.marks)
    world.check_precision()
    assert world.book.positions == sum(1 for held in world.holders.values() for qty in held.qtys.values() if qty)


@settings(max_examples=200, deadline=None)
@given(st.lists(st.tuples(qtys, prices), min_size=1, max_size=INSTRUMENTS), money, sides, hairs)
def test_a_breach_by_a_hair_is_suspected_by_a_sweep_and_by_a_tick(positions, base, side, hair) -> None:
    world = ExactWorld()
    for _ in range(INSTRUMENTS):
        world.book.add_instrument()
    world.sweep([px for _, px in positions] + [None] * (INSTRUMENTS - len(positions)))
    world.add(base, [(instrument, qty) for instrument, (qty, _) in enumerate(positions)])
    world.hair(min(world.holders), side, hair)
    world.sweep(world.marks)
    world.tick(0, positions[0][1])


wild = st.decimals("-1000000000000", "1000000000000", places=8)
changes = st.one_of(
    st.tuples(st.just("base"), st.just(0), wild),
    st.tuples(st.just("qty"), st.just(0), instruments, wild),
    st.tuples(st.just("tick"), instruments, prices),
)
small = st.decimals("0.001", "10", places=8)


@settings(max_examples=400, deadline=None)
@given(
    st.lists(st.one_of(small, prices), min_size=3, max_size=3),
    st.lists(changes, max_size=6),
    st.lists(small, min_size=7, max_size=7),
)
def test_large_figures_that_came_and_went_do_not_hide_a_small_breach(marks, before, after) -> None:
    world = ExactWorld()
    for _ in range(INSTRUMENTS):
        world.book.add_instrument()
    world.sweep(marks)
    world.add(Decimal(0), [])
    for change in before:
        world.take(change)
    world.base(min(world.holders), after[6])
    for instrument in range(INSTRUMENTS):
        world.qty(min(world.holders), instrument, after[instrument])
        world.tick(instrument, after[3 + instrument])
    for side in ("floor", "ceiling"):
        world.hair(min(world.holders), side, Decimal("1E-18"))
        world.tick(0, after[3])


@settings(max_examples=200, deadline=None)
@given(wild, prices, prices, small)
def test_large_positions_that_cancel_out_do_not_hide_a_small_breach(qty, px, other_px, base) -> None:
    world = ExactWorld()
    for _ in range(INSTRUMENTS):
        world.book.add_instrument()
    world.add(base, [(0, qty), (1, -(qty * px / other_px).quantize(Decimal("1E-8")))])
    world.sweep([px, other_px, None])
    for side in ("floor", "ceiling"):
        world.hair(min(world.holders), side, Decimal("1E-18"))
        world.sweep(world.marks)
        world.tick(0, px)


def test_a_mark_that_was_absurd_for_a_moment_does_not_hide_a_small_breach() -> None:
    world = ExactWorld()
    for _ in range(INSTRUMENTS):
        world.book.add_instrument()
    world.add(Decimal("0.3"), [(0, Decimal("0.7"))])
    world.sweep([Decimal("0.1")] * INSTRUMENTS)
    for peak in range(1, 200):
        world.tick(0, Decimal(peak) * 10**15 + Decimal("0.1"))
        world.tick(0, Decimal("0.1"))
        for side in ("floor", "ceiling"):
            world.hair(min(world.holders), side, Decimal("1E-18"))
            world.tick(0, Decimal("0.1"))
