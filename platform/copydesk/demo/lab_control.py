"""A small client of the lab's control interface: accounts, money and keys on the simulated exchange."""

from __future__ import annotations

import http.client
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit

import orjson

from copydesk.kernel import Unavailable


class LabControl:
    """Speak to one lab over one kept-alive connection; close when done."""

    def __init__(self, rest_url: str, token: str) -> None:
        parts = urlsplit(rest_url)
        assert parts.hostname and parts.port, f"the lab's address names host and port: {rest_url}"
        self._connection = http.client.HTTPConnection(parts.hostname, parts.port, timeout=30)
        self._headers = {"X-Lab-Token": token, "Content-Type": "application/json"}

    def __enter__(self) -> LabControl:
        return self

    def __exit__(self, *_: object) -> None:
        self._connection.close()

    def call(self, method: str, path: str, body: Mapping[str, Any] | None = None) -> dict[str, Any]:
        """Make one control call; raises Unavailable with the lab's own words when it refuses."""
        try:
            self._connection.request(method, f"/lab/v1/{path}", orjson.dumps(body or {}), self._headers)
            response = self._connection.getresponse()
            answer: dict[str, Any] = orjson.loads(response.read())
        except (OSError, http.client.HTTPException) as error:
            raise Unavailable(f"the lab does not answer {method} {path}: {error}") from error
        if response.status != http.client.OK:
            raise Unavailable(f"the lab refuses {method} {path}: {answer.get('error', response.status)}")
        return answer

    def open_account(self, account: str, balances: Mapping[str, str]) -> tuple[str, str]:
        """Create an account with money and return a key and secret that may read and trade."""
        self.call("POST", "accounts", {"account": account, "balances": dict(balances)})
        key = self.call("POST", "keys", {"account": account})
        return key["apiKey"], key["secret"]
