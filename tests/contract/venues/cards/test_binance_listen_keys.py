"""Binance's futures stream lives on a listen key that may end with a word, with a close, or without either."""

from __future__ import annotations

import pytest
from card_desk import BUY, Desk
from card_floor import PERPETUAL, QUICK, Seat
from copydesk.venues import StreamState

BINANCE_FUTURES = pytest.mark.parametrize("seat", [Seat("binance", "binance", PERPETUAL)], ids=str)


@BINANCE_FUTURES
@pytest.mark.parametrize("mode", ["event", "close"])
async def test_a_listen_key_that_ends_aloud_is_replaced(desk: Desk, mode: str) -> None:
    async with desk.listening() as listener:
        desk.harm_exchange("expire_listen_keys", mode=mode)
        assert "perpetual" in (await listener.until(StreamState.LOST)).reason
        await listener.connected()
        order = desk.order(BUY)
        await desk.submit(order)
        (trade, *_) = await listener.trades(1)
        assert (trade.symbol, trade.client_order_id) == (desk.symbol, order.client_order_id)


@BINANCE_FUTURES
async def test_a_listen_key_that_ends_silently_leaves_a_probe_that_finds_what_was_missed(desk: Desk) -> None:
    async with desk.listening(QUICK) as listener:
        desk.harm_exchange("expire_listen_keys", mode="silently")
        await desk.submit(desk.order(BUY))
        await listener.until(StreamState.PROBE)
        found = await desk.venue.trades_since(desk.key, desk.symbol, desk.opened_ms)
        assert len(found) == len(desk.executions()) == 1
