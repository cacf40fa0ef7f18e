"""Live events of one person: what concerns them reaches the pages that they have open, and nobody else's.

Who may listen is told by a token that a page of theirs was rendered with, and asked of the database besides: a stream
ends with its session. Events carry ids; what they are about is read by the page, which is let in as ever.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Collection, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from functools import partial
from http import HTTPStatus
from typing import TypeVar

from aiohttp import web
from redis.asyncio import Redis
from sqlalchemy.exc import SQLAlchemyError

from copydesk.db import Database, TenantSession
from copydesk.identity.session_watch import standing
from copydesk.identity.settings import session_limits
from copydesk.kernel import Clock
from copydesk.studio.watching import watchers_of
from copydesk.tenancy import Tenant, TenantStatus
from copydesk.web.live_concerned import copied_by, following, owners
from copydesk.web.live_news import Found, News, Position, Reading, read_log
from copydesk.web.live_pages import BrandPages, Desk, Page
from copydesk.web.live_prices import Prices, Wanted
from copydesk.web.live_sessions import Sessions
from copydesk.web.me_grant import PURPOSE, MeGrant, me_grant
from copydesk.web.port import Runtime

STREAMS_PER_PERSON_MAX = 20
BEAT_S = 15.0
_SWEEP_EVERY = 2
_POOL = 4
# What a page shows was read a little before its token was written.
_SEEN_BEFORE = timedelta(seconds=1)
_KEY_AGE_S = 60.0
T = TypeVar("T")


class LiveMe:
    """Everybody's own pages, of every brand."""

    def __init__(self, runtime: Runtime, clock: Clock, *, beat_s: float = BEAT_S) -> None:
        self._runtime = runtime
        self._clock = clock
        self._beat_s = beat_s
        self._db = Database.connect(runtime.database_url, pool_size=_POOL)
        # Threads of its own: they are waited for before connections are given back.
        self._threads = ThreadPoolExecutor(_POOL, "live-me")
        self._redis = Redis.from_url(runtime.redis_url)
        self._brands: dict[str, BrandPages] = {}
        self._keys: dict[str, tuple[bytes, float]] = {}
        self.sessions = Sessions(self._standing)
        self.prices = Prices(runtime.redis_url)

    def __len__(self) -> int:
        return sum(map(len, self._brands.values()))

    def of_client(self, slug: str, address: str) -> int:
        """Return how many streams of this brand one client holds open."""
        return self._brands[slug].of_client(address) if slug in self._brands else 0

    def pages(self, slug: str) -> BrandPages:
        """Return a brand's open pages."""
        if slug not in self._brands:
            tenant_id = self._runtime.tenant_ids[slug]
            desk = Desk(partial(self._read, tenant_id), partial(self._concerned, tenant_id))
            self._brands[slug] = BrandPages(desk)
        return self._brands[slug]

    def heard(self, slug: str | None = None) -> None:
        """Look for news of a brand, or of all where something may have been missed."""
        for name in [*self._brands] if slug is None else {slug} & self._brands.keys():
            self._brands[name].wake()

    async def grant(self, tenant: Tenant, token: str) -> MeGrant | None:
        """Return what a token grants, None where that is nothing or its session is over. Asks the database."""
        now = self._clock.now()
        key = await self._key(tenant.slug) if token else None
        grant = None if key is None else me_grant(key, token, tenant=tenant.slug, now=now)
        if grant is None or not await self.sessions.stands(tenant.slug, grant.session_id):
            return None
        return grant

    def refusal(self, tenant: Tenant, grant: MeGrant) -> web.Response | None:
        """Refuse who has too many streams open."""
        if self.pages(tenant.slug).of_user(grant.user_id) < STREAMS_PER_PERSON_MAX:
            return None
        told = f"Expected at most {STREAMS_PER_PERSON_MAX} open pages of one person: close some, then reload.\n"
        return web.Response(status=HTTPStatus.TOO_MANY_REQUESTS, text=told, headers={"Retry-After": "5"})

    def take_over(self, request: web.Request, page: Page, wanted: Wanted) -> None:
        """Have a page hear its person's news, and prices, until its connection is lost; the server forgets it here.

        A request that the server still knew would keep a hundred times as much for an open page.
        """
        transport, served = request.transport, request.protocol
        if transport is None or transport.is_closing():
            return
        page.take(transport, self._left)
        self.pages(page.slug).join(page)
        self.prices.join(page, wanted)
        served.transport = None  # It would close what is not its own any more.
        served.connection_lost(None)

    def _left(self, page: Page) -> None:
        self.prices.leave(page)
        self.pages(page.slug).leave(page)

    async def keep(self) -> None:
        """Let pages know for good that the stream is alive, and end those of sessions that are over."""
        number = 0
        while True:
            await asyncio.sleep(self._beat_s)
            number += 1
            for slug, pages in list(self._brands.items()):
                pages.beat()
                if number % _SWEEP_EVERY == 0 and len(pages):
                    await self.sweep(slug)

    async def sweep(self, slug: str) -> None:
        """End the streams of a brand's sessions that are over; where that cannot be told, the next look tells."""
        tenant, pages = self._runtime.directory.by_slug(slug), list(self._brands[slug])
        if tenant is None or tenant.status is TenantStatus.SUSPENDED:
            stand: frozenset[int] = frozenset()
        else:
            try:
                stand = await self.sessions.of(slug, {page.session_id for page in pages})
            except SQLAlchemyError:
                return
        for page in pages:
            if page.session_id not in stand:
                page.close()

    async def close(self) -> None:
        """Stop what still runs, and give connections back."""
        for pages in self._brands.values():
            await pages.close()
        await self.prices.close()
        await self.sessions.close()
        await self._redis.aclose()
        await asyncio.to_thread(self._threads.shutdown)
        self._db.dispose()

    async def _key(self, slug: str) -> bytes | None:
        """Return the key that tokens are signed with, as it was a minute ago at most: keys may be turned."""
        now = self._clock.monotonic()
        held = self._keys.get(slug)
        if held is None or now - held[1] > _KEY_AGE_S:
            key = await asyncio.to_thread(self._runtime.link_key, PURPOSE, slug)
            if key is None:
                return None
            self._keys[slug] = held = (key, now)
        return held[0]

    async def _standing(self, slug: str, ids: Collection[int]) -> frozenset[int]:
        tenant = self._runtime.directory.by_slug(slug)
        if tenant is None:
            return frozenset()
        ask = partial(standing, ids=list(ids), idle=session_limits(tenant).idle, at=self._clock.now())
        return await self._asked(self._runtime.tenant_ids[slug], ask)

    async def _read(self, tenant_id: int, after: Position) -> Reading:
        return await read_log(self._redis, tenant_id, after)

    async def _concerned(self, tenant_id: int, news: Sequence[News], users: frozenset[int]) -> Found:
        return await self._asked(tenant_id, partial(_found, news=news, users=users))

    async def _asked(self, tenant_id: int, ask: Callable[[TenantSession], T]) -> T:
        return await asyncio.get_running_loop().run_in_executor(self._threads, self._in_brand, tenant_id, ask)

    def _in_brand(self, tenant_id: int, ask: Callable[[TenantSession], T]) -> T:
        with self._db.tenant(tenant_id) as session:
            return ask(session)


def asked_place(grant: MeGrant, last: str) -> Position:
    """Return from where on a page wants to hear: after the last event that it had, else since it was rendered."""
    return Position.read(last) or Position(grant.at_ms - int(_SEEN_BEFORE.total_seconds() * 1000))


def _found(session: TenantSession, *, news: Sequence[News], users: frozenset[int]) -> Found:
    """Ask whom of these users the news concern."""
    copied = {one.signal_id for one in news if one.kind == "copies" and one.signal_id is not None}
    strategies = {one.strategy_id for one in news if one.kind != "copies" and one.strategy_id is not None}
    traded = {one.strategy_id for one in news if one.kind == "signal" and one.strategy_id is not None}
    subscriptions = {one.subscription_id for one in news if one.subscription_id is not None}
    followers = dict(following(session, strategies, users))
    for strategy_id in traded:
        followers[strategy_id] = followers.get(strategy_id, frozenset()) | users.intersection(
            watchers_of(session, strategy_id)
        )
    return Found(copied_by(session, copied, users), followers, owners(session, subscriptions, users))
