"""What each of OKX's answers proves. Source: OKX API guide v5, Error Code."""

from __future__ import annotations

from typing import Any

import orjson
import pytest
from copydesk.kernel import OutcomeUnknown, Unavailable, VenueRefused
from copydesk.trading import Credentials, Denial
from copydesk.venues.client.wire import Blocks
from copydesk.venues.okx.errors import blocks, classify, judge_items
from copydesk.venues.okx.traits import REST
from copydesk.venues.okx.wire import OkxWire


def of_an_item(code: str, message: str) -> bytes:
    """The answer to one order: the envelope says that all failed, the item why."""
    item = {"clOrdId": "a", "ordId": "", "sCode": code, "sMsg": message, "tag": ""}
    return orjson.dumps({"code": "1", "data": [item], "msg": "All operations failed"})


def of_the_request(code: str, message: str = "") -> bytes:
    return orjson.dumps({"code": code, "data": [], "msg": message})


def said(status: int, body: bytes) -> Any:
    return classify(status, b"", body)


@pytest.mark.parametrize(
    ("code", "denial"),
    [
        ("51008", Denial.INSUFFICIENT_BALANCE),
        ("51020", Denial.BELOW_NOTIONAL_MIN),
        ("51121", Denial.BELOW_QTY_MIN),
        ("51006", Denial.PRICE_MOVED),
        ("51169", Denial.NOTHING_TO_REDUCE),
        ("51010", Denial.KEY_ACCOUNT_TYPE_WRONG),
        ("51004", Denial.LEVERAGE_REFUSED),
        ("51028", Denial.INSTRUMENT_HALTED),
        ("51400", Denial.VENUE_REFUSED),
        ("51999", Denial.VENUE_REFUSED),
        ("51109", Denial.NO_LIQUIDITY),
        ("54031", Denial.ABOVE_QTY_MAX),
        ("50029", Denial.ACCOUNT_UNUSABLE),
        ("50022", Denial.ACCOUNT_UNUSABLE),
        ("59102", Denial.LEVERAGE_REFUSED),
        ("59000", Denial.POSITION_MODE_WRONG),
    ],
)
def test_a_refused_item_of_okx_proves_that_nothing_happened(code: str, denial: Denial) -> None:
    failure = said(200, of_an_item(code, "no"))
    assert isinstance(failure, VenueRefused)
    assert (failure.code, failure.venue_code) == (denial.value, code)


@pytest.mark.parametrize(
    ("code", "denial"),
    [
        ("50111", Denial.KEY_REJECTED),
        ("50119", Denial.KEY_REJECTED),
        ("50113", Denial.KEY_SECRET_WRONG),
        ("50105", Denial.KEY_PASSPHRASE_WRONG),
        ("50110", Denial.KEY_ADDRESS_REFUSED),
        ("50120", Denial.KEY_READ_ONLY),
        ("50101", Denial.KEY_ACCOUNT_TYPE_WRONG),
    ],
)
def test_each_trouble_with_a_key_of_okx_has_its_own_name(code: str, denial: Denial) -> None:
    failure = said(401, of_the_request(code))
    assert isinstance(failure, VenueRefused)
    assert failure.code == denial.value


@pytest.mark.parametrize(
    ("status", "body"),
    [
        (200, of_the_request("50004")),
        (200, of_the_request("50026")),
        (503, of_the_request("50001")),
        (200, of_an_item("51149", "Order timed out")),
        (200, of_an_item("51016", "Client order ID already exists.")),
        (200, of_an_item("50071", "clOrdId already exists")),
        (200, of_an_item("51011", "Order ID already exists.")),
        (200, of_an_item("51412", "Cancellation timed out, please try again later.")),
        (200, of_an_item("50042", "Repeated request")),
        (429, of_the_request("50013", "Systems are busy. Please try again later.")),
        (200, of_the_request("58112", "Transfer failed.")),
        (500, of_an_item("51149", "Order timed out.")),
        (502, b"<html>Bad Gateway</html>"),
        (200, b""),
        (200, b"[]"),
        (200, of_the_request("50999")),
    ],
)
def test_okx_leaves_these_orders_in_doubt(status: int, body: bytes) -> None:
    assert isinstance(said(status, body), OutcomeUnknown)


@pytest.mark.parametrize("code", ["50011", "50061", "50040", "50102", "50036", "58102"])
def test_okx_may_be_asked_again_after(code: str) -> None:
    assert isinstance(said(429 if code == "50011" else 200, of_the_request(code)), Unavailable)


def test_a_position_side_that_does_not_fit_is_a_wrong_position_mode() -> None:
    failure = said(200, of_an_item("51000", "Parameter posSide error"))
    assert isinstance(failure, VenueRefused)
    assert failure.code == Denial.POSITION_MODE_WRONG.value


def test_success_of_okx_is_told_with_and_without_spaces() -> None:
    assert said(200, b'{"code":"0","data":[{}],"msg":""}') is None
    assert said(200, b'{"data":[{}], "code": "0", "msg": ""}') is None


def test_a_spent_account_limit_of_okx_stops_the_account_and_an_unnamed_429_the_address() -> None:
    assert blocks(429, of_the_request("50061")) is Blocks.KEY
    assert blocks(429, of_the_request("50011")) is Blocks.NOBODY
    assert blocks(429, b"") is Blocks.ADDRESS


def test_a_sub_code_says_no_less_than_its_code() -> None:
    failure = said(200, of_an_item("51008_1000", "Insufficient USDT balance in account"))
    assert isinstance(failure, VenueRefused)
    assert (failure.code, failure.venue_code) == (Denial.INSUFFICIENT_BALANCE.value, "51008")


def test_several_items_are_not_judged_by_the_first_of_them() -> None:
    items = [{"ordId": "1", "sCode": code, "sMsg": ""} for code in ("51400", "51149", "51403")]
    assert said(200, orjson.dumps({"code": "1", "data": items, "msg": ""})) is None
    assert said(200, orjson.dumps({"code": "2", "data": items, "msg": ""})) is None
    with pytest.raises(OutcomeUnknown, match="51149"):
        judge_items(items)
    judge_items(items[:1], passing={"51400"})


def test_a_time_that_okx_refuses_is_known_by_its_code_alone() -> None:
    for body in (of_the_request("50102"), of_the_request("50112"), of_an_item("50036", "expTime")):
        assert OkxWire("").refuses_time(200, body)
    assert not OkxWire("").refuses_time(200, of_an_item("51008", "no"))


def test_a_name_beyond_ascii_is_signed_and_sent() -> None:
    key = Credentials(1, "key", "s" * 32, "phrase")
    _, _, body = OkxWire("").render(REST.endpoints["transfer"], {"ccy": "币"}, key, 1_700_000_000_000)
    assert orjson.loads(body) == {"ccy": "币"}
