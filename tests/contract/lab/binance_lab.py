"""Binance alone, as the lab speaks it, on a loop of its own in this process: tests steer the world directly.

REST clients reach it under Binance's real addresses: an adapter of `requests` leads them here, nothing else is changed.
Streams are on 127.0.0.1, with the paths of plain mode.
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
from urllib.parse import urlencode, urlsplit

import ccxt
import requests
from copydesk.venues.lab.dialects.binance import Binance
from copydesk.venues.lab.gate import Gate
from copydesk.venues.lab.journal import read_journal
from copydesk.venues.lab.limits import WeightMeter
from copydesk.venues.lab.server import Answer, Request
from copydesk.venues.lab.urls import binance_urls
from lab_thread import LabThread, wall_ms, world_of
from requests.adapters import HTTPAdapter

TOKEN = "token-of-this-test"
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
        return self.status, self.body["code"], self.body["msg"]


class ToLab(HTTPAdapter):
    """Send what is meant for Binance to the lab; the request's address and host name stay as they are."""

    def __init__(self, port: int) -> None:
        self._port = port
        super().__init__()

    def send(self, request: requests.PreparedRequest, *args: Any, **kwargs: Any) -> requests.Response:
        asked = request.url or ""
        parts = urlsplit(asked)
        request.headers["Host"] = parts.netloc
        request.url = parts._replace(scheme="http", netloc=f"127.0.0.1:{self._port}").geturl()
        response = super().send(request, *args, **kwargs)
        response.url = request.url = asked
        return response


class BinanceLab(LabThread):
    """Start, steer and stop one Binance; BTC stands at 100,000."""

    def __init__(self, folder: Path) -> None:
        self.skew_ms = 0.0
        world = world_of(folder, ("binance",), lambda: wall_ms() + self.skew_ms)
        self.exchange = world.exchanges["binance"]
        self.binance = Binance(self.exchange)
        self._gate = Gate(world, [self.binance], TOKEN)
        self._folder = folder
        self._names = 0
        super().__init__(world, self.binance)

    def _answer(self, request: Request) -> Answer:
        """Let the gate answer; whoever names no address calls from `ip`."""
        named = {b"x-forwarded-for": self.ip.encode(), **request.headers, b"x-lab-token": TOKEN.encode()}
        return self._gate(request._replace(headers=named))

    def pin(self, px: int | str, pair: str = "BTCUSDT") -> None:
        """Hold a pair at this price; books and marks move at once."""

        def move() -> None:
            self.world.pins[pair] = Decimal(px)
            self.world.tick()
            self.binance.tick()

        self.run(move)

    def forget_limits(self) -> None:
        """Start all weights anew, so that no test pays for another."""
        for front in (self.binance.spot, self.binance.futures, self.binance.wallet, self.binance.transfers):
            front.weights = WeightMeter(front.weights.weight_max)

    def open_account(self, permissions: Iterable[str] = RIGHTS, *, futures: str = "10000", **balances: str) -> Keys:
        """Open an account with a key; without balances it has 10,000 USDT and 1 BTC on spot, and as much in futures."""
        self._names += 1
        account = f"binance-{self._names}"
        money = {asset: Decimal(qty) for asset, qty in (balances or {"USDT": "10000", "BTC": "1"}).items()}

        def open_it() -> None:
            self.exchange.create_account(account, money)
            if Decimal(futures):
                self.exchange.deposit(account, "USDT", Decimal(futures), "futures")

        self.run(open_it)
        return self.issue_key(account, permissions)

    def issue_key(
        self,
        account: str,
        permissions: Iterable[str] = RIGHTS,
        ips: Iterable[str] = (),
        expires_ms: int | None = None,
    ) -> Keys:
        now_ms = int(self.exchange.now_ms())
        key = self.exchange.keys.issue(self.binance.key_texts(), account, permissions, ips, now_ms, expires_ms)
        return Keys(account, key.api_key, key.secret)

    def session(self) -> requests.Session:
        """Return a session that finds the lab behind every address."""
        session = requests.Session()
        session.trust_env = False
        session.mount("https://", ToLab(self._rest.port))
        return session

    def client(self, keys: Keys | None = None, kind: str = "binance", **more: Any) -> ccxt.binance:
        """Return ccxt as anyone would make it; only the session leads to the lab."""
        login = {} if keys is None else {"apiKey": keys.api_key, "secret": keys.secret}
        return getattr(ccxt, kind)({"session": self.session(), "enableRateLimit": False, **login, **more})

    def options(self, keys: Keys | None = None, **more: Any) -> dict[str, Any]:
        """Return the constructor argument of ccxt.pro: only the addresses differ from production."""
        login = {} if keys is None else {"apiKey": keys.api_key, "secret": keys.secret}
        return {"urls": binance_urls(self.rest, self.ws), "enableRateLimit": False, **login, **more}

    def records(self, kind: str, **wanted: Any) -> list[dict[str, Any]]:
        """Return what the journal holds of one kind."""
        self.run(self.world.journal.flush)
        rows = [row for row in read_journal(self._folder / "journal.jsonl") if row["kind"] == kind]
        return [row for row in rows if all(row.get(name) == value for name, value in wanted.items())]

    def call(self, method: str, path: str, headers: dict[str, str] | None = None, body: str = "") -> Reply:
        connection = http.client.HTTPConnection(self.rest.removeprefix("http://"), timeout=10)
        try:
            connection.request(method, path, body or None, headers or {})
            response = connection.getresponse()
            told = {name.lower(): value for name, value in response.getheaders()}
            return Reply(response.status, told, json.loads(response.read()))
        finally:
            connection.close()

    def signed(
        self,
        method: str,
        path: str,
        keys: Keys,
        params: dict[str, Any] | None = None,
        headers: dict[str, str] | None = None,
    ) -> Reply:
        """Call as any client would, without a library in between; `params` go as they are given."""
        query = urlencode({"timestamp": int(time.time() * 1000), **(params or {})})
        target = f"{path}?{query}&signature={keys.sign(query)}"
        return self.call(method, target, {"X-MBX-APIKEY": keys.api_key, **(headers or {})})
