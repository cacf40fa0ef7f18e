"""Both brands with everything that serves them: lab, roles and traders, as `copydesk demo run` starts them."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import default
from pathlib import Path

from browser_site import Visit
from copydesk.cli.ports import free_ports
from copydesk.demo.lab_control import LabControl, LabKey
from copydesk.demo.people import DemoPerson, admit_people
from copydesk.demo.stage import Script, Stage, staged
from copydesk.stack import RoleOptions, lab_token, wait_until
from site_seed import ROOT

_SERVERS = ("DATABASE_URL", "DATABASE_OWNER_URL", "REDIS_URL")
_SCRIPT = Script(speed=60.0, pace_s=1.5, followers=3)


class FlowSite:
    """A stage, and where its pages are."""

    def __init__(self, stage: Stage, options: RoleOptions) -> None:
        self.stage = stage
        self._people = admit_people(stage.runtime, options.var_dir / "demo" / "people.json")
        self.port = options.port
        self.var = options.var_dir

    def person(self, brand: str, role: str) -> DemoPerson:
        """Return somebody of the demo to sign in as."""
        return next(one for one in self._people if (one.brand, one.role) == (brand, role))

    def key(self, brand: str, venue: str) -> LabKey:
        """Open an account with money on the lab, and return a key of it that may trade."""
        with self.lab() as lab:
            name = f"{brand}:flow:{venue}"
            lab.call("POST", "accounts", {"account": name, "venue": venue, "balances": {"USDT": "5000"}})
            terms = {"account": name, "permissions": ["read", "trade", "perp"], "ips": ["127.0.0.1"]}
            made = lab.call("POST", "keys", terms)
        return LabKey(made["apiKey"], made["secret"], made.get("passphrase") or "")

    def link(self, brand: str, to: str) -> str:
        """Wait for a mail to somebody, and return the address that it leads to."""
        links: list[str] = []

        def arrived() -> bool:
            for path in (self.var / "mail" / brand).glob("*.eml"):
                message = message_from_bytes(path.read_bytes(), policy=default)
                body = message.get_body(("plain",)) if isinstance(message, EmailMessage) else None
                if body is not None and str(message["To"]) == to:
                    links.extend(line for line in body.get_content().splitlines() if line.startswith("http"))
            return bool(links)

        assert wait_until(arrived, patience_s=20, poll_s=0.05), f"no mail to {to}"
        return links[0]

    def lab(self) -> LabControl:
        """Open the exchanges' control interface, which tells what they know."""
        return LabControl(self.stage.control, lab_token(self.stage.lab_dir))


@contextmanager
def flow_site() -> Iterator[FlowSite]:
    """Run everything until the block ends."""
    folder = Path(tempfile.mkdtemp(prefix="copydesk-flow-"))
    port, live, rest, stream, control = free_ports(5)
    options = RoleOptions(
        root=ROOT,
        var_dir=folder,
        port=port,
        live_port=live,
        lab_port=rest,
        lab_ws_port=stream,
        lab_control_port=control,
    )
    environ = {name: value for name, value in os.environ.items() if name not in _SERVERS}
    try:
        with staged(options, environ, _SCRIPT, lambda _line: None) as stage:
            yield FlowSite(stage, options)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


class Clicks:
    """Press what a person would press, and count how often."""

    def __init__(self, visit: Visit) -> None:
        self._page = visit.page
        self.count = 0

    def press(self, selector: str) -> None:
        """Press the first thing in sight that fits, and wait for the page that it leads to."""
        self.count += 1
        self._page.locator(selector).locator("visible=true").first.click()
        self._page.wait_for_load_state()
