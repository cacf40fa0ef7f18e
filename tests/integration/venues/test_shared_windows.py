"""Leases in a real Redis: however processes interleave, no window of the exchange is exceeded."""

from __future__ import annotations

import asyncio
from bisect import bisect_right
from collections import Counter, deque
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal

import pytest
from copydesk.stack import RedisServer
from copydesk.venues.client.budget import SILENT
from copydesk.venues.client.budget_link import CONFIRMED_S
from copydesk.venues.client.draw import Draw
from copydesk.venues.client.leases import Leases
from copydesk.venues.client.shared_budget import SharedBudget, Wants
from copydesk.venues.client.windows import Seat, Shares
from copydesk.venues.traits import Endpoint, LimitScope, LimitUnit, RateLimit
from hypothesis import given, settings
from hypothesis import strategies as st
from redis.asyncio import Redis

AS_OF = date(2026, 11, 22)
ORDER = Endpoint("POST", "/order", weight=1, orders=1)
MINUTE = RateLimit(LimitScope.IP, LimitUnit.WEIGHT, 100, 60, "test", AS_OF)
SECONDS = RateLimit(LimitScope.IP, LimitUnit.WEIGHT, 40, 2, "test", AS_OF)
KEYED = RateLimit(LimitScope.KEY, LimitUnit.ORDERS, 20, 10, "test", AS_OF)
ROLLING = RateLimit(LimitScope.IP, LimitUnit.WEIGHT, 40, 2, "test", AS_OF, rolling=True)
KEYED_ROLLING = RateLimit(LimitScope.KEY, LimitUnit.ORDERS, 20, 10, "test", AS_OF, rolling=True)
SHARES = Shares((Decimal("0.2"), Decimal("0.2"), Decimal("0.1")))
BEGIN = 1_800_000_000.0  # A full minute.
ANSWER_MAX_S = 10.0


@dataclass
class Sent:
    """One request on its way."""

    endpoint: Endpoint
    sent_at: float
    counted: bool = False


@dataclass
class Process:
    """One of the processes, with a hand-driven link."""

    leases: Leases
    place: int
    limits: tuple[RateLimit, ...]
    budget: SharedBudget = field(init=False)
    on_their_way: deque[Sent] = field(default_factory=deque)
    confirmed_at: float = BEGIN
    told: list[tuple[str, float]] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.budget = SharedBudget(self.limits, scope="paper", seat=Seat(SHARES, SHARES, SHARES, self.place), line=self)

    def wake(self) -> None:
        """Rounds are made by the test."""

    async def lease(self, budget: SharedBudget, wants: Wants) -> None:
        raise AssertionError("rounds are made by the test")

    def tell_block(self, scope: str, key_digest: str, block_s: float) -> None:
        self.told.append((key_digest, block_s))

    def tell_breaker(self, scope: str, open_s: float) -> None:
        self.told.append(("breaker", open_s))

    async def round(self, now: float, *, answer_lost: bool = False) -> None:
        asks = self.budget.asks(now)
        if not asks:
            return
        lent = await self.leases.ask("paper", asks, now)
        if not answer_lost:
            self.confirmed_at = now
            for ask, (granted, told) in zip(asks, lent, strict=True):
                self.budget.answered(ask, granted, told, now)

    def send(self, endpoint: Endpoint, now: float, *, reduces: bool) -> bool:
        if self.budget.try_take(endpoint, "k", draw=Draw.RESERVE if reduces else Draw.OPENS, now=now):
            return False
        self.on_their_way.append(Sent(endpoint, now))
        return True


