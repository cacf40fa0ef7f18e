"""What Binance counts and refuses per address, per account and per path, and what it tells of it in headers."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from binance_lab import BinanceLab, Keys, Reply

LIMIT = {
    "symbol": "BTCUSDT",
    "side": "BUY",
    "type": "LIMIT",
    "timeInForce": "GTC",
    "quantity": "0.01",
    "price": "90000",
}
WAITING = {"X-Forwarded-For": "198.51.100.20"}
OTHER = {"X-Forwarded-For": "198.51.100.21"}


@pytest.fixture(autouse=True)
def same_minute(binance_lab: BinanceLab) -> Iterator[None]:
    """Hold the lab's clock still, so that no window ends in the middle of a test."""
    clock = binance_lab.world.now_ms
    now_ms = clock()
    binance_lab.world.now_ms = lambda: now_ms
    yield
    binance_lab.world.now_ms = clock
    binance_lab.forget_limits()


def many(count: int, call: Any) -> list[Reply]:
    return [call() for _ in range(count)]


def test_weight_of_futures_is_told_refused_and_ends_in_a_ban(binance_lab: BinanceLab) -> None:
    def heavy() -> Reply:
        return binance_lab.call("GET", "/fapi/v1/ticker/24hr", WAITING)

    answers = many(60, heavy)
    assert {answer.status for answer in answers} == {200}
    assert answers[-1].headers["x-mbx-used-weight-1m"] == "2400"
    refused = heavy()
    assert refused.error == (
        429,
        -1003,
        "Too many requests; current limit of IP(198.51.100.20) is 2400 requests per minute. "
        "Please use the websocket for live updates to avoid polling the API.",
    )
    assert 0 < int(refused.headers["retry-after"]) <= 60
    banned = many(25, heavy)[-1]
    assert (banned.status, banned.body["msg"][:44]) == (418, "Way too many requests; IP(198.51.100.20) ban")
    assert int(banned.headers["retry-after"]) > 60
    assert binance_lab.call("GET", "/fapi/v1/time", OTHER).status == 200
    assert binance_lab.call("GET", "/api/v3/time", WAITING).status == 200


def test_futures_orders_cost_no_weight_and_are_counted_filled_or_not(binance_lab: BinanceLab) -> None:
    keys = binance_lab.open_account()
    market = {"symbol": "BTCUSDT", "side": "BUY", "type": "MARKET", "quantity": "0.001"}
    answers = many(300, lambda: binance_lab.signed("POST", "/fapi/v1/order", keys, market, OTHER))
    assert {answer.status for answer in answers} == {200}
    told = answers[-1].headers
    assert (told["x-mbx-order-count-10s"], told["x-mbx-order-count-1m"], told["x-mbx-used-weight-1m"]) == (
        "300",
        "300",
        "0",
    )
    refused = binance_lab.signed("POST", "/fapi/v1/order", keys, market)
    assert refused.error == (429, -1015, "Too many new orders; current limit is 300 orders per 10 SECOND.")


def test_a_batch_counts_each_order_once_and_itself_once(binance_lab: BinanceLab) -> None:
    keys = binance_lab.open_account()
    orders = (
        "["
        + ",".join(
            ['{"symbol":"BTCUSDT","side":"BUY","type":"LIMIT","timeInForce":"GTC","quantity":"0.01","price":"90000"}']
            * 5
        )
        + "]"
    )
    answer = binance_lab.signed("POST", "/fapi/v1/batchOrders", keys, {"batchOrders": orders}, OTHER)
    told = answer.headers
    assert (told["x-mbx-order-count-10s"], told["x-mbx-order-count-1m"], told["x-mbx-used-weight-1m"]) == (
        "5",
        "1",
        "5",
    )


