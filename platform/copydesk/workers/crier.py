"""Tells people what concerns them: a thread of the worker with a loop of its own.

News on Redis make it look at a brand at once; every two seconds it looks at brands anyway, so that a lost word costs
moments. What is stored it sends: mail through the outbox of mail, everything else itself. It opens no exchange key, and
speaks to no exchange.
"""

from __future__ import annotations

import asyncio
import logging
import threading
from collections import defaultdict
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from datetime import timedelta
from functools import partial
from itertools import cycle, islice
from typing import TypeVar

import orjson

from copydesk.bootstrap import Runtime
from copydesk.kernel import Clock, CopydeskError, end
from copydesk.marks import Marks
from copydesk.notices import Wordsmith
from copydesk.notices.carriers import Carriers
from copydesk.notices.channels.line import Line
from copydesk.notices.deliver import QUICK, Sender
from copydesk.notices.introduce import Introduction
from copydesk.notices.service import Round, Rounds
from copydesk.notices.settings import PRIVATE_TARGETS, TELEGRAM_URL
from copydesk.notifications.far_bell import ring_far
from copydesk.tenancy import installation_value
from copydesk.workers.attend import messages
from copydesk.workers.outage import DATABASE_AWAY, first_line

log = logging.getLogger(__name__)

T = TypeVar("T")

TICK_S = 2.0
# Copies of one order are booked in several pieces within moments.
GATHERED_S = 0.05
# One slow receiver keeps neither other channels waiting nor, up to so many sweeps, others of its own.
SWEEPS_MAX = 4
# So many brands are looked at in one tick: with more of them a lost word costs so many ticks more.
BRANDS_A_TICK = 50
_FORGET_EVERY = timedelta(hours=1)
_WARN_EVERY = timedelta(seconds=30)
_PATTERN = "copydesk:*:desk"
_HEARD = frozenset({"copies", "signal", "risk", "margin", "subscription"})


class Crier:
    """Collect, decide and send for every brand, from `start` until `close`."""

    def __init__(self, runtime: Runtime, clock: Clock, wordsmith: Callable[[], Wordsmith] | None = None) -> None:
        """`wordsmith` makes who has words, when the first are needed; without one nothing but mail and webhooks go."""
        self._runtime = runtime
        self._clock = clock
        self._wordsmith = wordsmith
        self._smith: Wordsmith | None = None
        self._smith_lock = threading.Lock()
        seal = runtime.identity_vault
        self._rounds = Rounds(runtime.db, seal, runtime.tenant, clock=clock)
        self._marks = Marks(runtime.redis)
        self._forget_at = self._warn_at = clock.now()
        self._thread = threading.Thread(target=self._run, name="crier", daemon=True)
        self._loop: asyncio.AbstractEventLoop | None = None
        self._stopped: asyncio.Event | None = None
        self.listening = threading.Event()

    def start(self) -> None:
        """Begin."""
        self._thread.start()

    def close(self) -> None:
        """End, and wait for what is under way; what was taken and not sent another takes after its lease."""
        if self._loop is not None and self._stopped is not None:
            with suppress(RuntimeError):  # The loop has ended by itself.
                self._loop.call_soon_threadsafe(self._stopped.set)
        if self._thread.is_alive():
            self._thread.join()

    def _run(self) -> None:
        try:
            asyncio.run(self._work())
        except Exception:
            log.exception("nobody is told anything any more")

    async def _work(self) -> None:
        self._loop, self._stopped = asyncio.get_running_loop(), asyncio.Event()
        defaults = self._runtime.directory.defaults
        line = Line(private=installation_value(defaults, PRIVATE_TARGETS, bool))
        telegram_url = installation_value(defaults, TELEGRAM_URL, str)
        # Telegram lies where the installation says, which may be inside.
        bots = Line(private=True)
        carriers = Carriers(line, self._clock, self._runtime.secrets, telegram_url, bots=bots)
        seal, words = self._runtime.identity_vault, self._words if self._wordsmith is not None else None
        sender = Sender(self._runtime.db, seal, carriers, words, self._runtime.tenant, clock=self._clock)
        bots_met = Introduction(self._runtime.db, seal, carriers, self._runtime.tenant, clock=self._clock)
        desk = _Desk(self, sender, bots_met)
        hearing = asyncio.create_task(self._hear(desk))
        try:
            await desk.serve(self._stopped)
        finally:
            await end(hearing)
            await desk.aclose()
            await line.aclose()
            await bots.aclose()

    def _words(self) -> Wordsmith:
        with self._smith_lock:
            if self._smith is None:
                assert self._wordsmith is not None, "who has no words is not asked"
                self._smith = self._wordsmith()
            return self._smith

    async def _hear(self, desk: _Desk) -> None:
        """Look at brands of which something was told, until canceled; its tick finds what is told without Redis."""
        redis_url = self._runtime.require("REDIS_URL")
        async for message in messages(redis_url, lambda subscription: subscription.psubscribe(_PATTERN)):
            self.listening.set()
            if message["type"] == "pmessage" and (tenant_id := heard(message)) is not None:
                desk.ask(tenant_id)

    def go(self, tenant_id: int) -> Round | None:
        """Do one round of a brand; None where its file cannot be read now. Raises the driver's errors."""
        try:
            done = self._rounds.go(tenant_id)
        except CopydeskError as error:
            log.warning("notices of brand %s wait: %s", tenant_id, error)
            return None
        if done.letters:
            ring_far(self._runtime.hasty_redis)
        return done

    def tell_pages(self, tenant_id: int, done: Round) -> None:
        """Tell the open pages of those whom a round concerns."""
        for user_id in done.user_ids:
            self._runtime.announce(tenant_id, {"type": "notice", "user_id": user_id})

    def now_and_then(self) -> None:
        """Warn who comes near a limit, twice a minute; delete what brands keep no longer, once an hour."""
        if self._clock.now() >= self._warn_at:
            self._warn_at = self._clock.now() + _WARN_EVERY
            for tenant_id in self.brands:
                with suppress(CopydeskError):
                    self._rounds.warn(tenant_id, self._marks.worths)
        if self._clock.now() >= self._forget_at:
            self._forget_at = self._clock.now() + _FORGET_EVERY
            for tenant_id in self.brands:
                with suppress(CopydeskError):
                    self._rounds.forget(tenant_id)

    @property
    def brands(self) -> Sequence[int]:
        """Return every brand that is served now."""
        return tuple(self._runtime.tenant_ids.values())


