"""Private WebSocket connections of both generations: login, an account's channels, and what they are told.

Source: the reference's "WebSocket" introduction and its pages of private channels. Which code answers a key of the
other kind of account, or one from a wrong address, is not documented: here the key is invalid, or login fails.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

import orjson

from copydesk.venues.lab.dialects.bitget import classic_push, unified_push
from copydesk.venues.lab.dialects.bitget.access import VERIFY_PATH, WINDOW_MS
from copydesk.venues.lab.dialects.bitget.classic_push import Row
from copydesk.venues.lab.dialects.bitget.routes import ORDER_READ, SPOT_READ, UNIFIED_READ, Right
from copydesk.venues.lab.dialects.bitget.sessions import (
    BAD_KEY,
    BAD_PASSPHRASE,
    BAD_SIGN,
    BAD_TIME,
    LATE,
    LOGIN_FAILED,
    NO_LOGIN,
    Failure,
    SocketSession,
)
from copydesk.venues.lab.exchange import Exchange
from copydesk.venues.lab.model import PERP, SPOT, AccountEvent
from copydesk.venues.lab.streams import StreamConnection


class Wish(NamedTuple):
    """What a private subscription wants: `symbol` "" is every instrument. `arg` is how pushes name it."""

    market: str
    channel: str
    symbol: str
    arg: bytes


_CLASSIC_CHANNELS = {
    SPOT: frozenset({"account", "orders", "fill", "orders-algo"}),
    PERP: frozenset({"account", "orders", "fill", "orders-algo", "positions"}),
}
_CLASSIC_RIGHTS = {SPOT: SPOT_READ, PERP: ORDER_READ}
_UNIFIED_TOPICS = frozenset({"account", "position", "order", "fill", "strategy-order"})


class PrivateSession(SocketSession):
    """One connection to an account's channels; `everyone` holds all that are open."""

    def __init__(
        self, exchange: Exchange, connection: StreamConnection, everyone: set[PrivateSession], *, unified: bool
    ) -> None:
        super().__init__(exchange, connection, unified=unified)
        self.account = ""
        self._permissions: Callable[[Right], bool] = lambda _right: False
        self._wishes: dict[tuple[str, str, str], Wish] = {}
        self._everyone = everyone
        everyone.add(self)

    def acts(self) -> dict[str, Callable[[dict[str, Any]], None]]:
        return {**super().acts(), "login": self.login}

    def login(self, arg: dict[str, Any]) -> None:
        """Check a login as a signed request is checked; its time is in seconds."""
        key = self.exchange.keys.get(str(arg.get("apiKey", "")))
        now_ms, stamp = self.exchange.now_ms(), str(arg.get("timestamp", ""))
        if not stamp.isdecimal() or len(stamp) > 16:
            raise Failure(BAD_TIME)
        sent_ms = int(stamp) if len(stamp) > 11 else int(stamp) * 1000
        if abs(now_ms - sent_ms) > WINDOW_MS:
            raise Failure(LATE)
        if key is None or key.expired(now_ms):
            raise Failure(BAD_KEY)
        if not key.opens_from(self.connection.ip):
            raise Failure(LOGIN_FAILED)
        if arg.get("passphrase") != key.passphrase:
            raise Failure(BAD_PASSPHRASE)
        if not key.signs_base64(f"{stamp}GET{VERIFY_PATH}".encode(), str(arg.get("sign", ""))):
            raise Failure(BAD_SIGN)
        if self.account:
            self.exchange.streams.leave(self.account, self.tell)
        self.account, self._permissions = key.account, lambda right: right.held_by(key)
        self.exchange.streams.listen(self.account, self.tell)
        self.send(b'{"event":"login","code":0}')

    def subscribe(self, arg: dict[str, Any]) -> None:
        if not self.account:
            raise Failure(NO_LOGIN, arg=arg)
        wish = self._wish(arg)
        right = UNIFIED_READ if self.unified else _CLASSIC_RIGHTS[wish.market]
        if not self._permissions(right):
            raise Failure(LOGIN_FAILED, f"Incorrect permissions, need {right.need} permissions", arg)
        self.acknowledge("subscribe", arg)
        self._wishes[wish.market, wish.channel, wish.symbol] = wish
        for row in self._first(wish):
            self._push(wish, row)

    def unsubscribe(self, arg: dict[str, Any]) -> None:
        wish = self._wish(arg)
        self._wishes.pop((wish.market, wish.channel, wish.symbol), None)

    def _wish(self, arg: dict[str, Any]) -> Wish:
        kind = str(arg.get("instType", ""))
        if self.unified:
            topic = str(arg.get("topic", ""))
            if kind.upper() != "UTA" or topic not in _UNIFIED_TOPICS:
                raise self.no_channel(arg)
            words = {"instType": "UTA", "topic": topic}
            if "symbol" in arg:
                words["symbol"] = str(arg["symbol"])
            return Wish(unified_push.ACCOUNT, topic, "", orjson.dumps(words))
        market = {"SPOT": SPOT, "USDT-FUTURES": PERP}.get(kind, "")
        channel = str(arg.get("channel", ""))
        if not market or channel not in _CLASSIC_CHANNELS[market]:
            raise self.no_channel(arg)
        name = "coin" if channel == "account" else "instId"
        target = str(arg.get(name) or "default")
        words = {"instType": kind, "channel": channel, name: target}
        return Wish(market, channel, "" if target == "default" or name == "coin" else target, orjson.dumps(words))

    def _first(self, wish: Wish) -> Iterator[Row]:
        """Yield what a new subscriber is told at once: money and positions."""
        if wish.channel == "account":
            if self.unified:
                yield unified_push.account_row(self.exchange, self.account)
            else:
                yield from classic_push.account_rows(self.exchange, self.account, wish.market)
        elif wish.channel == "positions":
            yield classic_push.position_rows(self.exchange, self.account)
        elif wish.channel == "position":
            yield unified_push.open_positions(self.exchange, self.account)

    def tell(self, event: AccountEvent) -> None:
        """Push an event of the account to whoever wants its channel."""
        if not self._wishes:
            return
        rows = unified_push.rows(self.exchange, event) if self.unified else classic_push.rows(self.exchange, event)
        for row in rows:
            for symbol in ("", row.symbol) if row.symbol else ("",):
                wish = self._wishes.get((row.market, row.channel, symbol))
                if wish is not None:
                    self._push(wish, row)

    def _push(self, wish: Wish, row: Row) -> None:
        now_ms = int(self.exchange.now_ms())
        payload = b'{"action":"snapshot","arg":%b,"data":%b,"ts":%d}' % (wish.arg, orjson.dumps(row.data), now_ms)
        self.connection.send(payload, self.exchange.rtt_ms / 2)

    def on_close(self) -> None:
        self._everyone.discard(self)
        if self.account:
            self.exchange.streams.leave(self.account, self.tell)
