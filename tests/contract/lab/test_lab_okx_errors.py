"""Failures provoked on OKX: HTTP status, code and text as the exchange tells them, and what unmodified ccxt raises."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import ccxt
import pytest
from error_table import record
from okx_lab import OkxLab, Reply

SPOT, SWAP = "BTC/USDT", "BTC/USDT:USDT"
BATCH = "/api/v5/trade/batch-orders"
Provoke = Callable[[OkxLab, ccxt.okx], Any]
ORDER = {"symbol": SPOT, "type": "limit", "side": "buy", "amount": 0.001, "price": 90_000}

# By code: HTTP status, beginning of the text, ccxt's exception.
TOLD: dict[str, tuple[int, str, type[Exception]]] = {
    "50011": (429, "Too Many Requests", ccxt.RateLimitExceeded),
    "50014": (400, "Parameter instType cannot be empty.", ccxt.BadRequest),
    "51000": (200, "Parameter", ccxt.BadRequest),
    "51001": (200, "Instrument ID", ccxt.BadSymbol),
    "51006": (200, "Order price is not within the price limit (max buy price: ", ccxt.InvalidOrder),
    "51008": (200, "Order failed. Insufficient USDT", ccxt.InsufficientFunds),
    "51010": (200, "Request unsupported under current account mode", ccxt.AccountNotEnabled),
    "51016": (200, "Client order ID already exists.", ccxt.InvalidOrder),
    "51020": (200, "Your order should meet or exceed the minimum order amount.", ccxt.InvalidOrder),
    "51022": (200, "Contract suspended", ccxt.ContractUnavailable),
    "51023": (200, "Position does not exist", ccxt.ExchangeError),
    "51101": (200, "Entered amount exceeds", ccxt.InvalidOrder),
    "51111": (400, "Maximum 20 orders can be placed in bulk", ccxt.BadRequest),
    "51115": (200, "Cancel all pending close-orders before liquidation.", ccxt.InvalidOrder),
    "51121": (200, "Order quantity must be a multiple of the lot size.", ccxt.InvalidOrder),
    "51169": (200, "Order failed because you don't have any positions in this direction", ccxt.ExchangeError),
    "51277": (200, "TP trigger price cannot be higher than the last price", ccxt.InvalidOrder),
    "51278": (200, "SL trigger price cannot be lower than the last price", ccxt.InvalidOrder),
    "51279": (200, "TP trigger price cannot be lower than the last price", ccxt.InvalidOrder),
    "51280": (200, "SL trigger price cannot be higher than the last price", ccxt.InvalidOrder),
    "51400": (200, "Cancellation failed as the order has been filled, canceled or", ccxt.OrderNotFound),
    "51503": (200, "Order modification failed as the order has been filled", ccxt.OrderNotFound),
    "51603": (200, "Order does not exist", ccxt.OrderNotFound),
    "54031": (200, "Order failed.", ccxt.ExchangeError),
    "58350": (200, "Insufficient balance", ccxt.InsufficientFunds),
    "59000": (200, "Setting failed. Cancel any open orders, close positions", ccxt.ExchangeError),
    "59102": (200, "Leverage exceeds the maximum limit.", ccxt.ExchangeError),
}


def _limit(symbol: str, qty: float, px: float, **params: Any) -> Provoke:
    return lambda _lab, client: client.create_order(symbol, "limit", "buy", qty, px, params)


def _market(side: str, **params: Any) -> Provoke:
    return lambda _lab, client: client.create_order(SWAP, "market", side, 1, None, params)


def _raw(inst: str, **order: str) -> Provoke:
    """Send an order as it is, past ccxt's own rounding."""
    mode = "cross" if inst.endswith("SWAP") else "cash"
    whole = {"instId": inst, "tdMode": mode, "side": "buy", "ordType": "limit", "px": "90000", **order}
    return lambda _lab, client: client.private_post_trade_order(whole)


def _call(call: Callable[[ccxt.okx], Any], count: int = 1) -> Provoke:
    return lambda _lab, client: [call(client) for _ in range(count)]


def _then(*steps: Provoke) -> Provoke:
    return lambda lab, client: [step(lab, client) for step in steps]


def _cancel_and(act: Callable[[ccxt.okx, str], Any]) -> Provoke:
    def provoke(_lab: OkxLab, client: ccxt.okx) -> None:
        order = client.create_order(SPOT, "limit", "buy", 0.001, 90_000)
        client.cancel_order(order["id"], SPOT)
        act(client, order["id"])

    return provoke


