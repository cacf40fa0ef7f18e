"""A scripted exchange that speaks JSON: OKX's and Bybit's adapters on it, and what they asked."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import replace
from decimal import Decimal
from typing import Any
from urllib.parse import parse_qsl

import orjson
from copydesk.trading import Credentials, Instrument
from copydesk.venues import SymbolMap, VenueUrls
from copydesk.venues.bybit.adapter import Bybit
from copydesk.venues.okx.adapter import Okx
from raw_exchange import Reply, ok, raw_exchange

KEY = Credentials(1, "key", "s" * 32, "phrase")
D = Decimal
OKX_BTC = Instrument("okx", "BTC/USDT", "BTC-USDT", "BTC", "USDT", D("0.1"), D("0.00001"), D("0.00001"), D(9000), D(0))
OKX_PERP = replace(
    OKX_BTC,
    symbol="BTC/USDT:USDT",
    venue_symbol="BTC-USDT-SWAP",
    qty_step=D("0.0001"),
    settle="USDT",
    contract_size=D("0.01"),
)
BYBIT_BTC = replace(OKX_BTC, venue="bybit", venue_symbol="BTCUSDT")
BYBIT_PERP = replace(BYBIT_BTC, symbol="BTC/USDT:USDT", qty_step=D("0.001"), settle="USDT")
BYBIT_USDC = replace(BYBIT_PERP, symbol="BTC/USDC:USDC", venue_symbol="BTCPERP", quote="USDC", settle="USDC")

Answer = Any | Callable[[dict[str, Any]], Any]


class JsonExchange:
    """Answers by "METHOD /path" with a value or what a function makes of the parameters; remembers every request."""

    def __init__(self, answers: Mapping[str, Answer]) -> None:
        self.answers = answers
        self.asked: list[tuple[str, Any]] = []

    def __call__(self, request: str) -> Reply:
        head, _, body = request.partition("\r\n\r\n")
        method, target, _ = head.split("\r\n")[0].split(" ")
        path, _, query = target.partition("?")
        params = orjson.loads(body) if body else dict(parse_qsl(query))
        self.asked.append((f"{method} {path}", params))
        answer = self.answers[f"{method} {path}"]
        answer = answer(params) if callable(answer) else answer
        return answer if isinstance(answer, Reply) else ok(orjson.dumps(answer))

    def to(self, place: str) -> list[Any]:
        """Return the parameters of every request to one place."""
        return [params for asked, params in self.asked if asked == place]


def known(*instruments: Instrument) -> SymbolMap:
    symbols = SymbolMap()
    for market, perpetual in (("spot", False), ("perpetual", True)):
        symbols.learn(market, {i.symbol: i for i in instruments if i.perpetual is perpetual})
    return symbols


def data(*rows: Any, code: str = "0") -> dict[str, Any]:
    """OKX's envelope."""
    return {"code": code, "msg": "", "data": list(rows)}


def result(value: Any = None, code: int = 0, message: str = "OK") -> dict[str, Any]:
    """Bybit's envelope."""
    return {"retCode": code, "retMsg": message, "result": {} if value is None else value, "retExtInfo": {}, "time": 1}


@asynccontextmanager
async def okx_on(exchange: JsonExchange) -> AsyncIterator[Okx]:
    async with raw_exchange(exchange) as server:
        venue = Okx(VenueUrls.lab("okx", server.url, "ws://127.0.0.1:9"), symbols=known(OKX_BTC, OKX_PERP))
        try:
            yield venue
        finally:
            await venue.aclose()


@asynccontextmanager
async def bybit_on(exchange: JsonExchange) -> AsyncIterator[Bybit]:
    async with raw_exchange(exchange) as server:
        symbols = known(BYBIT_BTC, BYBIT_PERP, BYBIT_USDC)
        venue = Bybit(VenueUrls.lab("bybit", server.url, "ws://127.0.0.1:9"), symbols=symbols)
        try:
            yield venue
        finally:
            await venue.aclose()
