"""A simulated exchange in its own process, its control API, and its journal: the truth these tests ask."""

from __future__ import annotations

import asyncio
import http.client
import signal
import subprocess
import sys
from collections.abc import Awaitable, Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

import orjson
from copydesk.trading import Credentials
from copydesk.venues import TRAITS, Venue, VenueUrls, open_venue

T = TypeVar("T")

TOKEN = "contract-token"
RECORDS_MAX = 10_000


@dataclass
class LabProcess:
    rest_port: int
    ws_port: int
    control_port: int
    accounts: int = 0

    def control(self, verb: str, call: str, /, **body: Any) -> Any:
        with closing(http.client.HTTPConnection("127.0.0.1", self.control_port, timeout=10)) as connection:
            connection.request(verb, f"/lab/v1/{call}", orjson.dumps(body), {"X-Lab-Token": TOKEN})
            answer = connection.getresponse()
            content = answer.read()
        assert answer.status == 200, content
        return orjson.loads(content)

    def urls_of(self, venue: str) -> VenueUrls:
        """Return the addresses of one exchange in this lab."""
        return VenueUrls.lab(venue, f"http://127.0.0.1:{self.rest_port}", f"ws://127.0.0.1:{self.ws_port}")

    def play(self, kind: str, story: Callable[[Venue], Awaitable[T]]) -> T:
        """Let a story happen at an exchange, of which any kind of account is named, and return what came of it."""
        exchange = kind.partition("-")[0]

        async def told() -> T:
            venue = open_venue(exchange, self.urls_of(exchange))
            try:
                await venue.instruments()
                return await story(venue)
            finally:
                await venue.aclose()

        return asyncio.run(told())

    def account(
        self,
        *,
        permissions: tuple[str, ...] = ("read", "trade"),
        ips: tuple[str, ...] = (),
        venue: str = "binance",
    ) -> LabAccount:
        """Open an account with money and a key; with the right to perpetuals, with money for those too.

        `venue` names the exchange, or another kind of its accounts ("bitget-uta"), which is unified.
        """
        self.accounts += 1
        name = f"contract-{self.accounts}"
        self.control("POST", "accounts", account=name, venue=venue, balances={"USDT": "100000", "BTC": "2"})
        if "perp" in permissions and venue in TRAITS and not TRAITS[venue].unified:
            self.control("POST", "deposits", account=name, asset="USDT", qty="100000", wallet="futures")
        return LabAccount(name, self.key(name, permissions, ips))

    def key(
        self, account: str, permissions: tuple[str, ...], ips: tuple[str, ...] = (), *, expires_ms: int | None = None
    ) -> Credentials:
        made = self.control(
            "POST", "keys", account=account, permissions=list(permissions), ips=list(ips), expires_ms=expires_ms
        )
        return Credentials(self.accounts, made["apiKey"], made["secret"], made.get("passphrase") or "")

    def journal(self, kind: str, account: str | None = None, *, after: int = 0) -> list[dict[str, Any]]:
        """Read what the exchange says has happened to an account, or to all, up to now; `after` is a record's `seq`."""
        wanted = {"kind": kind} | ({"account": account} if account else {})
        found: list[dict[str, Any]] = []
        while True:
            page = self.control("GET", "journal", after=after, limit=RECORDS_MAX, **wanted)
            found += page["records"]
            if page["next"] == after:
                return found
            after = page["next"]


@dataclass(frozen=True)
class LabAccount:
    name: str
    credentials: Credentials


@contextmanager
def lab_process(directory: Path) -> Iterator[LabProcess]:
    token_file = directory / "token"
    token_file.write_text(TOKEN)
    command = [
        sys.executable,
        "-m",
        "copydesk.venues.lab",
        "--data-dir",
        str(directory),
        "--token-file",
        str(token_file),
    ]
    with subprocess.Popen(command, stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        try:
            ports = orjson.loads(process.stdout.readline())
            yield LabProcess(ports["rest_port"], ports["ws_port"], ports["control_port"])
        finally:
            process.send_signal(signal.SIGTERM)
            process.wait(timeout=10)
