"""Every failure as the lab's Bybit tells it: provoked once by a plain request and once through unmodified ccxt."""

from __future__ import annotations

import json
import re
import time
from collections.abc import Callable
from typing import Any

import ccxt
import error_table
import pytest
from bybit_failures import BUY, CANCEL, CREATE, FAILURES, LINEAR, WALLET, Failure
from bybit_lab import BybitLab, Keys, Reply, signed
from lab_thread import OWNER_IP

ELSEWHERE = "198.51.100.9"


def keys_of(lab: BybitLab, how: str) -> Keys:
    owner = lab.open_account()
    rights = {"read-only": ("read",), "spot only": ("read", "trade")}.get(how)
    if rights is not None:
        return lab.issue_key(owner.account, rights)
    if how == "elsewhere":
        return lab.issue_key(owner.account, ips=[OWNER_IP])
    if how == "expired":
        return lab.issue_key(owner.account, expires_ms=int(time.time() * 1000) - 1)
    return {"unknown": owner._replace(api_key="x" * 18), "wrong secret": owner._replace(secret="y" * 36)}.get(
        how, owner
    )


def skew_ms(how: str) -> int:
    return {"late": -6_000, "early": 2_000}.get(how, 0)


def plain(lab: BybitLab, keys: Keys, path: str, params: dict[str, Any], how: str) -> Reply:
    """Send a request that no client library has touched."""
    reads = path == WALLET
    body = "" if reads else json.dumps(params)
    query = "&".join(f"{name}={value}" for name, value in params.items()) if reads else ""
    headers = signed(keys, query or body, at_ms=int(time.time() * 1000) + skew_ms(how))
    if how == "elsewhere":
        headers["X-Forwarded-For"] = ELSEWHERE
    return lab.call("GET" if reads else "POST", f"{path}?{query}" if reads else path, body, headers)


def through_ccxt(lab: BybitLab, keys: Keys, path: str, params: dict[str, Any], how: str) -> str:
    """Send the same request through ccxt and name what it raises."""
    client = lab.client(keys, options={"timeDifference": -skew_ms(how)})
    if how == "elsewhere":
        client.headers = {"X-Forwarded-For": ELSEWHERE}
    try:
        client.request(path.removeprefix("/"), ["private"], "GET" if path == WALLET else "POST", params)
    except ccxt.BaseError as error:
        return type(error).__name__
    return ""


@pytest.mark.parametrize("failure", FAILURES, ids=lambda failure: failure.name)
def test_a_failure_has_the_exchanges_status_code_and_text(bybit_lab: BybitLab, failure: Failure) -> None:
    replies, raised = [], ""
    for send in (plain, through_ccxt):
        keys = keys_of(bybit_lab, failure.key)
        if failure.first[0]:
            assert plain(bybit_lab, keys, *failure.first, "good").body["retCode"] == 0
        answer = send(bybit_lab, keys, failure.path, failure.params, failure.key)
        if isinstance(answer, Reply):
            replies.append(answer)
        else:
            raised = answer

    (reply,) = replies
    status, code, text = reply.error
    error_table.record("bybit", failure.name, status, code, text, raised)
    assert (status, code, raised) == (failure.status, failure.code, failure.raises.__name__)
    assert re.fullmatch(failure.text, text) or text == failure.text
    assert set(reply.body) == {"retCode", "retMsg", "result", "retExtInfo", "time"}


SCRIPTED: list[tuple[str, int, str, int, str, type[ccxt.BaseError]]] = [
    (
        "outcome unknown, spot",
        200,
        "Timeout waiting for response from backend server.",
        170007,
        "",
        ccxt.RequestTimeout,
    ),
    ("outcome unknown", 200, "Request timeout, please try again later", 10016, "", ccxt.RequestTimeout),
    ("system level protection", 200, "System level frequency protection", 10429, "", ccxt.ExchangeError),
]


@pytest.mark.parametrize(("name", "status", "text", "code", "_", "raises"), SCRIPTED)
def test_a_scripted_trouble_reaches_ccxt_as_the_exchanges(
    bybit_lab: BybitLab, name: str, status: int, text: str, code: int, _: str, raises: type[ccxt.BaseError]
) -> None:
    keys = bybit_lab.open_account()
    body = f'{{"retCode":{code},"retMsg":"{text}","result":{{}},"retExtInfo":{{}},"time":1}}'
    fault = {"harm": "status", "path": CREATE, "account": keys.account, "status": status, "body": body}
    added = bybit_lab.run(bybit_lab.world.faults.add, fault)

    told = plain(bybit_lab, keys, CREATE, LINEAR, "good").error
    raised = through_ccxt(bybit_lab, keys, CREATE, LINEAR, "good")

    bybit_lab.run(bybit_lab.world.faults.remove, added.id)
    error_table.record("bybit", f"{name} (scripted)", *told, raised)
    assert (told, raised) == ((status, code, text), raises.__name__)


def test_an_internal_error_has_the_exchanges_own_body(bybit_lab: BybitLab) -> None:
    keys = bybit_lab.open_account()
    fault = {"harm": "status", "path": CREATE, "account": keys.account, "status": 500}
    added = bybit_lab.run(bybit_lab.world.faults.add, fault)

    told = plain(bybit_lab, keys, CREATE, LINEAR, "good").error

    bybit_lab.run(bybit_lab.world.faults.remove, added.id)
    assert told == (500, 10016, "Server error.")


