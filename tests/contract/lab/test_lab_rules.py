"""What the lab refuses and limits, asked without any client library in between."""

from __future__ import annotations

import time
from typing import Any

import pytest
from lab_process import TOKEN, Keys, LabProcess

ORDER = {"symbol": "BTCUSDT", "side": "BUY", "type": "MARKET", "quantity": "0.001"}
LIMIT = {**ORDER, "type": "LIMIT", "timeInForce": "GTC", "quantity": "0.01", "price": "90000"}


@pytest.fixture(scope="module")
def keys(lab: LabProcess) -> Keys:
    return lab.open_account("rules", USDT="1000000", BTC="10")


def without(params: dict[str, str], name: str) -> dict[str, str]:
    return {key: value for key, value in params.items() if key != name}


@pytest.mark.parametrize(
    ("params", "code", "msg"),
    [
        (without(ORDER, "side"), -1102, "Mandatory parameter 'side' was not sent, was empty/null, or malformed."),
        (
            without(ORDER, "quantity"),
            -1102,
            "Mandatory parameter 'quantity' was not sent, was empty/null, or malformed.",
        ),
        (without(LIMIT, "price"), -1102, "Mandatory parameter 'price' was not sent, was empty/null, or malformed."),
        (ORDER | {"price": "1"}, -1106, "Parameter 'price' sent when not required."),
        (ORDER | {"foo": "1"}, -1104, "Not all sent parameters were read; read '6' parameter(s) but was sent '7'."),
        (ORDER | {"symbol": "NOPE"}, -1121, "Invalid symbol."),
        (ORDER | {"side": "HOLD"}, -1117, "Invalid side."),
        (ORDER | {"type": "FANCY"}, -1116, "Invalid orderType."),
        (LIMIT | {"timeInForce": "DAY"}, -1115, "Invalid timeInForce."),
        (
            ORDER | {"quantity": "1e3"},
            -1100,
            r"Illegal characters found in parameter 'quantity'; legal range is '^([0-9]{1,20})(\.[0-9]{1,20})?$'.",
        ),
        (ORDER | {"quantity": "0.123456789"}, -1111, "Parameter 'quantity' has too much precision."),
        (ORDER | {"quantity": "0"}, -1013, "Invalid quantity."),
        (ORDER | {"quantity": "0.0010001"}, -1013, "Filter failure: LOT_SIZE"),
        (ORDER | {"quantity": "0.00001"}, -1013, "Filter failure: NOTIONAL"),
        (LIMIT | {"price": "90000.001"}, -1013, "Filter failure: PRICE_FILTER"),
        (LIMIT | {"price": "1000"}, -1013, "Filter failure: PERCENT_PRICE_BY_SIDE"),
        (LIMIT | {"quantity": "100"}, -2010, "Account has insufficient balance for requested action."),
        (
            LIMIT | {"newClientOrderId": "two words"},
            -1100,
            "Illegal characters found in parameter 'newClientOrderId'; legal range is '^[a-zA-Z0-9-_]{1,36}$'.",
        ),
    ],
)
def test_a_bad_order_is_refused_with_the_literal_text(
    lab: LabProcess, keys: Keys, params: dict[str, str], code: int, msg: str
) -> None:
    assert lab.signed("POST", "/api/v3/order", keys, params).error == (400, code, msg)
    assert lab.signed("POST", "/api/v3/order/test", keys, params).body["code"] == code


def test_a_good_test_order_answers_nothing_and_places_nothing(lab: LabProcess, keys: Keys) -> None:
    assert lab.signed("POST", "/api/v3/order/test", keys, LIMIT).body == {}
    assert lab.signed("GET", "/api/v3/openOrders", keys).body == []


def test_the_answer_has_the_form_that_was_asked_for(lab: LabProcess, keys: Keys) -> None:
    answers = {
        form: lab.signed("POST", "/api/v3/order", keys, ORDER | {"newOrderRespType": form}).body
        for form in ("ACK", "RESULT", "FULL")
    }
    assert set(answers["ACK"]) == {"symbol", "orderId", "orderListId", "clientOrderId", "transactTime"}
    assert answers["RESULT"]["status"] == "FILLED"
    assert "fills" not in answers["RESULT"]
    assert answers["FULL"]["fills"][0]["commissionAsset"] == "BTC"


