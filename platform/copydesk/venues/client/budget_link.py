"""One process's link to the shared budgets in Redis: leases renewed, blocks told and heard.

With Redis away nothing waits for it: every process goes on with its share of each limit, and with what it had leased
for as long as that is confirmed. Lives on one event loop.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable, Coroutine
from contextlib import suppress
from typing import Any
from uuid import uuid4

import orjson
from redis.asyncio import Redis
from redis.exceptions import RedisError

from copydesk.kernel import end
from copydesk.venues.client.leases import PREFIX, Leases
from copydesk.venues.client.shared_budget import SharedBudget, Wants

log = logging.getLogger(__name__)

CHANNEL = f"{PREFIX}:told"
TICK_S = 0.1
ASK_MAX_S = 0.05  # A fan-out waits no longer than this for a Redis that hangs, and then not again for a second.
AWAY_S = 1.0
CONFIRMED_S = 2.0  # Leases that Redis has not confirmed for so long are dropped.
CHUNK = 200  # Windows in one call of the script, which nothing else in Redis may interrupt.
_AWAY = (RedisError, OSError, TimeoutError)


class BudgetLink:
    """Serve all shared budgets of one process. Start it on the loop that sends; close with `aclose`.

    A Redis that does not answer within `ask_max_s` is away.
    """

    def __init__(self, redis_url: str, *, now: Callable[[], float] = time.time, ask_max_s: float = ASK_MAX_S) -> None:
        self._ask_max_s = ask_max_s
        self._redis = Redis.from_url(redis_url)
        self._leases = Leases(self._redis, uuid4().hex)
        self._now = now
        self._budgets: list[SharedBudget] = []
        self._asking = asyncio.Lock()
        self._wanted = asyncio.Event()
        self._away_until = 0.0
        self._confirmed_at = 0.0
        self._tasks: set[asyncio.Task[Any]] = set()

    def serve(self, budget: SharedBudget) -> None:
        """Renew a budget's leases from now on, and tell it what others are told."""
        if not self._budgets:
            self._spawn(self._renew())
            self._spawn(self._listen())
        self._budgets.append(budget)
        self._spawn(self._read_block(budget))

    async def aclose(self) -> None:
        await end(*self._tasks)
        with suppress(*_AWAY):
            await self._redis.aclose()

    def wake(self) -> None:
        self._wanted.set()

    async def lease(self, budget: SharedBudget, wants: Wants) -> None:
        if self._now() >= self._away_until:  # Else not even in turn: whoever asks when it is over may wait.
            await self._round(budget, wants)

    def tell_block(self, scope: str, key_digest: str, block_s: float) -> None:
        self._spawn(self._tell({"scope": scope, "block_s": block_s, "key": key_digest}))

    def tell_breaker(self, scope: str, open_s: float) -> None:
        self._spawn(self._tell({"scope": scope, "open_s": open_s}))

    async def _renew(self) -> None:
        while True:
            with suppress(TimeoutError):
                async with asyncio.timeout(TICK_S):
                    await self._wanted.wait()
            self._wanted.clear()
            for budget in self._budgets:
                await self._round(budget)
                if self._now() - self._confirmed_at >= CONFIRMED_S:
                    budget.drop_leases(self._now())

    async def _round(self, budget: SharedBudget, wants: Wants | None = None) -> None:
        async with self._asking:
            asks = budget.asks(self._now(), wants) if self._now() >= self._away_until else []
            for start in range(0, len(asks), CHUNK):
                part = asks[start : start + CHUNK]
                try:
                    async with asyncio.timeout(self._ask_max_s):
                        lent = await self._leases.ask(budget.scope, part, self._now())
                except _AWAY as error:
                    self._is_away(error)
                    return
                self._away_until, now = 0.0, self._now()
                self._confirmed_at = now
                for ask, (granted, told) in zip(part, lent, strict=True):
                    budget.answered(ask, granted, told, now)

    def _is_away(self, error: BaseException) -> None:
        if self._away_until == 0.0:
            log.warning("Redis is away: this process sends no more than its share of the limits: %r", error)
        self._away_until = self._now() + AWAY_S

    async def _tell(self, message: dict[str, Any]) -> None:
        """Tell the others at once, and those who begin later where the whole address is blocked."""
        with suppress(*_AWAY):
            if message.get("block_s") and not message.get("key"):
                lasts_ms = max(int(message["block_s"] * 1000), 1)
                await self._redis.set(f"{PREFIX}:{message['scope']}:block", 1, px=lasts_ms)
            await self._redis.publish(CHANNEL, orjson.dumps(message))

    async def _listen(self) -> None:
        while True:
            with suppress(*_AWAY):
                async with self._redis.pubsub() as channel:
                    await channel.subscribe(CHANNEL)
                    async for message in channel.listen():
                        if message["type"] == "message":
                            self._hear(orjson.loads(message["data"]))
                        else:  # Subscribed, so nothing told from now on is missed.
                            for budget in self._budgets:
                                await self._read_block(budget)
            await asyncio.sleep(TICK_S)

    async def _read_block(self, budget: SharedBudget) -> None:
        """Learn of a block that was told before this process could hear it."""
        with suppress(*_AWAY):
            lasts_ms = await self._redis.pttl(f"{PREFIX}:{budget.scope}:block")
            if lasts_ms > 0:
                budget.hear_block(lasts_ms / 1000, self._now())

    def _hear(self, told: dict[str, Any]) -> None:
        """Pass on what was told, except that what this process said itself changes nothing."""
        now = self._now()
        for budget in self._budgets:
            if budget.scope != told["scope"]:
                continue
            if "open_s" in told:
                budget.hear_breaker(told["open_s"], now)
            else:
                budget.hear_block(told["block_s"], now, told["key"])

    def _spawn(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
