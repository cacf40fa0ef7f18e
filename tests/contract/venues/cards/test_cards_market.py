"""Cards 75-78, 81: what an instrument's market bears, its candles, and what leverage and funding positions have."""

from __future__ import annotations

import time
from itertools import pairwise

import pytest
from card_desk import BUY, QTY, SELL, D, Desk
from copydesk.kernel import VenueRefused
from copydesk.trading import Denial, MarginMode
from copydesk.venues import Interval, QtyUnit
from copydesk.venues.candles import CANDLES_ASKED
from copydesk.venues.lab.listings import brackets_of


async def test_card_75_what_is_offered_near_the_price_and_traded_in_a_day_is_told_in_quote_currency(
    desk: Desk,
) -> None:
    instrument = (await desk.venue.instruments())[desk.symbol]
    told = await desk.venue.liquidity(desk.symbol)
    (book,) = [
        book
        for book in desk.lab.control("GET", "books", venue=desk.seat.exchange, levels=100)["books"]
        if (book["symbol"], book["market"]) == (instrument.venue_symbol, desk.market_in_lab)
    ]
    bids, asks = ([(D(px), D(qty)) for px, qty in book[side]] for side in ("bids", "asks"))
    middle = (bids[0][0] + asks[0][0]) / 2
    assert told.bids == sum(px * qty for px, qty in bids if px >= middle * D("0.99")) > 0
    assert told.asks == sum(px * qty for px, qty in asks if px <= middle * D("1.01")) > 0
    # A day of candles, far more than the house has on offer, and nothing like a number of coins.
    assert told.volume > 1_000 * middle


async def test_card_76_brackets_tell_how_much_leverage_a_position_of_a_size_may_have(desk: Desk) -> None:
    if not desk.perpetual:
        with pytest.raises(VenueRefused) as refusal:
            await desk.venue.brackets(desk.key, desk.symbol)
        assert refusal.value.code == Denial.MARKET_NOT_ALLOWED.value
        return
    told, truth = await desk.venue.brackets(desk.key, desk.symbol), brackets_of("BTC")
    assert [(one.leverage_max, one.maint_ratio) for one in told] == [
        (one.leverage_max, one.maint_ratio) for one in truth
    ]
    # Contracts are turned into quote currency at the price of now, and are whole.
    slack = D("0.001") if desk.traits.qty_unit is QtyUnit.CONTRACTS else D(0)
    assert all(abs(a.notional_cap / b.notional_cap - 1) <= slack for a, b in zip(told, truth, strict=True))
    assert all(low.notional_cap < high.notional_cap for low, high in pairwise(told))
    deducted = {one.maint_deduction for one in told}
    assert deducted in ({D(0)}, {one.maint_deduction for one in truth})


async def test_card_77_an_isolated_position_tells_the_margin_behind_it_and_a_cross_one_none(desk: Desk) -> None:
    if not desk.perpetual:
        assert desk.held() == 0
        return
    leverage = 20
    for mode in (MarginMode.CROSS, MarginMode.ISOLATED):
        await desk.venue.set_margin_mode(desk.key, desk.symbol, mode, leverage)
        await desk.venue.set_leverage(desk.key, desk.symbol, leverage, mode)
        await desk.done(desk.order(BUY, margin_mode=mode))
        (position,) = await desk.venue.positions(desk.key, desk.symbol)
        assert position.liquidation_px is None or position.liquidation_px < position.mark_px
        if mode is MarginMode.CROSS:
            assert position.margin is None
            await desk.done(desk.order(SELL, margin_mode=mode, reduces=True))
            continue
        assert position.margin is not None and position.liquidation_px is not None
        assert abs(position.margin / (QTY * position.entry_px / leverage) - 1) < D("0.02")


async def test_card_78_what_a_position_pays_or_receives_next_is_told_with_its_time(desk: Desk) -> None:
    if not desk.perpetual:
        with pytest.raises(VenueRefused) as refusal:
            await desk.venue.funding_rate(desk.symbol)
        assert refusal.value.code == Denial.MARKET_NOT_ALLOWED.value
        return
    told = await desk.venue.funding_rate(desk.symbol)
    now_ms = time.time() * 1000
    assert now_ms - 5_000 < told.next_at_ms <= now_ms + 8 * 3_600_000 + 5_000
    # No exchange charges more than a few percent of a position at once.
    assert abs(told.rate) < D("0.05")


async def test_card_81_candles_are_told_in_lengths_of_ours_and_the_last_one_runs(desk: Desk) -> None:
    for interval in (Interval.M1, Interval.H1, Interval.D1):
        told = await desk.venue.candles(desk.symbol, interval)
        begins, now_s = list(told), time.time()
        # As many as are asked for, or all days of the replayed market.
        assert len(begins) == min(CANDLES_ASKED, 14 * 86_400 // interval.seconds + 1)
        assert {later - before for before, later in pairwise(begins)} == {interval.seconds}
        assert begins[-1] % interval.seconds == 0
        # The replayed market need not stand at the same second of the interval as the clock.
        assert now_s - 2 * interval.seconds - 5 < begins[-1] <= now_s + 5
        assert all(one.low <= min(one.open, one.close) <= max(one.open, one.close) <= one.high for one in told.values())
        # A pair of candles is one path: each begins about where the one before it ended.
        assert all(abs(later.open / one.close - 1) < D("0.2") for one, later in pairwise(told.values()))
