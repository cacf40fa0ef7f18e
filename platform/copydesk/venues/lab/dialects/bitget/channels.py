"""Public channels of one exchange: who subscribed to what, and one encoded payload for all of them.

Source: the reference's WebSocket pages. `books` sends a snapshot and then the changed levels, with a CRC32 of the
best 25 levels of both sides (classic only); the numbered books always send whole snapshots. The push rates are those
of the reference: books about every 100 ms here, tickers every 300 ms, candles every second.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple
from zlib import crc32

import orjson

from copydesk.venues.lab.dialects.bitget import classic_push, unified_push
from copydesk.venues.lab.dialects.bitget.figures import INTERVALS, Json, latest_candle, levels
from copydesk.venues.lab.exchange import Exchange
from copydesk.venues.lab.market import Candle
from copydesk.venues.lab.model import PERP, SPOT, DepthDiff, LabInstrument, PublicTrade
from copydesk.venues.lab.streams import StreamConnection

TICKER_EVERY_MS = 300
SECOND_MS = 1000
CHECKSUM_LEVELS = 25
BOOK_LEVELS = 500
TRADES_AT_FIRST = 50
CANDLES_AT_FIRST = 500
_LAST = {"lastPr", "bidPr", "askPr", "lastPrice", "bid1Price", "ask1Price"}
PRICES = frozenset({*_LAST, "markPrice", "indexPrice", "price"})


class Speech(NamedTuple):
    """How one generation words its public streams."""

    channel_key: str
    symbol_key: str
    kinds: Mapping[str, str]
    trades: str
    depths: Mapping[str, int]
    ticker: Callable[[Exchange, str, LabInstrument, int], list[Json]]
    trade: Callable[[PublicTrade], Json]
    candle: Callable[[Candle], Any]
    book: Callable[..., Json]


CLASSIC = Speech(
    "channel",
    "instId",
    {SPOT: "SPOT", PERP: "USDT-FUTURES"},
    "trade",
    {"books1": 1, "books5": 5, "books15": 15},
    classic_push.ticker,
    classic_push.trade,
    classic_push.candle,
    classic_push.book,
)
UNIFIED = Speech(
    "topic",
    "symbol",
    {SPOT: "spot", PERP: "usdt-futures"},
    "publicTrade",
    {"books1": 1, "books5": 5, "books50": 50},
    unified_push.ticker,
    unified_push.trade,
    unified_push.candle,
    unified_push.book,
)


class Channel:
    """One channel of one instrument with its subscribers; `arg` is how pushes name it."""

    __slots__ = ("arg", "instrument", "interval_ms", "market", "name", "seq", "subscribers")

    def __init__(self, market: str, name: str, instrument: LabInstrument, interval_ms: int, arg: bytes) -> None:
        self.market = market
        self.name = name
        self.instrument = instrument
        self.interval_ms = interval_ms
        self.arg = arg
        self.seq = 0
        self.subscribers: dict[StreamConnection, None] = {}


class PublicFeed:
    """Feed the public channels of one exchange in one generation's words."""

    def __init__(self, exchange: Exchange, speech: Speech) -> None:
        self.exchange = exchange
        self.speech = speech
        self._channels: dict[tuple[str, str, str], Channel] = {}
        self._by_symbol: dict[tuple[str, str], dict[str, Channel]] = {}
        self._ticker_ms = 0
        self._second = 0
        exchange.streams.on_trade = self._on_trade

    def find(self, arg: Mapping[str, Any]) -> Channel | None:
        """Return the channel that a subscription names, known or new; None if there is no such one."""
        speech, kind = self.speech, str(arg.get("instType", ""))
        market = next((market for market, word in speech.kinds.items() if word == kind), "")
        name, symbol = str(arg.get(speech.channel_key, "")), str(arg.get(speech.symbol_key, ""))
        if not market:
            return None
        instrument = self.exchange.engine(market).instruments.get(symbol)
        full_name, interval_ms = self._named(name, str(arg.get("interval", "")))
        if instrument is None or not full_name:
            return None
        found = self._channels.get((market, full_name, symbol))
        if found is not None:
            return found
        words = {"instType": kind, speech.channel_key: name, speech.symbol_key: symbol}
        if name == "kline":
            words["interval"] = str(arg["interval"])
        return Channel(market, full_name, instrument, interval_ms, orjson.dumps(words))

    def _named(self, name: str, interval: str) -> tuple[str, int]:
        """Return a channel's name with its interval, and that in ms; "" for a channel that does not exist."""
        if name == "kline" and self.speech is UNIFIED:
            return (f"kline{interval}", INTERVALS[interval]) if interval in INTERVALS else ("", 0)
        if name.startswith("candle") and self.speech is CLASSIC:
            interval_ms = INTERVALS.get(name.removeprefix("candle"), 0)
            return (name, interval_ms) if interval_ms else ("", 0)
        return (name, 0) if name in ("ticker", "books", self.speech.trades, *self.speech.depths) else ("", 0)

    def join(self, channel: Channel, connection: StreamConnection) -> None:
        """Add a subscriber and send it what there is now."""
        symbol = channel.instrument.venue_symbol
        self._channels[channel.market, channel.name, symbol] = channel
        self._by_symbol.setdefault((channel.market, symbol), {})[channel.name] = channel
        channel.subscribers[connection] = None
        key = f"{channel.market}/{channel.name}/{symbol}"
        self.exchange.streams.topics.setdefault(key, {})[connection] = True
        first = self._first(channel)
        if first is not None:
            connection.send(self._frame(channel, b"snapshot", first), self._hold_ms())

    def leave(self, channel: Channel, connection: StreamConnection) -> None:
        """Take a subscriber off a channel; one without any is forgotten."""
        channel.subscribers.pop(connection, None)
        symbol = channel.instrument.venue_symbol
        key = f"{channel.market}/{channel.name}/{symbol}"
        self.exchange.streams.topics.get(key, {}).pop(connection, None)
        if not channel.subscribers:
            self._channels.pop((channel.market, channel.name, symbol), None)
            self._by_symbol.get((channel.market, symbol), {}).pop(channel.name, None)
            self.exchange.streams.topics.pop(key, None)

    def _hold_ms(self) -> float:
        return self.exchange.rtt_ms / 2

    def _frame(self, channel: Channel, action: bytes, data: Any) -> bytes:
        now_ms = int(self.exchange.now_ms())
        return b'{"action":"%b","arg":%b,"data":%b,"ts":%d}' % (action, channel.arg, orjson.dumps(data), now_ms)

    def _publish(self, channel: Channel, action: bytes, data: Any) -> None:
        spot, hold_ms = (channel.market, channel.instrument.venue_symbol), self._hold_ms()
        key = f"{channel.market}/{channel.name}/{channel.instrument.venue_symbol}"
        told = self.exchange.public.told(key, spot, self._frame(channel, action, data), PRICES)
        if told is None:
            return
        for connection in channel.subscribers:
            connection.send(told, hold_ms)

    def _first(self, channel: Channel) -> Any:
        """Return what a new subscriber gets first; None where it waits for the next push."""
        exchange, speech, symbol = self.exchange, self.speech, channel.instrument.venue_symbol
        now_ms = int(exchange.now_ms())
        if channel.name == speech.trades:
            latest = list(exchange.prints(channel.market, symbol))[-TRADES_AT_FIRST:]
            return [speech.trade(one) for one in reversed(latest)]
        if channel.interval_ms:
            return [
                speech.candle(one)
                for one in latest_candle(exchange, channel.instrument, channel.interval_ms, CANDLES_AT_FIRST)
            ]
        if channel.name == "ticker":
            return speech.ticker(exchange, channel.market, channel.instrument, now_ms)
        return self._whole_book(channel, speech.depths.get(channel.name, BOOK_LEVELS), now_ms)

    def _whole_book(self, channel: Channel, most: int, now_ms: int) -> list[Json]:
        depth = self.exchange.engine(channel.market).depth(channel.instrument.venue_symbol, most)
        asks, bids = levels(depth.asks), levels(depth.bids)
        return [self.speech.book(asks, bids, checksum=0, seq=depth.update_id, before=0, now_ms=now_ms)]

    def tick(self) -> None:
        """Send book changes, and from time to time tickers and candles; call about every 100 ms."""
        now_ms = int(self.exchange.now_ms())
        tickers = now_ms - self._ticker_ms >= TICKER_EVERY_MS
        second, self._second = self._second, now_ms // SECOND_MS
        if tickers:
            self._ticker_ms = now_ms
        for market in (SPOT, PERP):
            engine = self.exchange.engine(market)
            for symbol in engine.instruments:
                diff = engine.drain_changes(symbol)
                for channel in list(self._by_symbol.get((market, symbol), {}).values()):
                    self._tick_channel(channel, diff, now_ms, tickers=tickers, candles=second != self._second)

    def _tick_channel(
        self, channel: Channel, diff: DepthDiff | None, now_ms: int, *, tickers: bool, candles: bool
    ) -> None:
        exchange, speech = self.exchange, self.speech
        if channel.name == "ticker":
            if tickers:
                data = speech.ticker(exchange, channel.market, channel.instrument, now_ms)
                self._publish(channel, b"snapshot", data)
        elif channel.interval_ms:
            if candles:
                latest = latest_candle(exchange, channel.instrument, channel.interval_ms)
                self._publish(channel, b"update", [speech.candle(one) for one in latest])
        elif diff is not None and channel.name == "books":
            self._publish(channel, b"update", [self._changes(channel, diff, now_ms)])
        elif diff is not None and channel.name in speech.depths:
            self._publish(channel, b"snapshot", self._whole_book(channel, speech.depths[channel.name], now_ms))

    def _changes(self, channel: Channel, diff: DepthDiff, now_ms: int) -> Json:
        best = self.exchange.engine(channel.market).depth(channel.instrument.venue_symbol, CHECKSUM_LEVELS)
        return self.speech.book(
            levels(diff.asks),
            levels(diff.bids),
            checksum=checksum(levels(best.asks), levels(best.bids)),
            seq=diff.last_update_id,
            before=diff.first_update_id - 1,
            now_ms=now_ms,
        )

    def _on_trade(self, market: str, trade: PublicTrade) -> None:
        channel = self._by_symbol.get((market, trade.symbol), {}).get(self.speech.trades)
        if channel is not None:
            self._publish(channel, b"update", [self.speech.trade(trade)])


def checksum(asks: list[list[str]], bids: list[list[str]]) -> int:
    """Return the signed CRC32 of the best levels of both sides in turn, bid first, joined by colons."""
    parts: list[str] = []
    for place in range(CHECKSUM_LEVELS):
        for side in (bids, asks):
            if place < len(side):
                parts += side[place]
    value = crc32(":".join(parts).encode())
    return value - (1 << 32) if value >= 1 << 31 else value
