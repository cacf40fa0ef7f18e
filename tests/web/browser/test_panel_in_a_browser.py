"""The config panel in a real browser: preview, publish, approve, switch off, roll back; and what is refused."""

from __future__ import annotations

import shutil
import socket
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest
from browser_site import LiveRuntime, Visit, serving_live, serving_sites, watch
from copydesk.stack import RedisServer, wait_until
from panel_site import directory_over, hire
from playwright.sync_api import Browser, expect
from site_seed import ROOT, Seeded

BLUE, PALE = "#1d4ed8", "#fff3b0"
Enter = Callable[..., Visit]


def one_process(database_url: str, seeded: Seeded, tenants: Path) -> LiveRuntime:
    """Return what one web process has: a directory of its own over the same files and the same database."""
    runtime = LiveRuntime(database_url, None, tenant_ids=seeded.tenant_ids)  # type: ignore[arg-type]
    runtime.directory = directory_over(runtime, tenants)
    return runtime


@pytest.fixture(scope="module")
def process(
    database_url: str, redis_server: RedisServer, seeded: Seeded, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[LiveRuntime]:
    tenants = tmp_path_factory.mktemp("site") / "tenants"
    shutil.copytree(ROOT / "tenants", tenants, ignore=shutil.ignore_patterns("_*"))
    if not redis_server.alive:
        redis_server.start()
    listening = socket.create_server(("127.0.0.1", 0))
    process = one_process(database_url, seeded, tenants)
    process.redis_url, process.live_port = redis_server.url, listening.getsockname()[1]
    with serving_live(process, listening):
        yield process


@pytest.fixture(scope="module")
def panel_port(process: LiveRuntime) -> Iterator[int]:
    with serving_sites(process) as port:
        yield port


@pytest.fixture
def enter(chromium: Browser, process: LiveRuntime, panel_port: int) -> Iterator[Enter]:
    """Open a window of somebody on a brand's staff."""
    with ExitStack() as closing:

        def opened(name: str = "Mara", brand: str = "aurora", role: str = "owner", **context: object) -> Visit:
            window = chromium.new_context(viewport={"width": 1280, "height": 900}, **context)  # type: ignore[arg-type]
            closing.callback(window.close)
            token = hire(process, role, brand, name)
            visit = watch(window, brand, panel_port)
            window.add_cookies([{"name": "session", "value": token, "url": visit.origin}])
            return visit

        yield opened


def publish(visit: Visit, reason: str) -> None:
    """Go from a filled form over its differences to the revision."""
    visit.page.get_by_role("button", name="Look at the changes").click()
    expect(visit.page.get_by_text("Nothing is published yet.")).to_be_visible()
    visit.page.get_by_label("Why").fill(reason)
    visit.page.get_by_role("button", name="these changes").click()
    expect(visit.page.get_by_role("heading", level=1)).to_contain_text("Revision")


def brand_color(visit: Visit) -> str:
    return str(visit.page.evaluate("getComputedStyle(document.documentElement).getPropertyValue('--brand').trim()"))


def test_a_color_is_previewed_published_followed_by_every_process_and_taken_back(
    enter: Enter, process: LiveRuntime, database_url: str, seeded: Seeded
) -> None:
    other = one_process(database_url, seeded, process.directory.by_slug("aurora").path.parents[1])  # type: ignore[union-attr]
    visit = enter()
    page = visit.go("/panel/brand")
    page.locator('[name="brand.colors.brand"]').fill(PALE)
    expect(page.locator("#palette")).to_contain_text("has a contrast of")
    page.locator('[name="brand.colors.brand"]').fill(BLUE)
    expect(page.locator("#palette")).to_contain_text("Every color can be read")
    with page.expect_popup() as opened:
        page.get_by_role("button", name="Preview the landing page").click()
    expect(opened.value.get_by_role("heading", level=1)).to_be_visible()
    assert opened.value.evaluate("getComputedStyle(document.documentElement).getPropertyValue('--brand')") == BLUE
    opened.value.close()
    publish(visit, "our new color")
    visit.go("/markets")
    assert brand_color(visit) == BLUE

    def followed() -> bool:
        other.directory.refresh_if_due()
        tenant = other.directory.by_slug("aurora")
        return tenant is not None and tenant.config.brand.colors.brand == BLUE

    assert wait_until(followed, patience_s=10.0, poll_s=0.05)
    page = visit.go("/panel/history/1")
    page.get_by_label("Why").fill("the old one was better")
    page.get_by_role("button", name="Take revision 1 back").click()
    expect(page.get_by_role("heading", level=1)).to_contain_text("Revision 2")
    visit.go("/markets")
    assert brand_color(visit) == "#c2410c"
    assert visit.complaints == []


def test_a_fee_that_one_owner_proposes_waits_until_another_approves_it(enter: Enter) -> None:
    mara, nils = enter("Mara"), enter("Nils")
    page = mara.go("/panel/fees")
    page.locator('[name="fees.profit_share_ratio"]').fill("12.5")
    publish(mara, "a better year")
    expect(page.get_by_text("You proposed this yourself")).to_be_visible()
    other = nils.go("/panel")
    other.get_by_role("link", name="Look at it").click()
    other.get_by_role("button", name="Approve and publish").click()
    expect(other.get_by_text("holds now")).to_be_visible()
    expect(nils.go("/fees").get_by_text("12.5").first).to_be_visible()
    assert mara.complaints + nils.complaints == []


def test_a_pair_is_switched_off_without_javascript(enter: Enter) -> None:
    visit = enter(java_script_enabled=False)
    page = visit.page
    page.goto(visit.origin + "/panel/markets")
    page.get_by_role("switch", name="SOL/USDT: On", exact=True).uncheck()
    publish(visit, "too thin")
    page.goto(visit.origin + "/markets")
    spot = page.get_by_role("table", name="Spot")
    expect(spot).to_contain_text("ETH/USDT")
    expect(spot).not_to_contain_text("SOL/USDT")


def test_what_is_wrong_is_told_at_its_field_and_what_was_typed_stays(enter: Enter, tmp_path: Path) -> None:
    visit = enter()
    page = visit.go("/panel/brand")
    fake = tmp_path / "logo.png"
    fake.write_text("<svg></svg>")
    page.locator('[name="brand.logo:file"]').set_input_files(fake)
    page.locator('[name="brand.tagline"]').fill("Slowly")
    page.get_by_role("button", name="Look at the changes").click()
    expect(page.locator("#form-errors")).to_contain_text("Logo: expected a PNG, JPEG or WebP picture.")
    expect(page.locator('[name="brand.tagline"]')).to_have_value("Slowly")
    page.locator('[name="brand.colors.brand"]').fill(PALE)
    page.get_by_role("button", name="Look at the changes").click()
    expect(page.get_by_text("is used instead")).to_be_visible()
    page = visit.go("/panel/hosts")
    page.locator('[name="brand.hosts"]').fill("aurora.localhost\nboreal.localhost")
    page.get_by_role("button", name="Look at the changes").click()
    expect(page.locator("#form-errors")).to_contain_text("found boreal.localhost")


def test_a_form_that_somebody_overtook_shows_both_values(enter: Enter) -> None:
    mara, nils = enter("Mara"), enter("Nils")
    bound = '[name="replication.slippage_bps_max"]'
    nils.go("/panel/trading").locator(bound).fill("70")
    mara.go("/panel/trading").locator(bound).fill("60")
    publish(mara, "quieter markets")
    nils.page.get_by_role("button", name="Look at the changes").click()
    expect(nils.page.locator("#form-errors")).to_contain_text("Mara set this to")
    expect(nils.page.locator(bound)).to_have_value("70")


@pytest.mark.parametrize(("brand", "scheme"), [("aurora", "light"), ("boreal", "dark")])
def test_the_panels_pages_have_no_serious_fault_for_anybody(enter: Enter, brand: str, scheme: str) -> None:
    visit = enter(brand=brand, color_scheme=scheme)
    for path in ("/panel", "/panel/brand", "/panel/markets", "/fees"):
        visit.go(path)
        assert visit.axe() == [], path
        visit.page.set_viewport_size({"width": 360, "height": 800})
        wide = visit.page.evaluate("document.documentElement.scrollWidth")
        assert wide <= 360, f"{path} is {wide} px wide"
        visit.page.set_viewport_size({"width": 1280, "height": 900})
    assert visit.complaints == []
