"""Two processes behind one address at full load of its limit: the lab enforces it, counts, and never refuses.

Each process has budgets and a link of its own, and one Redis joins them. The lab's clock is the test's, so that whole
minutes pass in a moment.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager, closing
from decimal import Decimal
from typing import Any, NamedTuple

import pytest
from binance_lab import BinanceLab
from copydesk.kernel import Unavailable, VenueRefused
from copydesk.stack import RedisServer
from copydesk.trading import Credentials, Denial, OrderRequest, OrderType, Side
from copydesk.venues import Draw, PoolLimits, Venue, VenueUrls, drawing_on, open_venue
from copydesk.venues.budgets import SharedBudgets
from copydesk.venues.client.leases import PREFIX, Leases
from copydesk.venues.client.windows import Seat, Shares
from redis import Redis
from redis.asyncio import Redis as AsyncRedis

LIMIT = 6000
WEIGHT = 20  # Of one reading of balances.
QUARTERS = Shares((Decimal("0.25"), Decimal("0.25")))
PLACE = "binance-lab"


class Clock:
    """The lab's clock in milliseconds, held still until a test moves it; it begins at a full minute."""

    def __init__(self) -> None:
        self.at_ms = 1_800_000_000_000.0

    def __call__(self) -> float:
        return self.at_ms

    def now(self) -> float:
        return self.at_ms / 1000


class Process(NamedTuple):
    """One of two processes that send."""

    budgets: SharedBudgets
    venue: Venue


