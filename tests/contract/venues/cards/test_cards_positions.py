"""Cards 20-29: positions in one-way and hedge mode, reduce-only, leverage and margin mode.

Spot has no positions: there the same cards show that a sale takes only what is held, and that settings of positions
are refused by name before anything is sent.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

import pytest
from card_desk import BUY, QTY, SELL, D, Desk
from copydesk.kernel import VenueRefused
from copydesk.trading import Denial, MarginMode, OrderStatus, OrderType, PositionSide, Side, TimeInForce
from copydesk.venues import Feature, ModeScope, Position

NET, LONG, SHORT = PositionSide


async def told(desk: Desk, side: PositionSide = NET) -> Position | None:
    found = await desk.venue.positions(desk.key, desk.symbol)
    return next((position for position in found if position.side is side), None)


async def not_for_spot(desk: Desk, ask: Callable[[], Awaitable[Any]]) -> None:
    """Ask something of a spot pair that only a position has."""
    asked = len(desk.changes())
    with pytest.raises(VenueRefused, match="BTC/USDT is a spot pair") as refusal:
        await ask()
    assert refusal.value.code == Denial.MARKET_NOT_ALLOWED.value
    assert len(desk.changes()) == asked, "it is refused before anything is sent"


async def hedge_mode_lacks(desk: Desk) -> bool:
    """Set hedge mode, unless the exchange has none."""

    async def ask() -> None:
        await desk.venue.set_position_mode(desk.key, desk.symbol, hedge=True)

    if await desk.lacks(Feature.HEDGE_MODE, ask):
        return True
    await ask()
    return False


async def opened_and_closed(desk: Desk, opening: Side, side: PositionSide = NET) -> None:
    """Open a position in two steps, close it in two, and hold every step against the exchange's own view."""
    closing = SELL if opening is BUY else BUY
    sign = 1 if opening is BUY else -1
    for step in (1, 2):
        view = await desk.done(desk.order(opening, position_side=side))
        assert (view.status, view.cum_qty, view.position_side) == (OrderStatus.FILLED, QTY, side)
        assert desk.held(side) == sign * step * QTY
    position, truth = await told(desk, side), desk.position(side)
    assert position is not None and truth is not None
    assert position.qty == sign * 2 * QTY
    assert abs(position.entry_px - D(truth["entry_px"])) < D("0.1")
    assert position.leverage == truth["leverage"]
    for step in (1, 0):
        view = await desk.done(desk.order(closing, position_side=side, reduces=True))
        assert (view.status, view.cum_qty, view.position_side) == (OrderStatus.FILLED, QTY, side)
        assert desk.held(side) == sign * step * QTY
    assert await told(desk, side) is None
    assert {record["position_side"] for record in desk.executions()} == {side.value}


async def test_card_20_a_long_is_opened_and_closed_in_one_way_mode(desk: Desk) -> None:
    if desk.perpetual:
        await opened_and_closed(desk, BUY)
        return
    before = desk.holding("BTC")
    bought = await desk.done(desk.order(BUY, 2 * QTY))
    fee = sum((fill.fee for fill in bought.fills if fill.fee_currency == "BTC"), D(0))
    assert desk.holding("BTC") == before + 2 * QTY - fee
    sold = await desk.done(desk.order(SELL, QTY, reduces=True))
    assert (sold.status, desk.holding("BTC")) == (OrderStatus.FILLED, before + QTY - fee)
    assert desk.state()["positions"] == []


async def test_card_21_a_short_is_opened_and_closed_in_one_way_mode(desk: Desk) -> None:
    if desk.perpetual:
        await opened_and_closed(desk, SELL)
        return
    refusal = await desk.refused(desk.order(SELL, D(3)))
    assert refusal.code == Denial.INSUFFICIENT_BALANCE.value, "spot has no shorts: 2 BTC are held"


async def test_card_22_a_long_is_opened_and_closed_in_hedge_mode(desk: Desk) -> None:
    if desk.perpetual:
        if not await hedge_mode_lacks(desk):
            await opened_and_closed(desk, BUY, LONG)
        return
    await not_for_spot(desk, lambda: desk.venue.set_position_mode(desk.key, desk.symbol, hedge=True))


async def test_card_23_a_short_is_opened_and_closed_in_hedge_mode(desk: Desk) -> None:
    if desk.perpetual:
        if not await hedge_mode_lacks(desk):
            await opened_and_closed(desk, SELL, SHORT)
        return
    await not_for_spot(desk, lambda: desk.venue.set_position_mode(desk.key, desk.symbol, hedge=False))


