"""What each follower should do about a leader's event, by our own reading of platform/docs/algorithms/sizing.md.

A leader's equity at the moment of a trade is only known within bounds (it is valued at moving prices), so what a
follower should hold is an interval. Where it leaves open whether an order is due, an order may come or not.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field
from decimal import Decimal

from copydesk.demo.asks import Ask, Leg
from copydesk.demo.cast import FollowerTerms
from copydesk.demo.events import LeaderEvent, Span
from copydesk.demo.ledger import Holdings
from copydesk.demo.listed import Rules, is_perpetual
from copydesk.kernel import ZERO, floor_to_step
from copydesk.trading import Denial, SizingMode

# An opening copy may pay up to this much more than the leader, so a capped one buys up to this much less; what is in
# flight counts at that price as well.
_SLIPPAGE = Decimal("1.012")
# What the desk buys must stay sellable after the fee; how much it leaves for that is its own affair, within this.
_CLOSABLE = Decimal("1.05")
# A close that is too small by this much may be made up for without a further event, once the price has risen.
_LATER_SELLABLE = Decimal("0.95")


@dataclass(frozen=True)
class Seat:
    """A follower as the auditor knows it: lab account, the leader's lab account, and the terms."""

    account: str
    leader: str
    terms: FollowerTerms
    market: str = "spot"


@dataclass
class Expectation:
    """What followers should hold, by account, instrument and side; asks for orders are put into the book."""

    book: Holdings
    spans: dict[tuple[str, str, int], Span] = field(default_factory=lambda: defaultdict(Span))

    def follow(self, seat: Seat, event: LeaderEvent) -> Ask:
        """Move what a follower should hold by one leader event, and return what is asked of him."""
        rules = self.book.listed.rules(seat.terms.venue, event.symbol)
        place = seat.account, event.symbol, event.direction
        span, shortfall = self.spans[place], self.book.take_shortfall(*place)
        span.shift(-shortfall, -shortfall)
        ask = self._open(seat, event, span, rules) if event.opens else self._close(seat, event, span, rules)
        if ask.surely or ask.answers_max:
            self.book.asks.add(Leg(*place, event.opens), ask)
        return ask

    def settle(self) -> Iterator[tuple[str, str, Decimal]]:
        """Yield by how much each follower's holding is off in the end, and of what; what none could sell is none."""
        for (account, symbol, direction), span in self.spans.items():
            shortfall = self.book.take_shortfall(account, symbol, direction)
            span.shift(-shortfall, -shortfall)
            held = self.book.held(account, symbol, direction)
            rules = self.book.listed.rules(self.book.venue(account), symbol)
            worth_min = ZERO if is_perpetual(symbol) else rules.notional_min / self.book.price(account, symbol)
            yield account, symbol, _off(span, held, max(worth_min, rules.qty_min), rules.qty_step)

    def _close(self, seat: Seat, event: LeaderEvent, span: Span, rules: Rules) -> Ask:
        held, most = self.book.held(seat.account, event.symbol, event.direction), span.high
        span.scale(_kept(event, rules))
        due = floor_to_step(min(held, most) - span.high, rules.qty_step) - _spare(event) * rules.qty_step
        possibly = max(held, most) - span.low + rules.qty_step
        surely, can_be = _closable(event, due, rules), _closable(event, possibly / _LATER_SELLABLE, rules)
        denial = _unclosable(event, max(held, most), possibly - rules.qty_step, rules)
        ask = Ask(event.at_ms, event.px, surely, None if surely else denial, answers_max=len(event.parts))
        if self.book.opened_lately(seat.account, event.symbol, event.direction, event.at_ms):
            ask.due = due
        return ask if can_be or surely else _never(ask)

    def _open(self, seat: Seat, event: LeaderEvent, span: Span, rules: Rules) -> Ask:
        """Ask for what is wanted on top of what should be held, less what is held beyond that; no is no, not later."""
        held = self.book.held(seat.account, event.symbol, event.direction)
        # A position on the other side is closed first, and what it cost is there for the open.
        other = event.symbol, -event.direction
        spent_most = self.book.spent_at_most(seat.account, event.at_ms, without=other) * _SLIPPAGE
        left = max(seat.terms.allocation - self.book.spent(seat.account, without=other), ZERO) / event.px
        left_low = max(seat.terms.allocation - spent_most, ZERO) / event.px / _SLIPPAGE
        wants = _wanted(seat.terms, event)
        low, high = min(wants.low, left_low), min(wants.high, left)
        low = _copied_in_parts(low, event, rules)
        least = min(low, span.low + low - max(held, span.high))
        most = min(left, span.high + high - min(held, span.low)) + rules.qty_step
        surely = _surely_opened(event, least, rules)
        can_be = high > 0 and most >= rules.qty_min and most * event.px >= rules.notional_min
        denial = None if surely else _unopened(wants.high, most - rules.qty_step, event, rules)
        ask = Ask(event.at_ms, event.px, surely, denial, answers_max=len(event.parts), worth=high * event.px)
        if not (surely or can_be):
            return _never(ask)
        # Where the allocation bounds an order, what rounding kept back of earlier ones is not made up for.
        rounding = rules.qty_step if left_low < wants.low else ZERO
        span.shift(max(low - rounding, ZERO) if surely else ZERO, high)
        return ask


