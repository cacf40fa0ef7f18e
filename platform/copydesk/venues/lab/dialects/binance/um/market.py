"""Binance USDⓈ-M endpoints open to everyone: time, contracts, books, tapes, tickers, candles, marks and funding.

Source: developers.binance.com, USDⓈ-M futures, "Market Data"; weights from the docstrings of the vendor's SDK.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from decimal import Decimal
from typing import Any

import orjson

from copydesk.kernel import ZERO
from copydesk.venues.lab.dialects.binance.errors import ApiError
from copydesk.venues.lab.dialects.binance.meters import FuturesOrders
from copydesk.venues.lab.dialects.binance.params import Call, integer_of, limit_of, required, trades_asked
from copydesk.venues.lab.dialects.binance.routes import Routes, Weight, route
from copydesk.venues.lab.dialects.binance.um.formats import FORMATS, eight, plain
from copydesk.venues.lab.dialects.binance.um.market_shapes import (
    aggregate_trade,
    day_figures,
    kline,
    levels,
    public_trade,
    symbol_info,
)
from copydesk.venues.lab.dialects.binance.um.terms import instrument_of
from copydesk.venues.lab.exchange import Exchange
from copydesk.venues.lab.history import INTERVALS
from copydesk.venues.lab.market import Candle
from copydesk.venues.lab.model import LabInstrument, PublicTrade
from copydesk.venues.lab.world import INTEREST_RATE

WEIGHT_MAX = 2400
RATE_LIMITS = [
    {"rateLimitType": "REQUEST_WEIGHT", "interval": "MINUTE", "intervalNum": 1, "limit": WEIGHT_MAX},
    {"rateLimitType": "ORDERS", "interval": "MINUTE", "intervalNum": 1, "limit": FuturesOrders.MINUTE_MAX},
    {"rateLimitType": "ORDERS", "interval": "SECOND", "intervalNum": 10, "limit": FuturesOrders.TEN_SECONDS_MAX},
]
DEPTH_LIMITS = (5, 10, 20, 50, 100, 500, 1000)


def _ping(_exchange: Exchange, _call: Call) -> bytes:
    return b"{}"


def _time(_exchange: Exchange, call: Call) -> bytes:
    return b'{"serverTime":%d}' % call.now_ms


def _exchange_info(exchange: Exchange, call: Call) -> bytes:
    books = exchange.perp.books
    symbols = [symbol_info(i, books[i.venue_symbol].halted) for i in exchange.perp.instruments.values()]
    return orjson.dumps(
        {
            "timezone": "UTC",
            "serverTime": call.now_ms,
            "futuresType": "U_MARGINED",
            "rateLimits": RATE_LIMITS,
            "exchangeFilters": [],
            "assets": [{"asset": "USDT", "marginAvailable": True, "autoAssetExchange": "-10000"}],
            "symbols": symbols,
        }
    )


def _no_contracts(_exchange: Exchange, call: Call) -> bytes:
    """List no contract: this lab trades USDⓈ-M only, and says so to clients that load every kind of market."""
    return b'{"timezone":"UTC","serverTime":%d,"rateLimits":[],"exchangeFilters":[],"symbols":[]}' % call.now_ms


def _depth(exchange: Exchange, call: Call) -> bytes:
    symbol, limit = instrument_of(exchange, call.params).venue_symbol, integer_of(call.params, "limit") or 500
    if limit not in DEPTH_LIMITS:
        raise ApiError(-4021, f"{limit} is not valid depth limit.")
    depth = exchange.perp.depth(symbol, limit)
    return orjson.dumps(
        {
            "lastUpdateId": depth.update_id,
            "E": call.now_ms,
            "T": call.now_ms,
            "bids": levels(symbol, depth.bids),
            "asks": levels(symbol, depth.asks),
        }
    )


def _tape(exchange: Exchange, call: Call) -> list[PublicTrade]:
    return trades_asked(exchange.prints("perp", instrument_of(exchange, call.params).venue_symbol), call.params)


def _trades(exchange: Exchange, call: Call) -> bytes:
    return orjson.dumps([public_trade(trade) for trade in _tape(exchange, call)])


def _aggregate_trades(exchange: Exchange, call: Call) -> bytes:
    return orjson.dumps([aggregate_trade(trade) for trade in _tape(exchange, call)])


def candles(exchange: Exchange, call: Call, instrument: LabInstrument) -> tuple[list[Candle], int]:
    """Return the candles asked for and their length in ms."""
    interval_ms = INTERVALS.get(required(call.params, "interval"))
    if interval_ms is None:
        raise ApiError(-1120, "Invalid interval.")
    found = exchange.history.klines(
        instrument.price_symbol,
        interval_ms,
        now_ms=call.now_ms,
        market_ms=exchange.world.market_clock.at(call.now_ms),
        limit=limit_of(call.params, 500, 1500),
        start_ms=integer_of(call.params, "startTime"),
        end_ms=integer_of(call.params, "endTime"),
    )
    return found, interval_ms


def _klines(exchange: Exchange, call: Call) -> bytes:
    instrument = instrument_of(exchange, call.params)
    found, interval_ms = candles(exchange, call, instrument)
    return orjson.dumps([kline(instrument.venue_symbol, candle, interval_ms) for candle in found])


def _pair(exchange: Exchange, call: Call) -> LabInstrument:
    pair = exchange.perp.instruments.get(required(call.params, "pair"))
    if pair is None:
        raise ApiError(-4144, "Invalid pair")
    return pair


def _continuous_klines(exchange: Exchange, call: Call) -> bytes:
    instrument = _pair(exchange, call)
    if required(call.params, "contractType") != "PERPETUAL":
        raise ApiError(-4104, "Invalid contract type")
    found, interval_ms = candles(exchange, call, instrument)
    return orjson.dumps([kline(instrument.venue_symbol, candle, interval_ms) for candle in found])


def _without_volume(exchange: Exchange, call: Call, instrument: LabInstrument) -> bytes:
    """Answer with candles of a price that is not traded."""
    found, interval_ms = candles(exchange, call, instrument)
    return orjson.dumps(
        [kline(instrument.venue_symbol, c._replace(volume=ZERO), interval_ms, px_spec=".8f") for c in found]
    )


def _mark_klines(exchange: Exchange, call: Call) -> bytes:
    return _without_volume(exchange, call, instrument_of(exchange, call.params))


def _index_klines(exchange: Exchange, call: Call) -> bytes:
    return _without_volume(exchange, call, _pair(exchange, call))


def premium(exchange: Exchange, instrument: LabInstrument, now_ms: int) -> dict[str, Any]:
    """Return mark and index price, the running funding rate and when it is charged."""
    market = exchange.perp.markets[instrument.venue_symbol]
    return {
        "symbol": instrument.venue_symbol,
        "markPrice": eight(market.px()),
        "indexPrice": eight(market.index_px),
        "estimatedSettlePrice": eight(market.index_px),
        "lastFundingRate": eight(exchange.world.funding_rate(exchange.venue, instrument)),
        "interestRate": eight(INTEREST_RATE),
        "nextFundingTime": exchange.world.next_funding_ms(),
        "time": now_ms,
    }


def _each(exchange: Exchange, call: Call, shape: Callable[[LabInstrument], dict[str, Any]]) -> bytes:
    """Answer with one object for `symbol`, else with a list."""
    if "symbol" in call.params:
        return orjson.dumps(shape(instrument_of(exchange, call.params)))
    return orjson.dumps([shape(instrument) for instrument in exchange.perp.instruments.values()])


def _premium_index(exchange: Exchange, call: Call) -> bytes:
    return _each(exchange, call, lambda i: premium(exchange, i, call.now_ms))


def _day_tickers(exchange: Exchange, call: Call) -> bytes:
    return _each(exchange, call, lambda i: day_figures(exchange, i, call.now_ms))


def last_px(exchange: Exchange, symbol: str) -> Decimal:
    ticker = exchange.perp.ticker(symbol)
    return ticker.last_px or ticker.bid_px


def _prices(exchange: Exchange, call: Call) -> bytes:
    def price(i: LabInstrument) -> dict[str, Any]:
        px = format(last_px(exchange, i.venue_symbol), FORMATS[i.venue_symbol].px)
        return {"symbol": i.venue_symbol, "price": px, "time": call.now_ms}

    return _each(exchange, call, price)


def _book_tickers(exchange: Exchange, call: Call) -> bytes:
    def best(i: LabInstrument) -> dict[str, Any]:
        t, form = exchange.perp.ticker(i.venue_symbol), FORMATS[i.venue_symbol]
        return {
            "symbol": i.venue_symbol,
            "bidPrice": format(t.bid_px, form.px),
            "bidQty": format(t.bid_qty, form.qty),
            "askPrice": format(t.ask_px, form.px),
            "askQty": format(t.ask_qty, form.qty),
            "time": call.now_ms,
            "lastUpdateId": exchange.perp.books[i.venue_symbol].update_id,
        }

    return _each(exchange, call, best)


def _open_interest(exchange: Exchange, call: Call) -> bytes:
    symbol = instrument_of(exchange, call.params).venue_symbol
    legs = exchange.perp.markets[symbol].legs.values()
    held = sum((leg.qty for leg in legs if leg.qty > ZERO), ZERO)
    told = {"symbol": symbol, "openInterest": format(held, FORMATS[symbol].qty), "time": call.now_ms}
    return orjson.dumps(told)


def _constituents(exchange: Exchange, call: Call) -> bytes:
    symbol = instrument_of(exchange, call.params).venue_symbol
    part = {
        "exchange": "binance",
        "symbol": symbol,
        "price": plain(exchange.perp.markets[symbol].index_px),
        "weight": "1",
    }
    return orjson.dumps({"symbol": symbol, "time": call.now_ms, "constituents": [part]})


def _depth_weight(params: Mapping[str, str]) -> int:
    text = params.get("limit", "500")
    limit = int(text) if text.isdecimal() and len(text) < 6 else 1000
    return next((weight for most, weight in ((50, 2), (100, 5), (500, 10)) if limit <= most), 20)


def _kline_weight(params: Mapping[str, str]) -> int:
    text = params.get("limit", "500")
    limit = int(text) if text.isdecimal() and len(text) < 6 else 1500
    return next((weight for below, weight in ((100, 1), (500, 2), (1001, 5)) if limit < below), 10)


def _by_symbol(one: int, every: int) -> Weight:
    return lambda params: one if "symbol" in params else every


ROUTES: Routes = {
    ("GET", "/fapi/v1/ping"): route(_ping),
    ("GET", "/fapi/v1/time"): route(_time),
    ("GET", "/fapi/v1/exchangeInfo"): route(_exchange_info),
    ("GET", "/dapi/v1/exchangeInfo"): route(_no_contracts),
    ("GET", "/dapi/v1/ping"): route(_ping),
    ("GET", "/fapi/v1/depth"): route(_depth, weight=_depth_weight),
    ("GET", "/fapi/v1/trades"): route(_trades, weight=5),
    ("GET", "/fapi/v1/aggTrades"): route(_aggregate_trades, weight=20),
    ("GET", "/fapi/v1/klines"): route(_klines, weight=_kline_weight),
    ("GET", "/fapi/v1/continuousKlines"): route(_continuous_klines, weight=_kline_weight),
    ("GET", "/fapi/v1/markPriceKlines"): route(_mark_klines, weight=_kline_weight),
    ("GET", "/fapi/v1/indexPriceKlines"): route(_index_klines, weight=_kline_weight),
    ("GET", "/fapi/v1/premiumIndex"): route(_premium_index, weight=_by_symbol(1, 10)),
    ("GET", "/fapi/v1/ticker/24hr"): route(_day_tickers, weight=_by_symbol(1, 40)),
    ("GET", "/fapi/v1/ticker/price"): route(_prices, weight=_by_symbol(1, 2)),
    ("GET", "/fapi/v2/ticker/price"): route(_prices, weight=_by_symbol(1, 2)),
    ("GET", "/fapi/v1/ticker/bookTicker"): route(_book_tickers, weight=_by_symbol(2, 5)),
    ("GET", "/fapi/v1/openInterest"): route(_open_interest),
    ("GET", "/fapi/v1/constituents"): route(_constituents, weight=2),
}
