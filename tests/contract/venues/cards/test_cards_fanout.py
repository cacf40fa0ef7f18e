"""Cards 13-15: many orders at once: each has one outcome, closes go first, and a lost right to send stops the rest."""

from __future__ import annotations

from card_desk import BUY, QTY, SELL, D, Desk
from copydesk.kernel import Unavailable, VenueRefused
from copydesk.trading import Denial

ACCOUNTS = 12


async def test_card_13_a_fan_out_tells_every_order_once_and_sends_closes_first(desk: Desk) -> None:
    desks = [await desk.beside() for _ in range(ACCOUNTS)]
    closing = desks[::3]
    for one in closing:
        await one.submit(one.order(BUY))
    orders = [
        (one.key, one.order(SELL, QTY, reduces=True) if one in closing else one.order(BUY, px=D(60600)))
        for one in desks
    ]
    outcomes = await desk.venue.submit_many(orders)
    assert len(outcomes) == len(orders)
    sent: dict[bool, list[float]] = {True: [], False: []}
    for (_, order), outcome in zip(orders, outcomes, strict=True):
        assert outcome.view().client_order_id == order.client_order_id
        assert outcome.sent_at is not None and outcome.acked_at is not None and outcome.sent_at <= outcome.acked_at
        sent[order.reduces].append(outcome.sent_at)
    assert max(sent[True]) <= min(sent[False])
    for one, (_, order) in zip(desks, orders, strict=True):
        assert [r["client_order_id"] for r in one.executions()][-1:] == [order.client_order_id]
        assert len({r["order_id"] for r in one.executions()}) == (2 if one in closing else 1)


async def test_card_14_an_order_that_is_refused_keeps_no_other_from_being_sent(desk: Desk) -> None:
    first, last = [await desk.beside() for _ in range(2)]
    orders = [
        (first.key, first.order(BUY, px=D(60600))),
        (desk.key, desk.order(BUY, symbol="NO/SUCH")),
        (desk.key, desk.order(BUY, D(60), px=D(60600))),
        (last.key, last.order(BUY, px=D(60600))),
    ]
    if desk.perpetual:
        await desk.venue.set_leverage(desk.key, desk.symbol, 1)
    done, unmapped, poor, also = [outcome.result for outcome in await desk.venue.submit_many(orders)]
    assert isinstance(unmapped, VenueRefused) and unmapped.code == Denial.INSTRUMENT_UNMAPPED.value
    assert isinstance(poor, VenueRefused) and poor.code == Denial.INSUFFICIENT_BALANCE.value
    assert not isinstance(done, Exception) and not isinstance(also, Exception)
    assert desk.executions() == []
    assert [len(one.executions()) for one in (first, last)] == [1, 1]


async def test_card_15_who_loses_the_right_to_send_sends_no_more(desk: Desk) -> None:
    desks = [desk, await desk.beside(), await desk.beside()]
    answers = iter((True, False, True))
    outcomes = await desk.venue.submit_many(
        [(one.key, one.order(BUY, px=D(60600))) for one in desks], may_send=lambda: next(answers)
    )
    assert [isinstance(outcome.result, Unavailable) for outcome in outcomes] == [False, True, True]
    assert [len(one.orders()) > 0 for one in desks] == [True, False, False]
