"""Failures provoked on Bitget: status, code and text as the exchange tells them, and what unmodified ccxt raises."""

from __future__ import annotations

from typing import Any

import ccxt
import pytest
from bitget_failures import FAILURES, UNIFIED_FAILURES, Told
from bitget_lab import BitgetLab, signed
from copydesk.venues.lab.dialects.bitget.limits import AddressMeter
from error_table import record


@pytest.fixture(scope="module")
def markets(bitget_lab: BitgetLab) -> dict[bool, ccxt.bitget]:
    return {unified: _loaded(bitget_lab, unified) for unified in (False, True)}


def _loaded(lab: BitgetLab, unified: bool) -> ccxt.bitget:
    client = lab.client(options={"uta": unified})
    client.load_markets()
    return client


def _provoked(lab: BitgetLab, markets: ccxt.bitget, told: Told, *, unified: bool) -> tuple[int, str, str, Exception]:
    keys = lab.open_account(unified=unified)
    client = lab.client(keys, options={"uta": unified})
    client.set_markets_from_exchange(markets)
    statuses: list[int] = []
    handle = client.handle_errors

    def noted(code: int, *rest: Any) -> Any:
        statuses.append(code)
        return handle(code, *rest)

    client.handle_errors = noted  # type: ignore[method-assign]
    with pytest.raises(ccxt.BaseError) as raised:
        told[5](lab, keys, client)
    answer = client.parse_json(client.last_http_response or "") or {}
    if not statuses or statuses[-1] == 200:  # The failing call was another client's.
        text = str(raised.value)
        answer = client.parse_json(text[text.index("{") :])
        statuses.append(400)
    return statuses[-1], answer["code"], answer["msg"], raised.value


@pytest.mark.parametrize("told", FAILURES, ids=[told[0] for told in FAILURES])
def test_a_classic_failure_is_told_as_the_exchange_tells_it(
    bitget_lab: BitgetLab, markets: dict[bool, ccxt.bitget], told: Told
) -> None:
    failure, status, code, text, exception, _ = told
    got = _provoked(bitget_lab, markets[False], told, unified=False)
    record("bitget", failure, *got[:3], type(got[3]).__name__)
    assert (got[0], got[1], type(got[3])) == (status, code, exception), got[2]
    assert got[2].startswith(text)


@pytest.mark.parametrize("told", UNIFIED_FAILURES, ids=[told[0] for told in UNIFIED_FAILURES])
def test_a_unified_failure_is_told_as_the_exchange_tells_it(
    bitget_lab: BitgetLab, markets: dict[bool, ccxt.bitget], told: Told
) -> None:
    failure, status, code, text, exception, _ = told
    got = _provoked(bitget_lab, markets[True], told, unified=True)
    record("bitget-uta", failure, *got[:3], type(got[3]).__name__)
    assert (got[0], got[1], type(got[3])) == (status, code, exception), got[2]
    assert got[2].startswith(text)


@pytest.mark.parametrize(
    ("missing", "code"),
    [("ACCESS-KEY", "40001"), ("ACCESS-SIGN", "40002"), ("ACCESS-TIMESTAMP", "40003"), ("ACCESS-PASSPHRASE", "40011")],
)
def test_a_missing_header_is_named(bitget_lab: BitgetLab, missing: str, code: str) -> None:
    keys = bitget_lab.open_account()
    reply = bitget_lab.call("GET", "/api/v2/spot/account/assets", keys=keys, headers={missing: ""})
    assert reply.error[:2] == (400, code)
    assert reply.body["data"] is None
    assert isinstance(reply.body["requestTime"], int)


def test_an_unknown_path_is_not_found(bitget_lab: BitgetLab) -> None:
    assert bitget_lab.call("GET", "/api/v2/spot/nothing").error == (404, "40404", "Request URL NOT FOUND")


