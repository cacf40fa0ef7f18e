"""The streams of the lab's Bybit, heard by unmodified ccxt.pro and by a plain WebSocket."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine
from contextlib import asynccontextmanager
from typing import Any, TypeVar

import aiohttp
import ccxt
import ccxt.pro
import pytest
from bybit_lab import BybitLab, Keys
from lab_thread import PX

SPOT, PERP = "BTC/USDT", "BTC/USDT:USDT"
BOTH = pytest.mark.parametrize("symbol", [SPOT, PERP])
WAIT_S = 10
T = TypeVar("T")


def run(test: Coroutine[Any, Any, T]) -> T:
    return asyncio.run(asyncio.wait_for(test, 3 * WAIT_S))


@asynccontextmanager
async def pro(lab: BybitLab, keys: Keys | None = None) -> AsyncIterator[Any]:
    client = ccxt.pro.bybit(lab.options(keys))
    try:
        await client.load_markets()
        yield client
    finally:
        await client.close()


class Socket:
    """A plain connection to one of the lab's WebSocket paths."""

    def __init__(self, ws: aiohttp.ClientWebSocketResponse) -> None:
        self._ws = ws

    async def say(self, **frame: Any) -> None:
        await self._ws.send_str(json.dumps(frame))

    async def hear(self, wanted: Callable[[dict[str, Any]], bool] = lambda _: True) -> dict[str, Any]:
        """Return the next frame that is wanted."""
        while True:
            frame: dict[str, Any] = json.loads((await asyncio.wait_for(self._ws.receive(), WAIT_S)).data)
            if wanted(frame):
                return frame

    async def topic(self, name: str) -> dict[str, Any]:
        return await self.hear(lambda frame: frame.get("topic") == name)

    async def login(self, keys: Keys) -> dict[str, Any]:
        expires = int(time.time() * 1000) + 5000
        await self.say(op="auth", args=[keys.api_key, expires, keys.sign(f"GET/realtime{expires}")])
        return await self.hear(lambda frame: frame.get("op") == "auth")


@asynccontextmanager
async def socket(lab: BybitLab, path: str) -> AsyncIterator[Socket]:
    async with aiohttp.ClientSession() as session, session.ws_connect(f"{lab.ws}{path}") as ws:
        yield Socket(ws)


async def both(first: Awaitable[Any], act: Callable[[], Any]) -> Any:
    """Do something while waiting for what it causes; a watcher that came too late is given another cause."""
    waiting = asyncio.ensure_future(first)
    while not waiting.done():
        await asyncio.to_thread(act)
        await asyncio.wait([waiting], timeout=1.0)
    return await waiting


def buyer(lab: BybitLab, keys: Keys, symbol: str, qty: float = 0.001) -> Callable[[], Any]:
    client = lab.client(keys)
    client.load_markets()
    return lambda: client.create_order(symbol, "market", "buy", qty)


@BOTH
def test_ccxt_hears_the_market(bybit_lab: BybitLab, symbol: str) -> None:
    async def test() -> None:
        async with pro(bybit_lab) as client:
            ticker = await client.watch_ticker(symbol)
            book = await client.watch_order_book(symbol)
            candles = await client.watch_ohlcv(symbol, "1m")
            trades = await both(client.watch_trades(symbol), buyer(bybit_lab, bybit_lab.open_account(), symbol))

            assert ticker["last"] == pytest.approx(PX, rel=1e-3)
            assert book["bids"][0][0] < PX < book["asks"][0][0]
            assert candles[-1][0] % 60_000 == 0
            assert trades[-1]["symbol"] == symbol

    run(test())


@BOTH
def test_ccxt_keeps_its_book_equal_to_the_exchanges(bybit_lab: BybitLab, symbol: str) -> None:
    async def test() -> None:
        async with pro(bybit_lab) as client:
            await client.watch_order_book(symbol)
            for px in (PX + 37, PX - 21, PX):
                moved = asyncio.ensure_future(client.watch_order_book(symbol))
                await asyncio.to_thread(bybit_lab.pin, px)
                book = await moved
            rest = await client.fetch_order_book(symbol, 20)

            assert [level[:2] for level in book["bids"][:20]] == [level[:2] for level in rest["bids"]]
            assert [level[:2] for level in book["asks"][:20]] == [level[:2] for level in rest["asks"]]

    run(test())


