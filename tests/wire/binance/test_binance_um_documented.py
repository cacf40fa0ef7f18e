"""Binance USDⓈ-M objects against the field lists and examples of the exchange's documents.

Source: developers.binance.com, USDⓈ-M futures: "New Order", "Query Order", "Account Trade List", "New Algo Order",
"Position Information V3", "Account Information V3", "Event: Order Update", "Event: Balance and Position Update",
"Event: Algo Order Update", "Mark Price", "Exchange Information".
"""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from copydesk.venues.lab.conditional import STOP, NewConditional
from copydesk.venues.lab.dialects.binance.um.algo_shapes import algo_update, query_view, view
from copydesk.venues.lab.dialects.binance.um.errors import rejected
from copydesk.venues.lab.dialects.binance.um.formats import FORMATS
from copydesk.venues.lab.dialects.binance.um.market import premium
from copydesk.venues.lab.dialects.binance.um.market_shapes import aggregate_trade, kline, symbol_info
from copydesk.venues.lab.dialects.binance.um.positions import every_position, risk_v2, risk_v3
from copydesk.venues.lab.dialects.binance.um.shapes import ack, order_trade_update, order_view, result, user_trade
from copydesk.venues.lab.dialects.binance.um.user_events import AccountStory
from copydesk.venues.lab.exchange import Exchange
from copydesk.venues.lab.faults import FaultPlan
from copydesk.venues.lab.journal import Journal
from copydesk.venues.lab.keys import KeyRing
from copydesk.venues.lab.listings import LISTINGS
from copydesk.venues.lab.market import Candle, Market
from copydesk.venues.lab.model import BUY, MARKET, SELL, NewOrder, Order, OrderUpdate, PublicTrade, Reject
from copydesk.venues.lab.world import MarketClock, World

NOW_MS = 1_568_879_465_651
number = Decimal


def words(text: str) -> set[str]:
    return set(text.split())


@pytest.fixture
def exchange(tmp_path: Path) -> Iterator[Exchange]:
    """Binance with one account of 10,000 USDT in futures, at a time that stands still."""
    market = Market(seed=0)
    journal = Journal(tmp_path / "journal.jsonl")
    clock = MarketClock(market.start_ms + 86_400_000, NOW_MS, 1.0)
    world = World(market=market, journal=journal, faults=FaultPlan(0), clock=clock, clock_ms=lambda: float(NOW_MS))
    opened = world.exchanges["binance"] = Exchange(world, LISTINGS["binance"], keys=KeyRing())
    world.pins["BTCUSDT"] = number(100_000)
    world.tick()
    opened.create_account("a", {})
    opened.deposit("a", "USDT", number(10_000), "futures")
    yield opened
    journal.close()


def bought(exchange: Exchange) -> Order:
    new = NewOrder("a", "TEST", "BTCUSDT", BUY, MARKET, number("0.01"), market="perp")
    order = exchange.submit(new, NOW_MS).order
    assert order is not None
    return order


def test_orders_have_the_documented_fields(exchange: Exchange) -> None:
    order = bought(exchange)
    common = words(
        "clientOrderId cumQuote executedQty orderId avgPrice origQty price reduceOnly side positionSide status"
        " stopPrice closePosition symbol timeInForce type origType updateTime workingType priceProtect priceMatch"
        " selfTradePreventionMode goodTillDate"
    )
    assert set(result(order)) == common | {"cumQty"}
    assert set(order_view(order)) == common | {"time"}
    said = {
        name: result(order)[name] for name in ("status", "executedQty", "avgPrice", "cumQuote", "type", "positionSide")
    }
    assert said == {
        "status": "FILLED",
        "executedQty": "0.010",
        "avgPrice": "100005.00000",
        "cumQuote": "1000.05000",
        "type": "MARKET",
        "positionSide": "BOTH",
    }
    assert {name: ack(order)[name] for name in ("status", "executedQty", "avgPrice")} == {
        "status": "NEW",
        "executedQty": "0.000",
        "avgPrice": "0.00000",
    }


def test_executions_have_the_documented_fields(exchange: Exchange) -> None:
    trade = user_trade(bought(exchange).fills[0])
    assert set(trade) == words(
        "buyer commission commissionAsset id maker orderId price qty quoteQty realizedPnl side positionSide symbol time"
    )
    assert (trade["price"], trade["qty"], trade["commission"]) == ("100005.00", "0.010", "0.50002500")


def test_positions_have_the_documented_fields(exchange: Exchange) -> None:
    bought(exchange)
    long = every_position(exchange, "a", ["BTCUSDT"])[0]
    nothing = number(0), number(0)
    assert set(risk_v3(exchange, long, nothing)) == words(
        "symbol positionSide positionAmt entryPrice breakEvenPrice markPrice unRealizedProfit liquidationPrice"
        " isolatedMargin notional marginAsset isolatedWallet initialMargin maintMargin positionInitialMargin"
        " openOrderInitialMargin adl bidNotional askNotional updateTime"
    )
    assert set(risk_v2(exchange, long)) == words(
        "entryPrice breakEvenPrice marginType isAutoAddMargin isolatedMargin leverage liquidationPrice markPrice"
        " maxNotionalValue positionAmt notional isolatedWallet symbol unRealizedProfit positionSide updateTime"
    )


