"""One signal of a past, copied on paper: planned by the real planner, paid from what the account has. Pure."""

from __future__ import annotations

from collections import deque
from datetime import datetime, timedelta
from decimal import Decimal

from copydesk.kernel import ZERO, floor_to_step
from copydesk.replication.minima import smallest_open_qty
from copydesk.replication.model import Follower, Limits, No, Planned, RiskView, SignalFact
from copydesk.replication.order_states import Copier, Scene, order_states
from copydesk.replication.plan import OPEN, deny_all, plan_copies
from copydesk.replication.sizing import payable_qty
from copydesk.risk.limits import LimitSet
from copydesk.risk.order_rules import OrderBounds, order_bounds
from copydesk.risk.paper import Slot
from copydesk.trading import Denial, Instrument, Side, SubscriptionState, quote_currency
from copydesk.whatif.books import ME, Books
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
        self._bounds: dict[str, OrderBounds] = {}
        self._opened: deque[datetime] = deque()
        self.copies: list[Copied] = []

    def copy(self, signal: SignalFact, refusal: No | None, prices: dict[str, Decimal]) -> list[Copied]:
        """Do what a signal asks for, and return what came of it: two where a position turns round."""
        follower = self._follower(signal, refusal, prices)
        instrument = self._past.instruments.get(signal.symbol)
        limits = self._past.limits.get(signal.symbol)
        if instrument is None or limits is None:
            planned = deny_all(signal, [follower], _unlisted(signal, limits))
        else:
            planned = plan_copies(signal, [follower], instrument, limits, now=signal.venue_at)
        done = [self._done(signal, instrument, limits, item, prices) for item in planned]
        self.copies += done
        return done

    def _done(
        self,
        signal: SignalFact,
        instrument: Instrument | None,
        limits: Limits | None,
        planned: Planned,
        prices: dict[str, Decimal],
    ) -> Copied:
        """Fill one order in whole, or as far as the account can pay it."""
        got, no, base_fee = planned.qty, planned.denial, ZERO
        if instrument is not None and limits is not None and no is None:
            if not planned.reduces:
                got = self._payable(signal, instrument, limits, planned, prices)
                no = None if got else Denial.INSUFFICIENT_BALANCE
            px = self._px(signal, planned)
            if got:
                base_fee = self._fill(signal, instrument, planned, got, px)
        self._books.aim(signal, planned, got=got, base_fee=base_fee)
        if no is not None:
            facts = planned.facts if planned.denial else None
            return Copied(signal.id, planned.leg, signal.symbol, planned.side, ZERO, None, no, facts)
        return Copied(signal.id, planned.leg, signal.symbol, planned.side, got, px, None, planned.facts)

    def _fill(self, signal: SignalFact, instrument: Instrument, planned: Planned, qty: Decimal, px: Decimal) -> Decimal:
        slot = Slot(signal.symbol, signal.position_side)
        if not planned.reduces:
            self._opened.append(signal.venue_at)
        return self._books.trade(slot, instrument, planned.side, qty, px, plain=signal.px)

    def _px(self, signal: SignalFact, planned: Planned) -> Decimal:
        """Return what is paid: the leader's price and the slippage, for an open never beyond its limit."""
        px = worse(signal.px, planned.side, self._terms.slippage_bps)
        if planned.px is None:
            return px
        return min(px, planned.px) if planned.side is Side.BUY else max(px, planned.px)

    def _payable(
        self, signal: SignalFact, instrument: Instrument, limits: Limits, planned: Planned, prices: dict[str, Decimal]
    ) -> Decimal:
        """Return how much of an open the account can pay: all of it, a smaller order, or nothing."""
        assert planned.px is not None, "an open has a limit"
        free, leverage = self._books.free(prices), planned.leverage if instrument.perpetual else 1
        px = max(planned.px, signal.px)
        if planned.qty * px / leverage <= free:
            return planned.qty
        least = payable_qty(
            free,
            px,
            leverage=leverage,
            slippage_bps_max=limits.slippage_bps_max,
            perpetual=instrument.perpetual,
        )
        qty = floor_to_step(min(least, planned.qty * _LESS), instrument.qty_step)
        floor_px = min(planned.px, signal.px) if instrument.perpetual else signal.px
        return qty if qty >= smallest_open_qty(floor_px, instrument) else ZERO

    def _follower(self, signal: SignalFact, refusal: No | None, prices: dict[str, Decimal]) -> Follower:
        terms = self._terms
        return Follower(
            ME,
            ME,
            SubscriptionState.SYNCED,
            usable=True,
            sizing_mode=terms.sizing_mode,
            sizing_value=terms.sizing_value,
            allocation=terms.allocation,
            spent=self._books.spent(),
            book=self._books.of(Slot(signal.symbol, signal.position_side)).planned,
            refusal=refusal,
            size_policy=terms.size_policy,
            leverage_max=terms.leverage_max,
            risk=self._risk(signal, prices) if signal.opens else None,
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
        copier = Copier(ME, ME, self._terms.allocation)
        return RiskView(self._bounds[quote], order_states({ME}, [copier], self._books.rows(), (), scene)[ME])


def worse(px: Decimal, side: Side, bps: Decimal) -> Decimal:
    """Return a price worsened for a buy or a sale."""
    return px * (1 + bps / _BPS if side is Side.BUY else 1 - bps / _BPS)


def _unlisted(signal: SignalFact, limits: Limits | None) -> Denial:
    """Name why an instrument is not traded: the brand does not offer it, or the exchange does not list it."""
    offered = limits is not None and limits.market_allowed
    return Denial.INSTRUMENT_UNMAPPED if offered or not signal.opens else Denial.MARKET_NOT_ALLOWED


def is_open(copied: Copied) -> bool:
    """Tell whether something was, or would have been, opened."""
    return copied.leg == OPEN