class Pair(NamedTuple):
    """Two processes, the clock that they and the lab go by, an account of the lab, and where its journal stood."""

    processes: tuple[Process, Process]
    clock: Clock
    lab: BinanceLab
    keys: Credentials
    begins: int

    def counted(self) -> Counter[int]:
        """Return the weight that the lab counted, by minute."""
        found: Counter[int] = Counter()
        for row in self.requests():
            if row["path"] == "/api/v3/account":
                found[int(row["at_ms"] // 60_000)] += WEIGHT
        return found

    def requests(self) -> list[dict[str, Any]]:
        return [row for row in self.lab.records("request") if row["seq"] > self.begins]

    def refusals(self) -> list[dict[str, Any]]:
        return [row for row in self.requests() if row["status"] in (403, 418, 429)]


@pytest.fixture
def clock(binance_lab: BinanceLab) -> Iterator[Clock]:
    clock, real = Clock(), binance_lab.world.now_ms
    binance_lab.run(setattr, binance_lab.world, "now_ms", clock)
    binance_lab.forget_limits()
    yield clock
    binance_lab.run(setattr, binance_lab.world, "now_ms", real)
    binance_lab.forget_limits()


@asynccontextmanager
async def opened(lab: BinanceLab, clock: Clock, redis_url: str) -> AsyncIterator[Pair]:
    """Open two processes beside a Redis that was born long ago."""
    async with AsyncRedis.from_url(redis_url) as redis:
        await Leases(redis, "first").ask("", [], clock.now() - 3600)
    login, begins = lab.open_account(), lab.world.journal.seq
    processes = []
    for place in range(2):
        seat = Seat(QUARTERS, QUARTERS, QUARTERS, place)
        # A machine that stalls for a moment is no Redis that is away.
        budgets = SharedBudgets(redis_url, seat, now=clock.now, ask_max_s=10.0)
        urls, limits = VenueUrls.lab("binance", lab.rest, lab.ws), PoolLimits(connections_max=20)
        venue = open_venue("binance", urls, limits=limits, budgets=budgets.of("binance", PLACE))
        venue.spot.client.go_by(clock.now)  # type: ignore[attr-defined]
        processes.append(Process(budgets, venue))
    try:
        yield Pair((processes[0], processes[1]), clock, lab, Credentials(1, login.api_key, login.secret), begins)
    finally:
        for process in processes:
            await process.venue.aclose()
            await process.budgets.aclose()


async def load(pair: Pair, process: Process, draw: Draw) -> int:
    """Read balances as fast as the budget lets, ten at a time, until nothing more is let through; count them."""
    done = 0

    async def stream() -> None:
        nonlocal done
        with drawing_on(draw):
            while True:
                try:
                    await process.venue.balances(pair.keys)
                except Unavailable:
                    return
                done += 1

    await asyncio.gather(*[stream() for _ in range(10)])
    return done


async def both(pair: Pair, draw: Draw) -> int:
    return sum(await asyncio.gather(*[load(pair, process, draw) for process in pair.processes]))


def play(story: Callable[[Pair], Awaitable[None]], lab: BinanceLab, clock: Clock, redis_url: str) -> None:
    async def playing() -> None:
        async with opened(lab, clock, redis_url) as pair:
            await story(pair)

    asyncio.run(playing())


def test_two_processes_use_nearly_all_of_a_limit_and_are_never_refused(
    binance_lab: BinanceLab, clock: Clock, redis_url: str
) -> None:
    async def story(pair: Pair) -> None:
        for minute in range(3):
            await both(pair, Draw.RESERVE)
            used = pair.counted()[int(clock.now() // 60)]
            assert 0.9 * LIMIT <= used <= LIMIT, (minute, used)
            clock.at_ms += 60_000
        assert pair.refusals() == []

    play(story, binance_lab, clock, redis_url)


def test_closes_pass_while_opens_are_stopped_by_the_reserve(
    binance_lab: BinanceLab, clock: Clock, redis_url: str
) -> None:
    async def story(pair: Pair) -> None:
        opens = await both(pair, Draw.OPENS) * WEIGHT
        assert 0.6 * LIMIT <= opens <= 0.7 * LIMIT
        closes = await both(pair, Draw.RESERVE) * WEIGHT
        assert closes >= 0.2 * LIMIT
        assert pair.refusals() == []

    play(story, binance_lab, clock, redis_url)


def test_with_redis_killed_under_load_nobody_is_refused(
    binance_lab: BinanceLab, clock: Clock, redis_url: str, redis_server: RedisServer
) -> None:
    async def story(pair: Pair) -> None:
        loading = asyncio.create_task(both(pair, Draw.RESERVE))
        while sum(pair.counted().values()) < LIMIT / 4:
            await asyncio.sleep(0)
        redis_server.kill()
        await loading
        clock.at_ms += 60_000
        alone = await both(pair, Draw.RESERVE) * WEIGHT
        assert 0.4 * LIMIT <= alone <= 0.5 * LIMIT  # Two quarters, less the margin.
        assert pair.refusals() == []

    play(story, binance_lab, clock, redis_url)


def test_an_emptied_redis_lends_nothing_of_windows_that_it_has_forgotten(
    binance_lab: BinanceLab, clock: Clock, redis_url: str
) -> None:
    async def story(pair: Pair) -> None:
        await load(pair, pair.processes[0], Draw.RESERVE)
        with closing(Redis.from_url(redis_url)) as redis:
            redis.flushall()
        await both(pair, Draw.RESERVE)
        assert pair.refusals() == []

    play(story, binance_lab, clock, redis_url)


def test_a_ban_that_one_process_meets_stops_the_other_before_it_asks(
    binance_lab: BinanceLab, clock: Clock, redis_url: str
) -> None:
    async def story(pair: Pair) -> None:
        first, second = pair.processes
        await first.venue.balances(pair.keys)
        await second.venue.balances(pair.keys)
        until = clock.at_ms + 120_000
        meter = binance_lab.binance.spot.weights
        binance_lab.run(lambda: setattr(meter.address(binance_lab.ip, int(clock.at_ms)), "banned_until_ms", until))
        with pytest.raises(Unavailable):
            await first.venue.balances(pair.keys)
        budget = second.budgets.of("binance", PLACE)["spot"]
        while budget._blocked_until <= clock.now():
            await asyncio.sleep(0)
        with pytest.raises(Unavailable, match="not sent"):
            await second.venue.balances(pair.keys)
        assert [row["status"] for row in pair.refusals()] == [418]

    play(story, binance_lab, clock, redis_url)
    with closing(Redis.from_url(redis_url)) as redis:
        assert redis.pttl(f"{PREFIX}:{PLACE}:spot:block") > 100_000


def test_no_key_of_an_account_stands_in_redis(binance_lab: BinanceLab, clock: Clock, redis_url: str) -> None:
    async def story(pair: Pair) -> None:
        await load(pair, pair.processes[0], Draw.RESERVE)
        with closing(Redis.from_url(redis_url)) as redis:
            names = [name.decode() for name in redis.scan_iter()]
            assert names
            assert all(name.startswith(f"{PREFIX}:") for name in names)
            assert not [name for name in names if pair.keys.api_key in name]
            assert all(redis.pttl(name) > 0 for name in names if not name.endswith(":birth"))

    play(story, binance_lab, clock, redis_url)


def test_a_storm_of_refusals_stops_opens_everywhere_and_closes_pass(
    binance_lab: BinanceLab, clock: Clock, redis_url: str
) -> None:
    def order(number: int, side: Side, qty: str, *, reduces: bool = False) -> OrderRequest:
        name, amount = f"cd-{'0' * 24}{number:06d}", Decimal(qty)
        return OrderRequest(name, "BTC/USDT", side, OrderType.MARKET, amount, reduces=reduces)

    async def story(pair: Pair) -> None:
        first, second = pair.processes
        logins = [binance_lab.open_account(futures="0", USDT="1", BTC="1") for _ in range(40)]
        poor = [Credentials(n, login.api_key, login.secret) for n, login in enumerate(logins)]
        for process in pair.processes:
            await process.venue.instruments()
        codes: list[str] = []
        for number in range(40):
            orders = [(poor[n], order(100 * number + n, Side.BUY, "1")) for n in range(40)]
            codes += [code_of(outcome.result) for outcome in await first.venue.submit_many(orders)]
            clock.at_ms += 250
        assert codes.count(Denial.VENUE_BREAKER_OPEN.value) > 100
        assert codes.count(Denial.INSUFFICIENT_BALANCE.value) < 0.3 * LIMIT
        budget = second.budgets.of("binance", PLACE)["spot"]
        while not budget.breaker_s(second.venue.traits.origins["spot"].endpoints["submit"], clock.now()):
            await asyncio.sleep(0)
        (outcome,) = await second.venue.submit_many([(poor[0], order(9_000, Side.BUY, "0.001"))])
        assert code_of(outcome.result) == Denial.VENUE_BREAKER_OPEN.value
        (outcome,) = await second.venue.submit_many([(poor[0], order(9_001, Side.SELL, "0.001", reduces=True))])
        assert outcome.view().cum_qty == Decimal("0.001")
        assert pair.refusals() == []

    def code_of(result: object) -> str:
        return result.code if isinstance(result, VenueRefused) else type(result).__name__

    play(story, binance_lab, clock, redis_url)
