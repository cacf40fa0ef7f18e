"""Binance Spot market streams: names, subscriptions and payloads.

Source: developers.binance.com, binance-spot-api-docs `web-socket-streams.md`.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from functools import partial
from typing import Any, cast

import orjson
from aiohttp import web

from copydesk.venues.lab.dialects.binance_market import day_ticker
from copydesk.venues.lab.dialects.binance_shapes import aggregate_trade, eight
from copydesk.venues.lab.exchange import Lab
from copydesk.venues.lab.history import INTERVALS
from copydesk.venues.lab.model import DepthDiff, PublicTrade
from copydesk.venues.lab.streams import StreamConnection

STREAMS_MAX = 1024
MESSAGES_PER_S_MAX = 5
SECOND_MS = 1000
_MINI = ("e", "E", "s", "c", "o", "h", "l", "v", "q")


class MarketStreams:
    """Know who subscribed to which stream and write each payload once for all of them."""

    def __init__(self, lab: Lab) -> None:
        self._lab = lab
        self._subscribers = cast(dict[str, dict[StreamConnection, bool]], lab.streams.topics)
        self._second = 0
        lab.streams.on_trade = self._on_trade

    def subscribe(self, name: str, connection: StreamConnection, *, combined: bool) -> None:
        """Add a subscriber; `combined` ones get the stream's name around each payload."""
        self._subscribers.setdefault(name, {})[connection] = combined

    def unsubscribe(self, name: str, connection: StreamConnection) -> None:
        subscribers = self._subscribers.get(name, {})
        subscribers.pop(connection, None)
        if not subscribers:
            self._subscribers.pop(name, None)

    def tick(self) -> None:
        """Send book changes, and once a second tickers and candles; call about every 100 ms."""
        now_ms = int(self._lab.now_ms())
        second, self._second = self._second, now_ms // SECOND_MS
        for symbol in self._lab.engine.instruments:
            diff = self._lab.engine.drain_changes(symbol)
            if self._subscribers:
                self._tick_symbol(symbol, diff, now_ms, whole_second=second != self._second)
        if self._subscribers and second != self._second:
            self._publish("!miniTicker@arr", lambda: [self._mini(s, now_ms) for s in self._lab.engine.instruments])

    def _tick_symbol(self, symbol: str, diff: DepthDiff | None, now_ms: int, *, whole_second: bool) -> None:
        name = symbol.lower()
        if diff is not None:
            self._publish(f"{name}@depth@100ms", lambda: _depth_update(symbol, diff, now_ms))
            self._publish(f"{name}@bookTicker", lambda: self._book_ticker(symbol, diff.last_update_id))
            for levels in (5, 10, 20):
                self._publish(f"{name}@depth{levels}@100ms", partial(self._partial, symbol, levels))
        if not whole_second:
            return
        self._publish(f"{name}@miniTicker", lambda: self._mini(symbol, now_ms))
        self._publish(f"{name}@ticker", lambda: _ticker(day_ticker(self._lab, symbol, now_ms), now_ms))
        for interval in INTERVALS:
            self._publish(f"{name}@kline_{interval}", partial(self._kline, symbol, interval, now_ms))

    def _publish(self, name: str, make: Callable[[], Any]) -> None:
        subscribers = self._subscribers.get(name)
        if not subscribers:
            return
        payload = orjson.dumps(make())
        wrapped = b'{"stream":"%b","data":%b}' % (name.encode(), payload)
        hold_ms = self._lab.rtt_ms / 2
        for connection, combined in subscribers.items():
            connection.send(wrapped if combined else payload, hold_ms)

    def _on_trade(self, trade: PublicTrade) -> None:
        if not self._subscribers:
            return
        name = trade.symbol.lower()
        self._publish(f"{name}@trade", lambda: _trade(trade))
        self._publish(
            f"{name}@aggTrade", lambda: {"e": "aggTrade", "E": trade.at_ms, "s": trade.symbol} | aggregate_trade(trade)
        )

    def _book_ticker(self, symbol: str, update_id: int) -> dict[str, Any]:
        t = self._lab.engine.ticker(symbol)
        sizes = (eight(value) for value in t[1:5])
        return {"u": update_id, "s": symbol, **dict(zip(("b", "B", "a", "A"), sizes, strict=True))}

    def _partial(self, symbol: str, levels: int) -> dict[str, Any]:
        depth = self._lab.engine.depth(symbol, levels)
        return {"lastUpdateId": depth.update_id, "bids": _levels(depth.bids), "asks": _levels(depth.asks)}

    def _mini(self, symbol: str, now_ms: int) -> dict[str, Any]:
        whole = _ticker(day_ticker(self._lab, symbol, now_ms), now_ms)
        return {**{name: whole[name] for name in _MINI}, "e": "24hrMiniTicker"}

    def _kline(self, symbol: str, interval: str, now_ms: int) -> dict[str, Any]:
        interval_ms, market_ms = INTERVALS[interval], self._lab.market_clock.at(now_ms)
        candle = self._lab.history.klines(symbol, interval_ms, now_ms=now_ms, market_ms=market_ms, limit=1)[0]
        quote = candle.volume * candle.close
        prices = {"o": candle.open, "c": candle.close, "h": candle.high, "l": candle.low, "v": candle.volume}
        body = {
            "t": candle.open_ms,
            "T": candle.open_ms + interval_ms - 1,
            "s": symbol,
            "i": interval,
            "f": -1,
            "L": -1,
            **{name: eight(value) for name, value in prices.items()},
            "n": 0,
            "x": False,
            "q": eight(quote),
            "V": eight(candle.volume / 2),
            "Q": eight(quote / 2),
            "B": "0",
        }
        return {"e": "kline", "E": now_ms, "s": symbol, "k": body}


