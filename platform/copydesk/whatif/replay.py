"""Takes a follower through a past, signal by signal, with the time between them. Pure.

The laws are those of real copies (platform/docs/algorithms/what-if.md): the same planner, minima, limits on orders and
stops. What a past does not tell is left out and named: funding, what markets bear, what else the account does.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from datetime import datetime
from decimal import Context, Decimal, localcontext

import numpy as np

from copydesk.kernel import ZERO
from copydesk.replication.model import SignalFact
from copydesk.risk.simulate import judged, unjudged
from copydesk.trading import Denial, Side
from copydesk.whatif.amounts import amounts_needed, enough_of, shares_of
from copydesk.whatif.books import Books
from copydesk.whatif.days import Days
from copydesk.whatif.model import CopyTerms, Floats, Past
from copydesk.whatif.orders import Desk, is_open, worse
from copydesk.whatif.prices import Prices, exact
from copydesk.whatif.result import Copied, Point, Result, Skipped, WorstDay
from copydesk.whatif.watch import Seen, Watch

# A stop's closing orders are worse than the mark by this much, as `risk simulate` has it.
STOP_SLIPPAGE_BPS = Decimal(50)
# More points than a chart has pixels say nothing.
POINTS_MAX = 400
# As the planner has it in production.
_PRECISION = Context(prec=28)
_CENT = Decimal("0.01")
# The order has been made already: nothing was left out.
_DONE_BEFORE = frozenset({Denial.ORDER_ALREADY_COPIED})


def replay(past: Past, terms: CopyTerms) -> Result:
    """Return what a follower on these terms would have come to.

    A price or an equity that cannot be is refused by the planner as in production. An account that is worth nothing
    any more stays at zero and opens nothing.
    """
    with localcontext(_PRECISION):
        return _Replay(past, terms).run()


class _Replay:
    def __init__(self, past: Past, terms: CopyTerms) -> None:
        self._past = past
        self._terms = terms
        self._prices = Prices(past)
        self._days = Days(past, self._prices, terms.zone)
        self._books = Books(terms)
        limits = judged(terms.limits, terms.currency)
        self._watch = Watch(terms, limits, self._prices, self._days)
        self._desk = Desk(past, terms, limits, self._books)
        self._equity: Floats = np.full(self._prices.moments, float(terms.allocation))
        self._moment = 0
        self._newest: dict[str, Decimal] = {}
        self._ruined = False

    def run(self) -> Result:
        """Go through the past once."""
        for signal in self._past.signals:
            self._go_to(self._prices.moment(signal.venue_at))
            self._heed(signal)
        self._go_to(self._prices.moments - 1)
        return self._told()

    def _heed(self, signal: SignalFact) -> None:
        if signal.px > 0:
            self._newest[signal.symbol] = signal.px
        self._desk.copy(signal, self._watch.refusal, self._marks(signal.symbol))

    def _marks(self, symbol: str) -> dict[str, Decimal]:
        """Return the newest prices of what is held; of what is being traded, the trade's."""
        held = {slot.symbol for slot in self._books.open_slots()} - {symbol}
        for name in held:
            self._newest[name] = exact(self._prices.line(name)[self._moment])
        return self._newest

    def _go_to(self, moment: int) -> None:
        """Let time pass with everything as it is; a limit may close it all on the way."""
        while self._moment < moment:
            first = self._moment + 1
            equity = self._books.worth(self._prices, first, moment + 1)
            ruined = None if self._ruined else _first_below_zero(equity)
            upto = len(equity) if ruined is None else ruined + 1
            fired = self._watch.fires(Seen(first, equity[:upto], self._books.balance()))
            if fired is not None:
                moment_done, close = fired, self._stop
            elif ruined is not None:
                moment_done, close = first + ruined, self._ruin
            else:
                moment_done, close = moment, None
            self._equity[first : moment_done + 1] = equity[: moment_done + 1 - first]
            self._moment = moment_done
            if close is not None:
                close()

    def _stop(self) -> None:
        """Close everything at the prices of this moment."""
        for slot in self._books.open_slots():
            held, instrument = self._books.of(slot).earnings.qty, self._past.instruments.get(slot.symbol)
            if instrument is None:
                continue
            px = exact(self._prices.line(slot.symbol)[self._moment])
            side = Side.SELL if held > 0 else Side.BUY
            paid = worse(px, side, STOP_SLIPPAGE_BPS)
            self._books.trade(slot, instrument, side, abs(held), paid, plain=px)
        self._books.empty_targets()

    def _ruin(self) -> None:
        self._ruined = True
        self._equity[self._moment] = 0.0
        self._books.forget()
        self._watch.ruin()

    def _told(self) -> Result:
        past, terms, books = self._past, self._terms, self._books
        end = max(books.equity(self._prices), ZERO)
        line = np.append(self._equity, float(end))
        opens = [copied for copied in self._desk.copies if is_open(copied) and copied.denial not in _DONE_BEFORE]
        needed = amounts_needed(past, terms)
        return Result(
            past.since,
            past.until,
            terms.allocation,
            terms.currency,
            _points(line, self._prices, past.until),
            end,
            _fall(line),
            _worst_day(self._days, line),
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


def _first_below_zero(equity: Floats) -> int | None:
    below = np.flatnonzero(equity <= 0)
    return int(below[0]) if len(below) else None


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
