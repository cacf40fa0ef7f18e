"""One person's live events over real sockets: what concerns them arrives, once, and nothing that concerns another."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from contextlib import closing
from datetime import timedelta
from decimal import Decimal

import orjson
import pytest
from aiohttp import ClientResponse
from copydesk.bootstrap.news import NEWS_FIELD, NEWS_KEPT, news_key
from copydesk.identity import EndReason
from copydesk.identity.sessions import end_sessions
from copydesk.kernel import utc_now
from copydesk.marks import MarkWriter, epoch_ms
from copydesk.tenancy import TenantDirectory
from copydesk.venues import Price
from copydesk.web.live_me import _SWEEP_EVERY, BEAT_S, STREAMS_PER_PERSON_MAX
from live_people import Person, tell
from redis import Redis
from site_seed import FakeRuntime, Seeded
from test_live_events import Desk, event_of, played, running

MINUTE_S = 60


@pytest.fixture
def live_runtime(database_url: str, redis_url: str, seeded: Seeded, runtime: FakeRuntime) -> Iterator[FakeRuntime]:
    directory: TenantDirectory = runtime.directory
    live = FakeRuntime(database_url, directory, redis_url=redis_url, tenant_ids=seeded.tenant_ids)
    yield live
    with closing(Redis.from_url(redis_url)) as redis:
        redis.delete(*(news_key(tenant_id) for tenant_id in seeded.tenant_ids.values()))


async def opened(desk: Desk, person: Person, **headers: str) -> ClientResponse:
    """Open a page of somebody's and wait until it hears."""
    await desk.live.subscribed.wait()
    stream = await desk.watch(person.brand, path=person.address(), headers=headers)
    pages = desk.live.me.pages(person.brand)
    async with asyncio.timeout(10):
        while pages.joining:
            await asyncio.sleep(0.005)
    return stream


def copies(seeded: Seeded, brand: str = "aurora") -> dict[str, object]:
    return {"type": "copies", "signal_id": seeded.signal_ids[brand], "strategy_id": 1, "shard": "binance-lab:0"}


def test_a_copy_of_mine_reaches_my_page_and_only_as_ids(live_runtime: FakeRuntime, seeded: Seeded) -> None:
    me = Person(live_runtime, "Secret Person 1")

    async def scene() -> list[dict[str, str]]:
        async with running(live_runtime) as desk:
            stream = await opened(desk, me)
            tell(live_runtime, copies(seeded))
            return [await event_of(stream), await event_of(stream)]

    position, receipt = played(scene)
    assert (position["event"], orjson.loads(position["data"])) == ("position", {"subscription": me.subscription_id})
    assert receipt["event"] == "receipt" and "id" in receipt and "id" not in position
    told = {"signal": seeded.signal_ids["aurora"], "subscription": me.subscription_id}
    assert orjson.loads(receipt["data"]) == told


def test_another_persons_events_never_arrive(live_runtime: FakeRuntime, seeded: Seeded) -> None:
    me, other = Person(live_runtime, "Secret Person 1"), Person(live_runtime, "Secret Person 2")

    async def scene() -> list[dict[str, str]]:
        async with running(live_runtime) as desk:
            mine, others = await opened(desk, me), await opened(desk, other)
            tell(live_runtime, {"type": "notice", "user_id": me.user_id})
            tell(live_runtime, {"type": "risk", "subscription_id": me.subscription_id})
            tell(live_runtime, copies(seeded) | {"shard": "okx-lab:0"})
            heard = [await event_of(mine), await event_of(mine)]
            tell(live_runtime, {"type": "order", "user_id": other.user_id})
            return [*heard, await event_of(others)]

    notice, position, others = played(scene)
    assert [notice["event"], position["event"]] == ["notice", "position"]
    assert (others["event"], others["data"]) == ("order", "{}")


def test_news_of_another_brand_never_arrive_even_with_the_same_numbers(
    live_runtime: FakeRuntime, seeded: Seeded
) -> None:
    me = Person(live_runtime, "Secret Person 1")

    async def scene() -> dict[str, str]:
        async with running(live_runtime) as desk:
            stream = await opened(desk, me)
            tell(live_runtime, {"type": "notice", "user_id": me.user_id}, brand="boreal")
            tell(live_runtime, copies(seeded), brand="boreal")
            tell(live_runtime, {"type": "order", "user_id": me.user_id})
            return await event_of(stream)

    assert played(scene)["event"] == "order"


