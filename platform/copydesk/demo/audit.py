"""Hold the lab's journal against what should have happened. Knows the followers' terms, asks none of our tables.

The auditor replays every leader execution by its own reading of platform/docs/algorithms/sizing.md. A leader's
equity at the moment of a trade is only known within bounds (it is valued at moving prices), so what a follower
should hold is an interval; drift is the distance from it, in quantity steps.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

from copydesk.demo.cast import FollowerTerms
from copydesk.demo.ledger import Ask, Holdings, Rules, net_base
from copydesk.kernel import ZERO, floor_to_step
from copydesk.trading import SizingMode

Record = Mapping[str, Any]
ONE = Decimal(1)
# An opening copy may pay up to this much more than the leader, so a capped one buys up to this much less.
_SLIPPAGE = Decimal("1.012")
# What the desk buys must stay sellable after the fee; how much it leaves for that is its own affair, within this.
_CLOSABLE = Decimal("1.05")
# The desk samples a leader's equity every five seconds; prices move meanwhile.
_EQUITY_WINDOW_MS = 8_000
_EQUITY_SLACK = Decimal("0.002")
# A close that is too small by this much may be made up for without a further event, once the price has risen.
_LATER_SELLABLE = Decimal("0.95")


@dataclass(frozen=True)
class Seat:
    """A follower as the auditor knows it: lab account, the leader's lab account, and the terms."""

    account: str
    leader: str
    terms: FollowerTerms


@dataclass
class Span:
    """An interval of base quantity; `low` and `high` are equal when nothing is uncertain."""

    low: Decimal = ZERO
    high: Decimal = ZERO

    def distance(self, value: Decimal) -> Decimal:
        """Return how far a value lies outside."""
        return max(self.low - value, value - self.high, ZERO)

    def shift(self, low: Decimal, high: Decimal) -> None:
        self.low, self.high = max(self.low + low, ZERO), max(self.high + high, ZERO)

    def scale(self, share: Decimal) -> None:
        self.low, self.high = self.low * share, self.high * share


@dataclass
class Expectation:
    """What one follower should hold, per symbol."""

    should_hold: dict[str, Span] = field(default_factory=lambda: defaultdict(Span))


@dataclass(frozen=True)
class LeaderEvent:
    """All executions of one leader order at one instant: what a follower sees as one signal."""

    account: str
    symbol: str
    at_ms: float
    px: Decimal
    before: Decimal
    after: Decimal
    first_of_order: bool
    equity: Span


def audit(records: Iterable[Record], seats: Sequence[Seat], rules: Mapping[str, Rules]) -> dict[str, Any]:
    """Replay the journal and return the figures of `demo --check` that the exchange's side can prove.

    Besides those: `placed`, all orders of followers, and `filled`, those of them that bought or sold anything.
    """
    crowd: dict[str, list[Seat]] = defaultdict(list)
    for seat in seats:
        crowd[seat.leader].append(seat)
    followers = {seat.account for seat in seats}
    book = Holdings(set(crowd), followers)
    expected: dict[str, Expectation] = defaultdict(Expectation)
    for event in _events(records, book):
        for seat in crowd[event.account]:
            _expect(expected[seat.account], seat, event, book, rules[event.symbol])
    asks = [ask for asked in book.asks.values() for ask in asked]
    done = sum(ask.answers > 0 for ask in asks)
    missing = sum(ask.surely and not ask.answers for ask in asks)
    latencies = sorted(book.latencies_ms)
    return {
        "leader_fills": book.leader_fills,
        "copies_expected": done + missing,
        "copies_done": done,
        "duplicates": book.unasked,
        "missing": missing,
        "drift_steps_max": _drift(expected, book, rules),
        "p50_ms": round(_quantile(latencies, 0.50), 1),
        "p99_ms": round(_quantile(latencies, 0.99), 1),
        "placed": len(book.placed),
        "filled": len(book.filled),
    }


def _events(records: Iterable[Record], book: Holdings) -> Iterator[LeaderEvent]:
    """Book every record, and yield a leader's executions of one order and instant as one event."""
    group: list[Record] = []
    for record in records:
        is_leader = record["kind"] == "execution" and record["account"] in book.leaders
        if group and not (is_leader and _same_event(group[0], record)):
            yield _event(group, book)
            group = []
        if is_leader:
            group.append(record)
        else:
            book.note(record)
    if group:
        yield _event(group, book)


def _same_event(first: Record, record: Record) -> bool:
    return bool(first["order_id"] == record["order_id"] and first["at_ms"] == record["at_ms"])


