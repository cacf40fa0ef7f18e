"""One signal of a past, copied on paper: planned by the real planner, paid from what the account has. Pure."""

from __future__ import annotations

from collections import deque
from datetime import datetime, timedelta
from decimal import Decimal

from copydesk.kernel import ZERO, floor_to_step
from copydesk.replication.minima import smallest_open_qty
from copydesk.replication.model import Follower, Limits, No, Planned, RiskView, SignalFact
from copydesk.replication.order_states import Copier, Scene, order_states
from copydesk.replication.plan import OPEN, Case, deny_all, plan_case
from copydesk.replication.sizing import payable_qty
from copydesk.risk.limits import LimitSet
from copydesk.risk.order_rules import OrderBounds, order_bounds
from copydesk.trading import Denial, Instrument, Side, SubscriptionState, quote_currency
from copydesk.whatif.books import ME, Books
from copydesk.whatif.course import Step
from copydesk.whatif.model import CopyTerms, Past
from copydesk.whatif.result import Copied

_BPS = Decimal(10_000)
_MINUTE = timedelta(minutes=1)
# What the exchange said of an order that the account could not pay in whole: it is tried once more with less.
_LESS = Decimal("0.98")


class Desk:
    """Plans and fills. `prices` are the newest ones by symbol, as the leader's own trades and the marks told them."""

    def __init__(self, past: Past, terms: CopyTerms, limits: LimitSet, books: Books) -> None:
        self._past = past
        self._terms = terms
        self._limits = limits
        self._books = books
        self._copiers = (Copier(ME, ME, terms.allocation),)
        self._bounds: dict[str, OrderBounds] = {}
        self._opened: deque[datetime] = deque()
        self.copies: list[Copied] = []

    def copy(self, step: Step, refusal: No | None, prices: dict[str, Decimal]) -> None:
        """Do what a signal asks for; that is told as two where a position turns round."""
        follower = self._follower(step, refusal, prices)
        if step.case is None:
            limits = self._past.limits.get(step.slot.symbol)
            planned = deny_all(step.signal, [follower], _unlisted(step.opens, limits))
        else:
            planned = plan_case(step.case, [follower])
        self.copies += [self._done(step, item, prices) for item in planned]

    def _done(self, step: Step, planned: Planned, prices: dict[str, Decimal]) -> Copied:
        """Fill one order in whole, or as far as the account can pay it."""
        signal, case = step.signal, step.case
        got, no, base_fee = planned.qty, planned.denial, ZERO
        if case is not None and no is None:
            if not planned.reduces:
                got = self._payable(signal, case, planned, prices)
                no = None if got else Denial.INSUFFICIENT_BALANCE
            px = self._px(signal, planned)
            if got:
                base_fee = self._fill(step, case.instrument, planned, got, px)
        self._books.aim(signal, step.slot, planned, got=got, base_fee=base_fee)
        if no is not None:
            facts = planned.facts if planned.denial else None
            return Copied(signal.id, planned.leg, signal.symbol, planned.side, ZERO, None, no, facts)
        return Copied(signal.id, planned.leg, signal.symbol, planned.side, got, px, None, planned.facts)

    def _fill(self, step: Step, instrument: Instrument, planned: Planned, qty: Decimal, px: Decimal) -> Decimal:
        if not planned.reduces:
            self._opened.append(step.signal.venue_at)
        return self._books.trade(step.slot, instrument, planned.side, qty, px, plain=step.signal.px)

    def _px(self, signal: SignalFact, planned: Planned) -> Decimal:
        """Return what is paid: the leader's price and the slippage, for an open never beyond its limit."""
        px = worse(signal.px, planned.side, self._terms.slippage_bps)
        if planned.px is None:
            return px
        return min(px, planned.px) if planned.side is Side.BUY else max(px, planned.px)

    def _payable(self, signal: SignalFact, case: Case, planned: Planned, prices: dict[str, Decimal]) -> Decimal:
        """Return how much of an open the account can pay: all of it, a smaller order, or nothing."""
        assert planned.px is not None, "an open has a limit"
        instrument = case.instrument
        free, leverage = self._books.free(prices), planned.leverage if instrument.perpetual else 1
        px = max(planned.px, signal.px)
        if planned.qty * px / leverage <= free:
            return planned.qty
        least = payable_qty(
            free,
            px,
            leverage=leverage,
            slippage_bps_max=case.limits.slippage_bps_max,
            perpetual=instrument.perpetual,
        )
        qty = floor_to_step(min(least, planned.qty * _LESS), instrument.qty_step)
        floor_px = min(planned.px, signal.px) if instrument.perpetual else signal.px
        return qty if qty >= smallest_open_qty(floor_px, instrument) else ZERO

    def _follower(self, step: Step, refusal: No | None, prices: dict[str, Decimal]) -> Follower:
        terms = self._terms
        return Follower(
            ME,
            ME,
            SubscriptionState.SYNCED,
            True,
            terms.sizing_mode,
            terms.sizing_value,
            terms.allocation,
            self._books.stock.spent,
            self._books.of(step.slot).planned,
            refusal,
            terms.size_policy,
            terms.leverage_max,
            self._risk(step.signal, prices) if step.opens else None,
        )

    def _risk(self, signal: SignalFact, prices: dict[str, Decimal]) -> RiskView | None:
        """Return what limits on orders are held against; None where no limit is about them."""
        quote = quote_currency(signal.symbol)
        if quote not in self._bounds:
            self._bounds[quote] = order_bounds(self._limits, currency=quote)
        if not self._bounds[quote]:
            return None
        while self._opened and signal.venue_at - self._opened[0] >= _MINUTE:
            self._opened.popleft()
        scene = Scene(
            signal.symbol,
            signal.position_side,
            signal.short,
            marks=prices,
            instruments=self._past.instruments,
            orders={ME: len(self._opened)},
        )
        states = order_states({ME}, self._copiers, self._books.rows(), (), scene)
        return RiskView(self._bounds[quote], states[ME])


def worse(px: Decimal, side: Side, bps: Decimal) -> Decimal:
    """Return a price worsened for a buy or a sale."""
    return px * (1 + bps / _BPS if side is Side.BUY else 1 - bps / _BPS)


def _unlisted(opens: bool, limits: Limits | None) -> Denial:
    """Name why an instrument is not traded: the brand does not offer it, or the exchange does not list it."""
    offered = limits is not None and limits.market_allowed
    return Denial.INSTRUMENT_UNMAPPED if offered or not opens else Denial.MARKET_NOT_ALLOWED


def is_open(copied: Copied) -> bool:
    """Tell whether something was, or would have been, opened."""
    return copied.leg == OPEN