def test_open_orders_keep_their_client_ids_apart(lab: LabProcess, keys: Keys) -> None:
    named = LIMIT | {"newClientOrderId": "same-name"}
    assert lab.signed("POST", "/api/v3/order", keys, named).status == 200
    assert lab.signed("POST", "/api/v3/order", keys, named).error == (400, -2010, "Duplicate order sent.")
    canceled = lab.signed("DELETE", "/api/v3/order", keys, {"symbol": "BTCUSDT", "origClientOrderId": "same-name"})
    assert (canceled.body["status"], canceled.body["origClientOrderId"]) == ("CANCELED", "same-name")
    assert lab.signed("POST", "/api/v3/order", keys, named).status == 200
    assert len(lab.signed("DELETE", "/api/v3/openOrders", keys, {"symbol": "BTCUSDT"}).body) == 1


def test_a_cancel_replace_can_fail_in_three_ways(lab: LabProcess, keys: Keys) -> None:
    gone = {"cancelReplaceMode": "STOP_ON_FAILURE", "cancelOrderId": "999999"}
    stopped = lab.signed("POST", "/api/v3/order/cancelReplace", keys, LIMIT | gone)
    assert stopped.error == (400, -2022, "Order cancel-replace failed.")
    assert (stopped.body["data"]["cancelResult"], stopped.body["data"]["newOrderResult"]) == (
        "FAILURE",
        "NOT_ATTEMPTED",
    )
    went_on = lab.signed(
        "POST", "/api/v3/order/cancelReplace", keys, LIMIT | gone | {"cancelReplaceMode": "ALLOW_FAILURE"}
    )
    assert went_on.error == (409, -2021, "Order cancel-replace partially failed.")
    order_id = went_on.body["data"]["newOrderResponse"]["orderId"]
    half = LIMIT | {"quantity": "500", "cancelReplaceMode": "STOP_ON_FAILURE", "cancelOrderId": str(order_id)}
    partly = lab.signed("POST", "/api/v3/order/cancelReplace", keys, half)
    assert (partly.status, partly.body["data"]["newOrderResponse"]["code"]) == (409, -2010)


def test_signature_time_and_key_are_checked(lab: LabProcess, keys: Keys) -> None:
    now_ms = int(time.time() * 1000)
    call: Any = lambda k, p: lab.signed("GET", "/api/v3/account", k, p).error  # noqa: E731
    assert call(Keys(keys.api_key, "wrong"), {}) == (400, -1022, "Signature for this request is not valid.")
    assert call(Keys("short", "x"), {}) == (401, -2014, "API-key format invalid.")
    denied = (401, -2015, "Invalid API-key, IP, or permissions for action.")
    assert call(Keys("A" * 64, "x"), {}) == denied
    late = (400, -1021, "Timestamp for this request is outside of the recvWindow.")
    assert call(keys, {"timestamp": now_ms - 6000}) == late
    assert lab.signed("GET", "/api/v3/account", keys, {"timestamp": now_ms - 6000, "recvWindow": 10_000}).status == 200
    assert lab.signed("GET", "/api/v3/account", keys, {"timestamp": now_ms * 1000}).status == 200
    early = (400, -1021, "Timestamp for this request was 1000ms ahead of the server's time.")
    assert call(keys, {"timestamp": now_ms + 5000}) == early
    assert call(keys, {"recvWindow": 70_000}) == (400, -1131, "recvWindow must be less than 60000")
    unsigned = lab.call("GET", "/api/v3/account?timestamp=1", headers={"X-MBX-APIKEY": keys.api_key})
    assert unsigned.error == (400, -1102, "Mandatory parameter 'signature' was not sent, was empty/null, or malformed.")


def test_a_parameter_sent_twice_is_refused(lab: LabProcess) -> None:
    assert lab.call("GET", "/api/v3/depth?symbol=BTCUSDT&symbol=ETHUSDT").body["code"] == -1101


def test_a_key_without_the_right_or_from_elsewhere_is_refused(lab: LabProcess, keys: Keys) -> None:
    reader = lab.issue_key("rules", ("read",))
    assert lab.signed("GET", "/api/v3/account", reader).status == 200
    assert lab.signed("POST", "/api/v3/order", reader, ORDER).error[:2] == (401, -2015)
    bound = lab.issue_key("rules", ips=("203.0.113.7",))
    from_there = {"X-Forwarded-For": "203.0.113.7"}
    assert lab.signed("GET", "/api/v3/account", bound, headers=from_there).error[:2] == (401, -2015)
    trusted = from_there | {"X-Lab-Token": TOKEN}
    assert lab.signed("GET", "/api/v3/account", bound, headers=trusted).status == 200
    assert lab.signed("GET", "/sapi/v1/account/apiRestrictions", bound, headers=trusted).body["ipRestrict"] is True


