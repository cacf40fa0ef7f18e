"""OKX behind the port: what is asked, page by page, and what each answer becomes.

Payloads from OKX API guide v5: Order details, Transaction details, Order list, Algo order list, Cancel multiple orders.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from decimal import Decimal
from typing import Any

import pytest
from copydesk.kernel import OutcomeUnknown, VenueRefused
from copydesk.trading import Denial, MarginMode, OrderRequest, OrderStatus, OrderType, OrderView, Side
from copydesk.venues.okx.adapter import Okx
from json_exchange import KEY, OKX_BTC, OKX_PERP, JsonExchange, data, okx_on

D = Decimal
PERP, PAIR = OKX_PERP.symbol, OKX_BTC.symbol
DAY_MS = 86_400_000
ORDER: dict[str, Any] = {
    "instType": "SWAP", "instId": "BTC-USDT-SWAP", "ordId": "312269865356374016", "clOrdId": "b15", "side": "buy",
    "posSide": "net", "sz": "3", "accFillSz": "3", "avgPx": "60000.5", "state": "filled", "uTime": "1597026383085",
}  # fmt: skip


def order(age_ms: int = 0, **more: str) -> dict[str, Any]:
    return ORDER | {"cTime": str(int(time.time() * 1000) - age_ms)} | more


def fill(number: int, size: str = "0.01", **more: str) -> dict[str, Any]:
    return {
        "instType": "SWAP", "instId": "BTC-USDT-SWAP", "tradeId": str(number), "ordId": ORDER["ordId"],
        "clOrdId": "b15", "billId": str(1000 + number), "side": "buy", "posSide": "net", "fillSz": size,
        "fillPx": "60000.5", "fee": "-0.03", "feeCcy": "USDT", "ts": str(1597026383085 + number),
        "fillTime": str(1597026383085 + number),
    } | more  # fmt: skip


def newest_first(rows: list[dict[str, Any]]) -> Callable[[dict[str, Any]], Any]:
    """Page as OKX does: a hundred at once, older ones than the bill or order named by `after`."""

    def page(params: dict[str, Any]) -> Any:
        name = next(name for name in ("billId", "algoId", "ordId") if name in rows[0])
        after = int(params.get("after", 10**18))
        return data(*[row for row in reversed(rows) if int(row[name]) < after][:100])

    return page


def ask(exchange: JsonExchange, question: Callable[[Okx], Awaitable[Any]]) -> Any:
    async def act() -> Any:
        async with okx_on(exchange) as venue:
            return await question(venue)

    return asyncio.run(act())


def query(exchange: JsonExchange) -> OrderView | None:
    found: OrderView | None = ask(exchange, lambda venue: venue.query(KEY, PERP, "b15"))
    return found


@pytest.mark.parametrize(("age_ms", "place"), [(60_000, "fills"), (4 * DAY_MS, "fills-history")])
def test_all_fills_of_an_order_are_read_by_its_id_from_the_list_that_reaches_back_so_far(
    age_ms: int, place: str
) -> None:
    exchange = JsonExchange({f"GET /api/v5/trade/{place}": newest_first([fill(n) for n in range(1, 131)])})
    since_ms = int(time.time() * 1000) - age_ms
    fills = ask(exchange, lambda venue: venue.fills(KEY, PERP, ORDER["ordId"], since_ms=since_ms))
    assert [one.trade_id for one in fills] == [str(n) for n in range(1, 131)]
    asked = exchange.to(f"GET /api/v5/trade/{place}")
    assert [(params["ordId"], params["instId"]) for params in asked] == [(ORDER["ordId"], "BTC-USDT-SWAP")] * 2


def test_every_fill_of_an_order_is_read_however_many_there_are() -> None:
    fills = [fill(n) for n in range(1, 251)]
    exchange = JsonExchange(
        {
            "GET /api/v5/trade/order": data(order(sz="2.5", accFillSz="2.5")),
            "GET /api/v5/trade/fills": newest_first(fills),
        }
    )
    view = query(exchange)
    assert view is not None
    assert sum(one.qty for one in view.fills) == view.cum_qty == D("0.025")
    assert [one.trade_id for one in view.fills] == [str(n) for n in range(1, 251)]
    assert [params.get("after") for params in exchange.to("GET /api/v5/trade/fills")] == [None, "1151", "1051"]


def test_fills_of_an_order_older_than_three_days_come_from_the_history() -> None:
    exchange = JsonExchange(
        {
            "GET /api/v5/trade/order": data(order(age_ms=4 * DAY_MS)),
            "GET /api/v5/trade/fills-history": data(fill(1, "3")),
        }
    )
    view = query(exchange)
    assert view is not None
    assert [one.qty for one in view.fills] == [D("0.03")]
    assert exchange.to("GET /api/v5/trade/fills") == []


def test_fees_are_positive_when_paid_and_negative_when_earned() -> None:
    exchange = JsonExchange(
        {
            "GET /api/v5/trade/order": data(order()),
            "GET /api/v5/trade/fills": data(fill(2, "1", fee="0.01"), fill(1, "2")),
        }
    )
    view = query(exchange)
    assert view is not None
    assert [(one.fee, one.fee_currency) for one in view.fills] == [(D("0.03"), "USDT"), (D("-0.01"), "USDT")]


def test_only_the_word_that_an_order_does_not_exist_is_taken_for_it() -> None:
    missing = {"code": "51603", "msg": "Order does not exist", "data": []}
    assert query(JsonExchange({"GET /api/v5/trade/order": missing})) is None
    delisted = {"code": "51001", "msg": "Instrument ID doesn't exist.", "data": []}
    with pytest.raises(VenueRefused) as refused:
        query(JsonExchange({"GET /api/v5/trade/order": delisted}))
    assert refused.value.code == Denial.INSTRUMENT_UNMAPPED.value


def test_an_order_canceled_in_part_keeps_what_was_filled() -> None:
    exchange = JsonExchange(
        {
            "GET /api/v5/trade/order": data(order(state="canceled", accFillSz="1")),
            "GET /api/v5/trade/fills": data(fill(1, "1")),
        }
    )
    view = query(exchange)
    assert view is not None
    assert (view.status, view.cum_qty, view.qty) == (OrderStatus.CANCELED, D("0.01"), D("0.03"))


def pending(number: int, **more: str) -> dict[str, Any]:
    return order(ordId=str(number), state="live", accFillSz="0", avgPx="") | more


def trigger(number: int, kind: str) -> dict[str, Any]:
    return {
        "instType": "SWAP", "instId": "BTC-USDT-SWAP", "algoId": str(number), "algoClOrdId": "", "ordType": kind,
        "side": "sell", "posSide": "net", "sz": "1", "state": "live", "cTime": "1724751378980", "uTime": "",
    }  # fmt: skip


def acks(ids: list[str], name: str, refused: dict[str, str]) -> dict[str, Any]:
    rows = [{name: one, "sCode": refused.get(one, "0"), "sMsg": "?" if one in refused else ""} for one in ids]
    code = "0" if not refused else "1" if len(refused) == len(ids) else "2"
    return data(*rows, code=code)


def canceling(refused: dict[str, str]) -> JsonExchange:
    """Two plain orders and one of each conditional kind; `refused` says which cancellations fail, and with what."""

    def algos(params: dict[str, Any]) -> Any:
        numbers = {"conditional,oco": 31, "trigger": 32, "move_order_stop": 33}
        return data(trigger(numbers[params["ordType"]], params["ordType"]))

    def cancel(name: str) -> Callable[[list[dict[str, Any]]], Any]:
        def act(items: list[dict[str, Any]]) -> Any:
            ids = [item[name] for item in items]
            return acks(ids, name, {one: code for one, code in refused.items() if one in ids})

        return act

    return JsonExchange(
        {
            "GET /api/v5/trade/orders-pending": data(pending(21), pending(20)),
            "GET /api/v5/trade/orders-algo-pending": algos,
            "POST /api/v5/trade/cancel-batch-orders": cancel("ordId"),
            "POST /api/v5/trade/cancel-algos": cancel("algoId"),
        }
    )


def cancel_all(exchange: JsonExchange) -> None:
    ask(exchange, lambda venue: venue.cancel_all(KEY, PERP))


def test_canceling_all_cancels_every_kind_of_conditional_order() -> None:
    exchange = canceling({})
    cancel_all(exchange)
    (plain,), (algos,) = (exchange.to(f"POST /api/v5/trade/{path}") for path in ("cancel-batch-orders", "cancel-algos"))
    assert [item["ordId"] for item in plain] == ["21", "20"]
    assert [item["algoId"] for item in algos] == ["31", "32", "33"]


@pytest.mark.parametrize("refused", [{"21": "51400"}, {"21": "51400", "20": "51400"}, {"20": "51410"}])
def test_orders_that_are_done_or_on_their_way_out_are_no_failure_to_cancel_all(refused: dict[str, str]) -> None:
    exchange = canceling(refused)
    cancel_all(exchange)
    assert len(exchange.to("POST /api/v5/trade/cancel-algos")) == 1


def test_what_one_order_is_told_does_not_hide_that_another_was_not_canceled() -> None:
    with pytest.raises(VenueRefused) as failure:
        cancel_all(canceling({"21": "51400", "20": "51403"}))
    assert failure.value.venue_code == "51403"
    with pytest.raises(OutcomeUnknown, match="51412"):
        cancel_all(canceling({"21": "51403", "20": "51412"}))


def test_a_margin_order_is_none_of_the_pair_s() -> None:
    margin, spot = (pending(n, instId="BTC-USDT", instType=kind) for n, kind in ((8, "MARGIN"), (7, "SPOT")))
    exchange = JsonExchange({"GET /api/v5/trade/orders-pending": data(margin, spot)})
    views = ask(exchange, lambda venue: venue.open_orders(KEY, PAIR))
    assert [view.venue_order_id for view in views] == ["7"]


def test_open_orders_are_listed_beyond_the_first_hundred() -> None:
    exchange = JsonExchange({"GET /api/v5/trade/orders-pending": newest_first([pending(n) for n in range(1, 151)])})
    views = ask(exchange, lambda venue: venue.open_orders(KEY))
    assert [view.venue_order_id for view in views] == [str(n) for n in range(150, 0, -1)]


@pytest.mark.parametrize(
    ("code", "done"), [("51400", False), ("51402", False), ("51503", False), ("51410", True), ("0", True)]
)
def test_a_cancellation_says_none_only_of_an_order_that_is_not_open(code: str, done: bool) -> None:
    exchange = JsonExchange(
        {
            "POST /api/v5/trade/cancel-order": acks(["21"], "ordId", {} if code == "0" else {"21": code}),
            "GET /api/v5/trade/order": data(pending(21, state="canceled")),
        }
    )
    view = ask(exchange, lambda venue: venue.cancel(KEY, PERP, "b15"))
    assert (view is not None) is done


def test_executions_are_told_from_the_asked_millisecond_on_in_order() -> None:
    since_ms = int(time.time() * 1000) - 60_000
    rows = [
        fill(n, billId=str(n), ts=str(at), fillTime=str(at))
        for n, at in ((8, since_ms - 1), (9, since_ms), (10, since_ms), (11, since_ms + 5))
    ]
    exchange = JsonExchange({"GET /api/v5/trade/fills": newest_first(rows)})
    trades = ask(exchange, lambda venue: venue.trades_since(KEY, PERP, since_ms))
    assert [trade.trade_id for trade in trades] == ["9", "10", "11"]
    assert int(exchange.to("GET /api/v5/trade/fills")[0]["begin"]) < since_ms


def test_executions_of_more_than_three_days_come_from_the_history_page_by_page() -> None:
    rows = [fill(n) for n in range(1, 121)]
    exchange = JsonExchange({"GET /api/v5/trade/fills-history": newest_first(rows)})
    trades = ask(exchange, lambda venue: venue.trades_since(KEY, PERP, 1))
    assert [trade.trade_id for trade in trades] == [str(n) for n in range(1, 121)]


def submit(exchange: JsonExchange) -> OrderView:
    wanted = OrderRequest("b15", PERP, Side.BUY, OrderType.MARKET, D("0.03"))
    view: OrderView = ask(exchange, lambda venue: venue.submit(KEY, wanted))
    return view


def test_an_order_that_came_too_late_makes_the_clock_be_asked_for() -> None:
    late = {"clOrdId": "b15", "ordId": "", "sCode": "50036", "sMsg": "The expTime can't be earlier than now."}
    exchange = JsonExchange(
        {
            "POST /api/v5/trade/order": data(late, code="1"),
            "GET /api/v5/public/time": data({"ts": str(int(time.time() * 1000))}),
        }
    )

    async def act() -> list[str]:
        async with okx_on(exchange) as venue:
            wanted = OrderRequest("b15", PERP, Side.BUY, OrderType.MARKET, D("0.03"))
            codes = []
            for _ in range(2):
                (outcome,) = await venue.submit_many([(KEY, wanted)])
                while venue.client.clock.synced_at == 0.0:
                    await asyncio.sleep(0.001)
                codes.append(getattr(outcome.result, "code", type(outcome.result).__name__))
            return codes

    assert asyncio.run(act()) == ["Unavailable", Denial.CLOCK_SKEWED.value]


def test_an_accepted_order_is_acknowledged_without_fills() -> None:
    ack = {"clOrdId": "b15", "ordId": "312", "tag": "", "sCode": "0", "sMsg": ""}
    view = submit(JsonExchange({"POST /api/v5/trade/order": data(ack)}))
    assert (view.status, view.venue_order_id, view.cum_qty, view.fills) == (OrderStatus.ACCEPTED, "312", 0, ())


def test_isolated_leverage_in_hedge_mode_is_set_for_both_sides() -> None:
    def answer(params: dict[str, Any]) -> Any:
        if "posSide" in params:
            return data(params)
        return {"code": "51000", "msg": "Parameter posSide error", "data": []}

    exchange = JsonExchange({"POST /api/v5/account/set-leverage": answer})
    ask(exchange, lambda venue: venue.set_leverage(KEY, PERP, 3, MarginMode.ISOLATED))
    sides = [params.get("posSide") for params in exchange.to("POST /api/v5/account/set-leverage")]
    assert sides == [None, "long", "short"]


@pytest.mark.parametrize(("found", "refused"), [("net_mode", False), ("long_short_mode", True)])
def test_a_position_mode_that_cannot_be_changed_now_is_fine_where_it_is_the_wanted_one(
    found: str, refused: bool
) -> None:
    in_use = {"code": "59000", "msg": "Settings failed. Close any open positions or orders.", "data": []}
    exchange = JsonExchange(
        {
            "POST /api/v5/account/set-position-mode": in_use,
            "GET /api/v5/account/config": data({"posMode": found, "perm": "read_only,trade", "acctLv": "2"}),
        }
    )
    if not refused:
        ask(exchange, lambda venue: venue.set_position_mode(KEY, PERP, hedge=False))
        return
    with pytest.raises(VenueRefused) as refusal:
        ask(exchange, lambda venue: venue.set_position_mode(KEY, PERP, hedge=False))
    assert refusal.value.code == Denial.POSITION_MODE_WRONG.value