def test_an_order_update_has_every_documented_field(exchange: Exchange) -> None:
    order = bought(exchange)
    event = OrderUpdate("a", order, "TRADE", "FILLED", order.cum_qty, order.cum_quote, order.fills[0], NOW_MS)
    told = order_trade_update(event)
    assert set(told) == {"e", "E", "T", "o"}
    assert set(told["o"]) == words("s c S o f q p ap sp x X i l z L N n T t b a m R wt ot ps cp rp pP si ss V pm gtd")
    new = order_trade_update(OrderUpdate("a", order, "NEW", "NEW", number(0), number(0), None, NOW_MS))
    assert set(told["o"]) - set(new["o"]) == {"n", "N"}  # Commission is not pushed when there is none.


def test_an_account_update_joins_money_and_positions(exchange: Exchange) -> None:
    told: list[dict[str, Any]] = []
    story = AccountStory(exchange, "a", told.append)
    exchange.streams.listen("a", story.hear)
    bought(exchange)
    story.flush()
    assert [event["e"] for event in told] == [
        "ORDER_TRADE_UPDATE",
        "TRADE_LITE",
        "ORDER_TRADE_UPDATE",
        "ACCOUNT_UPDATE",
    ]
    update = told[-1]["a"]
    assert set(update) == {"m", "B", "P"}
    assert set(update["B"][0]) == words("a wb cw bc")
    assert set(update["P"][0]) == words("s pa ep bep cr up mt iw ps ma")
    assert update["B"] == [{"a": "USDT", "wb": "9999.49997500", "cw": "9999.49997500", "bc": "0"}]
    assert {name: update["P"][0][name] for name in ("pa", "ep", "mt", "iw", "ps")} == {
        "pa": "0.010",
        "ep": "100005",
        "mt": "cross",
        "iw": "0",
        "ps": "BOTH",
    }


def test_conditional_orders_have_the_documented_fields(exchange: Exchange) -> None:
    new = NewOrder("a", "", "BTCUSDT", SELL, MARKET, number("0.01"), market="perp")
    asked = NewConditional(
        new, STOP, number(95_000), rises=False, client_id="Q5xaq5EGKgXXa0fD7fs0Ip", tag="STOP_MARKET"
    )
    one = exchange.perp.place_conditional(asked, NOW_MS).conditional
    assert one is not None
    placed = words(
        "algoId clientAlgoId algoType orderType symbol side positionSide timeInForce quantity algoStatus triggerPrice"
        " price icebergQuantity selfTradePreventionMode workingType priceMatch closePosition priceProtect reduceOnly"
        " createTime updateTime triggerTime goodTillDate"
    )
    assert set(view(one, None)) == placed
    assert set(query_view(one, None)) == placed | {"actualOrderId", "actualPrice", "tpOrderType"}
    assert set(algo_update(one, None, "NEW", NOW_MS)["o"]) == words(
        "caid aid at o s S ps f q X ai ap aq act tp p V wt pm cp pP R tt gtd"
    )


def test_market_objects_have_the_documented_fields(exchange: Exchange) -> None:
    instrument = exchange.perp.instruments["BTCUSDT"]
    assert set(premium(exchange, instrument, NOW_MS)) == words(
        "symbol markPrice indexPrice estimatedSettlePrice lastFundingRate interestRate nextFundingTime time"
    )
    info = symbol_info(instrument, halted=False)
    assert set(info) >= words(
        "symbol pair contractType deliveryDate onboardDate status maintMarginPercent requiredMarginPercent baseAsset"
        " quoteAsset marginAsset pricePrecision quantityPrecision baseAssetPrecision quotePrecision underlyingType"
        " underlyingSubType triggerProtect filters orderTypes timeInForce liquidationFee marketTakeBound"
    )
    filters = {row["filterType"]: row for row in info["filters"]}
    assert (filters["PRICE_FILTER"]["tickSize"], filters["LOT_SIZE"]["stepSize"]) == ("0.10", "0.001")
    trade = PublicTrade("BTCUSDT", 1, number(100_000), number("0.5"), True, 0, 0, NOW_MS, "perp")
    assert set(aggregate_trade(trade)) == words("a p q nq f l T m")
    candle = Candle(NOW_MS, number(1), number(2), number(1), number(2), number(3))
    assert len(kline("BTCUSDT", candle, 60_000)) == 12


def test_precisions_are_those_of_the_exchange_list() -> None:
    assert {symbol: (form.px_places, form.qty_places) for symbol, form in FORMATS.items()} == {
        "BTCUSDT": (2, 3),
        "ETHUSDT": (2, 3),
        "SOLUSDT": (4, 1),
        "XRPUSDT": (4, 1),
        "BNBUSDT": (3, 2),
    }


@pytest.mark.parametrize("reject", list(Reject))
def test_every_refusal_of_the_engine_has_a_code_and_a_text(reject: Reject) -> None:
    error = rejected(reject)
    assert error.code < 0
    assert error.msg
