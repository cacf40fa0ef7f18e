"""Public streams that tell what is not true: our price streams hear it on every exchange, while REST knows better."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import aclosing
from decimal import Decimal

import pytest
from copydesk.venues import EXCHANGES, PriceEvent, StreamTiming, Venue, open_market_stream, open_venue
from venue_lab import LabProcess

SYMBOL = "BTC/USDT:USDT"
HELD, MOVED = 100_000, 101_000


@pytest.fixture
def held(lab: LabProcess) -> Iterator[LabProcess]:
    """A lab with BTC at a price that stands, whose faults end with the test."""
    pin(lab, HELD)
    yield lab
    lab.control("DELETE", "faults")


def pin(lab: LabProcess, px: int) -> None:
    lab.control("POST", "marks", symbol="BTCUSDT", px=str(px))


async def marked(events: AsyncIterator[PriceEvent], near: int) -> int:
    """Wait until a mark near this price is told, and return when it was, by the exchange's clock."""
    async for event in events:
        for price in event.prices:
            if price.mark is not None and abs(price.mark / near - 1) < Decimal("0.005"):
                return price.mark_at_ms
    raise AssertionError("the stream has ended")


def watch(lab: LabProcess, exchange: str, story: Callable[[AsyncIterator[PriceEvent], Venue], Awaitable[None]]) -> None:
    async def run() -> None:
        venue = open_venue(exchange, lab.urls_of(exchange))
        try:
            stream = open_market_stream(venue, timing=StreamTiming(backoff_min_s=0.01))
            async with asyncio.timeout(20), aclosing(stream.prices([SYMBOL])) as events:
                await story(events, venue)
        finally:
            await venue.aclose()

    asyncio.run(run())


@pytest.mark.parametrize("exchange", EXCHANGES)
def test_an_absurd_mark_is_told_once_by_the_stream_alone(held: LabProcess, exchange: str) -> None:
    async def story(events: AsyncIterator[PriceEvent], venue: Venue) -> None:
        await marked(events, HELD)
        held.control("POST", "faults", harm="misprint", venue=exchange, market="perp", percent=-40, times=1)
        pin(held, MOVED)  # Some exchanges tell changes only.
        await marked(events, MOVED * 6 // 10)
        assert abs((await venue.prices())[SYMBOL] / MOVED - 1) < Decimal("0.005")
        pin(held, HELD)
        await marked(events, HELD)

    watch(held, exchange, story)


@pytest.mark.parametrize("exchange", EXCHANGES)
def test_a_frozen_feed_says_nothing_of_a_price_that_moves_until_it_is_lifted(held: LabProcess, exchange: str) -> None:
    async def story(events: AsyncIterator[PriceEvent], venue: Venue) -> None:
        await marked(events, HELD)
        held.control("POST", "faults", harm="freeze", venue=exchange, market="perp", how="silent")
        pin(held, MOVED)
        assert abs((await venue.prices())[SYMBOL] / MOVED - 1) < Decimal("0.005")
        held.control("DELETE", "faults")
        pin(held, HELD * 2)
        await marked(events, HELD * 2)

    watch(held, exchange, story)


def test_a_still_feed_tells_the_old_mark_at_new_times(held: LabProcess) -> None:
    """Of Binance, which tells marks every second whether they change or not."""

    async def story(events: AsyncIterator[PriceEvent], _venue: Venue) -> None:
        told_ms = await marked(events, HELD)
        held.control("POST", "faults", harm="freeze", venue="binance", market="perp", how="still")
        pin(held, MOVED)
        for _ in range(3):
            told_ms, before_ms = await marked(events, HELD), told_ms
            assert told_ms > before_ms

    watch(held, "binance", story)
