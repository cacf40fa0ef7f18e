"""Binance USDⓈ-M streams: names, payloads, and the split of the address into public, market and private.

Books, best prices and single trades are on `/public`, all else of the market on `/market`, the user's own on
`/private`; the older address without a part serves everything. A stream asked for on the wrong part is acknowledged
and stays silent (from memory). Source: developers.binance.com, USDⓈ-M futures, "Websocket Market Streams"; ccxt.pro.
"""

from __future__ import annotations

from functools import partial
from typing import Any

from aiohttp import web

from copydesk.venues.lab.dialects.binance.market_session import MarketSession
from copydesk.venues.lab.dialects.binance.topics import CandleTurns, DepthPacer, Topics
from copydesk.venues.lab.dialects.binance.um.listen_keys import Ear, ListenKeys
from copydesk.venues.lab.dialects.binance.um.market import premium
from copydesk.venues.lab.dialects.binance.um.market_shapes import day_figures
from copydesk.venues.lab.dialects.binance.um.stream_shapes import (
    agg_trade,
    book_ticker,
    depth_update,
    kline,
    mark_price,
    mini_ticker,
    ticker,
    trade_event,
)
from copydesk.venues.lab.exchange import Exchange
from copydesk.venues.lab.history import INTERVALS
from copydesk.venues.lab.model import DepthDiff, LabInstrument, PublicTrade
from copydesk.venues.lab.streams import StreamConnection

MESSAGES_PER_S_MAX = 10
SECOND_MS = 1000
MARK_EVERY_S = 3
# The names of book streams by their pace in ms.
PACES = {100: ("100ms", "0ms"), 250: ("", "250ms"), 500: ("500ms",)}
_DEPTHS = (5, 10, 20)
PUBLIC, MARKET, PRIVATE = "public", "market", "private"
_PUBLIC_NAMES = ("@depth", "@bookTicker", "@trade", "@rpiDepth", "!bookTicker")


def part_of(name: str) -> str:
    """Return the part of the address that serves a stream."""
    if "@" not in name and not name.startswith("!"):
        return PRIVATE
    return PUBLIC if any(word in name for word in _PUBLIC_NAMES) else MARKET


