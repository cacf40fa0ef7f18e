"""The auditor's own bookkeeping of a lab journal: positions, money, prices, and orders with what each answers."""

from __future__ import annotations

from collections import defaultdict, deque
from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

from copydesk.demo.asks import LONG, SHORT, Ask, Asks, Leg
from copydesk.demo.cast import QUOTE
from copydesk.demo.listed import Listed, is_perpetual
from copydesk.kernel import ZERO

Record = Mapping[str, Any]
# An opening copy that may pay this much more than the leader did all it can; the market left it unfilled.
_ROOM = Decimal("1.003")
_MARKET_WINDOW_MS = 1_000
# What an order did counts for the desk once it knows; most exchanges have to be asked about it.
_UNKNOWN_MS = 5_000
# What counts to an account's equity; a funding wallet does not.
_WALLETS = frozenset({"trading", "futures"})


def net_base(execution: Record) -> Decimal:
    """Return by how much an execution changed the base holding or the position, fee included."""
    qty, fee = Decimal(execution["qty"]), Decimal(execution["fee"])
    signed = qty if execution["side"] == "buy" else -qty
    return signed if execution["fee_currency"] == QUOTE else signed - fee


def net_quote(execution: Record) -> Decimal:
    """Return by how much an execution changed the quote holding, fee included; of a perpetual, as if paid in full."""
    paid = Decimal(execution["qty"]) * Decimal(execution["px"])
    signed = -paid if execution["side"] == "buy" else paid
    return signed - Decimal(execution["fee"]) if execution["fee_currency"] == QUOTE else signed


def direction_of(position: Decimal) -> int:
    """Return the side of a position that is not zero."""
    return LONG if position > 0 else SHORT


@dataclass(frozen=True)
class Placed:
    """A follower's order and what it answers, if anything asked for it."""

    venue: str
    leg: Leg
    qty: Decimal
    limit_px: Decimal | None
    ask: Ask | None
    at_ms: float


