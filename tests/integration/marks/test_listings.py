"""What an exchange says of its instruments, in a real Redis: the same that was written, or nothing."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from decimal import Decimal
from pathlib import Path

import pytest
from copydesk.bootstrap import declared_settings
from copydesk.marks import Listings
from copydesk.tenancy import TenantDirectory
from copydesk.trading import Environment, Instrument
from copydesk.workers.listed import tell_listed
from redis import Redis

SPOT = Instrument(
    *("binance", "BTC/USDT", "BTCUSDT", "BTC", "USDT"),
    px_tick=Decimal("0.01"),
    qty_step=Decimal("0.00001"),
    qty_min=Decimal("0.00001"),
    qty_max=Decimal("Infinity"),
    notional_min=Decimal(5),
)
HALTED = Instrument(
    *("binance", "SOL/USDT:USDT", "SOLUSDT", "SOL", "USDT"),
    px_tick=Decimal("0.001"),
    qty_step=Decimal(1),
    qty_min=Decimal(1),
    qty_max=Decimal(9_000),
    notional_min=Decimal("1E+1"),
    trading=False,
    settle="USDT",
    contract_size=Decimal("0.1"),
    leverage_max=50,
)
SYMBOLS = ("BTC/USDT", "SOL/USDT:USDT", "DOGE/USDT")


@pytest.fixture
def redis(redis_url: str) -> Iterator[Redis]:
    with closing(Redis.from_url(redis_url)) as client:
        yield client


def test_instruments_come_back_as_they_were_and_the_rest_is_not_listed(redis: Redis) -> None:
    listings = Listings(redis)
    listings.write("binance-lab", {"BTC/USDT": SPOT, "SOL/USDT:USDT": HALTED})
    assert listings.read("binance-lab", SYMBOLS) == {"BTC/USDT": SPOT, "SOL/USDT:USDT": HALTED}
    listings.write("binance-lab", {"BTC/USDT": SPOT})
    assert listings.read("binance-lab", SYMBOLS) == {"BTC/USDT": SPOT}
    assert listings.read("binance-lab", ()) == {}


def test_of_a_place_that_nobody_told_of_nothing_is_known_nor_with_redis_away(redis: Redis) -> None:
    assert Listings(redis).read("okx-live", SYMBOLS) is None
    with closing(Redis.from_url("redis://127.0.0.1:1")) as away:
        assert Listings(away).read("binance-lab", SYMBOLS) is None


def test_the_listener_tells_of_the_brands_markets_and_of_no_others(redis: Redis) -> None:
    root = Path(__file__).parents[3]
    brands = TenantDirectory(root / "tenants", root / "config" / "defaults.yaml", settings=declared_settings()).all()
    listed = {"BTC/USDT": SPOT, "NOBODY/USDT": replace(SPOT, symbol="NOBODY/USDT")}
    asyncio.run(tell_listed(Listings(redis), brands, "binance", Environment.LAB, listed))
    assert Listings(redis).read("binance-lab", ("BTC/USDT", "NOBODY/USDT")) == {"BTC/USDT": SPOT}
