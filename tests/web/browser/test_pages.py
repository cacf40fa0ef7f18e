"""Every public page in a real browser: silent console, no violated policy, no sideways scroll, accessible."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from browser_site import LiveRuntime, Visit, serving_sites, themed, watch
from playwright.sync_api import Browser

Open = Callable[..., Visit]
Paths = Callable[[str], list[str]]
BRANDS = ("aurora", "boreal")
LOOKS = [
    ("aurora", "light", "en"),
    ("aurora", "dark", "de"),
    ("boreal", "dark", "ar"),
    ("boreal", "light", "en"),
]


def unexpected(visit: Visit) -> list[str]:
    """Leave out the one complaint that a missing page earns."""
    return [line for line in visit.complaints if "status of 404" not in line]


@pytest.mark.parametrize("width", [390, 1280])
@pytest.mark.parametrize("brand", BRANDS)
def test_pages_load_without_errors_or_policy_violations(open_brand: Open, paths: Paths, brand: str, width: int) -> None:
    visit = open_brand(brand, width=width)
    for path in paths(brand):
        visit.go(path)
    assert unexpected(visit) == []


@pytest.mark.parametrize(("brand", "locale"), [("aurora", "de"), ("boreal", "ar")])
def test_no_page_scrolls_sideways_on_a_small_phone(open_brand: Open, paths: Paths, brand: str, locale: str) -> None:
    visit = open_brand(brand, width=360, locale=locale)
    wide = []
    for path in paths(brand):
        if visit.go(path).evaluate("document.documentElement.scrollWidth") > 360:
            wide.append(path)
    assert wide == []


@pytest.mark.parametrize(("brand", "scheme", "locale"), LOOKS)
def test_axe_finds_nothing_serious(open_brand: Open, paths: Paths, brand: str, scheme: str, locale: str) -> None:
    visit = open_brand(brand, scheme=scheme, locale=locale, bypass_csp=True)
    found = {}
    for path in paths(brand):
        visit.go(path)
        if findings := visit.axe():
            found[path] = findings
    assert found == {}


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_nothing_serious_in_the_plain_theme(
    chromium: Browser, live_runtime: LiveRuntime, paths: Paths, tmp_path: Path, scheme: str
) -> None:
    """Its page of patterns is looked at in test_patterns_in_themes.py."""
    plain = replace(live_runtime, directory=themed(tmp_path / "tenants", "core"))
    found = {}
    with serving_sites(plain) as port, chromium.new_context(bypass_csp=True, reduced_motion="reduce") as window:
        window.add_init_script(f"localStorage.setItem('scheme', '{scheme}')")
        visit = watch(window, "aurora", port)
        for path in paths("aurora"):
            if path != "/_patterns" and (findings := visit.go(path) and visit.axe()):
                found[path] = findings
    assert found == {}


def test_arabic_pages_run_from_right_to_left_and_charts_do_not(open_brand: Open) -> None:
    page = open_brand("boreal", locale="ar").go("/strategies/fjord")
    assert page.locator("html").get_attribute("dir") == "rtl"
    assert page.locator("figure.equity").evaluate("node => getComputedStyle(node).direction") == "ltr"


def test_the_two_brands_differ_in_face_ground_and_structure(open_brand: Open) -> None:
    looks = []
    for brand in BRANDS:
        page = open_brand(brand).go("/")
        style = page.evaluate(
            "(() => { const html = getComputedStyle(document.documentElement), title = "
            "getComputedStyle(document.querySelector('h1')); return [html.backgroundColor, title.fontFamily]; })()"
        )
        looks.append((*style, page.locator("[data-feed]").evaluate("node => node.tagName")))
    assert all(one != other for one, other in zip(*looks, strict=True))


def test_the_chosen_color_scheme_stays(open_brand: Open) -> None:
    visit = open_brand("aurora", color_scheme="light")
    visit.go("/").get_by_role("button", name="Dark colors").click()
    page = visit.go("/strategies")
    assert page.evaluate("getComputedStyle(document.documentElement).colorScheme") == "dark"
    assert page.get_by_role("button", name="Dark colors").get_attribute("aria-pressed") == "true"


def test_an_interactive_chart_covers_the_drawn_one(open_brand: Open) -> None:
    page = open_brand("aurora").go("/strategies/dawn")
    page.locator(".equity canvas").wait_for()
    assert page.locator(".equity__svg").count() == 0


def test_without_javascript_the_drawn_chart_stays(open_brand: Open) -> None:
    visit = open_brand("aurora", java_script_enabled=False)
    visit.page.goto(f"{visit.origin}/strategies/dawn")
    assert visit.page.locator(".equity__svg").is_visible()
