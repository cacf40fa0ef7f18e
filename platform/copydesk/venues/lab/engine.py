"""The simulated exchange's core: accounts, books, orders and executions, without clock, I/O or randomness.

The same calls in the same order always give the same events and state.
"""

from __future__ import annotations

from collections.abc import Container, Iterable, Mapping, Sequence
from decimal import Decimal
from typing import Any

from copydesk.kernel import ZERO
from copydesk.venues.lab.accounts import Account, lock_need, totals
from copydesk.venues.lab.admission import admit
from copydesk.venues.lab.book import OrderBook, Plan
from copydesk.venues.lab.clearing import Clearing, Turn
from copydesk.venues.lab.model import (
    BUY,
    CANCELED,
    EXPIRED,
    FOK,
    GTC,
    MARKET,
    NEW,
    SELL,
    Depth,
    DepthDiff,
    Event,
    Execution,
    LabInstrument,
    NewOrder,
    Order,
    PublicTrade,
    Reject,
    Result,
    Ticker,
)
from copydesk.venues.lab.snapshot import check_version, engine_state, fill_engine, instruments_of


class Engine:
    """Match orders of accounts on one spot exchange. `symbol` is always the venue symbol ("BTCUSDT").

    Fees are ratios (0.001 = 10 bps): of the base quantity for buyers, of the quote amount for sellers.
    """

    def __init__(
        self,
        instruments: Iterable[LabInstrument],
        maker_fee: Decimal = Decimal("0.001"),
        taker_fee: Decimal = Decimal("0.001"),
    ) -> None:
        self.instruments: dict[str, LabInstrument] = {i.venue_symbol: i for i in instruments}
        self.books: dict[str, OrderBook] = {symbol: OrderBook(i) for symbol, i in self.instruments.items()}
        self.account_table: dict[str, Account] = {}
        self.clearing = Clearing(self.account_table, maker_fee, taker_fee)
        self.order_id = 0
        # Whose balance updates are wanted; None means everyone's. Most accounts of a large lab have no listener.
        self.heard: Container[str] | None = None

    def create_account(self, account: str, balances: Mapping[str, Decimal]) -> None:
        """Open an account with these free balances; the name must be new (ValueError)."""
        if account in self.account_table:
            raise ValueError(f"account {account!r} exists already")
        if any(qty < ZERO for qty in balances.values()):
            raise ValueError(f"account {account!r} cannot start with a negative balance")
        opened = self.account_table[account] = Account(account)
        for asset, qty in balances.items():
            opened.balances[asset].free = qty

    def has_account(self, account: str) -> bool:
        return account in self.account_table

    def accounts(self) -> list[str]:
        """Name every account, house accounts included."""
        return list(self.account_table)

    def deposit(self, account: str, asset: str, qty: Decimal, now_ms: int) -> list[Event]:
        """Add money from outside (negative = withdrawal, which may not exceed the free balance: ValueError)."""
        target = self.account_table[account]
        if target.balances[asset].free + qty < ZERO:
            raise ValueError(f"account {account!r} has less than {-qty} {asset} free")
        target.balances[asset].free += qty
        return [target.update((asset,), now_ms)._replace(change="DEPOSIT", delta=qty)]

    def balances(self, account: str) -> dict[str, tuple[Decimal, Decimal]]:
        """Return asset → (free, locked); an unknown account raises KeyError."""
        return {asset: (b.free, b.locked) for asset, b in self.account_table[account].balances.items()}

    def totals(self) -> dict[str, Decimal]:
        """Sum all accounts' money per asset, the house included; equals what was deposited."""
        return totals(self.account_table)

    def check(self, new: NewOrder) -> Reject | None:
        """Say whether this order would be refused now, without placing it (`order/test`)."""
        answer = admit(new, self.account_table, self.books)
        return answer if isinstance(answer, Reject) else None

    def submit(self, new: NewOrder, now_ms: int) -> Result:
        """Place an order. Unfilled rests of market, IOC and FOK orders end EXPIRED with a `reason`, not refused."""
        plan = admit(new, self.account_table, self.books)
        if not isinstance(plan, Plan):
            return Result(None, (), plan, [])
        account, turn = self.account_table[new.account], Turn(self.books[new.symbol], now_ms)
        order = self._accept(new, plan, now_ms)
        turn.tell(order, NEW)
        if plan.takes and not (new.tif == FOK and plan.short):
            self.clearing.execute(turn, new.side, plan, account, order)
        if order.leaves or plan.short:
            self._rest_or_expire(turn, account, order)
        account.register(order)
        turn.touched[new.account] = account
        return Result(order, tuple(turn.executions), None, turn.close(self.heard))

    def _accept(self, new: NewOrder, plan: Plan, now_ms: int) -> Order:
        self.order_id += 1
        qty = plan.qty if new.qty is None else new.qty
        return Order(
            self.order_id,
            new.account,
            new.client_order_id or f"lab-{self.order_id}",
            new.symbol,
            new.side,
            new.type,
            qty,
            new.quote_qty,
            new.px,
            new.tif,
            now_ms,
            now_ms,
            qty,
        )

    def _rest_or_expire(self, turn: Turn, account: Account, order: Order) -> None:
        if order.type != MARKET and order.tif == GTC:
            instrument, side = turn.book.instrument, turn.book.side(order.side)
            asset, need = lock_need(order, instrument.base, instrument.quote)
            account.lock(asset, need)
            assert order.px is not None
            side.add(side.key(order.px), order)
            return
        order.status = EXPIRED
        order.reason = Reject.NO_LIQUIDITY_FOK if order.tif == FOK else Reject.NO_LIQUIDITY
        turn.tell(order, EXPIRED)

    def cancel(
        self, account: str, symbol: str, order_id: int | None = None, client_order_id: str | None = None, *, now_ms: int
    ) -> Result:
        """Cancel an open order; a finished or foreign one is refused as UNKNOWN_ORDER."""
        order = self.order(account, symbol, order_id, client_order_id)
        if order is None or not order.is_open:
            return Result(None, (), Reject.UNKNOWN_ORDER, [])
        owner, turn = self.account_table[account], Turn(self.books[symbol], now_ms)
        side = turn.book.side(order.side)
        assert order.px is not None
        side.remove(side.key(order.px), order)
        asset, need = lock_need(order, turn.book.instrument.base, turn.book.instrument.quote)
        owner.unlock(asset, need)
        order.status, order.updated_ms = CANCELED, now_ms
        owner.finish(order)
        turn.touched[account] = owner
        turn.tell(order, CANCELED)
        return Result(order, (), None, turn.close(self.heard))

    def cancel_all(self, account: str, symbol: str, now_ms: int) -> list[Result]:
        """Cancel every open order of the account on this symbol, oldest first."""
        return [self.cancel(account, symbol, o.order_id, now_ms=now_ms) for o in self.open_orders(account, symbol)]

    def cancel_replace(
        self,
        new: NewOrder,
        order_id: int | None = None,
        client_order_id: str | None = None,
        *,
        stop_on_failure: bool = True,
        now_ms: int,
    ) -> tuple[Result, Result | None]:
        """Cancel one order, then place `new`; with `stop_on_failure` a failed cancel places nothing (None)."""
        canceled = self.cancel(new.account, new.symbol, order_id, client_order_id, now_ms=now_ms)
        if canceled.reject is not None and stop_on_failure:
            return canceled, None
        return canceled, self.submit(new, now_ms)

    def order(
        self, account: str, symbol: str, order_id: int | None = None, client_order_id: str | None = None
    ) -> Order | None:
        """Find one order of the account, open or finished; a client id finds the newest with that name."""
        owner = self.account_table.get(account)
        return owner.find(symbol, order_id, client_order_id) if owner is not None else None

    def open_orders(self, account: str, symbol: str | None = None) -> list[Order]:
        return [o for o in self.account_table[account].open.values() if symbol in (None, o.symbol)]

    def orders(self, account: str, symbol: str) -> list[Order]:
        """Return all orders kept, oldest first (finished ones are kept up to `HISTORY_MAX` per account)."""
        return [o for o in self.account_table[account].orders.values() if o.symbol == symbol]

    def trades(self, account: str, symbol: str) -> list[Execution]:
        """Return the executions of the orders kept, oldest first."""
        return sorted(fill for order in self.orders(account, symbol) for fill in order.fills)

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
        """Put a trade of nobody on the tape, so that the last price follows the replayed market."""
        book = self.books[symbol]
        self.clearing.trade_id += 1
        book.last_px, book.last_qty, book.last_trade_id = px, qty, self.clearing.trade_id
        return PublicTrade(symbol, self.clearing.trade_id, px, qty, buyer_is_maker, 0, 0, now_ms)

    def place_quotes(
        self, symbol: str, bids: Sequence[tuple[int, Decimal]], asks: Sequence[tuple[int, Decimal]], now_ms: int
    ) -> list[Event]:
        """Replace the maker's liquidity, `(price in ticks, qty)` best first; see maker.py for the caller.

        Real resting orders that the new quotes cross are filled first, at their own price and up to the quotes' size.
        """
        book = self.books[symbol]
        turn = Turn(book, now_ms)
        book.bids.keep_quotes({-ticks for ticks, _ in bids})
        book.asks.keep_quotes({ticks for ticks, _ in asks})
        for side, quotes in ((BUY, bids), (SELL, asks)):
            own, other = book.side(side), book.opposite(side)
            for ticks, qty in quotes:
                limit, left = ticks * other.sign, qty
                if other.keys and other.keys[0] <= limit:
                    plan = other.plan(qty, limit)
                    self.clearing.execute(turn, side, plan, self.clearing.house_maker, None)
                    left -= plan.qty
                if left:
                    own.put_quote(ticks * own.sign, left)
        return turn.close(self.heard)

    def snapshot(self) -> dict[str, Any]:
        """Return the whole state as JSON-able values, decimals as text."""
        return engine_state(self)

    @classmethod
    def restore(cls, state: Mapping[str, Any]) -> Engine:
        """Rebuild an engine equal to the one that was snapshot; another version raises ValueError."""
        check_version(state)
        engine = cls(instruments_of(state), Decimal(state["maker_fee"]), Decimal(state["taker_fee"]))
        fill_engine(engine, state)
        return engine
