"""One market order on each of the lab's dialects, written and signed as its exchange asks, for the lab's benchmark."""

from __future__ import annotations

import hashlib
import hmac
import time
from base64 import b64encode
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import NamedTuple

import orjson

JSON_TYPE = "application/json"


class Login(NamedTuple):
    """A key of one account."""

    account: str
    api_key: str
    secret: str
    passphrase: str


@dataclass(frozen=True)
class Lane:
    """One dialect under measurement: how its order is written, and what its answer to an accepted one holds.

    `ccxt_symbol` and `ccxt_qty` are the same order for ccxt.
    """

    name: str
    venue: str
    accepted: bytes
    ccxt_symbol: str
    ccxt_qty: float
    order: Callable[[Login, int], bytes]


def _hex(secret: str, payload: str) -> str:
    return hmac.new(secret.encode(), payload.encode(), hashlib.sha256).hexdigest()


def _base64(secret: str, payload: str) -> str:
    return b64encode(hmac.digest(secret.encode(), payload.encode(), "sha256")).decode()


def _http(path: str, headers: Mapping[str, str], body: str, content_type: str = JSON_TYPE) -> bytes:
    lines = [f"POST {path} HTTP/1.1", "Host: lab", f"Content-Type: {content_type}", f"Content-Length: {len(body)}"]
    lines += [f"{name}: {value}" for name, value in headers.items()]
    return ("\r\n".join(lines) + "\r\n\r\n" + body).encode()


def _now_ms() -> int:
    return time.time_ns() // 1_000_000


def _binance(path: str, qty: str, answer: str) -> Callable[[Login, int], bytes]:
    def order(login: Login, number: int) -> bytes:
        side = "SELL" if number % 2 else "BUY"
        named = f"newClientOrderId=b{number:022d}&newOrderRespType={answer}"
        terms = f"symbol=BTCUSDT&side={side}&{named}&type=MARKET&quantity={qty}"
        payload = f"{terms}&timestamp={_now_ms()}&recvWindow=60000"
        body = f"{payload}&signature={_hex(login.secret, payload)}"
        return _http(path, {"X-MBX-APIKEY": login.api_key}, body, "application/x-www-form-urlencoded")

    return order


def _okx(login: Login, number: int) -> bytes:
    path, side = "/api/v5/trade/batch-orders", "sell" if number % 2 else "buy"
    term = {"instId": "BTC-USDT-SWAP", "side": side, "ordType": "market", "sz": "1", "tdMode": "cross"}
    body = orjson.dumps([{**term, "clOrdId": f"b{number:022d}"}]).decode()
    at = datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
    headers = {
        "OK-ACCESS-KEY": login.api_key,
        "OK-ACCESS-SIGN": _base64(login.secret, f"{at}POST{path}{body}"),
        "OK-ACCESS-TIMESTAMP": at,
        "OK-ACCESS-PASSPHRASE": login.passphrase,
    }
    return _http(path, headers, body)


def _bybit(login: Login, number: int) -> bytes:
    side, at = "Sell" if number % 2 else "Buy", str(_now_ms())
    term = {"symbol": "BTCUSDT", "side": side, "orderType": "Market", "category": "linear", "qty": "0.01"}
    body = orjson.dumps({**term, "orderLinkId": f"b{number:022d}"}).decode()
    headers = {
        "X-BAPI-API-KEY": login.api_key,
        "X-BAPI-TIMESTAMP": at,
        "X-BAPI-RECV-WINDOW": "60000",
        "X-BAPI-SIGN": _hex(login.secret, f"{at}{login.api_key}60000{body}"),
    }
    return _http("/v5/order/create", headers, body)


def _bitget(login: Login, number: int) -> bytes:
    path, at = "/api/v2/mix/order/place-order", str(_now_ms())
    term = {"symbol": "BTCUSDT", "productType": "USDT-FUTURES", "marginMode": "crossed", "marginCoin": "USDT"}
    asked = {"size": "0.01", "side": "sell" if number % 2 else "buy", "orderType": "market", "force": "GTC"}
    body = orjson.dumps({**term, **asked, "clientOid": f"b{number:022d}"}).decode()
    headers = {
        "ACCESS-KEY": login.api_key,
        "ACCESS-SIGN": _base64(login.secret, f"{at}POST{path}{body}"),
        "ACCESS-TIMESTAMP": at,
        "ACCESS-PASSPHRASE": login.passphrase,
    }
    return _http(path, headers, body)


_SWAP = "BTC/USDT:USDT"
LANES = (
    Lane("binance spot", "binance", b'"FILLED"', "BTC/USDT", 0.001, _binance("/api/v3/order", "0.001", "FULL")),
    Lane("binance um", "binance", b'"FILLED"', _SWAP, 0.01, _binance("/fapi/v1/order", "0.01", "RESULT")),
    Lane("okx", "okx", b'"sCode":"0"', _SWAP, 1.0, _okx),
    Lane("bybit", "bybit", b'"retCode":0', _SWAP, 0.01, _bybit),
    Lane("bitget", "bitget", b'"code":"00000"', _SWAP, 0.01, _bitget),
)
