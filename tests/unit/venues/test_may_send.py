"""A sender whose right to send ends in a fan-out writes nothing more."""

from __future__ import annotations

import asyncio
from decimal import Decimal

import pytest
from copydesk.kernel import Unavailable, VenueRefused
from copydesk.trading import Credentials, OrderRequest, OrderType, Side
from copydesk.venues import PoolLimits, VenueUrls
from copydesk.venues.binance.adapter import Binance
from raw_exchange import ok, raw_exchange
from venue_symbols import known_symbols

REFUSED = ok(b'{"code":-2010,"msg":"Account has insufficient balance."}', status="400 Bad Request")


@pytest.mark.parametrize("says", [[True, False, False], [True, False, True]], ids=["for good", "and takes it back"])
def test_from_the_first_no_on_orders_are_provably_not_sent(says: list[bool]) -> None:
    """An order after the first no could be one that another worker has adopted and sent already."""
    answers = iter(says)
    orders = [
        (Credentials(n, "key", "secret"), OrderRequest(f"cd-{n}", "BTC/USDT", Side.BUY, OrderType.MARKET, Decimal(1)))
        for n in range(3)
    ]

    async def run() -> None:
        async with raw_exchange(lambda _: REFUSED) as exchange:
            urls = VenueUrls.lab("binance", exchange.url, "ws://127.0.0.1:9")
            venue = Binance(urls, limits=PoolLimits(connections_max=1), symbols=known_symbols())
            try:
                outcomes = await venue.submit_many(orders, may_send=lambda: next(answers))
            finally:
                await venue.aclose()
            assert [type(outcome.result) for outcome in outcomes] == [VenueRefused, Unavailable, Unavailable]
            assert [outcome.sent_at is None for outcome in outcomes] == [False, True, True]
            assert len(exchange.requests) == 1

    asyncio.run(run())
