"""The auditor's own bookkeeping of a lab journal: positions, money, prices, orders, and when they arrived."""

from __future__ import annotations

from collections import Counter, defaultdict, deque
from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

from copydesk.kernel import ZERO

Record = Mapping[str, Any]
QUOTE = "USDT"


@dataclass(frozen=True)
class Rules:
    """The exchange's minima for one symbol."""

    qty_step: Decimal
    qty_min: Decimal
    notional_min: Decimal


def net_base(execution: Record) -> Decimal:
    """Return by how much an execution changed the base holding, fee included."""
    qty, fee = Decimal(execution["qty"]), Decimal(execution["fee"])
    signed = qty if execution["side"] == "buy" else -qty
    return signed if execution["fee_currency"] == QUOTE else signed - fee


def net_quote(execution: Record) -> Decimal:
    """Return by how much an execution changed the quote holding, fee included."""
    paid = Decimal(execution["qty"]) * Decimal(execution["px"])
    signed = -paid if execution["side"] == "buy" else paid
    return signed - Decimal(execution["fee"]) if execution["fee_currency"] == QUOTE else signed


@dataclass
class Holdings:
    """What the journal so far says of every account that the auditor watches."""

    leaders: set[str]
    followers: set[str]
    position: dict[tuple[str, str], Decimal] = field(default_factory=lambda: defaultdict(lambda: ZERO))
    money: dict[str, Decimal] = field(default_factory=lambda: defaultdict(lambda: ZERO))
    cost: dict[tuple[str, str], Decimal] = field(default_factory=lambda: defaultdict(lambda: ZERO))
    prices: dict[str, Decimal] = field(default_factory=lambda: defaultdict(lambda: ZERO))
    placed: Counter[tuple[str, str, str]] = field(default_factory=Counter)
    latencies_ms: list[float] = field(default_factory=list)
    leader_fills: int = 0
    last_event_ms: dict[tuple[str, str], float] = field(default_factory=dict)
    leader_of: dict[str, str] = field(default_factory=dict)
    _buys: dict[int, tuple[str, str, Decimal]] = field(default_factory=dict)
    _shortfall: dict[tuple[str, str], Decimal] = field(default_factory=lambda: defaultdict(lambda: ZERO))
    _equity: dict[str, deque[tuple[float, Decimal]]] = field(default_factory=lambda: defaultdict(deque))

    def note(self, record: Record) -> None:
        """Book one record of the journal."""
        kind = record["kind"]
        if kind == "execution":
            self._execution(record)
        elif kind == "order" and record["account"] in self.followers:
            self._order(record)
        elif kind == "account":
            self.money[record["account"]] = Decimal(record["balances"].get(QUOTE, 0))
        elif kind == "mark":
            self.prices[record["symbol"]] = Decimal(record["px"])
            for leader in self.leaders & self.money.keys():
                self._equity[leader].append((record["at_ms"], self._equity_now(leader)))

    def spent(self, account: str) -> Decimal:
        """Return the quote currency that an account's holdings cost."""
        return sum((cost for (owner, _), cost in self.cost.items() if owner == account), ZERO)

    def equity_span(self, leader: str, at_ms: float, window_ms: float) -> list[Decimal]:
        """Return the leader's equity over the last moments, newest included."""
        points = self._equity[leader]
        while len(points) > 1 and points[1][0] < at_ms - window_ms:
            points.popleft()
        return [equity for _, equity in points] + [self._equity_now(leader)]

    def take_shortfall(self, account: str, symbol: str) -> Decimal:
        """Return, once, what opening orders of an account asked for and the market did not give, plus fees in base."""
        return self._shortfall.pop((account, symbol), ZERO)

    def _equity_now(self, account: str) -> Decimal:
        held = (qty * self.prices[symbol] for (owner, symbol), qty in self.position.items() if owner == account)
        return self.money[account] + sum(held, ZERO)

    def _execution(self, record: Record) -> None:
        account, symbol = record["account"], record["symbol"]
        key = (account, symbol)
        self.leader_fills += account in self.leaders
        held = self.position[key]
        self.position[key] = held + net_base(record)
        self.money[account] += net_quote(record)
        self.prices[symbol] = Decimal(record["px"])
        if record["side"] == "buy":
            self.cost[key] += Decimal(record["qty"]) * Decimal(record["px"])
            if account in self.followers and record["fee_currency"] != QUOTE:
                self._shortfall[key] += Decimal(record["fee"])
        elif held > 0:
            self.cost[key] *= max(self.position[key], ZERO) / held

    def _order(self, record: Record) -> None:
        account, symbol = record["account"], record["symbol"]
        if record["change"] == "NEW":
            self.placed[account, symbol, record["client_order_id"]] += 1
            event_ms = self.last_event_ms.get((self.leader_of.get(account, ""), symbol))
            if event_ms is not None:
                self.latencies_ms.append(record["at_ms"] - event_ms)
            if record["side"] == "buy":
                self._buys[record["order_id"]] = (account, symbol, Decimal(record["qty"]))
        elif record["change"] in {"EXPIRED", "CANCELED"} and record["order_id"] in self._buys:
            owner, pair, qty = self._buys.pop(record["order_id"])
            self._shortfall[owner, pair] += qty - Decimal(record["cum_qty"])