class MarketSession:
    """One connection to the market streams: SUBSCRIBE, UNSUBSCRIBE, LIST_SUBSCRIPTIONS."""

    def __init__(self, streams: MarketStreams, connection: StreamConnection, request: web.Request) -> None:
        self._streams = streams
        self._connection = connection
        self._combined = "streams" in request.query or request.path.endswith("/stream/stream")
        self._names: set[str] = set()
        self._second = 0
        self._messages = 0
        asked = request.query.get("streams", request.match_info.get("name", ""))
        for name in filter(None, asked.split("/")):
            if "@" in name:
                self._subscribe(name)

    def on_text(self, text: str) -> None:
        if self._too_many():
            self._connection.close(1008, b"Too many requests")
            return
        try:
            message = orjson.loads(text)
            method, names, request_id = message.get("method"), message.get("params", []), message.get("id")
        except (orjson.JSONDecodeError, AttributeError):
            self._error(None, 3, "Invalid JSON: expected value at line 1 column 1")
            return
        if method == "LIST_SUBSCRIPTIONS":
            self._answer(request_id, sorted(self._names))
            return
        if method not in ("SUBSCRIBE", "UNSUBSCRIBE"):
            self._error(request_id, 2, f"Invalid request: unknown variant `{method}`, expected one of `SUBSCRIBE`")
            return
        if not isinstance(names, list) or not all(isinstance(name, str) for name in names):
            self._error(request_id, 2, "Invalid request: request params must be a list of stream names")
            return
        if method == "SUBSCRIBE" and len(self._names | set(names)) > STREAMS_MAX:
            self._error(request_id, 2, f"Invalid request: more than {STREAMS_MAX} streams")
            return
        # The acknowledgement goes first: clients drop data of streams they do not yet know of.
        self._answer(request_id, None)
        for name in names:
            (self._subscribe if method == "SUBSCRIBE" else self._unsubscribe)(name)

    def on_close(self) -> None:
        for name in list(self._names):
            self._unsubscribe(name)

    def _subscribe(self, name: str) -> None:
        self._names.add(name)
        self._streams.subscribe(name, self._connection, combined=self._combined)

    def _unsubscribe(self, name: str) -> None:
        self._names.discard(name)
        self._streams.unsubscribe(name, self._connection)

    def _too_many(self) -> bool:
        second = int(time.monotonic())
        if second != self._second:
            self._second, self._messages = second, 0
        self._messages += 1
        return self._messages > MESSAGES_PER_S_MAX

    def _answer(self, request_id: Any, result: Any) -> None:
        self._connection.send(orjson.dumps({"result": result, "id": request_id}))

    def _error(self, request_id: Any, code: int, msg: str) -> None:
        self._connection.send(orjson.dumps({"error": {"code": code, "msg": msg}, "id": request_id}))


def _levels(levels: Any) -> list[tuple[str, str]]:
    return [(eight(px), eight(qty)) for px, qty in levels]


def _depth_update(symbol: str, diff: DepthDiff, now_ms: int) -> dict[str, Any]:
    return {
        "e": "depthUpdate",
        "E": now_ms,
        "s": symbol,
        "U": diff.first_update_id,
        "u": diff.last_update_id,
        "b": _levels(diff.bids),
        "a": _levels(diff.asks),
    }


def _trade(trade: PublicTrade) -> dict[str, Any]:
    return {
        "e": "trade",
        "E": trade.at_ms,
        "s": trade.symbol,
        "t": trade.trade_id,
        "p": eight(trade.px),
        "q": eight(trade.qty),
        "T": trade.at_ms,
        "m": trade.buyer_is_maker,
        "M": True,
    }


_TICKER_NAMES = {
    "s": "symbol",
    "p": "priceChange",
    "P": "priceChangePercent",
    "w": "weightedAvgPrice",
    "x": "prevClosePrice",
    "c": "lastPrice",
    "Q": "lastQty",
    "b": "bidPrice",
    "B": "bidQty",
    "a": "askPrice",
    "A": "askQty",
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


def _ticker(day: dict[str, Any], now_ms: int) -> dict[str, Any]:
    return {"e": "24hrTicker", "E": now_ms, **{short: day[long] for short, long in _TICKER_NAMES.items()}}
