"""Every component in every theme, light and dark, wide and narrow: nothing missing, nothing beside or over another.

The pictures stay in `var/shots` for whoever wants to look. They are not compared: fonts differ between machines.
"""

from __future__ import annotations

import re
import shutil
from collections.abc import Iterator
from contextlib import AbstractContextManager
from pathlib import Path

import pytest
from browser_site import LiveRuntime, Visit, serving_sites, themed, watch
from playwright.sync_api import Browser, Page
from site_seed import ROOT

SHOTS = ROOT / "var" / "shots"
THEMES = ("core", "aurora", "obsidian")
SCHEMES, WIDTHS = ("light", "dark"), (1280, 390)
COMPONENTS = (
    *("button", "field", "switch", "segmented", "segments", "card", "stat", "delta", "spark"),
    *("equity", "table", "pager", "tabs", "stepper", "sheet", "sheet--drawer", "toast", "banner", "badge", "progress"),
    *("skeleton", "avatar", "menu", "tip", "joined--figure", "slider", "profiles", "hop", "ticket"),
    *("levels", "copy-box", "diff", "empty", "choice", "tick", "confirm", "field--error", "joined__color", "shown"),
    *("chip", "place", "remark", "hint", "fig", "months", "histogram", "part", "sentences", "line", "best"),
)
# Pairs of texts whose lines cover each other, without what is meant to lie above the page or is there for ears only.
_OVERLAPS = """() => {
    const apart = ".visually-hidden, [popover], [role=tooltip], .menu__list, thead, .masthead, svg, option, [hidden]";
    const lines = [], found = [];
    const texts = document.createTreeWalker(document.querySelector("main"), NodeFilter.SHOW_TEXT);
    for (let node; (node = texts.nextNode());) {
        const around = node.parentElement;
        if (!node.data.trim() || around.closest(apart) || !around.checkVisibility()) continue;
        if (getComputedStyle(around).clipPath !== "none") continue;
        const range = document.createRange();
        range.selectNodeContents(node);
        for (const box of range.getClientRects()) if (box.width > 1) lines.push([box, node]);
    }
    lines.sort(([one], [other]) => one.top - other.top);
    for (let i = 0; i < lines.length; i++) {
        const [one, node] = lines[i];
        for (let j = i + 1; j < lines.length && lines[j][0].top < one.bottom - 4; j++) {
            const [other, next] = lines[j];
            const wide = Math.min(one.right, other.right) - Math.max(one.left, other.left);
            const high = Math.min(one.bottom, other.bottom) - other.top;
            if (wide > 2 && high > Math.min(one.height, other.height) * 0.4) {
                found.push(`${node.data.trim().slice(0, 40)} | ${next.data.trim().slice(0, 40)}`);
            }
        }
    }
    return found;
}"""
_BESIDE = """() => [...document.querySelectorAll("main *")].filter((one) => {
    const box = one.getBoundingClientRect();
    const kept = one.closest("[popover], [role=tooltip], .visually-hidden, .menu__list, svg, .code, .tabs, canvas");
    if (kept || !box.width || getComputedStyle(one).clipPath !== "none") return false;
    return box.right > innerWidth + 1 || box.left < -1;
}).map((one) => one.outerHTML.slice(0, 80)).slice(0, 5)"""
_EMPTY = """() => [...document.querySelectorAll("section.patterns")].filter((one) =>
    one.getBoundingClientRect().height < 40).map((one) => one.getAttribute("aria-labelledby"))"""


@pytest.fixture(scope="module")
def ports(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, int]]:
    """Aurora in each theme, without a logo in core; the page of patterns needs no database."""
    folder = tmp_path_factory.mktemp("themes")
    shutil.rmtree(SHOTS, ignore_errors=True)
    SHOTS.mkdir(parents=True)
    with serving(folder, "core") as core, serving(folder, "aurora") as aurora, serving(folder, "obsidian") as obsidian:
        yield {"core": core, "aurora": aurora, "obsidian": obsidian}


def serving(folder: Path, theme: str) -> AbstractContextManager[int]:
    def change(file: str) -> str:
        file = re.sub(r"(?m)^locales: .*$", "locales: [en, ar]", file)
        return re.sub(r"(?m)^  (logo|favicon): .*\n", "", file) if theme == "core" else file

    runtime = LiveRuntime(
        "postgresql://nobody@127.0.0.1:1/none", themed(folder / theme, theme, change), tenant_ids={"aurora": 1}
    )
    return serving_sites(runtime)


def opened(chromium: Browser, port: int, locale: str = "en") -> Visit:
    window = chromium.new_context(reduced_motion="reduce", locale=locale, bypass_csp=True)
    visit = watch(window, "aurora", port)
    visit.go("/_patterns")
    return visit


def faults(page: Page, width: int) -> dict[str, list[str]]:
    """Return what stands wrongly in a window of this width."""
    page.set_viewport_size({"width": width, "height": 900})
    looked_at = {"beside the page": _BESIDE, "over each other": _OVERLAPS, "without height": _EMPTY}
    return {f"{what} at {width}": found for what, script in looked_at.items() if (found := page.evaluate(script))}


def paint(page: Page, scheme: str) -> None:
    page.evaluate("scheme => { document.documentElement.dataset.scheme = scheme; }", scheme)


def shoot(page: Page, name: str) -> None:
    page.screenshot(path=SHOTS / f"{name}.jpg", full_page=True, type="jpeg", quality=60)


@pytest.mark.parametrize("theme", THEMES)
def test_each_component_stands_where_it_belongs(chromium: Browser, ports: dict[str, int], theme: str) -> None:
    visit = opened(chromium, ports[theme])
    found = {}
    for width in WIDTHS:
        found |= faults(visit.page, width)
        for scheme in SCHEMES:
            paint(visit.page, scheme)
            shoot(visit.page, f"{theme}-{scheme}-{width}")
    missing = [name for name in COMPONENTS if not visit.page.locator(f"main .{name}").count()]
    visit.context.close()
    assert (found, missing, visit.complaints) == ({}, [], [])


def test_from_right_to_left_each_component_stands_there_too(chromium: Browser, ports: dict[str, int]) -> None:
    visit = opened(chromium, ports["core"], "ar")
    found = faults(visit.page, 390)
    shoot(visit.page, "core-light-390-ar")
    visit.context.close()
    assert found == {}


def test_axe_finds_nothing_serious_on_the_plain_theme(chromium: Browser, ports: dict[str, int]) -> None:
    """The two other themes are the demo brands', and are looked at with all their pages."""
    visit = opened(chromium, ports["core"])
    found = {}
    for scheme in SCHEMES:
        paint(visit.page, scheme)
        found[scheme] = visit.axe()
    visit.context.close()
    assert found == {"light": [], "dark": []}
