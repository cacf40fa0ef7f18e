"""The running exchange: the engine with a market, keys, limits, faults and the journal around it.

Every effect of an order passes `publish`, which feeds journal, order counts, tape and whoever listens.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from decimal import Decimal

from copydesk.venues.lab.engine import Engine
from copydesk.venues.lab.faults import Fault, FaultPlan
from copydesk.venues.lab.history import History
from copydesk.venues.lab.journal import Journal
from copydesk.venues.lab.keys import KeyRing
from copydesk.venues.lab.limits import OrderMeter, WeightMeter
from copydesk.venues.lab.maker import MarketMaker
from copydesk.venues.lab.market import Market
from copydesk.venues.lab.model import (
    BalanceUpdate,
    BookChange,
    Event,
    NewOrder,
    OrderUpdate,
    PublicTrade,
    Result,
)

TAPE_LEN = 1000
RECENT_LEN = 500
MARK_EVERY_MS = 1000.0

AccountEvent = OrderUpdate | BalanceUpdate
Listener = Callable[[AccountEvent], None]


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


@dataclass
class Streams:
    """Who hears what. Accounts without a listener cost one dictionary look-up per event.

    `topics` are the public streams that someone subscribed to, kept by the dialect.
    """

    listeners: dict[str, list[Listener]] = field(default_factory=dict)
    recent: dict[str, deque[AccountEvent]] = field(default_factory=dict)
    muted: set[str] = field(default_factory=set)
    topics: dict[str, dict[object, bool]] = field(default_factory=dict)
    on_trade: Callable[[PublicTrade], None] | None = None
    disconnect: Callable[[str], int] = lambda _account: 0

    def listen(self, account: str, listener: Listener) -> None:
        self.listeners.setdefault(account, []).append(listener)
        self.recent.setdefault(account, deque(maxlen=RECENT_LEN))

    def leave(self, account: str, listener: Listener) -> None:
        left = [one for one in self.listeners.get(account, ()) if one is not listener]
        if left:
            self.listeners[account] = left
        else:
            self.listeners.pop(account, None)

    def tell(self, event: AccountEvent) -> None:
        """Keep the event for replays and hand it on; a muted account's stream stays silent."""
        recent = self.recent.get(event.account)
        if recent is None:
            return
        recent.append(event)
        self._hand_on(event)

    def replay(self, account: str, count: int) -> int:
        """Send the account's last `count` events once more; return how many there were."""
        events = list(self.recent.get(account, ()))[-count:] if count > 0 else []
        for event in events:
            self._hand_on(event)
        return len(events)

    def _hand_on(self, event: AccountEvent) -> None:
        if event.account in self.muted:
            return
        for listener in self.listeners.get(event.account, ()):
            listener(event)


class Lab:
    """One simulated exchange. `clock_ms` tells epoch milliseconds; all else is inside."""

    def __init__(
        self,
        *,
        engine: Engine,
        market: Market,
        maker: MarketMaker,
        journal: Journal,
        keys: KeyRing,
        faults: FaultPlan,
        clock: MarketClock,
        clock_ms: Callable[[], float],
        rtt_ms: float = 0.0,
    ) -> None:
        self.engine = engine
        self.market = market
        self.maker = maker
        self.journal = journal
        self.keys = keys
        self.faults = faults
        self.market_clock = clock
        self.now_ms = clock_ms
        self.rtt_ms = rtt_ms
        self.weights = WeightMeter()
        self.placed = OrderMeter()
        self.streams = Streams()
        engine.heard = self.streams.recent
        self.history = History(market)
        self.pins: dict[str, Decimal] = {}
        self.tape: dict[str, deque[PublicTrade]] = {s: deque(maxlen=TAPE_LEN) for s in engine.instruments}
        self.changes = 0
        self._marked_ms = 0.0

    def submit(self, new: NewOrder, now_ms: int) -> Result:
        """Place an order and let everyone know."""
        result = self.engine.submit(new, now_ms)
        if result.reject is not None:
            self.journal.rejected(new, result.reject, now_ms)
            return result
        self.publish(result.events, now_ms)
        if result.executions:
            refill = self.maker.replenish(self.engine, new.symbol, now_ms)
            if refill:
                self.publish(refill, now_ms)
        return result

    def publish(self, events: Iterable[Event], now_ms: int) -> None:
        """Record events and hand them to journal, tape and listeners; `changes` counts those of accounts."""
        self.journal.events(events, now_ms)
        recent = self.streams.recent
        for event in events:
            kind = type(event)
            if kind is BookChange:
                continue
            if kind is PublicTrade:
                self._print(event)  # type: ignore[arg-type]
                continue
            self.changes += 1
            if kind is OrderUpdate and event.execution is not None:  # type: ignore[union-attr]
                self._give_back(event, now_ms)  # type: ignore[arg-type]
            if event.account in recent:  # type: ignore[union-attr]
                self.streams.tell(event)  # type: ignore[arg-type]

    def tick(self) -> None:
        """Move the market: call about every 100 ms."""
        wall_ms = self.now_ms()
        now_ms, market_ms = int(wall_ms), self.market_clock.at(wall_ms)
        marks = wall_ms - self._marked_ms >= MARK_EVERY_MS
        for symbol in self.engine.instruments:
            px = self.pins.get(symbol) or self.market.price(symbol, market_ms)
            events = self.maker.requote(self.engine, symbol, px, now_ms)
            if events:
                self.publish(events, now_ms)
            if marks:
                self.journal.write("mark", wall_ms, {"symbol": symbol, "px": px})
        if marks:
            self._marked_ms = wall_ms

    def fault_struck(self, fault: Fault, method: str, path: str, account: str) -> None:
        """Write down that a scripted fault hit a request."""
        self.journal.write(
            "fault",
            self.now_ms(),
            {"fault": fault.id, "harm": str(fault.harm), "method": method, "path": path, "account": account},
        )

    def market_ms(self) -> float:
        """Return the present time of the replayed market, in its own epoch ms."""
        return self.market_clock.at(self.now_ms())

    def create_account(self, account: str, balances: dict[str, Decimal]) -> None:
        self.engine.create_account(account, balances)
        self._account_changed("created", account, balances)

    def deposit(self, account: str, asset: str, qty: Decimal) -> None:
        """Add money from outside; a negative quantity takes it out."""
        self.publish(self.engine.deposit(account, asset, qty, int(self.now_ms())), int(self.now_ms()))
        self._account_changed("deposit", account, {asset: qty})

    def _account_changed(self, change: str, account: str, balances: dict[str, Decimal]) -> None:
        self.changes += 1
        self.journal.write("account", self.now_ms(), {"account": account, "change": change, "balances": balances})

    def _print(self, trade: PublicTrade) -> None:
        self.tape[trade.symbol].append(trade)
        if self.streams.on_trade is not None:
            self.streams.on_trade(trade)

    def _give_back(self, event: OrderUpdate, now_ms: int) -> None:
        """Stop counting an order as unfilled at its first execution."""
        assert event.execution is not None
        if event.cum_qty == event.execution.qty:
            self.placed.give_back(event.account, now_ms)
