"""The auditor's own bookkeeping of a lab journal: positions, money, prices, orders, and what each answers."""

from __future__ import annotations

from collections import defaultdict, deque
from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

from copydesk.kernel import ZERO

Record = Mapping[str, Any]
QUOTE = "USDT"
# An opening copy that may pay this much more than the leader did all it can; the market left it unfilled.
_ROOM = Decimal("1.003")
_MARKET_WINDOW_MS = 1_000


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
class Ask:
    """A leader event that asks a follower for an order: surely, or possibly where a minimum is too close to call.

    One order answers it; a further one only where an earlier one sold less than it was to sell.
    """

    at_ms: float
    px: Decimal
    surely: bool
    answers: int = 0
    answers_max: int = 1


@dataclass(frozen=True)
class Placed:
    """A follower's order and what it answers, if anything asked for it."""

    account: str
    symbol: str
    side: str
    qty: Decimal
    limit_px: Decimal | None
    ask: Ask | None


@dataclass
class Holdings:
    """What the journal so far says of every account that the auditor watches."""

    leaders: set[str]
    followers: set[str]
    position: dict[tuple[str, str], Decimal] = field(default_factory=lambda: defaultdict(lambda: ZERO))
    money: dict[str, Decimal] = field(default_factory=lambda: defaultdict(lambda: ZERO))
    cost: dict[tuple[str, str], Decimal] = field(default_factory=lambda: defaultdict(lambda: ZERO))
    prices: dict[str, Decimal] = field(default_factory=lambda: defaultdict(lambda: ZERO))
    asks: dict[tuple[str, str, str], list[Ask]] = field(default_factory=lambda: defaultdict(list))
    unasked: int = 0
    filled: set[int] = field(default_factory=set)
    latencies_ms: list[float] = field(default_factory=list)
    leader_fills: int = 0
    placed: dict[int, Placed] = field(default_factory=dict)
    _ids: set[tuple[str, str, str]] = field(default_factory=set)
    _market: dict[str, deque[tuple[float, Decimal]]] = field(default_factory=lambda: defaultdict(deque))
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
            self._price(record)
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
        """Return, once, what opening orders of an account provably could not get, plus fees in base."""
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
        self._price(record)
        if account in self.followers:
            self.filled.add(record["order_id"])
        if record["side"] == "buy":
            self.cost[key] += Decimal(record["qty"]) * Decimal(record["px"])
            if account in self.followers and record["fee_currency"] != QUOTE:
                self._shortfall[key] += Decimal(record["fee"])
        elif held > 0:
            self.cost[key] *= max(self.position[key], ZERO) / held

    def _price(self, record: Record) -> None:
        """Note a price; of the past only the last moments are kept."""
        px, recent = Decimal(record["px"]), self._market[record["symbol"]]
        self.prices[record["symbol"]] = px
        recent.append((record["at_ms"], px))
        while recent[0][0] < record["at_ms"] - _MARKET_WINDOW_MS:
            recent.popleft()

    def _order(self, record: Record) -> None:
        if record["change"] == "NEW":
            self._placed(record)
        elif record["change"] in {"EXPIRED", "CANCELED"} and record["order_id"] in self.placed:
            self._ended(self.placed[record["order_id"]], record)

    def _placed(self, record: Record) -> None:
        account, symbol, side = record["account"], record["symbol"], record["side"]
        named = account, symbol, record["client_order_id"]
        ask = None if named in self._ids else self._asked(account, symbol, side)
        self._ids.add(named)
        px = record.get("px")
        limit_px = None if px is None else Decimal(px)
        self.placed[record["order_id"]] = Placed(account, symbol, side, Decimal(record["qty"]), limit_px, ask)
        if ask is None:
            self.unasked += 1
            return
        ask.answers += 1
        self.latencies_ms.append(record["at_ms"] - ask.at_ms)

    def _asked(self, account: str, symbol: str, side: str) -> Ask | None:
        """Return what an order answers: the oldest event that must have one, else the newest that may.

        One that only may have an order is mostly left without, so an older one says nothing about this order.
        """
        waiting = [ask for ask in self.asks[account, symbol, side] if ask.answers < ask.answers_max]
        due = (ask for ask in waiting if ask.surely and not ask.answers)
        return next(due, waiting[-1] if waiting else None)

    def _ended(self, order: Placed, record: Record) -> None:
        """Book what an order did not get: a buy may be forgiven it, a sale be tried again for its rest."""
        rest = order.qty - Decimal(record["cum_qty"])
        if order.ask is None or rest <= 0:
            return
        if order.side == "sell":
            order.ask.answers_max += 1
        elif self._out_of_reach(order, order.ask, record["at_ms"]):
            self._shortfall[order.account, order.symbol] += rest

    def _out_of_reach(self, order: Placed, ask: Ask, at_ms: float) -> bool:
        """Tell whether the exchange's side explains that a buy ended short: enough was bid, or the price ran away."""
        if order.limit_px is None or order.limit_px < ask.px:
            return False
        recent = (px for when, px in self._market[order.symbol] if when >= at_ms - _MARKET_WINDOW_MS)
        return order.limit_px >= ask.px * _ROOM or any(px > order.limit_px for px in recent)
