"""Bitget alone, both kinds of account, on a loop of its own in this process: tests steer the world directly.

Clients of any kind reach it over HTTP and WebSocket on 127.0.0.1.
"""

from __future__ import annotations

import base64
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
from copydesk.venues.lab.dialects.bitget import Bitget
from copydesk.venues.lab.journal import read_journal
from copydesk.venues.lab.server import Answer, Request
from lab_thread import LabThread, world_of

ALL = ("read", "trade", "perp", "transfer")
T = TypeVar("T")


class Keys(NamedTuple):
    account: str
    api_key: str
    secret: str
    passphrase: str

    def sign(self, text: str) -> str:
        return base64.b64encode(hmac.new(self.secret.encode(), text.encode(), hashlib.sha256).digest()).decode()


class Reply(NamedTuple):
    status: int
    headers: dict[str, str]
    body: Any

    @property
    def error(self) -> tuple[int, str, str]:
        return self.status, self.body["code"], self.body["msg"]

    @property
    def data(self) -> Any:
        assert self.body["code"] == "00000", self.body
        return self.body["data"]


class BitgetLab(LabThread):
    """Start, steer and stop one Bitget; BTC stands at 100,000."""

    tick_s = 0.05

    def __init__(self, folder: Path) -> None:
        world = world_of(folder, ("bitget", "bitget-uta"))
        self.classic, self.unified = world.exchanges["bitget"], world.exchanges["bitget-uta"]
        self.bitget = Bitget(self.classic, self.unified)
        self._folder = folder
        self._names = 0
        super().__init__(world, self.bitget)

    def _answer(self, request: Request) -> Answer:
        if not self.bitget.handles(request):
            return Answer(404, b'{"code":"nobody","msg":"not a path of Bitget"}')
        ip = request.headers.get(b"x-forwarded-for", self.ip.encode()).decode()
        return self.bitget.answer(request, ip, self.classic.rtt_ms)

    def pin(self, px: int | str, pair: str = "BTCUSDT") -> None:
        """Hold a pair at this price; books and marks move at once."""

        def move() -> None:
            self.world.pins[pair] = Decimal(px)
            self.world.tick()
            self.bitget.tick()

        self.run(move)

    def open_account(
        self, permissions: Iterable[str] = ALL, *, unified: bool = False, futures: str = "100000", **balances: str
    ) -> Keys:
        """Open an account with a key: 100,000 USDT and 1 BTC in spot unless told, and USDT in futures."""
        self._names += 1
        exchange = self.unified if unified else self.classic
        account = f"{exchange.venue}-{self._names}"
        money = {asset: Decimal(qty) for asset, qty in (balances or {"USDT": "100000", "BTC": "1"}).items()}
        self.run(exchange.create_account, account, money)
        if not unified and Decimal(futures):
            self.run(exchange.deposit, account, "USDT", Decimal(futures), "futures")
        return self.issue_key(account, permissions)

    def issue_key(
        self,
        account: str,
        permissions: Iterable[str] = ALL,
        ips: Iterable[str] = (),
        expires_ms: int | None = None,
    ) -> Keys:
        exchange = self.world.exchange_of(account)
        assert exchange is not None
        now_ms = int(exchange.now_ms())
        key = exchange.keys.issue(self.bitget.key_texts(), account, permissions, ips, now_ms, expires_ms)
        return Keys(account, key.api_key, key.secret, key.passphrase)

    def options(self, keys: Keys | None = None, **more: Any) -> dict[str, Any]:
        """Return ccxt's constructor argument: only the addresses differ from production."""
        login = {} if keys is None else {"apiKey": keys.api_key, "secret": keys.secret, "password": keys.passphrase}
        names = ("spot", "mix", "user", "p2p", "broker", "margin", "common", "tax", "convert", "copy", "earn", "uta")
        streams = {
            "public": f"{self.ws}/v2/ws/public",
            "private": f"{self.ws}/v2/ws/private",
            "utaPublic": f"{self.ws}/v3/ws/public",
            "utaPrivate": f"{self.ws}/v3/ws/private",
        }
        urls = {"api": {**dict.fromkeys(names, self.rest), "ws": streams}}
        return {"urls": urls, "enableRateLimit": False, **login, **more}

    def client(self, keys: Keys | None = None, **more: Any) -> ccxt.bitget:
        return ccxt.bitget(self.options(keys, **more))

    def address(self) -> dict[str, str]:
        """Return headers with an address that nobody had, as public limits count by address."""
        self._names += 1
        return {"X-Forwarded-For": f"198.51.100.{self._names}"}

    def visitor(self, keys: Keys) -> ccxt.bitget:
        return self.client(keys, headers=self.address())

    def records(self, kind: str, **wanted: Any) -> list[dict[str, Any]]:
        """Return what the journal holds of one kind."""
        self.run(self.world.journal.flush)
        rows = [row for row in read_journal(self._folder / "journal.jsonl") if row["kind"] == kind]
        return [row for row in rows if all(row.get(name) == value for name, value in wanted.items())]

    def call(
        self, method: str, path: str, body: Any = None, keys: Keys | None = None, headers: dict[str, str] | None = None
    ) -> Reply:
        """Call as any client would; signed when keys are given, and with these headers in place of its own."""
        text = "" if body is None else body if isinstance(body, str) else json.dumps(body)
        sent = {"Content-Type": "application/json"}
        if keys is not None:
            sent |= signed(keys, method, path, text)
        sent |= headers or {}
        connection = http.client.HTTPConnection(self.rest.removeprefix("http://"), timeout=10)
        try:
            connection.request(method, path, text or None, {name: value for name, value in sent.items() if value})
            response = connection.getresponse()
            named = {name.lower(): value for name, value in response.getheaders()}
            return Reply(response.status, named, json.loads(response.read()))
        finally:
            connection.close()


def signed(keys: Keys, method: str, path: str, body: str = "", at_ms: int | None = None) -> dict[str, str]:
    """Return the headers that make a request the owner's."""
    stamp = str(int(time.time() * 1000) if at_ms is None else at_ms)
    return {
        "ACCESS-KEY": keys.api_key,
        "ACCESS-SIGN": keys.sign(stamp + method + path + body),
        "ACCESS-TIMESTAMP": stamp,
        "ACCESS-PASSPHRASE": keys.passphrase,
    }
