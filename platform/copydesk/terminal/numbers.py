"""Reading numbers as people type them into a ticket, or the problem with them. Pure."""

from __future__ import annotations

from decimal import Decimal, InvalidOperation

from copydesk.kernel import ZERO, decimal_text, floor_to_step
from copydesk.terminal.model import Found, Problem

_DIGITS_MAX = 36
_DECIMALS_MAX = 18


def read_number(typed: str) -> Decimal | Found | None:
    """Return a number above zero, None for nothing, or what is wrong; a comma counts as the decimal point."""
    text = typed.strip().replace(" ", "").replace("\u00a0", "")
    if not text:
        return None
    if len(text) > _DIGITS_MAX:
        return Found(Problem.TOO_MANY_DIGITS, {"most": str(_DECIMALS_MAX)})
    if not set(text) <= set("0123456789.,-+") or text.count(",") + text.count(".") > 1:
        return Found(Problem.NOT_A_NUMBER)
    try:
        value = Decimal(text.replace(",", "."))
    except InvalidOperation:
        return Found(Problem.NOT_A_NUMBER)
    if value <= ZERO:
        return Found(Problem.NOT_ABOVE_ZERO)
    exponent = value.normalize().as_tuple().exponent
    if isinstance(exponent, int) and -exponent > _DECIMALS_MAX:
        return Found(Problem.TOO_MANY_DIGITS, {"most": str(_DECIMALS_MAX)})
    return value


def on_tick(px: Decimal, tick: Decimal) -> Found | None:
    """Name what is wrong with a price that the exchange does not count in; it is never moved to another one."""
    if px % tick == ZERO:
        return None
    low = floor_to_step(px, tick)
    near = {"low": decimal_text(low), "high": decimal_text(low + tick), "tick": decimal_text(tick)}
    return Found(Problem.OFF_TICK, near)
