"""Clearing: turns planned takes into executions, money movements and events."""

from __future__ import annotations

from decimal import ROUND_DOWN, Decimal

from copydesk.kernel import ZERO
from copydesk.venues.lab.accounts import Account
from copydesk.venues.lab.book import OrderBook, Plan, Take
from copydesk.venues.lab.model import (
    BUY,
    FEES_ACCOUNT,
    FILLED,
    MAKER_ACCOUNT,
    SELL,
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

    __slots__ = ("book", "events", "executions", "now_ms", "touched")

    def __init__(self, book: OrderBook, now_ms: int) -> None:
        self.book = book
        self.now_ms = now_ms
        self.events: list[Event] = []
        self.executions: list[Execution] = []
        self.touched: dict[str, Account] = {}

    def tell(self, order: Order, change: str, execution: Execution | None = None) -> None:
        self.events.append(
            OrderUpdate(
                order.account, order, change, order.status, order.cum_qty, order.cum_quote, execution, self.now_ms
            )
        )

    def close(self) -> list[Event]:
        """Append the balances of real accounts that moved and the book's change, and return all events."""
        instrument = self.book.instrument
        for account in self.touched.values():
            if not account.house:
                self.events.append(account.update((instrument.base, instrument.quote), self.now_ms))
        if self.book.commit():
            self.events.append(BookChange(instrument.venue_symbol, self.book.update_id, self.now_ms))
        return self.events


class Clearing:
    """Settle trades between accounts and collect fees. Fees are rounded down to 8 places; the house pays none."""

    def __init__(self, accounts: dict[str, Account], maker_fee: Decimal, taker_fee: Decimal) -> None:
        self.accounts = accounts
        self.maker_fee = maker_fee
        self.taker_fee = taker_fee
        self.trade_id = 0
        self.house_maker = accounts.setdefault(MAKER_ACCOUNT, Account(MAKER_ACCOUNT))
        self.house_fees = accounts.setdefault(FEES_ACCOUNT, Account(FEES_ACCOUNT))

    def execute(self, turn: Turn, side: str, plan: Plan, taker: Account, order: Order | None) -> None:
        """Carry out a plan made on this book just now. `order` is None when the house's maker takes."""
        levels = turn.book.opposite(side)
        turn.touched[taker.name] = taker
        for take in plan.takes:
            resting = take.entry if isinstance(take.entry, Order) else None
            self.trade_id += 1
            cost = take.px * take.qty
            if resting is None:
                take.entry.leaves -= take.qty
            else:
                resting.fill(take.qty, cost, turn.now_ms)
            levels.consume(take)
            self._settle(turn, side, take, cost, taker, order)
            self._print(turn, side, take, order, resting)

    def _settle(self, turn: Turn, side: str, take: Take, cost: Decimal, taker: Account, order: Order | None) -> None:
        """Swap the money of one trade; each side pays its fee out of what it gets."""
        base, quote = turn.book.instrument.base, turn.book.instrument.quote
        pays, pay_qty, gets, get_qty = (quote, cost, base, take.qty) if side == BUY else (base, take.qty, quote, cost)
        resting = take.entry if isinstance(take.entry, Order) else None
        maker = self.house_maker if resting is None else self.accounts[resting.account]
        taker.give(pays, pay_qty, locked=False)
        maker.give(gets, get_qty, locked=resting is not None)
        taker_fee = self._charge(self.taker_fee, gets, get_qty) if order is not None else ZERO
        maker_fee = self._charge(self.maker_fee, pays, pay_qty) if resting is not None else ZERO
        taker.balance(gets).free += get_qty - taker_fee
        maker.balance(pays).free += pay_qty - maker_fee
        if order is not None:
            order.fill(take.qty, cost, turn.now_ms)
            execution = self._record(turn, order, take, taker_fee, gets, maker=False)
            turn.executions.append(execution)
        if resting is not None:
            turn.touched[maker.name] = maker
            self._record(turn, resting, take, maker_fee, pays, maker=True)
            if resting.status == FILLED:
                maker.finish(resting)

    def _charge(self, rate: Decimal, asset: str, qty: Decimal) -> Decimal:
        fee = (qty * rate).quantize(FEE_PLACES, ROUND_DOWN) if rate else ZERO
        self.house_fees.balance(asset).free += fee
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

    def _print(self, turn: Turn, side: str, take: Take, order: Order | None, resting: Order | None) -> None:
        """Put the trade on the public tape."""
        book = turn.book
        book.last_px, book.last_qty, book.last_trade_id = take.px, take.qty, self.trade_id
        taker_id = order.order_id if order is not None else 0
        maker_id = resting.order_id if resting is not None else 0
        buyer_id, seller_id = (taker_id, maker_id) if side == BUY else (maker_id, taker_id)
        turn.events.append(
            PublicTrade(
                book.instrument.venue_symbol,
                self.trade_id,
                take.px,
                take.qty,
                side == SELL,
                buyer_id,
                seller_id,
                turn.now_ms,
            )
        )
