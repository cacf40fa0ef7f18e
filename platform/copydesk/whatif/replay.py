"""Takes a follower through a past, signal by signal, with the time between them. Pure.

The laws are those of real copies (platform/docs/algorithms/what-if.md): the same planner, minima, limits on orders and
stops. What a past does not tell is left out and named: funding, what markets bear, what else the account does.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from datetime import datetime
from decimal import Decimal, localcontext

import numpy as np

from copydesk.kernel import ZERO
from copydesk.risk.simulate import judged, unjudged
from copydesk.trading import Denial, Side
from copydesk.whatif.amounts import amounts_needed, enough_of, shares_of
from copydesk.whatif.books import Books, Stock
from copydesk.whatif.course import PRECISION, Course, Step
from copydesk.whatif.days import Days
from copydesk.whatif.model import CopyTerms, Floats, Past
from copydesk.whatif.orders import Desk, is_open, worse
from copydesk.whatif.prices import Prices, exact
from copydesk.whatif.result import Copied, Point, Result, Skipped, WorstDay
from copydesk.whatif.watch import Watch

# A stop's closing orders are worse than the mark by this much, as `risk simulate` has it.
STOP_SLIPPAGE_BPS = Decimal(50)
# More points than a chart has pixels say nothing.
POINTS_MAX = 400
_CENT = Decimal("0.01")
# The order has been made already: nothing was left out.
_DONE_BEFORE = frozenset({Denial.ORDER_ALREADY_COPIED})


def replay(past: Past, terms: CopyTerms) -> Result:
    """Return what a follower on these terms would have come to.

    A price or an equity that cannot be is refused by the planner as in production. An account that is worth nothing
    any more stays at zero and opens nothing.
    """
    return follow(Course(past, terms.zone), terms)


def follow(course: Course, terms: CopyTerms) -> Result:
    """Return the same of a past that is made ready already; the terms count days in the same time zone."""
    assert course.zone == terms.zone, "days begin where they began when the past was made ready"
    with localcontext(PRECISION):
        return _Replay(course, terms).run()


class _Replay:
    def __init__(self, course: Course, terms: CopyTerms) -> None:
        self._course = course
        self._terms = terms
        self._prices = course.prices
        self._books = Books(terms)
        limits = judged(terms.limits, terms.currency)
        self._watch = Watch(terms, limits, course)
        self._desk = Desk(course.past, terms, limits, self._books)
        # What was held up to a moment, that one not included, one stretch behind the other.
        self._stretches: list[tuple[int, Stock]] = [(1, self._books.stock)]
        self._moment = 0
        self._newest: dict[str, Decimal] = {}
        self._ruined: int | None = None

    def run(self) -> Result:
        """Go through the past once."""
        for step in self._course.steps:
            self._go_to(step.moment)
            self._heed(step)
        self._go_to(self._prices.moments - 1)
        return self._told()

    def _heed(self, step: Step) -> None:
        symbol, px = step.slot.symbol, step.signal.px
        if px > 0:
            self._newest[symbol] = px
        self._desk.copy(step, self._watch.refusal, self._marks(symbol))

    def _marks(self, symbol: str) -> dict[str, Decimal]:
        """Return the newest prices of what is held; of what is being traded, the trade's."""
        for slot, _ in self._books.stock.lots:
            if slot.symbol != symbol:
                self._newest[slot.symbol] = exact(self._prices.line(slot.symbol)[self._moment])
        return self._newest

    def _go_to(self, moment: int) -> None:
        """Let time pass with everything as it is; a limit may close it all on the way."""
        while self._moment < moment:
            first, stock = self._moment + 1, self._books.stock
            ruined = None if self._ruined is not None else self._first_below_zero(first, moment + 1, stock)
            fired = self._watch.fires(first, moment + 1 if ruined is None else ruined + 1, stock)
            if fired is not None:
                self._moment, close = fired, self._stop
            elif ruined is not None:
                self._moment, close = ruined, self._ruin
            else:
                self._moment, close = moment, None
            self._stretches.append((self._moment + 1, stock))
            if close is not None:
                close()

    def _first_below_zero(self, first: int, end: int, stock: Stock) -> int | None:
        """Return the moment at which nothing is left, None where there is none."""
        if stock.bounds(self._prices, first, end)[0] > 0:
            return None
        below = np.flatnonzero(stock.line(self._prices, first, end) <= 0)
        return first + int(below[0]) if len(below) else None

    def _stop(self) -> None:
        """Close everything at the prices of this moment."""
        for slot in self._books.open_slots():
            held, instrument = self._books.of(slot).earnings.qty, self._course.past.instruments.get(slot.symbol)
            if instrument is None:
                continue
            px = exact(self._prices.line(slot.symbol)[self._moment])
            side = Side.SELL if held > 0 else Side.BUY
            paid = worse(px, side, STOP_SLIPPAGE_BPS)
            self._books.trade(slot, instrument, side, abs(held), paid, plain=px)
        self._books.empty_targets()

    def _ruin(self) -> None:
        self._ruined = self._moment
        self._books.forget()
        self._watch.ruin()

    def _line(self) -> Floats:
        """Return the equity at every moment of the grid: all stretches at once, added up as `Stock.line` does."""
        begins = [0, *(end for end, _ in self._stretches[:-1])]
        lengths = np.diff([*begins, self._stretches[-1][0]])
        line: Floats = np.repeat([stock.money for _, stock in self._stretches], lengths)
        held = {slot: np.zeros(len(lengths)) for slot in self._books.slots}
        for place, (_, stock) in enumerate(self._stretches):
            for slot, qty in stock.lots:
                held[slot][place] = qty
        for slot, qtys in held.items():
            if qtys.any():
                line += np.repeat(qtys, lengths) * self._prices.line(slot.symbol)
        if self._ruined is not None:
            line[self._ruined] = 0.0
        return line

    def _told(self) -> Result:
        past, terms, books = self._course.past, self._terms, self._books
        end = max(books.equity(self._prices), ZERO)
        line = np.append(self._line(), float(end))
        opens = [copied for copied in self._desk.copies if is_open(copied) and copied.denial not in _DONE_BEFORE]
        needed = amounts_needed(self._course.least, terms)
        return Result(
            past.since,
            past.until,
            terms.allocation,
            terms.currency,
            _points(line, self._prices, past.until),
            end,
            _fall(line),
            _worst_day(self._course.days, line),
            books.fees,
            books.slippage,
            max(end - terms.allocation, ZERO) * terms.profit_share,
            len(opens),
            sum(1 for copied in opens if copied.denial is None),
            sum(1 for copied in self._desk.copies if not is_open(copied) and copied.denial is None),
            _skipped(opens),
            tuple(self._desk.copies),
            tuple(self._watch.acts),
            tuple(sorted({slot.symbol for slot in books.open_slots()})),
            shares_of(needed, terms),
            enough_of(needed, terms),
            unjudged(terms.limits, terms.currency),
        )


