"""Which door leads to which part of Binance: paths that others share, and streams under production's host names."""

from __future__ import annotations

import asyncio
from typing import Any

import aiohttp
import pytest
from binance_lab import BinanceLab
from copydesk.venues.lab.server import Request


def request(method: str, path: str, **headers: str) -> Request:
    named = {name.replace("_", "-").encode(): value.encode() for name, value in headers.items()}
    return Request(method, path, "", named, b"", "127.0.0.1", True, 0.0)


@pytest.mark.parametrize(
    ("asked", "ours"),
    [
        (request("GET", "/api/v3/account"), True),
        (request("GET", "/fapi/v3/positionRisk"), True),
        (request("POST", "/sapi/v1/asset/transfer"), True),
        (request("GET", "/dapi/v1/exchangeInfo"), True),
        (request("GET", "/api/v3/nothing", x_mbx_apikey="k"), True),
        (request("GET", "/anything", host="api.binance.com"), True),
        (request("GET", "/api/v3/account/assets"), False),
        (request("POST", "/api/v3/trade/place-order"), False),
        (request("GET", "/api/v5/account/balance"), False),
        (request("GET", "/v5/market/time"), False),
    ],
)
def test_a_path_that_other_exchanges_share_is_told_by_its_whole(
    binance_lab: BinanceLab, asked: Request, ours: bool
) -> None:
    assert binance_lab.binance.handles(asked) is ours


async def first(url: str, host: str) -> Any:
    async with (
        asyncio.timeout(10),
        aiohttp.ClientSession(headers={"Host": host}) as session,
        session.ws_connect(url) as socket,
    ):
        return await socket.receive_json()


@pytest.mark.parametrize(
    ("path", "host", "has"),
    [
        ("/ws/btcusdt@ticker", "stream.binance.com:9443", {"b", "B"}),
        ("/ws/btcusdt@ticker", "fstream.binance.com", set()),
        ("/stream?streams=btcusdt@ticker", "stream.binance.com:9443", {"b", "B"}),
        ("/stream?streams=btcusdt@ticker", "fstream.binance.com", set()),
        ("/market/ws/btcusdt@ticker", "fstream.binance.com", set()),
        ("/market/stream?streams=btcusdt@ticker", "fstream.binance.com", set()),
        ("/stream/ws/btcusdt@ticker", "127.0.0.1", {"b", "B"}),
        ("/fstream/market/ws/btcusdt@ticker", "127.0.0.1", set()),
    ],
)
def test_streams_have_production_paths_under_production_hosts(
    binance_lab: BinanceLab, path: str, host: str, has: set[str]
) -> None:
    told = asyncio.run(first(binance_lab.ws + path, host))
    event = told["data"] if "streams=" in path else told
    # Only spot's day figures carry the best bid.
    assert (event["e"], {"b", "B"} & set(event)) == ("24hrTicker", has)


def test_a_finished_candle_is_told_before_the_next_one(binance_lab: BinanceLab) -> None:
    async def body() -> list[bool]:
        ended: list[bool] = []
        url = f"{binance_lab.ws}/fstream/market/ws/ethusdt@kline_1m"
        async with asyncio.timeout(20), aiohttp.ClientSession() as session, session.ws_connect(url) as socket:
            await socket.receive_json()
            binance_lab.skew_ms = 60_000
            while not any(ended):
                ended.append((await socket.receive_json())["k"]["x"])
            ended.append((await socket.receive_json())["k"]["x"])
        return ended

    try:
        assert asyncio.run(body())[-2:] == [True, False]
    finally:
        binance_lab.skew_ms = 0


def test_answers_and_pushes_keep_the_round_trip(binance_lab: BinanceLab) -> None:
    async def body() -> list[Any]:
        url = f"{binance_lab.ws}/fstream/public/ws"
        async with asyncio.timeout(10), aiohttp.ClientSession() as session, session.ws_connect(url) as socket:
            await socket.send_json({"method": "SUBSCRIBE", "params": ["btcusdt@bookTicker"], "id": 1})
            while "fstream/btcusdt@bookTicker" not in binance_lab.exchange.streams.topics:
                await asyncio.sleep(0.005)
            binance_lab.pin(100_050)
            return [await socket.receive_json(), await socket.receive_json()]

    binance_lab.world.rtt_ms = 300.0
    try:
        acknowledged, told = asyncio.run(body())
    finally:
        binance_lab.world.rtt_ms = 0.0
        binance_lab.pin(100_000)
    assert (acknowledged, told["e"]) == ({"result": None, "id": 1}, "bookTicker")