def provoked(lab: BybitLab, keys: Keys, path: str, times: int) -> list[Reply]:
    query = "category=linear&symbol=BTCUSDT"
    return [lab.get(path, query, keys) for _ in range(times)]


def test_calls_above_a_users_limit_are_refused_until_the_second_is_over(bybit_lab: BybitLab) -> None:
    keys, other = bybit_lab.open_account(), bybit_lab.open_account()

    replies = provoked(bybit_lab, keys, "/v5/account/fee-rate", 6)
    raised = _raised(lambda: bybit_lab.client(keys).private_get_v5_account_fee_rate({"category": "linear"}))
    others = bybit_lab.get("/v5/account/fee-rate", "category=linear", other)

    assert [reply.headers["x-bapi-limit-status"] for reply in replies] == ["4", "3", "2", "1", "0", "0"]
    assert replies[5].error == (200, 10006, "Too many visits. Exceeded the API Rate Limit.")
    reset_ms = int(replies[5].headers["x-bapi-limit-reset-timestamp"])
    assert 0 < reset_ms - replies[5].body["time"] <= 1000
    assert (replies[0].headers["x-bapi-limit"], others.body["retCode"]) == ("5", 0)
    error_table.record("bybit", "rate limit of a user", *replies[5].error, raised)
    assert raised == "RateLimitExceeded"


def test_spot_and_perpetual_orders_have_limits_of_their_own(bybit_lab: BybitLab) -> None:
    keys = bybit_lab.open_account()
    nobody = {"symbol": "BTCUSDT", "orderId": "1"}

    linear = [bybit_lab.post(CANCEL, {"category": "linear", **nobody}, keys) for _ in range(11)]
    spot = [bybit_lab.post(CANCEL, {"category": "spot", **nobody}, keys) for _ in range(21)]

    assert [reply.body["retCode"] for reply in linear] == [110001] * 10 + [10006]
    assert [reply.body["retCode"] for reply in spot] == [170213] * 20 + [10006]
    assert (linear[0].headers["x-bapi-limit"], spot[0].headers["x-bapi-limit"]) == ("10", "20")


def test_a_batch_counts_each_order_and_what_is_too_much_fails_alone(bybit_lab: BybitLab) -> None:
    keys = bybit_lab.open_account()
    orders = [BUY | {"price": str(90_000 + n), "qty": "0.001"} for n in range(12)]

    reply = bybit_lab.post("/v5/order/create-batch", {"category": "linear", "request": orders}, keys)

    codes = [outcome["code"] for outcome in reply.body["retExtInfo"]["list"]]
    assert codes == [0] * 10 + [10006] * 2
    assert [bool(row["orderId"]) for row in reply.result["list"]] == [True] * 10 + [False] * 2


def test_an_address_above_its_limit_is_shut_out_for_ten_minutes(bybit_lab: BybitLab) -> None:
    meter, address = bybit_lab.dialect.front.ip_meter, {"X-Forwarded-For": "192.0.2.44"}
    now_ms = int(time.time() * 1000)

    allowed = bybit_lab.run(lambda: [meter.allows("192.0.2.44", now_ms) for _ in range(600)])
    refused = [bybit_lab.call("GET", "/v5/market/time", "", address) for _ in range(2)]
    raised = _raised(lambda: bybit_lab.client(headers=address).fetch_time())

    assert all(allowed)
    assert [reply.error for reply in refused] == [(403, 10018, "Exceeded the IP Rate Limit.")] * 2
    assert bybit_lab.call("GET", "/v5/market/time", "", {}).status == 200
    assert not bybit_lab.run(meter.allows, "192.0.2.44", now_ms + 590_000)
    assert bybit_lab.run(meter.allows, "192.0.2.44", now_ms + 700_000)
    error_table.record("bybit", "rate limit of an address", *refused[0].error, raised)
    assert raised == "RateLimitExceeded"


def _raised(act: Callable[[], object]) -> str:
    try:
        act()
    except ccxt.BaseError as error:
        return type(error).__name__
    return ""


def test_unknown_parameters_are_ignored(bybit_lab: BybitLab) -> None:
    keys = bybit_lab.open_account()

    assert bybit_lab.post(CREATE, LINEAR | {"somethingNew": 1}, keys).body["retCode"] == 0


def test_a_request_without_authorization_is_named_as_such(bybit_lab: BybitLab) -> None:
    told = bybit_lab.get(WALLET, "accountType=UNIFIED").error

    text = "empty value: apiTimestamp[] apiKey[] apiSignature[]: openapi sign params error!"
    assert told == (200, 10001, text)


@pytest.mark.parametrize("body", ["", "{", "[]", "null", '"text"', '{"category":{"a":1}}'])
def test_a_body_that_is_no_order_is_refused_in_the_envelope(bybit_lab: BybitLab, body: str) -> None:
    keys = bybit_lab.open_account()

    assert bybit_lab.post(CREATE, body, keys).error[:2] == (200, 10001)


def test_what_was_signed_is_quoted_back_whatever_is_in_it(bybit_lab: BybitLab) -> None:
    keys = bybit_lab.open_account()._replace(secret="y" * 36)
    body = '{\n\t"note": "\\\\ \u00e9",\n\t"side": "Buy"\n}'

    reply = bybit_lab.post(CREATE, body, keys)

    assert reply.body["retCode"] == 10004
    assert '"side": "Buy"\n}]' in reply.body["retMsg"]
