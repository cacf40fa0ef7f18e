"""The live page as it is served, and as a browser shows it."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from control_world import ControlWorld, control_world
from lab_process import TOKEN, LabProcess
from playwright.sync_api import Browser, sync_playwright

FLAGS = ["--headless", "--no-sandbox", "--disable-gpu"]
PAGE = Path(__file__).parents[3] / "platform" / "copydesk" / "venues" / "lab" / "page"


@pytest.fixture
def world(tmp_path: Path) -> Iterator[ControlWorld]:
    with control_world(tmp_path) as made:
        yield made


def test_the_page_and_its_parts_are_given_to_anyone_and_name_no_other_place(world: ControlWorld) -> None:
    for path, kind in (("/", b"text/html"), ("/page.css", b"text/css"), ("/page.js", b"text/javascript")):
        answer = world.answer("GET", path, token="")
        assert (answer.status, answer.content_type.startswith(kind)) == (200, True)
        assert b"default-src 'none'" in answer.headers
        assert b"http://" not in answer.body
        assert b"https://" not in answer.body
        assert TOKEN.encode() not in answer.body


@pytest.mark.parametrize("path", ["/page.py", "/../server.py", "/index.html", "/__init__.py"])
def test_nothing_else_is_given(world: ControlWorld, path: str) -> None:
    assert world.answer("GET", path).status == 404


def test_no_text_becomes_markup() -> None:
    script = (PAGE / "page.js").read_text()
    assert not [word for word in ("innerHTML", "insertAdjacentHTML", "document.write", "eval(") if word in script]


@pytest.fixture(scope="module")
def chromium() -> Iterator[Browser]:
    """Chromium from the distribution; where it is missing a visible skip, but a failure where CI promises it."""
    found = shutil.which("chromium") or shutil.which("chromium-browser")
    if found is None:
        (pytest.fail if os.environ.get("CI") == "true" else pytest.skip)("chromium is missing: install its package")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=found, args=FLAGS)
        yield browser
        browser.close()


@pytest.mark.parametrize(("width", "scheme"), [(1280, "light"), (360, "dark")])
def test_a_browser_shows_books_accounts_and_journal(
    lab: LabProcess, chromium: Browser, width: int, scheme: str
) -> None:
    name = f"<b>{scheme}</b>"
    page = chromium.new_page(viewport={"width": width, "height": 800}, color_scheme=scheme)
    errors: list[str] = []
    page.on("pageerror", lambda error: errors.append(str(error)))
    page.on("console", lambda message: errors.append(message.text) if message.type == "error" else None)
    page.goto(f"{lab.ready['control']}/#token={TOKEN}")
    page.get_by_role("button", name="bybit").click()
    # Only now: the page begins with the newest records, and a browser that starts slowly would miss this one.
    lab.control("POST", "accounts", account=name, venue="bybit", balances={"USDT": "5000"})
    page.get_by_role("cell", name=name, exact=True).wait_for()
    page.locator("#books").get_by_role("cell", name="BTCUSDT").first.wait_for()
    page.locator("#journal").get_by_text("created").first.wait_for()
    assert TOKEN not in page.url
    assert page.evaluate("document.documentElement.scrollWidth <= window.innerWidth")
    assert errors == []
    page.close()


def test_a_wrong_token_asks_for_another(lab: LabProcess, chromium: Browser) -> None:
    page = chromium.new_page()
    page.goto(f"{lab.ready['control']}/#token=wrong")
    page.get_by_text("expected the lab's token").wait_for()
    page.get_by_label("Control token").fill(TOKEN)
    page.get_by_role("button", name="Show the lab").click()
    page.get_by_role("heading", name="Books").wait_for()
    page.close()
