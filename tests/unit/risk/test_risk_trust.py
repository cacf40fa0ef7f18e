"""Examples of trust: two sources, an outvoted one, a persistent difference, clocks and backlogs."""

from __future__ import annotations

from decimal import Decimal

import pytest
from copydesk.risk.trust import Band, Doubt, PriceWitness, Tick, TrustTerms

TERMS = TrustTerms(age_ms_max=3000, tolerance=Decimal("0.01"), confirm_ms=1000, confirm_ticks=3, jump=Decimal("0.1"))
NOW = 1_700_000_000_000
D = Decimal


@pytest.fixture
def witness() -> PriceWitness:
    return PriceWitness(TERMS, D(100))


def tell(witness: PriceWitness, source: str, px: str, at: int, told: int | None = None) -> bool:
    return witness.note(Tick(source, D(px), NOW + at, NOW + (at if told is None else told)))


def test_two_sources_that_agree_are_believed_at_once(witness: PriceWitness) -> None:
    tell(witness, "a", "50", 0)
    tell(witness, "b", "50.4", 10)
    assert witness.settle(NOW + 10) == Band(D(50), D("50.4"), ("a", "b"))
    assert witness.anchor == D("50.4")


def test_one_of_three_sources_is_outvoted(witness: PriceWitness) -> None:
    for source, px in (("a", "50"), ("b", "50.1"), ("c", "100")):
        tell(witness, source, px, 0)
    assert witness.settle(NOW) == Band(D(50), D("50.1"), ("a", "b"))


def test_two_pairs_that_disagree_decide_nothing(witness: PriceWitness) -> None:
    for source, px in (("a", "50"), ("b", "50"), ("c", "100"), ("d", "100")):
        tell(witness, source, px, 0)
    assert witness.settle(NOW) is Doubt.UNCONFIRMED


def test_sources_that_differ_for_long_are_both_in_the_band(witness: PriceWitness) -> None:
    for at in range(0, 2000, 250):
        tell(witness, "a", "95", at)
        tell(witness, "b", "98", at)
    assert witness.settle(NOW + 2000) == Band(D(95), D(98), ("a", "b"))
    assert witness.anchor == 98


def test_a_backlog_told_at_once_confirms_nothing(witness: PriceWitness) -> None:
    for at in range(-2000, 1, 250):
        tell(witness, "a", "95", at, told=0)
    assert witness.settle(NOW) is Doubt.UNCONFIRMED


def test_a_source_that_disagrees_must_have_stood_as_well(witness: PriceWitness) -> None:
    for at in range(0, 2000, 250):
        tell(witness, "a", "95", at)
    assert witness.settle(NOW + 2000) == Band(D(95), D(95), ("a",))
    tell(witness, "b", "99", 2000)
    assert witness.settle(NOW + 2000) is Doubt.UNCONFIRMED


def test_news_that_comes_late_is_old_by_the_exchange_clock(witness: PriceWitness) -> None:
    for source in ("a", "b"):
        tell(witness, source, "95", -3001, told=0)
    assert witness.settle(NOW) is Doubt.STALE


def test_without_a_trusted_price_a_single_source_is_not_believed() -> None:
    witness = PriceWitness(TERMS)
    for at in range(0, 2000, 250):
        tell(witness, "a", "95", at)
    assert witness.settle(NOW + 2000) is Doubt.JUMPED
    tell(witness, "b", "95", 2000)
    assert witness.settle(NOW + 2000) == Band(D(95), D(95), ("a", "b"))


def test_silence_is_named(witness: PriceWitness) -> None:
    assert witness.settle(NOW) is Doubt.MISSING
    tell(witness, "a", "95", 0)
    assert witness.settle(NOW + 3001) is Doubt.STALE
    assert not tell(witness, "a", "94", 0, told=3000)
    assert witness.settle(NOW + 3001) is Doubt.FROZEN


@pytest.mark.parametrize("px", ["0", "-1", "NaN", "Infinity"])
def test_what_is_no_price_is_no_news(witness: PriceWitness, px: str) -> None:
    assert not tell(witness, "a", px, 0)


def test_a_tick_from_far_ahead_is_not_taken(witness: PriceWitness) -> None:
    assert not tell(witness, "a", "95", 60_000, told=0)
    assert tell(witness, "a", "95", 1)


def test_a_band_holds_its_ends_and_what_is_between() -> None:
    band = Band(D(95), D(98), ("a",))
    assert [band.holds(D(px)) for px in (94, 95, 96, 98, 99)] == [False, True, True, True, False]
