"""One origin of one exchange environment: its connections, budget, clock and limits, spoken to by any `Wire`.

One instance serves every account: keys come with each call and are kept nowhere.
"""

from __future__ import annotations

import asyncio
import ssl
import time
from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from types import MappingProxyType
from typing import Any, TypeVar
from weakref import WeakValueDictionary

from orjson import loads

from copydesk.kernel import CopydeskError
from copydesk.trading import Credentials, OrderRequest
from copydesk.venues.client.budget import Coming, RateBudget
from copydesk.venues.client.calls import BudgetedCall, PlainCall
from copydesk.venues.client.clock import VenueClock
from copydesk.venues.client.http_pool import HttpPool, PoolLimits
from copydesk.venues.client.http_wire import Call
from copydesk.venues.client.wire import Params, Wire, check_credentials, reading
from copydesk.venues.signer import ANY_ORDER, OrderPolicy
from copydesk.venues.traits import OriginRules

T = TypeVar("T")

NOTHING: Mapping[str, str] = MappingProxyType({})


class VenueClient:
    """Speak to one origin. Lives on one event loop; close with `aclose`.

    `rules` must name an endpoint "time". `budget` is shared by whoever sends from the same address. `policy` is what
    each order passes before it is signed.
    """

    def __init__(
        self,
        origin: str,
        wire: Wire,
        rules: OriginRules,
        *,
        limits: PoolLimits | None = None,
        ssl_context: ssl.SSLContext | None = None,
        budget: RateBudget | None = None,
        policy: OrderPolicy = ANY_ORDER,
        now: Callable[[], float] = time.time,
    ) -> None:
        self.wire = wire
        self.policy = policy
        self.now = now
        self.endpoints = rules.endpoints
        self.budget = budget or RateBudget(rules.rate_limits)
        self.clock = VenueClock()
        self._pool = HttpPool(origin, rules.endpoints.values(), limits=limits, ssl_context=ssl_context, now=now)
        self._syncing: asyncio.Task[None] | None = None
        self._postponed: list[BudgetedCall] = []
        self._restarts: set[asyncio.Task[None]] = set()
        self._sound: WeakValueDictionary[int, Credentials] = WeakValueDictionary()

    def go_by(self, now: Callable[[], float]) -> None:
        """Tell the time by another clock, in epoch seconds."""
        self.now = now
        self._pool.go_by(now)

    def require_sound(self, credentials: Credentials) -> None:
        """Raise `VenueRefused` for a key that cannot stand in a header line; each is looked at once."""
        if self._sound.get(credentials.account_id) is not credentials:
            check_credentials(credentials, self.wire)
            self._sound[credentials.account_id] = credentials

    def require_signable(self, credentials: Credentials, order: OrderRequest) -> None:
        """Raise `VenueRefused` for an order that may not be signed, and count one that may; for what is no fan-out."""
        now = self.now()
        if refusal := self.policy.refusal(credentials, order, now):
            raise refusal
        self.policy.signed(credentials, order, now)

    async def warm(self, connections: int) -> int:
        """Open connections and learn the exchange's clock; return how many are open.

        Call it again every minute: it costs one small request, and dials only what the exchange has closed.
        """
        opened = await self._pool.warm(connections)
        await self.sync_clock()
        return opened

    async def sync_clock(self, *, doubted: bool = False) -> float:
        """Learn by how many seconds the exchange's clock is ahead of ours, and return it."""
        call = PlainCall(self, self.endpoints["time"], None, NOTHING)
        body = await self._body(call)
        assert call.sent_at is not None and call.acked_at is not None, "an answered call was sent"
        with reading(self.wire.name):
            ahead_s = self.wire.server_time_s(loads(body)) - (call.sent_at + call.acked_at) / 2
        self.clock.learn(ahead_s, self.now(), doubted=doubted)
        return ahead_s

    def doubt_clock(self, sent_at: float) -> None:
        """Ask for the exchange's time because a request was refused for its own; once for all sent before the answer.

        If nobody answers, the next refusal asks again.
        """
        if self._syncing is None and self.clock.must_ask(sent_at):
            self._syncing = asyncio.get_running_loop().create_task(self._try_sync())

    def timestamp_ms(self) -> int:
        """Return the exchange's time as far as we know it."""
        return self.clock.timestamp_ms(self.now())

    async def get_ready(self, coming: Iterable[Coming]) -> None:
        """Lease ahead what requests about to be sent will take of budgets that other processes share."""
        await self.budget.ahead(coming, self.now(), at_once=self._pool.limits.connections_max)

    def start(self, call: Call) -> None:
        """Send a call as soon as a connection is free."""
        self._pool.start(call)

    def postpone(self, call: BudgetedCall, wait_s: float) -> None:
        """Lease what a call lacks, after a wait if told and together with others of this turn, and start it again."""
        if not self._postponed:
            restart = asyncio.get_running_loop().create_task(self._restart(wait_s))
            self._restarts.add(restart)
            restart.add_done_callback(self._restarts.discard)
        self._postponed.append(call)

    async def ask(
        self,
        endpoint: str,
        credentials: Credentials | None,
        params: Params,
        read: Callable[[Any], T],
        *,
        symbol: str = "",
    ) -> T:
        """Send one request and read its decoded answer.

        Raises `VenueRefused`, `Unavailable`, and `OutcomeUnknown` where the endpoint changes something. `symbol`
        matters where the exchange counts requests by instrument.
        """
        body = await self.fetch(endpoint, credentials, params, symbol=symbol)
        with reading(self.wire.name, mutates=self.endpoints[endpoint].mutates):
            return read(loads(body))

    async def fetch(self, endpoint: str, credentials: Credentials | None, params: Params, *, symbol: str = "") -> bytes:
        """Send one request and return its answer as it came: for those too large to be decoded on the event loop."""
        allowed = self.endpoints[endpoint]
        allowed.refuse_other(params)
        if credentials is not None:
            self.require_sound(credentials)
        return await self._body(PlainCall(self, allowed, credentials, params, symbol))

    async def aclose(self) -> None:
        await self._pool.aclose()
        await asyncio.gather(*self._restarts)
        if self._syncing is not None:
            await self._syncing

    async def _body(self, call: PlainCall) -> bytes:
        await self.get_ready((call,))
        self._pool.start(call)
        return await call.future

    async def _restart(self, wait_s: float) -> None:
        """Start postponed calls again; whatever happens meanwhile, each of them comes to its end."""
        await asyncio.sleep(wait_s)
        calls, self._postponed = self._postponed, []
        try:
            await self.get_ready(calls)
        finally:
            for call in calls:
                self._pool.start(call)

    async def _try_sync(self) -> None:
        try:
            with suppress(CopydeskError):
                await self.sync_clock(doubted=True)
        finally:
            self._syncing = None
