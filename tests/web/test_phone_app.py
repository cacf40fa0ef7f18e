"""The site as an app: its worker and its page for no connection, and whose page an answer says it is."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest
from copydesk.db import Database
from flask.testing import FlaskClient
from matrix_people import PERSONAS, seed_people, token_of
from site_seed import HOSTS, FakeRuntime, Seeded

BRAND = "aurora"
READER = "Page-Reader"
Visit = Callable[[str], FlaskClient]


@pytest.fixture(scope="module")
def people(database_url: str, seeded: Seeded, runtime: FakeRuntime) -> Iterator[None]:
    database = Database.connect(database_url, pool_size=1)
    assert seed_people(database, seeded, runtime.identity_vault)
    yield
    database.dispose()


def enter(visit: Visit, name: str) -> FlaskClient:
    browser = visit(BRAND)
    persona = next(one for one in PERSONAS if one.name == name)
    browser.set_cookie("session", token_of(persona, BRAND), domain=HOSTS[BRAND])
    return browser


def test_the_worker_comes_from_the_root_and_is_asked_for_anew(visit: Visit) -> None:
    answer = visit(BRAND).get("/worker.js")
    assert (answer.status_code, answer.mimetype) == (200, "text/javascript")
    assert answer.headers["Cache-Control"] == "no-cache"
    assert 'addEventListener("push"' in answer.text


def test_the_page_for_no_connection_is_the_brands_own_and_nobodys(visit: Visit) -> None:
    answer = visit(BRAND).get("/offline")
    assert "Aurora" in answer.text
    assert READER not in answer.headers


@pytest.mark.usefixtures("people")
def test_pages_say_whose_they_are_and_files_do_not(visit: Visit) -> None:
    follower, trader = enter(visit, "follower"), enter(visit, "trader")
    own = {follower.get(path).headers.get(READER) for path in ("/account", "/strategies")}
    assert len(own) == 1
    assert own.isdisjoint({None, "", trader.get("/account").headers.get(READER)})
    assert READER not in follower.get("/manifest.webmanifest").headers
    assert READER not in visit(BRAND).get("/strategies").headers
