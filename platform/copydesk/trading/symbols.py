"""What an instrument's ccxt symbol tells: "BTC/USDT" on spot, "BTC/USDT:USDT" for a perpetual."""

from __future__ import annotations


def quote_currency(symbol: str) -> str:
    """Return the currency that an instrument's price is told in; "" for what is no symbol."""
    return symbol.partition("/")[2].partition(":")[0]
