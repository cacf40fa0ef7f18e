"""A small client of the lab's control interface: accounts, money and keys on the simulated exchange."""

from __future__ import annotations

import http.client
from collections.abc import Mapping
from decimal import Decimal
from typing import Any, NamedTuple
from urllib.parse import urlsplit

import orjson

from copydesk.kernel import Unavailable

TRADING, FUTURES = "trading", "futures"


class LabKey(NamedTuple):
    """A key as the lab shows it once; `passphrase` is empty where the exchange's keys have none."""

    api_key: str
    secret: str
    passphrase: str


class LabControl:
    """Speak to one lab over one kept-alive connection; close when done."""

    def __init__(self, control_url: str, token: str) -> None:
        parts = urlsplit(control_url)
        assert parts.hostname and parts.port, f"the lab's address names host and port: {control_url}"
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
        key = self.issue_key(account)
        return key.api_key, key.secret

    def issue_key(self, account: str) -> LabKey:
        """Create a key that may read and trade, spot and perpetuals."""
        key = self.call("POST", "keys", {"account": account})
        return LabKey(key["apiKey"], key["secret"], key.get("passphrase") or "")

    def open_crowd(self, account: str, count: int, **terms: Any) -> list[LabKey]:
        """Open many accounts alike ("<account>:<number>") and return a key of each; `terms` as in the lab's table."""
        found = self.call("POST", "crowds", {"account": account, "count": count, **terms})["keys"]
        return [LabKey(key["apiKey"], key["secret"], key["passphrase"] or "") for key in found]

    def view(self, account: str) -> dict[str, Any]:
        """Return what the lab shows of an account: money, positions, streams; nothing of one that it does not have."""
        found = self.call("GET", "accounts", {"account": account})["accounts"]
        return dict(found[0]) if found else {}

    def fund(self, account: str, venue: str, wallet: str, currency: str, funds: str) -> LabKey:
        """Open an account with money in one wallet and return a key; what an interrupted attempt did is kept."""
        found = self.view(account)
        if not found:
            balances = {currency: funds} if wallet == TRADING else {}
            self.call("POST", "accounts", {"account": account, "venue": venue, "balances": balances})
        if wallet != TRADING and not (found and Decimal(found[wallet]["wallet"])):
            self.call("POST", "deposits", {"account": account, "asset": currency, "qty": funds, "wallet": wallet})
        return self.issue_key(account)
