"""Addresses made of names, and terms within a brand's bounds."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal

import pytest
from copydesk.kernel import InvalidInput
from copydesk.studio.applying import slug_of
from copydesk.studio.terms import Bounds, Terms, require_within

D = Decimal
BOUNDS = Bounds(D("0.3"), D(10_000), 100, private_allowed=True)
TERMS = Terms(D("0.2"), D(500), 50)


@pytest.mark.parametrize(
    ("name", "slug"),
    [
        ("Dawn Runner", "dawn-runner"),
        ("Čtyři  &  Über!", "ctyri-uber"),
        ("سهم", "strategy"),
        ("Apply", "strategy"),
        ("x", "strategy"),
        ("a" * 60, "a" * 40),
    ],
)
def test_a_name_makes_an_address_that_anybody_can_type(name: str, slug: str) -> None:
    assert slug_of(name) == slug


def test_terms_within_the_bounds_are_taken() -> None:
    require_within(TERMS, BOUNDS)
    require_within(Terms(D("0.3"), D(10_000), None, private=True), BOUNDS)


@pytest.mark.parametrize(
    ("changed", "field"),
    [
        ({"profit_share": D("0.31")}, "profit_share"),
        ({"profit_share": D("-0.01")}, "profit_share"),
        ({"profit_share": D("NaN")}, "profit_share"),
        ({"min_allocation": D("10000.01")}, "min_allocation"),
        ({"followers_max": 0}, "followers_max"),
        ({"followers_max": 101}, "followers_max"),
    ],
)
def test_terms_beyond_the_bounds_are_refused_by_their_field(changed: dict[str, Decimal | int], field: str) -> None:
    with pytest.raises(InvalidInput) as refused:
        require_within(replace(TERMS, **changed), BOUNDS)  # type: ignore[arg-type]
    assert refused.value.code == field


def test_a_brand_without_private_strategies_takes_none() -> None:
    with pytest.raises(InvalidInput, match="no private strategies"):
        require_within(replace(TERMS, private=True), replace(BOUNDS, private_allowed=False))