def test_followers_and_the_trader_hear_of_figures_and_trades_of_their_strategy(
    live_runtime: FakeRuntime, seeded: Seeded
) -> None:
    follower, trader = Person(live_runtime, "Secret Person 1"), Person(live_runtime, "Mara Lind")
    stranger = Person(live_runtime, "Nils Berg", "boreal")
    with live_runtime.database.tenant(seeded.tenant_ids["aurora"]) as session:
        strategy_id = session.connection().exec_driver_sql("SELECT id FROM strategy").scalar()

    async def scene() -> list[dict[str, str]]:
        async with running(live_runtime) as desk:
            streams = [await opened(desk, one) for one in (follower, trader)]
            away = await opened(desk, stranger)
            tell(live_runtime, {"type": "figures", "strategy_id": strategy_id})
            tell(live_runtime, {"type": "signal", "signal_id": seeded.signal_ids["aurora"], "strategy_id": strategy_id})
            tell(live_runtime, {"type": "notice", "user_id": stranger.user_id}, brand="boreal")
            return [await event_of(stream) for stream in (*streams, *streams, away)]

    events = [one["event"] for one in played(scene)]
    assert events == ["equity", "equity", "signal", "signal", "notice"]


def test_a_page_that_comes_back_misses_nothing_and_hears_nothing_twice(live_runtime: FakeRuntime) -> None:
    me = Person(live_runtime, "Secret Person 1")
    kinds = ("notice", "order", "equity", "position")

    async def scene() -> list[dict[str, str]]:
        async with running(live_runtime) as desk:
            first = await opened(desk, me)
            tell(live_runtime, {"type": kinds[0], "user_id": me.user_id})
            heard = [await event_of(first)]
            first.close()
            for kind in kinds[1:3]:
                tell(live_runtime, {"type": kind, "user_id": me.user_id})
            again = await opened(desk, me, **{"Last-Event-ID": heard[0]["id"]})
            tell(live_runtime, {"type": kinds[3], "user_id": me.user_id})
            return [*heard, *[await event_of(again) for _ in kinds[1:]]]

    heard = played(scene)
    assert [one["event"] for one in heard] == list(kinds)
    assert len({one["id"] for one in heard}) == len(kinds)


def test_a_page_hears_what_happened_between_its_rendering_and_its_stream(live_runtime: FakeRuntime) -> None:
    me = Person(live_runtime, "Secret Person 1")
    tell(live_runtime, {"type": "notice", "user_id": me.user_id})

    async def scene() -> dict[str, str]:
        async with running(live_runtime) as desk:
            return await event_of(await desk.watch("aurora", path=me.address(ago=timedelta(seconds=2))))

    assert played(scene)["event"] == "notice"


def test_a_page_that_was_away_for_longer_than_news_are_kept_asks_for_everything(live_runtime: FakeRuntime) -> None:
    me = Person(live_runtime, "Secret Person 1")
    old_ms = epoch_ms() - 60_000
    with closing(Redis.from_url(live_runtime.redis_url)) as redis, redis.pipeline() as pipeline:
        for number in range(1, NEWS_KEPT + 1):
            pipeline.xadd(news_key(me.tenant_id), {NEWS_FIELD: b'{"type":"figures"}'}, id=f"{old_ms}-{number}")
        pipeline.execute()

    async def scene() -> tuple[dict[str, str], dict[str, str]]:
        async with running(live_runtime) as desk:
            away = await opened(desk, me, **{"Last-Event-ID": "1000-0"})
            here = await opened(desk, me)
            tell(live_runtime, {"type": "order", "user_id": me.user_id})
            return await event_of(away), await event_of(here)

    away, here = played(scene)
    assert (away["event"], here["event"]) == ("again", "order")


def test_a_stream_ends_with_its_session_within_a_minute_and_is_not_opened_again(live_runtime: FakeRuntime) -> None:
    me, other = Person(live_runtime, "Secret Person 1"), Person(live_runtime, "Secret Person 2")

    async def scene() -> tuple[bytes, int, dict[str, str]]:
        async with running(live_runtime) as desk:
            mine, others = await opened(desk, me), await opened(desk, other)
            with live_runtime.database.tenant(me.tenant_id) as session:
                end_sessions(session, me.user_id, reason=EndReason.REVOKED, at=utc_now())
            await desk.live.me.sweep("aurora")
            rest = await mine.content.read()
            refused = await desk.watch("aurora", path=me.address())
            tell(live_runtime, {"type": "notice", "user_id": other.user_id})
            return rest, refused.status, await event_of(others)

    rest, status, others = played(scene)
    assert (rest, status, others["event"]) == (b"", 403, "notice")
    assert BEAT_S * _SWEEP_EVERY < MINUTE_S


