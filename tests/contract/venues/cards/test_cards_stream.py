"""Cards 60-67: the leader stream: what it tells, in which order, and what it says when it cannot tell."""

from __future__ import annotations

import asyncio
from contextlib import aclosing
from dataclasses import replace

import pytest
from card_desk import BUY, QTY, SELL, D, Desk
from card_floor import PATIENT, QUICK
from copydesk.kernel import VenueRefused
from copydesk.trading import Denial, OrderType, PositionSide
from copydesk.venues import StreamState, VenueUrls, open_stream, open_venue


async def test_card_60_executions_arrive_once_each_in_order_and_with_exact_figures(desk: Desk) -> None:
    async with desk.listening() as listener:
        desk.harm("partial_fill", parts=3, times=1)
        orders = [desk.order(side, 3 * QTY) for side in (BUY, SELL)]
        for order in orders:
            await desk.submit(order)
        recorded = desk.executions()
        trades = await listener.trades(len(recorded))
    assert [(t.client_order_id, t.side.value, t.qty, t.px, t.fee, t.fee_currency) for t in trades] == [
        (r["client_order_id"], r["side"], D(r["qty"]), D(r["px"]), D(r["fee"]), r["fee_currency"]) for r in recorded
    ]
    assert len({t.trade_id for t in trades}) == len(recorded) >= 4
    assert {(t.symbol, t.position_side) for t in trades} == {(desk.symbol, PositionSide.NET)}
    assert {t.order_type for t in trades} <= {OrderType.MARKET, OrderType.LIMIT, None}
    read = await desk.venue.trades_since(desk.key, desk.symbol, trades[0].at_ms)
    assert [t.trade_id for t in read] == [t.trade_id for t in trades], "the same ids over both ways"


async def test_card_61_executions_of_hedge_mode_name_their_side(desk: Desk) -> None:
    sides = ((BUY, PositionSide.NET), (SELL, PositionSide.NET))
    if desk.perpetual:
        await desk.venue.set_position_mode(desk.key, desk.symbol, hedge=True)
        sides = ((BUY, PositionSide.LONG), (SELL, PositionSide.SHORT))
    async with desk.listening() as listener:
        for side, position_side in sides:
            await desk.submit(desk.order(side, position_side=position_side))
            (trade, *_) = await listener.trades(1)
            assert (trade.side, trade.position_side) == (side, position_side)
    assert [r["position_side"] for r in desk.executions()] == [position_side.value for _, position_side in sides]


async def test_card_62_replayed_events_arrive_under_their_old_ids(desk: Desk) -> None:
    async with desk.listening() as listener:
        await desk.submit(desk.order(BUY))
        first = await listener.trades(1)
        desk.lab.control("POST", "replay", account=desk.account.name, count=50)
        assert [t.trade_id for t in await listener.trades(1)] == [t.trade_id for t in first]
    assert len(desk.executions()) == 1


async def test_card_63_a_connection_that_breaks_is_told_and_comes_back(desk: Desk) -> None:
    async with desk.listening() as listener:
        desk.harm("disconnect")
        await desk.submit(desk.order(BUY))
        assert (await listener.until(StreamState.LOST)).reason
        await listener.connected()
        missed = await desk.venue.trades_since(desk.key, desk.symbol, desk.opened_ms)
        assert len(missed) == len(desk.executions())
        order = desk.order(SELL)
        await desk.submit(order)
        while (trade := (await listener.trades(1))[0]).side is not SELL:
            pass
        assert trade.client_order_id == order.client_order_id


async def test_card_64_a_stream_that_is_connected_but_mute_asks_for_a_comparison(desk: Desk) -> None:
    async with desk.listening(QUICK) as listener:
        desk.harm("mute")
        await desk.submit(desk.order(BUY))
        assert (await listener.until(StreamState.PROBE)).trades == ()
        found = await desk.venue.trades_since(desk.key, desk.symbol, desk.opened_ms)
        assert [t.qty for t in found] == [D(r["qty"]) for r in desk.executions()]


async def test_card_65_events_that_come_twice_or_late_keep_their_ids(desk: Desk) -> None:
    async with desk.listening() as listener:
        desk.harm("duplicate")
        desk.harm("reorder", every=2)
        for side in (BUY, SELL, BUY, SELL):
            await desk.submit(desk.order(side))
        recorded = desk.executions()
        heard: dict[str, tuple[str, str]] = {}
        while len(heard) < len(recorded):
            heard |= {t.trade_id: (t.client_order_id, t.side.value) for t in await listener.trades(1)}
    assert sorted(heard.values()) == sorted((r["client_order_id"], r["side"]) for r in recorded)


async def test_card_66_a_rejected_key_ends_the_stream_with_its_name(desk: Desk) -> None:
    wrong = replace(desk.key, secret=desk.key.secret[::-1])
    with pytest.raises(VenueRefused) as refusal:
        async with asyncio.timeout(10), desk.listening(key=wrong):
            pass
    assert refusal.value.code in (Denial.KEY_SECRET_WRONG.value, Denial.KEY_REJECTED.value)
    assert desk.state()["streams"] == 0


async def test_card_67_an_exchange_that_is_away_is_told_as_lost_again_and_again(desk: Desk) -> None:
    nowhere = VenueUrls.lab(desk.seat.exchange, "http://127.0.0.1:9", "ws://127.0.0.1:9")
    venue = open_venue(desk.seat.exchange, nowhere)
    try:
        async with aclosing(open_stream(venue, timing=PATIENT).trades(desk.key)) as events:
            for _ in range(3):
                event = await anext(events)
                assert event.state is StreamState.LOST and event.reason
    finally:
        await venue.aclose()
