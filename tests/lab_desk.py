"""A simulated exchange in a process of its own, and the key desk that examines keys against it.

For every test that connects keys: `open_lab`, then `DeskRuntime` over a site's stores, then either `desk_at_hand`
(looks when told to) or `desk_at_work` (looks by itself, in a thread).
"""

from __future__ import annotations

import asyncio
import itertools
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple, Protocol

import orjson
from copydesk.bootstrap import Runtime
from copydesk.demo.lab_control import LabControl
from copydesk.kernel import Clock
from copydesk.keys import Handed
from copydesk.replication import Whereabouts
from copydesk.tenancy import TenantDirectory
from copydesk.vault import MemoryKeyStore, Purpose
from copydesk.venues import Venue
from copydesk.workers.key_desk import KeyDesk
from copydesk.workers.wallet_desk import WalletDesk

ROOT = Path(__file__).parents[1]
TRADES = ("read", "trade", "perp")
HERE = "127.0.0.1"
_TOKEN = "token"
_NUMBERS = itertools.count(1)


class LabHand(NamedTuple):
    """A running lab: its addresses, and its control interface."""

    rest: str
    stream: str
    control: LabControl
    control_url: str = ""
    token: str = ""

    def account(self, venue: str) -> str:
        """Open an account with money, and return its name."""
        name = f"owner-{next(_NUMBERS)}"
        self.control.call("POST", "accounts", {"account": name, "venue": venue, "balances": {"USDT": "1000"}})
        return name

    def key(self, account: str, *rights: str, ips: tuple[str, ...] = (HERE,), **terms: Any) -> Handed:
        """Make a key with these rights, as its owner would at the exchange."""
        body = {"account": account, "permissions": [*(rights or TRADES)], "ips": [*ips], **terms}
        made = self.control.call("POST", "keys", body)
        return Handed(made["apiKey"], made["secret"], made.get("passphrase") or "")

    def change(self, handed: Handed, *rights: str) -> None:
        """Give a key other rights, as its owner can at any time."""
        self.control.call("PATCH", "keys", {"apiKey": handed.api_key, "permissions": [*rights]})


@contextmanager
def open_lab(folder: Path) -> Iterator[LabHand]:
    """Run a lab until the block ends."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "token").write_text(_TOKEN)
    command = [sys.executable, "-m", "copydesk.venues.lab", "--data-dir", str(folder / "lab")]
    with subprocess.Popen([*command, "--token-file", str(folder / "token")], stdout=subprocess.PIPE) as process:
        try:
            assert process.stdout is not None
            ready = orjson.loads(process.stdout.readline())
            with LabControl(ready["control"], _TOKEN) as control:
                yield LabHand(ready["rest"], ready["ws"], control, ready["control"], _TOKEN)
        finally:
            process.terminate()


class Site(Protocol):
    """What a desk shares with the pages: which brands there are, and what wraps keys."""

    database_url: str
    directory: TenantDirectory
    exchange_store: MemoryKeyStore
    identity_store: MemoryKeyStore


class DeskRuntime(Runtime):
    """The listener's runtime on the stores of a site that tests made up."""

    def __init__(self, site: Site, lab: LabHand, redis_url: str = "redis://127.0.0.1:1") -> None:
        super().__init__(
            {
                "COPYDESK_ROOT": str(ROOT),
                "DATABASE_URL": site.database_url,
                "REDIS_URL": redis_url,
                "COPYDESK_LAB_REST": lab.rest,
                "COPYDESK_LAB_STREAM": lab.stream,
            }
        )
        self._stores: Mapping[Purpose, MemoryKeyStore] = {
            Purpose.EXCHANGE: site.exchange_store,
            Purpose.IDENTITY: site.identity_store,
        }
        self.__dict__["directory"] = site.directory

    def key_store(self, purpose: Purpose) -> Any:
        return self._stores[purpose]


class Floor:
    """The exchanges that a desk has opened."""

    def __init__(self, runtime: Runtime) -> None:
        self._runtime = runtime
        self._open: dict[Whereabouts, Venue] = {}

    async def __call__(self, where: Whereabouts) -> Venue:
        if where not in self._open:
            venue = self._runtime.venue(where.venue, where.environment)
            await venue.instruments()
            self._open[where] = venue
        return self._open[where]

    async def aclose(self) -> None:
        for venue in self._open.values():
            await venue.aclose()


@contextmanager
def desk_at_hand(runtime: Runtime, clock: Clock | None = None) -> Iterator[Callable[[], None]]:
    """Open a desk that looks when it is called: what was due is done then."""
    floor = Floor(runtime)
    with asyncio.Runner() as runner:
        desk = KeyDesk(runtime, floor, clock=clock, probes_per_s=1_000)
        try:
            yield lambda: runner.run(desk.look())
        finally:
            runner.run(floor.aclose())
            runtime.close()


@contextmanager
def wallets_at_hand(runtime: Runtime, clock: Clock | None = None) -> Iterator[Callable[..., None]]:
    """Open a wallet desk that looks when it is called, at exchanges that a test may put something in front of."""
    floor = Floor(runtime)
    with asyncio.Runner() as runner:

        def look(before: Callable[[Venue], Any] = lambda venue: venue) -> None:
            async def open_venue(where: Whereabouts) -> Any:
                return before(await floor(where))

            runner.run(WalletDesk(runtime, open_venue, clock=clock).look())

        yield look
        runner.run(floor.aclose())


@contextmanager
def desk_at_work(runtime: Runtime, *, look_every_s: float = 0.1) -> Iterator[None]:
    """Run a desk in a thread, as the listener does on its loop, until the block ends."""
    started = threading.Event()
    running: list[tuple[asyncio.AbstractEventLoop, asyncio.Task[None]]] = []

    async def serve() -> None:
        floor = Floor(runtime)
        desk = KeyDesk(runtime, floor, look_every_s=look_every_s)
        await desk.look()
        task = asyncio.create_task(desk.run())
        running.append((asyncio.get_running_loop(), task))
        started.set()
        await asyncio.wait([task])
        await floor.aclose()

    thread = threading.Thread(target=lambda: asyncio.run(serve()))
    thread.start()
    try:
        assert started.wait(timeout=20), "the key desk did not start"
        yield
    finally:
        for loop, task in running:
            loop.call_soon_threadsafe(task.cancel)
        thread.join()
        runtime.close()
