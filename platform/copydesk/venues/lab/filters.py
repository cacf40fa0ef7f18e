"""The exchange's order filters, before matching. Source: Binance spot API documentation, "Filters"."""

from __future__ import annotations

from decimal import Decimal

from copydesk.kernel import ZERO
from copydesk.venues.lab.model import (
    BUY,
    FOK,
    GTC,
    GTD,
    IOC,
    LIMIT,
    LIMIT_MAKER,
    MARKET,
    PERP,
    SELL,
    SPOT,
    LabInstrument,
    NewOrder,
    Reject,
)

PX_MAX = Decimal(1_000_000_000)
PX_RATIO_MAX = 5
PX_RATIO_MIN = Decimal("0.2")
# Of the four exchanges only Binance knows good-till-date, and for perpetuals only.
_TIFS = {SPOT: frozenset({GTC, IOC, FOK}), PERP: frozenset({GTC, IOC, FOK, GTD})}


def filter_refusal(new: NewOrder, instrument: LabInstrument, reference_px: Decimal) -> Reject | None:
    """Return the first filter that the order breaks. `reference_px` 0 means that there is no price yet.

    Orders that only reduce a position may be smaller than the minimum notional.
    """
    if (
        new.side not in (BUY, SELL)
        or new.tif not in _TIFS[new.market]
        or (new.tif == GTD) != (new.expire_ms is not None)
    ):
        return Reject.INVALID_PARAMETERS
    if new.type == MARKET:
        return _market_refusal(new, instrument, reference_px)
    if new.type in (LIMIT, LIMIT_MAKER):
        return _limit_refusal(new, instrument, reference_px)
    return Reject.INVALID_PARAMETERS


def _market_refusal(new: NewOrder, instrument: LabInstrument, reference_px: Decimal) -> Reject | None:
    if new.px is not None or (new.qty is None) == (new.quote_qty is None):
        return Reject.INVALID_PARAMETERS
    if new.quote_qty is not None:
        return Reject.MIN_NOTIONAL if new.quote_qty < instrument.notional_min else None
    assert new.qty is not None
    if new.qty > instrument.qty_max:
        return Reject.MARKET_LOT_SIZE
    if new.qty < instrument.qty_min or new.qty <= ZERO or new.qty % instrument.qty_step:
        return Reject.LOT_SIZE
    if reference_px and new.qty * reference_px < instrument.notional_min and not new.reduce_only:
        return Reject.MIN_NOTIONAL
    return None


def _limit_refusal(new: NewOrder, instrument: LabInstrument, reference_px: Decimal) -> Reject | None:
    if new.px is None or new.qty is None or new.quote_qty is not None:
        return Reject.INVALID_PARAMETERS
    if not ZERO < new.px <= PX_MAX or new.px % instrument.px_tick:
        return Reject.PRICE_FILTER
    if not instrument.qty_min <= new.qty <= instrument.qty_max or new.qty <= ZERO or new.qty % instrument.qty_step:
        return Reject.LOT_SIZE
    if reference_px and not reference_px * PX_RATIO_MIN <= new.px <= reference_px * PX_RATIO_MAX:
        return Reject.PERCENT_PRICE
    too_small = new.qty * new.px < instrument.notional_min and not new.reduce_only
    return Reject.MIN_NOTIONAL if too_small else None
