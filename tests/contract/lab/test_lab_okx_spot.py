"""OKX spot and market data through unmodified ccxt: BTC stands at 100,000, bid 99,995, ask 100,005."""

from __future__ import annotations

from itertools import pairwise

import ccxt
import pytest
from okx_lab import Keys, OkxLab

SPOT, SWAP = "BTC/USDT", "BTC/USDT:USDT"
ASK, BID = 100_005.0, 99_995.0


@pytest.fixture
def keys(fresh_okx: OkxLab) -> Keys:
    return fresh_okx.open_account()


@pytest.fixture
def client(fresh_okx: OkxLab, keys: Keys) -> ccxt.okx:
    made = fresh_okx.client(keys)
    made.load_markets()
    return made


def test_markets_tell_steps_and_contract_sizes(client: ccxt.okx) -> None:
    spot, swap = client.market(SPOT), client.market(SWAP)
    assert (spot["precision"]["amount"], spot["precision"]["price"], spot["limits"]["amount"]["min"]) == (
        1e-5,
        0.01,
        1e-5,
    )
    assert (swap["contractSize"], swap["precision"]["amount"], swap["limits"]["amount"]["min"]) == (0.01, 0.01, 0.01)
    assert (swap["linear"], swap["settle"], swap["limits"]["leverage"]["max"]) == (True, "USDT", 125.0)
    assert isinstance(swap["instIdCode"], int) and swap["active"]
    assert client.currencies["USDT"]["id"] == "USDT"


def test_the_ticker_is_the_top_of_the_book(client: ccxt.okx) -> None:
    for symbol in (SPOT, SWAP):
        ticker, book = client.fetch_ticker(symbol), client.fetch_order_book(symbol, 5)
        assert (ticker["bid"], ticker["ask"]) == (BID, ASK)
        assert [book["bids"][0][0], book["asks"][0][0]] == [BID, ASK]
        assert len(book["bids"]) == len(book["asks"]) == 5
    assert set(client.fetch_tickers([SPOT, "ETH/USDT"])) == {SPOT, "ETH/USDT"}


def test_contracts_are_a_hundredth_of_a_bitcoin(client: ccxt.okx) -> None:
    spot, swap = client.fetch_ticker(SPOT)["info"], client.fetch_ticker(SWAP)["info"]
    assert float(swap["vol24h"]) == pytest.approx(100 * float(swap["volCcy24h"]))
    assert float(swap["volCcy24h"]) == pytest.approx(float(spot["vol24h"]))


@pytest.mark.parametrize(("timeframe", "length_ms"), [("1m", 60_000), ("1h", 3_600_000), ("1d", 86_400_000)])
def test_candles_follow_each_other_and_the_last_one_runs(client: ccxt.okx, timeframe: str, length_ms: int) -> None:
    candles = client.fetch_ohlcv(SPOT, timeframe, limit=3)
    opens = [candle[0] for candle in candles]
    assert [second - first for first, second in pairwise(opens)] == [length_ms] * (len(opens) - 1)
    assert all(opened % length_ms == 0 for opened in opens)
    assert client.milliseconds() - opens[-1] < length_ms + 5000
    assert all(low <= min(start, end) <= max(start, end) <= high for _, start, high, low, end, _ in candles)


