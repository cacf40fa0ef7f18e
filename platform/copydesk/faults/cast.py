"""Who is on the fault suite's desk: two brands, each with a leader and followers who copy a fixed share of every trade.

A fixed share makes what a follower owes follow from the leader's executions alone.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any, NamedTuple

import ccxt  # type: ignore[import-untyped]

from copydesk.demo.cast import FollowerTerms
from copydesk.demo.expect import Seat
from copydesk.demo.lab_control import LabKey
from copydesk.trading import SizingMode
from copydesk.venues.lab import ccxt_urls

# What a leader's client raises, whatever the exchange.
ClientError: type[Exception] = ccxt.BaseError
PRICES = {"BTCUSDT": Decimal(100_000), "ETHUSDT": Decimal(2_500)}
ALLOCATION = Decimal(900_000)
FUNDS = "1000000"


@dataclass(frozen=True)
class Troupe:
    """One brand: where its leader trades what, in steps of `lot`, and what share of its followers each exchange has."""

    slug: str
    venue: str
    symbol: str
    lot: Decimal
    crowd: Mapping[str, float]

    @property
    def perpetual(self) -> bool:
        """Tell whether the brand copies a perpetual."""
        return ":" in self.symbol

    @property
    def base(self) -> str:
        """Name the coin."""
        return self.symbol.partition("/")[0]


# Most followers are where limits count by account. Where they count by address, all of them would soon wait for the
# next minute: asking what became of 200 orders costs most of what Binance allows in one, and Bybit shuts an address
# out for ten minutes that asks 600 times in five seconds.
NORTH = Troupe("north", "binance", "BTC/USDT", Decimal("0.01"), {"okx": 0.8, "binance": 0.1, "bitget": 0.1})
SOUTH = Troupe(
    "south", "okx", "ETH/USDT:USDT", Decimal("0.4"), {"okx": 0.85, "bitget": 0.1, "binance": 0.025, "bybit": 0.025}
)
TROUPES = (NORTH, SOUTH)


class Follower(NamedTuple):
    """One follower; `account_id` is the desk's number of its account."""

    account: str
    venue: str
    ratio: Decimal
    account_id: int
    key: LabKey


@dataclass
class Cast:
    """One brand's people, and what the leader `held` and how many `orders` it placed by its own account."""

    troupe: Troupe
    leader: str = ""
    client: Any = None
    followers: list[Follower] = field(default_factory=list)
    held: Decimal = Decimal(0)
    orders: int = 0

    @property
    def flat(self) -> bool:
        """Tell whether the leader holds nothing."""
        return self.held == 0

    def seats(self) -> list[Seat]:
        """Return the followers as the auditor knows them."""
        market = "perp" if self.troupe.perpetual else "spot"
        return [
            Seat(
                one.account,
                self.leader,
                FollowerTerms(number, 0, ALLOCATION, SizingMode.FIXED_RATIO, one.ratio, one.venue),
                market,
            )
            for number, one in enumerate(self.followers)
        ]

    def trade(self, qty: Decimal) -> None:
        """Trade at the market by plain ccxt: buy, or sell where the quantity is below zero; in base units."""
        symbol = self.troupe.symbol
        size = Decimal(str(self.client.market(symbol)["contractSize"] or 1))
        terms = {"marginMode": "cross"} if self.troupe.perpetual else {}
        self.client.create_order(symbol, "market", "buy" if qty > 0 else "sell", float(abs(qty) / size), None, terms)
        self.held += qty
        self.orders += 1

    def leave(self) -> None:
        """Close all that the leader holds; on spot what is left of it after fees, down to the step."""
        if self.troupe.perpetual:
            self.trade(-self.held)
            return
        free = self.client.fetch_balance({"omitZeroBalances": True})[self.troupe.base]["free"]
        qty = self.client.amount_to_precision(self.troupe.symbol, free)
        self.client.create_order(self.troupe.symbol, "market", "sell", float(qty))
        self.held = Decimal(0)
        self.orders += 1


def open_client(troupe: Troupe, rest: str, stream: str, key: LabKey) -> Any:
    """Return a plain ccxt client of a leader's account; only its addresses are changed."""
    kinds = {"binance": "linear", "bybit": "linear"}.get(troupe.venue, "swap") if troupe.perpetual else "spot"
    client = getattr(ccxt, troupe.venue)(
        {
            "apiKey": key.api_key,
            "secret": key.secret,
            "password": key.passphrase,
            "enableRateLimit": False,
            "urls": ccxt_urls(troupe.venue, rest, stream),
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