def test_ccxt_hears_its_account(bybit_lab: BybitLab) -> None:
    async def test() -> None:
        keys = bybit_lab.open_account()
        async with pro(bybit_lab, keys) as client:
            buy = buyer(bybit_lab, keys, PERP)
            orders = await both(client.watch_orders(PERP), buy)
            trades = await both(client.watch_my_trades(PERP), buy)
            balance = await both(client.watch_balance(), buy)
            await client.watch_positions()
            positions = await both(client.watch_positions([PERP]), buy)

            assert (orders[-1]["status"], orders[-1]["filled"], orders[-1]["symbol"]) == ("closed", 0.001, PERP)
            assert (trades[-1]["amount"], trades[-1]["takerOrMaker"], trades[-1]["symbol"]) == (0.001, "taker", PERP)
            assert balance["USDT"]["total"] < 10_000
            assert (positions[-1]["side"], positions[-1]["symbol"]) == ("long", PERP)

    run(test())


def test_ccxt_trades_over_the_socket(bybit_lab: BybitLab) -> None:
    async def test() -> None:
        async with pro(bybit_lab, bybit_lab.open_account()) as client:
            placed = await client.create_order_ws(PERP, "limit", "buy", 0.01, 90_000)
            await client.edit_order_ws(placed["id"], PERP, "limit", "buy", 0.02, 91_000)
            (resting,) = await client.fetch_open_orders(PERP)
            await client.cancel_order_ws(placed["id"], PERP)

            assert (resting["id"], resting["price"], resting["amount"]) == (placed["id"], 91_000, 0.02)
            assert await client.fetch_open_orders(PERP) == []
            with pytest.raises(ccxt.InsufficientFunds):
                await client.create_order_ws(PERP, "limit", "buy", 100, 90_000)

    run(test())


def test_messages_of_one_fill_come_in_order_and_agree(bybit_lab: BybitLab) -> None:
    async def test() -> list[dict[str, Any]]:
        keys = bybit_lab.open_account()
        bybit_lab.client(keys).set_leverage(50, PERP)
        async with socket(bybit_lab, "/v5/private") as ws:
            assert (await ws.login(keys))["success"] is True
            await ws.say(op="subscribe", args=["order", "execution", "position", "wallet"], req_id="7")
            assert (await ws.hear())["req_id"] == "7"
            await asyncio.to_thread(buyer(bybit_lab, keys, PERP, qty))
            return [await ws.hear(lambda frame: "topic" in frame) for _ in range(4)]

    # A little more than the best level has, so that there are two executions.
    best = bybit_lab.get("/v5/market/orderbook", "category=linear&symbol=BTCUSDT&limit=1").result["a"][0]
    qty = round(float(best[1]) + 0.001, 3)
    order, execution, wallet, position = run(test())

    assert [m["topic"] for m in (order, execution, wallet, position)] == ["order", "execution", "wallet", "position"]
    (told,) = order["data"]
    assert (told["orderStatus"], told["cumExecQty"], told["category"]) == ("Filled", f"{qty:.3f}", "linear")
    assert [row["execQty"] for row in execution["data"]] == [best[1], "0.001"]
    assert [row["leavesQty"] for row in execution["data"]] == ["0.001", "0.000"]
    assert {row["orderId"] for row in execution["data"]} == {told["orderId"]}
    assert (position["data"][0]["size"], position["data"][0]["side"]) == (f"{qty:.3f}", "Buy")
    assert {"entryPrice", "positionIdx", "curRealisedPnl", "liqPrice"} <= set(position["data"][0])
    assert [coin["coin"] for coin in wallet["data"][0]["coin"]] == ["USDT"]


