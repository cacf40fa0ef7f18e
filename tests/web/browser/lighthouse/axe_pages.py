"""Has axe-core look at every page of every role in light and dark, 390 px wide, and finds what stands wrongly there."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence
from itertools import chain
from typing import Any

from acts import acted
from browser_site import AXE
from playwright.sync_api import Browser, Page
from served import Sites
from strolling import enter, paint, starts, stroll

WIDTH = 390
RIGHT_TO_LEFT = "ar"
_NUMBERS = ("NaN", "Infinity", "undefined", "None", "null")
# Words that say a number went wrong, where they stand alone in a text.
_ODD = """words => {
    const texts = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT), found = [];
    for (let node; (node = texts.nextNode());)
        if (words.includes(node.data.trim()) && !node.parentElement.closest("script, style, option, code"))
            found.push(`${node.data.trim()} in ${node.parentElement.outerHTML.slice(0, 80)}`);
    return found;
}"""
# What a finger has to hit and cannot: lower than 44 px, or narrower than 24. A box that stands in a label is as large
# as its label, a link that spreads over its row as large as that; what is in a sentence is as high as its line.
_SMALL = """() => {
    const found = document.querySelectorAll(":is(a[href], button, [role=button], input, select, textarea, summary)");
    return [...found].filter((one) => {
        if (!one.checkVisibility({ opacityProperty: true, visibilityProperty: true })) return false;
        if (one.closest(".visually-hidden, .skip, .tip") || getComputedStyle(one).display === "inline") return false;
        if (getComputedStyle(one, "::after").position === "absolute") return false;
        const boxes = [one, one.closest("label")].filter(Boolean).map((each) => each.getBoundingClientRect());
        return boxes[0].width > 1 && boxes.every(({ height, width }) => height < 43.5 || width < 24);
    }).map((one) => `${one.offsetHeight} px ${one.outerHTML.slice(0, 90)}`);
}"""


def walked(
    browser: Browser, sites: Sites, roles: Sequence[str], theme: str, *, locale: str = "en"
) -> Iterator[dict[str, Any]]:
    """Look at every page of these roles in a theme; from right to left in light only."""
    schemes = ("light",) if locale == RIGHT_TO_LEFT else ("light", "dark")
    known: set[str] = set()
    with sites.serving(theme, locale=locale) as origin:
        for role in roles:
            size = {"width": WIDTH, "height": 900}
            window = browser.new_context(viewport=size, reduced_motion="reduce", bypass_csp=True, locale=locale)  # type: ignore[arg-type]
            page = enter(window, sites.world, role, origin)
            led = chain(stroll(page, origin, starts(sites.world, role), known), acted(page, sites.world, role, origin))
            for seen in led:
                sys.stderr.write(f"{theme} {locale} {role} {seen.path}\n")
                wrong = [*seen.failed, *_wrong(seen.page, schemes)]
                wrong += [f"answers {seen.status}"] if seen.status >= 500 else []
                yield {"theme": theme, "locale": locale, "role": role, "page": seen.path, "wrong": wrong}
            window.close()


def _wrong(page: Page, schemes: Sequence[str]) -> list[str]:
    """Say what is wrong with the page that is open: what axe calls serious, and what a person would trip over."""
    wrong = [*page.evaluate(_ODD, _NUMBERS), *(f"too small: {one}" for one in page.evaluate(_SMALL))]
    if page.evaluate("document.documentElement.scrollWidth") > WIDTH:
        wrong.append("scrolls sideways")
    page.evaluate(AXE.read_text(encoding="utf-8"))
    for scheme in schemes:
        paint(page, scheme)
        rules = page.evaluate("axe.run(document, {resultTypes: ['violations']})")["violations"]
        wrong += [
            f"{scheme} {rule['id']}: {node['html'][:100]}"
            for rule in rules
            if rule["impact"] in {"serious", "critical"}
            for node in rule["nodes"]
        ]
    return wrong
