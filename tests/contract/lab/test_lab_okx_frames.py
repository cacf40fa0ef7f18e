"""OKX streams frame by frame, where order, form and sequence of what is told matter."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from copydesk.venues.lab.dialects.okx.feeds import checksum
from lab_thread import PX
from okx_lab import OkxLab
from okx_line import WAIT_S, line, run

SWAP, INST = "BTC/USDT:USDT", "BTC-USDT-SWAP"


@pytest.fixture
def lab(fresh_okx: OkxLab) -> OkxLab:
    # Private channels repeat themselves by the exchange's clock, so it must go on as the wall's does.
    fresh_okx.exchange.clock_offset_ms = 0.0
    fresh_okx.pin(PX)
    return fresh_okx


def test_an_order_is_told_before_account_and_position(lab: OkxLab) -> None:
    keys = lab.open_account()

    async def talk() -> list[tuple[str, str]]:
        async with line(lab, "private") as private:
            await private.login(keys)
            for channel in ("orders", "positions"):
                await private.subscribe(channel, instType="SWAP")
            for channel in ("account", "balance_and_position"):
                await private.subscribe(channel)
            await private.until(lambda m: m.get("data", [{}])[0].get("eventType") == "snapshot")
            private.heard.clear()
            order = {"instId": INST, "tdMode": "cross", "side": "buy", "ordType": "market", "sz": "1"}
            await private.say("order", order, id="1")
            await private.push("balance_and_position")
            return [
                (m["arg"]["channel"], m["data"][0].get("state") or m.get("eventType") or m["data"][0]["eventType"])
                for m in private.heard
                if "arg" in m
            ]

    assert run(talk) == [
        ("orders", "live"),
        ("orders", "filled"),
        ("account", "event_update"),
        ("positions", "event_update"),
        ("balance_and_position", "filled"),
    ]


def test_the_book_is_told_with_sequence_and_checksum(lab: OkxLab) -> None:
    async def talk() -> None:
        async with line(lab, "public") as public:
            await public.subscribe("books", instId=INST)
            first = await public.push("books")
            book = {side: {row[0]: row for row in first["data"][0][side]} for side in ("bids", "asks")}
            assert (first["action"], first["data"][0]["prevSeqId"]) == ("snapshot", -1)
            last = first["data"][0]["seqId"]
            for px in (100_300, 99_800):
                await asyncio.to_thread(lab.pin, px)
                frame = await public.push("books")
                (row,) = frame["data"]
                assert (frame["action"], row["prevSeqId"]) == ("update", last)
                last = row["seqId"]
                for side in ("bids", "asks"):
                    book[side] |= {level[0]: level for level in row[side]}
                    book[side] = {px: level for px, level in book[side].items() if level[1] != "0"}
                bids = sorted(book["bids"].values(), key=lambda level: -float(level[0]))
                asks = sorted(book["asks"].values(), key=lambda level: float(level[0]))
                assert checksum(bids, asks) == row["checksum"]

    run(talk)


LOGINS: list[tuple[dict[str, Any], str]] = [
    ({"apiKey": "6e2b1c7a-0000-4000-8000-123456789abc"}, "60032"),
    ({"passphrase": "Wrong-1"}, "60024"),
    ({"sign": "bm90aGluZw=="}, "60007"),
    ({"timestamp": "1538054050"}, "60006"),
    ({"timestamp": "now"}, "60004"),
]


@pytest.mark.parametrize(("wrong", "code"), LOGINS)
def test_a_wrong_login_is_told_by_its_own_code(lab: OkxLab, wrong: dict[str, Any], code: str) -> None:
    keys = lab.open_account()

    async def talk() -> dict[str, Any]:
        async with line(lab, "private") as private:
            return await private.login(keys, **wrong)

    answer = run(talk)
    assert (answer["event"], answer["code"]) == ("error", code)


def test_a_connection_is_told_what_it_may_not(lab: OkxLab) -> None:
    keys = lab.open_account()
    order = {"instId": INST, "tdMode": "cross", "side": "buy", "ordType": "market", "sz": "1"}

    async def talk() -> list[str]:
        codes = []
        async with line(lab, "private") as private:
            await private.say("subscribe", {"channel": "orders", "instType": "ANY"})
            codes.append((await private.next())["code"])
            await private.say("order", order, id="7")
            codes.append((await private.next())["code"])
            await private.say("subscribe", {"channel": "tickers", "instId": INST})
            codes.append((await private.next())["code"])
            await private.say("dance")
            codes.append((await private.next())["code"])
            await private.ws.send_str("{")
            codes.append((await private.next())["code"])
            assert (await private.login(keys))["event"] == "login"
            codes.append((await private.login(keys))["code"])
            await private.say("order", order, order, id="8")
            codes.append((await private.next())["code"])
        return codes

    assert run(talk) == ["60011", "60011", "60018", "60019", "60012", "60031", "60013"]


def test_a_key_that_only_reads_cannot_order_over_the_socket(lab: OkxLab) -> None:
    keys = lab.issue_key(lab.open_account().account, ["read"])
    order = {"instId": INST, "tdMode": "cross", "side": "buy", "ordType": "market", "sz": "1"}

    async def talk() -> dict[str, Any]:
        async with line(lab, "private") as private:
            await private.login(keys)
            await private.say("order", order, id="1")
            return await private.next()

    assert run(talk)["code"] == "50120"


def test_a_private_channel_counts_its_connections(lab: OkxLab) -> None:
    keys = lab.open_account()

    async def talk() -> list[str]:
        counts = []
        async with line(lab, "private") as first, line(lab, "private") as second:
            for private in (first, second):
                await private.login(keys)
                await private.subscribe("orders", instType="ANY")
                counts.append((await private.event("channel-conn-count"))["connCount"])
        return counts

    assert run(talk) == ["1", "2"]


async def closed(ws: aiohttp.ClientWebSocketResponse) -> bool:
    """Tell whether the exchange has closed a connection."""
    try:
        await ws.send_str("ping")
    except aiohttp.ClientConnectionError:
        return True
    return (await ws.receive(timeout=WAIT_S)).type is not aiohttp.WSMsgType.TEXT


def test_a_fourth_connection_in_a_second_is_closed(lab: OkxLab) -> None:
    async def talk() -> list[bool]:
        async with aiohttp.ClientSession() as session:
            # Seven connections at once fall into two seconds at most, and one of these holds more than three.
            lines = [await session.ws_connect(f"{lab.ws}/ws/v5/public") for _ in range(7)]
            found = [await closed(ws) for ws in lines]
            for ws in lines:
                await ws.close()
            return found

    assert any(run(talk))


def test_ping_is_answered_and_unsubscribed_channels_fall_silent(lab: OkxLab) -> None:
    async def talk() -> None:
        async with line(lab, "public") as public:
            await public.ws.send_str("ping")
            assert await public.ws.receive_str(timeout=WAIT_S) == "pong"
            await public.subscribe("tickers", instId=INST)
            await public.push("tickers")
            await public.say("unsubscribe", {"channel": "tickers", "instId": INST})
            answer = await public.event("unsubscribe")
            assert answer["arg"] == {"channel": "tickers", "instId": INST}
            assert lab.run(lambda: f"tickers:{INST}" in lab.exchange.streams.topics) is False

    run(talk)


def test_cutting_an_account_closes_its_private_connections(lab: OkxLab) -> None:
    keys, other = lab.open_account(), lab.open_account()

    async def talk() -> None:
        async with line(lab, "private") as mine, line(lab, "private") as theirs:
            await mine.login(keys)
            await theirs.login(other)
            assert lab.run(lab.okx.disconnect, keys.account) == 1
            assert (await mine.ws.receive(timeout=WAIT_S)).type is aiohttp.WSMsgType.CLOSE
            await theirs.ws.send_str("ping")
            assert await theirs.ws.receive_str(timeout=WAIT_S) == "pong"

    run(talk)


def test_an_amendment_carries_its_request_id(lab: OkxLab) -> None:
    keys = lab.open_account()
    order = {"instId": INST, "tdMode": "cross", "side": "buy", "ordType": "limit", "sz": "1", "px": "90000"}

    async def talk() -> dict[str, Any]:
        async with line(lab, "private") as private:
            await private.login(keys)
            await private.subscribe("orders", instType="SWAP", instFamily="BTC-USDT")
            await private.say("order", order, id="1")
            placed = await private.until(lambda m: m.get("op") == "order")
            change = {"instId": INST, "ordId": placed["data"][0]["ordId"], "newSz": "2", "reqId": "change7"}
            await private.say("amend-order", change, id="2")
            return (await private.until(lambda m: m.get("data", [{}])[0].get("amendResult") == "0"))["data"][0]

    told = run(talk)
    assert (told["reqId"], told["sz"], told["state"]) == ("change7", "2", "live")


@pytest.fixture
def quick_lab(tmp_path: Path) -> Iterator[OkxLab]:
    """OKX with little patience for idle connections."""
    lab = OkxLab(tmp_path, idle_s=0.2)
    lab.start()
    yield lab
    lab.stop()


def test_a_connection_without_data_is_closed(quick_lab: OkxLab) -> None:
    async def talk() -> tuple[int | None, bool]:
        async with line(quick_lab, "private") as idle, line(quick_lab, "public") as busy:
            await busy.subscribe("tickers", instId=INST)
            await idle.ws.receive(timeout=WAIT_S)
            return idle.ws.close_code, await closed(busy.ws)

    assert run(talk) == (4004, False)


def strike(lab: OkxLab, **rule: Any) -> None:
    lab.run(lab.world.faults.add, rule)


def test_an_order_over_the_socket_can_be_carried_out_and_its_answer_lost(lab: OkxLab) -> None:
    keys = lab.open_account()
    order = {"instId": INST, "tdMode": "cross", "side": "buy", "ordType": "market", "sz": "1", "clOrdId": "lost1"}
    strike(lab, harm="execute_then_drop", method="WS", path="order", account=keys.account, times=1)

    async def talk() -> None:
        async with line(lab, "private") as private:
            await private.login(keys)
            await private.say("order", order, id="1")
            assert (await private.ws.receive(timeout=WAIT_S)).type is aiohttp.WSMsgType.CLOSE

    run(talk)
    placed = lab.client(keys).fetch_order(None, SWAP, {"clientOrderId": "lost1"})
    assert placed["status"] == "closed"
    (asked,) = lab.records("request", client_order_id="lost1", method="WS")
    assert (asked["path"], asked["code"], asked["account"]) == ("order", "0", keys.account)


def test_an_order_over_the_socket_can_be_lost_before_it_is_carried_out(lab: OkxLab) -> None:
    keys = lab.open_account()
    order = {"instId": INST, "tdMode": "cross", "side": "buy", "ordType": "market", "sz": "1"}
    strike(lab, harm="drop", method="WS", path="order", account=keys.account, times=1)

    async def talk() -> None:
        async with line(lab, "private") as private:
            await private.login(keys)
            await private.say("order", order, id="1")
            assert (await private.ws.receive(timeout=WAIT_S)).type is aiohttp.WSMsgType.CLOSE

    run(talk)
    assert lab.client(keys).fetch_positions([SWAP]) == []
