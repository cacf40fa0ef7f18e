"""OKX alone, as the lab speaks it, on a loop of its own in this process: tests steer the world directly.

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
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any, NamedTuple, TypeVar

import ccxt
from copydesk.venues.lab.dialects.okx import Okx
from copydesk.venues.lab.journal import read_journal
from copydesk.venues.lab.server import Answer, Request
from lab_thread import LabThread, world_of

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
    body: Any

    @property
    def error(self) -> tuple[int, str, str]:
        """HTTP status, code and text; those of the order when the request was about one."""
        rows = self.body.get("data")
        if rows and "sCode" in rows[0] and self.body["code"] == "1":
            return self.status, rows[0]["sCode"], rows[0]["sMsg"]
        return self.status, self.body["code"], self.body["msg"]


class OkxLab(LabThread):
    """Start, steer and stop one OKX; BTC stands at 100,000."""

    def __init__(self, folder: Path, *, idle_s: float = 30.0) -> None:
        world = world_of(folder, ("okx",))
        self.exchange = world.exchanges["okx"]
        self.okx = Okx(self.exchange, idle_s=idle_s)
        self._folder = folder
        self._names = 0
        super().__init__(world, self.okx)

    def _answer(self, request: Request) -> Answer:
        ip = request.headers.get(b"x-forwarded-for", self.ip.encode()).decode()
        return self.okx.answer(request, ip, self.exchange.rtt_ms)

    def pin(self, px: int | str, pair: str = "BTCUSDT") -> None:
        """Hold a pair at this price; books and marks move at once."""

        def move() -> None:
            self.world.pins[pair] = Decimal(px)
            self.world.tick()
            self.okx.tick()

        self.run(move)

    def forget_limits(self) -> None:
        """Start all rate limits anew, so that no test pays for another."""
        self.run(self.okx.desk.meters.__init__)  # type: ignore[misc]

    def open_account(self, permissions: Iterable[str] = ("read", "trade", "perp"), **balances: str) -> Keys:
        """Open an account with a key; without balances it has 10,000 USDT and 1 BTC."""
        self._names += 1
        account = f"okx-{self._names}"
        money = {asset: Decimal(qty) for asset, qty in (balances or {"USDT": "10000", "BTC": "1"}).items()}
        self.run(self.exchange.create_account, account, money)
        return self.issue_key(account, permissions)

    def issue_key(
        self,
        account: str,
        permissions: Iterable[str] = ("read", "trade", "perp"),
        ips: Iterable[str] = (),
        expires_ms: int | None = None,
    ) -> Keys:
        now_ms = int(self.exchange.now_ms())
        key = self.exchange.keys.issue(self.okx.key_texts(), account, permissions, ips, now_ms, expires_ms)
        return Keys(account, key.api_key, key.secret, key.passphrase)

    def options(self, keys: Keys | None = None, **more: Any) -> dict[str, Any]:
        """Return ccxt's constructor argument: only the addresses differ from production."""
        login = {} if keys is None else {"apiKey": keys.api_key, "secret": keys.secret, "password": keys.passphrase}
        urls = {"api": {"rest": self.rest, "ws": f"{self.ws}/ws/v5"}}
        return {"urls": urls, "enableRateLimit": False, **login, **more}

    def client(self, keys: Keys | None = None, **more: Any) -> ccxt.okx:
        return ccxt.okx(self.options(keys, **more))

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
            return Reply(response.status, json.loads(response.read()))
        finally:
            connection.close()


def signed(keys: Keys, method: str, path: str, body: str = "", at_s: float | None = None) -> dict[str, str]:
    """Return the headers that make a request the owner's."""
    moment = datetime.fromtimestamp(time.time() if at_s is None else at_s, UTC)
    stamp = moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")
    return {
        "OK-ACCESS-KEY": keys.api_key,
        "OK-ACCESS-SIGN": keys.sign(stamp + method + path + body),
        "OK-ACCESS-TIMESTAMP": stamp,
        "OK-ACCESS-PASSPHRASE": keys.passphrase,
    }