def test_without_a_token_of_this_brand_and_session_nobody_listens(live_runtime: FakeRuntime) -> None:
    me, boreal = Person(live_runtime, "Secret Person 1"), Person(live_runtime, "Nils Berg", "boreal")
    refused = (
        "/live/me",
        "/live/me?token=nonsense",
        boreal.address(),
        me.address("boreal"),
        me.address(ago=timedelta(minutes=11)),
        me.address(ago=timedelta(minutes=-2)),
    )

    async def scene() -> list[int]:
        async with running(live_runtime) as desk:
            foreign = {"Origin": "http://boreal.localhost:8000"}
            statuses = [(await desk.watch("aurora", path=path)).status for path in refused]
            return [*statuses, (await desk.watch("aurora", path=me.address(), headers=foreign)).status]

    assert played(scene) == [403] * (len(refused) + 1)


def test_a_page_of_the_brand_may_read_why_it_was_refused_and_another_sites_page_may_not(
    live_runtime: FakeRuntime,
) -> None:
    me = Person(live_runtime, "Secret Person 1")
    own, foreign = "http://aurora.localhost:8000", "http://boreal.localhost:8000"
    many = ",".join(f"C{number}/USDT" for number in range(51))
    refused = {"/live/me?token=nonsense": 403, "/live/risk": 403, me.address(symbols=many): 400, "/live/none": 404}

    async def scene(origin: str) -> list[tuple[int, str | None, str | None]]:
        async with running(live_runtime) as desk:
            answers = [await desk.watch("aurora", path=path, headers={"Origin": origin}) for path in refused]
            cors = "Access-Control-Allow-Origin"
            return [(one.status, one.headers.get(cors), one.headers.get("Vary")) for one in answers]

    assert played(lambda: scene(own)) == [(status, own, "Origin") for status in refused.values()]
    assert {cors for _, cors, _ in played(lambda: scene(foreign))} == {None}


def test_one_person_holds_so_many_streams_and_nobody_else_is_hindered(live_runtime: FakeRuntime) -> None:
    me, other = Person(live_runtime, "Secret Person 1"), Person(live_runtime, "Secret Person 2")

    async def scene() -> tuple[int, str, int]:
        async with running(live_runtime) as desk:
            for _ in range(STREAMS_PER_PERSON_MAX):
                await desk.watch("aurora", path=me.address())
            refused = await desk.watch("aurora", path=me.address())
            return refused.status, await refused.text(), (await desk.watch("aurora", path=other.address())).status

    status, sentence, others = played(scene)
    assert (status, others) == (429, 200)
    assert sentence.startswith(f"Expected at most {STREAMS_PER_PERSON_MAX} open pages of one person")


def test_prices_come_only_to_who_asked_and_only_when_they_change(live_runtime: FakeRuntime) -> None:
    me = Person(live_runtime, "Secret Person 1")

    async def scene() -> list[dict[str, str]]:
        async with running(live_runtime) as desk:
            path = me.address(symbols="BTC/USDT,ETH/USDT@okx-lab,DOGE/NONE")
            stream = await desk.watch("aurora", path=path)
            await desk.live.me.prices.subscribed.wait()
            with closing(Redis.from_url(live_runtime.redis_url)) as redis:
                for symbol, px in (("BTC/USDT", "64000"), ("SOL/USDT", "1"), ("BTC/USDT", "64001.5")):
                    MarkWriter(redis, "binance-lab").write([Price(symbol, Decimal(px), epoch_ms())])
                first = await event_of(stream)
                MarkWriter(redis, "binance-lab").write([Price("BTC/USDT", Decimal("64001.5"), epoch_ms())])
                MarkWriter(redis, "okx-lab").write([Price("ETH/USDT", Decimal("3000"), epoch_ms())])
                return [first, await event_of(stream)]

    told = [(one["event"], orjson.loads(one["data"]), one.get("id")) for one in played(scene)]
    assert told == [("price", {"BTC/USDT": "64001.5"}, None), ("price", {"ETH/USDT@okx-lab": "3000"}, None)]


def test_a_page_may_not_ask_for_any_number_of_prices(live_runtime: FakeRuntime) -> None:
    me = Person(live_runtime, "Secret Person 1")

    async def scene() -> int:
        async with running(live_runtime) as desk:
            many = ",".join(f"C{number}/USDT" for number in range(51))
            return (await desk.watch("aurora", path=me.address(symbols=many))).status

    assert played(scene) == 400