def test_executions_tell_what_they_closed_and_earned(bybit_lab: BybitLab) -> None:
    async def test() -> list[dict[str, Any]]:
        keys = bybit_lab.open_account()
        buyer(bybit_lab, keys, PERP, 0.01)()
        entry.append(bybit_lab.client(keys).fetch_position(PERP)["entryPrice"])
        async with socket(bybit_lab, "/v5/private") as ws:
            await ws.login(keys)
            await ws.say(op="subscribe", args=["execution.linear", "execution.fast"])
            await ws.hear()
            seller = bybit_lab.client(keys)
            seller.load_markets()
            await asyncio.to_thread(lambda: seller.create_order(PERP, "market", "sell", 0.015))
            return [await ws.topic("execution.linear"), await ws.topic("execution.fast")]

    entry: list[float] = []
    full, fast = run(test())
    (told,) = full["data"]

    assert told["closedSize"] == "0.010"
    assert float(told["execPnl"]) == pytest.approx((float(told["execPrice"]) - entry[0]) * 0.01)
    assert set(fast["data"][0]) == {
        *("category", "symbol", "execId", "execPrice", "execQty", "orderId"),
        *("isMaker", "orderLinkId", "side", "execTime", "seq"),
    }


def test_a_triggered_order_is_told_under_one_id(bybit_lab: BybitLab) -> None:
    async def test() -> list[tuple[str, str]]:
        keys = bybit_lab.open_account()
        body = {"category": "linear", "symbol": "ETHUSDT", "side": "Buy", "orderType": "Market", "qty": "0.1"}
        async with socket(bybit_lab, "/v5/private") as ws:
            await ws.login(keys)
            await ws.say(op="subscribe", args=["order.linear"])
            await ws.hear()
            bybit_lab.pin(2000, "ETHUSDT")
            placed = bybit_lab.post(
                "/v5/order/create", body | {"triggerPrice": "2100", "triggerDirection": 1}, keys
            ).result
            told = [(row["orderId"], row["orderStatus"]) for row in (await ws.topic("order.linear"))["data"]]
            await asyncio.to_thread(bybit_lab.pin, 2110, "ETHUSDT")
            told += [(row["orderId"], row["orderStatus"]) for row in (await ws.topic("order.linear"))["data"]]
            assert {order_id for order_id, _ in told} == {placed["orderId"]}
            return told

    assert [status for _, status in run(test())] == ["Untriggered", "Triggered", "Filled"]


def test_a_maker_hears_of_a_new_order_then_of_its_fill(bybit_lab: BybitLab) -> None:
    async def test() -> list[str]:
        keys = bybit_lab.open_account()
        client = bybit_lab.client(keys)
        client.load_markets()
        async with socket(bybit_lab, "/v5/private") as ws:
            await ws.login(keys)
            await ws.say(op="subscribe", args=["order"])
            await ws.hear()
            await asyncio.to_thread(lambda: client.create_order(SPOT, "limit", "buy", 0.001, 99_000))
            statuses = [(await ws.topic("order"))["data"][0]["orderStatus"]]
            await asyncio.to_thread(bybit_lab.pin, 98_900)
            statuses.append((await ws.topic("order"))["data"][0]["orderStatus"])
            await asyncio.to_thread(bybit_lab.pin, PX)
            return statuses

    assert run(test()) == ["New", "Filled"]


def test_a_position_is_told_again_with_every_order_on_it(bybit_lab: BybitLab) -> None:
    async def test() -> dict[str, Any]:
        keys = bybit_lab.open_account()
        client = bybit_lab.client(keys)
        client.load_markets()
        async with socket(bybit_lab, "/v5/private") as ws:
            await ws.login(keys)
            await ws.say(op="subscribe", args=["position"])
            await ws.hear()
            await asyncio.to_thread(lambda: client.create_order(PERP, "limit", "buy", 0.001, 90_000))
            return await ws.topic("position")

    assert [(row["size"], row["side"]) for row in run(test())["data"]] == [("0.000", "")]


