"""A request that lacks only a lease waits for it, up to a short bound, instead of failing."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import replace
from decimal import Decimal

from copydesk.kernel import Unavailable
from copydesk.trading import Credentials, OrderRequest, OrderType, OrderView, Side
from copydesk.venues import PoolLimits, VenueUrls
from copydesk.venues.binance.adapter import Binance
from copydesk.venues.binance.traits import SPOT
from copydesk.venues.client.shared_budget import SharedBudget, Wants
from copydesk.venues.client.windows import Seat, Shares
from copydesk.venues.model import Outcome
from copydesk.venues.traits import LimitScope
from raw_exchange import Reply, ok, raw_exchange
from venue_symbols import known_symbols

COUNT = 100
TENTHS = Shares((Decimal("0.1"), Decimal("0.2")))
TIME = ok(b'{"serverTime":30000}')
REFUSED = ok(b'{"code":-2010,"msg":"Account has insufficient balance."}', status="400 Bad Request")
WHOLE = Shares((Decimal(1),))
SEAT = Seat(TENTHS, WHOLE, WHOLE, 0)
# Of a thousand a minute 66 are this process's own for opens: a fan-out of a hundred lacks a lease.
LIMITS = tuple(replace(limit, count=1000) if limit.scope is LimitScope.IP else limit for limit in SPOT.rate_limits)


class Lender:
    """Lends whatever is wanted while it `lends`; `after` runs once the lease is given."""

    def __init__(self) -> None:
        self.now = 30.0
        self.lends = True
        self.rounds = 0
        self.hangs = asyncio.Event()
        self.hangs.set()
        self.after: Callable[[SharedBudget], object] = lambda _: None

    def wake(self) -> None:
        pass

    async def lease(self, budget: SharedBudget, wants: Wants) -> None:
        self.rounds += 1
        await self.hangs.wait()
        if not self.lends:
            return
        for ask in budget.asks(self.now, wants):
            budget.answered(ask, ask.want, 0, self.now)
        self.after(budget)

    def tell_block(self, scope: str, key_digest: str, block_s: float) -> None:
        pass

    def tell_breaker(self, scope: str, open_s: float) -> None:
        pass


def filled(request: str) -> Reply:
    form = dict(pair.split("=") for pair in request.rpartition("\r\n")[2].split("&"))
    return ok(
        b'{"orderId":1,"clientOrderId":"%s","transactTime":1763816400000,"origQty":"1","executedQty":"1",'
        b'"cummulativeQuoteQty":"1","status":"FILLED","side":"BUY","fills":[]}' % form["newClientOrderId"].encode()
    )


def orders() -> list[tuple[Credentials, OrderRequest]]:
    return [
        (Credentials(n, f"k{n}", "s"), OrderRequest(f"cd-{n}", "BTC/USDT", Side.BUY, OrderType.MARKET, Decimal(1)))
        for n in range(COUNT)
    ]


async def fan_out(lender: Lender, budget: SharedBudget, script: Callable[[str], Reply] = filled) -> list[Outcome]:
    async with venue_of(lender, budget, script) as venue:
        return await venue.submit_many(orders())


@asynccontextmanager
async def venue_of(lender: Lender, budget: SharedBudget, script: Callable[[str], Reply]) -> AsyncIterator[Binance]:
    async with raw_exchange(lambda request: TIME if request.startswith("GET") else script(request)) as exchange:
        urls = VenueUrls.lab("binance", exchange.url, "ws://127.0.0.1:9")
        limits = PoolLimits(connections_max=COUNT)
        venue = Binance(urls, limits=limits, symbols=known_symbols(), budgets={"spot": budget}, now=lambda: lender.now)
        try:
            await venue.spot.client.warm(COUNT)  # So that all may be on their way at once.
            yield venue
        finally:
            await venue.aclose()


def shared(lender: Lender) -> SharedBudget:
    return SharedBudget(LIMITS, scope="paper", seat=SEAT, line=lender)


def all_sent(outcomes: list[Outcome]) -> bool:
    return [outcome for outcome in outcomes if not isinstance(outcome.result, OrderView)] == []


def test_a_lease_that_is_taken_away_before_the_fan_out_is_sent_is_asked_for_again() -> None:
    lender = Lender()
    budget = shared(lender)
    lender.after = lambda budget: lender.rounds == 1 and budget.drop_leases(lender.now)
    assert all_sent(asyncio.run(fan_out(lender, budget)))
    assert lender.rounds == 2


def test_a_fan_out_over_which_a_window_turns_leases_in_the_new_window() -> None:
    lender = Lender()
    budget = shared(lender)

    def turn(request: str) -> Reply:
        lender.now = 60.5
        return filled(request)

    lender.after = lambda _: setattr(lender, "now", 60.0) if lender.rounds == 1 else None
    assert all_sent(asyncio.run(fan_out(lender, budget, turn)))
    assert lender.rounds == 2


def test_what_was_leased_ahead_is_not_given_back_by_the_next_renewal() -> None:
    lender = Lender()
    budget = shared(lender)
    lender.after = lambda budget: budget.asks(lender.now)
    assert all_sent(asyncio.run(fan_out(lender, budget)))
    assert lender.rounds == 1


def test_an_order_for_which_nobody_lends_is_provably_not_sent_before_long() -> None:
    lender = Lender()
    lender.lends = False
    outcomes = asyncio.run(fan_out(lender, shared(lender), lambda _: REFUSED))
    unsent = [outcome for outcome in outcomes if outcome.sent_at is None]
    assert len(unsent) == COUNT - 65  # One of its own has asked for the time.
    assert all(isinstance(outcome.result, Unavailable) for outcome in unsent)


def test_an_order_that_waits_for_a_lease_when_the_venue_closes_is_provably_not_sent() -> None:
    lender = Lender()

    async def run() -> None:
        async with venue_of(lender, shared(lender), filled) as venue:
            lender.lends = False
            sending = asyncio.create_task(venue.submit_many(orders()))
            while lender.rounds < 2:
                await asyncio.sleep(0)
            lender.hangs.clear()
            closing = asyncio.create_task(venue.aclose())
            await asyncio.sleep(0)
            lender.hangs.set()
            outcomes = await sending
            await closing
        unsent = [outcome.result for outcome in outcomes if outcome.sent_at is None]
        assert unsent and all(isinstance(result, Unavailable) for result in unsent)

    asyncio.run(run())
