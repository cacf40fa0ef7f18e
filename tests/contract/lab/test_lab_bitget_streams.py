"""Bitget streams: through unmodified ccxt.pro, and frame by frame where the order and form of events matters."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine
from contextlib import asynccontextmanager
from typing import Any, TypeVar

import aiohttp
import ccxt.pro
import orjson
import pytest
from bitget_lab import BitgetLab, Keys
from copydesk.venues.lab.dialects.bitget.channels import checksum
from lab_thread import PX

SPOT, SWAP = "BTC/USDT", "BTC/USDT:USDT"
SYMBOL = "BTCUSDT"
FUTURES = "USDT-FUTURES"
WAIT_S = 10.0
KINDS = pytest.mark.parametrize("unified", [False, True], ids=["classic", "unified"])
BOTH = pytest.mark.parametrize("symbol", [SPOT, SWAP])
T = TypeVar("T")


def run(talk: Callable[[], Coroutine[Any, Any, T]]) -> T:
    async def bounded() -> T:
        return await asyncio.wait_for(talk(), 60)

    return asyncio.run(bounded())


@asynccontextmanager
async def pro(lab: BitgetLab, keys: Keys, *, unified: bool) -> AsyncIterator[ccxt.pro.bitget]:
    client = ccxt.pro.bitget(lab.options(keys, options={"uta": unified}, headers=lab.address()))
    try:
        await client.load_markets()
        yield client
    finally:
        await client.close()


class Line:
    """One bare connection."""

    def __init__(self, ws: aiohttp.ClientWebSocketResponse) -> None:
        self.ws = ws

    async def say(self, op: str, *args: dict[str, Any]) -> None:
        await self.ws.send_str(orjson.dumps({"op": op, "args": list(args)}).decode())

    async def next(self) -> dict[str, Any]:
        message: dict[str, Any] = orjson.loads(await self.ws.receive_str(timeout=WAIT_S))
        return message

    async def ask(self, op: str, *args: dict[str, Any]) -> dict[str, Any]:
        await self.say(op, *args)
        return await self.next()

    async def push(self, channel: str) -> dict[str, Any]:
        """Return the next data of a channel."""
        while True:
            message = await self.next()
            arg = message.get("arg", {})
            if channel in (arg.get("channel"), arg.get("topic")) and "data" in message:
                return message

    async def login(self, keys: Keys, **other: str) -> dict[str, Any]:
        stamp = other.get("timestamp", str(int(time.time())))
        words = {
            "apiKey": keys.api_key,
            "passphrase": keys.passphrase,
            "timestamp": stamp,
            "sign": keys.sign(f"{stamp}GET/user/verify"),
        }
        return await self.ask("login", {**words, **other})


@asynccontextmanager
async def line(lab: BitgetLab, path: str) -> AsyncIterator[Line]:
    async with aiohttp.ClientSession() as session, session.ws_connect(lab.ws + path) as ws:
        yield Line(ws)


@KINDS
@BOTH
def test_ccxt_watches_the_market(bitget_lab: BitgetLab, unified: bool, symbol: str) -> None:
    keys = bitget_lab.open_account(unified=unified)

    async def talk() -> None:
        async with pro(bitget_lab, keys, unified=unified) as client:
            assert abs((await client.watch_ticker(symbol))["last"] - PX) < 500
            assert (await client.watch_ohlcv(symbol, "1m"))[-1][4] > 0
            best = 0.0
            for px in (PX + 40, PX + 80, PX):
                # ccxt checks the sum of every update itself.
                book = await client.watch_order_book(symbol)
                assert book["bids"][0][0] < book["asks"][0][0]
                best = book["bids"][0][0]
                bitget_lab.pin(px)
            assert abs(best - PX) < 500
            trades = asyncio.ensure_future(client.watch_trades(symbol))
            await client.create_order(symbol, "limit", "buy", 0.01, PX + 1_000)
            assert (await trades)[-1]["symbol"] == symbol

    bitget_lab.pin(PX)
    run(talk)


@KINDS
@BOTH
def test_ccxt_hears_of_its_orders_trades_and_money(bitget_lab: BitgetLab, unified: bool, symbol: str) -> None:
    keys = bitget_lab.open_account(unified=unified)
    kind = "spot" if symbol == SPOT else "swap"

    async def first(watch: Callable[[], Awaitable[T]], wanted: Callable[[T], bool]) -> T:
        while True:
            heard = await watch()
            if wanted(heard):
                return heard

    async def talk() -> None:
        async with pro(bitget_lab, keys, unified=unified) as client, pro(bitget_lab, keys, unified=unified) as other:
            hearing = [
                asyncio.ensure_future(
                    first(lambda: client.watch_orders(symbol), lambda o: o[-1]["status"] == "closed")
                ),
                asyncio.ensure_future(client.watch_my_trades(symbol)),
                asyncio.ensure_future(
                    first(lambda: other.watch_balance({"type": kind}), lambda b: b["USDT"]["total"] < 100_000)
                ),
            ]
            placed, unheard = set(), set(hearing)
            while unheard:
                # What happens before a subscription stands is not told: trade until everything was heard.
                placed.add((await client.create_order(symbol, "limit", "buy", 0.01, PX + 1_000))["id"])
                _, unheard = await asyncio.wait(unheard, timeout=0.5)
            orders, trades, _ = (one.result() for one in hearing)
            assert (orders[-1]["filled"], orders[-1]["side"], trades[-1]["amount"]) == (0.01, "buy", 0.01)
            assert {orders[-1]["id"], trades[-1]["order"]} <= placed
            assert trades[-1]["fee"]["currency"] == ("BTC" if symbol == SPOT else "USDT")

    bitget_lab.pin(PX)
    run(talk)


@KINDS
def test_ccxt_hears_of_its_positions(bitget_lab: BitgetLab, unified: bool) -> None:
    keys = bitget_lab.open_account(unified=unified)

    async def talk() -> None:
        async with pro(bitget_lab, keys, unified=unified) as client:
            await client.create_order(SWAP, "market", "buy", 0.1)
            (position,) = await client.watch_positions([SWAP])
            assert (position["side"], position["contracts"]) == ("long", 0.1)

    bitget_lab.pin(PX)
    run(talk)


@pytest.mark.parametrize("version", ["v2", "v3"])
def test_a_ping_is_a_text_and_so_is_its_pong(bitget_lab: BitgetLab, version: str) -> None:
    async def talk() -> str:
        async with line(bitget_lab, f"/{version}/ws/public") as one:
            await one.ws.send_str("ping")
            return await one.ws.receive_str(timeout=WAIT_S)

    assert run(talk) == "pong"


WRONG: dict[str, tuple[dict[str, str], int, str]] = {
    "key": ({"apiKey": "bg_unknown"}, 30011, "Invalid ACCESS_KEY"),
    "passphrase": ({"passphrase": "other"}, 30012, "Invalid ACCESS_PASSPHRASE"),
    "time": ({"timestamp": "soon"}, 30013, "Invalid ACCESS_TIMESTAMP"),
    "late": ({"timestamp": "1500000000"}, 30014, "Request timestamp expired"),
    "signature": ({"sign": "bm8="}, 30015, "Invalid sign"),
}


@pytest.mark.parametrize("name", WRONG)
def test_a_wrong_login_is_refused(bitget_lab: BitgetLab, name: str) -> None:
    other, code, text = WRONG[name]
    keys = bitget_lab.open_account()

    async def talk() -> dict[str, Any]:
        async with line(bitget_lab, "/v2/ws/private") as one:
            return await one.login(keys, **other)

    assert run(talk) == {"event": "error", "code": code, "msg": text}


def test_private_channels_need_a_login_and_unknown_ones_do_not_exist(bitget_lab: BitgetLab) -> None:
    keys = bitget_lab.open_account()
    orders = {"instType": FUTURES, "channel": "orders", "instId": "default"}
    unknown = {"instType": FUTURES, "channel": "nothing", "instId": SYMBOL}

    async def talk() -> None:
        async with line(bitget_lab, "/v2/ws/private") as one:
            refused = await one.ask("subscribe", orders)
            assert (refused["event"], refused["code"], refused["arg"]) == ("error", 30004, orders)
            assert await one.login(keys) == {"event": "login", "code": 0}
            assert await one.ask("subscribe", orders) == {"event": "subscribe", "arg": orders}
        async with line(bitget_lab, "/v2/ws/public") as one:
            refused = await one.ask("subscribe", unknown)
            assert (refused["code"], refused["arg"]) == (30001, unknown)
            assert (await one.ask("shout"))["code"] == 30003

    run(talk)


def test_a_key_that_may_not_read_a_market_hears_nothing_of_it(bitget_lab: BitgetLab) -> None:
    keys = bitget_lab.issue_key(bitget_lab.open_account().account, ["trade"])

    async def talk() -> dict[str, Any]:
        async with line(bitget_lab, "/v2/ws/private") as one:
            await one.login(keys)
            return await one.ask("subscribe", {"instType": FUTURES, "channel": "orders", "instId": "default"})

    assert run(talk)["event"] == "error"


@pytest.mark.parametrize("kind", ["SPOT", FUTURES])
def test_the_sum_of_a_book_is_of_its_25_best_levels(bitget_lab: BitgetLab, kind: str) -> None:
    async def talk() -> None:
        async with line(bitget_lab, "/v2/ws/public") as one:
            await one.ask("subscribe", {"instType": kind, "channel": "books", "instId": SYMBOL})
            whole = await one.push("books")
            (book,) = whole["data"]
            # The first book has no sum (sic).
            assert (whole["action"], book["checksum"]) == ("snapshot", 0)
            sides: dict[str, dict[str, str]] = {side: dict(book[side]) for side in ("asks", "bids")}
            bitget_lab.pin(PX + 30)
            update = await one.push("books")
            (news,) = update["data"]
            assert update["action"] == "update"
            for side, levels in sides.items():
                for px, qty in news[side]:
                    if qty == "0":
                        levels.pop(px, None)
                    else:
                        levels[px] = qty
            asks, bids = (sorted(sides[side].items(), key=lambda level: float(level[0])) for side in ("asks", "bids"))
            assert news["checksum"] == checksum([list(a) for a in asks], [list(b) for b in reversed(bids)])

    bitget_lab.pin(PX)
    run(talk)


def test_an_order_is_told_live_then_filled_and_then_its_fill(bitget_lab: BitgetLab) -> None:
    keys = bitget_lab.open_account()
    names = [{"instType": FUTURES, "channel": channel, "instId": "default"} for channel in ("orders", "fill")]

    async def talk() -> list[tuple[str, str]]:
        async with line(bitget_lab, "/v2/ws/private") as one:
            await one.login(keys)
            await one.say("subscribe", *names)
            assert [(await one.next())["event"] for _ in names] == ["subscribe", "subscribe"]
            body = {
                "symbol": SYMBOL,
                "productType": FUTURES,
                "marginMode": "crossed",
                "marginCoin": "USDT",
                "size": "0.01",
                "side": "buy",
                "orderType": "limit",
                "price": "110000",
                "clientOid": "told-1",
            }
            path = "/api/v2/mix/order/place-order"
            await asyncio.to_thread(bitget_lab.call, "POST", path, body, keys)
            heard = []
            while not heard or heard[-1][0] != "fill":
                message = await one.next()
                (row,) = message["data"]
                assert row["clientOid"] == "told-1"
                heard.append((message["arg"]["channel"], row.get("status", row.get("baseVolume"))))
            return heard

    bitget_lab.pin(PX)
    assert run(talk) == [("orders", "live"), ("orders", "filled"), ("fill", "0.01")]


def test_a_dropped_connection_leaves_the_account_whole(bitget_lab: BitgetLab) -> None:
    keys = bitget_lab.open_account(unified=True)

    async def talk() -> None:
        async with line(bitget_lab, "/v3/ws/private") as one:
            await one.login(keys)
            await one.ask("subscribe", {"instType": "UTA", "topic": "account"})
            assert (await one.push("account"))["data"][0]["coin"]
            bitget_lab.run(bitget_lab.bitget.disconnect, keys.account)
            ended = await one.ws.receive(timeout=WAIT_S)
            assert ended.type in (aiohttp.WSMsgType.CLOSE, aiohttp.WSMsgType.CLOSED, aiohttp.WSMsgType.CLOSING)

    run(talk)
    order = {"category": "SPOT", "symbol": SYMBOL, "side": "buy", "orderType": "limit", "qty": "0.01", "price": "90000"}
    assert bitget_lab.call("POST", "/api/v3/trade/place-order", order, keys).data["orderId"]
