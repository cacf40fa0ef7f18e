"""Brands whose leader and followers are on different exchanges: who they are, and how their leaders trade."""

from __future__ import annotations

from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any, NamedTuple

import ccxt
from copydesk.venues import EXCHANGES
from copydesk.venues.lab.urls import ccxt_urls

# Every exchange that can be traded on: one that is added takes part.
VENUES = tuple(EXCHANGES)
UNLISTED = "BNB/USDT"


class Troupe(NamedTuple):
    """One brand: where its leader trades what, and how many followers copy on each exchange."""

    slug: str
    leads_on: str
    symbol: str
    each: int

    @property
    def base(self) -> str:
        return self.symbol.partition("/")[0]

    @property
    def perpetual(self) -> bool:
        return ":" in self.symbol


TROUPES = (
    Troupe("okx", "okx", "BTC/USDT:USDT", 4),
    Troupe("bybit", "bybit", "ETH/USDT:USDT", 2),
    Troupe("spot", "binance", "SOL/USDT", 2),
)
PRICES = {"BTC": Decimal(100_000), "ETH": Decimal(2_500), "SOL": Decimal(200)}


class Seat(NamedTuple):
    """One follower."""

    account: str
    venue: str
    ratio: Decimal


@dataclass
class Cast:
    """One brand's people; quantities of orders are base units on every exchange."""

    troupe: Troupe
    leader: str = ""
    client: Any = None
    seats: list[Seat] = field(default_factory=list)

    def trade(self, side: str, qty: str, *, symbol: str = "") -> None:
        """Trade at the market, by plain ccxt."""
        name = symbol or self.troupe.symbol
        size = Decimal(str(self.client.market(name)["contractSize"] or 1))
        terms = {"marginMode": "cross"} if self.troupe.perpetual else {}
        if self.troupe.leads_on == "okx" and not self.troupe.perpetual:
            terms = {"tgtCcy": "base_ccy"}
        self.client.create_order(name, "market", side, float(Decimal(qty) / size), params=terms)

    def free(self) -> str:
        """Return what of the base the leader can sell, down to the step."""
        free = self.client.fetch_balance({"omitZeroBalances": True})[self.troupe.base]["free"]
        return str(self.client.amount_to_precision(self.troupe.symbol, free))

    def on(self, venue: str) -> list[Seat]:
        return [seat for seat in self.seats if seat.venue == venue]


def leader_client(troupe: Troupe, rest: str, stream: str, key: dict[str, str]) -> Any:
    """Return a plain ccxt client of the leader's account; only its addresses are changed."""
    kinds = {"binance": "linear", "bybit": "linear"}.get(troupe.leads_on, "swap") if troupe.perpetual else "spot"
    client = getattr(ccxt, troupe.leads_on)(
        {
            "apiKey": key["apiKey"],
            "secret": key["secret"],
            "password": key.get("passphrase") or "",
            "enableRateLimit": False,
            "urls": ccxt_urls(troupe.leads_on, rest, stream),
            "options": {
                "defaultType": "swap" if troupe.perpetual else "spot",
                "fetchMarkets": {"types": [kinds]},
                "fetchCurrencies": False,
            },
            "has": {"fetchCurrencies": False},
        }
    )
    client.load_markets()
    return client
