"""The simulated exchange in its own process: control calls, faults, and its journal, which is the truth here."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from itertools import count
from pathlib import Path
from typing import Any

import ccxt
import orjson
from copydesk.demo.lab_control import LabControl
from copydesk.stack import wait_until

ORDERS = "/api/v3/order"
Record = Mapping[str, Any]


@dataclass
class Exchange:
    """One lab that runs; `control` speaks to its own interface."""

    rest: str
    stream: str
    data_dir: Path
    control: LabControl
    _markers: Iterator[int] = field(default_factory=count)
    _read: list[Record] = field(default_factory=list)
    _offset: int = 0

    @classmethod
    def connect(cls, log: Path, data_dir: Path, token: str) -> Exchange:
        """Wait for the line in which a starting lab tells its ports, and connect."""
        assert wait_until(lambda: log.exists() and b"rest_port" in log.read_bytes(), patience_s=20), log
        line = next(line for line in log.read_bytes().splitlines() if b"rest_port" in line)
        places = orjson.loads(line)
        return cls(places["rest"], places["ws"], data_dir, LabControl(places["control"], token))

    @property
    def journal_path(self) -> Path:
        return self.data_dir / "journal.jsonl"

    def now(self) -> int:
        """Return the journal's present sequence number."""
        return int(self.control.call("GET", "state")["journal_seq"])

    def records(self) -> list[Record]:
        """Read the whole journal up to now: it is written behind, and an account made now tells that it is out."""
        marker, before = f"marker-{next(self._markers)}", len(self._read)
        self.control.call("POST", "accounts", {"account": marker, "balances": {}})

        def complete() -> bool:
            return any(record.get("account") == marker for record in self.glance()[before:])

        assert wait_until(complete, patience_s=10), f"the journal {self.journal_path} does not get on"
        return self._read

    def glance(self) -> list[Record]:
        """Read what the journal holds by now, a few milliseconds late."""
        if self.journal_path.exists():
            with self.journal_path.open("rb") as journal:
                journal.seek(self._offset)
                fresh = journal.read()
            whole = fresh.rfind(b"\n") + 1
            self._offset += whole
            self._read += [orjson.loads(line) for line in fresh[:whole].splitlines()]
        return self._read

    def rtt(self, ms: float) -> None:
        self.control.call("POST", "rtt", {"ms": ms})

    def pin(self, symbol: str, px: Decimal) -> None:
        self.control.call("POST", "marks", {"symbol": symbol, "px": str(px)})

    def harm(self, harm: str, **rule: Any) -> int:
        """Put a fault on new orders in force, unless `method` and `path` say otherwise; returns its number."""
        answer = self.control.call("POST", "faults", {"harm": harm, "method": "POST", "path": ORDERS, **rule})
        return int(answer["id"])

    def heal(self) -> None:
        """Drop every fault, unmute every stream, answer at once."""
        self.control.call("DELETE", "faults")
        self.rtt(0)

    def with_perpetuals(self, account: str, funds: str) -> tuple[str, str]:
        """Give an account money for perpetuals, and return a key that may trade them as well."""
        deposit = {"account": account, "asset": "USDT", "qty": funds, "wallet": "futures"}
        self.control.call("POST", "deposits", deposit)
        rights = ["read", "trade", "perp"]
        key = self.control.call("POST", "keys", {"account": account, "permissions": rights})
        return key["apiKey"], key["secret"]

    def position(self, account: str) -> Decimal:
        """Return what the account holds of the one perpetual that it trades, a short below zero."""
        (row,) = self.control.call("GET", "accounts", {"account": account})["accounts"]
        return sum((Decimal(position["qty"]) for position in row["positions"]), Decimal(0))

    def perpetual_client(self, api_key: str, secret: str) -> ccxt.binance:
        """Return a plain ccxt client of an account's perpetuals; only its addresses are changed."""
        versions = {"": "1", "V2": "2", "V3": "3"}
        urls = {
            f"fapi{side}{v}": f"{self.rest}/fapi/v{n}" for v, n in versions.items() for side in ("Public", "Private")
        }
        return ccxt.binance(
            {
                "apiKey": api_key,
                "secret": secret,
                "enableRateLimit": False,
                "urls": {"api": urls},
                "options": {"fetchMarkets": {"types": ["linear"]}, "fetchCurrencies": False, "defaultType": "swap"},
                "has": {"fetchCurrencies": False},
            }
        )

    def client(self, api_key: str, secret: str) -> ccxt.binance:
        """Return a plain ccxt client of an account; only its addresses are changed."""
        urls: dict[str, Any] = dict.fromkeys(("public", "private"), f"{self.rest}/api/v3")
        urls["sapi"] = f"{self.rest}/sapi/v1"
        options = {"fetchMarkets": {"types": ["spot"]}, "fetchCurrencies": False}
        return ccxt.binance(
            {
                "apiKey": api_key,
                "secret": secret,
                "enableRateLimit": False,
                "urls": {"api": urls},
                "options": options,
                "has": {"fetchCurrencies": False},
            }
        )
