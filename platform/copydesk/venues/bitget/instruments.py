"""Bitget's instruments and prices, the same for both kinds of account. Pure.

Source: Bitget API guide v2: Spot, Get symbol info, Get ticker information; Future, Get contract config, Get all
tickers, Get current funding rate.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from decimal import Decimal
from typing import Any

from copydesk.trading import Instrument
from copydesk.venues.bearing import Levels
from copydesk.venues.client.wire import number
from copydesk.venues.model import FundingRate
from copydesk.venues.symbols import SymbolMap

_UNBOUNDED = Decimal(10**12)
_SETTLE = "USDT"


def spot_instruments(rows: Iterable[Mapping[str, Any]]) -> dict[str, Instrument]:
    """Read the pairs."""
    return {i.symbol: i for i in (_spot(row) for row in rows)}


def _spot(row: Mapping[str, Any]) -> Instrument:
    step = _place(row["quantityPrecision"])
    return Instrument(
        venue="bitget",
        symbol=f"{row['baseCoin']}/{row['quoteCoin']}",
        venue_symbol=row["symbol"],
        base=row["baseCoin"],
        quote=row["quoteCoin"],
        px_tick=_place(row["pricePrecision"]),
        qty_step=step,
        qty_min=max(number(row["minTradeAmount"] or "0"), step),
        qty_max=number(row["maxTradeAmount"] or "0") or _UNBOUNDED,
        notional_min=number(row["minTradeUSDT"] or "0"),
        trading=row["status"] == "online",
    )


def perpetual_instruments(rows: Iterable[Mapping[str, Any]]) -> dict[str, Instrument]:
    """Read the perpetuals that USDT margins; sizes are base units."""
    return {i.symbol: i for i in (_perpetual(row) for row in rows if _linear(row))}


def _linear(row: Mapping[str, Any]) -> bool:
    return row["symbolType"] == "perpetual" and row["quoteCoin"] == _SETTLE and _SETTLE in row["supportMarginCoins"]


def _perpetual(row: Mapping[str, Any]) -> Instrument:
    most = [number(row[name]) for name in ("maxOrderQty", "maxMarketOrderQty") if row.get(name)]
    return Instrument(
        venue="bitget",
        symbol=f"{row['baseCoin']}/{row['quoteCoin']}:{_SETTLE}",
        venue_symbol=row["symbol"],
        base=row["baseCoin"],
        quote=row["quoteCoin"],
        px_tick=number(row["priceEndStep"]) * _place(row["pricePlace"]),
        qty_step=number(row["sizeMultiplier"]),
        qty_min=number(row["minTradeNum"]),
        qty_max=min(most, default=_UNBOUNDED),
        notional_min=number(row["minTradeUSDT"] or "0"),
        trading=row["symbolStatus"] == "normal",
        settle=_SETTLE,
        leverage_max=int(number(row["maxLever"] or "1")),
    )


def _place(decimals: str) -> Decimal:
    return Decimal(1).scaleb(-int(decimals))


def prices_of(answer: Mapping[str, Any], symbols: SymbolMap, *, perpetual: bool) -> dict[str, Decimal]:
    """Read last prices of the instruments that we know."""
    named = ((symbols.of_venue(row["symbol"], perpetual=perpetual), row["lastPr"]) for row in answer["data"])
    return {instrument.symbol: number(last) for instrument, last in named if instrument is not None and last}


def book_of(answer: Mapping[str, Any]) -> tuple[Levels, Levels]:
    """Read `orderbook` or `merge-depth`: bids and asks, the best first."""
    return answer["data"]["bids"], answer["data"]["asks"]


def volume_of(answer: Mapping[str, Any]) -> Decimal:
    """Read one instrument's ticker: what a day traded in quote currency."""
    (row,) = answer["data"]
    return number(row["quoteVolume"])


def funding_rate_of(answer: Mapping[str, Any]) -> FundingRate:
    """Read one contract's `current-fund-rate`: the rate of the running period, and when it ends."""
    (row,) = answer["data"]
    return FundingRate(number(row["fundingRate"]), int(row["nextUpdate"]))
