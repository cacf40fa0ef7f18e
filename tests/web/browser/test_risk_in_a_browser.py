"""The risk desk in a real browser: it follows what is done, fits a phone, and is opened by a link from anywhere."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import closing

import orjson
import pytest
import redis
from browser_site import LiveRuntime, Visit, serving_sites
from copydesk.db import Database
from copydesk.kernel import SystemClock, utc_now
from copydesk.risk.acts import ActState
from copydesk.stack import RedisServer
from playwright.sync_api import expect
from risk_seed import RiskSeeded, link, seed_risk, stop, tell_prices
from site_seed import HOSTS, Seeded

Open = Callable[..., Visit]
LOOKS = [
    ("aurora", "light", "en"),
    ("aurora", "dark", "de"),
    ("boreal", "dark", "ar"),
    ("boreal", "light", "en"),
]


@pytest.fixture(scope="module")
def desks(database_url: str, seeded: Seeded) -> dict[str, RiskSeeded]:
    return {brand: seed_risk(database_url, seeded, brand) for brand in HOSTS}


@pytest.fixture(scope="module")
def site_port(live_runtime: LiveRuntime, desks: dict[str, RiskSeeded]) -> Iterator[int]:
    """The port under which both seeded brands are served, at the time that it is."""
    del desks
    with serving_sites(live_runtime, SystemClock()) as port:
        yield port


@pytest.fixture
def enter(open_brand: Open, live_runtime: LiveRuntime, redis_server: RedisServer) -> Open:
    """Open a window on a brand's desk, or on one subscription's page, by a link."""

    def opened(brand: str, number: int | None = None, **look: object) -> Visit:
        tell_prices(redis_server.url)
        visit = open_brand(brand, **look)
        visit.go(link(live_runtime, brand, number, now=utc_now()))
        return visit

    return opened


def test_a_stop_appears_by_itself_on_the_brands_page(
    enter: Open, desks: dict[str, RiskSeeded], database_url: str, redis_server: RedisServer, seeded: Seeded
) -> None:
    visit = enter("boreal")
    expect(visit.page.locator(".live")).to_have_text("Live")
    number, tenant_id = desks["boreal"].running, seeded.tenant_ids["boreal"]
    database = Database.connect(database_url, pool_size=1)
    with database.tenant(tenant_id) as session:
        stop(session, number, ActState.CLOSING)
    database.dispose()
    with closing(redis.Redis.from_url(redis_server.url)) as client:
        client.publish(f"copydesk:{tenant_id}:desk", orjson.dumps({"type": "risk", "subscription_id": number}))
    expect(visit.page.locator(".act", has_text=f"Subscription {number}")).to_contain_text("Closing")
    assert visit.complaints == []


def test_figures_follow_prices_without_anybody_doing_anything(
    enter: Open, desks: dict[str, RiskSeeded], redis_server: RedisServer
) -> None:
    visit = enter("aurora", desks["aurora"].running)
    expect(visit.page.locator(".risk__figures")).to_contain_text("490.00")
    tell_prices(redis_server.url, **{"BTC/USDT": 61_000})
    expect(visit.page.locator(".risk__figures")).to_contain_text("495.00", timeout=15_000)
    assert visit.complaints == []


def test_a_link_that_another_sites_page_holds_opens_the_desk(
    open_brand: Open, live_runtime: LiveRuntime, site_port: int
) -> None:
    visit = open_brand("boreal")
    page = visit.go("/")
    address = f"http://{HOSTS['aurora']}:{site_port}{link(live_runtime, 'aurora', now=utc_now())}"
    page.evaluate("address => { location.href = address; }", address)
    expect(page.get_by_role("heading", name="Risk desk")).to_be_visible()
    assert page.url == f"http://{HOSTS['aurora']}:{site_port}/risk"


def test_a_page_whose_link_has_ended_says_how_to_get_a_new_one(enter: Open) -> None:
    visit = enter("aurora")
    expect(visit.page.get_by_role("heading", name="Risk desk")).to_be_visible()
    visit.context.clear_cookies()
    expect(visit.page.get_by_role("heading", name="Private page")).to_be_visible(timeout=15_000)
    expect(visit.page.get_by_role("heading", level=1)).to_have_count(1)


@pytest.mark.parametrize(("brand", "locale"), [("aurora", "de"), ("boreal", "ar")])
def test_no_page_of_the_desk_scrolls_sideways_on_a_small_phone(
    enter: Open, desks: dict[str, RiskSeeded], brand: str, locale: str
) -> None:
    wide = []
    visit = enter(brand, width=360, locale=locale)
    for number in (None, desks[brand].running, desks[brand].flagged):
        path = "/risk" if number is None else f"/risk/subscriptions/{number}"
        if visit.go(path).evaluate("document.documentElement.scrollWidth") > 360:
            wide.append(path)
    assert wide == []


@pytest.mark.parametrize(("brand", "scheme", "locale"), LOOKS)
def test_axe_finds_nothing_serious_on_the_desk(
    enter: Open, desks: dict[str, RiskSeeded], brand: str, scheme: str, locale: str
) -> None:
    visit = enter(brand, scheme=scheme, locale=locale, bypass_csp=True)
    found = {}
    for path in ("/risk", *(f"/risk/subscriptions/{n}" for n in (desks[brand].running, desks[brand].flagged))):
        visit.go(path)
        if findings := visit.axe():
            found[path] = findings
    assert found == {}


def test_the_desk_reads_without_javascript(open_brand: Open, live_runtime: LiveRuntime) -> None:
    visit = open_brand("aurora", java_script_enabled=False)
    visit.page.goto(visit.origin + link(live_runtime, "aurora", now=utc_now()))
    expect(visit.page.get_by_role("heading", name="Closest to a limit")).to_be_visible()