class Exchange:
    """Counts what arrives, in fixed windows or over the last seconds, as each limit has it."""

    def __init__(self, limits: tuple[RateLimit, ...]) -> None:
        self._limits = limits
        self._came_at: list[float] = []

    def count(self, sent: Sent, now: float) -> None:
        if not sent.counted:
            sent.counted = True
            self._came_at.append(now)

    def check(self) -> None:
        for limit in self._limits:
            most = self._most_at_once(limit.period_s) if limit.rolling else self._most_in_a_window(limit.period_s)
            assert most <= limit.count * 0.95, (limit, most)

    def _most_in_a_window(self, period_s: int) -> int:
        return max(Counter(int(at // period_s) for at in self._came_at).values(), default=0)

    def _most_at_once(self, period_s: int) -> int:
        """Return how many came at most within a period, whenever it began."""
        ends = enumerate(self._came_at, start=1)
        return max((n - bisect_right(self._came_at, at - period_s) for n, at in ends), default=0)


async def opened(redis: Redis, limits: tuple[RateLimit, ...]) -> list[Process]:
    """Begin with a Redis that was born long ago."""
    await redis.flushdb()
    await Leases(redis, "first").ask("paper", [], BEGIN - 200)
    return [Process(Leases(redis, f"p{place}"), place, limits) for place in range(len(SHARES.parts))]


def settle(process: Process, exchange: Exchange | None, now: float) -> None:
    sent = process.on_their_way.popleft()
    if exchange is not None:
        exchange.count(sent, now)
    process.budget.settle(sent.endpoint, "k", accepted=False, reported=SILENT, now=now)


Step = tuple[str, int, int]
WHO, MANY = st.integers(0, 2), st.integers(5, 100)
STEPS = st.lists(
    st.one_of(
        st.tuples(st.sampled_from(["push opens", "push closes"]), WHO, MANY),
        st.tuples(st.sampled_from(["push closes", "send closes", "arrive", "answer"]), WHO, MANY),
        st.tuples(st.sampled_from(["round", "lost"]), WHO, MANY),
        st.tuples(st.sampled_from(["time", "time", "flush"]), WHO, st.integers(1, 20)),
    ),
    min_size=20,
    max_size=120,
)


async def push(process: Process, many: int, now: float, *, reduces: bool) -> None:
    """Send as many as there are leases for."""
    for _ in range(many):
        if not process.send(ORDER, now, reduces=reduces):
            await process.round(now)
            if not process.send(ORDER, now, reduces=reduces):
                return


async def play(redis: Redis, limits: tuple[RateLimit, ...], steps: list[Step]) -> None:
    processes, exchange, now = await opened(redis, limits), Exchange(limits), BEGIN + 55
    for what, who, many in steps:
        process = processes[who]
        if what.startswith("push"):
            await push(process, many, now, reduces=what == "push closes")
        elif what == "send closes":
            while process.send(ORDER, now, reduces=True):
                pass
        elif what == "arrive":
            for sent in list(process.on_their_way)[:many]:
                exchange.count(sent, now)
        elif what == "answer":
            for _ in range(min(many, len(process.on_their_way))):
                settle(process, exchange, now)
        elif what in ("round", "lost"):
            await process.round(now, answer_lost=what == "lost")
        elif what == "flush":
            await redis.flushdb()
        elif what == "time":
            now += many / 10
            for each in processes:
                while each.on_their_way and now - each.on_their_way[0].sent_at > ANSWER_MAX_S - 2:
                    settle(each, exchange, now)
                if now - each.confirmed_at >= CONFIRMED_S:
                    each.budget.drop_leases(now)
        exchange.check()


LIMITS = {
    "minute": MINUTE,
    "seconds": SECONDS,
    "keyed": KEYED,
    "rolling": ROLLING,
    "keyed and rolling": KEYED_ROLLING,
}


@pytest.mark.parametrize("limit", LIMITS.values(), ids=LIMITS)
@settings(max_examples=100)
@given(steps=STEPS)
def test_no_interleaving_of_processes_exceeds_a_limit(
    shared: tuple[Redis, asyncio.Runner], limit: RateLimit, steps: list[Step]
) -> None:
    redis, runner = shared
    runner.run(play(redis, (limit,), steps))


async def told_at_last(redis: Redis, limit: RateLimit) -> set[int]:
    """Let two processes send now and then, and be idle for three periods; return the counts that they still tell of."""
    first, second, _ = await opened(redis, (limit,))
    now = BEGIN
    for step in range(90):
        for process in (first, second):
            if step % 12 == 7 and step < 60:
                await push(process, 5, now, reduces=True)
            while process.on_their_way:
                settle(process, None, now)
            await process.round(now)
        now += limit.period_s / 10
    return {ask.said.told for process in (first, second) for ask in process.budget.asks(now)}


@pytest.mark.parametrize("limit", LIMITS.values(), ids=LIMITS)
def test_what_is_long_past_counts_no_more_however_many_processes_have_told_of_it(
    shared: tuple[Redis, asyncio.Runner], limit: RateLimit
) -> None:
    redis, runner = shared
    assert runner.run(told_at_last(redis, limit)) <= {0}


@pytest.fixture(scope="module")
def shared(redis_server: RedisServer) -> Iterator[tuple[Redis, asyncio.Runner]]:
    if not redis_server.alive:
        redis_server.start()
    with asyncio.Runner() as runner:
        redis = Redis.from_url(redis_server.url)
        yield redis, runner
        runner.run(redis.aclose())
