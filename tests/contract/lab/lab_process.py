"""A lab in a process of its own, and plain calls to it, for the contract tests."""

from __future__ import annotations

import hashlib
import hmac
import http.client
import json
import subprocess
import sys
import time
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

from copydesk.venues.lab import binance_urls, read_journal

TOKEN = "token-of-this-test"


class LabProcess:
    """Start, stop and steer one lab; its folder outlives its process."""

    def __init__(self, folder: Path) -> None:
        self.data_dir = folder / "data"
        self._token_file = folder / "token"
        self._token_file.write_text(TOKEN)
        self._process: subprocess.Popen[str] | None = None
        self.rest_port = 0
        self.control_port = 0
        self.ready: dict[str, Any] = {}
        self.urls: dict[str, Any] = {}

    def start(self, *options: str) -> None:
        command = [sys.executable, "-m", "copydesk.venues.lab", "--data-dir", str(self.data_dir)]
        self._process = subprocess.Popen(
            [*command, "--token-file", str(self._token_file), *options], stdout=subprocess.PIPE, text=True
        )
        assert self._process.stdout is not None
        ready = json.loads(self._process.stdout.readline())
        self.ready = ready
        self.rest_port, self.control_port = ready["rest_port"], ready["control_port"]
        self.urls = binance_urls(ready["rest"], ready["ws"])

    def stop(self, *, kill: bool = False) -> None:
        if self._process is None:
            return
        (self._process.kill if kill else self._process.terminate)()
        self._process.communicate(timeout=10)
        self._process = None

    def control(self, method: str, path: str, /, **body: Any) -> dict[str, Any]:
        answer = self.call(method, f"/lab/v1/{path}", json.dumps(body) if body else "", headers={"X-Lab-Token": TOKEN})
        assert answer.status == 200, answer.body
        return answer.body

    def open_account(self, account: str, *, permissions: tuple[str, ...] = ("read", "trade"), **balances: str) -> Keys:
        self.control("POST", "accounts", account=account, balances=balances)
        return self.issue_key(account, permissions)

    def issue_key(
        self, account: str, permissions: tuple[str, ...] = ("read", "trade"), ips: tuple[str, ...] = ()
    ) -> Keys:
        made = self.control("POST", "keys", account=account, permissions=list(permissions), ips=list(ips))
        return Keys(made["apiKey"], made["secret"])

    def options(self, keys: Keys | None = None) -> dict[str, Any]:
        """ccxt's constructor argument: only the URLs differ from production; the rest is configuration."""
        login = {} if keys is None else {"apiKey": keys.api_key, "secret": keys.secret}
        return {"urls": self.urls, "enableRateLimit": False, **login}

    def journal(self, kind: str, **wanted: Any) -> list[dict[str, Any]]:
        records = [r for r in read_journal(self.data_dir / "journal.jsonl") if r["kind"] == kind]
        return [r for r in records if all(r[name] == value for name, value in wanted.items())]

    def call(self, method: str, path: str, body: str = "", headers: dict[str, str] | None = None) -> Reply:
        port = self.control_port if path.startswith("/lab/v1/") else self.rest_port
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
        try:
            connection.request(method, path, body or None, headers or {})
            response = connection.getresponse()
            return Reply(response.status, dict(response.getheaders()), json.loads(response.read()))
        finally:
            connection.close()

    def signed(
        self,
        method: str,
        path: str,
        keys: Keys,
        params: dict[str, Any] | None = None,
        headers: dict[str, str] | None = None,
    ) -> Reply:
        """Call as any client would, without ccxt in between; `params` go as they are given."""
        query = urlencode({"timestamp": int(time.time() * 1000), **(params or {})})
        return self.call(
            method,
            f"{path}?{query}&signature={keys.sign(query)}",
            headers={"X-MBX-APIKEY": keys.api_key, **(headers or {})},
        )


class Keys:
    def __init__(self, api_key: str, secret: str) -> None:
        self.api_key = api_key
        self.secret = secret

    def sign(self, payload: str) -> str:
        return hmac.new(self.secret.encode(), payload.encode(), hashlib.sha256).hexdigest()


class Reply:
    def __init__(self, status: int, headers: dict[str, str], body: Any) -> None:
        self.status = status
        self.headers = {name.lower(): value for name, value in headers.items()}
        self.body = body

    @property
    def error(self) -> tuple[int, int, str]:
        return self.status, self.body["code"], self.body["msg"]
