"""Words, numbers and ids as Bitget writes them, in both generations of its API.

Ids on the wire are the engine's with an offset per kind, so that they have Bitget's nineteen digits and one kind is
never taken for another: the unified account finds an order by id without being told its category.
"""

from __future__ import annotations

from decimal import Decimal
from functools import lru_cache
from typing import Final

from copydesk.kernel import ZERO, decimal_text
from copydesk.venues.lab.model import CROSS, ISOLATED, PERP, SPOT

USDT_FUTURES: Final = "USDT-FUTURES"
OTHER_FUTURES: Final = frozenset({"COIN-FUTURES", "USDC-FUTURES", "SUSDT-FUTURES", "SCOIN-FUTURES", "SUSDC-FUTURES"})
UNIFIED_SPOT: Final = "SPOT"
MARGIN_COIN: Final = "USDT"
HEDGE_MODE: Final = "hedge_mode"
ONE_WAY_MODE: Final = "one_way_mode"
CROSSED: Final = "crossed"
MARGIN_MODES: Final = {CROSSED: CROSS, "cross": CROSS, "isolated": ISOLATED}
MARGIN_WORDS: Final = {CROSS: CROSSED, ISOLATED: "isolated"}

ORDER_BASE: Final = {SPOT: 1_300_000_000_000_000_000, PERP: 1_400_000_000_000_000_000}
PLAN_BASE: Final = {SPOT: 1_500_000_000_000_000_000, PERP: 1_600_000_000_000_000_000}
TRADE_BASE: Final = 1_700_000_000_000_000_000
_SPAN: Final = 100_000_000_000_000_000
_ID_LEN: Final = 19


def number(value: Decimal | None) -> str:
    """Write a decimal plainly, "" if there is none."""
    return "" if value is None else decimal_text(value)


def average(total: Decimal, qty: Decimal) -> str:
    """Write an average price, "" while nothing is filled."""
    return decimal_text((total / qty).quantize(_PLACES)) if qty else ""


_PLACES = Decimal("1E-8")


@lru_cache(maxsize=1024)
def places(step: Decimal) -> str:
    """Write how many decimal places a step has."""
    exponent = step.normalize().as_tuple().exponent
    return str(max(0, -exponent)) if isinstance(exponent, int) else "0"


def order_id_text(market: str, order_id: int) -> str:
    return str(ORDER_BASE[market] + order_id)


def plan_id_text(market: str, conditional_id: int) -> str:
    return str(PLAN_BASE[market] + conditional_id)


def trade_id_text(trade_id: int) -> str:
    return str(TRADE_BASE + trade_id)


def id_of(text: str, base: int) -> int | None:
    """Return the engine's id behind a text of this kind; None if it is of another kind or no id at all."""
    if len(text) != _ID_LEN or not text.isdecimal():
        return None
    found = int(text) - base
    return found if 0 <= found < _SPAN else None


def fees(total: Decimal) -> str:
    """Write a fee paid as Bitget does, negative."""
    return decimal_text(-total) if total else "0"


def zero_or(value: Decimal | None) -> str:
    return decimal_text(value if value is not None else ZERO)
