"""Two instruments that tests of the adapters trade, and a symbol map that knows them."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal

from copydesk.trading import Instrument
from copydesk.venues import SymbolMap

D = Decimal
BTC = Instrument("binance", "BTC/USDT", "BTCUSDT", "BTC", "USDT", D("0.01"), D("0.00001"), D("0.00001"), D(9000), D(5))
BTC_PERP = replace(
    BTC,
    symbol="BTC/USDT:USDT",
    px_tick=D("0.1"),
    qty_step=D("0.001"),
    qty_min=D("0.001"),
    settle="USDT",
    leverage_max=125,
)


def known_symbols(*more: Instrument) -> SymbolMap:
    symbols = SymbolMap()
    for market, perpetual in (("spot", False), ("perpetual", True)):
        known = (BTC, BTC_PERP, *more)
        symbols.learn(market, {i.symbol: i for i in known if i.perpetual is perpetual})
    return symbols
