"""A page that is open when its session ends goes to the sign-in and knows the way back; what is typed stays."""

from __future__ import annotations

from urllib.parse import parse_qs, urlsplit

from browser_site import LiveRuntime, Visit, serving_sites, watch
from copydesk.db import Database
from matrix_people import PERSONAS, seed_people, token_of
from playwright.sync_api import Browser
from site_seed import Seeded
from sqlalchemy import text

BRAND = "aurora"
# What the browser does with a page that comes back from its cache.
_BACK_AGAIN = "window.dispatchEvent(new PageTransitionEvent('pageshow', { persisted: true }))"


def open_pages(visit: Visit, *paths: str) -> None:
    for path in paths:
        page = visit.context.new_page()
        page.goto(f"{visit.origin}{path}")


def test_an_open_page_whose_session_ended_leads_to_the_sign_in_and_back_unless_something_is_typed(
    chromium: Browser, live_runtime: LiveRuntime, seeded: Seeded, database_url: str
) -> None:
    database = Database.connect(database_url, pool_size=1)
    seed_people(database, seeded, live_runtime.identity_vault)
    follower = next(one for one in PERSONAS if one.name == "follower")
    with serving_sites(live_runtime) as port:
        window = chromium.new_context(viewport={"width": 1280, "height": 900}, reduced_motion="reduce")
        visit = watch(window, BRAND, port)
        cookie = {"name": "session", "value": token_of(follower, BRAND), "url": visit.origin}
        window.add_cookies([cookie])  # type: ignore[list-item]
        open_pages(visit, "/activity?outcome=skipped", "/notices/settings")
        reading, typing = window.pages[-2:]
        typing.fill("#field-quiet_from", "22:15")
        with database.tenant(seeded.tenant_ids[BRAND]) as session:
            session.execute(text("UPDATE user_session SET ended_at = now() WHERE ended_at IS NULL"))
        reading.evaluate(_BACK_AGAIN)
        reading.wait_for_url("**/account/sign-in?**")
        told = parse_qs(urlsplit(reading.url).query)
        assert told == {"next": ["/activity?outcome=skipped"], "told": ["ended"]}
        assert "Your session has ended." in reading.inner_text("main")
        with typing.expect_response("**/account/live") as refused:
            typing.evaluate(_BACK_AGAIN)
        assert refused.value.status == 401
        assert typing.input_value("#field-quiet_from") == "22:15"
        typing.click("form.form button[type=submit] >> nth=0")
        typing.get_by_text("Nothing of what you sent was done.").wait_for()
        assert typing.get_by_role("link", name="Sign in").last.get_attribute("href") is not None
        window.close()
    database.dispose()
