"""A brand that was packed and unpacked shows on its new host what it shows on its old one."""

from __future__ import annotations

import re
import shutil
from collections.abc import Iterator
from dataclasses import replace

import pytest
from copydesk.bootstrap import Runtime
from copydesk.bootstrap.parcels import depot
from copydesk.kernel import utc_now
from copydesk.parcel import Address, export_tenant, import_tenant
from copydesk.parcel.cipher import Work
from copydesk.web import create_app
from copydesk.web.database import db
from flask import Flask
from site_seed import ROOT, STRATEGIES, FakeRuntime, FixedClock, Seeded

PAGES = ("/", "/strategies", "/strategies/{slug}", "/desk", "/desk/{signal}")


@pytest.fixture(scope="module")
def moved(
    database_url: str, owner_url: str, seeded: Seeded, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Flask]:
    """The seeded site with aurora twice: at home, and unpacked as dawn."""
    root = tmp_path_factory.mktemp("moved")
    for name in ("config", "tenants"):
        shutil.copytree(ROOT / name, root / name)
    (root / "themes").symlink_to(ROOT / "themes")
    places = {"COPYDESK_ROOT": str(root), "COPYDESK_VAR": str(root / "var")}
    runtime = Runtime(places | {"DATABASE_URL": database_url, "REDIS_URL": "redis://127.0.0.1:1"})
    stock = replace(depot(runtime, owner_url), work=Work(log_n=10))
    file = root / "aurora.parcel"
    export_tenant(stock, "aurora", "a passphrase of tests", file, at=utc_now())
    address = Address("dawn", ("dawn.localhost",), active=True)
    dawn = import_tenant(stock, file, "a passphrase of tests", address=address, at=utc_now())
    runtime.directory.refresh()
    ids = seeded.tenant_ids | {"dawn": dawn.tenant_id}
    app = create_app(FakeRuntime(database_url, runtime.directory, tenant_ids=ids), clock=FixedClock())
    yield app
    with app.app_context():
        db.engine.dispose()
    runtime.close()


def shown(app: Flask, host: str, path: str) -> str:
    """Return what a page says in words and figures; addresses and one-time values are markup."""
    answer = app.test_client().get(path, base_url=f"http://{host}")
    assert answer.status_code == 200, answer.text
    body = re.sub(r"(?s)<(script|style|head)\b.*?</\1>", " ", answer.text)
    return " ".join(re.sub(r"<[^>]+>", " ", body).split())


@pytest.mark.parametrize("page", PAGES)
def test_a_page_says_there_what_it_says_here(moved: Flask, seeded: Seeded, page: str) -> None:
    path = page.format(slug=STRATEGIES["aurora"][0], signal=seeded.signal_ids["aurora"])
    here = shown(moved, "aurora.localhost", path)
    assert shown(moved, "dawn.localhost", path) == here
    assert "Aurora" in here or "Dawn Runner" in here


def test_the_packed_brands_folder_is_the_home_of_its_assets(moved: Flask) -> None:
    client = moved.test_client()
    there, here = (client.get("/brand/logo.svg", base_url=f"http://{name}.localhost") for name in ("dawn", "aurora"))
    assert (there.status_code, there.data) == (200, here.data)
