"""What each of Bitget's answers proves. Source: Bitget API guide, Error codes (v2, v3, WebSocket)."""

from __future__ import annotations

from typing import Any

import orjson
import pytest
from copydesk.kernel import OutcomeUnknown, Unavailable, VenueRefused
from copydesk.trading import Denial
from copydesk.venues.bitget.errors import NO_SUCH_ORDER, blocks, classify
from copydesk.venues.client.wire import Blocks


def failed(code: str, message: str = "no") -> bytes:
    return orjson.dumps({"code": code, "msg": message, "requestTime": 1_700_000_000_000, "data": None})


def said(status: int, body: bytes, headers: bytes = b"") -> Any:
    return classify(status, headers, body)


@pytest.mark.parametrize(
    ("code", "denial"),
    [
        ("43012", Denial.INSUFFICIENT_BALANCE),
        ("40762", Denial.INSUFFICIENT_BALANCE),
        ("25202", Denial.INSUFFICIENT_BALANCE),
        ("25203", Denial.INSUFFICIENT_BALANCE),
        ("43117", Denial.INSUFFICIENT_BALANCE),
        ("45110", Denial.BELOW_NOTIONAL_MIN),
        ("25611", Denial.BELOW_NOTIONAL_MIN),
        ("45111", Denial.BELOW_QTY_MIN),
        ("25610", Denial.BELOW_QTY_MIN),
        ("22002", Denial.NOTHING_TO_REDUCE),
        ("40757", Denial.NOTHING_TO_REDUCE),
        ("25227", Denial.NOTHING_TO_REDUCE),
        ("40774", Denial.POSITION_MODE_WRONG),
        ("40920", Denial.POSITION_MODE_WRONG),
        ("45045", Denial.LEVERAGE_REFUSED),
        ("25223", Denial.LEVERAGE_REFUSED),
        ("40917", Denial.PRICE_MOVED),
        ("45122", Denial.PRICE_MOVED),
        ("40834", Denial.PRICE_MOVED),
        ("25582", Denial.PRICE_MOVED),
        ("41114", Denial.INSTRUMENT_HALTED),
        ("43115", Denial.INSTRUMENT_HALTED),
        ("25100", Denial.INSTRUMENT_UNMAPPED),
        ("40024", Denial.MARKET_NOT_ALLOWED),
        ("40724", Denial.VENUE_REFUSED),
        ("43122", Denial.VENUE_REFUSED),
        ("43001", Denial.VENUE_REFUSED),
        ("25999", Denial.VENUE_REFUSED),
    ],
)
def test_a_refusal_of_bitget_proves_that_nothing_happened(code: str, denial: Denial) -> None:
    failure = said(400, failed(code))
    assert isinstance(failure, VenueRefused)
    assert (failure.code, failure.venue_code) == (denial.value, code)


@pytest.mark.parametrize(
    ("code", "denial"),
    [
        ("40006", Denial.KEY_REJECTED),
        ("40037", Denial.KEY_REJECTED),
        ("40009", Denial.KEY_SECRET_WRONG),
        ("40012", Denial.KEY_PASSPHRASE_WRONG),
        ("40018", Denial.KEY_ADDRESS_REFUSED),
        ("40014", Denial.KEY_READ_ONLY),
        ("40084", Denial.KEY_ACCOUNT_TYPE_WRONG),
        ("40085", Denial.KEY_ACCOUNT_TYPE_WRONG),
        ("40099", Denial.KEY_ACCOUNT_TYPE_WRONG),
        ("30011", Denial.KEY_REJECTED),
        ("30012", Denial.KEY_PASSPHRASE_WRONG),
        ("30015", Denial.KEY_SECRET_WRONG),
    ],
)
def test_each_trouble_with_a_key_of_bitget_has_its_own_name(code: str, denial: Denial) -> None:
    failure = said(400, failed(code))
    assert isinstance(failure, VenueRefused)
    assert failure.code == denial.value


@pytest.mark.parametrize(
    ("status", "body"),
    [
        (400, failed("45001", "Unknown error")),
        (400, failed("40015", "System is abnormal, please try again later")),
        (400, failed("40010", "Request timed out")),
        (400, failed("40725", "service return an error")),
        (400, failed("25001")),
        (400, failed("40786", "Duplicate clientOid")),
        (400, failed("43118", "clientOrderId duplicate")),
        (400, failed("25212")),
        (400, failed("40999", "a code that no page lists")),
        (500, failed("43012")),
        (502, b"<html>Bad Gateway</html>"),
        (200, b""),
        (200, b"[]"),
    ],
)
def test_bitget_leaves_these_orders_in_doubt(status: int, body: bytes) -> None:
    assert isinstance(said(status, body), OutcomeUnknown)


@pytest.mark.parametrize(
    ("status", "code", "wait_s"),
    [(429, "429", 1.0), (400, "25004", 1.0), (400, "40008", 0.0), (400, "40005", 0.0), (400, "30007", 1.0)],
)
def test_bitget_may_be_asked_again_after(status: int, code: str, wait_s: float) -> None:
    failure = said(status, failed(code))
    assert isinstance(failure, Unavailable)
    assert failure.retry_after_s == wait_s


def test_bitget_s_own_word_on_when_to_come_back_counts() -> None:
    assert said(429, failed("429"), b"HTTP/1.1 429 No\r\nRetry-After: 7").retry_after_s == 7
    assert said(429, failed("429"), b"HTTP/1.1 429 No\r\nRetry-After: soon").retry_after_s == 1


def test_a_size_with_too_many_decimals_is_told_from_other_parameters() -> None:
    assert said(400, failed("40808", "Parameter verification exception size checkBDScale error value=0.1")).code == (
        Denial.BELOW_QTY_MIN.value
    )
    assert said(400, failed("40808", "Parameter verification exception margin mode")).code == (
        Denial.VENUE_REFUSED.value
    )


def test_success_of_bitget_is_told_with_and_without_spaces() -> None:
    assert said(200, b'{"code":"00000","msg":"success","data":{}}') is None
    assert said(200, b'{"msg":"success", "code": "00000", "data": {}}') is None


def test_a_spent_limit_of_bitget_stops_the_account_and_an_unnamed_refusal_the_address() -> None:
    assert blocks(429, failed("429")) is Blocks.KEY
    assert blocks(429, b"") is Blocks.ADDRESS
    assert blocks(403, b"<html>") is Blocks.ADDRESS
    assert blocks(403, failed("40018")) is Blocks.NOBODY


def test_a_long_message_is_cut() -> None:
    assert len(str(said(400, failed("43012", "x" * 5_000)))) < 300


@pytest.mark.parametrize("code", sorted(NO_SUCH_ORDER))
def test_every_code_that_says_no_such_order_is_a_refusal(code: str) -> None:
    assert isinstance(said(400, failed(code)), VenueRefused)
