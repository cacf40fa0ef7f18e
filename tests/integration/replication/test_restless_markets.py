"""Where prices run nothing is opened, on every path, and every close goes; and what was found outlives its finder."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from decimal import Decimal

import pytest
from copydesk.db import Database
from copydesk.marks import FreshPrice, Marks, MarkWriter, Unrest
from copydesk.trading import JoinMode, Side
from copydesk.venues import Price
from desk_site import Site
from life_site import join
from order_site import OrderSite
from paper_exchange import PERPETUAL
from redis import Redis

UNREST = Unrest(Decimal("0.0734"), Decimal("0.05"), 2**53)
NOW = 1_790_000_000_000


@pytest.fixture
def redis(redis_url: str) -> Iterator[Redis]:
    with closing(Redis.from_url(redis_url)) as client:
        yield client


def test_nothing_is_opened_of_an_instrument_that_runs_and_closes_go(site: Site) -> None:
    worker = site.worker()
    site.trade(Side.BUY, "0.4")
    worker.drain()
    worker.around.unrest["BTC/USDT"] = UNREST
    site.trade(Side.BUY, "0.4")
    site.trade(Side.BUY, "4", symbol="ETH/USDT")
    site.trade(Side.SELL, "0.4")
    worker.drain()
    rows = site.rows("SELECT symbol, leg, status, reason FROM copy ORDER BY id")
    assert [tuple(row) for row in rows] == [
        ("BTC/USDT", "open", "filled", None),
        ("BTC/USDT", "open", "denied", "risk_volatile"),
        ("ETH/USDT", "open", "filled", None),
        ("BTC/USDT", "close", "filled", None),
    ]
    facts = site.one("SELECT reason_facts FROM copy WHERE status = 'denied'")
    assert facts == {"moved": "7.3", "limit": "5", "limit_unit": "percent"}


def test_a_second_try_is_not_made_of_an_instrument_that_runs(site: Site) -> None:
    worker = site.worker()
    site.exchange.mood = {site.accounts[0]: "half"}
    site.trade(Side.BUY, "0.4")
    worker.drain()
    site.exchange.mood = {}
    worker.around.unrest["BTC/USDT"] = UNREST
    worker.reconcile()
    assert site.statuses() == ["expired"]
    worker.around.unrest.clear()
    worker.reconcile()
    assert site.statuses() == ["expired", "filled"]


def test_a_late_join_waits_until_the_instrument_is_calm(site: Site) -> None:
    worker = site.worker()
    site.trade(Side.BUY, "0.4")
    worker.drain()
    subscription, account = join(site, JoinMode.AT_MARKET)
    worker.around.unrest["BTC/USDT"] = UNREST
    worker.reconcile()
    state = "SELECT state, reason FROM late_join WHERE subscription_id = :id"
    assert site.one(state, id=subscription) == ("waiting", "risk_volatile")
    worker.around.unrest.clear()
    worker.reconcile()
    assert len(site.exchange.orders_of(account)) == 1


def test_an_order_that_opens_is_not_rested_in_an_instrument_that_runs(db: Database) -> None:
    desk = OrderSite(db, symbol=PERPETUAL)
    worker = desk.worker()
    worker.around.unrest[PERPETUAL] = UNREST
    desk.place("b", Side.BUY, "1", "45000")
    worker.tend()
    assert desk.exchange.resting(desk.account) == []
    assert desk.site.one("SELECT reason FROM resting_order") == "risk_volatile"


def test_what_keeps_an_instrument_from_being_opened_is_read_with_its_price_until_it_has_passed(redis: Redis) -> None:
    unrest = Unrest(Decimal("0.1"), Decimal("0.05"), NOW + 130_000)
    price = Price("BTC/USDT", Decimal(100), NOW)
    MarkWriter(redis, "binance-lab", now_ms=lambda: NOW).write([price], {"BTC/USDT": unrest})
    MarkWriter(redis, "binance-lab", now_ms=lambda: NOW).write([price])

    def seen(at_ms: int) -> FreshPrice:
        return Marks(redis, now_ms=lambda: at_ms).fresh("binance-lab", ["BTC/USDT"])["BTC/USDT"]

    assert seen(NOW) == FreshPrice(Decimal(100), None, unrest)
    assert seen(NOW + 129_999) == FreshPrice(None, None, unrest)
    assert seen(NOW + 130_000) == FreshPrice()
    assert Marks(redis).fresh("okx-lab", ["BTC/USDT"])["BTC/USDT"] == FreshPrice()
