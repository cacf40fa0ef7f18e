"""Public prices of every exchange of the lab: told without a key, with the exchange's figures and time."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import aclosing
from decimal import Decimal
from typing import Any

import pytest
from copydesk.venues import (
    EXCHANGES,
    FeedState,
    Price,
    PriceEvent,
    StreamTiming,
    Venue,
    open_market_stream,
    open_venue,
)
from venue_lab import LabProcess

SPOT, PERPETUAL = "ETH/USDT", "ETH/USDT:USDT"
CLOCK_OFF_MS_MAX = 5_000


class Board:
    """What a price stream has told so far."""

    def __init__(self, events: AsyncIterator[PriceEvent]) -> None:
        self._events = events
        self.prices: dict[str, Price] = {}

    async def until(self, condition: Callable[[dict[str, Price]], bool]) -> None:
        async with asyncio.timeout(15):
            while not condition(self.prices):
                self._take(await anext(self._events))

    async def until_state(self, state: FeedState) -> str:
        async with asyncio.timeout(15):
            while (event := await anext(self._events)).state is not state:
                self._take(event)
        return event.reason

    def _take(self, event: PriceEvent) -> None:
        self.prices |= {price.symbol: price for price in event.prices}


def watching(
    lab: LabProcess, exchange: str, *symbols: str, story: Callable[[Board, Venue], Coroutine[Any, Any, None]]
) -> None:
    async def run() -> None:
        venue = open_venue(exchange, lab.urls_of(exchange))
        try:
            stream = open_market_stream(venue, timing=StreamTiming(backoff_min_s=0.01))
            async with aclosing(stream.prices(symbols)) as events:
                await story(Board(events), venue)
        finally:
            await venue.aclose()

    asyncio.run(run())


@pytest.mark.parametrize("exchange", EXCHANGES)
def test_card_90_last_prices_and_marks_come_with_the_exchanges_time(lab: LabProcess, exchange: str) -> None:
    async def story(board: Board, venue: Venue) -> None:
        await board.until_state(FeedState.CONNECTED)
        await board.until(lambda told: set(told) == {SPOT, PERPETUAL} and told[PERPETUAL].px is not None)
        await board.until(lambda told: told[PERPETUAL].mark is not None)
        spot, perpetual = board.prices[SPOT], board.prices[PERPETUAL]
        assert spot.mark is None and perpetual.mark is not None and spot.px is not None
        assert abs(perpetual.mark / spot.px - 1) < Decimal("0.02")
        for at_ms in (spot.at_ms, perpetual.at_ms, perpetual.mark_at_ms):
            assert abs(at_ms - time.time() * 1000) < CLOCK_OFF_MS_MAX

    watching(lab, exchange, SPOT, PERPETUAL, story=story)


@pytest.mark.parametrize("exchange", EXCHANGES)
def test_card_91_a_price_that_moves_is_told(lab: LabProcess, exchange: str) -> None:
    async def story(board: Board, venue: Venue) -> None:
        await board.until_state(FeedState.CONNECTED)
        await board.until(lambda told: "BTC/USDT:USDT" in told)
        lab.control("POST", "marks", symbol="BTCUSDT", px="66000")
        await board.until(lambda told: abs((told["BTC/USDT:USDT"].mark or Decimal(0)) - 66_000) < 700)
        assert set(board.prices) == {"BTC/USDT:USDT"}

    watching(lab, exchange, "BTC/USDT:USDT", story=story)


@pytest.mark.parametrize("exchange", EXCHANGES)
def test_card_92_what_is_not_listed_is_left_out(lab: LabProcess, exchange: str) -> None:
    async def story(board: Board, venue: Venue) -> None:
        await board.until(lambda told: SPOT in told)
        assert set(board.prices) == {SPOT}

    watching(lab, exchange, SPOT, "NOPE/USDT", story=story)


@pytest.mark.parametrize("exchange", EXCHANGES)
def test_card_93_nothing_listed_is_a_loss_that_says_so(lab: LabProcess, exchange: str) -> None:
    async def story(board: Board, venue: Venue) -> None:
        assert "lists none" in await board.until_state(FeedState.LOST)

    watching(lab, exchange, "NOPE/USDT", story=story)