def test_rights_can_change_and_keys_can_be_revoked(lab: LabProcess) -> None:
    key = lab.issue_key("rules", ("read",))
    lab.control("PATCH", "keys", apiKey=key.api_key, permissions=["read", "withdraw"], ips=["127.0.0.1"])
    assert lab.signed("GET", "/sapi/v1/account/apiRestrictions", key).body["enableWithdrawals"] is True
    assert lab.control("DELETE", "keys", apiKey=key.api_key) == {"revoked": True}
    assert lab.signed("GET", "/api/v3/account", key).error[:2] == (401, -2015)


def test_withdrawal_without_bound_addresses_is_never_granted(lab: LabProcess) -> None:
    answer = lab.call(
        "POST", "/lab/v1/keys", '{"account":"rules","permissions":["withdraw"]}', headers={"X-Lab-Token": TOKEN}
    )
    assert answer.status == 422
    assert "ips: expected at least one address" in answer.body["error"]


def test_the_control_api_wants_its_token(lab: LabProcess) -> None:
    assert lab.call("GET", "/lab/v1/state").status == 401
    assert lab.call("POST", "/lab/v1/nothing", headers={"X-Lab-Token": TOKEN}).status == 404
    broken = lab.call("POST", "/lab/v1/rtt", "{", headers={"X-Lab-Token": TOKEN})
    assert (broken.status, broken.body["error"][:21]) == (422, "body: expected JSON, ")


def test_weight_is_told_limited_and_ends_in_a_ban(lab: LabProcess) -> None:
    there = {"X-Forwarded-For": "198.51.100.9", "X-Lab-Token": TOKEN}
    heavy: Any = lambda: lab.call("GET", "/api/v3/depth?symbol=BTCUSDT&limit=5000", headers=there)  # noqa: E731
    assert heavy().headers["x-mbx-used-weight-1m"] == "250"
    answers = [heavy() for _ in range(90)]  # Enough even when a minute ends in between.
    refused = [answer for answer in answers if answer.status != 200]
    assert (refused[0].status, refused[0].body["code"]) == (429, -1003)
    assert 0 < int(refused[0].headers["retry-after"]) <= 60
    assert (refused[-1].status, refused[-1].body["msg"][:26]) == (418, "Way too much request weigh")
    assert int(refused[-1].headers["retry-after"]) > 60
    assert lab.call("GET", "/api/v3/ping").status == 200


def test_a_successful_order_costs_no_weight_and_a_refused_one_costs_one(lab: LabProcess) -> None:
    keys = lab.open_account("weighed", USDT="100000")
    there = {"X-Forwarded-For": "198.51.100.10", "X-Lab-Token": TOKEN}
    placed = lab.signed("POST", "/api/v3/order", keys, ORDER, headers=there)
    refused = lab.signed("POST", "/api/v3/order", keys, ORDER | {"quantity": "9"}, headers=there)
    assert (placed.headers["x-mbx-used-weight-1m"], refused.headers["x-mbx-used-weight-1m"]) == ("0", "1")


def test_unfilled_orders_are_limited_and_fills_give_their_count_back(lab: LabProcess) -> None:
    keys = lab.open_account("eager", USDT="10000000")
    filled = [lab.signed("POST", "/api/v3/order", keys, ORDER) for _ in range(60)]
    assert {answer.status for answer in filled} == {200}
    assert filled[-1].headers["x-mbx-order-count-10s"] == "0"
    resting = [lab.signed("POST", "/api/v3/order", keys, LIMIT) for _ in range(101)]
    refused = next(answer for answer in resting if answer.status != 200)
    assert refused.error == (429, -1015, "Too many new orders; current limit is 50 orders per 10 SECOND.")


def listed_status(lab: LabProcess) -> str:
    symbols = lab.call("GET", "/api/v3/exchangeInfo?symbol=BTCUSDT").body["symbols"]
    return str(symbols[0]["status"])


def test_a_halted_market_takes_no_orders_but_cancels(lab: LabProcess, keys: Keys) -> None:
    order = lab.signed("POST", "/api/v3/order", keys, LIMIT).body
    lab.control("POST", "halt", symbol="BTCUSDT")
    assert lab.signed("POST", "/api/v3/order", keys, ORDER).error == (400, -1013, "Market is closed.")
    assert listed_status(lab) == "BREAK"
    named = {"symbol": "BTCUSDT", "orderId": order["orderId"]}
    assert lab.signed("DELETE", "/api/v3/order", keys, named).status == 200
    lab.control("POST", "halt", symbol="BTCUSDT", halted=False)
    assert listed_status(lab) == "TRADING"


def test_an_unknown_path_and_a_broken_request_get_an_answer(lab: LabProcess) -> None:
    assert lab.call("GET", "/api/v3/nothing").status == 404
    assert lab.call("GET", "/api/v3/klines?symbol=BTCUSDT&interval=7m").body == {
        "code": -1120,
        "msg": "Invalid interval.",
    }
