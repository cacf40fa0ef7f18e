"""Roundings name their direction and are exact."""

from __future__ import annotations

from decimal import ROUND_CEILING, ROUND_FLOOR, Decimal

import pytest
from copydesk.kernel import decimal_text, floor_to_step, round_to_step, steps_between
from hypothesis import given
from hypothesis import strategies as st

D = Decimal
amounts = st.decimals(D("-1e9"), D("1e9"), places=8, allow_nan=False)
steps = st.sampled_from([D("0.00001"), D("0.001"), D("0.1"), D(1), D("0.25"), D(5)])


@given(amounts, steps)
def test_flooring_goes_toward_zero_by_less_than_a_step(value: Decimal, step: Decimal) -> None:
    floored = floor_to_step(value, step)
    assert floored % step == 0
    assert abs(floored) <= abs(value)
    assert abs(value) - abs(floored) < step


@given(amounts, steps)
def test_flooring_what_is_on_a_step_changes_nothing(value: Decimal, step: Decimal) -> None:
    floored = floor_to_step(value, step)
    assert floor_to_step(floored, step) == floored


@given(amounts, steps)
def test_ceiling_and_floor_enclose_the_value(value: Decimal, step: Decimal) -> None:
    assert round_to_step(value, step, ROUND_FLOOR) <= value <= round_to_step(value, step, ROUND_CEILING)


def test_a_value_that_floats_would_miss_stays_on_its_step() -> None:
    assert floor_to_step(D("0.3"), D("0.1")) == D("0.3")
    assert floor_to_step(D("1.1") * 3, D("0.1")) == D("3.3")


@pytest.mark.parametrize(
    ("left", "right", "steps"), [("1", "1", 0), ("1", "1.004", 0), ("1", "1.006", 1), ("5", "1", 400), ("1", "5", 400)]
)
def test_distance_counts_whole_steps_in_either_direction(left: str, right: str, steps: int) -> None:
    assert steps_between(D(left), D(right), D("0.01")) == steps


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ("0.50", "0.5"),
        ("1200", "1200"),
        ("1.2E+3", "1200"),
        ("1E-8", "0.00000001"),
        ("0", "0"),
        ("0.000", "0"),
        ("-0.10", "-0.1"),
        ("100.00", "100"),
    ],
)
def test_text_has_no_exponent_and_no_idle_zeros(value: str, text: str) -> None:
    assert decimal_text(D(value)) == text


@given(amounts)
def test_text_gives_the_same_number_back(value: Decimal) -> None:
    assert D(decimal_text(value)) == value
