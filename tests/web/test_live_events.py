"""Live events over real Redis and real sockets: a stored signal reaches the browsers of its brand, and no others."""

from __future__ import annotations

import asyncio
import shutil
from collections.abc import AsyncIterator, Callable, Coroutine
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any, TypeVar

import orjson
import pytest
from aiohttp import ClientResponse, ClientSession, ClientTimeout, web
from copydesk.tenancy import TenantDirectory
from copydesk.web import create_live_app
from copydesk.web.broadcast import QUEUE_MAX, Coalescer, Listener, Rooms, sse_frame
from copydesk.web.live import LISTENERS_PER_CLIENT_MAX, LIVE, Live
from redis.asyncio import Redis
from site_seed import HOSTS, ROOT, FakeRuntime, Seeded

T = TypeVar("T")


class Desk:
    """A running live server with what a test does to it."""

    def __init__(self, live: Live, port: int, browser: ClientSession, redis: Redis) -> None:
        self.live = live
        self.port = port
        self.browser = browser
        self.redis = redis
        self.streams: list[ClientResponse] = []

    async def watch(
        self, brand: str, *, locale: str = "en", headers: dict[str, str] | None = None, path: str = ""
    ) -> ClientResponse:
        """Open an event stream, the public desk's where no other is named, and wait until the server counts it."""
        address = f"http://127.0.0.1:{self.port}{path or f'/live/desk?locale={locale}'}"
        stream = await self.browser.get(address, headers={"Host": HOSTS.get(brand, brand)} | (headers or {}))
        self.streams.append(stream)
        if stream.status == 200:
            assert await stream.content.readline() == b"retry: 2000\n"
            await stream.content.readline()
        return stream

    async def announce(self, tenant_id: int, message: object) -> None:
        await self.live.subscribed.wait()
        await self.redis.publish(f"copydesk:{tenant_id}:desk", orjson.dumps(message))


async def event_of(stream: ClientResponse) -> dict[str, str]:
    """Read one server-sent event; a heartbeat is none."""
    found: dict[str, str] = {}
    async for raw in stream.content:
        line = raw.decode().rstrip("\n")
        if not line and found:
            return found
        name, separator, value = line.partition(": ")
        if separator and name:
            found[name] = f"{found[name]}\n{value}" if name in found else value
    raise AssertionError("the stream ended before an event came")


def played(scene: Callable[[], Coroutine[Any, Any, T]]) -> T:
    """Run a scene on a thread of its own: a browser test of the same session may hold this thread's event loop."""
    with ThreadPoolExecutor(1) as thread:
        return thread.submit(lambda: asyncio.run(scene())).result()


@asynccontextmanager
async def running(runtime: FakeRuntime) -> AsyncIterator[Desk]:
    app = create_live_app(runtime)
    runner = web.AppRunner(app, handler_cancellation=True, shutdown_timeout=1)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    redis = Redis.from_url(runtime.redis_url)
    try:
        async with ClientSession(timeout=ClientTimeout(total=20)) as browser:
            desk = Desk(app[LIVE], runner.addresses[0][1], browser, redis)
            try:
                yield desk
            finally:
                for stream in desk.streams:
                    stream.close()
    finally:
        await redis.aclose()
        await runner.cleanup()


@pytest.fixture
def live_runtime(database_url: str, redis_url: str, seeded: Seeded, runtime: FakeRuntime) -> FakeRuntime:
    directory: TenantDirectory = runtime.directory
    return FakeRuntime(database_url, directory, redis_url=redis_url, tenant_ids=seeded.tenant_ids)


