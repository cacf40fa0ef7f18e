"""The risk desk's own events: they carry nothing, and nobody hears one who may not see what it is about."""

from __future__ import annotations

from datetime import timedelta

import pytest
from copydesk.kernel import utc_now
from copydesk.tenancy import TenantDirectory
from copydesk.web.grants import PURPOSE, Grant, Permission, page_token, stream_token
from site_seed import FakeRuntime, Seeded
from test_live_events import Desk, event_of, played, running

MINE, OTHERS = 17, 18


@pytest.fixture
def live_runtime(database_url: str, redis_url: str, seeded: Seeded, runtime: FakeRuntime) -> FakeRuntime:
    directory: TenantDirectory = runtime.directory
    return FakeRuntime(database_url, directory, redis_url=redis_url, tenant_ids=seeded.tenant_ids)


def ticket(runtime: FakeRuntime, brand: str = "aurora", number: int | None = None, *, hours: float = 1) -> str:
    """Return the address of a stream for a brand's desk, or one subscription's page."""
    permission = Permission.RISK_READ if number is None else Permission.RISK_OWN
    grant = Grant(brand, permission, utc_now() + timedelta(hours=hours), number)
    key = runtime.link_key(PURPOSE, brand)
    assert key is not None
    return f"/live/risk?token={stream_token(key, grant)}"


async def act(desk: Desk, seeded: Seeded, number: int | None, brand: str = "aurora") -> None:
    await desk.announce(seeded.tenant_ids[brand], {"type": "risk", "subscription_id": number, "state": "firing"})


def test_the_brands_desk_hears_of_every_act_and_the_event_carries_nothing(
    live_runtime: FakeRuntime, seeded: Seeded
) -> None:
    async def scene() -> list[dict[str, str]]:
        async with running(live_runtime) as desk:
            stream = await desk.watch("aurora", path=ticket(live_runtime))
            heard = []
            for number in (MINE, None):
                await act(desk, seeded, number)
                heard.append(await event_of(stream))
            return heard

    assert [(one["event"], one["data"]) for one in played(scene)] == [("risk", ""), ("risk", "")]


def test_a_followers_page_hears_of_its_own_subscription_only(live_runtime: FakeRuntime, seeded: Seeded) -> None:
    async def scene() -> tuple[dict[str, str], int]:
        async with running(live_runtime) as desk:
            own = await desk.watch("aurora", path=ticket(live_runtime, number=MINE))
            brand = await desk.watch("aurora", path=ticket(live_runtime))
            for number in (OTHERS, None):
                await act(desk, seeded, number)
                await event_of(brand)
            # Nothing waits for this page: what it hears first is its own.
            (listener,) = (one for one in desk.live.risk.rooms.room("aurora") if one.locale == str(MINE))
            waiting = listener.queue.qsize()
            await act(desk, seeded, MINE)
            return await event_of(own), waiting

    heard, waiting = played(scene)
    assert (heard["event"], heard["data"], waiting) == ("risk", "", 0)


def test_a_subscription_that_got_out_of_sync_is_news_to_the_desk(live_runtime: FakeRuntime, seeded: Seeded) -> None:
    async def scene() -> dict[str, str]:
        async with running(live_runtime) as desk:
            stream = await desk.watch("aurora", path=ticket(live_runtime))
            await desk.announce(seeded.tenant_ids["aurora"], {"type": "subscription", "subscription_id": MINE})
            return await event_of(stream)

    assert played(scene)["event"] == "risk"


def test_a_public_listener_learns_nothing_of_any_stop(live_runtime: FakeRuntime, seeded: Seeded) -> None:
    async def scene() -> dict[str, str]:
        async with running(live_runtime) as desk:
            public = await desk.watch("aurora")
            brand = await desk.watch("aurora", path=ticket(live_runtime))
            await act(desk, seeded, MINE)
            await event_of(brand)
            signal_id = seeded.signal_ids["aurora"]
            await desk.announce(seeded.tenant_ids["aurora"], {"type": "signal", "signal_id": signal_id})
            return await event_of(public)

    heard = played(scene)
    assert heard["event"] == "signal"
    assert "risk" not in heard["data"]


def test_acts_of_one_brand_never_reach_another(live_runtime: FakeRuntime, seeded: Seeded) -> None:
    async def scene() -> tuple[int, dict[str, str]]:
        async with running(live_runtime) as desk:
            boreal = await desk.watch("boreal", path=ticket(live_runtime, "boreal"))
            aurora = await desk.watch("aurora", path=ticket(live_runtime))
            await act(desk, seeded, MINE)
            await event_of(aurora)
            (listener,) = desk.live.risk.rooms.room("boreal")
            waiting = listener.queue.qsize()
            await act(desk, seeded, MINE, "boreal")
            return waiting, await event_of(boreal)

    waiting, heard = played(scene)
    assert (waiting, heard["event"]) == (0, "risk")


def test_without_a_token_that_holds_nobody_listens(live_runtime: FakeRuntime) -> None:
    key = live_runtime.link_key(PURPOSE, "aurora")
    assert key is not None
    page = page_token(key, Grant("aurora", Permission.RISK_READ, utc_now() + timedelta(hours=1)))
    refused = (
        "/live/risk",
        "/live/risk?token=nonsense",
        f"/live/risk?token={page}",
        ticket(live_runtime, "boreal"),
        ticket(live_runtime, hours=-1),
    )

    async def scene() -> list[int]:
        async with running(live_runtime) as desk:
            return [(await desk.watch("aurora", path=path)).status for path in refused]

    assert played(scene) == [403] * len(refused)


def test_a_stream_ends_when_its_token_does(live_runtime: FakeRuntime) -> None:
    async def scene() -> bytes:
        async with running(live_runtime) as desk:
            stream = await desk.watch("aurora", path=ticket(live_runtime, hours=1.5 / 3600))
            assert stream.status == 200
            return await stream.content.read()

    assert played(scene) == b""


def test_only_the_brands_own_pages_may_listen_to_its_desk(live_runtime: FakeRuntime) -> None:
    async def scene() -> tuple[int, int]:
        async with running(live_runtime) as desk:
            path = ticket(live_runtime)
            own = await desk.watch("aurora", path=path, headers={"Origin": "http://aurora.localhost:8000"})
            foreign = await desk.watch("aurora", path=path, headers={"Origin": "http://boreal.localhost:8000"})
            return own.status, foreign.status

    assert played(scene) == (200, 403)
