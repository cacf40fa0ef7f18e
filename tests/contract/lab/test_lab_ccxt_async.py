"""Unmodified ccxt.async_support.binance and ccxt.pro.binance against the lab."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import ccxt
import ccxt.pro
from ccxt import async_support
from lab_process import Keys, LabProcess

SYMBOL = "BTC/USDT"
SPOT_ONLY = {"options": {"fetchMargins": False, "fetchMarkets": {"types": ["spot"]}}}


def run(exchange: Any, body: Callable[[], Awaitable[None]]) -> None:
    """Run with markets loaded, and close the client whatever happens; nothing may hang."""

    async def whole() -> None:
        try:
            async with asyncio.timeout(20):
                await exchange.load_markets()
                await body()
        finally:
            await exchange.close()

    asyncio.run(whole())


def pro(lab: LabProcess, keys: Keys | None = None) -> Any:
    return ccxt.pro.binance(lab.options(keys) | SPOT_ONLY)


def test_async_orders_balances_and_queries(lab: LabProcess) -> None:
    keys = lab.open_account("async", USDT="100000", BTC="1")
    exchange = async_support.binance(lab.options(keys) | SPOT_ONLY)

    async def body() -> None:
        made = await asyncio.gather(
            *(
                exchange.create_order(SYMBOL, "market", "buy", 0.001, None, {"newClientOrderId": f"a{i}"})
                for i in range(5)
            )
        )
        assert {order["status"] for order in made} == {"closed"}
        rest = await exchange.create_order(SYMBOL, "limit", "sell", 0.1, 120_000)
        edited = await exchange.edit_order(rest["id"], SYMBOL, "limit", "sell", 0.2, 121_000)
        assert [o["id"] for o in await exchange.fetch_open_orders(SYMBOL)] == [edited["id"]]
        found = await exchange.fetch_order(None, SYMBOL, {"origClientOrderId": "a3"})
        assert found["filled"] == 0.001
        assert (await exchange.fetch_balance())["BTC"]["used"] == 0.2

    run(exchange, body)


def test_market_streams_follow_the_market(lab: LabProcess) -> None:
    exchange = pro(lab)

    async def body() -> None:
        book = await exchange.watch_order_book(SYMBOL)
        assert book["bids"][0][0] < 100_000 < book["asks"][0][0]
        lab.control("POST", "marks", symbol="BTCUSDT", px="100100")
        while book["bids"][0][0] < 100_050:
            book = await exchange.watch_order_book(SYMBOL)
        lab.control("POST", "marks", symbol="BTCUSDT", px="100000")
        assert (await exchange.watch_ticker(SYMBOL))["symbol"] == SYMBOL
        assert (await exchange.watch_tickers([SYMBOL]))[SYMBOL]["last"] > 0
        assert (await exchange.watch_bids_asks(["BNB/USDT"]))["BNB/USDT"]["bid"] > 0
        assert len(await exchange.watch_ohlcv(SYMBOL, "1m")) == 1

    run(exchange, body)


def test_the_book_stays_in_step_with_a_fresh_snapshot(lab: LabProcess) -> None:
    exchange = pro(lab)

    async def body() -> None:
        await exchange.watch_order_book("ETH/USDT")
        for px in ("2501.5", "2499.25", "2502"):
            lab.control("POST", "marks", symbol="ETHUSDT", px=px)
        book = await exchange.watch_order_book("ETH/USDT")
        while abs(book["bids"][0][0] + book["asks"][0][0] - 5004) > 0.5:
            book = await exchange.watch_order_book("ETH/USDT")
        fresh = await exchange.fetch_order_book("ETH/USDT")
        assert [list(level) for level in book["bids"]] == fresh["bids"]
        assert [list(level) for level in book["asks"]] == fresh["asks"]

    run(exchange, body)


def test_the_tape_shows_an_execution(lab: LabProcess) -> None:
    keys = lab.open_account("tape", USDT="100000")
    exchange = pro(lab, keys)

    async def body() -> None:
        watching = asyncio.ensure_future(exchange.watch_trades(SYMBOL))
        while not lab.control("GET", "state")["exchanges"]["binance"]["market_streams"]:
            await asyncio.sleep(0.01)
        order = await exchange.create_order(SYMBOL, "market", "buy", 0.00777)
        seen = await watching
        while order["trades"][0]["id"] not in {trade["id"] for trade in seen}:
            seen = await exchange.watch_trades(SYMBOL)
        assert seen[-1]["symbol"] == SYMBOL

    run(exchange, body)


async def subscribed(lab: LabProcess, account: str) -> None:
    while account not in lab.control("GET", "state")["exchanges"]["binance"]["streams"]:
        await asyncio.sleep(0.01)


def test_own_orders_fills_and_balances_are_streamed(lab: LabProcess) -> None:
    exchange = pro(lab, lab.open_account("streams", USDT="100000"))

    async def body() -> None:
        orders = asyncio.ensure_future(exchange.watch_orders(SYMBOL))
        await subscribed(lab, "streams")
        resting = await exchange.create_order(SYMBOL, "limit", "buy", 0.01, 95_000, {"newClientOrderId": "mine"})
        seen = (await orders)[-1]
        assert (seen["id"], seen["clientOrderId"], seen["status"]) == (resting["id"], "mine", "open")
        fills = asyncio.ensure_future(exchange.watch_my_trades(SYMBOL))
        await asyncio.sleep(0)
        lab.control("POST", "marks", symbol="BTCUSDT", px="94000")
        fill = (await fills)[-1]
        assert (fill["order"], fill["takerOrMaker"], fill["amount"]) == (resting["id"], "maker", 0.01)
        balance = exchange.balance["spot"]
        while balance["BTC"]["free"] != 0.00999:
            balance = await exchange.watch_balance()
        assert balance["USDT"]["used"] == 0
        lab.control("POST", "marks", symbol="BTCUSDT", px="100000")
        lab.control("POST", "deposits", account="streams", asset="BTC", qty="1")
        while (after := await exchange.watch_balance())["BTC"]["free"] < 1:
            pass
        assert after["BTC"]["free"] == 1.00999

    run(exchange, body)


def test_a_cancel_is_streamed_under_the_original_client_id(lab: LabProcess) -> None:
    exchange = pro(lab, lab.open_account("cancels", USDT="100000"))

    async def body() -> None:
        watching = asyncio.ensure_future(exchange.watch_orders())
        await subscribed(lab, "cancels")
        order = await exchange.create_order(SYMBOL, "limit", "buy", 0.01, 95_000, {"newClientOrderId": "original"})
        await exchange.cancel_order(order["id"], SYMBOL)
        seen = (await watching)[-1]
        while seen["status"] != "canceled":
            seen = (await exchange.watch_orders())[-1]
        assert seen["clientOrderId"] == "original"

    run(exchange, body)


def test_orders_over_the_websocket_api(lab: LabProcess) -> None:
    exchange = pro(lab, lab.open_account("wsapi", USDT="100000"))

    async def body() -> None:
        filled = await exchange.create_order_ws(SYMBOL, "market", "buy", 0.01)
        assert filled["status"] == "closed"
        resting = await exchange.create_order_ws(SYMBOL, "limit", "buy", 0.01, 90_000)
        edited = await exchange.edit_order_ws(resting["id"], SYMBOL, "limit", "buy", 0.01, 91_000)
        assert (await exchange.fetch_order_ws(edited["id"], SYMBOL))["status"] == "open"
        assert (await exchange.cancel_order_ws(edited["id"], SYMBOL))["status"] == "canceled"
        # ccxt 4.5.90 parses this answer as a futures balance; what came over the wire is in "info".
        raw = (await exchange.fetch_balance_ws())["info"]["balances"]
        assert {"asset": "BTC", "free": "0.00999000", "locked": "0.00000000"} in raw
        try:
            await exchange.create_order_ws(SYMBOL, "limit", "buy", 100, 90_000)
        except ccxt.InsufficientFunds as refused:
            assert "-2010" in str(refused) or "insufficient" in str(refused)
        else:
            raise AssertionError("an order without money was accepted")

    run(exchange, body)


def test_a_disconnected_stream_comes_back_and_events_can_be_replayed(lab: LabProcess) -> None:
    exchange = pro(lab, lab.open_account("replay", USDT="100000"))

    async def body() -> None:
        watching = asyncio.ensure_future(exchange.watch_orders())
        await subscribed(lab, "replay")
        order = await exchange.create_order(SYMBOL, "market", "buy", 0.01)
        await watching
        assert lab.control("POST", "faults", account="replay", harm="disconnect")["disconnected"] == 1
        try:
            while True:
                await exchange.watch_orders()
        except ccxt.NetworkError:
            watching = asyncio.ensure_future(exchange.watch_orders())
        await subscribed(lab, "replay")
        assert lab.control("POST", "replay", account="replay", count=50)["replayed"] == 3
        assert order["id"] in {seen["id"] for seen in await watching}

    run(exchange, body)
