"""Both brands with what their panels set, a clock that moves, and owners who may publish."""

from __future__ import annotations

import shutil
from collections.abc import Iterator

import pytest
from copydesk.web import create_app
from copydesk.web.database import db
from flask import Flask
from panel_site import PanelSite, StillClock, directory_over
from site_seed import ROOT, FakeRuntime, Seeded


@pytest.fixture(scope="module")
def runtime(database_url: str, seeded: Seeded, tmp_path_factory: pytest.TempPathFactory) -> FakeRuntime:
    tenants = tmp_path_factory.mktemp("site") / "tenants"
    shutil.copytree(ROOT / "tenants", tenants, ignore=shutil.ignore_patterns("_*"))
    runtime = FakeRuntime(database_url, None, tenant_ids=seeded.tenant_ids)  # type: ignore[arg-type]
    runtime.directory = directory_over(runtime, tenants)
    return runtime


@pytest.fixture(scope="module")
def app(runtime: FakeRuntime) -> Iterator[Flask]:
    app = create_app(runtime, clock=StillClock())
    yield app
    with app.app_context():
        db.engine.dispose()


@pytest.fixture
def site(app: Flask, runtime: FakeRuntime) -> PanelSite:
    """A site whose panels have set nothing."""
    site = PanelSite(app, runtime)
    site.forget()
    return site
