"""Reads of many requests wait for what will pass, and tell at once what will not."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from copydesk.kernel import Unavailable
from copydesk.venues.client.patience import ask_patiently
from json_exchange import KEY, JsonExchange, okx_on
from raw_exchange import Reply, ok

FILLS = "GET /api/v5/trade/fills"
CALM = ok(b'{"code":"0","data":[],"msg":""}')


def busy(*headers: str) -> Reply:
    return ok(b'{"code":"50011","msg":"Too Many Requests"}', *headers, status="429 Too Many Requests")


def asked(answers: list[Reply]) -> tuple[int, Any]:
    """Ask patiently for one page; return how often the exchange was asked, and what came of it."""
    exchange = JsonExchange({FILLS: lambda _: answers.pop(0)})

    async def run() -> Any:
        async with okx_on(exchange) as venue:
            try:
                return await ask_patiently(venue.client, "trades", KEY, {}, lambda answer: answer["data"])
            except Unavailable as failure:
                return failure

    outcome = asyncio.run(run())
    return len(exchange.to(FILLS)), outcome


def test_a_page_that_comes_too_early_is_asked_for_again() -> None:
    assert asked([busy("Retry-After: 1"), CALM]) == (2, [])


def test_a_ban_is_told_at_once() -> None:
    count, failure = asked([busy("Retry-After: 600"), CALM])
    assert (count, type(failure)) == (1, Unavailable)


def test_an_exchange_that_is_away_is_not_waited_for() -> None:
    gone = ok(b"<html>", status="503 Service Unavailable")
    count, failure = asked([gone, CALM])
    assert (count, type(failure)) == (1, Unavailable)


def test_a_change_is_never_asked_for_twice() -> None:
    async def run() -> None:
        async with okx_on(JsonExchange({})) as venue:
            await ask_patiently(venue.client, "leverage", KEY, {}, lambda answer: answer)

    with pytest.raises(AssertionError, match="change"):
        asyncio.run(run())
