"""Bybit alone, as the lab speaks it, on a loop of its own in this process: tests steer its world directly.

Clients of any kind reach it over HTTP and WebSocket on 127.0.0.1.
"""

from __future__ import annotations

import hashlib
import hmac
import http.client
import json
import time
from collections.abc import Iterable
from decimal import Decimal
from pathlib import Path
from typing import Any, NamedTuple, TypeVar

import ccxt
from copydesk.venues.lab.dialects.bybit import Bybit
from copydesk.venues.lab.gate import Gate
from copydesk.venues.lab.journal import read_journal
from copydesk.venues.lab.server import Answer, Request
from copydesk.venues.lab.urls import ccxt_urls
from lab_thread import OWNER_IP, LabThread, world_of

RIGHTS = ("read", "trade", "perp", "transfer")
T = TypeVar("T")


class Keys(NamedTuple):
    account: str
    api_key: str
    secret: str

    def sign(self, text: str) -> str:
        return hmac.new(self.secret.encode(), text.encode(), hashlib.sha256).hexdigest()


class Reply(NamedTuple):
    status: int
    headers: dict[str, str]
    body: Any

    @property
    def error(self) -> tuple[int, int, str]:
        return self.status, self.body["retCode"], self.body["retMsg"]

    @property
    def result(self) -> Any:
        assert self.body["retCode"] == 0, self.body
        return self.body["result"]


class BybitLab(LabThread):
    """Start, steer and stop one Bybit; BTC stands at 100,000."""

    def __init__(self, folder: Path) -> None:
        world = world_of(folder, ("bybit",))
        self.exchange = world.exchanges["bybit"]
        self.dialect = Bybit(self.exchange)
        self._gate = Gate(world, [self.dialect], "token")
        self._folder = folder
        self._names = 0
        super().__init__(world, self.dialect)

    def _answer(self, request: Request) -> Answer:
        ip = request.headers.get(b"x-forwarded-for", OWNER_IP.encode()).decode()
        return self._gate(request._replace(peer_ip=ip))

    def pin(self, px: int | str, pair: str = "BTCUSDT") -> None:
        """Hold a pair at this price; books and marks move at once."""

        def move() -> None:
            self.world.pins[pair] = Decimal(px)
            self.world.tick()
            self.dialect.tick()

        self.run(move)

    def open_account(self, permissions: Iterable[str] = RIGHTS, **balances: str) -> Keys:
        """Open an account with a key; without balances it has 10,000 USDT and 1 BTC."""
        self._names += 1
        account = f"bybit-{self._names}"
        money = {asset: Decimal(qty) for asset, qty in (balances or {"USDT": "10000", "BTC": "1"}).items()}
        self.run(self.exchange.create_account, account, money)
        return self.issue_key(account, permissions)

    def issue_key(
        self, account: str, permissions: Iterable[str] = RIGHTS, ips: Iterable[str] = (), expires_ms: int | None = None
    ) -> Keys:
        now_ms = int(self.exchange.now_ms())
        key = self.exchange.keys.issue(self.dialect.key_texts(), account, permissions, ips, now_ms, expires_ms)
        return Keys(account, key.api_key, key.secret)

    def options(self, keys: Keys | None = None, **more: Any) -> dict[str, Any]:
        """Return ccxt's constructor argument: only the addresses differ from production."""
        login = {} if keys is None else {"apiKey": keys.api_key, "secret": keys.secret}
        return {"urls": ccxt_urls("bybit", self.rest, self.ws), "enableRateLimit": False, **login, **more}

    def client(self, keys: Keys | None = None, **more: Any) -> ccxt.bybit:
        return ccxt.bybit(self.options(keys, **more))

    def records(self, kind: str, **wanted: Any) -> list[dict[str, Any]]:
        """Return what the journal holds of one kind."""
        self.run(self.world.journal.flush)
        rows = [row for row in read_journal(self._folder / "journal.jsonl") if row["kind"] == kind]
        return [row for row in rows if all(row.get(name) == value for name, value in wanted.items())]

    def get(self, path: str, query: str = "", keys: Keys | None = None, **headers: str) -> Reply:
        return self.call("GET", f"{path}?{query}" if query else path, "", signed(keys, query) | headers)

    def post(self, path: str, body: Any, keys: Keys | None = None, **headers: str) -> Reply:
        text = body if isinstance(body, str) else json.dumps(body)
        return self.call("POST", path, text, signed(keys, text) | {"Content-Type": "application/json"} | headers)

    def call(self, method: str, path: str, body: str, headers: dict[str, str]) -> Reply:
        """Call as any client would; headers without a value are left out."""
        connection = http.client.HTTPConnection(self.rest.removeprefix("http://"), timeout=10)
        try:
            sent = {name: value for name, value in headers.items() if value}
            connection.request(method, path, body or None, sent)
            response = connection.getresponse()
            told = {name.lower(): value for name, value in response.getheaders()}
            return Reply(response.status, told, json.loads(response.read()))
        finally:
            connection.close()


def signed(keys: Keys | None, payload: str, at_ms: int | None = None, window: str = "5000") -> dict[str, str]:
    """Return the headers that make a request the owner's; none without keys."""
    if keys is None:
        return {}
    stamp = str(int(time.time() * 1000) if at_ms is None else at_ms)
    return {
        "X-BAPI-API-KEY": keys.api_key,
        "X-BAPI-TIMESTAMP": stamp,
        "X-BAPI-RECV-WINDOW": window,
        "X-BAPI-SIGN": keys.sign(stamp + keys.api_key + window + payload),
    }
