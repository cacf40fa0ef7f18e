"""Laws of trust: one absurd tick fires nothing, a frozen feed fires nothing, a gap that all sources show fires."""

from __future__ import annotations

from decimal import Decimal

from copydesk.risk.trust import Band, Doubt, PriceWitness, Tick, TrustTerms
from hypothesis import given
from hypothesis import strategies as st

TERMS = TrustTerms(
    age_ms_max=3000, tolerance=Decimal("0.005"), confirm_ms=1000, confirm_ticks=3, jump=Decimal("0.1"), ahead_ms_max=500
)
SOURCES = ("stream", "rest", "other exchange")
FLOOR, CEILING = Decimal(90), Decimal(110)  # A long position's stop, and a short one's.

sane = st.decimals("90.01", "109.99", places=2)
absurd = st.one_of(st.decimals("0.01", "90", places=2), st.decimals("110", "1000000", places=2))
anchors = st.one_of(st.none(), sane)
# (source, price, milliseconds since the tick before, how late it comes)
histories = st.lists(
    st.tuples(st.sampled_from(SOURCES), sane, st.integers(0, 1500), st.integers(-400, 2500)), max_size=40
)
waits = st.lists(st.integers(0, 2000), min_size=1, max_size=5)


def witness_after(history, anchor) -> tuple[PriceWitness, int]:
    witness, now = PriceWitness(TERMS, anchor), 1_700_000_000_000
    for source, px, passed, late in history:
        now += passed
        witness.note(Tick(source, px, now - late, now))
        witness.settle(now)
    return witness, now


def fires(found: Band | Doubt) -> bool:
    """Tell whether a stop below the floor or above the ceiling would fire."""
    return isinstance(found, Band) and (found.high <= FLOOR or found.low >= CEILING)


@given(histories, anchors, st.sampled_from((*SOURCES, "a new one")), absurd, waits)
def test_one_absurd_tick_never_fires_whatever_came_before(history, anchor, source, px, later) -> None:
    witness, now = witness_after(history, anchor)
    witness.note(Tick(source, px, now + 1, now + 1))
    for wait in (0, *later):
        now += wait
        assert not fires(witness.settle(now))


@given(histories, anchors, st.sampled_from(SOURCES), absurd, st.lists(st.tuples(absurd, st.integers(1, 900))), waits)
def test_a_feed_that_froze_at_an_absurd_price_never_fires(history, anchor, source, px, repeats, later) -> None:
    witness, now = witness_after(history, anchor)
    frozen_ms = now + 1
    witness.note(Tick(source, px, frozen_ms, now))
    for again, passed in repeats:
        now += passed
        assert not witness.note(Tick(source, again, frozen_ms, now))
        assert not fires(witness.settle(now))
    for wait in later:
        assert not fires(witness.settle(now + wait))


@given(
    histories, anchors, st.lists(st.tuples(st.sampled_from(SOURCES), absurd, st.integers(1, 500)), max_size=20), waits
)
def test_feeds_that_all_froze_are_doubted_once_they_are_old(history, anchor, repeats, later) -> None:
    witness, frozen_ms = witness_after(history, anchor)
    now = frozen_ms
    told = {source for source, *_ in history}
    for source, px, passed in repeats:
        now += passed
        if source in told:
            witness.note(Tick(source, px, frozen_ms - 10_000, now))
    for wait in later:
        assert isinstance(witness.settle(max(now, frozen_ms + TERMS.age_ms_max + 1) + wait), Doubt)


@given(
    histories,
    anchors,
    st.decimals("1", "89", places=2),
    st.lists(st.tuples(st.sampled_from(SOURCES[:2]), st.integers(0, 40)), max_size=30),
)
def test_a_gap_that_all_sources_show_fires_within_the_time_to_confirm(history, anchor, px, jitter) -> None:
    witness, now = witness_after(history, anchor)
    gap_ms = now + 500  # The clocks of the history may be ahead by as much as is taken.
    for number, (source, wobble) in enumerate([*((name, 0) for name in SOURCES), *jitter]):
        at = gap_ms + 1 + number * 10
        witness.note(Tick(source, px * (1 + Decimal(wobble) / 10_000), at, at))
    assert fires(witness.settle(gap_ms + TERMS.confirm_ms))


@given(
    st.decimals("0.5", "0.89", places=2), st.lists(st.integers(50, 400), min_size=4, max_size=40), st.integers(0, 1000)
)
def test_a_single_source_that_jumped_fires_nothing_however_long_it_stands(share, pauses, wait) -> None:
    witness, now = PriceWitness(TERMS, Decimal(100)), 0
    for pause in pauses:
        now += pause
        witness.note(Tick("stream", 100 * share, now, now))
        assert witness.settle(now) in (Doubt.UNCONFIRMED, Doubt.JUMPED)
    assert witness.settle(now + wait) in (Doubt.UNCONFIRMED, Doubt.JUMPED)
    assert witness.anchor == 100


@given(st.decimals("90.1", "109.9", places=2), st.lists(st.integers(1, 900), max_size=40))
def test_a_single_source_is_believed_once_its_price_stood(px, pauses) -> None:
    witness, now = PriceWitness(TERMS, Decimal(100)), 0
    witness.note(Tick("stream", px, now, now))
    for count, pause in enumerate(pauses, start=1):
        now += pause
        witness.note(Tick("stream", px, now, now))
        stood = count >= TERMS.confirm_ticks and now >= TERMS.confirm_ms
        assert witness.settle(now) == (Band(px, px, ("stream",)) if stood else Doubt.UNCONFIRMED)
