"""The simulated world: all exchanges on one replayed market, with one journal, one fault plan and one clock."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from decimal import Decimal
from zlib import crc32

from copydesk.venues.lab.exchange import Exchange
from copydesk.venues.lab.faults import FaultPlan
from copydesk.venues.lab.history import History
from copydesk.venues.lab.journal import Journal
from copydesk.venues.lab.market import Market
from copydesk.venues.lab.model import LabInstrument

MARK_EVERY_MS = 1000.0
FUNDING_EVERY_MS = 8 * 3_600_000
# Perpetuals trade a little off the index, exchanges a little off each other; in hundredths of a basis point.
BASIS_MAX = 300
SPREAD_MAX = 50
_UNIT = Decimal("0.000001")
INTEREST_RATE = Decimal("0.0001")
FUNDING_RATE_MAX = Decimal("0.003")


@dataclass
class MarketClock:
    """Map wall time to market time: `market = origin + (wall - since) * speed`, in epoch ms."""

    origin_ms: float
    since_ms: float
    speed: float

    def at(self, wall_ms: float) -> float:
        return self.origin_ms + (wall_ms - self.since_ms) * self.speed

    def change_speed(self, speed: float, wall_ms: float) -> None:
        """Go on from the present market time at another speed."""
        self.origin_ms, self.since_ms, self.speed = self.at(wall_ms), wall_ms, speed


class World:
    """Everything simulated. `now_ms` tells epoch milliseconds; exchanges are added by name."""

    def __init__(
        self,
        *,
        market: Market,
        journal: Journal,
        faults: FaultPlan,
        clock: MarketClock,
        clock_ms: Callable[[], float],
        seed: int = 0,
        rtt_ms: float = 0.0,
    ) -> None:
        self.market = market
        self.journal = journal
        self.faults = faults
        self.market_clock = clock
        self.now_ms = clock_ms
        self.seed = seed
        self.rtt_ms = rtt_ms
        self.history = History(market)
        self.pins: dict[str, Decimal] = {}
        self.exchanges: dict[str, Exchange] = {}
        self._marked_ms = 0.0
        self._funded = int(clock.at(clock_ms()) // FUNDING_EVERY_MS)

    @property
    def changes(self) -> int:
        """Count the account events of all exchanges."""
        return sum(exchange.changes for exchange in self.exchanges.values())

    def exchange_of(self, account: str) -> Exchange | None:
        """Find the exchange on which an account lives; names are unique over all of them."""
        return next((exchange for exchange in self.exchanges.values() if exchange.has_account(account)), None)

    def market_ms(self) -> float:
        """Return the present time of the replayed market, in its own epoch ms."""
        return self.market_clock.at(self.now_ms())

    def index(self, instrument: LabInstrument) -> Decimal:
        """Return the price of the replayed market, or the one it is pinned to."""
        symbol = instrument.price_symbol
        pinned = self.pins.get(symbol)
        return pinned if pinned is not None else self.market.price(symbol, self.market_ms())

    def price(self, venue: str, instrument: LabInstrument) -> Decimal:
        """Return an exchange's mid price: the index, off by its basis unless pinned, in whole ticks."""
        px = self.index(instrument)
        if instrument.price_symbol not in self.pins:
            px *= 1 + self._off(venue, instrument) * _UNIT
        return (px / instrument.px_tick).to_integral_value() * instrument.px_tick

    def funding_rate(self, venue: str, instrument: LabInstrument) -> Decimal:
        """Return the rate of the running funding period: interest plus the contract's premium over the index."""
        premium = self._off(venue, instrument) * _UNIT
        return max(-FUNDING_RATE_MAX, min(FUNDING_RATE_MAX, INTEREST_RATE + premium))

    def next_funding_ms(self) -> int:
        """Return the wall time of the next funding, in epoch ms."""
        market_ms, speed = self.market_ms(), self.market_clock.speed
        left_ms = FUNDING_EVERY_MS - market_ms % FUNDING_EVERY_MS
        return int(self.now_ms() + (left_ms / speed if speed else FUNDING_EVERY_MS))

    def tick(self, *, marked: bool = False) -> None:
        """Move the market: call about every 100 ms; `marked` has the journal note prices even if none are due."""
        wall_ms = self.now_ms()
        marks = marked or wall_ms - self._marked_ms >= MARK_EVERY_MS
        if marks:
            self._marked_ms = wall_ms
        for exchange in self.exchanges.values():
            exchange.move(marks)
        period = int(self.market_clock.at(wall_ms) // FUNDING_EVERY_MS)
        if period > self._funded:
            self._funded = period
            for exchange in self.exchanges.values():
                exchange.charge_funding()

    def _off(self, venue: str, instrument: LabInstrument) -> int:
        """Return how far a venue's price is off the index, fixed for one funding period; Binance spot is the index."""
        if venue == "binance" and not instrument.perpetual:
            return 0
        most = BASIS_MAX if instrument.perpetual else SPREAD_MAX
        period = int(self.market_ms() // FUNDING_EVERY_MS)
        text = f"{self.seed} {venue} {instrument.symbol} {period}"
        return crc32(text.encode()) % (2 * most + 1) - most