async def test_card_24_hedge_mode_holds_both_sides_and_a_position_keeps_its_mode(desk: Desk) -> None:
    if not desk.perpetual:
        await not_for_spot(desk, lambda: desk.venue.positions(desk.key, desk.symbol))
        return
    if await hedge_mode_lacks(desk):
        return
    await desk.done(desk.order(BUY, 2 * QTY, position_side=LONG))
    await desk.done(desk.order(SELL, position_side=SHORT))
    held = {position.side: position.qty for position in await desk.venue.positions(desk.key)}
    assert held == {LONG: desk.held(LONG), SHORT: desk.held(SHORT)} == {LONG: 2 * QTY, SHORT: -QTY}
    with pytest.raises(VenueRefused) as refusal:
        await desk.venue.set_position_mode(desk.key, desk.symbol, hedge=False)
    assert refusal.value.code == Denial.POSITION_MODE_WRONG.value
    assert (await desk.refused(desk.order(BUY))).code == Denial.POSITION_MODE_WRONG.value
    await desk.done(desk.order(SELL, 2 * QTY, position_side=LONG, reduces=True))
    assert (desk.held(LONG), desk.held(SHORT)) == (0, -QTY)


async def test_card_25_a_close_takes_no_more_than_the_position(desk: Desk) -> None:
    if not desk.perpetual:
        refusal = await desk.refused(desk.order(SELL, D(3), reduces=True))
        assert refusal.code == Denial.INSUFFICIENT_BALANCE.value
        return
    await desk.done(desk.order(SELL))
    try:
        await desk.done(desk.order(BUY, 3 * QTY, reduces=True))
    except VenueRefused as refusal:
        assert refusal.code == Denial.NOTHING_TO_REDUCE.value
        assert desk.held() == -QTY
    else:
        assert desk.held() == 0
    bought = sum(D(record["qty"]) for record in desk.executions() if record["side"] == "buy")
    assert bought <= QTY, "it never turns the position over"


async def test_card_26_a_close_of_nothing_is_refused_by_name(desk: Desk) -> None:
    if desk.perpetual:
        assert (await desk.refused(desk.order(SELL, reduces=True))).code == Denial.NOTHING_TO_REDUCE.value
        assert desk.held() == 0
        return
    sold = await desk.done(desk.order(SELL, D("0.5"), reduces=True))
    assert sold.status is OrderStatus.FILLED
    assert (await desk.refused(desk.order(SELL, D(2), reduces=True))).code == Denial.INSUFFICIENT_BALANCE.value


async def test_card_27_leverage_is_set_and_setting_it_again_is_success(desk: Desk) -> None:
    async def ask(leverage: int) -> None:
        await desk.venue.set_leverage(desk.key, desk.symbol, leverage)

    if not desk.perpetual:
        await not_for_spot(desk, lambda: ask(5))
        return
    for _ in range(2):
        await ask(7)
    await desk.done(desk.order(BUY))
    position, truth = await told(desk), desk.position()
    assert position is not None and truth is not None
    assert position.leverage == truth["leverage"] == 7
    with pytest.raises(VenueRefused) as refusal:
        await ask(1000)
    assert refusal.value.code == Denial.LEVERAGE_REFUSED.value
    after = desk.position()
    assert after is not None and after["leverage"] == 7


async def test_card_28_margin_mode_is_set_and_setting_it_again_is_success(desk: Desk) -> None:
    if not desk.perpetual:
        await not_for_spot(
            desk, lambda: desk.venue.set_margin_mode(desk.key, desk.symbol, MarginMode.ISOLATED, leverage=5)
        )
        return
    for mode, times in ((MarginMode.ISOLATED, 2), (MarginMode.CROSS, 1)):
        for _ in range(times):
            await desk.venue.set_margin_mode(desk.key, desk.symbol, mode, 7)
        if mode is MarginMode.ISOLATED:
            await desk.venue.set_leverage(desk.key, desk.symbol, 7, mode)
        await desk.done(desk.order(BUY, margin_mode=mode))
        position, truth = await told(desk), desk.position()
        assert position is not None and truth is not None
        assert (truth["margin_mode"], truth["leverage"]) == (mode.value, 7)
        assert position.leverage == 7
        # A mode of the whole account is not told with each position.
        assert position.margin_mode is mode or desk.traits.margin_mode_scope is ModeScope.ACCOUNT
        await desk.done(desk.order(SELL, margin_mode=mode, reduces=True))
        assert desk.held() == 0


async def test_card_29_a_mode_cannot_be_changed_under_an_open_order(desk: Desk) -> None:
    if not desk.perpetual:
        await not_for_spot(desk, lambda: desk.venue.set_leverage(desk.key, desk.symbol, 3, MarginMode.ISOLATED))
        return
    resting = desk.order(BUY, px=D(50000), time_in_force=TimeInForce.GTC)
    assert resting.type is OrderType.LIMIT
    await desk.submit(resting)
    with pytest.raises(VenueRefused) as refusal:
        await desk.venue.set_position_mode(desk.key, desk.symbol, hedge=True)
    assert refusal.value.code == Denial.POSITION_MODE_WRONG.value
    assert [o.client_order_id for o in await desk.open_orders()] == [resting.client_order_id]
