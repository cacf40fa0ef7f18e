"""The shipped brands with a clock that moves; Boreal takes people by invitation only."""

from __future__ import annotations

import shutil
from collections.abc import Iterator

import pytest
from account_people import MovingClock, People
from copydesk.bootstrap import declared_settings
from copydesk.db import Database
from copydesk.tenancy import TenantDirectory, ensure_tenant
from copydesk.web import create_app
from copydesk.web.database import db
from flask import Flask
from site_seed import HOSTS, ROOT, FakeRuntime


@pytest.fixture(scope="module")
def clock() -> MovingClock:
    return MovingClock()


@pytest.fixture(scope="module")
def runtime(database_url: str, tmp_path_factory: pytest.TempPathFactory) -> FakeRuntime:
    tenants = tmp_path_factory.mktemp("site") / "tenants"
    shutil.copytree(ROOT / "tenants", tenants)
    boreal = tenants / "boreal" / "tenant.yaml"
    boreal.write_text(f"{boreal.read_text()}\nidentity:\n  registration: invite\n")
    defaults = ROOT / "config" / "defaults.yaml"
    directory = TenantDirectory(tenants, defaults, themes_dir=ROOT / "themes", settings=declared_settings())
    return FakeRuntime(database_url, directory, tenant_ids=register_brands(database_url))


@pytest.fixture(scope="module")
def app(runtime: FakeRuntime, clock: MovingClock) -> Iterator[Flask]:
    app = create_app(runtime, clock=clock)
    yield app
    with app.app_context():
        db.engine.dispose()


@pytest.fixture(scope="module")
def people(app: Flask, runtime: FakeRuntime, clock: MovingClock) -> People:
    return People(app, runtime, runtime.database, clock)


def register_brands(database_url: str) -> dict[str, int]:
    database = Database.connect(database_url, pool_size=1)
    with database.installation() as session:
        ids = {slug: ensure_tenant(session, slug) for slug in HOSTS}
    database.dispose()
    return ids
