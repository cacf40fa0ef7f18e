"""The life of an order as a table."""

from __future__ import annotations

import pytest
from copydesk.trading import TERMINAL, Credentials, OrderStatus, can_follow

S = OrderStatus


@pytest.mark.parametrize(
    ("current", "following"),
    [
        (S.PLANNED, S.IN_FLIGHT),
        (S.PLANNED, S.FILLED),
        (S.PLANNED, S.REJECTED),
        (S.IN_FLIGHT, S.FILLED),
        (S.IN_FLIGHT, S.EXPIRED),
        (S.ACCEPTED, S.PARTIALLY_FILLED),
        (S.ACCEPTED, S.EXPIRED),
        (S.PARTIALLY_FILLED, S.PARTIALLY_FILLED),
        (S.PARTIALLY_FILLED, S.EXPIRED),
        (S.CANCELED, S.FILLED),
        (S.CANCELED, S.PARTIALLY_FILLED),
    ],
)
def test_an_order_may_go_on(current: OrderStatus, following: OrderStatus) -> None:
    assert can_follow(current, following)


@pytest.mark.parametrize(
    ("current", "following"),
    [
        (S.PLANNED, S.DENIED),
        (S.PLANNED, S.PLANNED),
        (S.IN_FLIGHT, S.PLANNED),
        (S.ACCEPTED, S.IN_FLIGHT),
        (S.ACCEPTED, S.REJECTED),
        (S.PARTIALLY_FILLED, S.ACCEPTED),
        (S.FILLED, S.CANCELED),
        (S.CANCELED, S.ACCEPTED),
        (S.REJECTED, S.ACCEPTED),
    ],
)
def test_an_order_never_goes_back(current: OrderStatus, following: OrderStatus) -> None:
    assert not can_follow(current, following)


@pytest.mark.parametrize("end", sorted(TERMINAL))
def test_there_is_no_way_out_of_an_end_but_a_fill_that_overtook_the_cancel(end: OrderStatus) -> None:
    ways_out = {status for status in S if can_follow(end, status)}
    assert ways_out == ({S.FILLED, S.PARTIALLY_FILLED} if end is S.CANCELED else set())


@pytest.mark.parametrize("status", sorted(set(S) - TERMINAL))
def test_every_living_order_can_end(status: OrderStatus) -> None:
    assert any(can_follow(status, end) for end in TERMINAL)


def test_every_status_has_its_row() -> None:
    assert [can_follow(status, S.FILLED) for status in S].count(True) == 5


def test_an_opened_key_is_never_printed() -> None:
    shown = repr(Credentials(7, "the-key", "the-secret", "the-password"))
    assert shown == "Credentials(account_id=7)"
