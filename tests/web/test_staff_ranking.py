"""The ranking on staff pages: who changes a place by hand, what it asks, and that visitors read why."""

from __future__ import annotations

import html
import re
from collections.abc import Callable, Iterator

import pytest
from copydesk.audit import read_entries
from copydesk.db import Database
from copydesk.performance import override
from flask.testing import FlaskClient
from form_posts import submit
from matrix_people import PERSONAS, seed_people, token_of
from site_seed import HOSTS, STRATEGIES, FakeRuntime, Seeded
from sqlalchemy import text

BRAND = "aurora"
SLUG, NAME, _ = STRATEGIES[BRAND]
PAGE = f"/staff/ranking/{SLUG}"
REASON = "Two accounts of the same trader <b>traded</b> with each other."
_RANKED = text(
    "UPDATE strategy_figures SET score = 61.3, place = 1, gates = '{}', days = 400, closed = 50, too_early = false"
)
Enter = Callable[[str], FlaskClient]


@pytest.fixture(scope="module")
def database(database_url: str, seeded: Seeded) -> Iterator[Database]:
    """The seeded brands, whose strategy has figures and a place."""
    database = Database.connect(database_url, pool_size=1)
    with database.tenant(seeded.tenant_ids[BRAND]) as session:
        session.execute(_RANKED)
    yield database
    database.dispose()


@pytest.fixture(scope="module")
def people(database: Database, seeded: Seeded, runtime: FakeRuntime) -> bool:
    return bool(seed_people(database, seeded, runtime.identity_vault))


@pytest.fixture
def enter(visit: Callable[[str], FlaskClient], people: bool) -> Enter:
    """Open a browser on the brand, signed in as somebody of the matrix."""
    assert people

    def signed_in(name: str) -> FlaskClient:
        browser = visit(BRAND)
        persona = next(one for one in PERSONAS if one.name == name)
        browser.set_cookie("session", token_of(persona, BRAND), domain=HOSTS[BRAND])
        return browser

    return signed_in


def plain(page: str) -> str:
    return " ".join(html.unescape(re.sub(r"<[^>]+>", " ", page)).split())


def test_the_list_names_places_scores_and_what_was_changed(enter: Enter) -> None:
    page = plain(enter("owner").get("/staff/ranking").text)
    assert f"{NAME} Mara Lind 1 61.3" in page
    assert "No strategies" in plain(enter("owner").get("/staff/ranking?q=nothing").text)


def test_who_may_only_read_settings_sees_the_list_and_no_way_to_change_it(enter: Enter) -> None:
    assert PAGE not in enter("auditor").get("/staff/ranking").text
    assert PAGE in enter("owner").get("/staff/ranking").text


def test_a_change_needs_a_reason_and_a_place_that_there_can_be(enter: Enter) -> None:
    owner = enter("owner")
    answer = submit(owner, PAGE, {"act": "place", "place": "first", "reason": REASON}, page=PAGE)
    assert answer.status_code == 422
    assert 'Place: expected a number from 1 to 1,000, found "first".' in plain(answer.text)
    assert "Two accounts of the same trader" in plain(answer.text), "what was typed stays"
    answer = submit(owner, PAGE, {"act": "out", "reason": "no"}, page=PAGE)
    assert "Reason: expected 10 to 300 characters." in plain(answer.text)


def test_a_strategy_is_taken_out_and_back_and_both_are_recorded(
    enter: Enter, visit: Callable[[str], FlaskClient], database: Database, seeded: Seeded
) -> None:
    owner = enter("owner")
    answer = submit(owner, PAGE, {"act": "out", "place": "", "reason": REASON}, page=PAGE)
    assert (answer.status_code, answer.headers["Location"]) == (303, "/staff/ranking")
    page = owner.get("/staff/ranking").text
    assert "taken out" in plain(page)
    assert "<b>traded</b>" not in page
    shown = plain(visit(BRAND).get(f"/strategies/{SLUG}").text)
    assert "Reason: Two accounts of the same trader" in shown
    submit(owner, f"{PAGE}/undo", page=PAGE)
    assert "taken out" not in plain(owner.get("/staff/ranking").text)
    with database.tenant(seeded.tenant_ids[BRAND]) as session:
        acts = [entry.act for entry in read_entries(session, session.tenant_id, limit=2)]
        assert override.adjusted_of(session, SLUG) is None
    assert acts == ["ranking.restored", "ranking.adjusted"]


def test_a_strategy_of_another_brand_is_not_found(enter: Enter) -> None:
    assert enter("owner").get(f"/staff/ranking/{STRATEGIES['boreal'][0]}").status_code == 404
