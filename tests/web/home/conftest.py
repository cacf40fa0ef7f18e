"""The two seeded brands with fresh prices, and followers of the first."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import pytest
from copydesk.db import Database
from copydesk.stack import RedisServer
from copydesk.web import create_app
from copydesk.web.database import db
from flask import Flask
from home_people import Follower, HomeSite
from risk_seed import tell_prices
from site_seed import FakeRuntime, FixedClock, Seeded


@pytest.fixture(scope="module")
def app(runtime: FakeRuntime, redis_server: RedisServer) -> Iterator[Flask]:
    app = create_app(replace(runtime, redis_url=redis_server.url), clock=FixedClock())
    yield app
    with app.app_context():
        db.engine.dispose()


@pytest.fixture(scope="module")
def site(app: Flask, database_url: str, seeded: Seeded) -> Iterator[HomeSite]:
    database = Database.connect(database_url, pool_size=2)
    yield HomeSite(app, database, seeded)
    database.dispose()


@pytest.fixture
def ada(site: HomeSite, redis_url: str) -> Follower:
    """Somebody new, while there are fresh prices."""
    tell_prices(redis_url)
    return site.follower()
