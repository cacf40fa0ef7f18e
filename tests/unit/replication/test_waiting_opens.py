"""What becomes of an open that waits for a close."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from copydesk.replication.reversal import Release, WaitingOpen, judge_waiting
from copydesk.trading import Denial, OrderStatus, OrderType, PositionSide, Side
from perpetual_values import NOW, PERP, SYMBOL, D

OPEN = WaitingOpen(
    id=5,
    account_id=11,
    signal_id=10,
    symbol=SYMBOL,
    position_side=PositionSide.NET,
    side=Side.SELL,
    type=OrderType.LIMIT,
    qty=D("0.008"),
    px=D(49_750),
    client_order_id="cd-1",
    book_qty=D(0),
    target_qty=D("-0.008"),
    signal_at=NOW,
    closing=False,
)
OLD = NOW - timedelta(seconds=21)


def judged(**changed: Any) -> Release:
    return judge_waiting([replace(OPEN, **changed)], {SYMBOL: PERP}, now=NOW, age_ms_max=20_000)


@pytest.mark.parametrize("book_qty", ["0", "0.0009", "-0.004"])
def test_it_is_sent_once_nothing_closable_is_left_on_the_other_side(book_qty: str) -> None:
    release = judged(book_qty=D(book_qty))
    assert [copy.id for copy in release.send] == [5]
    request = release.send[0].request()
    assert (request.client_order_id, request.side, request.qty, request.px) == (
        "cd-1",
        Side.SELL,
        D("0.008"),
        D(49_750),
    )


@pytest.mark.parametrize("changed", [{"book_qty": D("0.001")}, {"closing": True}])
def test_it_waits_while_the_other_side_is_held_or_moving(changed: dict[str, Any]) -> None:
    assert judged(**changed).wait != []
    (ended,) = judged(**changed, signal_at=OLD).ended
    assert (ended.status, ended.reason) == (OrderStatus.EXPIRED, Denial.CLOSE_UNCONFIRMED)


@pytest.mark.parametrize(
    ("changed", "reason"),
    [
        ({"signal_at": OLD}, Denial.SIGNAL_TOO_OLD),
        ({"target_qty": D(0)}, Denial.NEVER_ARRIVED),
        ({"target_qty": D("0.002"), "closing": True}, Denial.NEVER_ARRIVED),
        ({"symbol": "GONE/USDT:USDT"}, Denial.INSTRUMENT_UNMAPPED),
        ({"key_denial": "key_can_withdraw"}, Denial.KEY_CAN_WITHDRAW),
        ({"key_denial": "key_can_withdraw", "closing": True}, Denial.KEY_CAN_WITHDRAW),
    ],
)
def test_it_ends_when_it_is_not_wanted_any_more(changed: dict[str, Any], reason: Denial) -> None:
    release = judged(**changed)
    assert [settlement.reason for settlement in release.ended] == [reason]
    assert (release.send, release.wait) == ([], [])


def test_a_long_that_waits_is_judged_as_a_short_is() -> None:
    long = {"side": Side.BUY, "target_qty": D("0.008")}
    assert judged(**long, book_qty=D("-0.001")).wait != []
    assert judged(**long, book_qty=D(0)).send != []
