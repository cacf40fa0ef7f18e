"""Derived ids repeat, random ones do not."""

from __future__ import annotations

import re

from copydesk.kernel import derived_id, new_id
from hypothesis import given
from hypothesis import strategies as st

parts = st.lists(st.text(max_size=6), min_size=1, max_size=4)


@given(parts, st.integers(1, 64))
def test_equal_parts_give_equal_text_of_the_length_asked_for(parts: list[str], length: int) -> None:
    text = derived_id(*parts, length=length)
    assert text == derived_id(*parts, length=length)
    assert re.fullmatch(f"[0-9a-f]{{{length}}}", text)


@given(parts, parts)
def test_parts_are_kept_apart(left: list[str], right: list[str]) -> None:
    assert (derived_id(*left, length=40) == derived_id(*right, length=40)) == (left == right)


def test_moving_a_letter_between_parts_changes_the_id() -> None:
    assert derived_id("ab", "c", length=32) != derived_id("a", "bc", length=32)
    assert derived_id("1:a", length=32) != derived_id("1", "a", length=32)


def test_fresh_ids_differ() -> None:
    assert new_id() != new_id()
