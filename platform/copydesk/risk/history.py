"""What happened to a strategy, as a replay reads it. Pure values; prices and money in quote currency, times aware."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal
from typing import NamedTuple

from copydesk.trading import PositionSide


class Move(NamedTuple):
    """A leader's signal: one book went from one signed position to another, on average at `px`."""

    at: datetime
    symbol: str
    px: Decimal
    position_before: Decimal
    position_after: Decimal
    leader_equity: Decimal
    leverage: int = 1
    position_side: PositionSide = PositionSide.NET


class Mark(NamedTuple):
    """What an instrument was worth; of a candle, its open, low, high and close are four of them."""

    at: datetime
    symbol: str
    px: Decimal


class Funded(NamedTuple):
    """A funding time of a perpetual: longs paid `rate` of their notional at the mark."""

    at: datetime
    symbol: str
    rate: Decimal


Event = Move | Mark | Funded
