"""How many places Binance USDⓈ-M writes prices and quantities with.

`pricePrecision` is wider than the tick size: an order price beyond the precision is -1111, one beside the tick -4014.
Source: recorded `GET /fapi/v1/exchangeInfo`.
"""

from __future__ import annotations

from decimal import Decimal
from functools import lru_cache
from typing import NamedTuple

from copydesk.kernel import ZERO
from copydesk.venues.lab.listings import LISTINGS
from copydesk.venues.lab.model import LabInstrument

_PX_PLACES_MIN = 2
_PX_PLACES = {"SOLUSDT": 4, "BNBUSDT": 3}


class Format(NamedTuple):
    """Format specifications of one contract, and its precisions."""

    px: str
    qty: str
    avg: str
    quote: str
    px_places: int
    qty_places: int


def _places(step: Decimal) -> int:
    exponent = step.normalize().as_tuple().exponent
    assert isinstance(exponent, int), "steps are finite"
    return max(0, -exponent)


def _format(instrument: LabInstrument) -> Format:
    px = _PX_PLACES.get(instrument.venue_symbol, max(_PX_PLACES_MIN, _places(instrument.px_tick)))
    qty = _places(instrument.qty_step)
    return Format(f".{px}f", f".{qty}f", f".{px + 3}f", f".{px + qty}f", px, qty)


FORMATS: dict[str, Format] = {i.venue_symbol: _format(i) for i in LISTINGS["binance"].perp}


def places_of(value: Decimal) -> int:
    """Count the decimal places that a number needs."""
    return _places(value)


def plain(value: Decimal) -> str:
    """Write a decimal without needless zeros and without an exponent."""
    text = f"{value:f}"
    return text.rstrip("0").rstrip(".") if "." in text else text


def eight(value: Decimal) -> str:
    return f"{value:.8f}"


@lru_cache(maxsize=4096)
def fixed(value: Decimal, spec: str) -> str:
    """Write a decimal with a fixed number of places; many orders have the same quantities and prices."""
    return format(value, spec)


def average(quote: Decimal, qty: Decimal, spec: str) -> str:
    """Write an average price, zero when nothing was traded."""
    return fixed(quote / qty if qty else ZERO, spec)
