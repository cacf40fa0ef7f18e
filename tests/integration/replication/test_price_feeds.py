"""The listener's price feeds on a real PostgreSQL and Redis: one for all brands, public, outliving trouble."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Callable, Collection, Iterator
from contextlib import asynccontextmanager, closing
from decimal import Decimal
from types import SimpleNamespace
from typing import Any, cast

import orjson
import pytest
from copydesk.bootstrap import Runtime
from copydesk.kernel import Unavailable
from copydesk.marks import ComingFunding, FreshPrice, Marks, place_name
from copydesk.marks.store import epoch_ms
from copydesk.stack import RedisServer
from copydesk.trading import Environment
from copydesk.venues import FeedState, FundingRate, Price, PriceEvent, Venue
from copydesk.workers.feed import Place, PriceFeeds
from copydesk.workers.prices import prices_of
from desk_site import Site
from redis import Redis

LAB = ("binance", Environment.LAB)
PLACE = place_name(*LAB)


class Exchange:
    """A venue environment whose prices a test sets; also the market stream of itself."""

    def __init__(self) -> None:
        self.followed: list[frozenset[str]] = []
        self.ended = 0
        self.rest_reads = 0
        self.px = Decimal(60_000)

    async def open(self, place: Place) -> Venue:
        return cast(Venue, self)

    async def prices(self, symbols: Collection[str] | None = None) -> Any:
        """By REST, when nothing is asked for in particular."""
        self.rest_reads += 1
        return {"BTC/USDT": Decimal(1)}

    async def funding_rate(self, symbol: str) -> FundingRate:
        if symbol == "BUSY/USDT:USDT":
            raise Unavailable("busy")
        return FundingRate(Decimal("-0.0001"), epoch_ms() + 60_000)

    def stream(self, venue: Venue) -> Any:
        return SimpleNamespace(prices=self._play)

    async def _play(self, symbols: Collection[str]) -> AsyncGenerator[PriceEvent, None]:
        self.followed.append(frozenset(symbols))
        try:
            yield PriceEvent(FeedState.CONNECTED)
            while True:
                told = tuple(Price(symbol, self.px, epoch_ms()) for symbol in symbols)
                yield PriceEvent(FeedState.PRICES, told)
                await asyncio.sleep(0.01)
        finally:
            self.ended += 1


class Around:
    """As much of a runtime as feeds use, with the brands of these sites; `markets` by brand."""

    def __init__(self, redis: Redis, exchange: Exchange, sites: list[Site], markets: list[list[str]]) -> None:
        self.redis, self.market_stream, self.markets = redis, exchange.stream, markets
        self.db = sites[0].db
        self.tenant_ids = {f"brand-{site.tenant_id}": site.tenant_id for site in sites}
        self.directory = SimpleNamespace(all=self._brands)
        self.number = lambda setting: setting.default

    def _brands(self) -> list[Any]:
        places = [SimpleNamespace(venue=LAB[0], environment=LAB[1], markets=listed) for listed in self.markets]
        return [SimpleNamespace(config=SimpleNamespace(exchanges=[place])) for place in places]


@pytest.fixture
def redis(redis_url: str) -> Iterator[Redis]:
    with closing(Redis.from_url(redis_url)) as client:
        yield client


@asynccontextmanager
async def feeding(around: Around, exchange: Exchange) -> AsyncGenerator[PriceFeeds, None]:
    feeds = PriceFeeds(cast(Runtime, around), exchange.open, look_every_s=0)
    try:
        await feeds.look()
        yield feeds
    finally:
        await feeds.aclose()


async def until(condition: Callable[[], Any]) -> None:
    async with asyncio.timeout(15):
        while not await asyncio.to_thread(condition):
            await asyncio.sleep(0.005)


def test_brands_share_one_feed_of_their_markets_and_of_what_is_held(opens: Callable[..., Site], redis: Redis) -> None:
    sites = [opens(), opens()]
    sites[1].act(
        "INSERT INTO book (tenant_id, subscription_id, symbol, qty) VALUES (:tenant, :id, 'OLD/USDT', -1)",
        tenant=sites[1].tenant_id,
        id=sites[1].subscriptions[0],
    )
    exchange = Exchange()
    around = Around(redis, exchange, sites, [["BTC/USDT"], ["BTC/USDT", "ETH/USDT:USDT"]])
    wanted = {"BTC/USDT", "ETH/USDT:USDT", "OLD/USDT"}

    async def run() -> None:
        async with feeding(around, exchange) as feeds:
            await until(lambda: Marks(redis).fresh(PLACE, ["OLD/USDT"])["OLD/USDT"].px)
            await feeds.look()
            assert exchange.followed == [frozenset(wanted)]
        assert exchange.ended == 1

    asyncio.run(run())
    assert set(Marks(redis).fresh(PLACE, wanted).values()) == {FreshPrice(Decimal(60_000))}


def test_the_funding_that_is_coming_is_known_of_every_perpetual_that_tells_it(
    opens: Callable[..., Site], redis: Redis
) -> None:
    exchange, symbols = Exchange(), ["BTC/USDT", "BUSY/USDT:USDT", "ETH/USDT:USDT"]
    around = Around(redis, exchange, [opens()], [symbols])
    coming = ComingFunding(redis)

    async def run() -> None:
        async with feeding(around, exchange):
            await until(lambda: coming.read(PLACE, symbols))

    asyncio.run(run())
    (told,) = coming.read(PLACE, symbols).items()
    assert (told[0], told[1].rate) == ("ETH/USDT:USDT", Decimal("-0.0001"))
    later = ComingFunding(redis, now_ms=lambda: told[1].next_at_ms)
    assert later.read(PLACE, symbols) == {}


def test_what_redis_holds_names_no_brand(opens: Callable[..., Site], redis: Redis) -> None:
    sites, exchange = [opens(), opens()], Exchange()

    async def run() -> None:
        async with feeding(Around(redis, exchange, sites, [["BTC/USDT"], ["ETH/USDT"]]), exchange):
            await until(lambda: redis.hlen(f"copydesk:marks:{PLACE}") == 2)

    asyncio.run(run())
    assert redis.keys("*") == [b"copydesk:marks:binance-lab"]
    stored = cast(dict[bytes, bytes], redis.hgetall("copydesk:marks:binance-lab"))
    assert set(stored) == {b"BTC/USDT", b"ETH/USDT"}
    assert all(set(orjson.loads(value)) == {"px", "at_ms"} for value in stored.values())


def test_a_new_market_is_followed_and_an_old_one_forgotten(opens: Callable[..., Site], redis: Redis) -> None:
    exchange = Exchange()
    around = Around(redis, exchange, [opens()], [["BTC/USDT"]])

    async def run() -> None:
        async with feeding(around, exchange) as feeds:
            await until(lambda: Marks(redis).age(PLACE))
            around.markets = [["ETH/USDT"]]
            await feeds.look()
            await until(lambda: redis.hkeys(f"copydesk:marks:{PLACE}") == [b"ETH/USDT"])
            assert (len(exchange.followed), exchange.ended) == (2, 1)

    asyncio.run(run())


def test_prices_are_written_again_once_redis_is_back(
    opens: Callable[..., Site], redis_url: str, redis_server: RedisServer
) -> None:
    exchange = Exchange()

    async def run(redis: Redis) -> None:
        async with feeding(Around(redis, exchange, [opens()], [["BTC/USDT"]]), exchange):
            await until(lambda: Marks(redis).age(PLACE))
            redis_server.stop()
            exchange.px = Decimal(61_000)
            assert Marks(redis).fresh(PLACE, ["BTC/USDT"])["BTC/USDT"] == FreshPrice()
            redis_server.start()  # Not in a thread of the loop: a server ends with the thread that started it.
            await until(lambda: Marks(redis).fresh(PLACE, ["BTC/USDT"])["BTC/USDT"].px == Decimal(61_000))
            assert exchange.followed == [frozenset({"BTC/USDT"})]

    with closing(Redis.from_url(redis_url)) as redis:
        asyncio.run(run(redis))


def test_rest_is_asked_only_where_the_feed_leaves_a_price_out(opens: Callable[..., Site], redis: Redis) -> None:
    exchange = Exchange()

    async def run() -> None:
        async with feeding(Around(redis, exchange, [opens()], [["BTC/USDT"]]), exchange):
            marks, venue = Marks(redis), cast(Venue, exchange)
            await until(lambda: marks.age(PLACE))
            assert await prices_of(marks, PLACE, venue, ["BTC/USDT"]) == {"BTC/USDT": Decimal(60_000)}
            assert await prices_of(marks, PLACE, venue, []) == {}
            assert exchange.rest_reads == 0
            assert await prices_of(marks, PLACE, venue, ["BTC/USDT", "ETH/USDT"]) == {"BTC/USDT": Decimal(1)}
            assert exchange.rest_reads == 1

    asyncio.run(run())


def test_an_instrument_that_leaps_is_marked_so_until_it_has_been_calm(site: Site, redis: Redis) -> None:
    exchange = Exchange()

    def seen() -> FreshPrice:
        return Marks(redis).fresh(PLACE, ["BTC/USDT"])["BTC/USDT"]

    async def run() -> None:
        async with feeding(Around(redis, exchange, [site], [["BTC/USDT"]]), exchange):
            await until(lambda: seen().px == Decimal(60_000))
            assert seen().unrest is None
            exchange.px = Decimal(64_000)
            await until(lambda: seen().unrest)

    asyncio.run(run())
    unrest = seen().unrest
    assert unrest is not None
    assert unrest.ratio == Decimal(4_000) / Decimal(60_000)
    assert unrest.until_ms > epoch_ms() + 60_000
