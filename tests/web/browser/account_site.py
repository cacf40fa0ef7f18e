"""Both brands as they are installed: real key files, mail into folders, and a key desk that asks a lab over HTTP."""

from __future__ import annotations

import asyncio
import json
import socket
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import default
from pathlib import Path

from browser_site import _Quiet, serving_live
from copydesk.bootstrap import Runtime
from copydesk.cli.web import SiteRuntime
from copydesk.demo.lab_control import LabControl, LabKey
from copydesk.identity.hashing import HashCost, Hasher
from copydesk.kernel import end, utc_now
from copydesk.replication import Whereabouts
from copydesk.stack import wait_until
from copydesk.venues import Venue
from copydesk.web import create_app
from copydesk.web.database import db
from copydesk.web.post import Post
from copydesk.workers.key_desk import KeyDesk
from site_seed import HOSTS, ROOT
from werkzeug.serving import make_server

_TOKEN = "token-of-these-tests"
_PATIENCE_S = 20.0


@dataclass
class Ahead:
    """A clock that goes on by itself, and that a test sets forward."""

    by: timedelta = timedelta()

    def now(self) -> datetime:
        return utc_now() + self.by

    def monotonic(self) -> float:
        return self.now().timestamp()


class CheapSites(SiteRuntime):
    """The sites' runtime with passwords that cost nothing to hash."""

    hashing = Hasher(HashCost(memory_kib=8, passes=1, lanes=1))


@dataclass
class AccountSite:
    """What a test of accounts may reach besides the pages."""

    runtime: Runtime
    clock: Ahead
    lab: LabControl
    port: int = 0
    seen: set[Path] = field(default_factory=set)

    def origin(self, brand: str) -> str:
        return f"http://{HOSTS[brand]}:{self.port}"

    def lab_key(self, account: str, *permissions: str, venue: str = "binance") -> LabKey:
        """Open an account on the lab, and return a key that may do this."""
        if not self.lab.view(account):
            self.lab.call("POST", "accounts", {"account": account, "venue": venue, "balances": {"USDT": "1000"}})
        made = self.lab.call(
            "POST", "keys", {"account": account, "permissions": list(permissions), "ips": ["127.0.0.1"]}
        )
        return LabKey(made["apiKey"], made["secret"], made.get("passphrase") or "")

    def mail(self, brand: str, to: str) -> EmailMessage:
        """Wait for the next mail to somebody, and return it."""
        found: list[EmailMessage] = []

        def arrived() -> bool:
            for path in sorted(set(self.folder(brand).glob("*.eml")) - self.seen, key=lambda path: int(path.stem)):
                message = message_from_bytes(path.read_bytes(), policy=default)
                assert isinstance(message, EmailMessage)
                if str(message["To"]) == to:
                    self.seen.add(path)
                    found.append(message)
                    return True
            return False

        assert wait_until(arrived, patience_s=_PATIENCE_S, poll_s=0.02), f"no mail to {to}"
        return found[0]

    def link(self, brand: str, to: str) -> str:
        """Wait for the next mail to somebody, and return the address that it leads to."""
        body = self.mail(brand, to).get_body(("plain",))
        assert body is not None
        [link] = [line for line in body.get_content().splitlines() if line.startswith("http")]
        assert str(link).startswith(self.origin(brand) + "/")
        return str(link)

    def folder(self, brand: str) -> Path:
        return self.runtime.places.var / "mail" / brand


@contextmanager
def account_site(environ: Mapping[str, str], folder: Path) -> Iterator[AccountSite]:
    """Serve both brands with everything that an account needs, until the block ends."""
    with ExitStack() as closing:
        rest, stream, control = closing.enter_context(_lab(folder))
        lab = closing.enter_context(LabControl(control, _TOKEN))
        where = {"COPYDESK_ROOT": str(ROOT), "COPYDESK_VAR": str(folder / "var")}
        wired = {**environ, **where, "COPYDESK_LAB_REST": rest, "COPYDESK_LAB_STREAM": stream}
        listener, pages = Runtime(wired), Runtime(wired, opens_exchange_keys=False)
        closing.callback(listener.close)
        closing.callback(pages.close)
        site = AccountSite(listener, Ahead(), lab)
        closing.enter_context(_key_desk(listener, site.clock))
        site.port = closing.enter_context(_pages(pages, site.clock))
        yield site


@contextmanager
def _lab(folder: Path) -> Iterator[tuple[str, str, str]]:
    token = folder / "token"
    token.write_text(_TOKEN)
    command = [
        sys.executable,
        "-m",
        "copydesk.venues.lab",
        "--data-dir",
        str(folder / "lab"),
        "--token-file",
        str(token),
    ]
    with subprocess.Popen([*command, "--light"], stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        ready = json.loads(process.stdout.readline())
        try:
            yield ready["rest"], ready["ws"], ready["control"]
        finally:
            process.terminate()


@contextmanager
def _pages(runtime: Runtime, clock: Ahead) -> Iterator[int]:
    """Serve the pages, their post and their live events from threads; yields the port."""
    sites: list[CheapSites] = []
    app_of: Callable[..., object] = lambda *request: app(*request)  # noqa: E731 - the port is known before the app
    server = make_server("127.0.0.1", 0, app_of, threaded=True, request_handler=_Quiet)
    listening = socket.create_server(("127.0.0.1", 0))
    live = f"http://{{host}}:{listening.getsockname()[1]}"
    sites.append(CheapSites(runtime, live, f"http://{{host}}:{server.server_port}"))
    app = create_app(sites[0], clock=clock)
    post = Post(app, sites[0])
    server.daemon_threads = False
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    post.start()
    try:
        with serving_live(sites[0], listening, clock):
            yield server.server_port
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
        post.stop()
        with app.app_context():
            db.engine.dispose()


@contextmanager
def _key_desk(runtime: Runtime, clock: Ahead) -> Iterator[None]:
    """Run the listener's key desk from a thread of its own."""
    loops: list[tuple[asyncio.AbstractEventLoop, asyncio.Event]] = []
    ready = threading.Event()
    opened: dict[Whereabouts, Venue] = {}

    async def open_venue(where: Whereabouts) -> Venue:
        if where not in opened:
            opened[where] = runtime.venue(where.venue, where.environment)
            await opened[where].instruments()
        return opened[where]

    async def serve() -> None:
        stopping = asyncio.Event()
        desk = asyncio.create_task(KeyDesk(runtime, open_venue, clock=clock).run())
        loops.append((asyncio.get_running_loop(), stopping))
        ready.set()
        await stopping.wait()
        await end(desk)
        for venue in opened.values():
            await venue.aclose()

    thread = threading.Thread(target=lambda: asyncio.run(serve()))
    thread.start()
    try:
        assert ready.wait(_PATIENCE_S), "the key desk did not start"
        yield
    finally:
        for loop, stopping in loops:
            loop.call_soon_threadsafe(stopping.set)
        thread.join()
