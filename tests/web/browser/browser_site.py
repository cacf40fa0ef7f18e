"""The two brands and their live events on real sockets, and what a test asks of a page."""

from __future__ import annotations

import asyncio
import re
import shutil
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from aiohttp import web
from copydesk.bootstrap import declared_settings
from copydesk.kernel import Clock
from copydesk.tenancy import TenantDirectory
from copydesk.web import create_app, create_live_app
from copydesk.web.database import db
from copydesk.web.live import LIVE
from copydesk.web.port import Runtime
from playwright.sync_api import BrowserContext, ConsoleMessage, Page
from site_seed import HOSTS, ROOT, FakeRuntime, FixedClock
from werkzeug.serving import WSGIRequestHandler, make_server

AXE = Path(__file__).parents[3] / "themes" / "core" / "node_modules" / "axe-core" / "axe.min.js"
PAGES = (
    *("/", "/strategies", "/strategies/{strategy}", "/compare?s={strategy}", "/methodology"),
    *("/desk", "/desk/{signal}", "/_patterns", "/nothing-here"),
)
_WATCH = """
window.violations = [];
addEventListener("securitypolicyviolation", ({ violatedDirective, blockedURI }) => {
    violations.push(`${violatedDirective} ${blockedURI}`);
});
"""


@dataclass
class LiveRuntime(FakeRuntime):
    """The seeded runtime with live events at a port of the test's choice."""

    live_port: int = 0

    def live_url(self, host: str) -> str:
        return f"http://{host.partition(':')[0]}:{self.live_port}"


class _Quiet(WSGIRequestHandler):
    def log(self, type: str, message: str, *args: Any) -> None:  # noqa: A002 - werkzeug's name
        """Keep requests out of the test output."""


@contextmanager
def serving_sites(runtime: LiveRuntime, clock: Clock | None = None) -> Iterator[int]:
    """Serve the pages from a thread, at a time that stands still where no clock is given; yields the port."""
    app = create_app(runtime, clock=clock or FixedClock())
    server = make_server("127.0.0.1", 0, app, threaded=True, request_handler=_Quiet)
    server.daemon_threads = False  # Closing waits for requests under way, so that none keeps a connection.
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield server.server_port
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
        with app.app_context():
            db.engine.dispose()


@contextmanager
def serving_live(runtime: Runtime, listening: socket.socket, clock: Clock | None = None) -> Iterator[None]:
    """Serve live events from a thread with its own loop, at the time of the pages; yields once Redis is heard."""
    ready, stopping = threading.Event(), asyncio.Event()
    loops: list[asyncio.AbstractEventLoop] = []

    async def serve() -> None:
        loops.append(asyncio.get_running_loop())
        app = create_live_app(runtime, clock=clock or FixedClock())
        runner = web.AppRunner(app, handler_cancellation=True, shutdown_timeout=1)
        await runner.setup()
        await web.SockSite(runner, listening).start()
        await app[LIVE].subscribed.wait()
        ready.set()
        await stopping.wait()
        await runner.cleanup()

    thread = threading.Thread(target=lambda: asyncio.run(serve()))
    thread.start()
    try:
        assert ready.wait(timeout=20), "the live server did not start"
        yield
    finally:
        if loops:
            loops[0].call_soon_threadsafe(stopping.set)
        thread.join()


@dataclass(frozen=True)
class Visit:
    """One open browser window on a brand, and every complaint that its pages made."""

    context: BrowserContext
    page: Page
    origin: str
    complaints: list[str]

    def go(self, path: str) -> Page:
        self.page.goto(self.origin + path, wait_until="load")
        self.complaints.extend(self.page.evaluate("violations"))
        return self.page

    def axe(self) -> list[str]:
        """Return the serious and critical findings of axe-core as short lines."""
        self.page.evaluate(AXE.read_text(encoding="utf-8"))
        found = self.page.evaluate("axe.run(document, {resultTypes: ['violations']})")
        assert found["passes"], "axe-core looked at nothing"
        return [
            f"{rule['id']}: {node['html'][:120]} ({node['any'][0]['message'] if node['any'] else rule['help']})"
            for rule in found["violations"]
            if rule["impact"] in {"serious", "critical"}
            for node in rule["nodes"]
        ]


def themed(folder: Path, theme: str, change: Callable[[str], str] = str) -> TenantDirectory:
    """Install both brands in a theme, each with what `change` makes of its file; the theme says how dense it is."""
    shutil.copytree(ROOT / "tenants", folder, ignore=shutil.ignore_patterns("_*"))
    for file in folder.glob("*/tenant.yaml"):
        said = re.sub(r"(?m)^  theme: .*$", f"  theme: {theme}", file.read_text())
        file.write_text(change(re.sub(r"(?m)^  (radius_px|density): .*\n", "", said)))
    defaults = ROOT / "config" / "defaults.yaml"
    return TenantDirectory(folder, defaults, themes_dir=ROOT / "themes", settings=declared_settings())


def watch(context: BrowserContext, brand: str, port: int) -> Visit:
    """Open a window whose console errors, exceptions and policy violations are collected."""
    context.add_init_script(_WATCH)
    page = context.new_page()
    complaints: list[str] = []

    def hear(message: ConsoleMessage) -> None:
        if message.type == "error":
            complaints.append(f"{message.text} {message.location['url']}")

    page.on("console", hear)
    page.on("pageerror", lambda error: complaints.append(str(error)))
    return Visit(context, page, f"http://{HOSTS[brand]}:{port}", complaints)
