"""Cards 1-11: placing, finding, changing and ending orders, and what each answer proves."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal
from typing import Any

import pytest
from card_desk import BUY, QTY, SELL, TERMINAL, D, Desk
from copydesk.kernel import OutcomeUnknown, VenueRefused
from copydesk.trading import Denial, OrderRequest, OrderStatus, OrderType, OrderView, TimeInForce
from copydesk.venues import Amendment, Feature


def figures(record: dict[str, Any]) -> tuple[Decimal, Decimal, Decimal, str]:
    """Return quantity, price, fee and its currency of an execution that the exchange recorded."""
    return D(record["qty"]), D(record["px"]), D(record["fee"]), record["fee_currency"]


def told(view: OrderView) -> list[tuple[Decimal, Decimal, Decimal, str]]:
    return [(fill.qty, fill.px, fill.fee, fill.fee_currency) for fill in view.fills]


async def test_card_01_a_market_order_is_filled_and_told_as_the_exchange_recorded_it(desk: Desk) -> None:
    if not desk.perpetual:
        market_buy = desk.order(BUY)._replace(type=OrderType.MARKET, px=None, time_in_force=None)
        await desk.lacks(Feature.SPOT_MARKET_BUY, lambda: desk.submit(market_buy))
    for side in (BUY, SELL):
        order = desk.order(side)
        before = desk.holding("BTC")
        answer = await desk.submit(order)
        if desk.traits.acknowledges_fill:
            assert (answer.status, answer.cum_qty) == (OrderStatus.FILLED, QTY)
        else:
            assert (answer.status, answer.cum_qty, answer.fills) == (OrderStatus.ACCEPTED, 0, ())
        view = await desk.found(order)
        recorded = [r for r in desk.executions() if r["client_order_id"] == order.client_order_id]
        assert (view.status, view.side, view.symbol, view.cum_qty) == (OrderStatus.FILLED, side, desk.symbol, QTY)
        assert told(view) == [figures(record) for record in recorded]
        assert view.avg_px == sum((f.px * f.qty for f in view.fills), D(0)) / QTY
        assert len({fill.trade_id for fill in view.fills}) == len(view.fills)
        moved = (QTY if side is BUY else -QTY) - sum((f.fee for f in view.fills if f.fee_currency == "BTC"), D(0))
        assert desk.holding("BTC") - before == (0 if desk.perpetual else moved)


@pytest.mark.parametrize("kind", [TimeInForce.IOC, TimeInForce.FOK])
async def test_card_02_an_order_that_may_not_wait_and_finds_nobody_ends_unfilled(desk: Desk, kind: TimeInForce) -> None:
    order = desk.order(BUY, px=D(59000), time_in_force=kind)
    await unfilled(desk, order, {None, Denial.NO_LIQUIDITY.value})


async def unfilled(desk: Desk, order: OrderRequest, refusals: set[str | None]) -> None:
    """Send an order that must not be executed: the exchange may refuse it, or take it and end it at once."""
    try:
        await desk.submit(order)
    except VenueRefused as refusal:
        assert refusal.code in refusals
    else:
        view = await desk.found(order)
        assert view.status in (OrderStatus.CANCELED, OrderStatus.EXPIRED)
        assert (view.cum_qty, view.avg_px, view.fills) == (0, None, ())
    assert desk.executions() == []
    assert desk.state()["open_orders"] == 0


async def test_card_03_a_resting_order_is_open_until_it_is_canceled(desk: Desk) -> None:
    resting = desk.resting()
    view = await desk.submit(resting)
    assert (view.status, view.cum_qty, view.avg_px) == (OrderStatus.ACCEPTED, 0, None)
    for symbol in (None, desk.symbol):
        found = await desk.venue.open_orders(desk.key, symbol)
        assert [(o.client_order_id, o.symbol, o.qty) for o in found] == [(resting.client_order_id, desk.symbol, QTY)]
    assert desk.state()["open_orders"] == 1
    canceled = await desk.venue.cancel(desk.key, desk.symbol, resting.client_order_id)
    assert canceled is not None
    assert (canceled.client_order_id, canceled.status) == (resting.client_order_id, OrderStatus.CANCELED)
    assert await desk.open_orders() == []
    assert (await desk.found(resting)).status is OrderStatus.CANCELED
    assert await desk.venue.cancel(desk.key, desk.symbol, resting.client_order_id) is None
    assert [r["change"] for r in desk.orders(resting)] == ["NEW", "CANCELED"]


async def test_card_04_a_post_only_order_waits_or_ends_but_never_takes(desk: Desk) -> None:
    waiting = desk.resting(post_only=True)
    assert (await desk.submit(waiting)).status is OrderStatus.ACCEPTED
    assert [o.client_order_id for o in await desk.open_orders()] == [waiting.client_order_id]
    await desk.venue.cancel(desk.key, desk.symbol, waiting.client_order_id)
    await unfilled(desk, desk.order(BUY, px=D(60600), post_only=True), {Denial.PRICE_MOVED.value})


async def test_card_05_an_open_order_is_amended_under_its_own_id(desk: Desk) -> None:
    resting = desk.resting()
    await desk.submit(resting)
    change = Amendment(resting.client_order_id, desk.symbol, BUY, 2 * QTY, D(51000))
    feature = desk.feature(Feature.SPOT_AMEND, Feature.PERPETUAL_AMEND)
    if await desk.lacks(feature, lambda: desk.venue.amend(desk.key, change)):
        assert [(o.qty, o.client_order_id) for o in await desk.open_orders()] == [(QTY, resting.client_order_id)]
        return
    for _ in range(2):
        assert await desk.venue.amend(desk.key, change) is not None
        (view,) = await desk.open_orders()
        assert (view.client_order_id, view.qty) == (resting.client_order_id, 2 * QTY)
    amended = [r for r in desk.orders(resting) if r["change"] == "AMENDED"]
    assert (D(amended[-1]["qty"]), D(amended[-1]["px"])) == (2 * QTY, 51000)
    await desk.venue.cancel(desk.key, desk.symbol, resting.client_order_id)
    assert await desk.venue.amend(desk.key, change) is None


async def test_card_06_an_order_is_found_by_our_id_and_one_that_never_was_is_proved_not_to_exist(desk: Desk) -> None:
    resting, taking, never = desk.resting(), desk.order(BUY), desk.name()
    for order in (resting, taking):
        await desk.submit(order)
    expected = {resting: OrderStatus.ACCEPTED, taking: OrderStatus.FILLED}
    for order, status in expected.items():
        view = await desk.query(order)
        assert view is not None
        assert (view.client_order_id, view.symbol, view.side, view.status, view.qty) == (
            *(order.client_order_id, desk.symbol, BUY, status, QTY),
        )
    assert await desk.venue.query(desk.key, desk.symbol, never) is None
    assert await desk.venue.cancel(desk.key, desk.symbol, never) is None
    assert {r["client_order_id"] for r in desk.orders()} == {o.client_order_id for o in expected}


async def test_card_07_a_fill_in_parts_is_told_in_parts_and_a_partial_one_by_what_it_got(desk: Desk) -> None:
    desk.harm("partial_fill", parts=3, times=1)
    whole = await desk.done(desk.order(BUY, 3 * QTY))
    assert (whole.status, whole.cum_qty, len(whole.fills)) == (OrderStatus.FILLED, 3 * QTY, 3)
    assert len({fill.px for fill in whole.fills}) == 3
    assert told(whole) == [figures(record) for record in desk.executions()]
    desk.harm("partial_fill", ratio=0.4, times=1)
    part = await desk.done(desk.order(BUY, 5 * QTY, px=D(60600), time_in_force=TimeInForce.IOC))
    assert part.status in (OrderStatus.CANCELED, OrderStatus.EXPIRED)
    assert (part.qty, part.cum_qty) == (5 * QTY, 2 * QTY)
    assert told(part) == [figures(record) for record in desk.executions()[3:]]
    waiting, view = await seen_half_done(desk)
    assert view is not None and (view.status, view.cum_qty) == (OrderStatus.PARTIALLY_FILLED, QTY)
    desk.move("59900")
    assert (await desk.found(waiting)).status is OrderStatus.FILLED
    mine = [D(r["qty"]) for r in desk.executions() if r["client_order_id"] == waiting.client_order_id]
    assert (mine[0], sum(mine)) == (QTY, 2 * QTY)


async def seen_half_done(desk: Desk) -> tuple[OrderRequest, OrderView | None]:
    """Return an order that got half at once, as the exchange told of it before its next tick, which fills the rest."""
    while True:
        desk.harm("partial_fill", ratio=0.5, times=1)
        waiting = desk.order(BUY, 2 * QTY, px=D(60600), time_in_force=TimeInForce.GTC)
        ticked = desk.await_tick()
        await desk.submit(waiting)
        view = await desk.query(waiting)
        if not desk.lab.journal("mark", after=ticked):
            return waiting, view


REFUSALS: dict[str, tuple[Callable[[Desk], OrderRequest], set[Denial]]] = {
    "balance": (
        lambda desk: desk.order(BUY if desk.perpetual else SELL, D(20)),
        {Denial.INSUFFICIENT_BALANCE},
    ),
    "tick": (
        lambda desk: desk.order(BUY, px=D("60000.001"), time_in_force=TimeInForce.GTC),
        {Denial.VENUE_REFUSED, Denial.PRICE_MOVED},
    ),
    "far": (lambda desk: desk.order(BUY, px=D(900_000), time_in_force=TimeInForce.GTC), {Denial.PRICE_MOVED}),
    "symbol": (lambda desk: desk.order(BUY, symbol="NO/SUCH"), {Denial.INSTRUMENT_UNMAPPED}),
}


@pytest.mark.parametrize("reason", REFUSALS)
async def test_card_08_a_refusal_has_its_name_and_executes_nothing(desk: Desk, reason: str) -> None:
    make, denials = REFUSALS[reason]
    if desk.perpetual:
        await desk.venue.set_leverage(desk.key, desk.symbol, 1)
    refusal = await desk.refused(make(desk))
    assert Denial(refusal.code) in denials
    assert desk.state()["open_orders"] == 0


async def test_card_09_the_smallest_order_of_an_instrument_is_what_the_exchange_enforces(desk: Desk) -> None:
    listed = desk.instrument
    smallest = listed.qty_min
    if smallest * 60000 < listed.notional_min:
        refusal = await desk.refused(desk.order(BUY, smallest))
        assert refusal.code == Denial.BELOW_NOTIONAL_MIN.value
        smallest = (listed.notional_min / 60000 // listed.qty_step + 1) * listed.qty_step
    view = await desk.done(desk.order(BUY, smallest))
    assert (view.status, view.cum_qty) == (OrderStatus.FILLED, smallest)


async def test_card_10_a_second_order_with_an_open_order_s_id_is_unknown_not_refused(desk: Desk) -> None:
    resting = desk.resting()
    await desk.submit(resting)
    with pytest.raises(OutcomeUnknown):
        await desk.submit(resting)
    assert [o.client_order_id for o in await desk.open_orders()] == [resting.client_order_id]
    assert desk.state()["open_orders"] == 1


async def test_card_11_canceling_everything_leaves_nothing_open(desk: Desk) -> None:
    for order in (desk.resting(), desk.resting()):
        await desk.submit(order)
    if desk.traits.supports(desk.feature(Feature.SPOT_CONDITIONAL, Feature.PERPETUAL_CONDITIONAL)):
        await desk.submit(desk.order(BUY, type=OrderType.STOP_MARKET, trigger_px=D(70000)))
    for _ in range(2):
        await desk.venue.cancel_all(desk.key, desk.symbol)
        assert await desk.open_orders() == []
        assert desk.state()["open_orders"] == 0
    assert desk.executions() == []
    assert [r["status"] for r in desk.orders() if r["status"] not in ("NEW", "CANCELED")] == []


async def test_card_12_a_halted_market_takes_no_orders_and_lets_go_of_those_it_has(desk: Desk) -> None:
    resting = desk.resting()
    await desk.submit(resting)
    desk.halt()
    try:
        assert (await desk.refused(desk.order(BUY))).code == Denial.INSTRUMENT_HALTED.value
        assert await desk.venue.cancel(desk.key, desk.symbol, resting.client_order_id) is not None
    finally:
        desk.halt(halted=False)
    assert desk.state()["open_orders"] == 0
    assert (await desk.done(desk.order(BUY))).status in TERMINAL
