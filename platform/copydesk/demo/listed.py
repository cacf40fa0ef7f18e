"""What the simulated exchanges list: the instrument behind a name in the journal, and its minima."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from copydesk.venues.lab import LISTINGS

Record = Mapping[str, Any]


@dataclass(frozen=True)
class Rules:
    """An exchange's minima for one instrument, in base units and quote currency."""

    qty_step: Decimal
    qty_min: Decimal
    notional_min: Decimal


class Listed:
    """Find instruments by ccxt symbol, which is the same on every exchange, whatever each calls them itself."""

    def __init__(self) -> None:
        self._symbols: dict[tuple[str, str, str], str] = {}
        self._rules: dict[tuple[str, str], Rules] = {}
        for venue, listing in LISTINGS.items():
            for i in (*listing.spot, *listing.perp):
                market = "perp" if i.perpetual else "spot"
                self._symbols[venue, market, i.venue_symbol] = i.symbol
                self._rules[venue, i.symbol] = Rules(i.qty_step, i.qty_min, i.notional_min)

    def symbol(self, record: Record) -> str:
        """Return the instrument that a record of the journal is about."""
        return self._symbols[record["venue"], record["market"], record["symbol"]]

    def rules(self, venue: str, symbol: str) -> Rules:
        return self._rules[venue, symbol]


def is_perpetual(symbol: str) -> bool:
    """Tell a perpetual by its ccxt symbol, which names the settlement currency."""
    return ":" in symbol


def market_of(symbol: str) -> str:
    """Return "spot" or "perp", as the journal calls markets."""
    return "perp" if is_perpetual(symbol) else "spot"
