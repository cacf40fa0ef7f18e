"""What a Binance endpoint declares: its handler, parameters, weight and the right that it needs."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from copydesk.venues.lab.dialects.binance import errors
from copydesk.venues.lab.dialects.binance.params import SIGNED, WS_ONLY, Call, required
from copydesk.venues.lab.exchange import Exchange
from copydesk.venues.lab.model import LabInstrument

Handler = Callable[[Exchange, Call], bytes]
Weight = int | Callable[[Mapping[str, str]], int]


@dataclass(frozen=True, slots=True)
class Route:
    """One endpoint. `needs` is a key permission, empty for public ones; `known` are the readable parameters.

    Where `signed` is False, the key is named but signs nothing.
    """

    handler: Handler
    weight: Weight
    needs: str
    known: frozenset[str]
    known_ws: frozenset[str]
    places_orders: bool = False
    signed: bool = True

    def cost(self, params: Mapping[str, str]) -> int:
        return self.weight if isinstance(self.weight, int) else self.weight(params)


Routes = dict[tuple[str, str], Route]


def route(
    handler: Handler,
    params: str = "",
    *,
    weight: Weight = 1,
    needs: str = "",
    places_orders: bool = False,
    signed: bool = True,
) -> Route:
    """Declare an endpoint; `params` lists its parameters, separated by spaces."""
    names = frozenset(params.split())
    known = names | SIGNED if needs else names
    return Route(handler, weight, needs, known, names | SIGNED | WS_ONLY, places_orders, signed)


def instrument_of(exchange: Exchange, call: Call) -> LabInstrument:
    """Read the mandatory `symbol` and find its pair."""
    instrument = exchange.spot.instruments.get(required(call.params, "symbol"))
    if instrument is None:
        raise errors.bad_symbol()
    return instrument
