"""The simulated spot exchange's core: accounts, books, orders and executions, without clock, I/O or randomness.

The same calls in the same order always give the same events and state.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from decimal import Decimal
from typing import Any

from copydesk.kernel import ZERO, floor_to_step
from copydesk.venues.lab.accounts import Account, lock_need, totals
from copydesk.venues.lab.admission import admit
from copydesk.venues.lab.book import Plan
from copydesk.venues.lab.clearing import Clearing, Turn
from copydesk.venues.lab.list_desk import ListDesk
from copydesk.venues.lab.model import BUY, LAST, NET, SPOT, Event, LabInstrument, NewOrder, Order, Reject
from copydesk.venues.lab.rules import OrderRules
from copydesk.venues.lab.snapshot import check_version, engine_state, fill_engine, instruments_of


class Engine(ListDesk):
    """Match orders of accounts on one spot exchange. `symbol` is always the venue symbol ("BTCUSDT").

    Fees are ratios (0.001 = 10 bps): of the base quantity for buyers, of the quote amount for sellers.
    """

    market = SPOT

    def __init__(
        self,
        instruments: Iterable[LabInstrument],
        maker_fee: Decimal = Decimal("0.001"),
        taker_fee: Decimal = Decimal("0.001"),
        rules: OrderRules = OrderRules(),  # noqa: B008 — frozen
    ) -> None:
        super().__init__(instruments, rules)
        self.account_table: dict[str, Account] = {}
        self.registries = self.account_table
        self.clearing: Clearing = Clearing(self.account_table, maker_fee, taker_fee)

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
        """Add money from outside (negative = withdrawal, which may not exceed what is available: ValueError)."""
        target = self.account_table[account]
        if qty < ZERO and target.available(asset) + qty < ZERO:
            raise ValueError(f"account {account!r} has less than {-qty} {asset} free")
        target.balances[asset].free += qty
        return [target.update((asset,), now_ms)._replace(change="DEPOSIT", delta=qty)]

    def balances(self, account: str) -> dict[str, tuple[Decimal, Decimal]]:
        """Return asset → (free, locked); an unknown account raises KeyError."""
        return {asset: (b.free, b.locked) for asset, b in self.account_table[account].balances.items()}

    def totals(self) -> dict[str, Decimal]:
        """Sum all accounts' money per asset, the house included; equals what was deposited."""
        return totals(self.account_table)

    def snapshot(self) -> dict[str, Any]:
        """Return the whole state as JSON-able values, decimals as text."""
        return engine_state(self)

    def fill(self, state: Mapping[str, Any]) -> None:
        """Take over the state of a snapshot; another version raises ValueError. Only for an engine not used yet."""
        check_version(state)
        fill_engine(self, state)

    @classmethod
    def restore(cls, state: Mapping[str, Any], rules: OrderRules = OrderRules()) -> Engine:  # noqa: B008 — frozen
        """Rebuild an engine equal to the one that was snapshot; another version raises ValueError."""
        check_version(state)
        engine = cls(instruments_of(state), Decimal(state["maker_fee"]), Decimal(state["taker_fee"]), rules)
        engine.fill(state)
        return engine

    def purse(self, account: str) -> Account:
        return self.account_table[account]

    def turn(self, symbol: str, now_ms: int) -> Turn:
        return Turn(self.books[symbol], now_ms)

    def watched_px(self, symbol: str, watch: str) -> Decimal:
        return self.books[symbol].last_px if watch == LAST else ZERO

    def _side_refusal(self, new: NewOrder) -> Reject | None:
        return None if new.position_side == NET else Reject.POSITION_SIDE

    def _admit(self, new: NewOrder, *, amends: bool = False) -> Plan | Reject:
        return admit(new, self.account_table, self.books, filtered=amends)

    def _execute(self, turn: Turn, side: str, plan: Plan, order: Order | None) -> None:
        taker = self.clearing.house_maker if order is None else self.account_table[order.account]
        self.clearing.execute(turn, side, plan, taker, order)

    def _prepare(self, turn: Turn, order: Order, new: NewOrder) -> None:
        if new.take_profit is not None or new.stop_loss is not None:
            self._attach(turn, order, new)

    def _hold(self, order: Order) -> None:
        instrument = self.instruments[order.symbol]
        self.account_table[order.account].lock(*lock_need(order, instrument.base, instrument.quote))

    def _release(self, order: Order) -> None:
        instrument = self.instruments[order.symbol]
        self.account_table[order.account].unlock(*lock_need(order, instrument.base, instrument.quote))

    def _touch(self, turn: Turn, order: Order) -> None:
        turn.touched[order.account] = self.account_table[order.account]

    def _attached_qty(self, parent: Order) -> Decimal:
        """Buyers pay their fee out of what they get."""
        if parent.side != BUY:
            return parent.cum_qty
        got = parent.cum_qty - sum((fill.fee for fill in parent.fills), ZERO)
        return floor_to_step(got, self.instruments[parent.symbol].qty_step)