def test_a_stored_signal_reaches_each_reader_in_their_language(live_runtime: FakeRuntime, seeded: Seeded) -> None:
    async def scene() -> tuple[dict[str, str], dict[str, str]]:
        async with running(live_runtime) as desk:
            english, german = await desk.watch("aurora"), await desk.watch("aurora", locale="de")
            signal_id = seeded.signal_ids["aurora"]
            await desk.announce(seeded.tenant_ids["aurora"], {"type": "signal", "signal_id": signal_id})
            return await event_of(english), await event_of(german)

    english, german = played(scene)
    signal_id = seeded.signal_ids["aurora"]
    for heard in (english, german):
        assert heard["event"] == "signal"
        assert heard["id"] == str(signal_id)
        assert f'id="signal-{signal_id}"' in heard["data"]
        assert "Mara Lind" in heard["data"]
    assert "ago</time>" in english["data"]
    assert "ago</time>" not in german["data"]


def test_a_signal_of_one_brand_never_reaches_the_other(live_runtime: FakeRuntime, seeded: Seeded) -> None:
    async def scene() -> dict[str, str]:
        async with running(live_runtime) as desk:
            aurora, boreal = await desk.watch("aurora"), await desk.watch("boreal")
            for brand in ("aurora", "boreal"):
                await desk.announce(seeded.tenant_ids[brand], {"type": "signal", "signal_id": seeded.signal_ids[brand]})
            await event_of(aurora)
            return await event_of(boreal)

    first = played(scene)
    assert first["id"] == str(seeded.signal_ids["boreal"])
    assert "Nils Berg" in first["data"]


def test_a_visitor_with_a_nonsense_host_header_silences_nobody(live_runtime: FakeRuntime, seeded: Seeded) -> None:
    async def scene() -> list[dict[str, str]]:
        async with running(live_runtime) as desk:
            odd = [await desk.watch("", headers={"Host": f"aurora.localhost:{port}"}) for port in ("abc", "99999999")]
            streams = [*odd, await desk.watch("aurora"), await desk.watch("aurora", locale="de")]
            signal_id = seeded.signal_ids["aurora"]
            await desk.announce(seeded.tenant_ids["aurora"], {"type": "signal", "signal_id": signal_id})
            return [await event_of(stream) for stream in streams]

    assert [heard["id"] for heard in played(scene)] == [str(seeded.signal_ids["aurora"])] * 4


def test_one_address_holds_so_many_streams_of_a_brand_and_another_is_not_hindered(live_runtime: FakeRuntime) -> None:
    async def scene() -> tuple[ClientResponse, str, list[int]]:
        async with running(live_runtime) as desk:
            greedy = {"X-Forwarded-For": "192.0.2.7"}
            for _ in range(LISTENERS_PER_CLIENT_MAX):
                await desk.watch("aurora", headers=greedy)
            refused = await desk.watch("aurora", headers=greedy)
            others = [
                await desk.watch("boreal", headers=greedy),
                await desk.watch("aurora", headers={"X-Forwarded-For": "192.0.2.7, 192.0.2.8"}),
                await desk.watch("aurora"),
            ]
            return refused, await refused.text(), [other.status for other in others]

    refused, sentence, others = played(scene)
    assert (refused.status, others) == (429, [200, 200, 200])
    assert sentence.startswith("Expected at most 50 open pages of this site from one address")


def test_a_locale_whose_rows_cannot_be_shown_stops_no_other(
    live_runtime: FakeRuntime, seeded: Seeded, tmp_path: Path
) -> None:
    for theme in (ROOT / "themes").iterdir():
        if theme.name != "aurora":
            (tmp_path / theme.name).symlink_to(theme)
    shutil.copytree(ROOT / "themes" / "aurora", tmp_path / "aurora")
    row = tmp_path / "aurora" / "templates" / "partials" / "signal_row.html"
    row.parent.mkdir(parents=True, exist_ok=True)
    row.write_text("{{ 1 // (0 if locale == 'de' else 1) }}")

    async def scene() -> dict[str, str]:
        async with running(replace(live_runtime, themes_dir=tmp_path)) as desk:
            await desk.watch("aurora", locale="de")
            english = await desk.watch("aurora")
            message = {"type": "signal", "signal_id": seeded.signal_ids["aurora"]}
            await desk.announce(seeded.tenant_ids["aurora"], message)
            return await event_of(english)

    assert played(scene)["data"] == "1"


