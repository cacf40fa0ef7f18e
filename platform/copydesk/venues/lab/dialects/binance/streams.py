"""Binance Spot market streams: names and payloads.

Source: developers.binance.com, binance-spot-api-docs `web-socket-streams.md`.
"""

from __future__ import annotations

from functools import partial
from typing import Any

from copydesk.venues.lab.dialects.binance.market import day_ticker
from copydesk.venues.lab.dialects.binance.shapes import aggregate_trade, eight
from copydesk.venues.lab.dialects.binance.topics import CandleTurns, DepthPacer, Topics
from copydesk.venues.lab.exchange import Exchange
from copydesk.venues.lab.history import INTERVALS
from copydesk.venues.lab.model import DepthDiff, PublicTrade

MESSAGES_PER_S_MAX = 5
SECOND_MS = 1000
PACES_MS = (100, 1000)
_DEPTHS = {100: "depth@100ms", 1000: "depth"}
_MINI = ("e", "E", "s", "c", "o", "h", "l", "v", "q")


class SpotStreams:
    """Write the payloads of the spot market for whoever subscribed."""

    def __init__(self, exchange: Exchange) -> None:
        self._exchange = exchange
        self.topics = Topics(exchange)
        self._publish = self.topics.publish
        self._second = 0
        self._turns = CandleTurns()
        self._pacers = {symbol: DepthPacer(PACES_MS) for symbol in exchange.spot.instruments}

    def tick(self) -> None:
        """Send book changes, and once a second tickers and candles; call about every 100 ms."""
        now_ms = int(self._exchange.now_ms())
        second, self._second = self._second, now_ms // SECOND_MS
        for symbol in self._exchange.spot.instruments:
            diff = self._exchange.spot.drain_changes(symbol)
            if self.topics:
                self._tick_symbol(symbol, diff, now_ms, whole_second=second != self._second)
            else:
                self._pacers[symbol].clear()
        if self.topics and second != self._second:
            every = self._exchange.spot.instruments
            self._publish("!miniTicker@arr", lambda: [self._mini(s, now_ms) for s in every])
            self._publish(
                "!ticker@arr", lambda: [_ticker(day_ticker(self._exchange, s, now_ms), now_ms) for s in every]
            )

    def _tick_symbol(self, symbol: str, diff: DepthDiff | None, now_ms: int, *, whole_second: bool) -> None:
        name = symbol.lower()
        if diff is not None:
            self._pacers[symbol].put(diff)
            self._publish(f"{name}@bookTicker", lambda: self._book_ticker(symbol, diff.last_update_id))
            for levels in (5, 10, 20):
                self._publish(f"{name}@depth{levels}@100ms", partial(self._partial, symbol, levels))
        for pace, changes in self._pacers[symbol].due(now_ms):
            self._publish(f"{name}@{_DEPTHS[pace]}", partial(_depth_update, symbol, changes, now_ms))
        if not whole_second:
            return
        for levels in (5, 10, 20):
            self._publish(f"{name}@depth{levels}", partial(self._partial, symbol, levels))
        self._publish(f"{name}@miniTicker", lambda: self._mini(symbol, now_ms))
        self._publish(f"{name}@ticker", lambda: _ticker(day_ticker(self._exchange, symbol, now_ms), now_ms))
        for interval in INTERVALS:
            self._tick_candle(f"{name}@kline_{interval}", symbol, interval, now_ms)

    def _tick_candle(self, name: str, symbol: str, interval: str, now_ms: int) -> None:
        """Tell the running candle, and before it the one that has just ended."""
        if not self.topics.wanted(name):
            return
        running = self._kline(symbol, interval, now_ms)
        if self._turns.turned(name, running["k"]["t"]):
            self._publish(name, partial(self._kline, symbol, interval, now_ms, ended=True))
        self._publish(name, lambda: running)

    def on_trade(self, trade: PublicTrade) -> None:
        """Send one trade of the tape."""
        if not self.topics:
            return
        name = trade.symbol.lower()
        self._publish(f"{name}@trade", lambda: _trade(trade))
        self._publish(
            f"{name}@aggTrade", lambda: {"e": "aggTrade", "E": trade.at_ms, "s": trade.symbol} | aggregate_trade(trade)
        )

    def _book_ticker(self, symbol: str, update_id: int) -> dict[str, Any]:
        t = self._exchange.spot.ticker(symbol)
        sizes = (eight(value) for value in t[1:5])
        return {"u": update_id, "s": symbol, **dict(zip(("b", "B", "a", "A"), sizes, strict=True))}

    def _partial(self, symbol: str, levels: int) -> dict[str, Any]:
        depth = self._exchange.spot.depth(symbol, levels)
        return {"lastUpdateId": depth.update_id, "bids": _levels(depth.bids), "asks": _levels(depth.asks)}

    def _mini(self, symbol: str, now_ms: int) -> dict[str, Any]:
        whole = _ticker(day_ticker(self._exchange, symbol, now_ms), now_ms)
        return {**{name: whole[name] for name in _MINI}, "e": "24hrMiniTicker"}

    def _kline(self, symbol: str, interval: str, now_ms: int, *, ended: bool = False) -> dict[str, Any]:
        interval_ms, market_ms = INTERVALS[interval], self._exchange.world.market_clock.at(now_ms)
        candle = self._exchange.history.klines(symbol, interval_ms, now_ms=now_ms, market_ms=market_ms, limit=2)[
            -2 if ended else -1
        ]
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
            "x": ended,
            "q": eight(quote),
            "V": eight(candle.volume / 2),
            "Q": eight(quote / 2),
            "B": "0",
        }
        return {"e": "kline", "E": now_ms, "s": symbol, "k": body}


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
