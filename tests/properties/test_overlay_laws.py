"""Overrides merge, travel and lie over a file without losing or inventing anything."""

from __future__ import annotations

import json
from decimal import Decimal

from copydesk.tenancy.overlay import difference, hash_of, merged, overlaid, packed_text, same, unpacked
from hypothesis import given, settings
from hypothesis import strategies as st

words = st.text("abc", min_size=1, max_size=2)
numbers = st.decimals(allow_nan=False, allow_infinity=False, places=4)
plain = st.recursive(
    st.one_of(st.booleans(), st.integers(), numbers, st.text(max_size=5)),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(words, inner, max_size=3),
    max_leaves=6,
)
# Keys of one depth, so that none is the beginning of another, as no declared key is.
keys = st.tuples(words, words).map(".".join)
sets = st.dictionaries(keys, plain, max_size=5)


@settings(max_examples=50)
@given(sets, sets)
def test_the_difference_makes_one_set_of_the_other(before: dict[str, object], after: dict[str, object]) -> None:
    changes = difference(before, after)
    made = merged(before, changes)
    assert packed_text(made) == packed_text(after)
    assert difference(made, after) == {}


@settings(max_examples=50)
@given(sets, sets)
def test_merging_twice_is_merging_once(before: dict[str, object], changes: dict[str, object]) -> None:
    once = merged(before, changes)
    assert packed_text(merged(once, changes)) == packed_text(once)


@settings(max_examples=50)
@given(sets, sets)
def test_laying_over_twice_is_laying_over_once(data: dict[str, object], values: dict[str, object]) -> None:
    nested = overlaid({}, data)
    once = overlaid(nested, values)
    assert packed_text(overlaid(once, values)) == packed_text(once)
    for key, value in values.items():
        above, _, last = key.partition(".")
        inner = once[above]
        assert isinstance(inner, dict)
        assert same(inner[last], value)


@settings(max_examples=50)
@given(plain)
def test_a_value_travels_exactly(value: object) -> None:
    assert same(unpacked(json.loads(packed_text(value))), value)


@settings(max_examples=50)
@given(sets)
def test_the_hash_goes_by_values_and_not_by_their_order(values: dict[str, object]) -> None:
    assert hash_of(values) == hash_of(dict(reversed(list(values.items()))))


def test_numbers_truth_and_text_are_told_apart() -> None:
    different: list[object] = [1, True, "1", Decimal(1), [1], None]
    assert len({packed_text(value) for value in different}) == len(different)