@pytest.mark.parametrize(("product", "says"), [("spot", "subscribe"), ("linear", "")])
def test_public_answers_have_the_products_own_words(bybit_lab: BybitLab, product: str, says: str) -> None:
    async def test() -> list[dict[str, Any]]:
        async with socket(bybit_lab, f"/v5/public/{product}") as ws:
            frames = []
            await ws.say(op="ping", req_id="1")
            frames.append(await ws.hear())
            await ws.say(op="subscribe", args=["publicTrade.BTCUSDT"], req_id="2")
            frames.append(await ws.hear())
            await ws.say(op="subscribe", args=["publicTrade.NOPE"], req_id="3")
            frames.append(await ws.hear())
            await ws.say(op="subscribe", args=["publicTrade.BTCUSDT"])
            frames.append(await ws.hear(lambda frame: "op" in frame))
            return frames

    pong, joined, unknown, again = run(test())

    assert (pong["ret_msg"], pong["op"], pong["req_id"]) == ("pong", "ping", "1")
    assert (joined["success"], joined["ret_msg"], joined["req_id"]) == (True, says, "2")
    assert (unknown["success"], unknown["ret_msg"]) == (False, "error:handler not found,topic:publicTrade.NOPE")
    assert (again["success"], again["ret_msg"]) == (False, "error:already subscribed,topic:publicTrade.BTCUSDT")


def test_a_perpetual_ticker_begins_whole_and_then_tells_changes(bybit_lab: BybitLab) -> None:
    async def test() -> tuple[dict[str, Any], dict[str, Any]]:
        async with socket(bybit_lab, "/v5/public/linear") as ws:
            await ws.say(op="subscribe", args=["tickers.BTCUSDT"])
            whole = await ws.topic("tickers.BTCUSDT")
            await asyncio.to_thread(bybit_lab.pin, PX + 500)
            change = await ws.hear(lambda frame: "markPrice" in frame.get("data", {}))
            await asyncio.to_thread(bybit_lab.pin, PX)
            return whole, change

    whole, change = run(test())

    assert (whole["type"], change["type"]) == ("snapshot", "delta")
    assert {"fundingRate", "nextFundingTime", "openInterest", "indexPrice", "bid1Size"} <= set(whole["data"])
    assert change["data"]["markPrice"] == "100500.00"
    assert set(change["data"]) < set(whole["data"])


@pytest.mark.parametrize("depth", [1, 50, 200])
def test_book_messages_count_on_and_rebuild_the_book(bybit_lab: BybitLab, depth: int) -> None:
    async def test() -> tuple[list[dict[str, Any]], dict[str, Any]]:
        topic = f"orderbook.{depth}.BTCUSDT"
        async with socket(bybit_lab, "/v5/public/linear") as ws:
            await ws.say(op="subscribe", args=[topic])
            frames = [await ws.topic(topic)]
            for px in (PX + 40, PX + 80, PX):
                await asyncio.to_thread(bybit_lab.pin, px)
                frames.append(await ws.topic(topic))
            rest = bybit_lab.get("/v5/market/orderbook", f"category=linear&symbol=BTCUSDT&limit={depth}").result
            return frames, rest

    frames, rest = run(test())
    book: dict[str, dict[str, str]] = {"b": {}, "a": {}}
    for frame in frames:
        for side, levels in book.items():
            if frame["type"] == "snapshot":
                levels.clear()
            for px, qty in frame["data"][side]:
                levels[px] = qty
                if qty == "0":
                    del levels[px]

    ids = [frame["data"]["u"] for frame in frames]
    assert ids == list(range(ids[0], ids[0] + len(ids)))
    assert [frame["type"] for frame in frames[1:]] == ["snapshot" if depth == 1 else "delta"] * 3
    assert book["b"] == dict(rest["b"])
    assert book["a"] == dict(rest["a"])


def test_private_streams_need_a_login_that_holds(bybit_lab: BybitLab) -> None:
    async def test() -> list[dict[str, Any]]:
        keys = bybit_lab.open_account()
        async with socket(bybit_lab, "/v5/private") as ws:
            frames = []
            await ws.say(op="subscribe", args=["order"])
            frames.append(await ws.hear())
            frames.append(await ws.login(keys._replace(secret="z" * 36)))
            frames.append(await ws.login(keys._replace(api_key="z" * 18)))
            await ws.say(op="auth", args=[keys.api_key, 1, keys.sign("GET/realtime1")])
            frames.append(await ws.hear())
            frames.append(await ws.login(keys))
            await ws.say(op="subscribe", args=["order", "order.linear"])
            frames.append(await ws.hear())
            return frames

    said = [(frame["success"], frame["ret_msg"].partition(":")[0]) for frame in run(test())]

    assert said[0] == (False, "Request not authorized")
    assert said[1][1].startswith("Error sign, please check")
    assert said[2] == (False, "API key is invalid.")
    assert said[3] == (False, "request expired")
    assert said[4:] == [(True, ""), (False, "error")]


