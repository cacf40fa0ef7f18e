"""A worth told once more in a coin that its owner thinks in, beside the currency that it is in and never instead.

Only coins that the brand has a market of are offered, because only their price is known here first hand.
"""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal

from copydesk.marks import place_name
from copydesk.tenancy import Tenant
from copydesk.trading import quote_currency
from copydesk.web.risk.prices import current_prices


@dataclass(frozen=True)
class ToldAlso:
    """A worth in `coin`, at the price `px` of one; both None while no fresh price is known."""

    coin: str
    amount: Decimal | None = None
    px: Decimal | None = None


def coins_offered(tenant: Tenant) -> tuple[str, ...]:
    """Return the coins that a worth can be told in: those with a market in the brand's currency."""
    return tuple(sorted({_coin(symbol) for _, symbol in _markets(tenant)}))


def told_also(tenant: Tenant, worth: Decimal, coin: str) -> ToldAlso | None:
    """Tell a worth in a coin; None where nobody asked for one, or the brand has no such market any more."""
    markets = [(place, symbol) for place, symbol in _markets(tenant) if _coin(symbol) == coin]
    if not markets:
        return None
    prices = current_prices()
    px = next((px for place, symbol in markets if (px := prices.one(place, symbol))), None)
    return ToldAlso(coin) if px is None else ToldAlso(coin, worth / px, px)


def _markets(tenant: Tenant) -> list[tuple[str, str]]:
    """List the brand's markets in its currency by place, spot before perpetuals."""
    config = tenant.config
    found = [
        (place_name(exchange.venue, exchange.environment), symbol)
        for exchange in config.exchanges
        for symbol in config.markets_of(exchange)
        if quote_currency(symbol) == config.currency
    ]
    return sorted(found, key=lambda market: ":" in market[1])


def _coin(symbol: str) -> str:
    return symbol.partition("/")[0]
