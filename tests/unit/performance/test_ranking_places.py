"""Who stands on which place, and what a cursor remembers: decided without a database."""

from __future__ import annotations

import pytest
from copydesk.analytics.score import Gate, Score
from copydesk.kernel import InvalidInput
from copydesk.performance.cursor import SEEN_MAX, after_rows, read_cursor
from copydesk.performance.scoring import places_of
from hypothesis import given
from hypothesis import strategies as st

_IDS = st.lists(st.integers(0, 2**63 - 1), unique=True, min_size=1, max_size=30)


def score(id_: int, total: float | None) -> Score:
    return Score(id_, total, {}, () if total is not None else (Gate.RECORD_TOO_SHORT,))


def test_equal_scores_share_a_place_and_the_next_one_counts_both() -> None:
    places = places_of([score(1, 50.0), score(2, 70.0), score(3, 70.004), score(4, None)], {})
    assert places == {2: 1, 3: 1, 1: 3, 4: 0}


def test_what_staff_took_out_has_no_place_and_leaves_no_gap() -> None:
    assert places_of([score(1, 90.0), score(2, 80.0), score(3, 70.0)], {1: None}) == {1: 0, 2: 1, 3: 2}


def test_what_staff_put_on_a_place_stands_there_and_the_others_move() -> None:
    scores = [score(1, 90.0), score(2, 80.0), score(3, 70.0)]
    assert places_of(scores, {3: 1}) == {3: 1, 1: 2, 2: 3}
    assert places_of(scores, {1: 3}) == {2: 1, 3: 2, 1: 3}
    assert places_of(scores, {1: 900}) == {2: 1, 3: 2, 1: 3}


def test_a_place_by_hand_opens_no_gate() -> None:
    assert places_of([score(1, None), score(2, 10.0)], {1: 1}) == {1: 0, 2: 1}


@given(
    totals=st.lists(st.none() | st.floats(0, 100), max_size=20),
    pinned=st.dictionaries(st.integers(0, 19), st.integers(1, 25)),
)
def test_places_are_those_of_a_queue_whoever_is_put_where(totals: list[float | None], pinned: dict[int, int]) -> None:
    places = places_of([score(id_, total) for id_, total in enumerate(totals)], pinned)
    with_score = [id_ for id_, total in enumerate(totals) if total is not None]
    assert set(places) == set(range(len(totals)))
    assert {id_ for id_, place in places.items() if place} == set(with_score)
    assert all(1 <= places[id_] <= len(with_score) for id_ in with_score)
    assert not with_score or 1 in places.values()


@given(ids=_IDS, key=st.decimals(-(10**9), 10**9, places=6))
def test_a_cursor_reads_back_what_it_remembers(ids: list[int], key: object) -> None:
    cursor = after_rows(None, "score", [(id_, key) for id_ in ids])  # type: ignore[misc]
    again = read_cursor(cursor.text(), "score")
    assert (again.shown, again.key, again.id, set(again.seen)) == (len(ids), key, ids[-1], set(ids))
    assert again.whole


def test_a_long_way_down_a_cursor_remembers_the_newest_rows_and_where_it_is() -> None:
    cursor = None
    for start in range(0, SEEN_MAX + 200, 100):
        cursor = after_rows(cursor, "score", [(id_ * 3, id_) for id_ in range(start, start + 100)])  # type: ignore[misc]
    assert cursor is not None
    assert not cursor.whole
    assert (cursor.shown, len(cursor.seen), cursor.key, min(cursor.seen)) == (1_200, SEEN_MAX, 1_199, 600)
    assert len(cursor.text()) < 3_000, "it stands in an address"
    assert not read_cursor(cursor.text(), "score").whole


@given(text=st.text(max_size=60))
def test_whatever_somebody_types_is_refused_with_a_sentence(text: str) -> None:
    with pytest.raises(InvalidInput, match="expected the cursor"):
        read_cursor(text, "score")
