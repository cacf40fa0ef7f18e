"""From a planned copy to the order on the wire."""

from __future__ import annotations

from copydesk.replication.orders import copy_digest, order_request
from copydesk.trading import OrderType, Side, TimeInForce
from plan_values import D, follower, holding, plan, signal


def test_an_open_is_immediate_or_cancel_at_its_limit() -> None:
    request = order_request("cd-1", "BTC/USDT", plan(signal("0", "0.4"), follower()))
    assert (request.side, request.type, request.time_in_force) == (Side.BUY, OrderType.LIMIT, TimeInForce.IOC)
    assert (request.qty, request.px, request.reduces) == (D("0.004"), D(50_250), False)


def test_a_close_goes_to_market_and_draws_on_the_reserve_for_closes() -> None:
    request = order_request("cd-1", "BTC/USDT", plan(signal("1", "0"), holding("0.01")))
    assert (request.type, request.time_in_force, request.px, request.reduces) == (OrderType.MARKET, None, None, True)


def test_each_part_of_a_copy_changes_its_id() -> None:
    ids = {copy_digest(1, 2, 3, "open"), copy_digest(9, 2, 3, "open"), copy_digest(1, 9, 3, "open")}
    ids |= {copy_digest(1, 2, 9, "open"), copy_digest(1, 2, 3, "close"), copy_digest(1, 2, 3, "fix-1")}
    assert len(ids) == 6