def test_daily_candles_open_on_utc8_unless_asked_for_utc(client: ccxt.okx) -> None:
    rows = {
        bar: client.public_get_market_candles({"instId": "BTC-USDT", "bar": bar, "limit": "2"})["data"]
        for bar in ("1D", "1Dutc", "6H")
    }
    day_ms, eight_ms = 86_400_000, 8 * 3_600_000
    assert {(int(row[0]) + eight_ms) % day_ms for row in rows["1D"]} == {0}
    assert {int(row[0]) % day_ms for row in rows["1Dutc"]} == {0}
    assert {(int(row[0]) + eight_ms) % (day_ms // 4) for row in rows["6H"]} == {0}
    assert [row[8] for row in rows["1Dutc"]] == ["0", "1"]


def test_candles_can_be_asked_for_from_a_moment_on(client: ccxt.okx) -> None:
    last = client.fetch_ohlcv(SPOT, "1h", limit=10)
    since = last[2][0]
    assert [candle[0] for candle in client.fetch_ohlcv(SPOT, "1h", since, 3)] == [c[0] for c in last[2:5]]


def test_mark_and_index_candles_are_those_of_the_market(client: ccxt.okx) -> None:
    plain = client.fetch_ohlcv(SWAP, "1h", limit=3)
    for price in ("mark", "index"):
        candles = client.fetch_ohlcv(SWAP, "1h", None, 3, {"price": price})
        # The running candle moves on between two looks.
        assert [candle[:5] for candle in candles[:-1]] == [candle[:5] for candle in plain[:-1]]


def test_money_in_both_wallets_is_told(fresh_okx: OkxLab, client: ccxt.okx, keys: Keys) -> None:
    assert client.fetch_balance()["total"] == {"BTC": 1.0, "USDT": 10_000.0}
    moved = client.transfer("USDT", 100, "trading", "funding")
    assert (moved["amount"], moved["fromAccount"], moved["toAccount"]) == (100.0, "trading", "funding")
    assert client.fetch_balance()["free"]["USDT"] == 9_900.0
    assert client.fetch_balance({"type": "funding"})["free"] == {"USDT": 100.0}
    assert client.fetch_transfer(moved["id"])["status"] == "ok"
    client.transfer("USDT", 100, "funding", "trading")
    assert client.fetch_balance()["free"]["USDT"] == 10_000.0


def test_a_market_order_is_only_acknowledged_and_its_fill_read_afterwards(client: ccxt.okx) -> None:
    placed = client.create_order(SPOT, "market", "buy", 0.01)
    assert (placed["status"], placed["filled"], placed["average"]) == (None, None, None)
    order = client.fetch_order(placed["id"], SPOT)
    assert (order["status"], order["filled"], order["average"], order["type"]) == ("closed", 0.01, ASK, "market")
    assert order["fee"] == {"cost": 0.00001, "currency": "BTC"}
    assert order["clientOrderId"] == placed["clientOrderId"] and len(placed["clientOrderId"]) == 32
    assert client.fetch_balance()["total"]["BTC"] == pytest.approx(1.00999)


def test_a_market_buy_may_be_sized_in_quote_currency(client: ccxt.okx) -> None:
    placed = client.create_market_buy_order_with_cost(SPOT, 500)
    order = client.fetch_order(placed["id"], SPOT)
    assert (order["info"]["tgtCcy"], order["info"]["sz"], order["status"]) == ("quote_ccy", "500", "closed")
    assert 0.00498 < order["filled"] <= 0.005


def test_a_resting_order_is_listed_amended_and_canceled(client: ccxt.okx) -> None:
    placed = client.create_order(SPOT, "limit", "buy", 0.01, 90_000, {"clientOrderId": "rests1"})
    assert [order["id"] for order in client.fetch_open_orders(SPOT)] == [placed["id"]]
    assert client.fetch_balance()["used"]["USDT"] == 900.0
    client.edit_order(placed["id"], SPOT, "limit", "buy", 0.02, 91_000)
    changed = client.fetch_order(None, SPOT, {"clientOrderId": "rests1"})
    assert (changed["id"], changed["status"]) == (placed["id"], "open")
    assert (changed["amount"], changed["price"]) == (0.02, 91_000.0)
    client.cancel_order(None, SPOT, {"clientOrderId": "rests1"})
    assert client.fetch_open_orders(SPOT) == []
    canceled = client.fetch_canceled_orders(SPOT)[0]
    assert (canceled["id"], canceled["status"], canceled["info"]["cancelSource"]) == (placed["id"], "canceled", "1")


@pytest.mark.parametrize(
    ("params", "px", "status", "filled", "source"),
    [
        ({"timeInForce": "IOC"}, 99_000, "canceled", 0.0, "14"),
        ({"timeInForce": "FOK"}, 99_000, "canceled", 0.0, "13"),
        ({"timeInForce": "IOC"}, 101_000, "closed", 0.01, ""),
        ({"timeInForce": "FOK"}, 101_000, "closed", 0.01, ""),
        ({"postOnly": True}, 101_000, "canceled", 0.0, "31"),
        ({"postOnly": True}, 99_000, "open", 0.0, ""),
    ],
)
def test_how_long_an_order_lasts_is_up_to_its_type(
    client: ccxt.okx, params: dict[str, object], px: int, status: str, filled: float, source: str
) -> None:
    placed = client.create_order(SPOT, "limit", "buy", 0.01, px, params)
    order = client.fetch_order(placed["id"], SPOT)
    assert (order["status"], order["filled"], order["info"]["cancelSource"]) == (status, filled, source)


def test_trades_carry_fees_and_belong_to_their_order(client: ccxt.okx) -> None:
    placed = client.create_order(SPOT, "market", "sell", 0.02)
    trade = client.fetch_my_trades(SPOT)[0]
    assert (trade["order"], trade["side"], trade["amount"], trade["price"]) == (placed["id"], "sell", 0.02, BID)
    assert (trade["takerOrMaker"], trade["fee"]["currency"]) == ("taker", "USDT")
    assert trade["fee"]["cost"] == pytest.approx(0.02 * BID * 0.001)
    assert [fill["id"] for fill in client.fetch_order_trades(placed["id"], SPOT)] == [trade["id"]]


def test_lists_are_paged_by_ids(client: ccxt.okx) -> None:
    ids = [client.create_order(SPOT, "limit", "buy", 0.001, 90_000 + n)["id"] for n in range(5)]
    newest = ids[::-1]

    def page(**params: str) -> list[str]:
        return [row["ordId"] for row in client.private_get_trade_orders_pending(params)["data"]]

    assert page() == newest
    assert page(limit="2") == newest[:2]
    assert page(after=ids[2]) == newest[3:]
    assert page(before=ids[2]) == newest[:2]


def test_orders_of_both_markets_have_different_ids(client: ccxt.okx) -> None:
    spot = client.create_order(SPOT, "limit", "buy", 0.001, 90_000)
    swap = client.create_order(SWAP, "limit", "buy", 0.1, 90_000)
    assert spot["id"] != swap["id"]
    with pytest.raises(ccxt.OrderNotFound):
        client.fetch_order(spot["id"], SWAP)


def test_fees_are_told_per_market(client: ccxt.okx) -> None:
    spot, swap = client.fetch_trading_fee(SPOT), client.fetch_trading_fee(SWAP)
    assert (spot["maker"], spot["taker"], swap["maker"], swap["taker"]) == (0.001, 0.001, 0.0002, 0.0005)


def test_all_orders_go_when_the_account_falls_silent(fresh_okx: OkxLab, client: ccxt.okx) -> None:
    client.create_order(SPOT, "limit", "buy", 0.001, 90_000)
    client.create_order(SWAP, "limit", "buy", 0.1, 90_000)
    client.cancel_all_orders_after(60_000)
    fresh_okx.run(fresh_okx.okx.tick)
    assert len(client.fetch_open_orders()) == 2
    fresh_okx.exchange.clock_offset_ms += 61_000.0
    fresh_okx.run(fresh_okx.okx.tick)
    client.options["timeDifference"] = -61_000
    assert client.fetch_open_orders() == []


def test_the_deadline_can_be_taken_back(fresh_okx: OkxLab, client: ccxt.okx) -> None:
    client.create_order(SPOT, "limit", "buy", 0.001, 90_000)
    client.cancel_all_orders_after(10_000)
    client.options["timeDifference"] = -2_000
    fresh_okx.exchange.clock_offset_ms += 2_000.0
    client.cancel_all_orders_after(0)
    fresh_okx.exchange.clock_offset_ms += 20_000.0
    fresh_okx.run(fresh_okx.okx.tick)
    assert len(client.fetch_open_orders()) == 1
