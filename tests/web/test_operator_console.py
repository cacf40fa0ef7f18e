"""The operator's console: on its own hosts, for its own networks, opened once by a link, and without any brand."""

from __future__ import annotations

import csv
import re
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from copydesk.bootstrap import declared_settings
from copydesk.estate import Plan, set_plan
from copydesk.estate.passes import end_all, make_link
from copydesk.tenancy import TenantDirectory
from copydesk.web import create_app
from copydesk.web.console import ConsoleGate, create_console
from copydesk.web.database import db
from flask import Flask
from site_seed import HOSTS, NOW, ROOT, FakeRuntime, FixedClock, Seeded
from werkzeug.test import Client, TestResponse

HOST = "console.example"


class Browser(Client):
    """A client that visits one host."""

    host = HOST
    ip = "127.0.0.1"

    def open(self, *args: object, **kwargs: object) -> TestResponse:
        given = {"base_url": f"http://{self.host}", "environ_base": {"REMOTE_ADDR": self.ip}, "buffered": True}
        return super().open(*args, **{**given, **kwargs})  # type: ignore[arg-type]


@pytest.fixture(scope="module")
def runtime(database_url: str, seeded: Seeded, tmp_path_factory: pytest.TempPathFactory) -> FakeRuntime:
    defaults = tmp_path_factory.mktemp("config") / "defaults.yaml"
    console = f'operator:\n  hosts: [{HOST}]\n  networks: ["127.0.0.0/8"]\n'
    defaults.write_text((ROOT / "config" / "defaults.yaml").read_text() + console)
    directory = TenantDirectory(
        ROOT / "tenants", Path(defaults), settings=declared_settings(), themes_dir=ROOT / "themes"
    )
    return FakeRuntime(database_url, directory, tenant_ids=seeded.tenant_ids)


@pytest.fixture(scope="module")
def app(runtime: FakeRuntime) -> Iterator[Flask]:
    app = create_app(runtime, clock=FixedClock())
    yield app
    with app.app_context():
        db.engine.dispose()


@pytest.fixture(scope="module")
def browse(app: Flask, runtime: FakeRuntime) -> Iterator[Callable[[], Browser]]:
    console = create_console(runtime, clock=FixedClock())
    gate = ConsoleGate(app.wsgi_app, lambda: console, runtime.directory)
    yield lambda: Browser(gate)
    console.extensions["copydesk_console"].db.dispose()


@pytest.fixture
def link(seeded: Seeded, runtime: FakeRuntime) -> str:
    with runtime.database.installation() as session:
        return make_link(session, at=NOW)[0]


@pytest.fixture
def inside(browse: Callable[[], Browser], link: str) -> Browser:
    browser = browse()
    assert browser.post("/enter", data={"token": link}).status_code == 303
    return browser


def test_without_a_session_there_is_nothing_to_see(browse: Callable[[], Browser]) -> None:
    for path in ("/", "/usage.csv"):
        answer = browse().get(path)
        assert answer.status_code == 401
        assert "aurora" not in answer.text


def test_a_link_is_used_up_by_its_button_and_not_by_a_look_at_it(browse: Callable[[], Browser], link: str) -> None:
    browser = browse()
    assert browser.get(f"/enter?token={link}").status_code == 200
    entered = browser.post("/enter", data={"token": link})
    assert entered.status_code == 303
    assert "HttpOnly" in entered.headers["Set-Cookie"]
    assert browser.get("/").status_code == 200
    assert browse().post("/enter", data={"token": link}).status_code == 403


def test_the_page_tells_every_brand_with_its_plan_and_usage(
    inside: Browser, runtime: FakeRuntime, seeded: Seeded
) -> None:
    with runtime.database.tenant(seeded.tenant_ids["aurora"]) as session:
        set_plan(session, Plan(500, 20), at=NOW)
    page = re.sub(r"\s+", " ", inside.get("/").text)
    assert "aurora" in page
    assert "boreal.localhost" in page
    assert re.search(r"<small>500</small>.*<small>20</small>", page)
    assert "no limit" in page
    assert inside.get("/?month=2026-13").status_code == 422


def test_the_statement_is_a_file_of_all_brands(inside: Browser) -> None:
    answer = inside.get("/usage.csv?month=2026-03")
    rows = list(csv.DictReader(answer.text.splitlines()))
    assert answer.mimetype == "text/csv"
    assert {row["tenant"] for row in rows} == set(HOSTS)
    assert {row["month"] for row in rows} == {"2026-03"}


def test_nobody_else_finds_it(browse: Callable[[], Browser], inside: Browser, link: str) -> None:
    stranger = browse()
    stranger.ip = "203.0.113.9"
    assert stranger.get(f"/enter?token={link}").status_code == 404
    inside.ip = "203.0.113.9"
    assert inside.get("/").status_code == 404
    for host in (HOSTS["aurora"], "nobody.example"):
        outside = browse()
        outside.host = host
        assert outside.get(f"/enter?token={link}").status_code == 404
        assert outside.post("/enter", data={"token": link}).status_code in {404, 422}


def test_no_brand_is_served_on_its_host_and_every_answer_is_guarded(inside: Browser) -> None:
    answer = inside.get("/")
    assert answer.headers["Cache-Control"] == "no-store"
    assert "default-src 'none'" in answer.headers["Content-Security-Policy"]
    assert inside.get("/strategies").status_code == 404
    assert inside.get("/static/console.css").status_code == 200
    assert inside.post("/leave", headers={"Origin": "http://evil.example"}).status_code == 403


def test_whoever_leaves_or_is_ended_is_outside(
    inside: Browser, browse: Callable[[], Browser], runtime: FakeRuntime
) -> None:
    token = inside.get_cookie("console", domain=HOST)
    assert token is not None
    inside.post("/leave")
    again = browse()
    again.set_cookie("console", token.value, domain=HOST)
    assert again.get("/").status_code == 401
    with runtime.database.installation() as session:
        assert end_all(session, at=NOW) >= 1
    assert again.post("/enter", data={"token": link}).status_code == 403


def test_without_hosts_of_its_own_there_is_no_console(app: Flask) -> None:
    plain = TenantDirectory(ROOT / "tenants", ROOT / "config" / "defaults.yaml", settings=declared_settings())
    asked: list[str] = []

    def build() -> Flask:
        asked.append("built")
        return app

    assert Browser(ConsoleGate(app.wsgi_app, build, plain)).get("/").status_code == 404
    assert asked == []
