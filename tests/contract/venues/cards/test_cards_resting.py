"""Cards 70-74: what the stream and the lists tell of an account's resting orders, with their terms."""

from __future__ import annotations

from collections.abc import Callable

from card_desk import BUY, QTY, SELL, D, Desk
from card_listener import Listener
from copydesk.trading import OrderRequest, OrderStatus, OrderType, TimeInForce
from copydesk.venues import Amendment, Feature, OrderFact


async def fact(listener: Listener, fits: Callable[[OrderFact], bool]) -> OrderFact:
    """Wait for the stream to tell of an order what fits."""
    while True:
        found = next((order for order in await listener.orders() if fits(order)), None)
        if found is not None:
            return found


def limit(desk: Desk, px: int = 50_000, qty: int = 1) -> OrderRequest:
    return desk.order(BUY, qty * QTY, px=D(px), time_in_force=TimeInForce.GTC)


async def test_card_70_a_limit_order_is_told_when_it_is_placed_and_when_it_is_canceled(desk: Desk) -> None:
    order = limit(desk)
    async with desk.listening() as listener:
        view = await desk.submit(order)
        placed = await fact(listener, lambda found: found.venue_order_id == view.venue_order_id)
        assert (placed.symbol, placed.side, placed.type) == (desk.symbol, BUY, OrderType.LIMIT)
        assert (placed.qty, placed.px, placed.cum_qty) == (QTY, D(50_000), 0)
        assert (placed.status, placed.reduces, placed.trigger_px) == (OrderStatus.ACCEPTED, False, None)
        assert placed.time_in_force is TimeInForce.GTC
        (listed,) = await desk.venue.resting(desk.key, desk.symbol)
        assert listed._replace(at_ms=0) == placed._replace(at_ms=0)
        await desk.venue.cancel(desk.key, desk.symbol, order.client_order_id)
        canceled = await fact(listener, lambda found: found.status is OrderStatus.CANCELED)
    assert canceled.venue_order_id == placed.venue_order_id and canceled.at_ms >= placed.at_ms
    assert await desk.venue.resting(desk.key, desk.symbol) == []


async def test_card_71_fills_of_a_resting_order_are_told_as_they_add_up(desk: Desk) -> None:
    async with desk.listening() as listener:
        view = await desk.submit(limit(desk, 59_000, 3))
        desk.move("58000")
        filled = await fact(listener, lambda found: found.status is OrderStatus.FILLED)
    assert (filled.venue_order_id, filled.cum_qty, filled.qty) == (view.venue_order_id, 3 * QTY, 3 * QTY)
    assert await desk.venue.resting(desk.key, desk.symbol) == []


async def test_card_72_an_amended_order_is_told_with_its_new_terms(desk: Desk) -> None:
    order = limit(desk, qty=2)
    change = Amendment(order.client_order_id, desk.symbol, BUY, 3 * QTY, D(51_000))
    if await desk.lacks(
        desk.feature(Feature.SPOT_AMEND, Feature.PERPETUAL_AMEND), lambda: desk.venue.amend(desk.key, change)
    ):
        return
    async with desk.listening() as listener:
        view = await desk.submit(order)
        await desk.venue.amend(desk.key, change)
        amended = await fact(listener, lambda found: found.px == 51_000)
    assert (amended.venue_order_id, amended.qty) == (view.venue_order_id, 3 * QTY)
    (listed,) = await desk.venue.resting(desk.key, desk.symbol)
    assert (listed.qty, listed.px) == (3 * QTY, D(51_000))


async def test_card_73_exits_that_wait_for_a_trigger_are_listed_with_their_terms(desk: Desk) -> None:
    exits = {OrderType.STOP_MARKET: (55_000, None), OrderType.TAKE_PROFIT_LIMIT: (65_000, D(64_900))}
    if desk.perpetual:
        await desk.done(desk.order(BUY, 2 * QTY))
    for kind, (trigger, px) in exits.items():
        terms = {} if px is None else {"px": px, "time_in_force": TimeInForce.GTC}
        await desk.submit(desk.order(SELL, type=kind, trigger_px=D(trigger), reduces=True, **terms))
    found = {order.trigger_px: order for order in await desk.venue.resting(desk.key, desk.symbol)}
    assert found.keys() == {trigger for trigger, _ in exits.values()}
    for kind, (trigger, px) in exits.items():
        order = found[D(trigger)]
        assert (order.side, order.qty, order.px, order.status) == (SELL, QTY, px, OrderStatus.ACCEPTED)
        assert order.reduces or not desk.perpetual
        if desk.perpetual or desk.traits.supports(Feature.SPOT_TRIGGER_SIDE):
            assert order.type is kind


async def test_card_74_attached_exits_become_orders_of_their_own_with_the_fill(desk: Desk) -> None:
    feature = desk.feature(Feature.SPOT_ATTACHED_EXITS, Feature.PERPETUAL_ATTACHED_EXITS)
    order = desk.order(BUY, px=D(60_600), time_in_force=TimeInForce.IOC, stop_loss_px=D(59_000))
    if not desk.perpetual or await desk.lacks(feature, lambda: desk.submit(order)):
        return
    await desk.done(order)
    (stop,) = await desk.venue.resting(desk.key, desk.symbol)
    assert (stop.side, stop.type, stop.trigger_px) == (SELL, OrderType.STOP_MARKET, D(59_000))
    assert stop.reduces and (stop.closes_all or stop.qty == QTY)