class UmStreams:
    """Write the payloads of the futures market for whoever subscribed."""

    def __init__(self, exchange: Exchange) -> None:
        self._exchange = exchange
        self.topics = Topics(exchange, "fstream/")
        self._publish = self.topics.publish
        self._second = 0
        self._turns = CandleTurns()
        self._pacers = {symbol: DepthPacer(tuple(PACES)) for symbol in exchange.perp.instruments}

    def tick(self) -> None:
        """Send book changes, and once a second marks, tickers and candles; call about every 100 ms."""
        now_ms = int(self._exchange.now_ms())
        before, self._second = self._second, now_ms // SECOND_MS
        for symbol, instrument in self._exchange.perp.instruments.items():
            diff = self._exchange.perp.drain_changes(symbol)
            if not self.topics:
                self._pacers[symbol].clear()
                continue
            self._tick_book(symbol, diff, now_ms)
            if before != self._second:
                self._tick_second(instrument, now_ms)
        if self.topics and before != self._second:
            self._tick_all(now_ms)

    def _tick_book(self, symbol: str, diff: DepthDiff | None, now_ms: int) -> None:
        name, pacer = symbol.lower(), self._pacers[symbol]
        if diff is not None:
            pacer.put(diff)
            best = partial(book_ticker, self._exchange, symbol, now_ms)
            self._publish(f"{name}@bookTicker", best)
            self._publish("!bookTicker", best)
        for pace, changes in pacer.due(now_ms):
            for suffix in PACES[pace]:
                pace_name = f"@{suffix}" if suffix else ""
                self._publish(f"{name}@depth{pace_name}", partial(depth_update, symbol, changes, now_ms))
                for levels in _DEPTHS:
                    self._publish(f"{name}@depth{levels}{pace_name}", partial(self._partial, symbol, levels, now_ms))

    def _partial(self, symbol: str, levels: int, now_ms: int) -> dict[str, Any]:
        depth = self._exchange.perp.depth(symbol, levels)
        last = depth.update_id
        return depth_update(symbol, DepthDiff(last, last, depth.bids, depth.asks), now_ms)

    def _tick_second(self, instrument: LabInstrument, now_ms: int) -> None:
        exchange, name = self._exchange, instrument.venue_symbol.lower()
        figures = partial(day_figures, exchange, instrument, now_ms)
        self._publish(f"{name}@markPrice@1s", partial(self._mark, instrument, now_ms))
        if self._second % MARK_EVERY_S == 0:
            self._publish(f"{name}@markPrice", partial(self._mark, instrument, now_ms))
        self._publish(f"{name}@miniTicker", lambda: mini_ticker(figures(), now_ms))
        self._publish(f"{name}@ticker", lambda: ticker(figures(), now_ms))
        for interval in INTERVALS:
            self._tick_candle(f"{name}@kline_{interval}", instrument, interval, now_ms)

    def _tick_candle(self, name: str, instrument: LabInstrument, interval: str, now_ms: int) -> None:
        """Tell the running candle, and before it the one that has just ended."""
        if not self.topics.wanted(name):
            return
        running = kline(self._exchange, instrument, interval, now_ms)
        if self._turns.turned(name, running["k"]["t"]):
            self._publish(name, partial(kline, self._exchange, instrument, interval, now_ms, ended=True))
        self._publish(name, lambda: running)

    def _tick_all(self, now_ms: int) -> None:
        exchange, listed = self._exchange, list(self._exchange.perp.instruments.values())
        self._publish(
            "!miniTicker@arr", lambda: [mini_ticker(day_figures(exchange, i, now_ms), now_ms) for i in listed]
        )
        self._publish("!ticker@arr", lambda: [ticker(day_figures(exchange, i, now_ms), now_ms) for i in listed])
        self._publish("!markPrice@arr@1s", lambda: [self._mark(i, now_ms) for i in listed])
        if self._second % MARK_EVERY_S == 0:
            self._publish("!markPrice@arr", lambda: [self._mark(i, now_ms) for i in listed])

    def _mark(self, instrument: LabInstrument, now_ms: int) -> dict[str, Any]:
        return mark_price(premium(self._exchange, instrument, now_ms))

    def on_trade(self, trade: PublicTrade) -> None:
        """Send one trade of the tape."""
        if not self.topics:
            return
        name = trade.symbol.lower()
        self._publish(f"{name}@trade", lambda: trade_event(trade))
        self._publish(f"{name}@aggTrade", lambda: agg_trade(trade))


class UmNames:
    """Where a stream name leads on one part of the address: a market stream, or an account by its listen key."""

    def __init__(self, streams: UmStreams, keys: ListenKeys, part: str, wanted: frozenset[str] | None) -> None:
        self._topics = streams.topics
        self._keys = keys
        self._part = part
        self._wanted = wanted

    def subscribe(self, name: str, connection: StreamConnection, *, combined: bool) -> None:
        part = part_of(name)
        if self._part not in ("", part):
            return
        if part == PRIVATE:
            self._keys.attach(name, Ear(connection, combined, self._wanted))
        else:
            self._topics.subscribe(name, connection, combined=combined)

    def unsubscribe(self, name: str, connection: StreamConnection) -> None:
        if part_of(name) == PRIVATE:
            self._keys.detach(name, connection)
        else:
            self._topics.unsubscribe(name, connection)


class UmSession(MarketSession):
    """One connection to the futures streams; `?listenKey=` names an account to hear, `&events=` which of its events."""

    def __init__(
        self, streams: UmStreams, keys: ListenKeys, connection: StreamConnection, request: web.Request, part: str
    ) -> None:
        events = request.query.get("events", "")
        wanted = frozenset(events.replace("/", ",").split(",")) if events else None
        names = UmNames(streams, keys, part, wanted)
        super().__init__(streams.topics.exchange, names, connection, request, messages_per_s_max=MESSAGES_PER_S_MAX)
        listen_key = request.query.get("listenKey")
        if listen_key:
            self._subscribe(listen_key)
