"""OKX streams through unmodified ccxt.pro."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import ccxt.pro
import pytest
from lab_thread import PX
from okx_lab import Keys, OkxLab
from okx_line import WAIT_S, line, run

SPOT, SWAP = "BTC/USDT", "BTC/USDT:USDT"
INST = "BTC-USDT-SWAP"


@asynccontextmanager
async def pro(lab: OkxLab, keys: Keys | None = None) -> AsyncIterator[ccxt.pro.okx]:
    client = ccxt.pro.okx(lab.options(keys))
    try:
        await client.load_markets()
        yield client
    finally:
        await client.close()


@pytest.fixture
def lab(fresh_okx: OkxLab) -> OkxLab:
    # Private channels repeat themselves by the exchange's clock, so it must go on as the wall's does.
    fresh_okx.exchange.clock_offset_ms = 0.0
    fresh_okx.pin(PX)
    return fresh_okx


def test_ccxt_watches_the_market(lab: OkxLab) -> None:
    async def talk() -> None:
        async with pro(lab) as client:
            assert (await client.watch_ticker(SWAP))["ask"] == 100_005.0
            assert (await client.watch_ohlcv(SWAP, "1m"))[-1][0] % 60_000 == 0
            assert (await client.watch_mark_price(SWAP))["info"]["markPx"] == str(PX)
            assert (await client.watch_funding_rate(SWAP))["symbol"] == SWAP
            assert (await client.watch_order_book(SPOT, 5))["bids"][0][0] == 99_995.0
            watching = asyncio.ensure_future(client.watch_trades(SWAP))
            await asyncio.wait_for(client.watch_bids_asks([SWAP]), WAIT_S)
            lab.pin(100_100)
            assert (await watching)[-1]["symbol"] == SWAP

    run(talk)


def test_ccxt_keeps_a_book_that_matches_the_exchanges(lab: OkxLab) -> None:
    async def talk() -> None:
        async with pro(lab) as client:
            book = await client.watch_order_book(SWAP)
            for px in (100_200, 100_300, 99_900):
                await asyncio.to_thread(lab.pin, px)
                depth = lab.run(lab.exchange.perp.depth, INST, 400)
                while client.orderbooks[SWAP]["nonce"] != depth.update_id:
                    book = await client.watch_order_book(SWAP)
            assert [(px, qty) for px, qty in book["bids"]] == [(float(p), float(q * 100)) for p, q in depth.bids]
            assert [(px, qty) for px, qty in book["asks"]] == [(float(p), float(q * 100)) for p, q in depth.asks]

    run(talk)


def test_ccxt_watches_its_account(lab: OkxLab) -> None:
    keys = lab.open_account()

    async def talk() -> None:
        async with pro(lab, keys) as client:
            assert (await client.watch_balance())["total"]["USDT"] == 10_000.0
            orders = asyncio.ensure_future(client.watch_orders(SWAP))
            trades = asyncio.ensure_future(client.watch_my_trades(SWAP))
            assert await client.watch_positions() == []
            placed = await client.create_order(SWAP, "market", "buy", 2)
            assert (await orders)[0]["id"] == placed["id"]
            (trade,) = await trades
            assert (trade["order"], trade["amount"], trade["takerOrMaker"]) == (placed["id"], 2.0, "taker")
            (held,) = await client.watch_positions()
            assert (held["side"], held["contracts"]) == ("long", 2.0)
            await client.create_order(SWAP, "market", "sell", 2, None, {"reduceOnly": True})
            gone = await client.watch_positions()
            assert {(one["side"], one["contracts"], one["entryPrice"]) for one in gone} == {
                ("long", 0.0, None),
                ("short", 0.0, None),
            }

    run(talk)


def test_ccxt_places_amends_and_cancels_over_the_socket(lab: OkxLab) -> None:
    keys = lab.open_account()

    async def talk() -> None:
        async with pro(lab, keys) as client:
            placed = await client.create_order_ws(SWAP, "limit", "buy", 1, 90_000)
            await client.edit_order_ws(placed["id"], SWAP, "limit", "buy", 2, 91_000)
            (resting,) = await client.fetch_open_orders(SWAP)
            assert (resting["id"], resting["amount"], resting["price"]) == (placed["id"], 2.0, 91_000.0)
            await client.cancel_order_ws(placed["id"], SWAP)
            with pytest.raises(ccxt.OrderNotFound):
                await client.cancel_order_ws(placed["id"], SWAP)
            with pytest.raises(ccxt.InsufficientFunds):
                await client.create_order_ws(SWAP, "limit", "buy", 200, 99_000)

    run(talk)


def test_ccxt_watches_algo_orders(lab: OkxLab) -> None:
    keys = lab.open_account()

    async def talk() -> None:
        async with pro(lab, keys) as client:
            await client.create_order(SWAP, "market", "buy", 1)
            async with line(lab, "business") as business:
                await business.login(keys)
                await business.subscribe("orders-algo", instType="ANY")
                wanted = {"stopLossPrice": 98_000, "takeProfitPrice": 102_000, "reduceOnly": True}
                pair = await client.create_order(SWAP, "market", "sell", 1, None, wanted)
                live = await business.push("orders-algo")
                await asyncio.to_thread(lab.pin, 103_000)
                done = await business.push("orders-algo")
            states = [(frame["data"][0]["algoId"], frame["data"][0]["state"]) for frame in (live, done)]
            assert states == [(pair["id"], "live"), (pair["id"], "effective")]

    run(talk)
