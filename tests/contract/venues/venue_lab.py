"""A simulated exchange in its own process, its control API, and its journal: the truth these tests ask."""

from __future__ import annotations

import http.client
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import orjson
from copydesk.trading import Credentials
from copydesk.venues import VenueUrls

TOKEN = "contract-token"


@dataclass
class LabProcess:
    rest_port: int
    ws_port: int
    data_dir: Path
    accounts: int = 0

    @property
    def urls(self) -> VenueUrls:
        return VenueUrls.lab(f"http://127.0.0.1:{self.rest_port}", f"ws://127.0.0.1:{self.ws_port}")

    def control(self, verb: str, call: str, /, **body: Any) -> Any:
        with closing(http.client.HTTPConnection("127.0.0.1", self.rest_port, timeout=10)) as connection:
            connection.request(verb, f"/lab/v1/{call}", orjson.dumps(body), {"X-Lab-Token": TOKEN})
            answer = connection.getresponse()
            content = answer.read()
        assert answer.status == 200, content
        return orjson.loads(content)

    def account(self, *, permissions: tuple[str, ...] = ("read", "trade"), ips: tuple[str, ...] = ()) -> LabAccount:
        """Open an account with money and a key."""
        self.accounts += 1
        name = f"contract-{self.accounts}"
        self.control("POST", "accounts", account=name, balances={"USDT": "100000", "BTC": "2"})
        return LabAccount(name, self.key(name, permissions, ips))

    def key(self, account: str, permissions: tuple[str, ...], ips: tuple[str, ...] = ()) -> Credentials:
        made = self.control("POST", "keys", account=account, permissions=list(permissions), ips=list(ips))
        return Credentials(self.accounts, made["apiKey"], made["secret"])

    def journal(self, kind: str, account: str | None = None) -> list[dict[str, Any]]:
        """Read what the exchange says has happened to an account, or to all, up to now.

        The journal is written behind: a marker account made here tells when everything before it is on disk.
        """
        self.accounts += 1
        marker = f"marker-{self.accounts}"
        self.control("POST", "accounts", account=marker, balances={})
        path = self.data_dir / "journal.jsonl"
        while marker.encode() not in path.read_bytes():
            time.sleep(0.005)
        records = [orjson.loads(line) for line in path.read_bytes().splitlines()]
        ours = (record for record in records if record["kind"] == kind)
        return [record for record in ours if account is None or record.get("account") == account]


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
            yield LabProcess(ports["rest_port"], ports["ws_port"], directory)
        finally:
            process.send_signal(signal.SIGTERM)
            process.wait(timeout=10)
