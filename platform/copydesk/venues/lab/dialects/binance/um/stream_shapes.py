"""Binance USDⓈ-M market stream payloads.

Source: developers.binance.com, USDⓈ-M futures, "Websocket Market Streams"; fields as in the vendor's SDK.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from copydesk.venues.lab.dialects.binance.um.formats import FORMATS
from copydesk.venues.lab.dialects.binance.um.market_shapes import aggregate_trade, levels
from copydesk.venues.lab.exchange import Exchange
from copydesk.venues.lab.history import INTERVALS
from copydesk.venues.lab.model import DepthDiff, LabInstrument, PublicTrade


def depth_update(symbol: str, diff: DepthDiff, now_ms: int) -> dict[str, Any]:
    """Tell a book's changes; `pu` is the last id of the event before, and ids have no gaps."""
    return {
        "e": "depthUpdate",
        "E": now_ms,
        "T": now_ms,
        "s": symbol,
        "U": diff.first_update_id,
        "u": diff.last_update_id,
        "pu": diff.first_update_id - 1,
        "b": levels(symbol, diff.bids),
        "a": levels(symbol, diff.asks),
    }


def book_ticker(exchange: Exchange, symbol: str, now_ms: int) -> dict[str, Any]:
    t, form = exchange.perp.ticker(symbol), FORMATS[symbol]
    return {
        "e": "bookTicker",
        "u": exchange.perp.books[symbol].update_id,
        "s": symbol,
        "b": format(t.bid_px, form.px),
        "B": format(t.bid_qty, form.qty),
        "a": format(t.ask_px, form.px),
        "A": format(t.ask_qty, form.qty),
        "T": now_ms,
        "E": now_ms,
    }


def trade_event(trade: PublicTrade) -> dict[str, Any]:
    form = FORMATS[trade.symbol]
    return {
        "e": "trade",
        "E": trade.at_ms,
        "T": trade.at_ms,
        "s": trade.symbol,
        "t": trade.trade_id,
        "p": format(trade.px, form.px),
        "q": format(trade.qty, form.qty),
        "X": "MARKET",
        "m": trade.buyer_is_maker,
    }


def agg_trade(trade: PublicTrade) -> dict[str, Any]:
    return {"e": "aggTrade", "E": trade.at_ms, "s": trade.symbol, **aggregate_trade(trade)}


def mark_price(premium: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "e": "markPriceUpdate",
        "E": premium["time"],
        "s": premium["symbol"],
        "p": premium["markPrice"],
        "ap": premium["markPrice"],
        "P": premium["estimatedSettlePrice"],
        "i": premium["indexPrice"],
        "r": premium["lastFundingRate"],
        "T": premium["nextFundingTime"],
    }


_TICKER = {
    "s": "symbol",
    "p": "priceChange",
    "P": "priceChangePercent",
    "w": "weightedAvgPrice",
    "c": "lastPrice",
    "Q": "lastQty",
    "o": "openPrice",
    "h": "highPrice",
    "l": "lowPrice",
    "v": "volume",
    "q": "quoteVolume",
    "O": "openTime",
    "C": "closeTime",
    "F": "firstId",
    "L": "lastId",
    "n": "count",
}
_MINI = ("s", "c", "o", "h", "l", "v", "q")


def ticker(figures: Mapping[str, Any], now_ms: int) -> dict[str, Any]:
    return {"e": "24hrTicker", "E": now_ms, **{short: figures[long] for short, long in _TICKER.items()}}


def mini_ticker(figures: Mapping[str, Any], now_ms: int) -> dict[str, Any]:
    return {"e": "24hrMiniTicker", "E": now_ms, **{short: figures[_TICKER[short]] for short in _MINI}}


def kline(
    exchange: Exchange, instrument: LabInstrument, interval: str, now_ms: int, *, ended: bool = False
) -> dict[str, Any]:
    """Tell the running candle, or the one that ended before it."""
    symbol, form, interval_ms = instrument.venue_symbol, FORMATS[instrument.venue_symbol], INTERVALS[interval]
    market_ms = exchange.world.market_clock.at(now_ms)
    price_symbol = instrument.price_symbol
    last = exchange.history.klines(price_symbol, interval_ms, now_ms=now_ms, market_ms=market_ms, limit=2)
    candle = last[-2 if ended else -1]
    quote = candle.volume * candle.close
    prices = {"o": candle.open, "c": candle.close, "h": candle.high, "l": candle.low}
    body = {
        "t": candle.open_ms,
        "T": candle.open_ms + interval_ms - 1,
        "s": symbol,
        "i": interval,
        "f": -1,
        "L": -1,
        **{name: format(px, form.px) for name, px in prices.items()},
        "v": format(candle.volume, form.qty),
        "n": 0,
        "x": ended,
        "q": format(quote, form.quote),
        "V": format(candle.volume / 2, form.qty),
        "Q": format(quote / 2, form.quote),
        "B": "0",
    }
    return {"e": "kline", "E": now_ms, "s": symbol, "k": body}
