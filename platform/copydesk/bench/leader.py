"""The leader of a measurement: plain ccxt that opens and closes in turn, by whatever exchange it trades on."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from copydesk.bench.crowd import LEADER_QTY
from copydesk.bench.load import PX, SPOT, Load
from copydesk.bench.plain import Follower, Way, open_client
from copydesk.demo.lab_control import LabKey


@dataclass
class Leader:
    """One account that buys, then sells what it bought."""

    client: Any
    symbol: str
    qty: float
    spot: bool
    holds: bool = False

    def trade(self) -> None:
        """Open, or close what is open."""
        side, terms = ("sell", {} if self.spot else {"reduceOnly": True}) if self.holds else ("buy", {})
        # Some exchanges want a market order to buy in quote currency, which ccxt counts with the price.
        self.client.create_order(self.symbol, "market", side, self.qty, PX if self.spot else None, terms)
        self.holds = not self.holds


def open_leader(load: Load, key: LabKey, rest: str, stream: str) -> Leader:
    """Return the leader; its own orders are not what is measured, so it never needs TLS."""
    way = Way(rest, stream, "", load.market, "")
    client = open_client(Follower("", load.venues[0], *key), way)
    client.load_markets()
    size = float(client.market(load.symbol)["contractSize"] or 1)
    return Leader(client, load.symbol, LEADER_QTY / size, load.market == SPOT)