@dataclass
class Holdings:
    """What the journal so far says of every account that the auditor watches. Positions are signed base units.

    An account is valued as if its perpetuals were bought in full: money paid out comes back as the position's worth.
    """

    leaders: set[str]
    followers: set[str]
    listed: Listed
    asks: Asks = field(default_factory=Asks)
    position: dict[str, dict[str, Decimal]] = field(default_factory=lambda: defaultdict(lambda: defaultdict(Decimal)))
    cost: dict[str, dict[tuple[str, int], Decimal]] = field(
        default_factory=lambda: defaultdict(lambda: defaultdict(Decimal))
    )
    money: dict[str, Decimal] = field(default_factory=lambda: defaultdict(Decimal))
    prices: dict[tuple[str, str], Decimal] = field(default_factory=lambda: defaultdict(Decimal))
    placed: dict[tuple[str, str, int], Placed] = field(default_factory=dict)
    filled: set[tuple[str, str, int]] = field(default_factory=set)
    rejected: list[tuple[str, str, str]] = field(default_factory=list)
    leader_fills: int = 0
    _freed: dict[str, list[tuple[float, tuple[str, int], Decimal]]] = field(default_factory=lambda: defaultdict(list))
    _opened_ms: dict[tuple[str, str, int], float] = field(default_factory=dict)
    _venues: dict[str, str] = field(default_factory=dict)
    _market: dict[tuple[str, str], deque[tuple[float, Decimal]]] = field(default_factory=lambda: defaultdict(deque))
    fees_in_base: dict[tuple[str, str], Decimal] = field(default_factory=lambda: defaultdict(Decimal))
    _shortfall: dict[tuple[str, str, int], Decimal] = field(default_factory=lambda: defaultdict(Decimal))
    _equity: dict[str, deque[tuple[float, Decimal]]] = field(default_factory=lambda: defaultdict(deque))

    def note(self, record: Record) -> None:
        """Book one record of the journal."""
        kind = record["kind"]
        if kind == "execution":
            self._execution(record)
        elif kind == "order" and record["account"] in self.followers:
            self._order(record)
        elif kind == "account" and record["wallet"] in _WALLETS:
            self._venues[record["account"]] = record["venue"]
            self.money[record["account"]] += Decimal(record["balances"].get(QUOTE, 0))
        elif kind == "funding":
            self.money[record["account"]] += Decimal(record["delta"])
        elif kind == "mark":
            self._mark(record)

    def held(self, account: str, symbol: str, direction: int) -> Decimal:
        """Return how much an account has on one side of an instrument, never below zero."""
        return max(self.position[account][symbol] * direction, ZERO)

    def spent(self, account: str, without: tuple[str, int] | None = None) -> Decimal:
        """Return what an account's holdings cost at entry, one side of one instrument left out."""
        return sum((cost for place, cost in self.cost[account].items() if place != without), ZERO)

    def venue(self, account: str) -> str:
        """Return the exchange that an account is on."""
        return self._venues[account]

    def spent_at_most(self, account: str, at_ms: float, without: tuple[str, int] | None = None) -> Decimal:
        """Return what the desk may count as spent: closes that it need not know of yet, opens that have yet to come."""
        since_ms = at_ms - _UNKNOWN_MS
        freed = (cost for when, place, cost in self._freed[account] if when > since_ms and place != without)
        coming = (ask.worth for ask in self.asks.opens[account] if ask.at_ms > since_ms and not ask.answers)
        return self.spent(account, without) + sum(freed, ZERO) + sum(coming, ZERO)

    def opened_lately(self, account: str, symbol: str, direction: int, at_ms: float) -> bool:
        """Tell whether the desk may not know yet of an open, so that a close can come out too small at first."""
        return at_ms - self._opened_ms.get((account, symbol, direction), -_UNKNOWN_MS) < _UNKNOWN_MS

    def price(self, account: str, symbol: str) -> Decimal:
        """Return an instrument's last price on the account's exchange; before its first one there, any other's."""
        own = self.prices[self._venues[account], symbol]
        return own or next((px for (_, named), px in self.prices.items() if named == symbol and px), ZERO)

    def equity_span(self, leader: str, at_ms: float, window_ms: float) -> list[Decimal]:
        """Return the leader's equity over the last moments, newest included."""
        points = self._equity[leader]
        while len(points) > 1 and points[1][0] < at_ms - window_ms:
            points.popleft()
        return [equity for _, equity in points] + [self._equity_now(leader)]

    def take_shortfall(self, account: str, symbol: str, direction: int) -> Decimal:
        """Return, once, what opening orders of an account provably could not get, plus fees in base."""
        return self._shortfall.pop((account, symbol, direction), ZERO)

    def _equity_now(self, account: str) -> Decimal:
        held = self.position[account].items()
        return self.money[account] + sum((qty * self.price(account, symbol) for symbol, qty in held if qty), ZERO)

    def _execution(self, record: Record) -> None:
        account, symbol = record["account"], self.listed.symbol(record)
        self.leader_fills += account in self.leaders
        self._price(record, symbol)
        self.money[account] += net_quote(record)
        before = self.position[account][symbol]
        after = self.position[account][symbol] = before + net_base(record)
        place, freed = self._move_cost(account, symbol, before, after, Decimal(record["qty"]) * Decimal(record["px"]))
        if freed:
            self._freed[account].append((record["at_ms"], place, freed))
        if account in self.followers:
            self.filled.add((record["venue"], record["market"], record["order_id"]))
            if record["fee_currency"] != QUOTE and record["side"] == "buy":
                self._shortfall[account, symbol, LONG] += Decimal(record["fee"])
                self.fees_in_base[account, symbol] += Decimal(record["fee"])

    def _move_cost(
        self, account: str, symbol: str, before: Decimal, after: Decimal, paid: Decimal
    ) -> tuple[tuple[str, int], Decimal]:
        """Add what an increase costs, take off in proportion what a decrease sets free, and return where and what."""
        costs = self.cost[account]
        if before * after >= 0 and abs(after) >= abs(before):
            costs[symbol, direction_of(after)] += paid
            return (symbol, direction_of(after)), ZERO
        side = direction_of(before)
        cost = costs[symbol, side]
        costs[symbol, side] = cost * max(after * side, ZERO) / abs(before)
        if before * after < 0:
            costs[symbol, -side] += paid * abs(after) / abs(after - before)
        return (symbol, side), cost - costs[symbol, side]

    def _mark(self, record: Record) -> None:
        self._price(record, self.listed.symbol(record))
        for leader in self.leaders:
            if self._venues.get(leader) == record["venue"]:
                self._equity[leader].append((record["at_ms"], self._equity_now(leader)))

    def _price(self, record: Record, symbol: str) -> None:
        """Note a price; of the past only the last moments are kept."""
        place = record["venue"], symbol
        px, recent = Decimal(record["px"]), self._market[place]
        self.prices[place] = px
        recent.append((record["at_ms"], px))
        while recent[0][0] < record["at_ms"] - _MARKET_WINDOW_MS:
            recent.popleft()

    def _order(self, record: Record) -> None:
        change = record["change"]
        if change == "REJECTED":
            self.rejected.append((record["venue"], record["market"], str(record["reason"])))
            return
        place = record["venue"], record["market"], record["order_id"]
        if change == "NEW":
            self._placed(place, record)
        elif change in {"EXPIRED", "CANCELED"} and place in self.placed:
            self._ended(self.placed[place], record)

    def _placed(self, place: tuple[str, str, int], record: Record) -> None:
        leg, qty = self._leg(record), Decimal(record["qty"])
        ask = self.asks.take(leg, record["client_order_id"], qty)
        if leg.opens:
            self._opened_ms[leg[:3]] = record["at_ms"]
            self._shortfall[leg[:3]] -= ask.tried_again(qty) if ask else ZERO
        px = record.get("px")
        limit_px = None if px is None else Decimal(px)
        self.placed[place] = Placed(record["venue"], leg, qty, limit_px, ask, record["at_ms"])

    def _leg(self, record: Record) -> Leg:
        """Tell what an order is for. On spot every sale closes; on perpetuals what closes is reduce-only."""
        symbol, buys = self.listed.symbol(record), record["side"] == "buy"
        opens = not record["reduce_only"] if is_perpetual(symbol) else buys
        return Leg(record["account"], symbol, LONG if buys == opens else SHORT, opens)

    def _ended(self, order: Placed, record: Record) -> None:
        """Book what an order did not get: an open may be forgiven it, a close be tried again for its rest."""
        rest = order.qty - Decimal(record["cum_qty"])
        if order.ask is None or rest <= 0:
            return
        if not order.leg.opens:
            order.ask.answers_max += 1
            return
        if rest < order.qty:
            order.ask.allow_top_up()
        if self._out_of_reach(order, order.ask, record["at_ms"]):
            order.ask.forgiven += rest
            self._shortfall[order.leg[:3]] += rest

    def _out_of_reach(self, order: Placed, ask: Ask, at_ms: float) -> bool:
        """Tell whether the exchange's side explains that an open ended short: enough was bid, or the price ran away.

        Of a short everything counts the other way round: its limit is the least that it sells for.
        """
        if order.limit_px is None:
            return False
        way = order.leg.direction
        if (order.limit_px - ask.px) * way < 0:
            return False
        recent = (px for when, px in self._market[order.venue, order.leg.symbol] if when >= at_ms - _MARKET_WINDOW_MS)
        room = ask.px * _ROOM if way == LONG else ask.px / _ROOM
        return (order.limit_px - room) * way >= 0 or any((px - order.limit_px) * way > 0 for px in recent)
