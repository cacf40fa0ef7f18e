"""Binance's perpetuals behind the port: what is asked of which origin, and what each answer becomes."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any
from urllib.parse import parse_qsl

import orjson
import pytest
from copydesk.kernel import CopydeskError, OutcomeUnknown, Unavailable, VenueRefused
from copydesk.trading import Credentials, Denial, MarginMode, OrderRequest, OrderStatus, OrderType, OrderView, Side
from copydesk.venues import Amendment, PoolLimits, VenueUrls, Wallet
from copydesk.venues.binance.adapter import Binance
from copydesk.venues.binance.traits import PERPETUAL
from copydesk.venues.binance.wire import PerpetualWire
from raw_exchange import HANG_UP, RawExchange, Reply, ok, raw_exchange
from venue_symbols import BTC, BTC_PERP, known_symbols

KEY = Credentials(1, "key", "secret")
D = Decimal
AT = datetime(2019, 8, 26, 11, 25, 24, 722000, tzinfo=UTC)
PERP = BTC_PERP.symbol
ORDER: dict[str, Any] = {
    "symbol": "BTCUSDT", "orderId": 7, "clientOrderId": "cd-1", "side": "BUY", "positionSide": "BOTH",
    "status": "FILLED", "origQty": "0.010", "executedQty": "0.010", "avgPrice": "60000.0", "updateTime": 1566818724722,
}  # fmt: skip
TRADES = [
    {"id": n, "orderId": 7, "side": "BUY", "positionSide": "BOTH", "qty": "0.005", "price": "60000.0",
     "commission": "0.12", "commissionAsset": "USDT", "time": 1566818724722}
    for n in (11, 12)
]  # fmt: skip
SPOT_FILLED: dict[str, Any] = {
    "symbol": "BTCUSDT", "orderId": 28, "clientOrderId": "cd-2", "transactTime": 1507725176595, "origQty": "1",
    "executedQty": "1", "cummulativeQuoteQty": "4", "status": "FILLED", "side": "BUY", "fills": [],
}  # fmt: skip


def refused(code: int, text: str = "?", status: str = "400 Bad Request") -> Reply:
    return ok(orjson.dumps({"code": code, "msg": text}), status=status)


class Exchange:
    """Answers by "METHOD /path"; remembers the parameters of every request."""

    def __init__(self, answers: dict[str, Any]) -> None:
        self.answers = answers
        self.asked: list[tuple[str, dict[str, str]]] = []

    def __call__(self, request: str) -> Reply:
        head, _, body = request.partition("\r\n\r\n")
        method, target, _ = head.split("\r\n")[0].split(" ")
        path, _, query = target.partition("?")
        self.asked.append((f"{method} {path}", dict(parse_qsl(query or body))))
        answer = self.answers[f"{method} {path}"]
        if isinstance(answer, Reply):
            return answer
        return ok(orjson.dumps(answer))

    def params(self, place: str) -> dict[str, str]:
        """Return what was last asked there, without time stamp and signature."""
        found = [params for asked, params in self.asked if asked == place]
        return {key: value for key, value in found[-1].items() if key not in ("timestamp", "recvWindow", "signature")}

    @property
    def places(self) -> list[str]:
        return [place for place, _ in self.asked]


@asynccontextmanager
async def venue_on(exchange: Exchange) -> AsyncIterator[Binance]:
    async with raw_exchange(exchange) as server:
        venue = Binance(VenueUrls.lab("binance", server.url, "ws://127.0.0.1:9"), symbols=known_symbols())
        try:
            yield venue
        finally:
            await venue.aclose()


def told(answers: dict[str, Any], ask: Callable[[Binance], Awaitable[Any]]) -> tuple[Any, Exchange]:
    """Return what the venue says, or how it fails, and what it asked."""
    exchange = Exchange(answers)

    async def run() -> Any:
        async with venue_on(exchange) as venue:
            try:
                return await ask(venue)
            except CopydeskError as failure:
                return failure

    return asyncio.run(run()), exchange


def test_a_fan_out_over_both_markets_sends_each_order_to_its_own_origin() -> None:
    orders = [
        (KEY, OrderRequest("cd-1", PERP, Side.BUY, OrderType.MARKET, D("0.010"))),
        (KEY, OrderRequest("cd-2", BTC.symbol, Side.BUY, OrderType.MARKET, D(1))),
        (KEY, OrderRequest("cd-3", "NO/SUCH:USDT", Side.BUY, OrderType.MARKET, D(1))),
    ]
    answers = {"POST /fapi/v1/order": ORDER, "POST /api/v3/order": SPOT_FILLED}
    outcomes, exchange = told(answers, lambda venue: venue.submit_many(orders))
    perpetual, spot, unmapped = (outcome.result for outcome in outcomes)
    assert (perpetual.symbol, perpetual.status, perpetual.avg_px) == (PERP, OrderStatus.FILLED, D(60000))
    assert (spot.symbol, spot.avg_px) == (BTC.symbol, D(4))
    assert isinstance(unmapped, VenueRefused) and unmapped.code == Denial.INSTRUMENT_UNMAPPED.value
    assert outcomes[2].sent_at is None
    assert sorted(exchange.places) == ["POST /api/v3/order", "POST /fapi/v1/order"]


def test_closes_go_first_whatever_market_they_are_of() -> None:
    """Each origin has one connection, so that what waits is what was started later."""
    exchange = Exchange({"POST /fapi/v1/order": ORDER, "POST /api/v3/order": SPOT_FILLED})
    orders = [
        (KEY, OrderRequest(f"cd-{n}", symbol, Side.SELL, OrderType.MARKET, D(1), reduces=reduces))
        for n, (symbol, reduces) in enumerate([(PERP, False), (BTC.symbol, False), (BTC.symbol, True), (PERP, True)])
    ]

    async def run() -> None:
        async with raw_exchange(exchange) as server:
            urls = VenueUrls.lab("binance", server.url, "ws://127.0.0.1:9")
            venue = Binance(urls, limits=PoolLimits(connections_max=1), symbols=known_symbols())
            await venue.submit_many(orders)
            await venue.aclose()

    asyncio.run(run())
    sent = [params["newClientOrderId"] for _, params in exchange.asked]
    assert set(sent[:2]) == {"cd-2", "cd-3"}


def test_a_conditional_order_goes_to_the_algo_orders() -> None:
    order = OrderRequest(
        "cd-9", PERP, Side.SELL, OrderType.STOP_MARKET, D("0.010"), reduces=True, trigger_px=D("59000.0")
    )
    answer = {"algoId": 5, "clientAlgoId": "cd-9", "side": "SELL", "positionSide": "BOTH", "algoStatus": "NEW",
              "quantity": "0.010", "createTime": 1, "updateTime": 1}  # fmt: skip
    view, exchange = told({"POST /fapi/v1/algoOrder": answer}, lambda venue: venue.submit(KEY, order))
    assert (view.client_order_id, view.venue_order_id, view.status) == ("cd-9", "5", OrderStatus.ACCEPTED)
    assert exchange.params("POST /fapi/v1/algoOrder")["triggerPrice"] == "59000"


@pytest.mark.parametrize("symbol", [PERP, BTC.symbol])
def test_an_order_with_exits_attached_is_refused_before_anything_is_sent(symbol: str) -> None:
    order = OrderRequest("cd-1", symbol, Side.BUY, OrderType.MARKET, D("0.010"), stop_loss_px=D(50000))
    failure, exchange = told({}, lambda venue: venue.submit(KEY, order))
    assert isinstance(failure, VenueRefused) and "exits" in str(failure)
    assert exchange.asked == []


def test_an_order_is_asked_for_with_its_fills() -> None:
    answers = {"GET /fapi/v1/order": ORDER, "GET /fapi/v1/userTrades": TRADES}
    view, exchange = told(answers, lambda venue: venue.query(KEY, PERP, "cd-1"))
    assert [fill.trade_id for fill in view.fills] == ["11", "12"]
    assert sum(fill.fee for fill in view.fills) == D("0.24")
    assert exchange.params("GET /fapi/v1/userTrades") == {"symbol": "BTCUSDT", "orderId": "7"}


@pytest.mark.parametrize(("days", "by_order"), [(6, True), (8, False)])
def test_all_fills_of_an_order_are_asked_for_by_its_id_or_found_among_the_contract_s(days: int, by_order: bool) -> None:
    """Of one order, those of the last week alone are told."""
    trades = TRADES if by_order else [*TRADES, TRADES[0] | {"id": 13, "orderId": 8}]
    since_ms = int(time.time() * 1000) - days * 86_400_000
    fills, exchange = told(
        {"GET /fapi/v1/userTrades": trades}, lambda venue: venue.fills(KEY, PERP, "7", since_ms=since_ms)
    )
    assert [(fill.trade_id, fill.fee, fill.at) for fill in fills] == [("11", D("0.12"), AT), ("12", D("0.12"), AT)]
    assert exchange.params("GET /fapi/v1/userTrades").get("orderId") == ("7" if by_order else None)


def test_a_spot_order_that_was_archived_is_none_and_told_by_its_fills() -> None:
    trade = {
        "id": 28457, "orderId": 7, "price": "4", "qty": "12", "commission": "0.1", "commissionAsset": "BNB",
        "time": 1566818724722, "isBuyer": True,
    }  # fmt: skip
    text = "Order was canceled or expired with no executed qty over 90 days ago and has been archived."
    answers = {"GET /api/v3/order": refused(-2026, text), "GET /api/v3/myTrades": [trade]}
    assert told(answers, lambda venue: venue.query(KEY, BTC.symbol, "cd-1"))[0] is None
    fills, exchange = told(answers, lambda venue: venue.fills(KEY, BTC.symbol, "7", since_ms=1))
    assert [(fill.trade_id, fill.qty, fill.fee_currency) for fill in fills] == [("28457", D(12), "BNB")]
    assert exchange.params("GET /api/v3/myTrades") == {"symbol": "BTCUSDT", "orderId": "7", "limit": "1000"}


def test_a_triggered_conditional_order_is_told_by_the_order_that_it_placed() -> None:
    algo = {"algoId": 5, "clientAlgoId": "cd-9", "side": "BUY", "positionSide": "BOTH", "algoStatus": "FINISHED",
            "quantity": "0.010", "createTime": 1, "updateTime": 1, "actualOrderId": "7"}  # fmt: skip
    answers = {
        "GET /fapi/v1/algoOrder": algo,
        "GET /fapi/v1/order": ORDER | {"clientOrderId": "placed"},
        "GET /fapi/v1/userTrades": TRADES,
    }
    view, exchange = told(answers, lambda venue: venue.query(KEY, PERP, "cd-9", conditional=True))
    assert (view.client_order_id, view.status, view.cum_qty) == ("cd-9", OrderStatus.FILLED, D("0.010"))
    assert exchange.params("GET /fapi/v1/order") == {"symbol": "BTCUSDT", "orderId": "7"}


@pytest.mark.parametrize("conditional", [False, True])
def test_an_order_that_the_exchange_does_not_know_is_none(conditional: bool) -> None:
    path = "algoOrder" if conditional else "order"
    none = {
        f"GET /fapi/v1/{path}": refused(-2013, "Order does not exist."),
        f"DELETE /fapi/v1/{path}": refused(-2011, "Unknown order sent."),
    }
    assert told(none, lambda venue: venue.query(KEY, PERP, "cd-1", conditional=conditional))[0] is None
    assert told(none, lambda venue: venue.cancel(KEY, PERP, "cd-1", conditional=conditional))[0] is None


CHANGE = Amendment("cd-1", PERP, Side.BUY, D("0.020"), D("60000.5"))


def test_an_open_order_is_amended_in_place() -> None:
    amended = ORDER | {"status": "NEW", "executedQty": "0", "origQty": "0.020"}
    view, exchange = told({"PUT /fapi/v1/order": amended}, lambda venue: venue.amend(KEY, CHANGE))
    assert (view.qty, view.status) == (D("0.020"), OrderStatus.ACCEPTED)
    params = exchange.params("PUT /fapi/v1/order")
    assert (params["quantity"], params["price"], params["origClientOrderId"]) == ("0.02", "60000.5", "cd-1")


def test_an_amendment_that_changes_nothing_tells_the_order_as_it_is() -> None:
    answers = {
        "PUT /fapi/v1/order": refused(-5027, "No need to modify the order."),
        "GET /fapi/v1/order": ORDER | {"status": "NEW", "executedQty": "0"},
    }
    view, _ = told(answers, lambda venue: venue.amend(KEY, CHANGE))
    assert view.status is OrderStatus.ACCEPTED


def test_an_amendment_without_an_answer_is_unknown_and_one_of_a_gone_order_is_none() -> None:
    unknown, _ = told({"PUT /fapi/v1/order": HANG_UP}, lambda venue: venue.amend(KEY, CHANGE))
    assert isinstance(unknown, OutcomeUnknown)
    gone, _ = told({"PUT /fapi/v1/order": refused(-2013)}, lambda venue: venue.amend(KEY, CHANGE))
    assert gone is None


def test_a_spot_order_is_not_amended_and_the_refusal_says_why() -> None:
    change = Amendment("cd-1", BTC.symbol, Side.BUY, D(1), D(60000))
    failure, exchange = told({}, lambda venue: venue.amend(KEY, change))
    assert isinstance(failure, VenueRefused) and "shrink" in str(failure)
    assert (failure.code, exchange.asked) == (Denial.VENUE_REFUSED.value, [])


def test_canceling_everything_cancels_conditional_orders_too() -> None:
    done = {"code": 200, "msg": "The operation of cancel all open order is done."}
    answers = {"DELETE /fapi/v1/allOpenOrders": done, "DELETE /fapi/v1/algoOpenOrders": done}
    result, exchange = told(answers, lambda venue: venue.cancel_all(KEY, PERP))
    assert result is None and set(exchange.places) == set(answers)
    nothing = {"DELETE /api/v3/openOrders": refused(-2011, "Unknown order sent.")}
    assert told(nothing, lambda venue: venue.cancel_all(KEY, BTC.symbol))[0] is None


def test_positions_carry_leverage_and_margin_mode_and_cost_one_request_when_there_are_none() -> None:
    row = {"symbol": "BTCUSDT", "positionSide": "LONG", "positionAmt": "0.010", "entryPrice": "60000",
           "markPrice": "60100", "unRealizedProfit": "1", "liquidationPrice": "30000",
           "isolatedWallet": "85.7"}  # fmt: skip
    config = [{"symbol": "BTCUSDT", "marginType": "ISOLATED", "leverage": 7}]
    answers = {"GET /fapi/v3/positionRisk": [row], "GET /fapi/v1/symbolConfig": config}
    (position,), _ = told(answers, lambda venue: venue.positions(KEY, PERP))
    assert (position.symbol, position.qty, position.leverage, position.margin_mode) == (
        PERP, D("0.010"), 7, MarginMode.ISOLATED,
    )  # fmt: skip
    assert position.margin == D("85.7")
    none, exchange = told({"GET /fapi/v3/positionRisk": []}, lambda venue: venue.positions(KEY))
    assert none == [] and exchange.places == ["GET /fapi/v3/positionRisk"]


def test_what_is_set_already_is_success() -> None:
    mode = {"POST /fapi/v1/marginType": refused(-4046, "No need to change margin type.")}
    result, exchange = told(mode, lambda venue: venue.set_margin_mode(KEY, PERP, MarginMode.CROSS, 5))
    assert result is None
    assert exchange.params("POST /fapi/v1/marginType") == {"symbol": "BTCUSDT", "marginType": "CROSSED"}
    sides = {"POST /fapi/v1/positionSide/dual": refused(-4059, "No need to change position side.")}
    result, exchange = told(sides, lambda venue: venue.set_position_mode(KEY, PERP, hedge=True))
    assert result is None
    assert exchange.params("POST /fapi/v1/positionSide/dual") == {"dualSidePosition": "true"}
    leverage = {"POST /fapi/v1/leverage": {"leverage": 5, "maxNotionalValue": "1000000", "symbol": "BTCUSDT"}}
    assert told(leverage, lambda venue: venue.set_leverage(KEY, PERP, 5))[0] is None


@pytest.mark.parametrize(
    ("code", "denial"),
    [(-4048, Denial.MARGIN_MODE_WRONG), (-4168, Denial.MARGIN_MODE_WRONG), (-2015, Denial.KEY_REJECTED)],
)
def test_a_setting_that_the_exchange_refuses_is_refused_by_name(code: int, denial: Denial) -> None:
    answers = {"POST /fapi/v1/marginType": refused(code)}
    failure, _ = told(answers, lambda venue: venue.set_margin_mode(KEY, PERP, MarginMode.ISOLATED, 5))
    assert isinstance(failure, VenueRefused) and failure.code == denial.value


def test_each_wallet_is_asked_for_where_it_is() -> None:
    futures = {"GET /fapi/v3/account": {"assets": [
        {"asset": "USDT", "walletBalance": "10", "availableBalance": "4"}]}}  # fmt: skip
    balances, _ = told(futures, lambda venue: venue.balances(KEY, Wallet.FUTURES))
    assert (balances["USDT"].free, balances["USDT"].locked) == (4, 6)
    funding = {"POST /sapi/v1/asset/get-funding-asset": [
        {"asset": "USDT", "free": "1", "locked": "0", "freeze": "0", "withdrawing": "0"}]}  # fmt: skip
    balances, _ = told(funding, lambda venue: venue.balances(KEY, Wallet.FUNDING))
    assert balances["USDT"].free == 1
    unanswered, _ = told(
        {"POST /sapi/v1/asset/get-funding-asset": HANG_UP}, lambda venue: venue.balances(KEY, Wallet.FUNDING)
    )
    assert isinstance(unanswered, Unavailable), "a question changes nothing, whatever its method"


def test_a_transfer_stays_within_the_account_and_one_without_an_answer_is_unknown() -> None:
    answers = {"POST /sapi/v1/asset/transfer": {"tranId": 13526853623}}
    result, exchange = told(answers, lambda venue: venue.transfer(KEY, "USDT", D("12.50"), Wallet.SPOT, Wallet.FUTURES))
    assert result is None
    assert exchange.params("POST /sapi/v1/asset/transfer") == {
        "type": "MAIN_UMFUTURE", "asset": "USDT", "amount": "12.5",
    }  # fmt: skip
    unknown, _ = told(
        {"POST /sapi/v1/asset/transfer": HANG_UP},
        lambda venue: venue.transfer(KEY, "USDT", D(1), Wallet.FUTURES, Wallet.SPOT),
    )
    assert isinstance(unknown, OutcomeUnknown)


def test_a_key_without_futures_has_no_open_orders_there() -> None:
    answers = {"GET /api/v3/openOrders": [], "GET /fapi/v1/openOrders": refused(-2015, status="401 Unauthorized")}
    orders, exchange = told(answers, lambda venue: venue.open_orders(KEY))
    assert orders == [] and len(exchange.places) == 2
    refused_there, _ = told(answers, lambda venue: venue.open_orders(KEY, PERP))
    assert isinstance(refused_there, VenueRefused)


def test_trades_are_read_week_by_week_and_page_by_page() -> None:
    day_ms = 86_400_000

    def page(request: str) -> Reply:
        params = dict(parse_qsl(request.split(" ")[1].partition("?")[2]))
        if "fromId" in params:
            return ok(orjson.dumps([TRADES[0] | {"id": 2000}]))
        if int(params["startTime"]) < start_ms + 7 * day_ms:
            return ok(orjson.dumps([TRADES[0] | {"id": 1000 + n} for n in range(1000)]))
        return ok(orjson.dumps([TRADES[0] | {"id": 2000}, TRADES[0] | {"id": 3000}]))

    async def run() -> list[str]:
        nonlocal start_ms
        async with raw_exchange(page) as server:
            venue = Binance(VenueUrls.lab("binance", server.url, "ws://127.0.0.1:9"), symbols=known_symbols())
            start_ms = venue.perpetual.client.timestamp_ms() - 10 * day_ms
            found = await venue.trades_since(KEY, PERP, start_ms)
            await venue.aclose()
            return [trade.trade_id for trade in found]

    start_ms = 0
    assert asyncio.run(run()) == [str(n) for n in (*range(1000, 2000), 2000, 3000)]


def test_one_market_s_trouble_leaves_the_other_usable() -> None:
    spot = {"symbols": [{
        "symbol": "BTCUSDT", "status": "TRADING", "baseAsset": "BTC", "quoteAsset": "USDT",
        "filters": [{"filterType": "PRICE_FILTER", "tickSize": "0.01"},
                    {"filterType": "LOT_SIZE", "stepSize": "0.00001", "minQty": "0.00001", "maxQty": "9000"},
                    {"filterType": "NOTIONAL", "minNotional": "5"}]}]}  # fmt: skip
    prices = [{"symbol": "BTCUSDT", "price": "60000"}]
    answers: dict[str, Any] = {
        "GET /api/v3/exchangeInfo": spot,
        "GET /fapi/v1/exchangeInfo": ok(b"<html>", status="502 Bad Gateway"),
        "GET /api/v3/ticker/price": prices,
    }
    exchange = Exchange(answers)

    async def run() -> None:
        async with raw_exchange(exchange) as server:
            venue = Binance(VenueUrls.lab("binance", server.url, "ws://127.0.0.1:9"))
            assert set(await venue.instruments()) == {"BTC/USDT"}
            assert await venue.prices() == {"BTC/USDT": D(60000)}
            answers["GET /api/v3/exchangeInfo"] = ok(b"<html>", status="502 Bad Gateway")
            with pytest.raises(Unavailable):
                await venue.instruments()
            await venue.aclose()

    asyncio.run(run())


def test_a_time_that_is_refused_even_after_the_clock_was_set_right_is_refused_by_name() -> None:
    order = OrderRequest("cd-1", PERP, Side.BUY, OrderType.MARKET, D("0.010"))
    skewed = refused(-1021, "Timestamp for this request is outside of the recvWindow.")
    exchange = Exchange({"POST /fapi/v1/order": skewed, "GET /fapi/v1/time": {"serverTime": 1_700_000_000_000}})

    async def run() -> list[Any]:
        results = []
        async with raw_exchange(exchange) as server:
            venue = Binance(VenueUrls.lab("binance", server.url, "ws://127.0.0.1:9"), symbols=known_symbols())
            for asked in (1, 2):
                (outcome,) = await venue.submit_many([(KEY, order)])
                results.append(outcome.result)
                await until_clock(server, asked)
                await venue.perpetual.client.sync_clock()
            exchange.answers["POST /fapi/v1/order"] = ORDER
            results.append((await venue.submit_many([(KEY, order)]))[0].result)
            exchange.answers["POST /fapi/v1/order"] = skewed
            results.append((await venue.submit_many([(KEY, order)]))[0].result)
            await venue.aclose()
        return results

    async def until_clock(server: RawExchange, asked: int) -> None:
        await server.until(lambda: exchange.places.count("GET /fapi/v1/time") >= asked)

    first, second, third, fourth = asyncio.run(run())
    assert isinstance(first, Unavailable)
    assert isinstance(second, VenueRefused) and second.code == Denial.CLOCK_SKEWED.value
    assert isinstance(third, OrderView)
    assert isinstance(fourth, Unavailable), "an accepted time ends the doubt"


def test_a_listen_key_is_asked_for_with_the_key_alone_and_an_order_has_a_short_window() -> None:
    wire, endpoints = PerpetualWire(), PERPETUAL.endpoints
    assert wire.render(endpoints["stream_key"], {}, KEY, 1) == ("", "X-MBX-APIKEY: key\r\n", b"")
    _, _, order = wire.render(endpoints["submit"], "a=1", KEY, 1)
    query, _, _ = wire.render(endpoints["query"], {"a": 1}, KEY, 1)
    assert order.startswith(b"a=1&timestamp=1&recvWindow=2000&signature=")
    assert query.startswith("a=1&timestamp=1&recvWindow=4000&signature=")
    assert wire.render(endpoints["time"], {}, None, 1) == ("", "", b"")
