"""Bybit's public streams of one product: order books, trades, tickers, candles and liquidations.

Every payload is written once for all who listen. Source: v5 documentation, "WebSocket Stream", "Public". Update ids
of a book stream count its own messages without gaps; `seq` orders them against REST.
"""

from __future__ import annotations

from collections import Counter
from typing import Any, cast

import orjson

from copydesk.venues.lab.dialects.bybit.books import DEPTHS, BookView
from copydesk.venues.lab.dialects.bybit.frames import POLICY_VIOLATION, Frames, topics_of
from copydesk.venues.lab.dialects.bybit.ids import trade_id_text
from copydesk.venues.lab.dialects.bybit.limits import IpMeter
from copydesk.venues.lab.dialects.bybit.market import INTERVALS, candle_prices, taker_side
from copydesk.venues.lab.dialects.bybit.tickers import linear_ticker, spot_ticker
from copydesk.venues.lab.dialects.bybit.views import px_text, qty_text
from copydesk.venues.lab.exchange import Exchange
from copydesk.venues.lab.model import PERP, SPOT, LabInstrument, OrderUpdate, PublicTrade
from copydesk.venues.lab.streams import StreamConnection

SECOND_MS = 1000
SPOT_ARGS_MAX = 10
CONNECTIONS_MAX = 1000
ARGS_LEN_MAX = 21_000
PRICES = frozenset({"lastPrice", "markPrice", "indexPrice", "bid1Price", "ask1Price", "p"})
KINDS = {"orderbook": 3, "publicTrade": 2, "tickers": 2, "kline": 3, "allLiquidation": 2}


