"""Bybit behind the port: what is asked, page by page, and what each answer becomes.

Payloads from Bybit v5 API: Get Open & Closed Orders, Get Order History, Get Trade History, Get Position Info, Cancel
All Orders, Create Internal Transfer.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from decimal import Decimal
from functools import partial
from itertools import pairwise
from typing import Any

import pytest
from copydesk.kernel import OutcomeUnknown, VenueRefused
from copydesk.trading import OrderStatus, OrderView, PositionSide, Side
from copydesk.venues import Amendment, Wallet
from copydesk.venues.bybit.adapter import Bybit
from json_exchange import BYBIT_BTC, BYBIT_PERP, BYBIT_USDC, KEY, JsonExchange, bybit_on, result

D = Decimal
PERP, PAIR = BYBIT_PERP.symbol, BYBIT_BTC.symbol
LONG, SHORT, NET = PositionSide.LONG, PositionSide.SHORT, PositionSide.NET
ORDER: dict[str, Any] = {
    "orderId": "fd4300ae", "orderLinkId": "cd-1", "symbol": "BTCUSDT", "qty": "0.300", "side": "Buy",
    "positionIdx": 0, "orderStatus": "Filled", "avgPrice": "60000.5", "cumExecQty": "0.300",
    "updatedTime": "1684738540561",
}  # fmt: skip


def execution(number: int, **more: Any) -> dict[str, Any]:
    return {
        "symbol": "BTCUSDT", "orderId": "fd4300ae", "orderLinkId": "cd-1", "side": "Buy", "orderType": "Market",
        "execFee": "0.1", "execId": f"e{number}", "execPrice": "60000.5", "execQty": "0.001", "execType": "Trade",
        "execTime": str(1684738540559 + number), "feeCurrency": "", "closedSize": "", "seq": number,
    } | more  # fmt: skip


def listed(*rows: Any, cursor: str = "") -> dict[str, Any]:
    return result({"category": "linear", "list": list(rows), "nextPageCursor": cursor})


def newest_first(rows: list[dict[str, Any]]) -> Callable[[dict[str, Any]], Any]:
    """Page as Bybit does: as many as asked for, 50 by default, and a cursor even where nothing follows."""

    def page(params: dict[str, Any]) -> Any:
        start, size = int(params.get("cursor", 0)), int(params.get("limit", 50))
        return listed(*rows[::-1][start : start + size], cursor=str(start + size))

    return page


def ask(exchange: JsonExchange, question: Callable[[Bybit], Awaitable[Any]]) -> Any:
    async def act() -> Any:
        async with bybit_on(exchange) as venue:
            return await question(venue)

    return asyncio.run(act())


def query(exchange: JsonExchange, symbol: str = PERP) -> OrderView | None:
    found: OrderView | None = ask(exchange, lambda venue: venue.query(KEY, symbol, "cd-1"))
    return found


def test_all_fills_of_an_order_are_read_by_its_id_week_by_week_and_each_once() -> None:
    exchange = JsonExchange({"GET /v5/execution/list": newest_first([execution(n) for n in range(1, 131)])})
    since_ms = int(time.time() * 1000) - 10 * 86_400_000
    fills = ask(exchange, lambda venue: venue.fills(KEY, PERP, "fd4300ae", since_ms=since_ms))
    assert [fill.trade_id for fill in fills] == [f"e{n}" for n in range(1, 131)]
    asked = exchange.to("GET /v5/execution/list")
    weeks = [since_ms, since_ms + 7 * 86_400_000]
    assert [int(params["startTime"]) for params in asked] == [week for week in weeks for _ in range(2)]
    assert {params["orderId"] for params in asked} == {"fd4300ae"}


def test_every_fill_of_an_order_is_read_however_many_there_are() -> None:
    exchange = JsonExchange(
        {
            "GET /v5/order/realtime": listed(ORDER | {"cumExecQty": "0.230", "qty": "0.230"}),
            "GET /v5/execution/list": newest_first([execution(n) for n in range(1, 231)]),
        }
    )
    view = query(exchange)
    assert view is not None
    assert sum(fill.qty for fill in view.fills) == view.cum_qty == D("0.23")
    assert [fill.trade_id for fill in view.fills] == [f"e{n}" for n in range(1, 231)]


def test_an_order_that_only_the_history_knows_is_found_there() -> None:
    """After a release of Bybit's the recent list begins empty."""
    old = ORDER | {"orderStatus": "PartiallyFilledCanceled", "cumExecQty": "0.001"}
    exchange = JsonExchange(
        {
            "GET /v5/order/realtime": listed(),
            "GET /v5/order/history": listed(old),
            "GET /v5/execution/list": listed(execution(1)),
        }
    )
    view = query(exchange)
    assert view is not None
    assert (view.status, view.cum_qty, len(view.fills)) == (OrderStatus.CANCELED, D("0.001"), 1)
    assert query(JsonExchange({"GET /v5/order/realtime": listed(), "GET /v5/order/history": listed()})) is None