class _Desk:
    """Which brands are looked at next, and what is being sent: by each channel of a brand a few sweeps at a time."""

    def __init__(self, crier: Crier, sender: Sender, introduction: Introduction) -> None:
        self._crier = crier
        self._sender = sender
        self._introduction = introduction
        self._asked: set[int] = set()
        self._rung = asyncio.Event()
        self._sending: defaultdict[tuple[int, str], set[asyncio.Task[None]]] = defaultdict(set)
        self._turn = 0

    def ask(self, tenant_id: int) -> None:
        """Have a brand looked at now."""
        self._asked.add(tenant_id)
        self._rung.set()

    async def serve(self, stopped: asyncio.Event) -> None:
        """Look at brands as they are asked for, and at all of them in turn."""
        loop = asyncio.get_running_loop()
        ticks_at = loop.time()
        stopping = asyncio.ensure_future(stopped.wait())
        while not stopped.is_set():
            rung = asyncio.ensure_future(self._rung.wait())
            pause_s = max(ticks_at - loop.time(), 0.0)
            await asyncio.wait((rung, stopping), timeout=pause_s, return_when=asyncio.FIRST_COMPLETED)
            rung.cancel()
            if stopped.is_set():
                break
            if loop.time() >= ticks_at:
                ticks_at = loop.time() + TICK_S
                self._asked.update(self._in_turn())
                await self._now_and_then()
            else:
                await asyncio.sleep(GATHERED_S)
            await self._look()
        await end(stopping)

    async def _look(self) -> None:
        self._rung.clear()
        asked, self._asked = sorted(self._asked), set[int]()
        for tenant_id in asked:
            done = await self._guarded(tenant_id, asyncio.to_thread(self._crier.go, tenant_id))
            if done is None:
                continue
            for channel in QUICK if done.due else ():
                self._begin(tenant_id, channel, SWEEPS_MAX, partial(self._sender.sweep, tenant_id, (channel,)))
            if done.awaited:
                self._begin(tenant_id, "introduction", 1, partial(self._introduction.meet, tenant_id))
            await self._guarded(tenant_id, asyncio.to_thread(self._crier.tell_pages, tenant_id, done))

    def _begin(self, tenant_id: int, what: str, most: int, work: Callable[[], Awaitable[int]]) -> None:
        """Begin something of a brand beside all else, unless as much of it is under way as may be."""
        running = self._sending[tenant_id, what]
        if len(running) < most:
            task = asyncio.create_task(self._finish(tenant_id, work()))
            running.add(task)
            task.add_done_callback(running.discard)

    async def _finish(self, tenant_id: int, work: Awaitable[int]) -> None:
        await self._guarded(tenant_id, work)

    async def _guarded(self, tenant_id: int, work: Awaitable[T]) -> T | None:
        """Await something of one brand; what goes wrong with it keeps no other waiting."""
        try:
            return await work
        except DATABASE_AWAY as error:
            log.warning("notices of brand %s wait: %s", tenant_id, first_line(error))
        except Exception:
            log.exception("notices of brand %s failed", tenant_id)
        return None

    async def _now_and_then(self) -> None:
        try:
            await asyncio.to_thread(self._crier.now_and_then)
        except DATABASE_AWAY as error:
            log.warning("warnings of limits wait: %s", first_line(error))
        except Exception:
            log.exception("nobody was warned of a limit")

    def _in_turn(self) -> Sequence[int]:
        brands = self._crier.brands
        if len(brands) <= BRANDS_A_TICK:
            return brands
        self._turn %= len(brands)
        turn = tuple(islice(cycle(brands), self._turn, self._turn + BRANDS_A_TICK))
        self._turn += BRANDS_A_TICK
        return turn

    async def aclose(self) -> None:
        """End what is being sent; it is tried again after its lease."""
        await end(*(task for running in self._sending.values() for task in running))


def heard(message: dict[str, object]) -> int | None:
    """Return the brand of which a message tells something that concerns people, None for anything else. Pure."""
    channel, told = message.get("channel"), message.get("data")
    if not isinstance(channel, bytes) or not isinstance(told, bytes):
        return None
    try:
        event = orjson.loads(told)
        return int(channel.split(b":")[1]) if event.get("type") in _HEARD else None
    except (ValueError, IndexError, AttributeError):
        return None
