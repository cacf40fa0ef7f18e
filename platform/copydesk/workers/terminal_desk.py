"""The terminal's desk, in the listener: sends what traders order by hand, and reads accounts while they look.

It is told by Redis which brand has something new; every two seconds one number in PostgreSQL tells whether any message
was missed. A brand with something under way is looked at four times a second. Each order, act and reading is a task of
its own, so that a slow exchange keeps nobody else waiting; nothing is begun twice.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Coroutine
from datetime import datetime, timedelta
from functools import partial
from typing import Any, NamedTuple

from copydesk.bootstrap import Runtime
from copydesk.bootstrap.terminal_floor import Floor, TerminalFloor
from copydesk.kernel import Clock, CopydeskError, SystemClock, end
from copydesk.replication import Whereabouts
from copydesk.terminal import CHANNEL, Act, Ended, HandOrder, OrderState, read_news
from copydesk.terminal.model import ENDED
from copydesk.terminal.outcome import given_up
from copydesk.terminal.sending import (
    CLAIM_LASTS,
    SENT_WITHIN,
    AccountPlace,
    Wanted,
    accounts,
    open_acts,
    open_orders,
    settle,
    version,
    wanted,
)
from copydesk.trading import Environment
from copydesk.workers.attend import attend, hear
from copydesk.workers.outage import DATABASE_AWAY, first_line
from copydesk.workers.terminal_acts import do
from copydesk.workers.terminal_orders import Desk, follow_entry, is_due, look, send
from copydesk.workers.terminal_reading import Reader

log = logging.getLogger(__name__)

LOOK_EVERY_S = 2.0
LOOK_SOON_S = 0.25
READ_EVERY = timedelta(seconds=5)
BOOK_EVERY_S = 1.0
# What a stream tells of is planned and stored first; the question about our own order comes after it.
HEARD_AFTER_S = 0.1
_AFTER_TROUBLE_S = 2.0

_Key = tuple[object, ...]
_Work = Callable[[], Coroutine[Any, Any, None]]


class _Brand(NamedTuple):
    """What is under way in one brand."""

    orders: list[HandOrder]
    acts: list[Act]
    wanted: list[Wanted]
    places: dict[int, AccountPlace]

    @property
    def lively(self) -> bool:
        """Tell whether anything wants more than a look every two seconds: orders that only rest do not."""
        return bool(self.acts or self.wanted or any(one.state is not OrderState.OPEN for one in self.orders))


class TerminalDesk:
    """Serve every brand's terminal. Run it on the role's own loop."""

    def __init__(self, runtime: Runtime, *, floor: Floor | None = None, clock: Clock | None = None) -> None:
        self._runtime = runtime
        self._clock = clock or SystemClock()
        self._floor = floor or TerminalFloor(runtime)
        self._desk = Desk(runtime, self._floor, self._clock, self._changed)
        self._reader = Reader(self._desk)
        self._nudged = asyncio.Event()
        self._told: set[int] = set()
        self._lively: set[int] = set()
        self._slow: set[int] = set()
        self._heard: set[tuple[int, int]] = set()
        self._watched: set[tuple[int, int]] = set()
        self._fresh: set[tuple[int, int]] = set()
        self._version: int | None = None
        self._version_at = float("-inf")
        self._tasks: dict[_Key, asyncio.Task[None]] = {}
        self._resting: set[_Key] = set()

    async def run(self) -> None:
        """Serve until canceled."""
        hearing = asyncio.create_task(hear(self._runtime.require("REDIS_URL"), CHANNEL, self._heed))
        try:
            await attend(self.look, self._nudged, every_s=self._patience_s, waits="orders by hand wait")
        finally:
            await end(hearing)
            await self.aclose()

    async def aclose(self) -> None:
        """End what is under way, and close the exchanges."""
        await end(*self._tasks.values())
        await self._floor.aclose()

    async def settled(self, tenant_id: int) -> None:
        """Look at one brand, and wait until everything that this began is over."""
        self._told.add(tenant_id)
        await self.look()
        while self._tasks:
            await asyncio.wait(self._tasks.values())

    def heard(self, tenant_id: int, account_id: int) -> None:
        """Hear that a leader's stream told of orders or executions; costs nothing where nobody is at that terminal."""
        if (tenant_id, account_id) in self._watched:
            self._heard.add((tenant_id, account_id))
            self._told.add(tenant_id)
            asyncio.get_running_loop().call_later(HEARD_AFTER_S, self._nudged.set)

    async def look(self) -> None:
        """Begin what is due in the brands that have anything under way, or were told to have."""
        loop_now = asyncio.get_running_loop().time()
        told, self._told = self._told | self._lively, set()
        known = set(self._runtime.tenant_ids.values())
        if loop_now - self._version_at >= LOOK_EVERY_S:
            found = await asyncio.to_thread(self._read_version)
            told = known if found != self._version else told | self._slow
            self._version, self._version_at = found, loop_now
        for tenant_id in told & known:
            brand = await asyncio.to_thread(self._read, tenant_id)
            self._mind(tenant_id, brand)

    def _mind(self, tenant_id: int, brand: _Brand) -> None:
        """Begin what is due of one brand."""
        self._watched = {one for one in self._watched if one[0] != tenant_id}
        self._watched |= {(tenant_id, one.account_id) for one in brand.orders}
        self._watched |= {(tenant_id, one.account_id) for one in brand.wanted}
        heard = {one for one in self._heard if one[0] == tenant_id}
        self._heard -= heard
        self._fresh |= heard
        now = self._clock.now()
        entries = {order.id for order in brand.orders}
        for order in brand.orders:
            told = (tenant_id, order.account_id) in heard
            work = self._work(tenant_id, order, now, entries, heard=told)
            if work is not None:
                self._begin(("order", tenant_id, order.id), work)
        for act in brand.acts:
            self._begin(("act", tenant_id, act.id), partial(do, self._desk, tenant_id, act))
        for one in brand.wanted:
            self._serve(tenant_id, one, brand.places[one.account_id], now)
        (self._lively.add if brand.lively else self._lively.discard)(tenant_id)
        (self._slow.add if brand.orders else self._slow.discard)(tenant_id)

    def _work(self, tenant_id: int, order: HandOrder, now: datetime, entries: set[int], *, heard: bool) -> _Work | None:
        """Say what is to be done about an order now; nothing for most, most of the time."""
        if order.state is not OrderState.PLANNED:
            due = is_due(order, now, heard=heard, claim_lasts=CLAIM_LASTS)
            return partial(look, self._desk, tenant_id, order) if due else None
        if order.waits:
            return None if order.group_id in entries else partial(follow_entry, self._desk, tenant_id, order)
        if now - order.created_at > SENT_WITHIN:
            return partial(self._give_up, tenant_id, order)
        return partial(send, self._desk, tenant_id, order)

    async def _give_up(self, tenant_id: int, order: HandOrder) -> None:
        """End an order that nobody could send in time: its price was one of then."""

        def store() -> None:
            with self._runtime.db.tenant(tenant_id) as session:
                ended = given_up(order, OrderState.REJECTED, Ended.WAITED_TOO_LONG)
                settle(session, ended, at=self._clock.now())

        await asyncio.to_thread(store)
        self._changed(tenant_id, order)

    def _serve(self, tenant_id: int, one: Wanted, place: AccountPlace, now: datetime) -> None:
        """Read an account that somebody looks at, and the instrument's book and price."""
        where = Whereabouts(place.venue, Environment(place.environment), place.egress)
        whose = (tenant_id, one.account_id)
        reading = ("account", *whose)
        due = one.read_at is None or now - one.read_at >= READ_EVERY or whose in self._fresh
        if due and reading not in self._tasks:
            self._fresh.discard(whose)
            self._begin(reading, partial(self._read_account, tenant_id, place, one.symbol))
        seen = (where, one.symbol)
        self._begin(("candle", *seen), partial(self._reader.candle, *seen), pause_s=LOOK_SOON_S)
        self._begin(("bars", *seen), partial(self._reader.bars, tenant_id, *seen), pause_s=LOOK_SOON_S)
        self._begin(("book", *seen), partial(self._reader.book, tenant_id, *seen), pause_s=BOOK_EVERY_S)

    def _begin(self, key: _Key, work: _Work, *, pause_s: float = 0.0) -> None:
        """Begin a task unless the same is under way; one that pauses is not begun again before."""
        if key not in self._tasks and key not in self._resting:
            self._tasks[key] = task = asyncio.create_task(work())
            task.add_done_callback(partial(self._over, key, pause_s))

    def _over(self, key: _Key, pause_s: float, task: asyncio.Task[None]) -> None:
        """Look again once something is over; what failed rests for a while."""
        del self._tasks[key]
        if task.cancelled():
            return
        error = task.exception()
        if isinstance(error, DATABASE_AWAY):
            log.warning("%s of the terminal waits: %s", key[0], first_line(error))
        elif error is not None:
            known = isinstance(error, CopydeskError)
            log.warning("%s of the terminal waits: %s", key[0], error, exc_info=None if known else error)
        pause_s = _AFTER_TROUBLE_S if error is not None else pause_s
        if pause_s:
            self._resting.add(key)
            asyncio.get_running_loop().call_later(pause_s, self._resting.discard, key)
        else:
            self._told.add(int(str(key[1])))
            self._nudged.set()

    async def _read_account(self, tenant_id: int, place: AccountPlace, symbol: str) -> None:
        """Read an account, and tell its owner's pages where anything of it has changed."""
        if await self._reader.account(tenant_id, place.id, symbol):
            self._tell(tenant_id, "position", place.user_id, place.id)

    def _changed(self, tenant_id: int, order: HandOrder) -> None:
        """Tell the owner's pages, and have the account read anew."""
        self._fresh.add((tenant_id, order.account_id))
        self._tell(tenant_id, "order", order.user_id, order.account_id)

    def _tell(self, tenant_id: int, kind: str, user_id: int, account_id: int) -> None:
        told = {"type": kind, "user_id": user_id, "account_id": account_id}
        # A Redis that hangs must not hold up the leaders, who are watched on the same loop.
        asyncio.get_running_loop().run_in_executor(None, self._runtime.announce, tenant_id, told)

    def _patience_s(self) -> float:
        return LOOK_SOON_S if self._lively else LOOK_EVERY_S

    def _heed(self, told: bytes | None) -> None:
        tenant_id = None if told is None else read_news(told)
        if tenant_id is None:
            self._version_at = float("-inf")
        else:
            self._told.add(tenant_id)
        self._nudged.set()

    def _read_version(self) -> int:
        with self._runtime.db.installation() as session:
            return version(session)

    def _read(self, tenant_id: int) -> _Brand:
        with self._runtime.db.tenant(tenant_id) as session:
            orders = [one for one in open_orders(session) if one.state not in ENDED]
            looked_at = wanted(session, at=self._clock.now())
            places = dict(accounts(session, [one.account_id for one in looked_at]))
            return _Brand(orders, open_acts(session, at=self._clock.now()), looked_at, places)
