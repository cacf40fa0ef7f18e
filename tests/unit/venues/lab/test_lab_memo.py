"""Remembered words: read once, told apart by type, and refused anew each time."""

from __future__ import annotations

from typing import Any

import pytest
from copydesk.venues.lab.memo import remembered


def test_equal_words_are_read_once() -> None:
    seen: list[tuple[Any, ...]] = []
    look_up = remembered(lambda *values: seen.append(values) or len(seen))
    assert [look_up("Buy", None), look_up("Buy", None), look_up("Sell", None)] == [1, 1, 2]
    assert seen == [("Buy", None), ("Sell", None)]


def test_true_and_one_are_different_words() -> None:
    look_up = remembered(repr)
    assert [look_up(1), look_up(True), look_up(1.0), look_up(1)] == ["1", "True", "1.0", "1"]


def test_what_cannot_be_looked_up_is_read_each_time() -> None:
    look_up = remembered(lambda value: list(value))
    first, second = look_up(["a"]), look_up(["a"])
    assert first == second == ["a"]
    assert first is not second


def test_a_refusal_is_made_anew_each_time() -> None:
    refusals: list[str] = []

    def refuse(text: str) -> None:
        refusals.append(text)
        raise ValueError(text)

    look_up = remembered(refuse)
    for _ in range(2):
        with pytest.raises(ValueError, match="Hold"):
            look_up("Hold")
    assert refusals == ["Hold", "Hold"]
