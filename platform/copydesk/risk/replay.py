"""One follower going through a strategy's history on paper, under limits. Pure; `simulate` goes twice and compares."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal
from enum import StrEnum
from typing import NamedTuple
from zoneinfo import ZoneInfo

from copydesk.kernel import ZERO, floor_to_step
from copydesk.risk.equity_rules import Broken, EquityState, Spans, broken_limits, equity_bounds
from copydesk.risk.history import Event, Funded, Mark, Move
from copydesk.risk.limits import LimitSet
from copydesk.risk.measures import Subject
from copydesk.risk.model import Scoped
from copydesk.risk.order_rules import Opening, OrderState, Sums, Verdict, judge_opening, order_bounds
from copydesk.risk.paper import Paper, PaperFill, Slot
from copydesk.risk.stops import EVENT_OF, OPENS_ALLOWED, Stop, StopEvent, StopState, after
from copydesk.trading import Denial

# How many base units a follower takes for one of the leader's.
Ratio = Callable[[Move], Decimal]
_BPS = Decimal(10_000)
_MINUTE = timedelta(minutes=1)


@dataclass(frozen=True, slots=True)
class Terms:
    """How one follower copies. `ratio` None is by equity: the allocation over the leader's equity at each signal.

    `slippage_bps` makes copies dearer than the leader's fills, `stop_slippage_bps` a stop's closes than the mark.
    """

    allocation: Decimal
    zone: ZoneInfo
    currency: str = "USDT"
    fee_bps: Decimal = Decimal(10)
    slippage_bps: Decimal = ZERO
    stop_slippage_bps: Decimal = Decimal(50)
    qty_step: Decimal = Decimal("1E-8")
    ratio: Ratio | None = None


class Deed(StrEnum):
    """What a limit did. `fired` decides to close, `closed` is each position's close, at the next mark."""

    WARNED = "warned"
    BLOCKED = "blocked"
    FIRED = "fired"
    CLOSED = "closed"
    SHRUNK = "shrunk"
    DENIED = "denied"


class Act(NamedTuple):
    """One deed of one limit. `value` is what broke `bound`: equity, or what was realized since the window began.

    Of an order, `value` is what was wanted and `bound` what was left of it (of leverage: times).
    Of a close, `value` is the price that was got and `bound` the mark. `denial` names why an order was denied.
    """

    at: datetime
    deed: Deed
    scoped: Scoped
    value: Decimal
    bound: Decimal
    symbol: str = ""
    denial: Denial | None = None


class CurvePoint(NamedTuple):
    at: datetime
    equity: Decimal


class Run(NamedTuple):
    """One way through the history. `drawdown_ratio_max` is of the highest equity so far, the allocation at first.

    `opens_blocked` counts signals that a stop kept from being copied; `unclosed` are symbols of which a stop still
    waited for a mark when the history ended.
    """

    curve: tuple[CurvePoint, ...]
    acts: tuple[Act, ...]
    fills: tuple[PaperFill, ...]
    equity: Decimal
    peak: Decimal
    drawdown_ratio_max: Decimal
    fees: Decimal
    funding: Decimal
    stop: StopState
    opens_blocked: int
    unclosed: tuple[str, ...]


