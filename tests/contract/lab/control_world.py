"""A world without doors, and its control API called as the door calls it, for tests that need no client."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import orjson
from copydesk.venues.lab.control import PREFIX, Control, Lab
from copydesk.venues.lab.exchange import Exchange
from copydesk.venues.lab.model import BUY, LIMIT, MARKET, PERP, SPOT, NewOrder, Result
from copydesk.venues.lab.run import LabConfig, open_world
from copydesk.venues.lab.server import Answer, Request

TOKEN = "token-of-this-test"


class ControlWorld:
    """All exchanges with BTC at 100,000 and market time standing still."""

    def __init__(self, folder: Path) -> None:
        self.world = open_world(LabConfig(data_dir=folder, token=TOKEN, speed=0.0))
        self.lab = Lab(self.world, [])
        self._control = Control(self.lab, TOKEN)
        self.call("POST", "marks", symbol="BTCUSDT", px="100000")

    def answer(self, method: str, path: str, body: bytes = b"", *, query: str = "", token: str = TOKEN) -> Answer:
        headers = {b"x-lab-token": token.encode()}
        return self._control(Request(method, path, query, headers, body, "127.0.0.1", True, time.monotonic()))

    def call(self, method: str, name: str, /, **body: Any) -> Any:
        answer = self.answer(method, PREFIX + name, orjson.dumps(body))
        assert answer.status == 200, answer.body
        return orjson.loads(answer.body)

    def refusal(self, method: str, name: str, /, **body: Any) -> tuple[int, str]:
        answer = self.answer(method, PREFIX + name, orjson.dumps(body))
        return answer.status, orjson.loads(answer.body)["error"]

    def account(self, name: str, venue: str = "binance", **balances: str) -> Exchange:
        self.call("POST", "accounts", account=name, venue=venue, balances=balances or {"USDT": "1000000"})
        return self.world.exchanges[venue]

    def best(self, venue: str, symbol: str) -> tuple[str, str]:
        rows = self.call("GET", "books", venue=venue, levels=1)["books"]
        row = next(row for row in rows if row["symbol"] == symbol)
        return row["bids"][0], row["asks"][0]


def submit(exchange: Exchange, account: str, qty: str, *, market: str = SPOT, **terms: Any) -> Result:
    """Buy BTC, at market unless a price is given."""
    from decimal import Decimal

    symbol = next(i.venue_symbol for i in exchange.engine(market).instruments.values() if i.base == "BTC")
    px = terms.pop("px", None)
    new = NewOrder(
        account,
        terms.pop("client_order_id", ""),
        symbol,
        terms.pop("side", BUY),
        MARKET if px is None else LIMIT,
        Decimal(qty),
        px=None if px is None else Decimal(px),
        market=market,
        **terms,
    )
    return exchange.submit(new, int(exchange.now_ms()))


@contextmanager
def control_world(folder: Path) -> Iterator[ControlWorld]:
    made = ControlWorld(folder)
    try:
        yield made
    finally:
        made.world.journal.close()


__all__ = ["PERP", "SPOT", "TOKEN", "ControlWorld", "control_world", "submit"]
