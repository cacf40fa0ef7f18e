"""What spot and perpetuals share of an exchange's floor: instruments, books, tape, the maker's quotes and look-ups."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Container, Iterable, Mapping, Sequence
from decimal import Decimal

from copydesk.kernel import ZERO
from copydesk.venues.lab.book import OrderBook, Plan
from copydesk.venues.lab.clearing import Tape, Turn
from copydesk.venues.lab.model import (
    BUY,
    SELL,
    Depth,
    DepthDiff,
    Event,
    Execution,
    LabInstrument,
    Order,
    PublicTrade,
    Ticker,
)
from copydesk.venues.lab.orders import OrderRegistry


class Floor(ABC):
    """Books of some instruments and the orders of accounts. `symbol` is always the venue symbol ("BTCUSDT")."""

    # SPOT or PERP, the orders' registries by account, and what settles trades; set by the engine.
    market: str
    registries: Mapping[str, OrderRegistry]
    clearing: Tape

    def __init__(self, instruments: Iterable[LabInstrument]) -> None:
        self.instruments: dict[str, LabInstrument] = {i.venue_symbol: i for i in instruments}
        self.books: dict[str, OrderBook] = {symbol: OrderBook(i) for symbol, i in self.instruments.items()}
        self.order_id = 0
        # Whose balance updates are wanted; None means everyone's. Most accounts of a large lab have no listener.
        self.heard: Container[str] | None = None

    def order(
        self,
        account: str,
        symbol: str | None,
        order_id: int | None = None,
        client_order_id: str | None = None,
    ) -> Order | None:
        """Find one order of the account, open or finished; a client id (and symbol) finds the newest of that name."""
        owner = self.registries.get(account)
        return owner.find(symbol, order_id, client_order_id) if owner is not None else None

    def open_orders(self, account: str, symbol: str | None = None) -> list[Order]:
        """Return the open orders, oldest id first."""
        return [o for _, o in sorted(self.registries[account].open.items()) if symbol in (None, o.symbol)]

    def orders(self, account: str, symbol: str | None = None, *, forgotten: bool = False) -> list[Order]:
        """Return the orders that are told, oldest id first (finished ones are kept up to `HISTORY_MAX` per account).

        Those that are `forgotten` as well where executions are wanted.
        """
        owner = self.registries[account]
        hidden = frozenset[int]() if forgotten else owner.forgotten
        return [o for i, o in sorted(owner.orders.items()) if symbol in (None, o.symbol) and i not in hidden]

    def trades(self, account: str, symbol: str | None = None) -> list[Execution]:
        """Return the executions of the orders kept, oldest first."""
        return sorted(fill for order in self.orders(account, symbol, forgotten=True) for fill in order.fills)

    def depth(self, symbol: str, limit: int) -> Depth:
        return self.books[symbol].depth(limit)

    def drain_changes(self, symbol: str) -> DepthDiff | None:
        """Return the levels changed since the last drain, or None if none did."""
        return self.books[symbol].drain()

    def ticker(self, symbol: str) -> Ticker:
        book = self.books[symbol]
        bid, ask = ((side.best(1) or [(ZERO, ZERO)])[0] for side in (book.bids, book.asks))
        return Ticker(symbol, *bid, *ask, book.last_px, book.last_qty, book.last_trade_id)

    def halt(self, symbol: str, halted: bool = True) -> None:
        """Stop (or resume) new orders on a symbol; cancels still work."""
        self.books[symbol].halted = halted

    def print_trade(self, symbol: str, px: Decimal, qty: Decimal, *, buyer_is_maker: bool, now_ms: int) -> PublicTrade:
        """Put a trade of nobody on the tape, so that the last price follows the replayed market; see `fire`."""
        book = self.books[symbol]
        self.clearing.trade_id += 1
        book.last_px, book.last_qty, book.last_trade_id = px, qty, self.clearing.trade_id
        market = self.clearing.market
        return PublicTrade(symbol, self.clearing.trade_id, px, qty, buyer_is_maker, 0, 0, now_ms, market)

    def place_quotes(
        self, symbol: str, bids: Sequence[tuple[int, Decimal]], asks: Sequence[tuple[int, Decimal]], now_ms: int
    ) -> list[Event]:
        """Replace the maker's liquidity, `(price in ticks, qty)` best first; see maker.py for the caller.

        Real resting orders that the new quotes cross are filled first, at their own price and up to the quotes' size.
        """
        book = self.books[symbol]
        turn = self.turn(symbol, now_ms)
        book.bids.keep_quotes({-ticks for ticks, _ in bids})
        book.asks.keep_quotes({ticks for ticks, _ in asks})
        for side, quotes in ((BUY, bids), (SELL, asks)):
            own, other = book.side(side), book.opposite(side)
            for ticks, qty in quotes:
                limit, left = ticks * other.sign, qty
                if other.keys and other.keys[0] <= limit:
                    plan = other.plan(qty, limit, turn.room())
                    self._execute(turn, side, plan, None)
                    left -= plan.qty
                if left:
                    own.put_quote(ticks * own.sign, left)
        return self.settled(turn)

    @abstractmethod
    def fire(self, symbol: str, now_ms: int) -> list[Event]:
        """Place what the last price has set off; the caller of `print_trade` calls it too."""

    @abstractmethod
    def settled(self, turn: Turn) -> list[Event]:
        """Close a turn, and let happen what it has set off."""

    @abstractmethod
    def turn(self, symbol: str, now_ms: int) -> Turn:
        """Open a turn on a symbol's book."""

    @abstractmethod
    def _execute(self, turn: Turn, side: str, plan: Plan, order: Order | None) -> None:
        """Carry out a plan made on this book just now. `order` is None when the house's maker takes."""
