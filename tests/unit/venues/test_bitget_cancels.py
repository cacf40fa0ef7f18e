"""What Bitget's answers to cancels prove. Source: Bitget API guide, Batch cancel, Cancel plan order, Cancel all."""

from __future__ import annotations

import asyncio
from typing import Any

import orjson
import pytest
from copydesk.kernel import OutcomeUnknown, VenueRefused
from copydesk.trading import Credentials
from copydesk.venues import VenueUrls
from copydesk.venues.bitget.adapter import Bitget
from copydesk.venues.bitget.changes import cancel_open
from raw_exchange import ok, raw_exchange

KEY = Credentials(1, "key", "s" * 32, "phrase")
GONE = {"orderId": "3", "clientOid": "123", "errorMsg": "notExistend"}
STUCK = {"orderId": "4", "clientOid": "124", "errorMsg": "busy", "errorCode": "45001"}
REFUSED = {"orderId": "5", "clientOid": "125", "errorMsg": "no", "errorCode": "43122"}


def canceled(data: Any, code: str = "00000") -> bool:
    body = orjson.dumps({"code": code, "msg": "", "requestTime": 1, "data": data})

    async def run() -> bool:
        reply = ok(body) if code == "00000" else ok(body, status="400 Bad Request")
        async with raw_exchange(lambda _: reply) as exchange:
            venue = Bitget(VenueUrls("bitget", dict.fromkeys(("classic", "unified"), exchange.url), {}))
            try:
                return await cancel_open(venue.public, "cancel_perpetual_plans", KEY, {})
            finally:
                await venue.aclose()

    return asyncio.run(run())


@pytest.mark.parametrize(
    "data",
    [
        {"orderId": "1", "clientOid": "a"},
        {"result": "success"},
        {"successList": [{"orderId": "1"}], "failureList": []},
        {"list": [{"orderId": "1", "clientOid": "a", "code": "00000", "msg": "success"}]},
        {"list": [{"orderId": "1321313242969427968", "clientOid": "1321313242969427969"}]},
        None,
    ],
)
def test_an_answer_without_failures_says_that_it_is_canceled(data: Any) -> None:
    assert canceled(data) is True


def test_an_order_that_is_not_there_was_not_open() -> None:
    assert canceled({"successList": [], "failureList": [GONE]}) is False
    assert canceled({"list": [{"orderId": "1", "code": "24056", "msg": "notExisted"}]}) is False
    assert canceled(None, code="43001") is False


def test_of_several_failures_the_gravest_counts() -> None:
    with pytest.raises(OutcomeUnknown, match="45001"):
        canceled({"successList": [], "failureList": [GONE, STUCK]})
    with pytest.raises(VenueRefused, match="43122"):
        canceled({"successList": [], "failureList": [GONE, REFUSED]})


def test_a_failure_that_says_nothing_leaves_the_order_in_doubt() -> None:
    with pytest.raises(OutcomeUnknown):
        canceled({"successList": [], "failureList": [{"orderId": "3"}]})
