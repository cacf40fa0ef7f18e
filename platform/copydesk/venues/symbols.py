"""Names and sizes: an exchange's instruments by ccxt symbol and back, and how far they can be trusted.

Read by whole markets ("spot", "perpetual"), so that trouble with one leaves the other usable. What is about to
change something at the exchange asks for a `fresh` instrument: its steps and contract size decide how much is
traded. Reading and canceling need no more than the name.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from decimal import Decimal
from typing import NamedTuple

from copydesk.kernel import VenueRefused
from copydesk.trading import Denial, Instrument

AGE_MAX_S = 900.0


class _Market(NamedTuple):
    by_symbol: Mapping[str, Instrument]
    by_name: Mapping[tuple[bool, str], Instrument]
    trusted_until: float


class SymbolMap:
    """The instruments of one venue environment, replaced market by market; `now` gives epoch seconds."""

    def __init__(self, *, age_max_s: float = AGE_MAX_S, now: Callable[[], float] = time.time) -> None:
        self._age_max_s = age_max_s
        self._now = now
        self._markets: dict[str, _Market] = {}

    def learn(self, market: str, instruments: Mapping[str, Instrument]) -> None:
        """Replace one market by what was read just now."""
        by_name = {(i.perpetual, i.venue_symbol): i for i in instruments.values()}
        self._markets[market] = _Market(instruments, by_name, self._now() + self._age_max_s)

    def knows(self, market: str) -> bool:
        """Tell whether a market has been read and lists anything, however long ago."""
        return market in self._markets and bool(self._markets[market].by_symbol)

    def fresh(self, symbol: str) -> Instrument:
        """Return an instrument for a change; raises `VenueRefused` when it is unknown or was read too long ago."""
        instrument, trusted_until = self._find(symbol)
        if self._now() > trusted_until:
            raise _unmapped(f"{symbol} was read more than {self._age_max_s:.0f} s ago")
        return instrument

    def named(self, symbol: str) -> Instrument:
        """Return an instrument for a read or a cancel, however old; raises `VenueRefused` when it is unknown."""
        return self._find(symbol)[0]

    def contract(self, symbol: str) -> Instrument:
        """Return a perpetual for a question about positions or their settings; raises `VenueRefused` for a pair."""
        instrument = self.named(symbol)
        if not instrument.perpetual:
            raise VenueRefused(
                f"{symbol} is a spot pair: it has no position, leverage or mode", code=Denial.MARKET_NOT_ALLOWED.value
            )
        return instrument

    def of_venue(self, venue_symbol: str, *, perpetual: bool) -> Instrument | None:
        """Return the instrument that the exchange calls so, or None."""
        for market in self._markets.values():
            instrument = market.by_name.get((perpetual, venue_symbol))
            if instrument is not None:
                return instrument
        return None

    def trusted(self) -> dict[str, Instrument]:
        """Return every instrument that is still fresh, by ccxt symbol."""
        now = self._now()
        fresh = (market.by_symbol for market in self._markets.values() if now <= market.trusted_until)
        return {symbol: instrument for by_symbol in fresh for symbol, instrument in by_symbol.items()}

    def _find(self, symbol: str) -> tuple[Instrument, float]:
        for market in self._markets.values():
            instrument = market.by_symbol.get(symbol)
            if instrument is not None:
                return instrument, market.trusted_until
        raise _unmapped(f"{symbol} is not listed")


def contracts_of(qty: Decimal, instrument: Instrument) -> Decimal:
    """Turn base units into what the exchange counts; a quantity between two steps is our bug."""
    assert qty % instrument.qty_step == 0, f"{qty} is not a whole number of steps of {instrument.symbol}"
    return qty / instrument.contract_size


def base_of(contracts: Decimal, instrument: Instrument) -> Decimal:
    """Turn the exchange's contracts into base units."""
    return contracts * instrument.contract_size


def _unmapped(why: str) -> VenueRefused:
    return VenueRefused(why, code=Denial.INSTRUMENT_UNMAPPED.value)