class Replay:
    """Takes events in the order of time. Every limit given is judged: on equity after each event, or at each open."""

    def __init__(self, terms: Terms, limits: LimitSet) -> None:
        self._terms = terms
        self._paper = Paper(terms.allocation, terms.fee_bps / _BPS)
        self._bounds = order_bounds(limits, currency=terms.currency)
        # As far as a history tells, the subscription is all that the account has.
        self._ahead = tuple(
            bound for subject in Subject for bound in equity_bounds(limits, subject, currency=terms.currency)
        )
        self._stop = Stop()
        self._fired_by: Scoped | None = None
        self._equity = self._peak = terms.allocation
        # Equity and balance when each window began.
        self._opened = self._balances = Spans(*[terms.allocation] * len(Spans._fields))
        self._day: date | None = None
        self._openings: list[datetime] = []
        self._curve: list[CurvePoint] = []
        self._acts: list[Act] = []
        self._drawdown_ratio_max = ZERO
        self._opens_blocked = 0

    def take(self, event: Event) -> None:
        """Go on by one event."""
        self._begin_windows(event.at)
        match event:
            case Mark():
                self._mark(event)
            case Funded():
                self._fund(event)
            case Move():
                self._move(event)
        self._judge(event.at)

    def told(self) -> Run:
        """Return how it went so far."""
        paper, fired = self._paper, self._stop.state is StopState.FIRING
        return Run(
            tuple(self._curve),
            tuple(self._acts),
            tuple(paper.fills),
            self._equity,
            self._peak,
            self._drawdown_ratio_max,
            paper.fees,
            paper.funding,
            self._stop.state,
            self._opens_blocked,
            tuple(sorted({slot.symbol for slot in paper.held})) if fired else (),
        )

    def _begin_windows(self, at: datetime) -> None:
        """Note what there is when a day, a week or a month begins."""
        day, before = at.astimezone(self._terms.zone).date(), self._day
        if day == before:
            return
        self._day = day
        if before is None:
            return
        begun = ["day"]
        if day.isocalendar()[:2] != before.isocalendar()[:2]:
            begun.append("week")
        if (day.year, day.month) != (before.year, before.month):
            begun.append("month")
        self._opened = self._opened._replace(**dict.fromkeys(begun, self._equity))
        self._balances = self._balances._replace(**dict.fromkeys(begun, self._paper.balance()))

    def _mark(self, mark: Mark) -> None:
        self._paper.marks[mark.symbol] = mark.px
        if self._stop.state is StopState.FIRING:
            for slot in [slot for slot in self._paper.held if slot.symbol == mark.symbol]:
                self._close(slot, mark)
            self._rest_if_flat()

    def _fund(self, funded: Funded) -> None:
        self._paper.fund(funded.symbol, funded.rate)

    def _move(self, move: Move) -> None:
        paper, slot = self._paper, Slot(move.symbol, move.position_side)
        paper.marks.setdefault(move.symbol, move.px)
        before, wanted = move.position_before, move.position_after
        held = paper.held.get(slot)
        qty = held.qty if held else ZERO
        # A history with a hole in it may have the leader on the other side without having got there.
        turns = before * wanted < 0 or qty * wanted < 0
        if turns or abs(wanted) < abs(before):
            kept = ZERO if turns else wanted / before
            left = floor_to_step(qty * kept, self._terms.qty_step)
            paper.trade(move.at, slot, left - qty, _worse(move.px, left - qty, self._terms.slippage_bps))
            self._rest_if_flat()
        if turns or abs(wanted) > abs(before):
            self._open(move, slot, wanted if turns else wanted - before)

    def _open(self, move: Move, slot: Slot, increase: Decimal) -> None:
        if self._stop.state not in OPENS_ALLOWED:
            self._opens_blocked += 1
            return
        terms, px = self._terms, _worse(move.px, increase, self._terms.slippage_bps)
        room = max(terms.allocation - self._paper.spent(), ZERO) / px
        asked = floor_to_step(min(abs(increase) * self._ratio(move), room), terms.qty_step)
        if asked <= 0:
            return
        opening = Opening(notional=asked * px, symbol=move.symbol, leverage=move.leverage)
        verdict = judge_opening(self._bounds, opening, self._state(move))
        self._note(move.at, opening, verdict)
        qty = min(asked, floor_to_step(verdict.notional / px, terms.qty_step))
        if qty > 0:
            self._openings.append(move.at)
            self._paper.trade(move.at, slot, qty if increase > 0 else -qty, px)

    def _ratio(self, move: Move) -> Decimal:
        if self._terms.ratio is not None:
            return self._terms.ratio(move)
        return self._terms.allocation / move.leader_equity if move.leader_equity > 0 else ZERO

    def _state(self, move: Move) -> OrderState:
        """Describe what an opening order is held against."""
        paper, symbol = self._paper, move.symbol
        self._openings = [at for at in self._openings if move.at - at < _MINUTE]
        symbols = {slot.symbol for slot in paper.held}
        sums = Sums(paper.equity(), paper.balance(), paper.notional(), len(symbols), len(self._openings))
        there = paper.notional(symbol)
        return OrderState(own=sums, account=sums, position=there, instrument=there)

    def _note(self, at: datetime, opening: Opening, verdict: Verdict) -> None:
        wanted, given = opening.notional, verdict.notional
        for scoped in verdict.warned:
            self._acts.append(Act(at, Deed.WARNED, scoped, wanted, wanted, opening.symbol))
        if verdict.bit is None:
            return
        if not verdict.denial and given == wanted:
            wanted, given = Decimal(opening.leverage), Decimal(verdict.leverage)
        deed = Deed.DENIED if verdict.denial else Deed.SHRUNK
        self._acts.append(Act(at, deed, verdict.bit, wanted, given, opening.symbol, verdict.denial))

    def _judge(self, at: datetime) -> None:
        equity, balance = self._paper.equity(), self._paper.balance()
        self._equity, self._peak = equity, max(self._peak, equity)
        self._curve.append(CurvePoint(at, equity))
        self._drawdown_ratio_max = max(self._drawdown_ratio_max, (self._peak - equity) / self._peak)
        # What was realized carries its fees and funding, as the balance does.
        realized = Spans(*(balance - before for before in self._balances))
        state = EquityState(equity, balance, self._opened, realized, self._peak)
        # The mildest first, so that a leap past several limits is told step by step.
        for broken in reversed(broken_limits(self._ahead, state)):
            self._ahead = tuple(bound for bound in self._ahead if bound.scoped is not broken.scoped)
            self._act(at, broken)

    def _act(self, at: datetime, broken: Broken) -> None:
        scoped, level = broken
        happening = EVENT_OF[scoped.limit.action]
        following = after(self._stop, happening)
        if following is None:
            return
        self._stop = following
        self._acts.append(Act(at, _DEEDS[happening], scoped, level.now, level.at))
        if happening is StopEvent.FIRE:
            self._fired_by = scoped
            self._rest_if_flat()

    def _close(self, slot: Slot, mark: Mark) -> None:
        assert self._fired_by is not None, "a stop fires for a limit"
        qty = -self._paper.held[slot].qty
        px = _worse(mark.px, qty, self._terms.stop_slippage_bps)
        self._paper.trade(mark.at, slot, qty, px)
        self._acts.append(Act(mark.at, Deed.CLOSED, self._fired_by, px, mark.px, slot.symbol))

    def _rest_if_flat(self) -> None:
        if self._stop.state is StopState.FIRING and not self._paper.held:
            self._stop = after(self._stop, StopEvent.FLAT) or self._stop


_DEEDS = {StopEvent.WARN: Deed.WARNED, StopEvent.BLOCK: Deed.BLOCKED, StopEvent.FIRE: Deed.FIRED}


def _worse(px: Decimal, qty: Decimal, bps: Decimal) -> Decimal:
    """Return a price worsened for a buy (above zero) or a sale."""
    return px * (1 + bps / _BPS if qty > 0 else 1 - bps / _BPS)
