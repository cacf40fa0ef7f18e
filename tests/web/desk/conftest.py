"""The risk desk of both seeded brands, with fresh prices, and a browser that a link has let in."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace

import pytest
from copydesk.db import Database, TenantSession
from copydesk.kernel import SystemClock, utc_now
from copydesk.web import create_app
from copydesk.web.database import db
from desk_pages import Open, Store
from flask import Flask
from flask.testing import FlaskClient
from risk_seed import RiskSeeded, link, seed_risk, tell_prices, watched
from site_seed import HOSTS, FakeRuntime, Seeded


@pytest.fixture(scope="module")
def desks(database_url: str, seeded: Seeded) -> dict[str, RiskSeeded]:
    return {brand: seed_risk(database_url, seeded, brand) for brand in HOSTS}


@pytest.fixture
def live_runtime(runtime: FakeRuntime, redis_url: str, desks: dict[str, RiskSeeded]) -> FakeRuntime:
    tell_prices(redis_url)
    return replace(runtime, redis_url=redis_url)


@pytest.fixture
def app(live_runtime: FakeRuntime) -> Iterator[Flask]:
    app = create_app(live_runtime, clock=SystemClock())
    yield app
    with app.app_context():
        db.engine.dispose()


@pytest.fixture
def open_site(visit: Callable[[str], FlaskClient]) -> Open:
    """Open a browser on a brand, by a link where one is given."""

    def opened(brand: str, path: str = "") -> FlaskClient:
        browser = visit(brand)
        if path:
            browser.get(path)
        return browser

    return opened


@pytest.fixture
def storing(database_url: str, seeded: Seeded) -> Store:
    """Open a session of the first brand, as the risk role has it."""

    @contextmanager
    def opened() -> Iterator[TenantSession]:
        database = Database.connect(database_url, pool_size=1)
        try:
            with database.tenant(seeded.tenant_ids["aurora"]) as session:
                yield session
        finally:
            database.dispose()

    return opened


@pytest.fixture
def admin(open_site: Open, live_runtime: FakeRuntime, storing: Store) -> FlaskClient:
    """A visitor with the link of a brand's desk, whose watch was heard of just now."""
    with storing() as session:
        watched(session)
    return open_site("aurora", link(live_runtime, "aurora", now=utc_now()))
