"""The leader stream, held against the simulated exchange: trades, silence, loss, return."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import aclosing, asynccontextmanager
from decimal import Decimal

import pytest
from copydesk.kernel import VenueRefused
from copydesk.trading import Credentials, Denial, OrderRequest, OrderType, OrderView, Side
from copydesk.venues import BinanceSpot, BinanceStream, LeaderTrade, StreamEvent, StreamState, StreamTiming, VenueUrls
from venue_lab import LabAccount, LabProcess

QUICK = StreamTiming(probe_after_s=0.3, backoff_min_s=0.01)


@asynccontextmanager
async def listening(lab: LabProcess, credentials: Credentials) -> AsyncIterator[Listener]:
    venue = BinanceSpot(lab.urls)
    stream = BinanceStream(lab.urls, timing=QUICK)
    try:
        async with aclosing(stream.trades(credentials)) as events:
            yield Listener(events, venue, credentials)
    finally:
        await venue.aclose()


class Listener:
    def __init__(self, events: AsyncIterator[StreamEvent], venue: BinanceSpot, credentials: Credentials) -> None:
        self._events = events
        self._venue = venue
        self._credentials = credentials

    async def until(self, state: StreamState) -> StreamEvent:
        async with asyncio.timeout(10):
            while True:
                event = await anext(self._events)
                if event.state is state:
                    return event

    async def trades(self, count: int) -> list[LeaderTrade]:
        found: list[LeaderTrade] = []
        while len(found) < count:
            found += (await self.until(StreamState.TRADES)).trades
        return found

    async def trade(self, name: str) -> OrderView:
        order = OrderRequest(name, "BTCUSDT", Side.BUY, OrderType.MARKET, Decimal("0.01"))
        return await self._venue.submit(self._credentials, order)


def test_card_40_every_execution_arrives_once_with_exact_figures(lab: LabProcess, account: LabAccount) -> None:
    async def run() -> None:
        async with listening(lab, account.credentials) as listener:
            await listener.until(StreamState.CONNECTED)
            views = [await listener.trade(f"card-40-{i}") for i in range(5)]
            fills = [fill for view in views for fill in view.fills]
            trades = await listener.trades(len(fills))
            assert [(t.trade_id, t.qty, t.px, t.fee, t.fee_currency) for t in trades] == [
                (f.trade_id, f.qty, f.px, f.fee, f.fee_currency) for f in fills
            ]
            assert {t.client_order_id for t in trades} == {view.client_order_id for view in views}
            assert {(t.side, t.order_type, t.venue_symbol) for t in trades} == {(Side.BUY, OrderType.MARKET, "BTCUSDT")}

    asyncio.run(run())


def test_card_41_a_broken_connection_is_told_and_the_stream_comes_back(lab: LabProcess, account: LabAccount) -> None:
    async def run() -> None:
        async with listening(lab, account.credentials) as listener:
            await listener.until(StreamState.CONNECTED)
            lab.control("POST", "streams", account=account.name, harm="disconnect")
            assert (await listener.until(StreamState.LOST)).reason
            await listener.until(StreamState.CONNECTED)
            view = await listener.trade("card-41")
            assert [t.trade_id for t in await listener.trades(len(view.fills))] == [f.trade_id for f in view.fills]

    asyncio.run(run())


def test_card_42_a_stream_that_is_connected_but_mute_asks_for_a_comparison(
    lab: LabProcess, account: LabAccount
) -> None:
    async def run() -> None:
        async with listening(lab, account.credentials) as listener:
            await listener.until(StreamState.CONNECTED)
            lab.control("POST", "streams", account=account.name, harm="mute")
            await listener.trade("card-42")
            assert (await listener.until(StreamState.PROBE)).trades == ()

    asyncio.run(run())


def test_card_43_replayed_events_arrive_again_under_their_old_trade_ids(lab: LabProcess, account: LabAccount) -> None:
    async def run() -> None:
        async with listening(lab, account.credentials) as listener:
            await listener.until(StreamState.CONNECTED)
            view = await listener.trade("card-43")
            first = await listener.trades(len(view.fills))
            lab.control("POST", "replay", account=account.name, count=50)
            assert await listener.trades(len(view.fills)) == first

    asyncio.run(run())


def test_card_44_a_rejected_key_ends_the_stream_with_its_name(lab: LabProcess, account: LabAccount) -> None:
    async def run() -> None:
        wrong = Credentials(1, "x" * 64, account.credentials.secret)
        with pytest.raises(VenueRefused) as refusal:
            async with listening(lab, wrong) as listener:
                await listener.until(StreamState.CONNECTED)
        assert refusal.value.code == Denial.KEY_REJECTED.value

    asyncio.run(run())


def test_card_45_an_exchange_that_is_away_is_told_as_lost_again_and_again(account: LabAccount) -> None:
    async def run() -> None:
        stream = BinanceStream(VenueUrls.lab("http://127.0.0.1:9", "ws://127.0.0.1:9"), timing=QUICK)
        async with aclosing(stream.trades(account.credentials)) as events:
            for _ in range(3):
                assert (await anext(events)).state is StreamState.LOST

    asyncio.run(run())