class PublicTopics:
    """Know who listens to what of one market, and send what happens there."""

    def __init__(self, exchange: Exchange, market: str) -> None:
        self.exchange = exchange
        self.market = market
        self.engine = exchange.engine(market)
        self._listeners = cast(dict[str, dict[StreamConnection, bool]], exchange.streams.topics)
        self._books: dict[tuple[str, int], BookView] = {}
        self._tickers: dict[str, dict[str, str]] = {}
        self._candles: dict[str, int] = {}
        self._last_px: dict[str, tuple[Any, str]] = {}
        self._second = 0
        # Open connections by address.
        self.connections: Counter[str] = Counter()

    def known(self, topic: str) -> bool:
        """Tell whether this market has such a topic."""
        parts = topic.split(".")
        if len(parts) != KINDS.get(parts[0]) or parts[-1] not in self.engine.instruments:
            return False
        if parts[0] == "orderbook":
            return parts[1].isdecimal() and int(parts[1]) in DEPTHS
        if parts[0] == "kline":
            return parts[1] in INTERVALS
        return parts[0] != "allLiquidation" or self.market == PERP

    def join(self, topic: str, connection: StreamConnection) -> None:
        """Start sending a topic; books and perpetual tickers begin with a snapshot."""
        self._listeners.setdefault(f"{self.market}:{topic}", {})[connection] = True
        parts, hold_ms = topic.split("."), self.exchange.rtt_ms
        if parts[0] == "orderbook":
            connection.send(self._book(parts[2], int(parts[1])).snapshot(self._now_ms()), hold_ms)
        elif parts[0] == "tickers":
            connection.send(self._ticker_snapshot(topic, parts[1]), hold_ms)

    def leave(self, topic: str, connection: StreamConnection) -> None:
        key = f"{self.market}:{topic}"
        listeners = self._listeners.get(key, {})
        listeners.pop(connection, None)
        if not listeners:
            self._listeners.pop(key, None)
            parts = topic.split(".")
            if parts[0] == "orderbook":
                self._books.pop((parts[2], int(parts[1])), None)
            self._tickers.pop(topic, None)

    def _now_ms(self) -> int:
        return int(self.exchange.now_ms())

    def _heard(self, topic: str) -> bool:
        return f"{self.market}:{topic}" in self._listeners

    def _send(self, topic: str, payload: bytes) -> None:
        key, hold_ms = f"{self.market}:{topic}", self.exchange.rtt_ms / 2
        told = self.exchange.public.told(key, (self.market, topic.rpartition(".")[2]), payload, PRICES)
        if told is None:
            return
        for connection in self._listeners.get(key, ()):
            connection.send(told, hold_ms)

    def tick(self) -> None:
        """Send what has changed since the last tick; call about every 100 ms."""
        now_ms = self._now_ms()
        second, self._second = self._second, now_ms // SECOND_MS
        changed = {symbol for symbol in self.engine.instruments if self.engine.drain_changes(symbol) is not None}
        if not self._listeners:
            return
        for (symbol, depth), view in list(self._books.items()):
            payload = view.change(now_ms) if symbol in changed else view.repeat(now_ms)
            if payload:
                self._send(f"orderbook.{depth}.{symbol}", payload)
        for symbol, instrument in self.engine.instruments.items():
            self._tick_ticker(symbol)
            if second != self._second:
                self._tick_candles(symbol, instrument, now_ms)

    def _book(self, symbol: str, depth: int) -> BookView:
        view = self._books.get((symbol, depth))
        if view is None:
            view = self._books[symbol, depth] = BookView(self.engine, self.engine.instruments[symbol], depth)
        return view

    def _ticker(self, symbol: str) -> dict[str, str]:
        instrument = self.engine.instruments[symbol]
        if self.market == SPOT:
            whole = spot_ticker(self.exchange, instrument)
            return {name: value for name, value in whole.items() if not name.startswith(("bid1", "ask1"))}
        whole = linear_ticker(self.exchange, instrument, self._now_ms())
        for name in (
            "deliveryTime",
            "deliveryFeeRate",
            "basis",
            "basisRate",
            "basisRateYear",
            "predictedDeliveryPrice",
        ):
            whole.pop(name)
        whole["tickDirection"] = self._last_px.get(symbol, (0, "ZeroPlusTick"))[1]
        return whole

    def _ticker_snapshot(self, topic: str, symbol: str) -> bytes:
        shown = self._tickers.get(topic)
        if shown is None:
            shown = self._tickers[topic] = self._ticker(symbol)
        return self._ticker_frame(topic, "snapshot", shown)

    def _ticker_frame(self, topic: str, kind: str, data: dict[str, str]) -> bytes:
        seq = self.engine.books[topic.rpartition(".")[2]].last_trade_id
        return orjson.dumps({"topic": topic, "ts": self._now_ms(), "type": kind, "cs": seq, "data": data})

    def _tick_ticker(self, symbol: str) -> None:
        topic = f"tickers.{symbol}"
        if not self._heard(topic):
            return
        before, after = self._tickers.get(topic, {}), self._ticker(symbol)
        changes = {name: value for name, value in after.items() if before.get(name) != value}
        if not changes:
            return
        self._tickers[topic] = after
        if self.market == SPOT:
            self._send(topic, self._ticker_frame(topic, "snapshot", after))
        else:
            self._send(topic, self._ticker_frame(topic, "delta", {"symbol": symbol, **changes}))

    def _tick_candles(self, symbol: str, instrument: LabInstrument, now_ms: int) -> None:
        for interval, interval_ms in INTERVALS.items():
            topic = f"kline.{interval}.{symbol}"
            if not self._heard(topic):
                continue
            candles = self.exchange.history.klines(
                instrument.price_symbol,
                interval_ms,
                now_ms=now_ms,
                market_ms=self.exchange.market_ms(),
                limit=2,
            )
            running = candles[-1]
            before = self._candles.get(topic, running.open_ms)
            self._candles[topic] = running.open_ms
            for candle in candles if before != running.open_ms else candles[-1:]:
                closed = candle is not running
                prices = dict(zip(("open", "high", "low", "close"), candle_prices(candle, instrument), strict=True))
                row = {
                    "start": candle.open_ms,
                    "end": candle.open_ms + interval_ms - 1,
                    "interval": interval,
                    **prices,
                    "volume": f"{candle.volume:f}",
                    "turnover": f"{candle.volume * candle.close:f}",
                    "confirm": closed,
                    "timestamp": now_ms,
                }
                self._send(topic, orjson.dumps({"topic": topic, "data": [row], "ts": now_ms, "type": "snapshot"}))

    def on_trade(self, trade: PublicTrade) -> None:
        """Put a trade on the tape."""
        direction = self._direction(trade)
        topic = f"publicTrade.{trade.symbol}"
        if not self._heard(topic):
            return
        instrument = self.engine.books[trade.symbol].instrument
        row = {
            "T": trade.at_ms,
            "s": trade.symbol,
            "S": taker_side(trade),
            "v": qty_text(trade.qty, instrument),
            "p": px_text(trade.px, instrument),
            "L": direction,
            "i": trade_id_text(self.market, trade.trade_id),
            "BT": False,
            "RPI": False,
            "seq": trade.trade_id,
        }
        self._send(topic, orjson.dumps({"topic": topic, "type": "snapshot", "ts": self._now_ms(), "data": [row]}))

    def _direction(self, trade: PublicTrade) -> str:
        last_px, direction = self._last_px.get(trade.symbol, (trade.px, "ZeroPlusTick"))
        if trade.px != last_px:
            direction = "PlusTick" if trade.px > last_px else "MinusTick"
        else:
            direction = "ZeroPlusTick" if "Plus" in direction else "ZeroMinusTick"
        self._last_px[trade.symbol] = trade.px, direction
        return direction

    def on_liquidation(self, event: OrderUpdate) -> None:
        """Tell of a position that was closed by force: `S` is its side, `p` the bankruptcy price."""
        order, execution = event.order, event.execution
        assert execution is not None, "liquidations are told by their fills"
        topic = f"allLiquidation.{order.symbol}"
        if not self._heard(topic):
            return
        instrument = self.engine.books[order.symbol].instrument
        row = {
            "T": event.at_ms,
            "s": order.symbol,
            "S": "Buy" if order.side == "sell" else "Sell",
            "v": qty_text(execution.qty, instrument),
            "p": px_text(execution.px, instrument),
        }
        self._send(topic, orjson.dumps({"topic": topic, "type": "snapshot", "ts": self._now_ms(), "data": [row]}))