def _never(ask: Ask) -> Ask:
    """Mark an ask that no order can answer: what it would take is too little for the exchange."""
    ask.answers_max = 0
    return ask


def _off(span: Span, held: Decimal, closable: Decimal, step: Decimal) -> Decimal:
    """Return the distance in steps, zero where it is only dust above what should be held."""
    away = span.distance(held)
    return away / step if floor_to_step(away, step) >= closable or held < span.low else ZERO


def _kept(event: LeaderEvent, rules: Rules) -> Decimal:
    """Return the share that the leader keeps; on spot, what cannot be sold any more counts as nothing."""
    left = event.after
    if not is_perpetual(event.symbol):
        sellable = floor_to_step(left, rules.qty_step)
        left = left if sellable >= rules.qty_min and sellable * event.px >= rules.notional_min else ZERO
    return left / event.before if event.before > 0 else ZERO


def _closable(event: LeaderEvent, qty: Decimal, rules: Rules) -> bool:
    """Tell whether the exchange takes a close of this size; reduce-only orders know no smallest notional."""
    return qty >= rules.qty_min and (is_perpetual(event.symbol) or qty * event.px >= rules.notional_min)


def _unclosable(event: LeaderEvent, held: Decimal, qty: Decimal, rules: Rules) -> Denial:
    """Name the reason that a follower reads where a close is not sent."""
    if held < rules.qty_step:
        return Denial.NOTHING_TO_REDUCE
    if qty < rules.qty_step:
        return Denial.BELOW_ONE_STEP
    return Denial.BELOW_QTY_MIN if is_perpetual(event.symbol) else Denial.BELOW_NOTIONAL_MIN


def _spare(event: LeaderEvent) -> int:
    """Return how many steps rounding may cost: on spot, fees are taken out of what is bought."""
    return 0 if is_perpetual(event.symbol) else 2


def _surely_opened(event: LeaderEvent, qty: Decimal, rules: Rules) -> bool:
    """Tell whether an open of at least this much must be sent."""
    sure = floor_to_step(qty, rules.qty_step) - _spare(event) * rules.qty_step
    return sure >= rules.qty_min and sure * event.px >= rules.notional_min * _CLOSABLE


def _unopened(wanted: Decimal, qty: Decimal, event: LeaderEvent, rules: Rules) -> Denial:
    """Name the reason that a follower reads where an open is not sent."""
    if wanted == 0:
        return Denial.ORDER_ALREADY_COPIED
    if _surely_opened(event, wanted, rules) and not _surely_opened(event, qty, rules):
        return Denial.ALLOCATION_SPENT
    return Denial.BELOW_QTY_MIN if qty < rules.qty_min else Denial.BELOW_NOTIONAL_MIN


def _copied_in_parts(qty: Decimal, event: LeaderEvent, rules: Rules) -> Decimal:
    """Return how much of a quantity is copied at least where the leader's order was filled in parts.

    The desk may see them as one event or as several, and an open too small for the exchange is not made up for.
    """
    whole = sum(event.parts, ZERO)
    least = qty * min(event.parts) / whole
    return qty if _surely_opened(event, least, rules) else qty * max(event.parts) / whole


def _wanted(terms: FollowerTerms, event: LeaderEvent) -> Span:
    increase, value = event.after - event.before, terms.sizing_value or ZERO
    match terms.sizing_mode:
        case SizingMode.EQUITY_RATIO | SizingMode.MULTIPLIER:
            times = value if terms.sizing_mode is SizingMode.MULTIPLIER else 1
            share = increase * terms.allocation * times
            return Span(share / event.equity.high, share / event.equity.low)
        case SizingMode.FIXED_RATIO:
            return Span(increase * value, increase * value)
        case SizingMode.FIXED_NOTIONAL | SizingMode.FIXED_QTY:
            px = event.px if terms.sizing_mode is SizingMode.FIXED_NOTIONAL else 1
            once = value / px if event.first_of_order else ZERO
            return Span(once, once)