def _halted(lab: OkxLab, client: ccxt.okx) -> None:
    lab.run(lab.exchange.spot.halt, "BNB-USDT", True)
    try:
        client.create_order("BNB/USDT", "limit", "buy", 1, 1)
    finally:
        lab.run(lab.exchange.spot.halt, "BNB-USDT", False)


def _leverage(client: ccxt.okx) -> Any:
    wanted = {"instId": "BTC-USDT-SWAP", "lever": "126", "mgnMode": "cross"}
    return client.private_post_account_set_leverage(wanted)


PROVOKED: list[tuple[str, str, Provoke]] = [
    ("51008", "spot balance", _limit(SPOT, 1, 99_000)),
    ("51008", "swap margin", _limit(SWAP, 100, 99_000)),
    ("51020", "minimum", _raw("BTC-USDT", sz="0.000001")),
    ("51121", "lot size", _raw("BTC-USDT", sz="0.000015")),
    ("51101", "largest", _limit(SPOT, 10_000, 90_000)),
    ("51006", "price limit", _limit(SPOT, 0.001, 1_000)),
    ("51000", "tick", _raw("BTC-USDT-SWAP", sz="1", px="90000.05")),
    ("51016", "duplicate client id", _then(*[_limit(SPOT, 0.001, 90_000, clientOrderId="twice1")] * 2)),
    ("51000", "client id", _limit(SPOT, 0.001, 90_000, clientOrderId="no-dash")),
    ("51400", "cancel of nothing", _cancel_and(lambda c, i: c.cancel_order(i, SPOT))),
    ("51603", "query of nothing", _call(lambda c: c.fetch_order("12345", SPOT))),
    ("51503", "amend of nothing", _cancel_and(lambda c, i: c.edit_order(i, SPOT, "limit", "buy", 0.002, 90_000))),
    ("51169", "reduce only", _market("sell", reduceOnly=True)),
    ("51000", "position side", _market("buy", posSide="long")),
    ("51010", "spot on margin", _limit(SPOT, 0.001, 90_000, marginMode="cross")),
    ("54031", "two margin modes", _then(_market("buy"), _limit(SWAP, 1, 90_000, marginMode="isolated"))),
    ("51001", "unknown instrument", _raw("DOGE-EUR", sz="1")),
    ("51022", "halted", _halted),
    ("51279", "TP below, sell", _market("sell", takeProfitPrice=90_000)),
    ("51280", "SL above, sell", _market("sell", stopLossPrice=110_000)),
    ("51277", "TP above, buy", _market("buy", takeProfitPrice=110_000)),
    ("51278", "SL below, buy", _market("buy", stopLossPrice=90_000)),
    ("51400", "algo of nothing", _call(lambda c: c.cancel_order("12345", SWAP, {"trigger": True}))),
    ("59000", "position mode in use", _then(_market("buy"), _call(lambda c: c.set_position_mode(True)))),
    ("51023", "nothing to close", _call(lambda c: c.close_position(SWAP))),
    (
        "51115",
        "pending close orders",
        _then(
            _market("buy"),
            _call(lambda c: c.create_order(SWAP, "limit", "sell", 1, 110_000, {"reduceOnly": True})),
            _call(lambda c: c.close_position(SWAP)),
        ),
    ),
    ("59102", "leverage", _call(_leverage)),
    ("58350", "transfer too large", _call(lambda c: c.transfer("USDT", 20_000, "trading", "funding"))),
    ("51001", "unknown ticker", _call(lambda c: c.public_get_market_ticker({"instId": "X-Y"}))),
    ("50014", "missing parameter", _call(lambda c: c.public_get_public_instruments())),
    ("51111", "too many in bulk", _call(lambda c: c.create_orders([ORDER] * 21))),
    ("50011", "too often", _call(lambda c: c.fetch_balance(), 11)),
    ("50011", "orders too often", _then(*[_limit(SPOT, 0.00001, 90_000)] * 61)),
]


@pytest.mark.parametrize(("code", "name", "provoke"), PROVOKED, ids=[row[1] for row in PROVOKED])
def test_a_provoked_failure_is_told_as_the_exchange_tells_it(
    fresh_okx: OkxLab, code: str, name: str, provoke: Provoke
) -> None:
    lab = fresh_okx
    client = lab.client(lab.open_account())
    client.load_markets()
    status, text, error = TOLD[code]
    with pytest.raises(error) as raised:
        provoke(lab, client)
    asked = lab.records("request")[-1]
    found = Reply(asked["status"], client.parse_json(client.last_http_response)).error
    record("okx", name, *found, type(raised.value).__name__)
    assert found[:2] == (status, code)
    assert found[2].startswith(text)
    assert type(raised.value) is error
    assert asked["code"] == code