def test_funding_is_no_fill_of_an_order() -> None:
    exchange = JsonExchange(
        {
            "GET /v5/order/realtime": listed(ORDER | {"cumExecQty": "0.001"}),
            "GET /v5/execution/list": listed(execution(2), execution(1, execType="Funding", execQty="0.3")),
        }
    )
    view = query(exchange)
    assert view is not None
    assert [fill.trade_id for fill in view.fills] == ["e2"]


def test_a_spot_fee_whose_currency_is_not_told_is_what_the_side_receives() -> None:
    rows = [execution(1, side="Buy"), execution(2, side="Sell"), execution(3, feeCurrency="MNT", execFee="-0.1")]
    exchange = JsonExchange(
        {
            "GET /v5/order/realtime": listed(ORDER | {"cumExecQty": "0.003"}),
            "GET /v5/execution/list": listed(*rows),
        }
    )
    view = query(exchange, PAIR)
    assert view is not None
    assert [(fill.fee_currency, fill.fee) for fill in view.fills] == [
        ("BTC", D("0.1")),
        ("USDT", D("0.1")),
        ("MNT", D("-0.1")),
    ]


def position(symbol: str, index: int = 0, size: str = "0.5", side: str = "Buy", **more: Any) -> dict[str, Any]:
    return {
        "positionIdx": index, "symbol": symbol, "side": side, "size": size, "avgPrice": "60000", "markPrice": "60100",
        "leverage": "10", "unrealisedPnl": "50", "liqPrice": "",
    } | more  # fmt: skip


def test_positions_settled_in_either_coin_are_told() -> None:
    def answer(params: dict[str, Any]) -> Any:
        return listed(position("BTCUSDT" if params["settleCoin"] == "USDT" else "BTCPERP"), cursor="more")

    exchange = JsonExchange({"GET /v5/position/list": answer})
    found = ask(exchange, lambda venue: venue.positions(KEY))
    assert [p.symbol for p in found] == ["BTC/USDT:USDT", "BTC/USDC:USDC"]
    assert len(exchange.to("GET /v5/position/list")) == 2, "a page that is not full is the last"


def test_a_page_of_positions_that_we_do_not_know_is_not_the_last() -> None:
    rows = [position("BTCUSDT")] + [position(f"NEW{n}USDT") for n in range(250)]

    def answer(params: dict[str, Any]) -> Any:
        return newest_first(rows)(params) if params["settleCoin"] == "USDT" else listed()

    exchange = JsonExchange({"GET /v5/position/list": answer})
    assert [p.symbol for p in ask(exchange, lambda venue: venue.positions(KEY))] == [PERP]


def test_hedged_and_short_positions_are_signed() -> None:
    rows = [position("BTCUSDT", 1), position("BTCUSDT", 2, side="Sell"), position("BTCUSDT", 0, "0", "", leverage="")]
    found = ask(JsonExchange({"GET /v5/position/list": listed(*rows)}), lambda venue: venue.positions(KEY, PERP))
    assert [(p.side, p.qty) for p in found] == [(LONG, D("0.5")), (SHORT, D("-0.5"))]


def test_open_orders_of_all_instruments_are_asked_for_by_market_and_coin() -> None:
    def answer(params: dict[str, Any]) -> Any:
        live = ORDER | {"orderStatus": "New", "cumExecQty": "0", "avgPrice": ""}
        return listed(live, live | {"orderStatus": "Untriggered"}) if params.get("settleCoin") != "USDC" else listed()

    exchange = JsonExchange({"GET /v5/order/realtime": answer})
    assert len(ask(exchange, lambda venue: venue.open_orders(KEY))) == 2
    asked = [(p["category"], p.get("settleCoin")) for p in exchange.to("GET /v5/order/realtime")]
    assert asked == [("spot", None), ("linear", "USDT"), ("linear", "USDC")]


def test_open_orders_are_listed_beyond_the_first_page() -> None:
    rows = [ORDER | {"orderId": str(n), "orderStatus": "New", "cumExecQty": "0"} for n in range(120)]
    exchange = JsonExchange({"GET /v5/order/realtime": newest_first(rows)})
    assert len(ask(exchange, lambda venue: venue.open_orders(KEY, PERP))) == 120


def test_canceling_all_of_a_pair_names_every_kind_of_order() -> None:
    exchange = JsonExchange({"POST /v5/order/cancel-all": result({"list": [], "success": "1"})})
    ask(exchange, lambda venue: venue.cancel_all(KEY, PAIR))
    kinds = {params["orderFilter"] for params in exchange.to("POST /v5/order/cancel-all")}
    assert kinds == {"Order", "StopOrder", "tpslOrder", "OcoOrder", "BidirectionalTpslOrder"}


