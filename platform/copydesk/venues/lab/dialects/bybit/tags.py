"""What Bybit keeps with an order that the engine has no word for, packed into the order's opaque tag."""

from __future__ import annotations

from decimal import Decimal
from functools import lru_cache
from typing import NamedTuple


class Tag(NamedTuple):
    """`px` is the price shown for a market order; `take_profit` and `stop_loss` are shown as they were asked for."""

    stop_type: str = ""
    tpsl_mode: str = ""
    market_unit: str = ""
    px: str = ""
    order_type: str = ""
    base_px: str = ""
    take_profit: str = ""
    stop_loss: str = ""
    tp_by: str = ""
    sl_by: str = ""
    tp_limit: str = ""
    sl_limit: str = ""
    tolerance_type: str = ""
    tolerance: str = ""
    closes: str = ""

    def pack(self) -> str:
        """Write the tag as text; most orders have an empty one."""
        return "" if self == PLAIN else "|".join(self)


PLAIN = Tag()


@lru_cache(maxsize=16_384)
def tag_of(text: str) -> Tag:
    """Read a tag back; a text that is none of ours reads as the plain one."""
    parts = text.split("|")
    return Tag(*parts) if len(parts) == len(Tag._fields) else PLAIN


@lru_cache(maxsize=1024)
def places_of(step: Decimal) -> int:
    """Return how many decimals a step has."""
    exponent = step.normalize().as_tuple().exponent
    assert isinstance(exponent, int), "steps are finite"
    return max(0, -exponent)


@lru_cache(maxsize=1024)
def px_places_of(tick: Decimal) -> int:
    """Return the decimals of prices (`priceScale`): at least two, as Bybit shows "65557.70"."""
    return max(2, places_of(tick))
