"""Cards 40-49: when the exchange does not answer, or answers what proves nothing: the three outcomes of a request."""

from __future__ import annotations

import socket

import pytest
from card_desk import BUY, QTY, D, Desk
from copydesk.kernel import OutcomeUnknown, Unavailable, VenueRefused
from copydesk.trading import Denial, OrderStatus
from copydesk.venues import PoolLimits, VenueUrls, Wallet, open_venue


async def test_card_40_an_order_that_was_executed_but_not_answered_is_unknown_until_asked_for(desk: Desk) -> None:
    order = desk.order(BUY)
    desk.harm("execute_then_drop", method="POST", times=1)
    with pytest.raises(OutcomeUnknown):
        await desk.submit(order)
    assert [r["client_order_id"] for r in desk.executions()] == [order.client_order_id]
    view = await desk.found(order)
    assert (view.status, view.cum_qty) == (OrderStatus.FILLED, QTY)
    assert len({r["order_id"] for r in desk.executions()}) == 1, "it is not sent again"


async def test_card_41_an_order_that_was_lost_on_the_way_is_unknown_and_then_proved_not_to_exist(desk: Desk) -> None:
    order = desk.order(BUY)
    desk.harm("drop", method="POST", times=1)
    with pytest.raises(OutcomeUnknown):
        await desk.submit(order)
    assert await desk.query(order) is None
    assert desk.orders() == desk.executions() == []


@pytest.mark.parametrize(
    "answer",
    [
        {"harm": "status", "status": 503},
        {"harm": "status", "status": 502, "body": "<html>Bad Gateway</html>"},
        {"harm": "status", "status": 500, "body": ""},
        {"harm": "garbage"},
        {"harm": "garbage", "body": '{"symbol":"BTCUSDT"}'},
    ],
    ids=["503", "html", "500", "garbage", "half-an-answer"],
)
@pytest.mark.parametrize("executes", [True, False], ids=["executed", "lost"])
async def test_card_42_an_answer_that_proves_nothing_is_unknown(
    desk: Desk, answer: dict[str, object], executes: bool
) -> None:
    order = desk.order(BUY)
    desk.harm(method="POST", times=1, executes=executes, **answer)
    with pytest.raises(OutcomeUnknown):
        await desk.submit(order)
    assert (await desk.query(order) is not None) is executes is bool(desk.executions())


async def test_card_43_an_answer_that_comes_too_late_is_unknown(desk: Desk) -> None:
    order = desk.order(BUY)
    desk.harm("delay", delay_ms=2000, method="POST", times=1)
    async with desk.floor.own_venue(desk.seat.exchange, PoolLimits(answer_max_s=0.1)) as impatient:
        with pytest.raises(OutcomeUnknown):
            await impatient.submit(desk.key, order)
    assert (await desk.found(order)).status is OrderStatus.FILLED


async def test_card_44_a_change_that_was_not_answered_is_unknown_and_a_reading_may_be_asked_again(desk: Desk) -> None:
    resting = desk.resting()
    await desk.submit(resting)
    desk.harm("execute_then_drop", times=1)
    with pytest.raises(OutcomeUnknown):
        await desk.venue.cancel(desk.key, desk.symbol, resting.client_order_id)
    assert (await desk.found(resting)).status is OrderStatus.CANCELED
    desk.harm("drop")
    with pytest.raises(Unavailable):
        await desk.venue.balances(desk.key)
    desk.lab.control("DELETE", "faults")
    assert await desk.venue.balances(desk.key)


async def test_card_45_a_spent_rate_limit_is_provably_not_executed_and_says_when_to_come_again(desk: Desk) -> None:
    desk.harm("status", status=429)
    async with desk.own_venue() as venue:
        with pytest.raises(Unavailable) as told:
            await venue.submit(desk.key, desk.order(BUY))
        assert told.value.retry_after_s > 0
    assert len(desk.told("fault")) == 1
    assert desk.orders() == []


async def test_card_46_nobody_listening_means_provably_not_sent(desk: Desk) -> None:
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        nowhere = f"http://127.0.0.1:{closed.getsockname()[1]}"
        venue = open_venue(desk.seat.exchange, VenueUrls.lab(desk.seat.exchange, nowhere, "ws://127.0.0.1:1"))
        try:
            with pytest.raises(Unavailable, match="cannot connect"):
                await venue.balances(desk.key, Wallet.SPOT)
            with pytest.raises((VenueRefused, Unavailable)) as unsent:
                await venue.submit(desk.key, desk.order(BUY))
            # An instrument that was never read is refused, unless something else had to be asked before.
            assert isinstance(unsent.value, Unavailable) or unsent.value.code == Denial.INSTRUMENT_UNMAPPED.value
        finally:
            await venue.aclose()
    assert desk.orders() == []


async def test_card_47_a_clock_that_is_off_is_told_and_set_right(desk: Desk) -> None:
    async with desk.own_venue() as venue:
        order = desk.order(BUY)
        await venue.balances(desk.key)
        desk.harm_exchange("clock_offset", offset_ms=60_000)
        with pytest.raises(Unavailable):
            await venue.submit(desk.key, order)
        assert desk.orders() == []
        await venue.warm(1)
        view = await venue.submit(desk.key, order)
        assert view.client_order_id == order.client_order_id
    assert [r["client_order_id"] for r in desk.executions()] == [order.client_order_id]


async def test_card_48_a_time_that_is_refused_after_the_clock_was_set_right_is_a_refusal_by_name(desk: Desk) -> None:
    async with desk.own_venue() as venue:
        for _ in range(10):
            desk.harm_exchange("clock_offset", offset_ms=60_000)
            try:
                await venue.submit(desk.key, desk.order(BUY))
            except Unavailable:
                await venue.warm(1)
            except VenueRefused as refusal:
                assert refusal.code == Denial.CLOCK_SKEWED.value
                break
        else:
            pytest.fail("a clock that runs away was never told")
    assert desk.orders() == []


async def test_card_49_an_exchange_in_maintenance_leaves_orders_unknown_and_readings_for_later(desk: Desk) -> None:
    order = desk.order(BUY)
    async with desk.own_venue() as venue:
        await venue.balances(desk.key)
        desk.harm_exchange("maintenance")
        with pytest.raises(Unavailable):
            await venue.balances(desk.key)
        with pytest.raises(OutcomeUnknown):
            await venue.submit(desk.key, order)
    desk.lab.control("DELETE", "faults")
    assert await desk.query(order) is None
    assert desk.executions() == []
    assert D(0) == desk.held()
