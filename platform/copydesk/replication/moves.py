"""What a trade did to a position, and which side of a perpetual an order concerns. Pure."""

from __future__ import annotations

from decimal import Decimal
from enum import StrEnum

from copydesk.trading import Side


class Move(StrEnum):
    """What a trade on a perpetual does to the position."""

    OPENS_LONG = "opens_long"
    ADDS_TO_LONG = "adds_to_long"
    REDUCES_LONG = "reduces_long"
    CLOSES_LONG = "closes_long"
    OPENS_SHORT = "opens_short"
    ADDS_TO_SHORT = "adds_to_short"
    REDUCES_SHORT = "reduces_short"
    CLOSES_SHORT = "closes_short"
    TURNS_LONG = "turns_long"
    TURNS_SHORT = "turns_short"


class Direction(StrEnum):
    """On which side of a perpetual a position is."""

    LONG = "long"
    SHORT = "short"


def move_between(before: Decimal, after: Decimal) -> Move | None:
    """Name the step from one signed position to another; None where nothing moved."""
    if before == after:
        return None
    direction = Direction.SHORT if (after or before) < 0 else Direction.LONG
    if before * after < 0:
        return Move(f"turns_{direction}")
    if not (before and after):
        return Move(f"closes_{direction}" if before else f"opens_{direction}")
    return Move(f"adds_to_{direction}" if abs(after) > abs(before) else f"reduces_{direction}")


def direction_of(symbol: str, position_side: str, side: str, *, reduces: bool) -> Direction | None:
    """Tell which side of a perpetual an order opens or closes; None on spot."""
    if ":" not in symbol:
        return None
    if position_side in set(Direction):
        return Direction(position_side)
    return Direction.SHORT if (side == Side.SELL) != reduces else Direction.LONG
