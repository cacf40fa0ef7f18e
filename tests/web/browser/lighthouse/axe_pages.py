"""Walks every page that a brand's owner can reach, and has axe-core look at each in light and dark, 390 px wide."""

from __future__ import annotations

import shutil
from typing import Any

from browser_site import AXE
from playwright.sync_api import Page, sync_playwright

FLAGS = [
    *("--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run"),
    *("--disable-background-networking", "--disable-component-update", "--disable-sync"),
]
WIDTH = 390
STARTS = ("/", "/panel", "/staff/users", "/account", "/risk", "/desk", "/strategies", "/_patterns")
_LINKS = """links => links.map(link => new URL(link.href)).filter(({ origin, search }) =>
    origin === location.origin && !search).map(({ pathname }) => pathname)"""


def walked(origin: str, token: str) -> list[dict[str, Any]]:
    """Return every page that was found, with what is wrong with it."""
    chromium = shutil.which("chromium") or shutil.which("chromium-browser") or "chromium"
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=FLAGS)
        window = browser.new_context(viewport={"width": WIDTH, "height": 900}, reduced_motion="reduce", bypass_csp=True)
        window.add_cookies([{"name": "session", "value": token, "url": origin}])
        page = window.new_page()
        waiting, seen, found = list(STARTS), set(STARTS), []
        while waiting:
            path = waiting.pop(0)
            answer = page.goto(origin + path)
            if answer is None or "text/html" not in answer.headers.get("content-type", ""):
                continue
            failed = [f"answers {answer.status}"] if answer.status >= 500 else []
            found.append({"page": path, "wrong": failed + _wrong(page)})
            paths = page.eval_on_selector_all("a[href]", _LINKS)
            new = [one for one in dict.fromkeys(paths) if one not in seen]
            seen.update(new)
            waiting += new
        browser.close()
    return found


def _wrong(page: Page) -> list[str]:
    """Say what is wrong with the page that is open: what axe calls serious, and what stands beside the screen."""
    wrong = []
    if page.evaluate("document.documentElement.scrollWidth") > WIDTH:
        wrong.append("scrolls sideways")
    for scheme in ("light", "dark"):
        page.evaluate("scheme => { document.documentElement.dataset.scheme = scheme; }", scheme)
        page.evaluate(AXE.read_text(encoding="utf-8"))
        rules = page.evaluate("axe.run(document, {resultTypes: ['violations']})")["violations"]
        wrong += [
            f"{scheme} {rule['id']}: {node['html'][:100]}"
            for rule in rules
            if rule["impact"] in {"serious", "critical"}
            for node in rule["nodes"]
        ]
    return wrong
