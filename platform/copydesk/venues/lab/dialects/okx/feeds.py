"""OKX public channels: who subscribed to what, and what they are told. Each payload is written once for all.

Source: okx.com/docs-v5, "WS / Tickers channel", "Order book channel", "Trades channel", "Candlesticks channel",
"Mark price channel", "Funding rate channel" and others. The lab's market moves every 100 ms, so nothing comes faster.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any, NamedTuple, cast
from zlib import crc32

import orjson

from copydesk.venues.lab.dialects.okx.catalog import Listed
from copydesk.venues.lab.dialects.okx.desk import Desk
from copydesk.venues.lab.dialects.okx.market import (
    BARS,
    BOOK_MAX,
    bars,
    candle_row,
    index_ticker,
    level_rows,
    ticker_view,
    trade_view,
)
from copydesk.venues.lab.dialects.okx.public import funding_view, instrument_view, mark_view, price_limit_view
from copydesk.venues.lab.model import PERP, SPOT, PublicTrade
from copydesk.venues.lab.streams import StreamConnection

PUBLIC, BUSINESS = "public", "business"
BOOKS, BOOKS5, BEST, TRADES = "books", "books5", "bbo-tbt", "trades"
TICKERS, MARK, FUNDING, LIMIT, INDEX = "tickers", "mark-price", "funding-rate", "price-limit", "index-tickers"
INSTRUMENTS, STATUS, CANDLE = "instruments", "status", "candle"
CHECKSUM_LEVELS = 25
SECOND_MS = 1000
FUNDING_MS = 30_000
SILENCE_MS = 60_000
_SWAPS_ONLY = frozenset({FUNDING})
_BY_INSTRUMENT = frozenset({TICKERS, BOOKS, BOOKS5, BEST, TRADES, MARK, FUNDING, LIMIT})
PRICES = frozenset({"last", "bidPx", "askPx", "markPx", "idxPx", "px"})
_PARTIAL = {BOOKS5: 5, BEST: 1}


class Topic(NamedTuple):
    """What can be subscribed to. `key` names it, `arg` is how every message about it begins."""

    channel: str
    listed: Listed | None
    key: str
    arg: bytes


def checksum(bids: list[list[str]], asks: list[list[str]]) -> int:
    """Return the CRC32 over the best 25 levels, bid and ask in turn, as a signed 32-bit number."""
    parts: list[str] = []
    for place in range(CHECKSUM_LEVELS):
        for side in (bids, asks):
            if place < len(side):
                parts += side[place][:2]
    value = crc32(":".join(parts).encode())
    return value - (1 << 32) if value >= 1 << 31 else value


class PublicFeeds:
    """Know the subscribers and write to them."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk
        self._exchange = desk.exchange
        self._subscribers = cast(dict[str, dict[StreamConnection, bool]], desk.exchange.streams.topics)
        self._topics: dict[str, Topic] = {}
        self._sequences: dict[str, tuple[int, int]] = {}
        self._told: dict[str, bytes] = {}
        self._second = 0
        self._funding_ms = 0
        desk.exchange.streams.on_trade = self._on_trade

    def topic_of(self, path: str, arg: dict[str, Any]) -> Topic | None:
        """Find what a subscription means on this path; None for what does not exist there."""
        channel, name = arg.get("channel"), arg.get("instId")
        if not isinstance(channel, str) or not (name is None or isinstance(name, str)):
            return None
        listed = self._desk.catalog.by_id.get(name or "")
        if listed is not None and not self._desk.catalog.trades(listed):
            return None
        if path == BUSINESS:
            candle = channel.startswith(CANDLE) and channel.removeprefix(CANDLE) in BARS
            return _topic(channel, listed, {"instId": name}) if listed is not None and candle else None
        if path != PUBLIC:
            return None
        if channel in _BY_INSTRUMENT:
            if listed is None or (channel in _SWAPS_ONLY and listed.market != PERP):
                return None
            return _topic(channel, listed, {"instId": name})
        if channel == INDEX:
            pair = next((one for one in self._desk.catalog.all if one.market == SPOT and one.family == name), None)
            return _topic(channel, pair, {"instId": name}) if pair is not None else None
        if channel == INSTRUMENTS and arg.get("instType") in ("SPOT", "SWAP", "MARGIN", "FUTURES", "OPTION"):
            return _topic(channel, None, {"instType": arg["instType"]})
        return _topic(channel, None, {}) if channel == STATUS else None

    def subscribe(self, topic: Topic, connection: StreamConnection) -> None:
        """Add a subscriber and tell it how things stand."""
        if topic.channel == BOOKS:
            assert topic.listed is not None
            self._tell_book(topic.listed)
        self._topics[topic.key] = topic
        self._subscribers.setdefault(topic.key, {})[connection] = True
        first = self._first(topic)
        if first is not None:
            connection.send(first, self._exchange.rtt_ms / 2)

    def unsubscribe(self, key: str, connection: StreamConnection) -> None:
        subscribers = self._subscribers.get(key, {})
        subscribers.pop(connection, None)
        if not subscribers:
            self._subscribers.pop(key, None)
            self._told.pop(key, None)

    def _first(self, topic: Topic) -> bytes | None:
        """Write the first message of a subscription; tapes begin with the next trade."""
        if topic.channel == BOOKS:
            return self._snapshot(topic)
        if topic.channel in (TRADES, STATUS):
            return None
        now_ms = int(self._exchange.now_ms())
        return _message(topic.arg, orjson.dumps(list(self._rows(topic, now_ms))))

    def _rows(self, topic: Topic, now_ms: int) -> Iterable[Any]:
        """Return what a channel tells now."""
        channel, listed, desk = topic.channel, topic.listed, self._desk
        if channel == INSTRUMENTS:
            wanted = orjson.loads(topic.arg)["instType"]
            return [instrument_view(desk, one) for one in desk.catalog.all if one.inst_type == wanted]
        assert listed is not None, "all other channels are about an instrument"
        if channel in _VIEWS:
            return [_VIEWS[channel](desk, listed, now_ms)]
        if channel in _PARTIAL:
            return [self._partial(listed, _PARTIAL[channel], now_ms)]
        bar = BARS[channel.removeprefix(CANDLE)]
        return [candle_row(listed, c, False) for c in bars(desk, listed, bar, now_ms, limit=1)]

    def _partial(self, listed: Listed, levels: int, now_ms: int) -> dict[str, Any]:
        depth = self._exchange.engine(listed.market).depth(listed.inst_id, levels)
        asks, bids = level_rows(listed, depth.asks), level_rows(listed, depth.bids)
        return {"asks": asks, "bids": bids, "instId": listed.inst_id, "ts": str(now_ms), "seqId": depth.update_id}

    def _snapshot(self, topic: Topic) -> bytes:
        listed, now_ms = topic.listed, int(self._exchange.now_ms())
        assert listed is not None
        depth = self._exchange.engine(listed.market).depth(listed.inst_id, BOOK_MAX)
        asks, bids = level_rows(listed, depth.asks), level_rows(listed, depth.bids)
        sequence, _ = self._sequences.setdefault(listed.inst_id, (depth.update_id, now_ms))
        row = {
            "asks": asks,
            "bids": bids,
            "ts": str(now_ms),
            "checksum": checksum(bids, asks),
            "prevSeqId": -1,
            "seqId": sequence,
        }
        return b'{"arg":%b,"action":"snapshot","data":[%b]}' % (topic.arg, orjson.dumps(row))

    def tick(self) -> None:
        """Send what has changed; call about every 100 ms."""
        now_ms = int(self._exchange.now_ms())
        second, self._second = self._second, now_ms // SECOND_MS
        for listed in self._desk.catalog.all:
            changed = self._tell_book(listed)
            if changed and self._subscribers:
                for channel in (BOOKS5, BEST):
                    self._tell_if_new(f"{channel}:{listed.inst_id}", now_ms)
        if not self._subscribers:
            return
        due = self._due(now_ms, whole_second=second != self._second)
        for key in list(self._subscribers):
            channel = key.partition(":")[0]
            if channel in due or (CANDLE in due and channel.startswith(CANDLE)):
                self._tell_if_new(key, now_ms)

    def _due(self, now_ms: int, *, whole_second: bool) -> set[str]:
        """Name the channels whose turn it is: most at every beat, candles each second, funding twice a minute."""
        due = {TICKERS, MARK, INDEX, LIMIT}
        if whole_second:
            due.add(CANDLE)
        if now_ms - self._funding_ms >= FUNDING_MS:
            self._funding_ms = now_ms
            due.add(FUNDING)
        return due

    def _tell_if_new(self, key: str, now_ms: int) -> None:
        """Publish a channel unless it would repeat, but for the time, what it said last."""
        if key not in self._subscribers:
            return
        topic = self._topics[key]
        if topic.listed is not None and not self._desk.catalog.trades(topic.listed):
            return
        rows = list(self._rows(topic, now_ms))
        said = orjson.dumps([row if isinstance(row, list) else {**row, "ts": "", "seqId": 0} for row in rows])
        if self._told.get(key) != said:
            self._told[key] = said
            self._publish(topic, _message(topic.arg, orjson.dumps(rows)))

    def _publish(self, topic: Topic, payload: bytes) -> None:
        spot = ("", "") if topic.listed is None else (topic.listed.market, topic.listed.inst_id)
        told = self._exchange.public.told(topic.key, spot, payload, PRICES)
        if told is None:
            return
        hold_ms = self._exchange.rtt_ms / 2
        for connection in self._subscribers.get(topic.key, ()):
            connection.send(told, hold_ms)

    def _tell_book(self, listed: Listed) -> bool:
        """Send the levels that changed since the last look, or after a minute that none did; tell whether any did."""
        engine, now_ms = self._exchange.engine(listed.market), int(self._exchange.now_ms())
        diff = engine.drain_changes(listed.inst_id)
        before, told_ms = self._sequences.get(listed.inst_id, (-1, now_ms))
        if diff is None and (now_ms - told_ms < SILENCE_MS or before < 0):
            return False
        sequence = before if diff is None else diff.last_update_id
        self._sequences[listed.inst_id] = sequence, now_ms
        key = f"{BOOKS}:{listed.inst_id}"
        if key in self._subscribers and before >= 0:
            depth = engine.depth(listed.inst_id, CHECKSUM_LEVELS)
            row = {
                "asks": [] if diff is None else level_rows(listed, diff.asks),
                "bids": [] if diff is None else level_rows(listed, diff.bids),
                "ts": str(now_ms),
                "checksum": checksum(level_rows(listed, depth.bids), level_rows(listed, depth.asks)),
                "prevSeqId": before,
                "seqId": sequence,
            }
            topic = self._topics[key]
            payload = b'{"arg":%b,"action":"update","data":[%b]}' % (topic.arg, orjson.dumps(row))
            self._publish(topic, payload)
        return diff is not None

    def _on_trade(self, _market: str, trade: PublicTrade) -> None:
        topic = self._topics.get(f"{TRADES}:{trade.symbol}")
        if topic is None or topic.key not in self._subscribers:
            return
        assert topic.listed is not None
        row = {**trade_view(topic.listed, trade), "count": "1", "seqId": trade.trade_id}
        self._publish(topic, _message(topic.arg, orjson.dumps([row])))


_VIEWS: dict[str, Callable[[Desk, Listed, int], dict[str, Any]]] = {
    TICKERS: ticker_view,
    MARK: mark_view,
    FUNDING: funding_view,
    LIMIT: price_limit_view,
    INDEX: index_ticker,
}


def _topic(channel: str, listed: Listed | None, names: dict[str, Any]) -> Topic:
    arg = {"channel": channel, **names}
    return Topic(channel, listed, ":".join(arg.values()), orjson.dumps(arg))


def _message(arg: bytes, data: bytes) -> bytes:
    return b'{"arg":%b,"data":%b}' % (arg, data)
