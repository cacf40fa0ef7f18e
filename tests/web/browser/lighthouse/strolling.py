"""Goes from page to page as somebody of the brand, along the links that they see."""

from __future__ import annotations

import re
import shutil
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from typing import NamedTuple

from inhabitants import World
from playwright.sync_api import Browser, BrowserContext, Page, sync_playwright
from playwright.sync_api import TimeoutError as TooLate

FLAGS = [
    *("--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run"),
    *("--disable-background-networking", "--disable-component-update", "--disable-sync"),
]
_PATIENCE_MS = 1_500
_LINKS = """links => links.map(link => new URL(link.href)).filter(({ origin, search }) =>
    origin === location.origin && !search).map(({ pathname }) => pathname)"""
_NO_PAGE = re.compile(r"\.\w+$")
# What stands in an address and makes no other kind of page.
_ONE_OF_MANY = re.compile(
    r"(?<=/)\d+|(?<=^/strategies/)[\w-]+|(?<=^/staff/strategies/)[\w-]+|(?<=^/staff/ranking/)[\w-]+"
    r"|(?<=^/keys/new/)\w+|(?<=^/studio/)(?!apply$)[\w-]+|(?<=/legal/)\w+"
)
_PAINT = """scheme => {
    document.documentElement.dataset.scheme = scheme;
    document.dispatchEvent(new CustomEvent("schemechange"));
}"""
# Charts are drawn, and what a page asks for at its beginning is there.
_DRAWN = """() => ![...document.querySelectorAll("[data-chart], [data-terminal-chart]")].some((one) =>
    one.checkVisibility() && !one.querySelector("canvas")) && !document.querySelector("#preflight .skeleton")"""
_READY = "() => document.fonts.ready.then(() => new Promise((done) => requestAnimationFrame(() => done())))"


class Seen(NamedTuple):
    """A page that is open, what the server answered, and what its scripts did not catch."""

    path: str
    page: Page
    status: int
    failed: tuple[str, ...]


@contextmanager
def chromium() -> Iterator[Browser]:
    """Run a browser until the block ends."""
    path = shutil.which("chromium") or shutil.which("chromium-browser") or "chromium"
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=FLAGS)
        yield browser
        browser.close()


def starts(world: World, role: str) -> tuple[str, ...]:
    """Name where somebody begins; what no link leads to stands here with its whole address."""
    return {
        "visitor": (
            *("/", "/strategies", f"/compare?s={world.strategy}&s=both-ways", "/desk", "/guest", "/nothing-here"),
            *("/account/sign-in", "/account/register", "/account/forgot", "/offline", "/_patterns"),
            *("/account/register/sent", "/account/forgot/sent", "/account/verify/none", "/invitation/none"),
        ),
        "follower": (
            *("/home", f"/copying/{world.subscription_id}", "/activity", "/copying/stop-everything", "/watching"),
            *("/wallets", "/keys", "/account", "/notices", "/notices/settings", f"/strategies/{world.strategy}"),
            *("/strategies/both-ways/copy", "/strategies/both-ways/copy?check=1", "/home?state=paused"),
            f"/strategies/both-ways/copy/review?account={world.account_id}&amount=500&profile=balanced",
        ),
        "guest": ("/home", "/guest/live", "/guest/keep", "/activity", "/account", "/", "/strategies/both-ways/copy"),
        "trader": ("/studio", f"/terminal/{world.terminal_id}?symbol=BTC/USDT:USDT", "/terminal", "/account"),
        "owner": ("/panel", "/staff/users", "/account", "/risk", "/staff"),
    }[role]


def enter(window: BrowserContext, world: World, role: str, origin: str) -> Page:
    """Open a window as somebody of this role."""
    become(window, world, role, origin)
    return window.new_page()


def become(window: BrowserContext, world: World, who: str, origin: str) -> None:
    """Sign in as somebody else, a role or a persona, by the session that was stored for them."""
    window.clear_cookies(name="session")
    if token := world.tokens[who]:
        window.add_cookies([{"name": "session", "value": token, "url": origin}])


def heard(page: Page) -> list[str]:
    """Listen for errors of the scripts of whatever this window opens."""
    failed: list[str] = []
    page.on("pageerror", lambda error: failed.append(f"script: {error}"))
    return failed


def stroll(page: Page, origin: str, first: Sequence[str], known: set[str]) -> Iterator[Seen]:
    """Open every page that links lead to; of pages that differ only by what they are about, one.

    Each is open until the next is asked for. `known` are the kinds that were looked at: whoever strolls after somebody
    else goes where those have not been, and where they begin themselves.
    """
    waiting = list(first)
    failed = heard(page)
    known.update(map(_shape, first))
    while waiting:
        path = waiting.pop(0)
        failed.clear()
        answer = page.goto(origin + path)
        if answer is None or "text/html" not in answer.headers.get("content-type", ""):
            continue
        let_draw(page)
        links = page.eval_on_selector_all("a[href]:not([download])", _LINKS)
        yield Seen(path, page, answer.status, tuple(failed))
        for link in links:
            if not _NO_PAGE.search(link) and _shape(link) not in known:
                known.add(_shape(link))
                waiting.append(link)


def paint(page: Page, scheme: str) -> None:
    """Show the open page in another color scheme, its charts too."""
    page.evaluate(_PAINT, scheme)
    page.evaluate(_READY)
    let_draw(page)


def let_draw(page: Page) -> None:
    """Wait a little until charts are drawn and what the page asks for is there."""
    with suppress(TooLate):  # Some charts have nothing to draw.
        page.wait_for_function(_DRAWN, timeout=_PATIENCE_MS)


def _shape(path: str) -> str:
    return _ONE_OF_MANY.sub("*", path.partition("?")[0]) + ("?" if "?" in path else "")