def _event(group: Sequence[Record], book: Holdings) -> LeaderEvent:
    first, last = group[0], group[-1]
    account, symbol = first["account"], first["symbol"]
    equity = book.equity_span(account, first["at_ms"], _EQUITY_WINDOW_MS)
    before = book.position[account, symbol]
    for record in group:
        book.note(record)
    qty = sum((Decimal(r["qty"]) for r in group), ZERO)
    px = sum((Decimal(r["qty"]) * Decimal(r["px"]) for r in group), ZERO) / qty
    after = max(before + sum((net_base(r) for r in group), ZERO), ZERO)
    span = Span(min(equity) * (1 - _EQUITY_SLACK), max(equity) * (1 + _EQUITY_SLACK))
    return LeaderEvent(account, symbol, last["at_ms"], px, before, after, Decimal(last["order_cum_qty"]) == qty, span)


def _expect(mine: Expectation, seat: Seat, event: LeaderEvent, book: Holdings, rules: Rules) -> None:
    """Move what a follower should hold by one leader event."""
    span = mine.should_hold[event.symbol]
    shortfall = book.take_shortfall(seat.account, event.symbol)
    span.shift(-shortfall, -shortfall)
    if event.after > event.before:
        _expect_open(mine, seat, event, book, rules)
        return
    share = event.after / event.before if event.before > 0 and event.after * event.px >= rules.notional_min else ZERO
    held, most = book.position[seat.account, event.symbol], span.high
    span.scale(share)
    surely_sold = floor_to_step(min(held, most) - span.high, rules.qty_step) - rules.qty_step
    possibly_sold = max(held, most) - span.low + rules.qty_step
    surely = surely_sold >= rules.qty_min and surely_sold * event.px >= rules.notional_min
    if surely or possibly_sold * event.px >= rules.notional_min * _LATER_SELLABLE:
        book.asks[seat.account, event.symbol, "sell"].append(Ask(event.at_ms, event.px, surely))


def _expect_open(mine: Expectation, seat: Seat, event: LeaderEvent, book: Holdings, rules: Rules) -> None:
    """Ask for what is wanted on top of what should be held, less what is held beyond that; no is no, not later."""
    span, held = mine.should_hold[event.symbol], book.position[seat.account, event.symbol]
    left = max(seat.terms.allocation - book.spent(seat.account), ZERO) / event.px
    low, high = (min(wanted, left) for wanted in _wanted(seat.terms, event))
    low = min(low, left / _SLIPPAGE)
    if high <= 0:
        return
    least = min(low, span.low + low - max(held, span.high))
    most = min(left, span.high + high - min(held, span.low)) + rules.qty_step
    sure_qty = floor_to_step(least, rules.qty_step) - 2 * rules.qty_step
    surely = sure_qty >= rules.qty_min and sure_qty * event.px >= rules.notional_min * _CLOSABLE
    if surely or (most >= rules.qty_min and most * event.px >= rules.notional_min):
        book.asks[seat.account, event.symbol, "buy"].append(Ask(event.at_ms, event.px, surely))
        span.shift(low if surely else ZERO, high)


def _wanted(terms: FollowerTerms, event: LeaderEvent) -> tuple[Decimal, Decimal]:
    increase = event.after - event.before
    value = terms.sizing_value or ZERO
    match terms.sizing_mode:
        case SizingMode.EQUITY_RATIO:
            return increase * terms.allocation / event.equity.high, increase * terms.allocation / event.equity.low
        case SizingMode.FIXED_RATIO:
            return increase * value, increase * value
        case SizingMode.FIXED_NOTIONAL:
            once = value / event.px if event.first_of_order else ZERO
            return once, once


def _drift(expected: Mapping[str, Expectation], book: Holdings, rules: Mapping[str, Rules]) -> int:
    """Return the largest distance between what a follower holds and what it should, in steps; dust is none."""
    worst = 0
    for account, expectation in expected.items():
        for symbol, span in expectation.should_hold.items():
            shortfall = book.take_shortfall(account, symbol)
            span.shift(-shortfall, -shortfall)
            away = span.distance(book.position[account, symbol])
            sellable = floor_to_step(away, rules[symbol].qty_step) * book.prices[symbol] >= rules[symbol].notional_min
            if sellable or book.position[account, symbol] < span.low:
                worst = max(worst, int(away / rules[symbol].qty_step))
    return worst


def _quantile(ordered: Sequence[float], share: float) -> float:
    return ordered[min(int(len(ordered) * share), len(ordered) - 1)] if ordered else 0.0
