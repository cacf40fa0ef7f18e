"""Unmodified ccxt.binance against the lab: only its URLs are changed."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise

import ccxt
import pytest
from lab_process import LabProcess

SYMBOL = "BTC/USDT"


@pytest.fixture(scope="module")
def exchange(lab: LabProcess) -> Iterator[ccxt.binance]:
    """A client with stock options: it loads margin, futures and coin lists too."""
    client = ccxt.binance(lab.options(lab.open_account("sync", USDT="1000000", BTC="10")))
    client.load_markets()
    yield client
    client.session.close()


def test_markets_carry_the_filters(exchange: ccxt.binance) -> None:
    market = exchange.market(SYMBOL)
    assert (market["spot"], market["active"]) == (True, True)
    assert (market["precision"]["amount"], market["precision"]["price"]) == (0.00001, 0.01)
    assert market["limits"]["cost"]["min"] == 5.0
    spot = {symbol for symbol in exchange.symbols if exchange.market(symbol)["spot"]}
    assert spot == {"BTC/USDT", "ETH/USDT", "SOL/USDT", "XRP/USDT", "BNB/USDT"}


def test_the_clock_is_the_wall_clock(exchange: ccxt.binance) -> None:
    assert abs(exchange.fetch_time() - exchange.milliseconds()) < 5000


def test_ticker_and_book_surround_the_price(exchange: ccxt.binance) -> None:
    ticker = exchange.fetch_ticker(SYMBOL)
    book = exchange.fetch_order_book(SYMBOL, 5)
    assert ticker["bid"] < 100_000 < ticker["ask"]
    assert ticker["low"] <= ticker["last"] <= ticker["high"]
    assert len(book["bids"]) == len(book["asks"]) == 5
    assert book["bids"][0][0] < 100_000 < book["asks"][0][0]
    assert set(exchange.fetch_tickers([SYMBOL, "ETH/USDT"])) == {SYMBOL, "ETH/USDT"}
    assert exchange.fetch_bids_asks([SYMBOL])[SYMBOL]["ask"] == book["asks"][0][0]


@pytest.mark.parametrize(("timeframe", "step_ms"), [("1m", 60_000), ("5m", 300_000), ("1h", 3_600_000)])
def test_candles_end_at_the_present_and_stay_on_their_grid(
    exchange: ccxt.binance, timeframe: str, step_ms: int
) -> None:
    candles = exchange.fetch_ohlcv(SYMBOL, timeframe, limit=20)
    opens = [candle[0] for candle in candles]
    assert len(candles) == 20
    assert [b - a for a, b in pairwise(opens)] == [step_ms] * 19
    assert opens[-1] % step_ms == 0
    assert 0 <= exchange.milliseconds() - opens[-1] < 2 * step_ms
    assert all(low <= min(o, c) and high >= max(o, c) for _, o, high, low, c, _ in candles)


def test_candles_since_a_time_begin_there(exchange: ccxt.binance) -> None:
    since = exchange.milliseconds() // 3_600_000 * 3_600_000 - 10 * 3_600_000
    candles = exchange.fetch_ohlcv(SYMBOL, "1h", since=since, limit=3)
    assert [candle[0] for candle in candles] == [since + i * 3_600_000 for i in range(3)]


def test_a_market_order_fills_at_once_and_pays_its_fee(exchange: ccxt.binance) -> None:
    before = exchange.fetch_balance()
    order = exchange.create_order(SYMBOL, "market", "buy", 0.01, None, {"newClientOrderId": "sync-market"})
    after = exchange.fetch_balance()
    assert (order["status"], order["filled"]) == ("closed", 0.01)
    assert order["average"] > 100_000
    assert order["fee"]["currency"] == "BTC"
    assert after["BTC"]["total"] == pytest.approx(before["BTC"]["total"] + 0.01 * 0.999)
    assert after["USDT"]["total"] == pytest.approx(before["USDT"]["total"] - order["cost"])
    assert exchange.fetch_order("", SYMBOL, {"origClientOrderId": "sync-market"})["id"] == order["id"]


def test_a_market_buy_by_cost_spends_no_more_than_that(exchange: ccxt.binance) -> None:
    order = exchange.create_market_buy_order_with_cost(SYMBOL, 500)
    assert order["status"] == "closed"
    assert 499 < order["cost"] <= 500


def test_a_limit_order_rests_locks_money_and_is_canceled(exchange: ccxt.binance) -> None:
    order = exchange.create_order(SYMBOL, "limit", "buy", 0.01, 90_000)
    assert order["status"] == "open"
    assert exchange.fetch_balance()["USDT"]["used"] == pytest.approx(900)
    assert [o["id"] for o in exchange.fetch_open_orders(SYMBOL)] == [order["id"]]
    canceled = exchange.cancel_order(order["id"], SYMBOL)
    assert canceled["status"] == "canceled"
    assert exchange.fetch_order(order["id"], SYMBOL)["status"] == "canceled"
    assert exchange.fetch_balance()["USDT"]["used"] == 0


def test_an_ioc_order_takes_what_is_there_and_expires(exchange: ccxt.binance) -> None:
    ask, size = exchange.fetch_order_book(SYMBOL, 5)["asks"][0]
    order = exchange.create_order(SYMBOL, "limit", "buy", size + 0.5, ask, {"timeInForce": "IOC"})
    assert order["status"] == "expired"
    assert 0 < order["filled"] < order["amount"]


def test_an_edit_cancels_and_replaces(exchange: ccxt.binance) -> None:
    first = exchange.create_order(SYMBOL, "limit", "buy", 0.01, 90_000)
    second = exchange.edit_order(first["id"], SYMBOL, "limit", "buy", 0.02, 91_000)
    assert exchange.fetch_order(first["id"], SYMBOL)["status"] == "canceled"
    assert (second["status"], second["amount"], second["price"]) == ("open", 0.02, 91_000)
    assert len(exchange.cancel_all_orders(SYMBOL)) == 1


def test_trades_and_orders_are_listed(exchange: ccxt.binance) -> None:
    order = exchange.create_order(SYMBOL, "market", "sell", 0.02)
    mine = exchange.fetch_my_trades(SYMBOL, params={"orderId": order["id"]})
    assert sum(trade["amount"] for trade in mine) == pytest.approx(0.02)
    assert {trade["takerOrMaker"] for trade in mine} == {"taker"}
    assert order["id"] in {o["id"] for o in exchange.fetch_orders(SYMBOL)}
    assert mine[-1]["price"] in {trade["price"] for trade in exchange.fetch_trades(SYMBOL)}


def test_fees_and_key_rights_are_told(exchange: ccxt.binance) -> None:
    assert exchange.fetch_trading_fee(SYMBOL)["taker"] == 0.001
    rights = exchange.sapi_get_account_apirestrictions()
    assert (rights["enableReading"], rights["enableSpotAndMarginTrading"]) == (True, True)
    assert (rights["enableWithdrawals"], rights["ipRestrict"]) == (False, False)


def test_refusals_raise_the_exceptions_of_production(exchange: ccxt.binance) -> None:
    with pytest.raises(ccxt.InsufficientFunds):
        exchange.create_order(SYMBOL, "limit", "buy", 900, 90_000)
    with pytest.raises(ccxt.BadRequest, match="NOTIONAL"):
        exchange.create_order(SYMBOL, "limit", "buy", 0.00001, 90_000)
    with pytest.raises(ccxt.OrderImmediatelyFillable):
        exchange.create_order(SYMBOL, "limit", "buy", 0.01, 110_000, {"postOnly": True})
    with pytest.raises(ccxt.OrderNotFound):
        exchange.cancel_order("999999", SYMBOL)
    with pytest.raises(ccxt.OrderNotFound):
        exchange.fetch_order("999999", SYMBOL)
