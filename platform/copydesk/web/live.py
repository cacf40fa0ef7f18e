"""Live events: what replication announces on Redis reaches the browsers of that brand as rendered rows.

Reads each changed signal once, renders it once per locale in use, and sends it to everyone who listens. What risk does
is nobody's business but those who may see it: they have a stream of their own (`live_risk`). So has everybody who is
signed in, for what concerns them (`live_me`).
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator
from contextlib import suppress

import orjson
from aiohttp import web
from redis.asyncio import Redis
from redis.exceptions import RedisError
from sqlalchemy.exc import SQLAlchemyError

from copydesk.identity.access import Permission
from copydesk.kernel import Clock, SystemClock, end
from copydesk.tenancy import FEATURE_DESK, Tenant, TenantStatus, setting_value
from copydesk.web.broadcast import Coalescer, Listener, Rooms, sse_frame
from copydesk.web.live_answers import declares, let_read, own_origin, stream_answer, unavailable, wanted_locale
from copydesk.web.live_me import LiveMe, asked_place
from copydesk.web.live_news import PERSONAL
from copydesk.web.live_pages import Page
from copydesk.web.live_prices import SYMBOLS_MAX, wanted_prices
from copydesk.web.live_risk import RiskRooms
from copydesk.web.live_rows import DeskRows
from copydesk.web.port import Runtime
from copydesk.web.proxies import Proxies

log = logging.getLogger(__name__)

HEARTBEAT_S = 15.0
PAUSE_S = 0.25
LISTENERS_MAX = 10_000
LISTENERS_PER_CLIENT_MAX = 50
REPLAYED = 10
_RECONNECT_S = 1.0
_PATTERN = "copydesk:*:desk"
# What risk did, what a leader did to a position without trading, and which subscription got out of sync or back in.
_OF_RISK = frozenset({"risk", "margin", "leverage", "subscription"})
_FIGURES = "figures"
_BEAT, _RETRY = b": beat\n\n", b"retry: 2000\n\n"
_TOO_MANY = (
    f"Expected at most {LISTENERS_PER_CLIENT_MAX} open pages of this site from one address: close some, then reload.\n"
)


class Live:
    """One process of live events for every brand."""

    def __init__(self, runtime: Runtime, proxies: Proxies, clock: Clock) -> None:
        self._runtime = runtime
        self._clock = clock
        self._proxies = proxies
        self._desk_rows = DeskRows(runtime)
        self._coalescer: Coalescer[tuple[str, int]] = Coalescer(self._publish, pause_s=PAUSE_S)
        self.rooms = Rooms()
        self.risk = RiskRooms(runtime, PAUSE_S)
        self.me = LiveMe(runtime, clock)
        self.subscribed = asyncio.Event()

    @declares(Permission.PUBLIC)
    async def desk(self, request: web.Request) -> web.StreamResponse:
        """Stream a brand's desk until the browser leaves or falls behind."""
        tenant = self._tenant(request)
        if tenant is None or not setting_value(tenant, FEATURE_DESK, bool):
            return web.Response(status=404, text="Not Found\n")
        if tenant.status is TenantStatus.SUSPENDED:
            return unavailable(3600)
        locale = wanted_locale(tenant, request.query.get("locale", ""))
        return await self._stream(request, tenant, Listener(tenant.slug, locale, self._address(request)), self.rooms)

    @declares(Permission.RISK_OWN)
    async def risk_desk(self, request: web.Request) -> web.StreamResponse:
        """Stream that something was done, to who holds a token of the brand's risk desk, as long as it lasts."""
        tenant = self._tenant(request)
        if tenant is None:
            return web.Response(status=404, text="Not Found\n")
        now = self._clock.now()
        grant = await asyncio.to_thread(self.risk.grant, tenant.slug, request.query.get("token", ""), now)
        if grant is None:
            return web.Response(status=403, text="Forbidden\n")
        listener = Listener(tenant.slug, self.risk.room(grant), self._address(request))
        # Whose token has ended asks again with it, and is refused.
        lasts_s = (grant.until - now).total_seconds()
        return await self._stream(request, tenant, listener, self.risk.rooms, lasts_s=lasts_s)

    @declares(Permission.ACCOUNT_OWN)
    async def own(self, request: web.Request) -> web.StreamResponse:
        """Stream what concerns one person to a page of theirs, until it leaves, falls behind or their session ends."""
        tenant = self._tenant(request)
        if tenant is None:
            return web.Response(status=404, text="Not Found\n")
        if tenant.status is TenantStatus.SUSPENDED:
            return unavailable(3600)
        try:
            grant = await self.me.grant(tenant, request.query.get("token", ""))
        except SQLAlchemyError:
            return unavailable(5)
        if grant is None:
            return web.Response(status=403, text="Forbidden\n")
        wanted = wanted_prices(tenant, request.query.get("symbols", ""))
        if wanted is None:
            return web.Response(status=400, text=f"Expected at most {SYMBOLS_MAX} instruments.\n")
        address = self._address(request)
        refusal = self._refusal(request, tenant, address) or self.me.refusal(tenant, grant)
        if refusal is not None:
            return refusal
        response = stream_answer()
        with suppress(ConnectionError):  # The browser is gone; there is nobody left to tell.
            await response.prepare(request)
            await response.write(_RETRY)
            last = request.headers.get("Last-Event-ID") or request.query.get("last", "")
            page = Page(tenant.slug, grant.user_id, grant.session_id, address, asked_place(grant, last))
            self.me.take_over(request, page, wanted)
            await asyncio.get_running_loop().create_future()  # Canceled, for the server has lost this connection.
        return response

    async def let_read(self, request: web.Request, response: web.StreamResponse) -> None:
        """Have the brand's own pages, which are of another port, read any answer."""
        let_read(response, self._tenant(request), request.headers.get("Origin"))

    def _tenant(self, request: web.Request) -> Tenant | None:
        self._runtime.directory.refresh_if_due()
        return self._runtime.directory.by_host(request.host)

    def _address(self, request: web.Request) -> str:
        return self._proxies.client(request.remote or "", request.headers.getall("X-Forwarded-For", ()))

    def _refusal(self, request: web.Request, tenant: Tenant, address: str) -> web.Response | None:
        origin = request.headers.get("Origin")
        if origin is not None and not own_origin(tenant, origin):
            return web.Response(status=403, text="Forbidden\n")
        if len(self.rooms) + len(self.risk.rooms) + len(self.me) >= LISTENERS_MAX:
            return unavailable(5)
        held = sum(rooms.count(tenant.slug, address) for rooms in (self.rooms, self.risk.rooms))
        if held + self.me.of_client(tenant.slug, address) >= LISTENERS_PER_CLIENT_MAX:
            return web.Response(status=429, text=_TOO_MANY, headers={"Retry-After": "5"})
        return None

    async def _stream(
        self, request: web.Request, tenant: Tenant, listener: Listener, rooms: Rooms, *, lasts_s: float | None = None
    ) -> web.StreamResponse:
        refusal = self._refusal(request, tenant, listener.address)
        if refusal is not None:
            return refusal
        rooms.join(listener)
        response = stream_answer()
        try:
            await response.prepare(request)
            await response.write(_RETRY)
            if "Last-Event-ID" in request.headers and rooms is self.rooms:
                await self._catch_up(tenant, listener)
            await self._feed(request, response, listener, lasts_s)
        except ConnectionError:
            pass  # The browser is gone; there is nobody left to tell.
        finally:
            rooms.leave(listener)
        return response

    async def _feed(
        self, request: web.Request, response: web.StreamResponse, listener: Listener, lasts_s: float | None
    ) -> None:
        writer = asyncio.ensure_future(self._write_frames(response, listener))
        dropped = asyncio.ensure_future(listener.dropped.wait())
        try:
            await asyncio.wait((writer, dropped), timeout=lasts_s, return_when=asyncio.FIRST_COMPLETED)
            if dropped.done() and request.transport is not None:
                request.transport.abort()
        finally:
            await end(writer, dropped)

    async def _write_frames(self, response: web.StreamResponse, listener: Listener) -> None:
        while True:
            try:
                frame = await asyncio.wait_for(listener.queue.get(), HEARTBEAT_S)
            except TimeoutError:
                frame = _BEAT
            await response.write(frame)

    async def _catch_up(self, tenant: Tenant, listener: Listener) -> None:
        """Send the newest rows again after a break; a row that the page has already is replaced by itself."""
        rows = await asyncio.to_thread(self._desk_rows.recent, tenant, listener.locale, REPLAYED)
        for signal_id, html in reversed(rows):
            listener.offer(sse_frame("signal", signal_id, html))

    async def follow(self) -> None:
        """Listen to Redis for good; after a break connect again, the pages' reload fills the gap."""
        while True:
            client = Redis.from_url(self._runtime.redis_url)
            try:
                await self._follow_connection(client)
            except (RedisError, OSError) as error:
                log.warning("live events lost Redis, trying again: %s", error)
            finally:
                self.subscribed.clear()
                await client.aclose()
            await asyncio.sleep(_RECONNECT_S)

    async def _follow_connection(self, client: Redis) -> None:
        async with client.pubsub() as pubsub:
            await pubsub.psubscribe(_PATTERN)
            async for message in pubsub.listen():
                if message["type"] == "psubscribe":
                    self.subscribed.set()
                    self.me.heard()
                elif message["type"] == "pmessage":
                    self._heard(message["channel"], message["data"])

    def _heard(self, channel: bytes, data: bytes) -> None:
        try:
            tenant_id, told = int(channel.split(b":")[1]), orjson.loads(data)
            slug = next((slug for slug, known in self._runtime.tenant_ids.items() if known == tenant_id), None)
            self.me.heard(slug or "")
            if told.get("type") == _FIGURES or told.get("type") in PERSONAL:
                return  # Pages read figures when they are asked for.
            risk = told.get("type") in _OF_RISK
            number = told.get("subscription_id") if risk else int(told["signal_id"])
        except (ValueError, KeyError, IndexError, TypeError, AttributeError):
            log.warning("live events skipped a message that names no signal on %r", channel)
            return
        if slug is not None and risk:
            self.risk.heard(slug, number)
        elif slug is not None and self.rooms.locales(slug):
            self._coalescer.ask((slug, number))

    async def _publish(self, key: tuple[str, int]) -> None:
        slug, signal_id = key
        tenant = self._runtime.directory.by_slug(slug)
        locales = sorted(self.rooms.locales(slug))
        if tenant is None or not locales:
            return
        receipt = await asyncio.to_thread(self._desk_rows.receipt, tenant, signal_id)
        if receipt is None:
            return
        rendering = [asyncio.to_thread(self._desk_rows.row, tenant, locale, receipt) for locale in locales]
        # One locale's bad words are never another's: a failure is that locale's result.
        for locale, row in zip(locales, await asyncio.gather(*rendering, return_exceptions=True), strict=True):
            if isinstance(row, BaseException):
                log.error("live row %s of %s in %s failed: %s", signal_id, slug, locale, " ".join(repr(row).split()))
            else:
                self.rooms.send(slug, locale, sse_frame("signal", signal_id, row))

    async def close(self) -> None:
        await self._coalescer.close()
        await self.risk.close()
        await self.me.close()
        self._desk_rows.close()


def create_live_app(runtime: Runtime, proxies: Proxies | None = None, *, clock: Clock | None = None) -> web.Application:
    """Build the live server; `app[LIVE]` is its heart, for tests. Without `proxies`, those on loopback are believed."""
    live = Live(runtime, proxies or Proxies(), clock or SystemClock())
    app = web.Application()
    app[LIVE] = live
    app.router.add_get("/live/desk", live.desk)
    app.router.add_get("/live/risk", live.risk_desk)
    app.router.add_get("/live/me", live.own)
    app.router.add_get("/health", _healthy)
    app.on_response_prepare.append(live.let_read)
    app.cleanup_ctx.append(_follow_redis)
    return app


LIVE: web.AppKey[Live] = web.AppKey("live", Live)


@declares(Permission.PUBLIC)
async def _healthy(_request: web.Request) -> web.Response:
    return web.json_response({"ok": True})


async def _follow_redis(app: web.Application) -> AsyncIterator[None]:
    live = app[LIVE]
    tasks = [asyncio.create_task(work) for work in (live.follow(), live.me.keep())]
    yield
    await end(*tasks)
    await live.close()