@pytest.mark.parametrize(
    ("method", "path", "params", "weight"),
    [
        ("GET", "/fapi/v3/account", {}, 5),
        ("GET", "/fapi/v3/positionRisk", {}, 5),
        ("GET", "/fapi/v1/positionSide/dual", {}, 30),
        ("GET", "/fapi/v1/openOrders", {}, 40),
        ("GET", "/fapi/v1/openOrders", {"symbol": "BTCUSDT"}, 1),
        ("GET", "/fapi/v1/openAlgoOrders", {}, 40),
        ("GET", "/fapi/v1/allOrders", {"symbol": "BTCUSDT"}, 5),
        ("GET", "/fapi/v1/userTrades", {"symbol": "BTCUSDT"}, 5),
        ("GET", "/fapi/v1/income", {}, 30),
        ("GET", "/fapi/v1/commissionRate", {"symbol": "BTCUSDT"}, 20),
        ("POST", "/fapi/v1/order", LIMIT, 0),
        ("DELETE", "/fapi/v1/allOpenOrders", {"symbol": "BTCUSDT"}, 1),
        ("GET", "/api/v3/account", {}, 20),
        ("GET", "/api/v3/openOrders", {}, 80),
        ("GET", "/api/v3/allOrders", {"symbol": "BTCUSDT"}, 20),
        ("POST", "/api/v3/order", LIMIT, 0),
    ],
)
def test_calls_have_their_documented_weight(
    binance_lab: BinanceLab, method: str, path: str, params: dict[str, str], weight: int
) -> None:
    answer = binance_lab.signed(method, path, binance_lab.open_account(), params, OTHER)
    assert (answer.status, answer.headers["x-mbx-used-weight-1m"]) == (200, str(weight))


@pytest.mark.parametrize(("limit", "weight"), [(5, 2), (50, 2), (100, 5), (500, 10), (1000, 20)])
def test_the_weight_of_a_book_grows_with_its_depth(binance_lab: BinanceLab, limit: int, weight: int) -> None:
    answer = binance_lab.call("GET", f"/fapi/v1/depth?symbol=BTCUSDT&limit={limit}", OTHER)
    assert answer.headers["x-mbx-used-weight-1m"] == str(weight)


def test_transfers_count_against_the_account_and_other_wallet_calls_against_address_and_path(
    binance_lab: BinanceLab,
) -> None:
    keys = binance_lab.open_account()
    one = {"type": "MAIN_UMFUTURE", "asset": "USDT", "amount": "0.01"}

    def transfer(who: Keys) -> Reply:
        return binance_lab.signed("POST", "/sapi/v1/asset/transfer", who, one)

    answers = many(600, lambda: transfer(keys))
    assert {answer.status for answer in answers} == {200}
    assert answers[-1].headers["x-sapi-used-uid-weight-1m"] == "180000"
    assert transfer(keys).error[:2] == (429, -1003)
    assert transfer(binance_lab.open_account()).status == 200
    restrictions = binance_lab.signed("GET", "/sapi/v1/account/apiRestrictions", keys)
    assert restrictions.headers["x-sapi-used-ip-weight-1m"] == "1"


def test_spot_and_futures_count_apart(binance_lab: BinanceLab) -> None:
    binance_lab.call("GET", "/fapi/v1/ticker/24hr", OTHER)
    assert binance_lab.call("GET", "/api/v3/time", OTHER).headers["x-mbx-used-weight-1m"] == "1"


def test_calls_about_funding_share_a_limit_of_their_own(binance_lab: BinanceLab) -> None:
    paths = ["/fapi/v1/fundingInfo", "/fapi/v1/fundingRate?symbol=BTCUSDT"]
    answers = [binance_lab.call("GET", paths[i % 2], OTHER) for i in range(501)]
    assert {answer.status for answer in answers[:500]} == {200}
    assert answers[0].headers["x-mbx-used-weight-1m"] == "0"
    assert answers[500].error[:2] == (429, -1003)
    assert 0 < int(answers[500].headers["retry-after"]) <= 301
