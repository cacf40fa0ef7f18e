"""Cards 30-34: conditional orders, and exits attached to an order."""

from __future__ import annotations

from decimal import Decimal

import pytest
from card_desk import BUY, QTY, SELL, D, Desk
from copydesk.kernel import VenueRefused
from copydesk.trading import Denial, OrderRequest, OrderStatus, OrderType, TimeInForce
from copydesk.venues import Feature


async def no_conditionals(desk: Desk) -> bool:
    feature = desk.feature(Feature.SPOT_CONDITIONAL, Feature.PERPETUAL_CONDITIONAL)
    return await desk.lacks(feature, lambda: desk.submit(exit_order(desk, OrderType.STOP_MARKET, 50000)))


async def holding(desk: Desk) -> None:
    """Hold one quantity that an exit can sell; spot accounts hold Bitcoin from the start."""
    if desk.perpetual:
        await desk.done(desk.order(BUY))


def exit_order(desk: Desk, kind: OrderType, trigger: int, px: int | None = None) -> OrderRequest:
    terms = {} if px is None else {"px": D(px), "time_in_force": TimeInForce.GTC}
    return desk.order(SELL, type=kind, trigger_px=D(trigger), reduces=True, **terms)


async def fires(desk: Desk, kind: OrderType, *, trigger: int, px: int | None, moved_to: int) -> None:
    """Place a conditional order, see it wait, move the market over its trigger, and find what it did by its id."""
    if await no_conditionals(desk):
        return
    await holding(desk)
    order = exit_order(desk, kind, trigger, px)
    view = await desk.submit(order)
    assert (view.status, view.client_order_id) == (OrderStatus.ACCEPTED, order.client_order_id)
    executed = len(desk.executions())
    waiting = await desk.query(order, conditional=True)
    assert waiting is not None
    assert (waiting.status, waiting.cum_qty, waiting.side) == (OrderStatus.ACCEPTED, 0, SELL)
    desk.move(str(moved_to))
    desk.until(lambda: sum(D(r["qty"]) for r in desk.executions()[executed:]) == QTY)
    fired = await desk.found(order, conditional=True)
    assert (fired.status, fired.cum_qty, fired.client_order_id) == (OrderStatus.FILLED, QTY, order.client_order_id)
    assert [(f.qty, f.px) for f in fired.fills] == [(D(r["qty"]), D(r["px"])) for r in desk.executions()[executed:]]
    assert px is None or fired.fills[-1].px >= px
    assert desk.held() == 0
    assert await desk.open_orders(conditional=True) == []


async def test_card_30_a_stop_waits_fires_and_is_told_by_what_it_did(desk: Desk) -> None:
    await fires(desk, OrderType.STOP_MARKET, trigger=59000, px=None, moved_to=58000)


async def test_card_31_a_take_profit_at_a_limit_fires_on_the_other_side(desk: Desk) -> None:
    await fires(desk, OrderType.TAKE_PROFIT_LIMIT, trigger=61000, px=60900, moved_to=62000)


async def test_card_32_conditional_orders_are_listed_and_canceled_by_our_id(desk: Desk) -> None:
    if await no_conditionals(desk):
        return
    await holding(desk)
    executed = len(desk.executions())
    first, *others = (exit_order(desk, OrderType.STOP_MARKET, trigger) for trigger in (55000, 50000, 49000))
    for order in (first, *others):
        await desk.submit(order)
    canceled = await desk.venue.cancel(desk.key, desk.symbol, first.client_order_id, conditional=True)
    assert canceled is not None and canceled.status is OrderStatus.CANCELED
    assert await desk.venue.cancel(desk.key, desk.symbol, first.client_order_id, conditional=True) is None
    assert {o.client_order_id for o in await desk.open_orders(conditional=True)} == {o.client_order_id for o in others}
    assert await desk.venue.query(desk.key, desk.symbol, desk.name(), conditional=True) is None
    desk.move("54000")
    assert len(desk.executions()) == executed, "a canceled stop does not fire"


async def test_card_33_a_trigger_that_the_market_has_passed_is_refused_or_fires_at_once(desk: Desk) -> None:
    if await no_conditionals(desk):
        return
    await holding(desk)
    executed = len(desk.executions())
    order = exit_order(desk, OrderType.STOP_MARKET, 65000)
    try:
        await desk.submit(order)
    except VenueRefused as refusal:
        assert refusal.code == Denial.PRICE_MOVED.value
        assert len(desk.executions()) == executed
    else:
        if not (desk.perpetual or desk.traits.supports(Feature.SPOT_TRIGGER_SIDE)):
            assert [o.client_order_id for o in await desk.open_orders(conditional=True)] == [order.client_order_id]
            return
        desk.until(lambda: len(desk.executions()) > executed)
        assert (await desk.found(order, conditional=True)).status is OrderStatus.FILLED
    assert await desk.open_orders(conditional=True) == []


@pytest.mark.parametrize("moved_to", [58000, 63000], ids=["stop-loss", "take-profit"])
async def test_card_34_exits_attached_to_an_order_close_what_it_opened(desk: Desk, moved_to: int) -> None:
    feature = desk.feature(Feature.SPOT_ATTACHED_EXITS, Feature.PERPETUAL_ATTACHED_EXITS)
    order = desk.order(BUY, px=D(60600), time_in_force=TimeInForce.IOC, stop_loss_px=D(59000), take_profit_px=D(62000))
    if await desk.lacks(feature, lambda: desk.submit(order)):
        return
    opened = await desk.done(order)
    assert (opened.status, opened.cum_qty) == (OrderStatus.FILLED, QTY)
    before = holdings(desk)
    desk.move(str(moved_to))
    desk.until(lambda: sold(desk))
    # On spot a fee was taken of what was bought, and the exit sells what is left of it.
    assert QTY * D("0.99") <= sold(desk) <= QTY
    assert holdings(desk) == before - sold(desk)
    assert desk.held() == 0
    assert await desk.open_orders(conditional=True) == []


def sold(desk: Desk) -> Decimal:
    return sum((D(r["qty"]) for r in desk.executions() if r["side"] == "sell"), D(0))


def holdings(desk: Desk) -> Decimal:
    return desk.held() if desk.perpetual else desk.holding("BTC")
