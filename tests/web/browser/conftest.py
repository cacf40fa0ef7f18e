"""A headless Chromium on the two seeded brands. Without Chromium: a visible skip, but a failure where CI=true."""

from __future__ import annotations

import os
import shutil
import socket
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest
from browser_site import AXE, PAGES, LiveRuntime, Visit, serving_live, serving_sites, watch
from copydesk.stack import RedisServer
from playwright.sync_api import Browser, sync_playwright
from site_seed import STRATEGIES, FakeRuntime, Seeded

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or "chromium"
FLAGS = [
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]


def require(file: Path, remedy: str) -> None:
    """Skip where a file is missing; fail where CI promises that it is there."""
    if file.exists():
        return
    sentence = f"{file.name} is missing: {remedy}"
    if os.environ.get("CI") == "true":
        pytest.fail(sentence)
    pytest.skip(sentence)


@pytest.fixture(scope="module")
def chromium() -> Iterator[Browser]:
    """One browser per module: Playwright keeps an event loop on this thread for as long as it runs."""
    require(Path(CHROMIUM), "install the distribution's chromium package")
    require(AXE, "run scripts/assets")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        yield browser
        browser.close()


@pytest.fixture(scope="module")
def live_runtime(database_url: str, redis_server: RedisServer, runtime: FakeRuntime) -> Iterator[LiveRuntime]:
    """The runtime of both brands, with live events served."""
    if not redis_server.alive:
        redis_server.start()
    listening = socket.create_server(("127.0.0.1", 0))
    served = LiveRuntime(
        database_url,
        runtime.directory,
        redis_url=redis_server.url,
        tenant_ids=runtime.tenant_ids,
        live_port=listening.getsockname()[1],
    )
    with serving_live(served, listening):
        yield served


@pytest.fixture(scope="module")
def site_port(live_runtime: LiveRuntime) -> Iterator[int]:
    """The port under which both brands are served."""
    with serving_sites(live_runtime) as port:
        yield port


@pytest.fixture
def open_brand(chromium: Browser, site_port: int) -> Iterator[Callable[..., Visit]]:
    """Open a window on a brand: width, color scheme and locale as asked."""
    with ExitStack() as closing:

        def open_window(brand: str, *, width: int = 1280, scheme: str | None = None, **context: Any) -> Visit:
            window = chromium.new_context(viewport={"width": width, "height": 900}, reduced_motion="reduce", **context)
            closing.callback(window.close)
            if scheme:
                window.add_init_script(f"localStorage.setItem('scheme', '{scheme}')")
            return watch(window, brand, site_port)

        yield open_window


@pytest.fixture
def paths(seeded: Seeded) -> Callable[[str], list[str]]:
    """List every public page of a brand."""
    return lambda brand: [p.format(strategy=STRATEGIES[brand][0], signal=seeded.signal_ids[brand]) for p in PAGES]
