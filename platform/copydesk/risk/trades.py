"""A trader's trades as behavior is judged by them: from flat to flat, or still open. Pure values.

Money is in quote currency, times are aware, quantities are of base units and unsigned: a short's are those sold.
"""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal
from typing import NamedTuple

from copydesk.kernel import ZERO


class Entry(NamedTuple):
    """One increase of a position, the opening one too: all fills of one order, at their average price."""

    at: datetime
    qty: Decimal
    px: Decimal


class Trade(NamedTuple):
    """One position from its opening to its close; `closed_at` is None while it is open.

    `notional` is the largest value at entry that it had, `equity` the trader's when it was opened; `profit` is what it
    brought after fees (while open: what it would bring now), `worst` the deepest that it stood below its entry cost,
    zero or less. `stopped` tells whether a resting stop protected it for half of its life or
    more, None where that is not known.
    """

    symbol: str
    opened_at: datetime
    closed_at: datetime | None
    short: bool
    leverage: Decimal
    notional: Decimal
    equity: Decimal
    profit: Decimal
    worst: Decimal = ZERO
    stopped: bool | None = False
    entries: tuple[Entry, ...] = ()

    @property
    def size(self) -> Decimal | None:
        """Return the notional over the equity, None where there was no equity."""
        return self.notional / self.equity if self.equity > 0 else None

    @property
    def held_s(self) -> Decimal | None:
        """Return how long it was held in seconds, None while it is."""
        if self.closed_at is None:
            return None
        held = self.closed_at - self.opened_at
        return Decimal(held.days * 86_400 + held.seconds) + Decimal(held.microseconds).scaleb(-6)
