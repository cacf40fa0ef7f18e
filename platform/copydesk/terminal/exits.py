"""Exits of an order or a position: what they are, and for how much. Pure."""

from __future__ import annotations

from decimal import Decimal

from copydesk.kernel import floor_to_step
from copydesk.terminal.model import Part, Planned
from copydesk.trading import Instrument, OrderType, Side

# What a fee taken in base leaves of a spot purchase, for the exit that sells it.
FEE_ALLOWANCE = Decimal("0.002")


def exit_of(entry: Planned, part: Part, px: Decimal) -> Planned:
    """Return an exit of an order or position: a market order at its trigger, for all of it, that only reduces."""
    kind = OrderType.TAKE_PROFIT_MARKET if part is Part.TAKE_PROFIT else OrderType.STOP_MARKET
    side = Side.SELL if entry.side is Side.BUY else Side.BUY
    held = entry.position_side
    return Planned(entry.symbol, side, kind, entry.qty, stop_px=px, reduce_only=True, position_side=held, part=part)


def exit_qty(filled: Decimal, instrument: Instrument) -> Decimal:
    """Return how much an exit closes of what its entry was filled; on spot a fee may have been taken of it."""
    left = filled if instrument.perpetual else filled * (1 - FEE_ALLOWANCE)
    return floor_to_step(left, instrument.qty_step)