def amend(code: int, message: str) -> OrderView | None:
    exchange = JsonExchange(
        {
            "POST /v5/order/amend": result({}, code, message),
            "GET /v5/order/realtime": listed(ORDER | {"orderStatus": "New", "cumExecQty": "0"}),
        }
    )
    change = Amendment("cd-1", PERP, Side.BUY, D("0.3"), D(60000))
    view: OrderView | None = ask(exchange, lambda venue: venue.amend(KEY, change))
    return view


def test_too_many_stop_orders_do_not_mean_that_the_order_is_not_open() -> None:
    with pytest.raises(VenueRefused) as refused:
        amend(110009, "The number of stop orders exceeds the maximum allowable limit")
    assert refused.value.venue_code == "110009"
    assert amend(110001, "order not exists or too late to replace") is None
    assert amend(10001, "order not modified") is not None


@pytest.mark.parametrize("status", ["PENDING", "STATUS_UNKNOWN"])
def test_a_transfer_that_is_under_way_is_in_doubt(status: str) -> None:
    with pytest.raises(OutcomeUnknown):
        transfer(status)


def test_a_transfer_that_failed_is_refused_although_it_was_taken() -> None:
    with pytest.raises(VenueRefused):
        transfer("FAILED")
    transfer("SUCCESS")


def transfer(status: str) -> None:
    exchange = JsonExchange(
        {"POST /v5/asset/transfer/inter-transfer": result({"transferId": "42c0", "status": status})}
    )
    ask(exchange, lambda venue: venue.transfer(KEY, "USDT", D(5), Wallet.SPOT, Wallet.FUNDING))


def trades(executions: list[dict[str, Any]], orders: list[dict[str, Any]], *modes: int) -> list[tuple[str, Any]]:
    """Return the executions of the last minute with the positions that they are said to have changed."""
    exchange = JsonExchange(
        {
            "GET /v5/execution/list": listed(*executions),
            "GET /v5/order/history": listed(*orders),
            "GET /v5/order/realtime": listed(),
            "GET /v5/position/list": listed(*[position("BTCUSDT", index, "0") for index in modes]),
        }
    )
    since_ms = int(time.time() * 1000) - 60_000
    found = ask(exchange, lambda venue: venue.trades_since(KEY, PERP, since_ms))
    return [(trade.trade_id, trade.position_side) for trade in found]


def test_an_execution_belongs_to_the_position_of_its_order() -> None:
    rows = [execution(1, orderId="a"), execution(2, orderId="b")]
    orders = [ORDER | {"orderId": "a", "positionIdx": 1}, ORDER | {"orderId": "b", "positionIdx": 2}]
    assert trades(rows, orders) == [("e1", LONG), ("e2", SHORT)]


@pytest.mark.parametrize(
    ("side", "closed", "held"),
    [("Buy", "", LONG), ("Sell", "0.001", LONG), ("Sell", "", SHORT), ("Buy", "0.001", SHORT)],
)
def test_an_execution_without_an_order_is_placed_by_what_it_did_in_hedge_mode(
    side: str, closed: str, held: PositionSide
) -> None:
    """Liquidations have no order, and one that rested for more than a week is not among the orders of these days."""
    orphan = execution(1, side=side, closedSize=closed, execType="BustTrade")
    assert trades([orphan], [], 1, 2) == [("e1", held)]
    assert trades([orphan], [], 0) == [("e1", NET)]


def test_executions_of_one_moment_keep_the_order_of_the_exchange() -> None:
    rows = [execution(n, execTime="1684738540559", seq=seq) for n, seq in ((1, 30), (2, 10), (3, 20))]
    assert [trade_id for trade_id, _ in trades(rows, [ORDER])] == ["e2", "e3", "e1"]


def test_executions_of_several_weeks_are_asked_for_week_by_week() -> None:
    exchange = JsonExchange({"GET /v5/execution/list": listed()})
    week_ms = 7 * 86_400_000
    since_ms = int(time.time() * 1000) - 2 * week_ms - 1000
    assert ask(exchange, lambda venue: venue.trades_since(KEY, PAIR, since_ms)) == []
    spans = [(int(p["startTime"]), int(p["endTime"])) for p in exchange.to("GET /v5/execution/list")]
    assert [end - start for start, end in spans] == [week_ms - 1] * 3
    assert all(end + 1 == start for (_, end), (start, _) in pairwise(spans))


def test_one_way_mode_is_asked_for_only_where_there_is_another() -> None:
    exchange = JsonExchange({"POST /v5/position/switch-mode": result()})
    for symbol, hedge in ((PERP, False), (BYBIT_USDC.symbol, False), (BYBIT_USDC.symbol, True)):
        ask(exchange, partial(set_mode, symbol=symbol, hedge=hedge))
    asked = [(params["symbol"], params["mode"]) for params in exchange.to("POST /v5/position/switch-mode")]
    assert asked == [("BTCUSDT", 0), ("BTCPERP", 3)]


async def set_mode(venue: Bybit, *, symbol: str, hedge: bool) -> None:
    await venue.set_position_mode(KEY, symbol, hedge=hedge)