def test_messages_that_name_no_signal_of_the_brand_are_passed_over(live_runtime: FakeRuntime, seeded: Seeded) -> None:
    async def scene() -> dict[str, str]:
        async with running(live_runtime) as desk:
            stream = await desk.watch("aurora")
            tenant_id = seeded.tenant_ids["aurora"]
            for odd in ("text", {"type": "signal"}, {"signal_id": "x"}, {"signal_id": seeded.signal_ids["boreal"]}, []):
                await desk.announce(tenant_id, odd)
            await desk.redis.publish(f"copydesk:{tenant_id}:desk", b"\xff not json")
            await desk.announce(tenant_id, {"type": "copies", "signal_id": seeded.signal_ids["aurora"]})
            return await event_of(stream)

    assert played(scene)["id"] == str(seeded.signal_ids["aurora"])


def test_a_browser_that_comes_back_gets_the_newest_rows_again(live_runtime: FakeRuntime, seeded: Seeded) -> None:
    async def scene() -> dict[str, str]:
        async with running(live_runtime) as desk:
            return await event_of(await desk.watch("aurora", headers={"Last-Event-ID": "1"}))

    assert played(scene)["id"] == str(seeded.signal_ids["aurora"])


def test_only_the_brands_own_pages_may_listen(live_runtime: FakeRuntime) -> None:
    own, foreign = "http://aurora.localhost:8000", "http://boreal.localhost:8000"

    async def scene() -> tuple[ClientResponse, ...]:
        async with running(live_runtime) as desk:
            return (
                await desk.watch("aurora", headers={"Origin": own}),
                await desk.watch("aurora", headers={"Origin": foreign}),
                await desk.watch("aurora", headers={"Origin": "null"}),
                await desk.watch("elsewhere.example"),
            )

    allowed, refused, null, unknown = played(scene)
    assert allowed.headers["Access-Control-Allow-Origin"] == own
    assert allowed.headers["Content-Type"].startswith("text/event-stream")
    assert (refused.status, null.status, unknown.status) == (403, 403, 404)
    assert "Access-Control-Allow-Origin" not in refused.headers


def test_a_listener_leaves_the_room_when_its_browser_does(live_runtime: FakeRuntime) -> None:
    async def scene() -> None:
        async with running(live_runtime) as desk:
            stream = await desk.watch("aurora")
            assert len(desk.live.rooms) == 1
            stream.close()
            async with asyncio.timeout(10):
                while len(desk.live.rooms):
                    await asyncio.sleep(0.01)

    played(scene)


def test_a_slow_listener_is_dropped_and_delays_nobody() -> None:
    async def scene() -> tuple[Listener, Listener]:
        rooms = Rooms()
        slow, quick = Listener("aurora", "en"), Listener("aurora", "en")
        rooms.join(slow)
        rooms.join(quick)
        for number in range(QUEUE_MAX + 1):
            rooms.send("aurora", "en", b"%d" % number)
            quick.queue.get_nowait()
        return slow, quick

    slow, quick = played(scene)
    assert slow.dropped.is_set()
    assert not quick.dropped.is_set()


def test_a_burst_for_one_signal_costs_one_run_now_and_one_after_the_pause() -> None:
    runs: list[str] = []

    async def scene() -> None:
        def burst() -> None:
            for _ in range(50):
                coalescer.ask("one")

        async def work(key: str) -> None:
            runs.append(key)
            if len(runs) == 1:
                burst()

        coalescer: Coalescer[str] = Coalescer(work, pause_s=0.02)
        burst()
        coalescer.ask("two")
        async with asyncio.timeout(10):
            while coalescer.busy:
                await asyncio.sleep(0.005)
        await coalescer.close()

    played(scene)
    assert sorted(runs) == ["one", "one", "two"]


def test_a_frame_of_several_lines_stays_one_event() -> None:
    assert sse_frame("signal", 7, "<li>\n</li>") == b"event: signal\nid: 7\ndata: <li>\ndata: </li>\n\n"
