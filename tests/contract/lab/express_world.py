"""Two worlds that agree in everything, time included: one takes orders by the express lane, the other as always."""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import time
from base64 import b64encode
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any, NamedTuple, cast

import orjson
from copydesk.venues.lab.dialects import open_dialects
from copydesk.venues.lab.exchange import Exchange
from copydesk.venues.lab.express import Express
from copydesk.venues.lab.gate import Gate
from copydesk.venues.lab.journal import read_journal
from copydesk.venues.lab.keys import KeyTexts
from copydesk.venues.lab.run import LabConfig, open_world
from copydesk.venues.lab.server import HttpServer

TOKEN = "token-of-this-test"
NOW_MS = 1_795_000_000_123.25
IP = "127.0.0.9"
ACCOUNT = 'ada "100%"'
RIGHTS = ("read", "trade", "perp")
TEXTS = {
    "binance": KeyTexts("k" * 64, "s" * 64),
    "okx": KeyTexts("0a0a0a0a-0b0b-0c0c-0d0d-0e0e0e0e0e0e", "S" * 32, "Pass-1"),
    "bybit": KeyTexts("k" * 18, "s" * 36),
    "bitget": KeyTexts("bg_" + "0" * 32, "5" * 64, "pass1"),
}
Fields = Mapping[str, Any]


class Written(NamedTuple):
    """What of a request may be otherwise than usual."""

    stamp_ms: float = NOW_MS
    spoilt: bool = False
    more: str = ""
    end: str = "HTTP/1.1"


USUAL = Written()


def order_bytes(venue: str, path: str, fields: Fields | Sequence[Fields], written: Written = USUAL) -> bytes:
    """Write and sign an order as its exchange asks for."""
    return {"binance": _binance, "okx": _okx, "bybit": _bybit, "bitget": _bitget}[venue](path, fields, written)


def _binance(path: str, fields: Any, written: Written) -> bytes:
    payload = "&".join(f"{name}={value}" for name, value in fields.items()) + f"&timestamp={int(written.stamp_ms)}"
    key = TEXTS["binance"]
    body = f"{payload}&signature={_hex(key.secret, payload, written)}"
    return _http(path, {"X-MBX-APIKEY": key.api_key}, body.encode(), written)


def _okx(path: str, fields: Any, written: Written) -> bytes:
    key, body = TEXTS["okx"], orjson.dumps(fields)
    at = datetime.fromtimestamp(written.stamp_ms / 1000, UTC).isoformat(timespec="milliseconds")[:23] + "Z"
    headers = {
        "OK-ACCESS-KEY": key.api_key,
        "OK-ACCESS-SIGN": _base64(key.secret, f"{at}POST{path}{body.decode()}", written),
        "OK-ACCESS-TIMESTAMP": at,
        "OK-ACCESS-PASSPHRASE": key.passphrase,
    }
    return _http(path, headers, body, written)


def _bybit(path: str, fields: Any, written: Written) -> bytes:
    key, body, at = TEXTS["bybit"], orjson.dumps(fields), str(int(written.stamp_ms))
    headers = {
        "X-BAPI-API-KEY": key.api_key,
        "X-BAPI-TIMESTAMP": at,
        "X-BAPI-RECV-WINDOW": "5000",
        "X-BAPI-SIGN": _hex(key.secret, f"{at}{key.api_key}5000{body.decode()}", written),
    }
    return _http(path, headers, body, written)


def _bitget(path: str, fields: Any, written: Written) -> bytes:
    key, body, at = TEXTS["bitget"], orjson.dumps(fields), str(int(written.stamp_ms))
    headers = {
        "ACCESS-KEY": key.api_key,
        "ACCESS-SIGN": _base64(key.secret, f"{at}POST{path}{body.decode()}", written),
        "ACCESS-TIMESTAMP": at,
        "ACCESS-PASSPHRASE": key.passphrase,
    }
    return _http(path, headers, body, written)


def _hex(secret: str, text: str, written: Written) -> str:
    return hmac.new(secret.encode() + b"!" * written.spoilt, text.encode(), hashlib.sha256).hexdigest()


