"""Without a connection the app shows how things stood when it last had one, and to nobody else."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pytest
from browser_site import LiveRuntime, Visit, serving_sites, watch
from copydesk.db import Database
from matrix_people import PERSONAS, seed_people, token_of
from playwright.sync_api import Browser, Page
from site_seed import Seeded

BRAND = "aurora"
_READY = "navigator.serviceWorker.ready.then((one) => one.active.state)"
_KEPT = """async () => {
    for (const name of await caches.keys())
        if (name.startsWith("pages-"))
            return (await (await caches.open(name)).keys()).map(({ url }) => new URL(url).pathname);
    return [];
}"""


@contextmanager
def phone(chromium: Browser, runtime: LiveRuntime) -> Iterator[Visit]:
    """Open a phone on a site of its own, with the worker in charge."""
    with serving_sites(runtime) as port:
        window = chromium.new_context(viewport={"width": 360, "height": 640}, reduced_motion="reduce")
        visit = watch(window, BRAND, port)
        visit.go("/offline")
        assert visit.page.evaluate(_READY) in {"activating", "activated"}
        visit.page.wait_for_function("navigator.serviceWorker.controller !== null")
        yield visit
        window.close()


def become(visit: Visit, name: str) -> None:
    persona = next(one for one in PERSONAS if one.name == name)
    visit.context.add_cookies([{"name": "session", "value": token_of(persona, BRAND), "url": visit.origin}])


def keep(visit: Visit, path: str) -> Page:
    """Go to a page, and wait until the worker has kept it."""
    visit.go(path)
    visit.page.wait_for_function(f"({_KEPT})().then((paths) => paths.includes('{path}'))")
    return visit.page


def test_the_last_state_is_shown_with_its_time_and_never_to_somebody_else(
    chromium: Browser, live_runtime: LiveRuntime, seeded: Seeded, database_url: str
) -> None:
    database = Database.connect(database_url, pool_size=1)
    seed_people(database, seeded, live_runtime.identity_vault)
    database.dispose()
    with phone(chromium, live_runtime) as visit:
        become(visit, "trader")
        keep(visit, "/account/history")
        become(visit, "follower")
        page = keep(visit, "/account/sessions")
        heading = page.locator("h1").first.inner_text()
        assert page.evaluate(_KEPT) == ["/account/sessions"]
        assert not page.locator("[data-offline-note]").is_visible()

        # From here on nobody answers.
        visit.context.route("**/*", lambda route: route.abort())

        page.goto(visit.origin + "/account/sessions")
        assert page.locator("h1").first.inner_text() == heading
        assert page.locator("[data-offline-note] time").inner_text()
        page.goto(visit.origin + "/account/history")
        assert page.locator("h1").first.inner_text() == "No connection"


@pytest.mark.parametrize("brand", ["aurora", "boreal"])
def test_chromium_would_install_each_brand_as_an_app(open_brand: Callable[..., Visit], brand: str) -> None:
    visit = open_brand(brand, width=360)
    page = visit.go("/")
    asked = visit.context.new_cdp_session(page)
    assert page.evaluate(_READY) in {"activating", "activated"}
    manifest = asked.send("Page.getAppManifest")
    assert manifest["errors"] == []
    assert json.loads(manifest["data"])["name"].lower() == brand
    # A window of a test keeps nothing, which alone would forbid it.
    found = {one["errorId"] for one in asked.send("Page.getInstallabilityErrors")["installabilityErrors"]}
    assert found <= {"in-incognito"}
