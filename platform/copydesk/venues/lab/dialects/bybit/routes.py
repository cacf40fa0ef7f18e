"""What a Bybit endpoint declares: its handler, the rights that it needs and its rate limit."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from copydesk.venues.lab.dialects.bybit import errors
from copydesk.venues.lab.dialects.bybit.limits import Quota
from copydesk.venues.lab.dialects.bybit.params import Call, required
from copydesk.venues.lab.exchange import Exchange
from copydesk.venues.lab.model import PERP, SPOT, LabInstrument

Handler = Callable[[Exchange, Call], bytes]
ANY = "any"
ORDERS = "orders"


@dataclass(frozen=True, slots=True)
class Route:
    """One endpoint. `handler` returns the JSON of `result`.

    `needs` is a key permission, ANY (every key may), ORDERS (spot or perpetual trading, by `category`) or "" for
    public ones. `says` is the text of success; a `batch` counts its own calls.
    """

    handler: Handler
    needs: str = ""
    quota: Quota | None = None
    says: bytes = b"OK"
    batch: bool = False


Routes = dict[tuple[str, str], Route]


def instrument_of(exchange: Exchange, call: Call, market: str) -> LabInstrument:
    """Read the mandatory `symbol` of a trading request and find its instrument."""
    symbol = required(call.params, "symbol") if market == PERP else str(call.params.get("symbol") or "")
    engine = exchange.spot if market == SPOT else exchange.perp
    instrument = engine.instruments.get(symbol)
    if instrument is None:
        raise errors.bad_symbol(market)
    return instrument


def instrument_at(exchange: Exchange, market: str, symbol: str) -> LabInstrument:
    """Find the instrument of something that exists already, also one that was taken off the lists since."""
    return exchange.engine(market).books[symbol].instrument