def test_a_body_that_is_no_json_is_refused(bitget_lab: BitgetLab) -> None:
    keys = bitget_lab.open_account()
    assert bitget_lab.call("POST", "/api/v2/spot/trade/place-order", "{", keys).error == (400, "40409", "wrong format")


def test_a_batch_tells_each_failure(bitget_lab: BitgetLab) -> None:
    keys = bitget_lab.open_account()
    rows = [
        {
            "side": "buy",
            "orderType": "limit",
            "force": "gtc",
            "price": "90000",
            "size": size,
            "clientOid": f"row-{size}",
        }
        for size in ("0.01", "5000")
    ]
    body = {"symbol": "BTCUSDT", "orderList": rows}
    data = bitget_lab.call("POST", "/api/v2/spot/trade/batch-orders", body, keys).data
    assert [row["clientOid"] for row in data["successList"]] == ["row-0.01"]
    assert data["failureList"] == [
        {"orderId": "", "clientOid": "row-5000", "errorMsg": "Insufficient balance", "errorCode": "43012"}
    ]


def test_an_order_that_comes_after_its_own_window_is_refused(bitget_lab: BitgetLab) -> None:
    keys = bitget_lab.open_account()
    now_ms = int(bitget_lab.classic.now_ms())
    order = {"symbol": "BTCUSDT", "side": "buy", "orderType": "limit", "force": "gtc", "price": "90000", "size": "0.01"}
    late = {**order, "requestTime": str(now_ms - 10_000), "receiveWindow": "5000"}
    assert bitget_lab.call("POST", "/api/v2/spot/trade/place-order", late, keys).error[1] == "40078"
    assert bitget_lab.call("POST", "/api/v2/spot/trade/place-order", {**late, "receiveWindow": "60000"}, keys).data


def test_maintenance_and_internal_trouble_are_told_in_the_exchanges_words(bitget_lab: BitgetLab) -> None:
    bitget_lab.classic.maintenance = True
    try:
        assert bitget_lab.call("GET", "/api/v2/public/time").error[1] == "40200"
    finally:
        bitget_lab.classic.maintenance = False
    assert b'"45001"' in bitget_lab.bitget.failure(500)
    assert b'"429"' in bitget_lab.bitget.failure(429)


def test_remaining_calls_are_told_in_a_header(bitget_lab: BitgetLab) -> None:
    bitget_lab.classic.clock_offset_ms = -(bitget_lab.world.now_ms() % 1000.0)
    keys = bitget_lab.open_account()
    replies = [bitget_lab.call("GET", "/api/v2/spot/account/info", keys=keys) for _ in range(2)]
    bitget_lab.classic.clock_offset_ms = 0.0
    assert replies[0].headers["x-mbx-used-remain-limit"] == "0"
    assert replies[1].error == (429, "429", "Too Many Requests")


def test_an_address_that_goes_over_its_minute_waits_five(bitget_lab: BitgetLab) -> None:
    meter = AddressMeter(most=3)
    assert [meter.refuses("a", at_ms) for at_ms in (0, 1, 2, 3)] == [False, False, False, True]
    assert meter.refuses("a", 60_001)
    assert not meter.refuses("b", 60_001)
    assert not meter.refuses("a", 300_004)


def test_refused_requests_are_in_the_journal_without_secrets(bitget_lab: BitgetLab) -> None:
    keys = bitget_lab.open_account()
    body = {"symbol": "BTCUSDT", "side": "buy", "orderType": "limit", "price": "1", "size": "1", "clientOid": "noted"}
    sent = signed(keys, "POST", "/api/v2/spot/trade/place-order", "{}")
    bitget_lab.call("POST", "/api/v2/spot/trade/place-order", body, keys)
    (row,) = bitget_lab.records("request", account=keys.account)
    assert (row["code"], row["client_order_id"], row["status"]) == ("43009", "noted", 400)
    assert not any(secret in str(row) for secret in (keys.secret, keys.passphrase, sent["ACCESS-SIGN"]))