class PublicSession(Frames):
    """One connection to the public streams of a product."""

    def __init__(self, topics: PublicTopics, connection: StreamConnection, meter: IpMeter) -> None:
        super().__init__(topics.exchange, connection)
        self._topics = topics
        self._joined: set[str] = set()
        topics.connections[connection.ip] += 1
        if not meter.allows(connection.ip, self.now_ms()) or topics.connections[connection.ip] > CONNECTIONS_MAX:
            connection.close(POLICY_VIOLATION, b"Too many connections")

    def on_text(self, text: str) -> None:
        frame = self.read(text)
        if frame is None:
            return
        act = {"ping": self._ping, "subscribe": self._subscribe, "unsubscribe": self._unsubscribe}.get(frame["op"])
        if act is None:
            self.refuse(frame, "error:invalid op")
        else:
            act(frame)

    def on_close(self) -> None:
        self._topics.connections[self.connection.ip] -= 1
        for topic in self._joined:
            self._topics.leave(topic, self.connection)
        self._joined.clear()

    def _ping(self, frame: dict[str, Any]) -> None:
        self.acknowledge(frame, "pong")

    def _refusal(self, topics: list[str] | None) -> str:
        """Say what is wrong with a subscription, "" for nothing."""
        if topics is None:
            return "error:args invalid"
        if self._topics.market == SPOT and len(topics) > SPOT_ARGS_MAX:
            return f"error:args size >{SPOT_ARGS_MAX}"
        if sum(len(topic) for topic in topics) > ARGS_LEN_MAX:
            return "error:args too long"
        unknown = next((topic for topic in topics if not self._topics.known(topic)), None)
        if unknown is not None:
            return f"error:handler not found,topic:{unknown}"
        again = next((topic for topic in topics if topic in self._joined), None)
        return "" if again is None else f"error:already subscribed,topic:{again}"

    def _subscribe(self, frame: dict[str, Any]) -> None:
        topics = topics_of(frame)
        refusal = self._refusal(topics)
        if refusal or topics is None:
            self.refuse(frame, refusal)
            return
        # The acknowledgement goes first: clients drop data of topics that they do not yet know of.
        self.acknowledge(frame, "subscribe" if self._topics.market == SPOT else "")
        for topic in topics:
            self._joined.add(topic)
            self._topics.join(topic, self.connection)

    def _unsubscribe(self, frame: dict[str, Any]) -> None:
        for topic in topics_of(frame) or []:
            if topic in self._joined:
                self._joined.discard(topic)
                self._topics.leave(topic, self.connection)
        self.acknowledge(frame, "unsubscribe" if self._topics.market == SPOT else "")
