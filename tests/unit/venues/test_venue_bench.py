"""What the benchmark of venues measures with: long lists in the exchange's form, and stalls that it does find."""

from __future__ import annotations

import asyncio
import time
from typing import Any

import pytest
from copydesk.bench.long_lists import lengthened
from copydesk.bench.venue_trial import Stall, longest_stall, summary

ROWS = [{"symbol": "BTCUSDT", "baseAsset": "BTC", "fee": "0.1"}, {"symbol": "ETHUSDT", "baseAsset": "ETH", "fee": "1"}]


@pytest.mark.parametrize(
    ("answer", "inside"),
    [
        (ROWS, lambda answer: answer),
        ({"timezone": "UTC", "symbols": ROWS}, lambda answer: answer["symbols"]),
        ({"code": "0", "msg": "", "data": ROWS}, lambda answer: answer["data"]),
        ({"retCode": 0, "result": {"category": "spot", "list": ROWS}}, lambda answer: answer["result"]["list"]),
    ],
    ids=["binance prices", "binance", "okx", "bybit"],
)
def test_a_list_is_made_long_where_it_stands(answer: Any, inside: Any) -> None:
    rows = inside(lengthened(answer, 7))
    assert [row["symbol"] for row in rows] == [
        "BTCUSDT",
        "ETHUSDT",
        "BTC1USDT",
        "ETH1USDT",
        "BTC2USDT",
        "ETH2USDT",
        "BTC3USDT",
    ]
    assert rows[-1] == {"symbol": "BTC3USDT", "baseAsset": "BTC3", "fee": "0.1"}


def test_a_call_that_keeps_the_loop_is_found() -> None:
    async def keep() -> None:
        until_s = time.process_time() + 0.05
        while time.process_time() < until_s:
            pass

    stall = asyncio.run(longest_stall(keep))
    assert min(stall) > 40


def test_the_median_round_is_judged_and_the_worst_told() -> None:
    rounds = [Stall(2.0, 1.0), Stall(900.0, 300.0), Stall(70.0, 20.0)]
    assert summary(rounds) == {"stall_ms": 20.0, "stall_ms_max": 300.0, "wall_ms": 70.0, "ok": True}
    assert summary([Stall(0.0, 20.001)])["ok"] is False