def _fall(line: Floats) -> Decimal:
    """Return the deepest fall below the highest equity before it."""
    peaks = np.maximum.accumulate(line)
    return exact(round(float(np.max(1 - line / peaks)), 12))


def _worst_day(days: Days, line: Floats) -> WorstDay | None:
    day, change = min(days.changes(line), key=lambda told: told[1])
    return WorstDay(day, exact(change).quantize(_CENT)) if change < 0 else None


def _skipped(opens: Iterable[Copied]) -> tuple[Skipped, ...]:
    """Count what was not copied by its reason, the most frequent first."""
    found: defaultdict[Denial, list[Copied]] = defaultdict(list)
    for copied in opens:
        if copied.denial is not None:
            found[copied.denial].append(copied)
    told = [Skipped(reason, len(every), every[-1].facts) for reason, every in found.items()]
    return tuple(sorted(told, key=lambda skipped: (-skipped.orders, skipped.reason)))


def _points(line: Floats, prices: Prices, until: datetime) -> tuple[Point, ...]:
    """Thin the line out for a chart: of every stretch the lowest and the highest, and both ends."""
    kept = {0, len(line) - 1}
    for stretch in np.array_split(np.arange(len(line)), max(min(POINTS_MAX // 2, len(line) // 2), 1)):
        part = line[stretch]
        kept |= {int(stretch[part.argmin()]), int(stretch[part.argmax()])}
    last = len(line) - 1
    return tuple(
        Point(until if place == last else prices.at(place), exact(line[place]).quantize(_CENT))
        for place in sorted(kept)
    )
