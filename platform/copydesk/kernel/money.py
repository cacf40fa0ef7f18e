"""Exact decimal arithmetic for quantities and money; every rounding names its direction."""

from __future__ import annotations

from decimal import ROUND_DOWN, ROUND_HALF_EVEN, Decimal

ZERO = Decimal(0)


def floor_to_step(value: Decimal, step: Decimal) -> Decimal:
    """Round toward zero to a multiple of `step`, exactly as the exchange's lot filter counts."""
    return (value / step).to_integral_value(ROUND_DOWN) * step


def round_to_step(value: Decimal, step: Decimal, rounding: str) -> Decimal:
    """Round to a multiple of `step` in the named direction (a `decimal.ROUND_*` constant)."""
    return (value / step).to_integral_value(rounding) * step


def steps_between(left: Decimal, right: Decimal, step: Decimal) -> int:
    """Count how many whole steps apart two quantities are, half to even."""
    return int((abs(left - right) / step).to_integral_value(ROUND_HALF_EVEN))


def decimal_text(value: Decimal) -> str:
    """Write a decimal plainly: no exponent and no trailing zeros ("0.5", "1200")."""
    text = format(value, "f")
    return text.rstrip("0").rstrip(".") if "." in text else text