def test_order_entry_answers_with_limits_and_refuses_repeated_ids(bybit_lab: BybitLab) -> None:
    order = {"category": "linear", "symbol": "BTCUSDT", "side": "Buy", "orderType": "Limit", "qty": "0.001"}

    async def test() -> list[dict[str, Any]]:
        keys = bybit_lab.open_account()
        async with socket(bybit_lab, "/v5/trade") as ws:
            frames = []

            async def ask(req_id: str, op: str = "order.create", stamp: int | None = None, **more: str) -> None:
                header = {"X-BAPI-TIMESTAMP": str(stamp or int(time.time() * 1000)), "X-BAPI-RECV-WINDOW": "5000"}
                await ws.say(op=op, reqId=req_id, header=header, args=[order | {"price": "90000"} | more])
                frames.append(await ws.hear())

            await ask("0")
            frames.append(await ws.login(keys))
            await ask("1")
            await ask("1")
            await ask("2", op="order.destroy")
            await ask("3", category="option")
            await ask("4", stamp=int(time.time() * 1000) - 9000)
            await ask("5", price="600000")
            frames.append(await ws.login(keys))
            await ws.say(op="ping")
            frames.append(await ws.hear())
            return frames

    frames = run(test())

    codes = [frame["retCode"] for frame in frames]
    assert codes == [10007, 0, 0, 20006, 10404, 10404, 10002, 110003, 20001, 0]
    placed = frames[2]
    assert (placed["reqId"], placed["header"]["X-Bapi-Limit"], placed["header"]["X-Bapi-Limit-Status"]) == (
        "1",
        "10",
        "9",
    )
    assert set(placed["data"]) == {"orderId", "orderLinkId"}
    assert frames[-1]["op"] == "pong"


def test_orders_are_canceled_when_their_owner_stays_away(bybit_lab: BybitLab) -> None:
    async def test() -> list[dict[str, Any]]:
        keys = bybit_lab.open_account()
        client = bybit_lab.client(keys)
        client.load_markets()
        client.cancel_all_orders_after(3000)
        client.create_order(PERP, "limit", "buy", 0.001, 90_000)
        async with socket(bybit_lab, "/v5/private") as ws:
            await ws.login(keys)
            await ws.say(op="subscribe", args=["dcp.future"])
            await ws.hear()
        async with socket(bybit_lab, "/v5/private") as ws:
            await ws.login(keys)
            await ws.say(op="subscribe", args=["order"])
            bybit_lab.exchange.clock_offset_ms = 4000.0
            canceled = await ws.topic("order")
            bybit_lab.exchange.clock_offset_ms = 0.0
            return list(canceled["data"])

    assert [row["orderStatus"] for row in run(test())] == ["Cancelled"]


def test_a_cut_stream_says_goodbye(bybit_lab: BybitLab) -> None:
    async def test() -> tuple[int, bool]:
        keys = bybit_lab.open_account()
        async with aiohttp.ClientSession() as session, session.ws_connect(f"{bybit_lab.ws}/v5/private") as ws:
            await Socket(ws).login(keys)
            cut = bybit_lab.run(bybit_lab.dialect.disconnect, keys.account)
            last = await asyncio.wait_for(ws.receive(), WAIT_S)
            return cut, last.type in (aiohttp.WSMsgType.CLOSE, aiohttp.WSMsgType.CLOSED)

    assert run(test()) == (1, True)


def test_nobody_listens_for_an_account_whose_streams_have_gone(bybit_lab: BybitLab) -> None:
    async def test() -> None:
        keys, listeners = bybit_lab.open_account(), bybit_lab.exchange.streams.listeners
        async with socket(bybit_lab, "/v5/private") as ws:
            await ws.login(keys)
            assert len(listeners[keys.account]) == 1
        while keys.account in listeners:
            await asyncio.sleep(0.01)

    run(test())
