"""Clearing: turns planned takes into executions, money movements and events."""

from __future__ import annotations

from collections.abc import Container
from decimal import ROUND_DOWN, Decimal

from copydesk.kernel import ZERO
from copydesk.venues.lab.accounts import Account
from copydesk.venues.lab.book import OrderBook, Plan, Room, Take
from copydesk.venues.lab.model import (
    BUY,
    FEES_ACCOUNT,
    FILLED,
    INSURANCE_ACCOUNT,
    MAKER_ACCOUNT,
    SELL,
    SPOT,
    TRADE,
    BookChange,
    Event,
    Execution,
    Order,
    OrderUpdate,
    PublicTrade,
)

FEE_PLACES = Decimal("1E-8")


class Turn:
    """One call of the engine on one book: its time, the events so far and the accounts whose money moved."""

    __slots__ = ("book", "done", "events", "executions", "now_ms", "touched")

    def __init__(self, book: OrderBook, now_ms: int) -> None:
        self.book = book
        self.now_ms = now_ms
        self.events: list[Event] = []
        self.executions: list[Execution] = []
        self.touched: dict[str, Account] = {}
        self.done: list[Order] = []

    def room(self) -> Room | None:
        """Return what limits how much resting orders may give to the house's maker, if anything does."""
        return None

    def tell(self, order: Order, change: str, execution: Execution | None = None) -> None:
        self.events.append(
            OrderUpdate(
                order.account, order, change, order.status, order.cum_qty, order.cum_quote, execution, self.now_ms
            )
        )

    def close(self, heard: Container[str] | None) -> list[Event]:
        """Append the balances of real accounts that moved (and are heard) and the book's change; return all."""
        instrument = self.book.instrument
        for name, account in self.touched.items():
            if (heard is None or name in heard) and not account.house:
                self.events.append(account.update((instrument.base, instrument.quote), self.now_ms))
        if self.book.commit():
            self.events.append(BookChange(instrument.venue_symbol, self.book.update_id, self.now_ms))
        return self.events


class Tape:
    """Number trades and tell of them; fee rates are what both kinds of clearing charge; `market` names the tape."""

    market = SPOT

    def __init__(self, maker_fee: Decimal, taker_fee: Decimal) -> None:
        self.maker_fee = maker_fee
        self.taker_fee = taker_fee
        self.trade_id = 0

    def show(self, turn: Turn, side: str, take: Take, order: Order | None, maker_id: int) -> None:
        """Put the trade on the public tape."""
        book, px, qty = turn.book, take.px, take.qty
        book.last_px, book.last_qty, book.last_trade_id = px, qty, self.trade_id
        taker_id = order.order_id if order is not None else 0
        buyer_id, seller_id = (taker_id, maker_id) if side == BUY else (maker_id, taker_id)
        symbol, ids = book.instrument.venue_symbol, (buyer_id, seller_id)
        turn.events.append(PublicTrade(symbol, self.trade_id, px, qty, side == SELL, *ids, turn.now_ms, self.market))


class Clearing(Tape):
    """Settle spot trades between accounts and collect fees, rounded down to 8 places; the house pays none."""

    def __init__(self, accounts: dict[str, Account], maker_fee: Decimal, taker_fee: Decimal) -> None:
        super().__init__(maker_fee, taker_fee)
        self.accounts = accounts
        # The house's purses are there on every exchange, whether it trades perpetuals or not.
        accounts.setdefault(INSURANCE_ACCOUNT, Account(INSURANCE_ACCOUNT))
        self.house_maker = accounts.setdefault(MAKER_ACCOUNT, Account(MAKER_ACCOUNT))
        self.house_fees = accounts.setdefault(FEES_ACCOUNT, Account(FEES_ACCOUNT))

    def execute(self, turn: Turn, side: str, plan: Plan, taker: Account, order: Order | None) -> None:
        """Carry out a plan made on this book just now. `order` is None when the house's maker takes."""
        levels = turn.book.opposite(side)
        turn.touched[taker.name] = taker
        for take in plan.takes:
            entry, qty = take.entry, take.qty
            self.trade_id += 1
            cost = take.px * qty
            if isinstance(entry, Order):
                entry.fill(qty, cost, turn.now_ms)
                levels.consume(take)
                self._settle(turn, side, take, cost, taker, order)
                self._settle_maker(turn, side, take, cost, entry)
                self.show(turn, side, take, order, entry.order_id)
            else:
                entry.leaves -= qty
                levels.consume(take)
                self._settle(turn, side, take, cost, taker, order)
                self._settle_house(turn, side, qty, cost)
                self.show(turn, side, take, order, 0)

    def _settle(self, turn: Turn, side: str, take: Take, cost: Decimal, taker: Account, order: Order | None) -> None:
        """Move the taker's money of one trade; each side pays its fee out of what it gets."""
        instrument, qty = turn.book.instrument, take.qty
        if side == BUY:
            pays, pay_qty, gets, get_qty = instrument.quote, cost, instrument.base, qty
        else:
            pays, pay_qty, gets, get_qty = instrument.base, qty, instrument.quote, cost
        taker.balances[pays].free -= pay_qty
        if order is None:
            taker.balances[gets].free += get_qty
            return
        fee = self._charge(self.taker_fee, gets, get_qty)
        taker.balances[gets].free += get_qty - fee
        order.fill(qty, cost, turn.now_ms)
        turn.executions.append(self._record(turn, order, take, fee, gets, maker=False))

    def _settle_house(self, turn: Turn, side: str, qty: Decimal, cost: Decimal) -> None:
        """Move the money of the house's maker, whose quote was taken."""
        instrument, maker = turn.book.instrument, self.house_maker
        base, quote = maker.balances[instrument.base], maker.balances[instrument.quote]
        if side == BUY:
            base.free -= qty
            quote.free += cost
        else:
            base.free += qty
            quote.free -= cost

    def _settle_maker(self, turn: Turn, side: str, take: Take, cost: Decimal, resting: Order) -> None:
        """Move the money of the account whose order was taken, out of what the order had locked."""
        instrument, qty, maker = turn.book.instrument, take.qty, self.accounts[resting.account]
        if side == BUY:
            gives, give_qty, gets, get_qty = instrument.base, qty, instrument.quote, cost
        else:
            gives, give_qty, gets, get_qty = instrument.quote, cost, instrument.base, qty
        maker.balances[gives].locked -= give_qty
        fee = self._charge(self.maker_fee, gets, get_qty)
        maker.balances[gets].free += get_qty - fee
        turn.touched[maker.name] = maker
        self._record(turn, resting, take, fee, gets, maker=True)
        if resting.status == FILLED:
            maker.finish(resting)
            turn.done.append(resting)

    def _charge(self, rate: Decimal, asset: str, qty: Decimal) -> Decimal:
        if not rate:
            return ZERO
        fee = (qty * rate).quantize(FEE_PLACES, ROUND_DOWN)
        self.house_fees.balances[asset].free += fee
        return fee

    def _record(self, turn: Turn, order: Order, take: Take, fee: Decimal, asset: str, *, maker: bool) -> Execution:
        execution = Execution(
            self.trade_id,
            order.order_id,
            order.account,
            order.symbol,
            order.side,
            take.px,
            take.qty,
            fee,
            asset,
            maker,
            turn.now_ms,
        )
        order.fills.append(execution)
        turn.tell(order, TRADE, execution)
        return execution