def _base64(secret: str, text: str, written: Written) -> str:
    return b64encode(hmac.digest(secret.encode() + b"!" * written.spoilt, text.encode(), "sha256")).decode()


def _http(path: str, headers: Mapping[str, str], body: bytes, written: Written) -> bytes:
    lines = [f"POST {path} {written.end}", "Host: lab", f"Content-Length: {len(body)}"]
    lines += [f"{name}: {value}" for name, value in headers.items()]
    return ("\r\n".join(lines) + f"\r\n{written.more}\r\n").encode() + body


class Wire(asyncio.Transport):
    """A transport that keeps what is written."""

    def __init__(self) -> None:
        super().__init__({"peername": (IP, 1)})
        self.sent = b""

    def write(self, data: bytes | bytearray | memoryview) -> None:
        self.sent += bytes(data)

    def is_closing(self) -> bool:
        return False

    def close(self) -> None:
        """What was sent is kept."""


class TwinWorld:
    """All exchanges in light mode at one standing moment, with one account that has a key."""

    def __init__(self, folder: Path, venue: str, **key: Any) -> None:
        self.folder = folder
        config = LabConfig(data_dir=folder, token=TOKEN, speed=0.0, start=1_700_000_000_000, light=True)
        self.world = open_world(config)
        self.world.now_ms = lambda: NOW_MS
        dialects = open_dialects(self.world)
        self.gate = Gate(self.world, dialects, TOKEN)
        self.lanes = Express(self.world, [one for each in dialects for one in each.lanes()], self.gate.named_ip)
        self.exchange: Exchange = self.world.exchanges[venue]
        for exchange in self.world.exchanges.values():
            exchange.light = True
        self.exchange.create_account(ACCOUNT, {"USDT": Decimal(1_000_000), "BTC": Decimal(10)})
        if not self.exchange.unified:
            self.exchange.deposit(ACCOUNT, "USDT", Decimal(1_000_000), "futures")
        self._first = self.world.journal.seq
        rights, ips = key.get("rights", RIGHTS), key.get("ips", ())
        self.exchange.keys.issue(TEXTS[venue], ACCOUNT, rights, ips, int(NOW_MS) - 1, key.get("expires_ms"))

    def take(self, raw: bytes) -> bytes:
        """Let the express lane take a request; "" for one that it does not."""
        taken, answers, _ = self.lanes.take(raw, IP, time.monotonic())
        assert taken == (len(raw) if answers else 0)
        return b"".join(answers)

    def serve(self, *pieces: bytes, express: bool = False) -> bytes:
        """Let the server answer what comes in these pieces on one connection, with or without the express lane."""

        async def talk() -> bytes:
            server = HttpServer(self.gate, self.lanes if express else None, self.world.journal.flush)
            connection, wire = server.connection(), Wire()
            connection.connection_made(wire)
            for piece in pieces:
                connection.data_received(piece)
            for _ in range(10):
                await asyncio.sleep(0)
            return wire.sent

        return asyncio.run(talk())

    def pin(self, px: int) -> None:
        """Move BTC to this price."""
        self.world.pins["BTCUSDT"] = Decimal(px)
        self.world.tick()

    def state(self) -> dict[str, Any]:
        return cast(dict[str, Any], orjson.loads(orjson.dumps(self.exchange.snapshot())))

    def records(self) -> list[dict[str, Any]]:
        """Return what the journal tells since the account was opened, but for how long requests took."""
        self.world.journal.flush()
        rows = list(read_journal(self.folder / "journal.jsonl", self._first))
        return [{name: value for name, value in row.items() if name != "latency_ms"} for row in rows]


@contextmanager
def twin_world(folder: Path, venue: str, **key: Any) -> Iterator[TwinWorld]:
    made = TwinWorld(folder, venue, **key)
    try:
        yield made
    finally:
        made.world.journal.close()


__all__ = ["ACCOUNT", "IP", "NOW_MS", "TOKEN", "USUAL", "TwinWorld", "Written", "order_bytes", "twin_world"]
