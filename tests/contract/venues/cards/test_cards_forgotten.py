"""Card 68: what an exchange still tells of an order that its queries do not find any more."""

from __future__ import annotations

from card_desk import BUY, QTY, D, Desk
from copydesk.kernel import ZERO
from copydesk.trading import TimeInForce


async def test_card_68_an_order_that_the_exchange_forgot_is_proven_by_its_executions(desk: Desk) -> None:
    """One of three orders was filled in part, one not at all; each is told by its own executions alone."""
    whole, part, unfilled = desk.order(BUY), desk.order(BUY, px=D(60600), time_in_force=TimeInForce.IOC), desk.resting()
    views = [await desk.done(whole)]
    desk.harm("partial_fill", ratio=0.5, times=1)
    views.append(await desk.done(part))
    await desk.submit(unfilled)
    await desk.venue.cancel(desk.key, desk.symbol, unfilled.client_order_id)
    views.append(await desk.found(unfilled))
    assert [view.cum_qty for view in views] == [QTY, QTY / 2, ZERO]

    desk.harm_exchange("forget", account=desk.account.name)

    assert [await desk.query(order) for order in (whole, part, unfilled)] == [None] * 3
    since_ms = int(desk.opened_ms)
    for view in views:
        fills = await desk.venue.fills(desk.key, desk.symbol, view.venue_order_id, since_ms=since_ms)
        assert fills == view.fills
    assert sum(D(record["qty"]) for record in desk.executions()) == QTY * 3 / 2
