"""Figures as the operator reads them, in plain English: pages and commands for operators have no other language."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from decimal import ROUND_DOWN, ROUND_HALF_UP, Decimal

_CENT = Decimal("0.01")


def percent(ratio: Decimal | None) -> str:
    """Write a share with two decimals, rounded down: 99.999 % is not all of it."""
    return "–" if ratio is None else f"{(ratio * 100).quantize(_CENT, ROUND_DOWN)} %"


def limit(most: int | None) -> str:
    """Write a limit of a plan."""
    return "no limit" if most is None else f"{most:,}"


def money(amount: Decimal) -> str:
    """Write an amount of any currency with two decimals."""
    return f"{amount.quantize(_CENT, ROUND_HALF_UP):,}"


FIGURES: Mapping[str, Callable[..., str]] = {"percent": percent, "limit": limit, "money": money}
