"""How much a strategy can take, by what its copies cost so far."""

from __future__ import annotations

import math
from decimal import Decimal

import pytest
from copydesk.studio.capacity import COPIES_MIN, REACH, SIGNALS_MIN, FannedOut, Verdict, capacity_of, slope_of

D = Decimal
NOW = D(10_000)


def fanned(
    k: float, *, signals: int = SIGNALS_MIN, share: float = 0.1, allocation: float = 10_000.0
) -> list[FannedOut]:
    """Return signals whose copies cost exactly k · √(traded in all)."""
    sizes = [allocation * (number + 1) / signals for number in range(signals)]
    return [FannedOut(5, size, share * size, k * math.sqrt(share * size)) for size in sizes]


def test_too_few_copies_tell_nothing() -> None:
    assert capacity_of([], bound_bps=25, now=NOW).verdict is Verdict.TOO_FEW
    few = capacity_of(fanned(0.2, signals=SIGNALS_MIN - 1), bound_bps=25, now=NOW)
    assert (few.verdict, few.total, few.signals) == (Verdict.TOO_FEW, None, SIGNALS_MIN - 1)
    lone = [FannedOut(1, 100.0, 10.0, 1.0)] * SIGNALS_MIN
    assert len(lone) < COPIES_MIN
    assert capacity_of(lone, bound_bps=25, now=NOW).verdict is Verdict.TOO_FEW


def test_the_model_finds_the_allocation_at_which_the_slippage_that_it_was_made_of_reaches_the_bound() -> None:
    k, share = 0.4, 0.1
    found = capacity_of(fanned(k, share=share), bound_bps=25, now=NOW)
    assert found.verdict is Verdict.FOUND
    assert found.total is not None
    assert k * math.sqrt(share * float(found.total)) == pytest.approx(25, rel=0.001)


def test_a_strategy_beyond_its_capacity_is_full() -> None:
    found = capacity_of(fanned(1.0), bound_bps=25, now=NOW)
    assert found.verdict is Verdict.FULL
    assert found.total is not None
    assert found.total <= NOW


@pytest.mark.parametrize("k", [0.0, -0.3])
def test_slippage_that_is_not_felt_has_no_capacity_to_tell(k: float) -> None:
    found = capacity_of(fanned(k), bound_bps=25, now=NOW)
    assert (found.verdict, found.total) == (Verdict.NOT_FELT, None)


def test_the_model_is_not_asked_beyond_many_times_what_was_seen() -> None:
    found = capacity_of(fanned(0.01), bound_bps=25, now=NOW)
    assert (found.verdict, found.total) == (Verdict.BEYOND_REACH, REACH * NOW)


def test_signals_without_a_fill_or_an_allocation_are_left_out() -> None:
    empty = [FannedOut(5, 0.0, 10.0, 99.0), FannedOut(5, 10.0, 0.0, 99.0)]
    with_them, without = (capacity_of(found, bound_bps=25, now=NOW) for found in ([*fanned(0.4), *empty], fanned(0.4)))
    assert with_them == without
    assert slope_of(fanned(0.4)) == pytest.approx(0.4)
