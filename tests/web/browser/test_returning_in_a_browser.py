"""A page that is open when its session ends goes to the sign-in and knows the way back; what is typed stays."""

from __future__ import annotations

from collections.abc import Iterator
from urllib.parse import parse_qs, urlsplit

import pytest
from browser_site import LiveRuntime, Visit, serving_sites, watch
from copydesk.db import Database
from matrix_people import PERSONAS, seed_people, token_of
from playwright.sync_api import Browser, Page, Route
from site_seed import Seeded
from sqlalchemy import text

BRAND = "aurora"
# What the browser does with a page that comes back from its cache.
_BACK_AGAIN = "window.dispatchEvent(new PageTransitionEvent('pageshow', { persisted: true }))"
# The same, until the page has acted on two refused questions.
_BACK_AGAIN_REFUSED_TWICE = f"""new Promise((done) => {{
  const ask = window.fetch;
  let refusals = 0;
  window.fetch = async (...what) => {{
    const answer = await ask(...what);
    if (answer.status === 401 && ++refusals === 2) setTimeout(done);
    return answer;
  }};
  {_BACK_AGAIN};
}})"""


def open_pages(visit: Visit, *paths: str) -> list[Page]:
    pages = [visit.context.new_page() for _path in paths]
    for page, path in zip(pages, paths, strict=True):
        page.goto(f"{visit.origin}{path}")
    return pages


@pytest.fixture(scope="module")
def database(live_runtime: LiveRuntime, seeded: Seeded, database_url: str) -> Iterator[Database]:
    database = Database.connect(database_url, pool_size=1)
    try:
        seed_people(database, seeded, live_runtime.identity_vault)
        yield database
    finally:
        database.dispose()


@pytest.fixture
def visit(chromium: Browser, live_runtime: LiveRuntime, seeded: Seeded, database: Database) -> Iterator[Visit]:
    """A follower's window, whose session has not ended."""
    follower = next(one for one in PERSONAS if one.name == "follower")
    with serving_sites(live_runtime) as port:
        window = chromium.new_context(reduced_motion="reduce", service_workers="block")
        visit = watch(window, BRAND, port)
        cookie = {"name": "session", "value": token_of(follower, BRAND), "url": visit.origin}
        window.add_cookies([cookie])  # type: ignore[list-item]
        set_sessions(database, seeded, "ended_at = NULL")
        yield visit
        window.close()


def set_sessions(database: Database, seeded: Seeded, change: str) -> None:
    with database.tenant(seeded.tenant_ids[BRAND]) as session:
        session.execute(text(f"UPDATE user_session SET {change}"))


def end_sessions(database: Database, seeded: Seeded) -> None:
    set_sessions(database, seeded, "ended_at = now()")


def test_an_open_page_whose_session_ended_leads_to_the_sign_in_and_back(
    visit: Visit, database: Database, seeded: Seeded
) -> None:
    (page,) = open_pages(visit, "/activity?outcome=skipped")
    end_sessions(database, seeded)
    page.evaluate(_BACK_AGAIN)
    page.wait_for_url("**/account/sign-in?**")
    told = parse_qs(urlsplit(page.url).query)
    assert told == {"next": ["/activity?outcome=skipped"], "told": ["ended"]}
    assert "Your session has ended." in page.inner_text("main")


def test_a_page_of_which_several_parts_are_refused_goes_to_the_sign_in_once(
    visit: Visit, database: Database, seeded: Seeded
) -> None:
    (page,) = open_pages(visit, "/activity?outcome=skipped")
    end_sessions(database, seeded)
    held: list[Route] = []
    page.route("**/account/sign-in?**", lambda route: held.append(route))
    page.evaluate(_BACK_AGAIN_REFUSED_TWICE)
    assert [route.request.url.split("?")[0] for route in held] == [f"{visit.origin}/account/sign-in"]
    held[0].continue_()
    page.wait_for_url("**/account/sign-in?**")


def test_a_page_whose_session_ended_stays_while_something_is_typed_in_it(
    visit: Visit, database: Database, seeded: Seeded
) -> None:
    (page,) = open_pages(visit, "/notices/settings")
    page.fill("#field-quiet_from", "22:15")
    end_sessions(database, seeded)
    with page.expect_response("**/account/live") as refused:
        page.evaluate(_BACK_AGAIN)
    assert refused.value.status == 401
    assert page.input_value("#field-quiet_from") == "22:15"
    page.click("form.form button[type=submit] >> nth=0")
    page.get_by_text("Nothing of what you sent was done.").wait_for()
    assert page.get_by_role("link", name="Sign in").last.get_attribute("href") is not None
