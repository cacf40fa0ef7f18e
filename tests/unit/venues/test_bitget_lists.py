"""How both kinds of Bitget account are read page by page, and what an execution without an order belongs to.

Payloads from Bitget API guide: v2 Get order detail, Get order fills, Get history order fills; v3 Get order details, Get
fill history.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from decimal import Decimal
from typing import Any

import orjson
import pytest
from copydesk.kernel import Unavailable
from copydesk.trading import Credentials, OrderView, PositionSide
from copydesk.venues import VenueUrls
from copydesk.venues.bitget.adapter import Bitget
from copydesk.venues.bitget.errors import classify, failure_of
from json_exchange import JsonExchange
from raw_exchange import ok, raw_exchange
from venue_symbols import BTC, BTC_PERP, known_symbols

D = Decimal
KEY = Credentials(1, "key", "s" * 32, "phrase")
PERP, PAIR = BTC_PERP.symbol, BTC.symbol
LONG, SHORT, NET = PositionSide.LONG, PositionSide.SHORT, PositionSide.NET
V2_ORDER: dict[str, Any] = {
    "symbol": "BTCUSDT", "size": "0.25", "orderId": "7", "clientOid": "cd-1", "baseVolume": "0.25", "priceAvg": "27000",
    "state": "filled", "side": "buy", "orderType": "market", "posMode": "one_way_mode", "posSide": "net",
    "tradeSide": "buy_single", "uTime": "1695718781146", "quoteVolume": "6750",
}  # fmt: skip
V3_ORDER: dict[str, Any] = {
    "orderId": "7", "clientOid": "cd-1", "category": "usdt-futures", "symbol": "BTCUSDT", "qty": "0.25",
    "cumExecQty": "0.25", "avgPrice": "27000", "orderStatus": "filled", "side": "buy", "holdMode": "one_way_mode",
    "posSide": "", "updatedTime": "1695718781146",
}  # fmt: skip
NOBODY = {"code": "25204", "msg": "Order does not exist", "data": None}


def v2_fill(number: int) -> dict[str, Any]:
    return {
        "tradeId": str(number), "symbol": "BTCUSDT", "orderId": "7", "price": "27000", "baseVolume": "0.001",
        "feeDetail": [{"feeCoin": "USDT", "totalFee": "-0.01"}], "side": "buy", "posMode": "one_way_mode",
        "tradeSide": "buy_single", "cTime": str(1695718781146 + number),
    }  # fmt: skip


def v3_fill(number: int, **more: Any) -> dict[str, Any]:
    return {
        "execId": str(number), "orderId": "7", "clientOid": "cd-1", "category": "usdt-futures", "symbol": "BTCUSDT",
        "orderType": "market", "side": "buy", "execPrice": "27000", "execQty": "0.001", "tradeSide": "open",
        "feeDetail": [{"feeCoin": "USDT", "fee": "0.01"}], "createdTime": str(1695718781146 + number),
    } | more  # fmt: skip


def told(value: Any) -> dict[str, Any]:
    return {"code": "00000", "msg": "success", "requestTime": 1, "data": value}


def v2_pages(rows: list[dict[str, Any]]) -> Callable[[dict[str, Any]], Any]:
    def page(params: dict[str, Any]) -> Any:
        before = int(params.get("idLessThan", 10**18))
        return told({"fillList": [row for row in reversed(rows) if int(row["tradeId"]) < before][:100], "endId": "1"})

    return page


def v3_pages(rows: list[dict[str, Any]]) -> Callable[[dict[str, Any]], Any]:
    def page(params: dict[str, Any]) -> Any:
        start = int(params.get("cursor", 0))
        more = start + 100 < len(rows)
        return told({"list": rows[::-1][start : start + 100], "cursor": str(start + 100) if more else None})

    return page


def ask(answers: dict[str, Any], kind: str, question: Callable[[Bitget], Awaitable[Any]]) -> Any:
    async def run() -> Any:
        async with raw_exchange(JsonExchange(answers)) as server:
            venue = Bitget(VenueUrls.lab("bitget", server.url, "ws://127.0.0.1:9"), symbols=known_symbols())
            venue.kinds.remember(KEY, getattr(venue.kinds, kind))
            try:
                return await question(venue)
            finally:
                await venue.aclose()

    return asyncio.run(run())


@pytest.mark.parametrize(
    ("kind", "answers"),
    [
        (
            "classic",
            {
                "GET /api/v2/mix/order/detail": told(V2_ORDER),
                "GET /api/v2/mix/order/fills": v2_pages([v2_fill(n) for n in range(1, 251)]),
            },
        ),
        (
            "unified",
            {
                "GET /api/v3/trade/order-info": told(V3_ORDER),
                "GET /api/v3/trade/fills": v3_pages([v3_fill(n) for n in range(1, 251)]),
            },
        ),
    ],
)
def test_every_fill_of_an_order_is_read_however_many_there_are(kind: str, answers: dict[str, Any]) -> None:
    view: OrderView = ask(answers, kind, lambda venue: venue.query(KEY, PERP, "cd-1"))
    assert sum(fill.qty for fill in view.fills) == view.cum_qty == D("0.25")
    assert [fill.trade_id for fill in view.fills] == [str(n) for n in range(1, 251)]


@pytest.mark.parametrize(
    ("kind", "place", "pages"),
    [
        ("classic", "GET /api/v2/mix/order/fills", v2_pages([v2_fill(n) for n in range(1, 131)])),
        ("unified", "GET /api/v3/trade/fills", v3_pages([v3_fill(n) for n in range(1, 131)])),
    ],
)
def test_all_fills_of_an_order_are_read_by_its_id_span_by_span_and_each_once(
    kind: str, place: str, pages: Callable[[dict[str, Any]], Any]
) -> None:
    asked: list[dict[str, Any]] = []

    def page(params: dict[str, Any]) -> Any:
        asked.append(params)
        return pages(params)

    since_ms = int(time.time() * 1000) - 40 * 86_400_000
    fills = ask({place: page}, kind, lambda venue: venue.fills(KEY, PERP, "7", since_ms=since_ms))
    assert [fill.trade_id for fill in fills] == [str(n) for n in range(1, 131)]
    assert {params["orderId"] for params in asked} == {"7"}
    starts = sorted({int(params["startTime"]) for params in asked})
    assert starts[0] == since_ms
    assert len(starts) == {"classic": 6, "unified": 2}[kind]


def test_a_full_last_page_is_not_read_for_ever() -> None:
    answers = {
        "GET /api/v3/trade/order-info": told(V3_ORDER | {"cumExecQty": "0.1", "qty": "0.1"}),
        "GET /api/v3/trade/fills": v3_pages([v3_fill(n) for n in range(1, 101)]),
    }
    view = ask(answers, "unified", lambda venue: venue.query(KEY, PERP, "cd-1"))
    assert len(view.fills) == 100


def placed(execution: dict[str, Any], mode: str) -> list[PositionSide]:
    """Return the position that an execution without an order is said to have changed."""
    answers = {
        "GET /api/v3/trade/fills": told({"list": [execution], "cursor": None}),
        "GET /api/v3/trade/history-orders": told({"list": [], "cursor": None}),
        "GET /api/v3/trade/unfilled-orders": told({"list": None, "cursor": None}),
        "GET /api/v3/trade/order-info": ok(orjson.dumps(NOBODY), status="400 Bad Request"),
        "GET /api/v3/account/settings": told({"holdMode": mode}),
    }
    since_ms = int(time.time() * 1000) - 60_000
    trades = ask(answers, "unified", lambda venue: venue.trades_since(KEY, PERP, since_ms))
    return [trade.position_side for trade in trades]


@pytest.mark.parametrize(
    ("side", "did", "held"),
    [
        ("buy", "open", LONG),
        ("sell", "close", LONG),
        ("sell", "open", SHORT),
        ("buy", "close", SHORT),
        ("sell", "burst_close_long", LONG),
        ("buy", "reduce_close_short", SHORT),
    ],
)
def test_an_execution_without_an_order_is_placed_by_what_it_did_in_hedge_mode(
    side: str, did: str, held: PositionSide
) -> None:
    execution = v3_fill(1, side=side, tradeSide=did)
    assert placed(execution, "hedge_mode") == [held]
    assert placed(execution, "one_way_mode") == [NET]


def test_executions_are_asked_for_no_further_back_than_bitget_tells_them() -> None:
    asked: list[int] = []

    def answer(params: dict[str, Any]) -> Any:
        asked.append(int(params["startTime"]))
        return told({"list": [], "cursor": None})

    answers = {"GET /api/v3/trade/fills": answer}
    assert ask(answers, "unified", lambda venue: venue.trades_since(KEY, PERP, 1)) == []
    assert min(asked) > time.time() * 1000 - 90 * 86_400_000


def test_more_weeks_than_a_second_has_requests_are_read_all_the_same() -> None:
    """A reading that gave up would begin again with the first week, and never come to the last."""
    asked: list[int] = []

    def answer(params: dict[str, Any]) -> Any:
        asked.append(int(params["startTime"]))
        return told({"fillList": []})

    answers = {"GET /api/v2/mix/order/fill-history": answer}
    since_ms = int(time.time() * 1000) - 70 * 86_400_000
    assert ask(answers, "classic", lambda venue: venue.trades_since(KEY, PERP, since_ms)) == []
    assert len(asked) >= 10


def test_a_login_that_failed_for_no_named_reason_is_tried_again() -> None:
    assert isinstance(failure_of("30005", "Login failed", "Bitget answered 30005"), Unavailable)
    assert classify(200, b"", orjson.dumps(told(None))) is None
