"""Binance USDⓈ-M market objects: contracts with their filters, levels, trades, candles and day figures.

Source: developers.binance.com, USDⓈ-M futures, "Exchange Information" and the following pages.
"""

from __future__ import annotations

from collections.abc import Iterable
from decimal import Decimal
from typing import Any

from copydesk.venues.lab.dialects.binance.um.formats import FORMATS, plain
from copydesk.venues.lab.exchange import Exchange
from copydesk.venues.lab.filters import PX_RATIO_MAX, PX_RATIO_MIN
from copydesk.venues.lab.history import DAY_MS, MINUTE_MS
from copydesk.venues.lab.market import Candle
from copydesk.venues.lab.model import LabInstrument, PublicTrade

ONBOARD_MS = 1_569_398_400_000
DELIVERY_MS = 4_133_404_800_000
ORDER_TYPES = ["LIMIT", "MARKET", "STOP", "STOP_MARKET", "TAKE_PROFIT", "TAKE_PROFIT_MARKET", "TRAILING_STOP_MARKET"]


def symbol_info(i: LabInstrument, halted: bool) -> dict[str, Any]:
    form = FORMATS[i.venue_symbol]
    return {
        "symbol": i.venue_symbol,
        "pair": i.venue_symbol,
        "contractType": "PERPETUAL",
        "deliveryDate": DELIVERY_MS,
        "onboardDate": ONBOARD_MS,
        "status": "SETTLING" if halted else "TRADING",
        "maintMarginPercent": "2.5000",
        "requiredMarginPercent": "5.0000",
        "baseAsset": i.base,
        "quoteAsset": i.quote,
        "marginAsset": i.settle,
        "pricePrecision": form.px_places,
        "quantityPrecision": form.qty_places,
        "baseAssetPrecision": 8,
        "quotePrecision": 8,
        "underlyingType": "COIN",
        "underlyingSubType": ["PoW"] if i.base == "BTC" else ["Layer-1"],
        "triggerProtect": "0.0500",
        "liquidationFee": "0.012500",
        "marketTakeBound": "0.05",
        "maxMoveOrderLimit": 10000,
        "filters": _filters(i),
        "orderTypes": ORDER_TYPES,
        "timeInForce": ["GTC", "IOC", "FOK", "GTX", "GTD"],
    }


def _filters(i: LabInstrument) -> list[dict[str, Any]]:
    form = FORMATS[i.venue_symbol]
    tick, step = format(i.px_tick, form.px), format(i.qty_step, form.qty)
    least, most = format(i.qty_min, form.qty), plain(i.qty_max)
    return [
        {"filterType": "PRICE_FILTER", "minPrice": tick, "maxPrice": "1000000", "tickSize": tick},
        {"filterType": "LOT_SIZE", "minQty": least, "maxQty": most, "stepSize": step},
        {"filterType": "MARKET_LOT_SIZE", "minQty": least, "maxQty": most, "stepSize": step},
        {"filterType": "MAX_NUM_ORDERS", "limit": 200},
        {"filterType": "MAX_NUM_ALGO_ORDERS", "limit": 200},
        {"filterType": "MIN_NOTIONAL", "notional": plain(i.notional_min)},
        {
            "filterType": "PERCENT_PRICE",
            "multiplierUp": f"{Decimal(PX_RATIO_MAX):.4f}",
            "multiplierDown": f"{PX_RATIO_MIN:.4f}",
            "multiplierDecimal": "4",
        },
    ]


def levels(symbol: str, found: Iterable[tuple[Decimal, Decimal]]) -> list[tuple[str, str]]:
    px_spec, qty_spec = FORMATS[symbol][:2]
    return [(format(px, px_spec), format(qty, qty_spec)) for px, qty in found]


def public_trade(trade: PublicTrade) -> dict[str, Any]:
    form = FORMATS[trade.symbol]
    return {
        "id": trade.trade_id,
        "price": format(trade.px, form.px),
        "qty": format(trade.qty, form.qty),
        "quoteQty": format(trade.px * trade.qty, form.quote),
        "time": trade.at_ms,
        "isBuyerMaker": trade.buyer_is_maker,
        "isRPITrade": False,
    }


def aggregate_trade(trade: PublicTrade) -> dict[str, Any]:
    """Every trade is its own aggregate."""
    form = FORMATS[trade.symbol]
    qty = format(trade.qty, form.qty)
    return {
        "a": trade.trade_id,
        "p": format(trade.px, form.px),
        "q": qty,
        "nq": qty,
        "f": trade.trade_id,
        "l": trade.trade_id,
        "T": trade.at_ms,
        "m": trade.buyer_is_maker,
    }


def kline(symbol: str, candle: Candle, interval_ms: int, px_spec: str = "") -> list[Any]:
    form = FORMATS[symbol]
    spec = px_spec or form.px
    prices = [format(px, spec) for px in (candle.open, candle.high, candle.low, candle.close)]
    quote = candle.volume * candle.close
    half = format(candle.volume / 2, form.qty), format(quote / 2, form.quote)
    close_ms, trades = candle.open_ms + interval_ms - 1, interval_ms // MINUTE_MS * 10
    volume, quote_volume = format(candle.volume, form.qty), format(quote, form.quote)
    return [candle.open_ms, *prices, volume, close_ms, quote_volume, trades, *half, "0"]


def day_figures(exchange: Exchange, i: LabInstrument, now_ms: int) -> dict[str, Any]:
    """Return the 24-hour figures; the stream writes the same ones under other names."""
    symbol, form = i.venue_symbol, FORMATS[i.venue_symbol]
    ticker = exchange.perp.ticker(symbol)
    day = exchange.history.day(i.price_symbol, exchange.world.market_clock.at(now_ms))
    last = ticker.last_px or ticker.bid_px or day.open
    change, average = last - day.open, day.quote_volume / day.volume if day.volume else last
    figures = {
        "priceChange": change,
        "weightedAvgPrice": average,
        "lastPrice": last,
        "openPrice": day.open,
        "highPrice": max(day.high, last),
        "lowPrice": min(day.low, last),
    }
    return {
        "symbol": symbol,
        **{name: format(value, form.px) for name, value in figures.items()},
        "priceChangePercent": f"{change / day.open * 100:.3f}",
        "lastQty": format(ticker.last_qty, form.qty),
        "volume": format(day.volume, form.qty),
        "quoteVolume": f"{day.quote_volume:.2f}",
        "openTime": now_ms - DAY_MS,
        "closeTime": now_ms,
        "firstId": 0,
        "lastId": ticker.last_trade_id,
        "count": ticker.last_trade_id + 1,
    }
