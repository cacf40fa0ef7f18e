"""The two brands that ship with the project, seeded, behind one application."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

import pytest
from copydesk.bootstrap import declared_settings
from copydesk.tenancy import TenantDirectory
from copydesk.web import create_app
from copydesk.web.database import db
from factor_site import FactorSite
from flask import Flask
from flask.testing import FlaskClient
from site_seed import HOSTS, ROOT, FakeRuntime, FixedClock, Seeded, seed
from werkzeug.test import TestResponse


@pytest.fixture(scope="module")
def seeded(database_url: str) -> Seeded:
    return seed(database_url)


@pytest.fixture(scope="module")
def runtime(database_url: str, seeded: Seeded) -> FakeRuntime:
    directory = TenantDirectory(ROOT / "tenants", ROOT / "config" / "defaults.yaml", settings=declared_settings())
    return FakeRuntime(database_url, directory, tenant_ids=seeded.tenant_ids)


@pytest.fixture(scope="module")
def app(runtime: FakeRuntime) -> Iterator[Flask]:
    app = create_app(runtime, clock=FixedClock())
    yield app
    with app.app_context():
        db.engine.dispose()


@pytest.fixture(scope="module")
def site(runtime: FakeRuntime) -> Iterator[FactorSite]:
    """The application with people who have sessions and second factors."""
    site = FactorSite(replace(runtime))
    yield site
    with site.app.app_context():
        db.engine.dispose()


class Browser(FlaskClient):
    """A client that visits one host, with its own cookies."""

    host = "localhost"

    def open(self, *args: Any, **kwargs: Any) -> TestResponse:
        kwargs.setdefault("base_url", f"http://{self.host}")
        kwargs.setdefault("buffered", True)  # Closes the file that an answer may be sent from.
        return super().open(*args, **kwargs)


@pytest.fixture
def visit(app: Flask) -> Callable[[str], Browser]:
    """Open a browser on a brand, or on any other host."""

    def open_browser(host: str) -> Browser:
        browser = Browser(app)
        browser.host = HOSTS.get(host, host)
        return browser

    return open_browser
