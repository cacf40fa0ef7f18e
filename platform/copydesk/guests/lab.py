"""Opens guests' accounts by the control interface of the simulated exchange. Nothing here reaches a real one."""

from __future__ import annotations

import http.client
from contextlib import closing
from decimal import Decimal
from typing import Any
from urllib.parse import urlsplit

import orjson

from copydesk.kernel import ConfigError, Unavailable, decimal_text
from copydesk.keys import Handed

# Somebody waits for the page.
_PATIENCE_S = 4.0
_TRADING = "trading"


class LabHttp:
    """Speak to one simulated exchange; each act opens a connection of its own. See `guests.port.LabDoor`."""

    def __init__(self, control_url: str, token: str) -> None:
        """Raises `ConfigError` for what is no address."""
        try:
            parts = urlsplit(control_url)
            port = parts.port
        except ValueError:
            parts, port = urlsplit(""), None
        if parts.scheme != "http" or not parts.hostname or not port:
            raise ConfigError(
                f"guests.lab_control_url: expected an address such as http://127.0.0.1:8012, found {control_url}"
            )
        self._host, self._port = parts.hostname, port
        self._headers = {"X-Lab-Token": token, "Content-Type": "application/json"}

    def open_account(self, account: str, venue: str, funds: dict[str, Decimal], currency: str) -> None:
        """Open an account with money in its wallets; one that is there keeps what it has."""
        if self._call("GET", "accounts", {"account": account})["accounts"]:
            return
        money = {wallet: decimal_text(amount) for wallet, amount in funds.items()}
        balances = {currency: money[_TRADING]} if _TRADING in money else {}
        self._call("POST", "accounts", {"account": account, "venue": venue, "balances": balances})
        for wallet, qty in money.items():
            if wallet != _TRADING:
                body = {"account": account, "asset": currency, "qty": qty, "wallet": wallet}
                self._call("POST", "deposits", body)

    def issue_key(self, account: str, ips: tuple[str, ...]) -> Handed:
        """Make a key that reads and trades, spot and perpetuals."""
        key = self._call("POST", "keys", {"account": account, "ips": list(ips)})
        return Handed(key["apiKey"], key["secret"], key.get("passphrase") or "")

    def _call(self, method: str, path: str, body: dict[str, Any]) -> dict[str, Any]:
        connection = http.client.HTTPConnection(self._host, self._port, timeout=_PATIENCE_S)
        try:
            with closing(connection):
                connection.request(method, f"/lab/v1/{path}", orjson.dumps(body), self._headers)
                response = connection.getresponse()
                answer: dict[str, Any] = orjson.loads(response.read())
        except (OSError, http.client.HTTPException, orjson.JSONDecodeError) as error:
            raise Unavailable(f"the simulated exchange does not answer: {error}") from error
        if response.status != http.client.OK:
            raise Unavailable(f"the simulated exchange refuses {method} {path}: {answer.get('error', response.status)}")
        return answer
