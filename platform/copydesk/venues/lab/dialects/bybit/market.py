"""Bybit endpoints open to everyone: time, tickers, books, tapes, candles and funding rates.

Source: v5 documentation, "Market". Candles of marks and indices are those of the replayed market.
"""

from __future__ import annotations

from typing import Any

import orjson

from copydesk.kernel import decimal_text
from copydesk.venues.lab.dialects.bybit import errors
from copydesk.venues.lab.dialects.bybit.ids import trade_id_text
from copydesk.venues.lab.dialects.bybit.instruments import chosen
from copydesk.venues.lab.dialects.bybit.params import (
    EMPTY_CATEGORIES,
    LINEAR,
    Call,
    integer_of,
    limit_of,
    market_of,
    text_of,
)
from copydesk.venues.lab.dialects.bybit.routes import Route, Routes
from copydesk.venues.lab.dialects.bybit.tickers import linear_ticker, spot_ticker
from copydesk.venues.lab.dialects.bybit.views import px_text, qty_text
from copydesk.venues.lab.exchange import Exchange
from copydesk.venues.lab.history import MINUTE_MS
from copydesk.venues.lab.market import Candle
from copydesk.venues.lab.model import PERP, SPOT, LabInstrument, PublicTrade

INTERVALS: dict[str, int] = {str(m): m * MINUTE_MS for m in (1, 3, 5, 15, 30, 60, 120, 240, 360, 720)} | {
    "D": 1440 * MINUTE_MS,
    "W": 7 * 1440 * MINUTE_MS,
}
# Default and largest number of levels and of trades.
DEPTHS = {SPOT: (1, 200), PERP: (25, 500)}
TRADES = {SPOT: (60, 60), PERP: (500, 1000)}


def _time(_exchange: Exchange, call: Call) -> bytes:
    return b'{"timeSecond":"%d","timeNano":"%d"}' % (call.now_ms // 1000, call.now_ms * 1_000_000)


def one_of(exchange: Exchange, call: Call, market: str) -> LabInstrument:
    """Read the mandatory `symbol` of a market data request."""
    found = chosen(exchange, call, market) if text_of(call.params, "symbol") else []
    if not found:
        raise errors.bad_params("symbol invalid")
    return found[0]


def _tickers(exchange: Exchange, call: Call) -> bytes:
    category = text_of(call.params, "category")
    if category in EMPTY_CATEGORIES:
        return orjson.dumps({"category": category, "list": []})
    market = market_of(call.params)
    found = chosen(exchange, call, market)
    if market == SPOT:
        listed = [spot_ticker(exchange, i) for i in found]
    else:
        listed = [linear_ticker(exchange, i, call.now_ms) for i in found]
    return orjson.dumps({"category": category, "list": listed})


def _orderbook(exchange: Exchange, call: Call) -> bytes:
    market = market_of(call.params)
    i = one_of(exchange, call, market)
    depth = exchange.engine(market).depth(i.venue_symbol, limit_of(call.params, *DEPTHS[market]))
    return orjson.dumps(
        {
            "s": i.venue_symbol,
            "a": [(px_text(px, i), qty_text(qty, i)) for px, qty in depth.asks],
            "b": [(px_text(px, i), qty_text(qty, i)) for px, qty in depth.bids],
            "ts": call.now_ms,
            "u": depth.update_id,
            "seq": depth.update_id,
            "cts": call.now_ms,
        }
    )


def taker_side(trade: PublicTrade) -> str:
    return "Sell" if trade.buyer_is_maker else "Buy"


def _trades(exchange: Exchange, call: Call) -> bytes:
    market = market_of(call.params)
    i, limit = one_of(exchange, call, market), limit_of(call.params, *TRADES[market])
    newest = list(exchange.prints(market, i.venue_symbol))[-limit:][::-1]
    listed = [
        {
            "execId": trade_id_text(market, trade.trade_id),
            "symbol": trade.symbol,
            "price": px_text(trade.px, i),
            "size": qty_text(trade.qty, i),
            "side": taker_side(trade),
            "time": str(trade.at_ms),
            "isBlockTrade": False,
            "isRPITrade": False,
            "seq": str(trade.trade_id),
        }
        for trade in newest
    ]
    return orjson.dumps({"category": text_of(call.params, "category"), "list": listed})


def _candles(exchange: Exchange, call: Call, i: LabInstrument) -> list[Candle]:
    """Return the candles asked for, newest first: the last ones up to `end`, or the first ones from `start`."""
    interval_ms = INTERVALS.get(text_of(call.params, "interval"))
    if interval_ms is None:
        raise errors.request_error("Invalid period!")
    limit = limit_of(call.params, 200, 1000)
    start, end = integer_of(call.params, "start"), integer_of(call.params, "end")
    if start is not None and end is not None:
        start = max(start, (end // interval_ms - limit + 1) * interval_ms)
    candles = exchange.history.klines(
        i.price_symbol,
        interval_ms,
        now_ms=call.now_ms,
        market_ms=exchange.market_ms(),
        limit=limit,
        start_ms=start,
        end_ms=end,
    )
    return candles[::-1]


def candle_prices(candle: Candle, i: LabInstrument) -> list[str]:
    return [px_text(px, i) for px in (candle.open, candle.high, candle.low, candle.close)]


def _klines(exchange: Exchange, call: Call) -> bytes:
    market = market_of(call.params)
    i = one_of(exchange, call, market)
    rows = [
        [str(c.open_ms), *candle_prices(c, i), decimal_text(c.volume), decimal_text(round(c.volume * c.close, 8))]
        for c in _candles(exchange, call, i)
    ]
    return orjson.dumps({"symbol": i.venue_symbol, "category": text_of(call.params, "category"), "list": rows})


def _price_klines(exchange: Exchange, call: Call) -> bytes:
    _linear_only(call)
    i = one_of(exchange, call, PERP)
    rows: list[Any] = [[str(c.open_ms), *candle_prices(c, i)] for c in _candles(exchange, call, i)]
    return orjson.dumps({"symbol": i.venue_symbol, "category": LINEAR, "list": rows})


def _linear_only(call: Call) -> None:
    if text_of(call.params, "category") != LINEAR:
        raise errors.bad_category()


def _funding(exchange: Exchange, call: Call) -> bytes:
    """List the rates that were charged since the lab was started, newest first."""
    _linear_only(call)
    i = one_of(exchange, call, PERP)
    start, end = integer_of(call.params, "startTime"), integer_of(call.params, "endTime")
    listed = [
        {"symbol": i.venue_symbol, "fundingRate": decimal_text(one.rate), "fundingRateTimestamp": str(one.at_ms)}
        for one in reversed(exchange.funding_paid.rates)
        if one.symbol == i.venue_symbol and (start is None or one.at_ms >= start) and (end is None or one.at_ms <= end)
    ]
    return orjson.dumps({"category": LINEAR, "list": listed[: limit_of(call.params, 200, 200)]})


ROUTES: Routes = {
    ("GET", "/v5/market/time"): Route(_time),
    ("GET", "/v5/market/tickers"): Route(_tickers),
    ("GET", "/v5/market/orderbook"): Route(_orderbook),
    ("GET", "/v5/market/recent-trade"): Route(_trades),
    ("GET", "/v5/market/kline"): Route(_klines),
    ("GET", "/v5/market/mark-price-kline"): Route(_price_klines),
    ("GET", "/v5/market/index-price-kline"): Route(_price_klines),
    ("GET", "/v5/market/funding/history"): Route(_funding),
}
