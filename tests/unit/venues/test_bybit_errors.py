"""What each of Bybit's answers proves. Source: Bybit v5 API, Error Codes."""

from __future__ import annotations

from typing import Any

import orjson
import pytest
from copydesk.kernel import OutcomeUnknown, Unavailable, VenueRefused
from copydesk.trading import Denial
from copydesk.venues.bybit.errors import NONE_OPEN, blocks, classify
from copydesk.venues.client.wire import Blocks


def body(code: int, message: str = "no") -> bytes:
    return orjson.dumps({"retCode": code, "retMsg": message, "result": {}, "retExtInfo": {}, "time": 1})


def said(status: int, answer: bytes) -> Any:
    return classify(status, answer)


@pytest.mark.parametrize(
    ("code", "denial"),
    [
        (170131, Denial.INSUFFICIENT_BALANCE),
        (110007, Denial.INSUFFICIENT_BALANCE),
        (170140, Denial.BELOW_NOTIONAL_MIN),
        (110094, Denial.BELOW_NOTIONAL_MIN),
        (170137, Denial.BELOW_QTY_MIN),
        (170132, Denial.PRICE_MOVED),
        (110017, Denial.NOTHING_TO_REDUCE),
        (110074, Denial.INSTRUMENT_HALTED),
        (110066, Denial.INSTRUMENT_HALTED),
        (170151, Denial.INSTRUMENT_HALTED),
        (110118, Denial.NO_LIQUIDITY),
        (110090, Denial.LEVERAGE_REFUSED),
        (110063, Denial.INSTRUMENT_HALTED),
        (170381, Denial.ABOVE_QTY_MAX),
        (170371, Denial.PRICE_MOVED),
        (110132, Denial.MARKET_NOT_ALLOWED),
        (131212, Denial.INSUFFICIENT_BALANCE),
        (-2015, Denial.KEY_EXPIRED),
        (110001, Denial.VENUE_REFUSED),
        (170999, Denial.VENUE_REFUSED),
        (10003, Denial.KEY_REJECTED),
        (10004, Denial.KEY_SECRET_WRONG),
        (10005, Denial.KEY_READ_ONLY),
        (10010, Denial.KEY_ADDRESS_REFUSED),
        (10028, Denial.KEY_ACCOUNT_TYPE_WRONG),
        (33004, Denial.KEY_EXPIRED),
    ],
)
def test_a_refusal_of_bybit_proves_that_nothing_happened(code: int, denial: Denial) -> None:
    failure = said(200, body(code))
    assert isinstance(failure, VenueRefused)
    assert (failure.code, failure.venue_code) == (denial.value, str(code))


@pytest.mark.parametrize(
    ("status", "answer"),
    [
        (200, body(10016)),
        (200, body(10000)),
        (200, body(170007)),
        (200, body(110072, "OrderLinkedID is duplicate")),
        (200, body(170141, "Duplicate clientOrderId.")),
        (200, body(10999)),
        (200, body(170146, "Order creation timeout")),
        (200, body(170147, "Order cancellation timeout")),
        (200, body(170310, "Order modification timeout")),
        (200, body(170035, "Submitted to the system for processing!")),
        (200, body(170212, "Cancel order request processing")),
        (200, body(170234, "System Error")),
        (200, body(131200, "Service error")),
        (200, body(131214, "TransferId exist")),
        (200, body(131230, "The system is busy, please try again later")),
        (200, body(3400214, "Server error, please try again later")),
        (200, body(40004, "the order is modified during the process of replacing")),
        (502, b"<html>Bad Gateway</html>"),
        (200, b"{}"),
    ],
)
def test_bybit_leaves_these_orders_in_doubt(status: int, answer: bytes) -> None:
    assert isinstance(said(status, answer), OutcomeUnknown)


@pytest.mark.parametrize(
    ("status", "answer", "wait_s"),
    [
        (200, body(10006, "Too many visits!"), 1.0),
        (200, body(10002), 0.0),
        (403, body(10018), 600.0),
        (429, body(429, "System level frequency protection"), 1.0),
        (403, b"access too frequent", 600.0),
        (200, body(429, "The trading service is experiencing a high server load."), 1.0),
        (200, body(170191, "Can not cancel order, please try again later"), 1.0),
    ],
)
def test_bybit_may_be_asked_again_after_a_while(status: int, answer: bytes, wait_s: float) -> None:
    failure = said(status, answer)
    assert isinstance(failure, Unavailable)
    assert failure.retry_after_s == wait_s


def test_a_ban_of_bybit_concerns_the_address_and_a_spent_endpoint_nobody() -> None:
    assert blocks(403, b"access too frequent") is Blocks.ADDRESS
    assert blocks(403, body(403, "access too frequent")) is Blocks.ADDRESS
    assert blocks(403, body(10024, "Compliance rules triggered")) is Blocks.NOBODY
    assert blocks(200, body(10006)) is Blocks.NOBODY


def test_what_bybit_says_of_a_wrong_signature_never_repeats_the_key() -> None:
    failure = said(200, body(10004, "Error sign, please check. origin_string[1700000000000THEKEY5000{}]"))
    assert "THEKEY" not in str(failure)


@pytest.mark.parametrize(
    ("message", "denial"),
    [
        ("position idx not match position mode", Denial.POSITION_MODE_WRONG),
        ("buy leverage invalid", Denial.LEVERAGE_REFUSED),
        ("The number of contracts exceeds minimum limit allowed: Qty", Denial.BELOW_QTY_MIN),
        ("params error: symbol invalid", Denial.INSTRUMENT_UNMAPPED),
        ("anything else", Denial.VENUE_REFUSED),
    ],
)
def test_a_parameter_error_of_bybit_is_read_by_its_text(message: str, denial: Denial) -> None:
    failure = said(200, body(10001, message))
    assert isinstance(failure, VenueRefused)
    assert failure.code == denial.value


@pytest.mark.parametrize(("status", "denial"), [(401, Denial.KEY_REJECTED), (404, Denial.VENUE_REFUSED)])
def test_what_the_gate_refuses_without_a_code_never_reached_the_engine(status: int, denial: Denial) -> None:
    failure = said(status, b"")
    assert isinstance(failure, VenueRefused)
    assert failure.code == denial.value


def test_what_bybit_says_of_a_missing_signature_never_repeats_key_and_signature() -> None:
    text = "empty value: apiTimestamp[1] apiKey[THEKEY] apiSignature[5169]: openapi sign params error!"
    failure = said(200, body(10001, text))
    assert "THEKEY" not in str(failure)
    assert "5169" not in str(failure)


@pytest.mark.parametrize("code", ["110009", "110079"])
def test_only_what_says_so_means_that_no_such_order_is_open(code: str) -> None:
    assert code not in NONE_OPEN
    assert "110001" in NONE_OPEN