def test_more_than_a_thousand_orders_in_two_seconds_are_refused_one_by_one(fresh_okx: OkxLab) -> None:
    lab, keys = fresh_okx, fresh_okx.open_account()
    meters, now_ms = lab.okx.desk.meters, int(lab.exchange.now_ms())
    lab.run(lambda: [meters.take_order(keys.account, now_ms) for _ in range(1000)])
    client = lab.client(keys)
    with pytest.raises(ccxt.ExchangeError) as raised:
        client.create_order(SPOT, "limit", "buy", 0.001, 90_000)
    found = Reply(200, client.parse_json(client.last_http_response)).error
    record("okx", "orders of an account", *found, type(raised.value).__name__)
    assert found == (200, "50061", "You've reached the maximum order rate limit for this account.")
    assert type(raised.value) is ccxt.ExchangeError


def test_part_of_a_batch_may_fail_and_ccxt_raises_nothing(fresh_okx: OkxLab) -> None:
    client = fresh_okx.client(fresh_okx.open_account())
    order = {"symbol": SWAP, "type": "limit", "side": "buy", "price": 90_000}
    placed, refused = client.create_orders([{**order, "amount": 1}, {**order, "amount": 1_000_000}])
    answer = client.parse_json(client.last_http_response)
    record("okx", "part of a batch", 200, answer["code"], answer["msg"], "")
    assert (answer["code"], answer["msg"]) == ("2", "Bulk operation partially succeeded.")
    assert [row["sCode"] for row in answer["data"]] == ["0", "51101"]
    assert placed["id"] and refused["status"] == "rejected"


@pytest.mark.parametrize(
    ("status", "code", "error"),
    [
        (504, "50004", ccxt.RequestTimeout),
        (503, "50001", ccxt.OnMaintenance),
        (500, "50026", ccxt.ExchangeNotAvailable),
    ],
)
def test_the_exchanges_own_trouble_is_told_in_its_words(
    fresh_okx: OkxLab, status: int, code: str, error: type[Exception]
) -> None:
    body, client = fresh_okx.okx.failure(status).decode(), fresh_okx.client()
    with pytest.raises(error) as raised:
        client.handle_errors(status, "", "", "GET", {}, body, client.parse_json(body), {}, None)
    record("okx", f"HTTP {status}", status, code, client.parse_json(body)["msg"], type(raised.value).__name__)
    assert client.parse_json(body)["code"] == code
    assert type(raised.value) is error


@pytest.mark.parametrize(
    ("body", "answer"),
    [
        ("", (400, "50000", "Body for POST request cannot be empty.")),
        ("{", (400, "50002", "JSON syntax error")),
        ("{}", (400, "50002", "JSON syntax error")),
        ("[]", (400, "50002", "JSON syntax error")),
        ("[1]", (400, "50002", "JSON syntax error")),
    ],
)
def test_a_body_that_is_no_list_of_orders_is_refused_whole(
    fresh_okx: OkxLab, body: str, answer: tuple[int, str, str]
) -> None:
    assert fresh_okx.call("POST", BATCH, body, fresh_okx.open_account()).error == answer


@pytest.mark.parametrize("value", [["1"], {"a": 1}])
def test_a_list_where_a_text_belongs_refuses_that_order_alone(fresh_okx: OkxLab, value: Any) -> None:
    order = {"instId": "BTC-USDT", "tdMode": "cash", "side": "buy", "ordType": "limit", "px": "90000", "sz": value}
    reply = fresh_okx.call("POST", BATCH, [order], fresh_okx.open_account())
    assert (reply.status, reply.body["data"][0]["sCode"]) == (200, "50002")


def test_a_path_that_does_not_exist_is_not_found(fresh_okx: OkxLab) -> None:
    assert fresh_okx.call("GET", "/api/v5/market/nothing").status == 404


def test_a_path_under_another_method_is_told_as_such(fresh_okx: OkxLab) -> None:
    assert fresh_okx.call("POST", "/api/v5/market/ticker", {}).error == (405, "50115", "Invalid request method")
