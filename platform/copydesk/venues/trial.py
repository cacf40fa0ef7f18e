"""Proofs that a key may trade, by requests that never place an order: what they ask for, and what an answer proves.

A refusal for money or for a setting of the account comes after the right was looked at, so it proves the right.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from decimal import ROUND_CEILING, ROUND_FLOOR, Decimal
from uuid import uuid4

from copydesk.kernel import VenueRefused
from copydesk.trading import Denial, Instrument, OrderRequest, OrderType, Side, TimeInForce

# A minimum is met also when the price falls a little on the way.
_ABOVE_MINIMUM = Decimal("1.05")
_BESIDE_THE_RIGHT = frozenset(
    {
        Denial.INSUFFICIENT_BALANCE.value,
        Denial.POSITION_MODE_WRONG.value,
        Denial.MARGIN_MODE_WRONG.value,
        Denial.LEVERAGE_REFUSED.value,
        Denial.PRICE_MOVED.value,
    }
)
# An exchange's test order is not offered to every mode of account, and says so in one of these.
_NOT_OFFERED = frozenset({Denial.VENUE_REFUSED.value, Denial.KEY_ACCOUNT_TYPE_WRONG.value})


def fresh_id() -> str:
    """Name an order that never was, in letters that every exchange takes."""
    return uuid4().hex


def smallest_order(instrument: Instrument, px: Decimal | None) -> OrderRequest:
    """Return the smallest purchase that the exchange would take at this price.

    Raises `VenueRefused` where the market has none: nothing is traded there now.
    """
    if px is None:
        raise VenueRefused(f"{instrument.symbol} has no price now", code=Denial.INSTRUMENT_HALTED.value)
    tick, step = instrument.px_tick, instrument.qty_step
    limit_px = max((px / tick).to_integral_value(ROUND_FLOOR), Decimal(1)) * tick
    wanted = max(instrument.qty_min, instrument.notional_min * _ABOVE_MINIMUM / limit_px)
    qty = (wanted / step).to_integral_value(ROUND_CEILING) * step
    return OrderRequest(
        symbol=instrument.symbol,
        side=Side.BUY,
        type=OrderType.LIMIT,
        qty=qty,
        client_order_id=fresh_id(),
        px=limit_px,
        time_in_force=TimeInForce.GTC,
    )


async def try_order(test: Awaitable[object], otherwise: Callable[[], Awaitable[object]] | None = None) -> None:
    """Await a test order; where this account is not offered one, do the other proof instead."""
    try:
        await test
    except VenueRefused as refusal:
        if refusal.code in _BESIDE_THE_RIGHT:
            return
        if otherwise is None or refusal.code not in _NOT_OFFERED:
            raise
        await otherwise()
