"""Binance Spot endpoints open to everyone: time, filters, books, tapes, tickers and candles."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from typing import Any

import orjson

from copydesk.venues.lab.dialects.binance import errors
from copydesk.venues.lab.dialects.binance.conditions import TRAILING_DELTA_MAX, TRAILING_DELTA_MIN
from copydesk.venues.lab.dialects.binance.list_terms import LISTS_MAX
from copydesk.venues.lab.dialects.binance.params import Call, integer_of, limit_of, required, trades_asked
from copydesk.venues.lab.dialects.binance.routes import Routes, instrument_of, route
from copydesk.venues.lab.dialects.binance.shapes import ZERO_TEXT, aggregate_trade, eight, public_trade
from copydesk.venues.lab.exchange import Exchange
from copydesk.venues.lab.history import INTERVALS, MINUTE_MS
from copydesk.venues.lab.market import Candle
from copydesk.venues.lab.model import LabInstrument, PublicTrade

WEIGHT_MAX = 6000
ORDERS_10S_MAX = 50
ORDERS_DAY_MAX = 160_000
ORDER_TYPES = [
    "LIMIT",
    "LIMIT_MAKER",
    "MARKET",
    "STOP_LOSS",
    "STOP_LOSS_LIMIT",
    "TAKE_PROFIT",
    "TAKE_PROFIT_LIMIT",
]
RATE_LIMITS = [
    {"rateLimitType": "REQUEST_WEIGHT", "interval": "MINUTE", "intervalNum": 1, "limit": WEIGHT_MAX},
    {"rateLimitType": "ORDERS", "interval": "SECOND", "intervalNum": 10, "limit": ORDERS_10S_MAX},
    {"rateLimitType": "ORDERS", "interval": "DAY", "intervalNum": 1, "limit": ORDERS_DAY_MAX},
]


def _ping(_exchange: Exchange, _call: Call) -> bytes:
    return b"{}"


def _time(_exchange: Exchange, call: Call) -> bytes:
    return b'{"serverTime":%d}' % call.now_ms


def _exchange_info(exchange: Exchange, call: Call) -> bytes:
    symbols = [_symbol_info(i, exchange.spot.books[i.venue_symbol].halted) for i in _chosen(exchange, call.params)]
    return orjson.dumps(
        {
            "timezone": "UTC",
            "serverTime": call.now_ms,
            "rateLimits": RATE_LIMITS,
            "exchangeFilters": [],
            "symbols": symbols,
        }
    )


def _symbol_info(instrument: LabInstrument, halted: bool) -> dict[str, Any]:
    return {
        "symbol": instrument.venue_symbol,
        "status": "BREAK" if halted else "TRADING",
        "baseAsset": instrument.base,
        "baseAssetPrecision": 8,
        "quoteAsset": instrument.quote,
        "quotePrecision": 8,
        "quoteAssetPrecision": 8,
        "baseCommissionPrecision": 8,
        "quoteCommissionPrecision": 8,
        "orderTypes": ORDER_TYPES,
        "icebergAllowed": False,
        "ocoAllowed": True,
        "otoAllowed": False,
        "quoteOrderQtyMarketAllowed": True,
        "allowTrailingStop": True,
        "cancelReplaceAllowed": True,
        "amendAllowed": True,
        "isSpotTradingAllowed": True,
        "isMarginTradingAllowed": False,
        "filters": _filters(instrument),
        "permissions": [],
        "permissionSets": [["SPOT"]],
        "defaultSelfTradePreventionMode": "NONE",
        "allowedSelfTradePreventionModes": ["NONE"],
    }


def _filters(i: LabInstrument) -> list[dict[str, Any]]:
    tick, step = eight(i.px_tick), eight(i.qty_step)
    return [
        {"filterType": "PRICE_FILTER", "minPrice": tick, "maxPrice": "1000000.00000000", "tickSize": tick},
        {"filterType": "LOT_SIZE", "minQty": eight(i.qty_min), "maxQty": eight(i.qty_max), "stepSize": step},
        {"filterType": "MARKET_LOT_SIZE", "minQty": ZERO_TEXT, "maxQty": eight(i.qty_max), "stepSize": ZERO_TEXT},
        {
            "filterType": "PERCENT_PRICE_BY_SIDE",
            "bidMultiplierUp": "5",
            "bidMultiplierDown": "0.2",
            "askMultiplierUp": "5",
            "askMultiplierDown": "0.2",
            "avgPriceMins": 5,
        },
        {
            "filterType": "NOTIONAL",
            "minNotional": eight(i.notional_min),
            "applyMinToMarket": True,
            "maxNotional": "9000000.00000000",
            "applyMaxToMarket": False,
            "avgPriceMins": 5,
        },
        {
            "filterType": "TRAILING_DELTA",
            "minTrailingAboveDelta": TRAILING_DELTA_MIN,
            "maxTrailingAboveDelta": TRAILING_DELTA_MAX,
            "minTrailingBelowDelta": TRAILING_DELTA_MIN,
            "maxTrailingBelowDelta": TRAILING_DELTA_MAX,
        },
        {"filterType": "MAX_NUM_ORDERS", "maxNumOrders": 200},
        {"filterType": "MAX_NUM_ALGO_ORDERS", "maxNumAlgoOrders": 200},
        {"filterType": "MAX_NUM_ORDER_LISTS", "maxNumOrderLists": LISTS_MAX},
    ]


def _depth(exchange: Exchange, call: Call) -> bytes:
    depth = exchange.spot.depth(instrument_of(exchange, call).venue_symbol, limit_of(call.params, 100, 5000))
    return orjson.dumps(
        {
            "lastUpdateId": depth.update_id,
            "bids": [(eight(px), eight(qty)) for px, qty in depth.bids],
            "asks": [(eight(px), eight(qty)) for px, qty in depth.asks],
        }
    )


def _tape(exchange: Exchange, call: Call) -> list[PublicTrade]:
    return trades_asked(exchange.prints("spot", instrument_of(exchange, call).venue_symbol), call.params)


def _trades(exchange: Exchange, call: Call) -> bytes:
    return orjson.dumps([public_trade(trade) for trade in _tape(exchange, call)])


def _aggregate_trades(exchange: Exchange, call: Call) -> bytes:
    return orjson.dumps([aggregate_trade(trade) for trade in _tape(exchange, call)])


def _klines(exchange: Exchange, call: Call) -> bytes:
    symbol = instrument_of(exchange, call).venue_symbol
    interval_ms = INTERVALS.get(required(call.params, "interval"))
    if interval_ms is None:
        raise errors.ApiError(-1120, "Invalid interval.")
    candles = exchange.history.klines(
        symbol,
        interval_ms,
        now_ms=call.now_ms,
        market_ms=exchange.world.market_clock.at(call.now_ms),
        limit=limit_of(call.params, 500, 1000),
        start_ms=integer_of(call.params, "startTime"),
        end_ms=integer_of(call.params, "endTime"),
    )
    return orjson.dumps([_kline(candle, interval_ms) for candle in candles])


def _kline(candle: Candle, interval_ms: int) -> list[Any]:
    quote = candle.volume * candle.close
    prices = [eight(px) for px in (candle.open, candle.high, candle.low, candle.close)]
    half = eight(candle.volume / 2), eight(quote / 2)
    close_ms = candle.open_ms + interval_ms - 1
    trades = interval_ms // MINUTE_MS * 10
    return [candle.open_ms, *prices, eight(candle.volume), close_ms, eight(quote), trades, *half, "0"]


def day_ticker(exchange: Exchange, symbol: str, now_ms: int) -> dict[str, Any]:
    """Return the 24-hour figures; the stream writes the same ones under other names."""
    ticker, day = exchange.spot.ticker(symbol), exchange.history.day(symbol, exchange.world.market_clock.at(now_ms))
    last = ticker.last_px or ticker.bid_px or day.open
    change = last - day.open
    return {
        "symbol": symbol,
        "priceChange": eight(change),
        "priceChangePercent": f"{change / day.open * 100:.3f}",
        "weightedAvgPrice": eight(day.quote_volume / day.volume if day.volume else last),
        "prevClosePrice": eight(day.open),
        "lastPrice": eight(last),
        "lastQty": eight(ticker.last_qty),
        "bidPrice": eight(ticker.bid_px),
        "bidQty": eight(ticker.bid_qty),
        "askPrice": eight(ticker.ask_px),
        "askQty": eight(ticker.ask_qty),
        "openPrice": eight(day.open),
        "highPrice": eight(max(day.high, last)),
        "lowPrice": eight(min(day.low, last)),
        "volume": eight(day.volume),
        "quoteVolume": eight(day.quote_volume),
        "openTime": now_ms - 86_400_000,
        "closeTime": now_ms,
        "firstId": 0,
        "lastId": ticker.last_trade_id,
        "count": ticker.last_trade_id + 1,
    }


def _day_tickers(exchange: Exchange, call: Call) -> bytes:
    return _each(exchange, call, lambda i: day_ticker(exchange, i.venue_symbol, call.now_ms))


def _prices(exchange: Exchange, call: Call) -> bytes:
    def price(i: LabInstrument) -> dict[str, Any]:
        ticker = exchange.spot.ticker(i.venue_symbol)
        return {"symbol": i.venue_symbol, "price": eight(ticker.last_px or ticker.bid_px)}

    return _each(exchange, call, price)


def _book_tickers(exchange: Exchange, call: Call) -> bytes:
    def best(i: LabInstrument) -> dict[str, Any]:
        ticker = exchange.spot.ticker(i.venue_symbol)
        sizes: tuple[Decimal, ...] = ticker[1:5]
        return dict(
            zip(
                ("symbol", "bidPrice", "bidQty", "askPrice", "askQty"),
                (i.venue_symbol, *map(eight, sizes)),
                strict=True,
            )
        )

    return _each(exchange, call, best)


def _each(exchange: Exchange, call: Call, shape: Any) -> bytes:
    """Answer with one object for `symbol`, else with a list."""
    chosen = _chosen(exchange, call.params)
    return orjson.dumps(shape(chosen[0]) if "symbol" in call.params else [shape(i) for i in chosen])


def _chosen(exchange: Exchange, params: Mapping[str, str]) -> list[LabInstrument]:
    """Return the pairs that `symbol` or the JSON list `symbols` name, else all."""
    listed = exchange.spot.instruments
    if "symbol" in params and "symbols" in params:
        raise errors.ApiError(-1128, "Combination of optional parameters invalid.")
    names: Any = [params["symbol"]] if "symbol" in params else list(listed)
    if "symbols" in params:
        try:
            names = orjson.loads(params["symbols"])
        except orjson.JSONDecodeError:
            raise errors.illegal("symbols", '^\\["[A-Z0-9-_.]{1,20}"(,"[A-Z0-9-_.]{1,20}"){0,}\\]$') from None
    if not isinstance(names, list) or any(not isinstance(n, str) or n not in listed for n in names):
        raise errors.bad_symbol()
    return [listed[name] for name in names]


def _depth_weight(params: Mapping[str, str]) -> int:
    text = params.get("limit", "100")
    limit = int(text) if text.isdecimal() and len(text) < 6 else 5000
    return next((weight for most, weight in ((100, 5), (500, 25), (1000, 50)) if limit <= most), 250)


def _by_symbol(one: int, every: int) -> Any:
    return lambda params: one if "symbol" in params else every


ROUTES: Routes = {
    ("GET", "/api/v3/ping"): route(_ping),
    ("GET", "/api/v3/time"): route(_time),
    ("GET", "/api/v3/exchangeInfo"): route(
        _exchange_info, "symbol symbols permissions showPermissionSets symbolStatus", weight=20
    ),
    ("GET", "/api/v3/depth"): route(_depth, "symbol limit", weight=_depth_weight),
    ("GET", "/api/v3/trades"): route(_trades, "symbol limit", weight=25),
    ("GET", "/api/v3/aggTrades"): route(_aggregate_trades, "symbol fromId startTime endTime limit", weight=4),
    ("GET", "/api/v3/klines"): route(_klines, "symbol interval startTime endTime timeZone limit", weight=2),
    ("GET", "/api/v3/ticker/24hr"): route(_day_tickers, "symbol symbols type", weight=_by_symbol(2, 80)),
    ("GET", "/api/v3/ticker/price"): route(_prices, "symbol symbols", weight=_by_symbol(2, 4)),
    ("GET", "/api/v3/ticker/bookTicker"): route(_book_tickers, "symbol symbols", weight=_by_symbol(2, 4)),
}
