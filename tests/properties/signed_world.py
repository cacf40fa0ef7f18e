"""A follower copying a leader's perpetual, in memory.

Plans, releases and fixes are the real ones; fills and books follow the rules of `settle`.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import datetime
from decimal import Decimal
from typing import Any

from copy_world import LIMITS, NOW, decimals
from copydesk.kernel import ZERO, floor_to_step
from copydesk.replication.excess import Excess
from copydesk.replication.model import Book, Follower, Planned, SignalFact
from copydesk.replication.plan import plan_copies
from copydesk.replication.reversal import WaitingOpen, judge_waiting
from copydesk.trading import Instrument, PositionSide, Side, SizePolicy, SizingMode, SubscriptionState
from hypothesis import strategies as st

SYMBOL = "BTC/USDT:USDT"
AGE_MS_MAX = 20_000


@st.composite
def perpetuals(draw: st.DrawFn, venue: str = "binance") -> Instrument:
    """Any linear perpetual: coarse or fine contracts, with a smallest notional or without."""
    step = draw(st.sampled_from([Decimal("0.0001"), Decimal("0.001"), Decimal("0.01"), Decimal(1)]))
    return Instrument(
        venue=venue,
        symbol=SYMBOL,
        venue_symbol="BTCUSDT",
        base="BTC",
        quote="USDT",
        px_tick=draw(st.sampled_from([Decimal("0.01"), Decimal("0.1")])),
        qty_step=step,
        qty_min=step * draw(st.sampled_from([1, 1, 3])),
        qty_max=Decimal(10) ** 12,
        notional_min=Decimal(draw(st.sampled_from([0, 5, 100]))),
        settle="USDT",
        contract_size=step,
        leverage_max=50,
    )


# The leader's position afterwards, as a share of the equity and with its sign.
exposures = st.lists(decimals("-1.5", "1.5"), min_size=1, max_size=8)
perpetual_prices = decimals("1", "90000", 2)


def signed(side: Side, qty: Decimal) -> Decimal:
    return qty if side is Side.BUY else -qty


@dataclass
class Order:
    """A stored copy; `sent` ones are on the exchange."""

    number: int
    plan: Planned
    sent: bool


@dataclass
class SignedWorld:
    """One follower and one leader on one perpetual. Every order that is sent is checked against the book."""

    instrument: Instrument
    allocation: Decimal = Decimal(1000)
    equity: Decimal = Decimal(100_000)
    mode: SizingMode = SizingMode.EQUITY_RATIO
    value: Decimal | None = None
    leader: Decimal = ZERO
    qty: Decimal = ZERO
    target: Decimal = ZERO
    carried: Decimal = ZERO
    carried_at: datetime | None = None
    policy: SizePolicy = SizePolicy.SKIP
    cost: Decimal = ZERO
    signals: int = 0
    copies: int = 0
    orders: list[Order] = field(default_factory=list)
    fills: list[Decimal] = field(default_factory=list)

    def signal(self, after: Decimal, px: Decimal, **changed: Any) -> SignalFact:
        fact = SignalFact(self.signals + 1, SYMBOL, px, self.leader, after, self.equity, NOW)
        return replace(fact, **changed)

    def trade(self, after: Decimal, px: Decimal, **changed: Any) -> list[Planned]:
        """Let the leader hold `after`; store what is planned, and send what need not wait."""
        fact = self.signal(after, px, **changed)
        plans = plan_copies(fact, [self.follower()], self.instrument, LIMITS, now=NOW)
        self.leader, self.signals = after, fact.id
        self.target = plans[-1].target_qty
        self.carried, self.carried_at = plans[-1].carried_qty, plans[-1].carried_at
        for plan in plans:
            if plan.denial is None:
                self.copies += 1
                order = Order(self.copies, plan, sent=False)
                self.orders.append(order)
                if not plan.waits:
                    self.send(order)
        return plans

    def send(self, order: Order) -> None:
        """An open is never sent while a known position on the other side could still be closed."""
        side = order.plan.side
        if not order.plan.reduces:
            assert signed(side, self.qty) > -self.instrument.qty_min, "an open was sent into the other side's position"
        order.sent = True

    def follower(self, **changed: Any) -> Follower:
        """Read the follower as the planner's query does."""
        reserved = sum((o.plan.qty * o.plan.px for o in self.orders if o.plan.px is not None), ZERO)
        moving = {side: sum((o.plan.qty for o in self.orders if o.plan.side is side), ZERO) for side in Side}
        closes = {
            side: sum((o.plan.qty for o in self.orders if o.plan.side is side and o.plan.reduces), ZERO)
            for side in Side
        }
        book = Book(
            self.qty,
            self.target,
            moving[Side.BUY],
            moving[Side.SELL],
            self.signals,
            self.cost,
            closes[Side.BUY],
            closes[Side.SELL],
            self.carried,
            self.carried_at,
        )
        state = SubscriptionState.SYNCED
        plain = Follower(1, 1, state, True, self.mode, self.value, self.allocation, self.cost + reserved, book)
        return plain._replace(size_policy=self.policy)._replace(**changed)

    def settle(self, px: Decimal, *, share: Decimal = Decimal(1)) -> None:
        """Fill that share of all that was sent, then let go what waited for it, and fill that share of it too."""
        self._fill_sent(px, share)
        self._release()
        self._fill_sent(px, share)

    def mend(self, px: Decimal) -> None:
        """Close what is above the target, as rounds of reconcile do, and let go what waited for that."""
        self._fix(px)
        self._release()
        self._fill_sent(px, Decimal(1))
        self._fix(px)

    def _fix(self, px: Decimal) -> None:
        for _ in range(2):
            excess = Excess(1, 1, SYMBOL, PositionSide.NET, self.qty, self.target, self.signals, px, 0)
            over = abs(self.qty) > max(signed(Side.SELL if self.qty < 0 else Side.BUY, self.target), ZERO)
            qty = excess.closable_qty(self.instrument) if over else ZERO
            if qty:
                assert qty <= abs(self.qty)
                self._book(excess.side, qty, px)

    def _fill_sent(self, px: Decimal, share: Decimal) -> None:
        going = [order for order in self.orders if order.sent]
        self.orders = [order for order in self.orders if not order.sent]
        for order in going:
            plan = order.plan
            filled = floor_to_step(plan.qty * share, self.instrument.qty_step)
            if plan.reduces:
                filled = min(filled, max(signed(plan.side, -self.qty), ZERO))
            self._book(plan.side, filled, px if plan.px is None else self._within(plan, px))
            if not plan.reduces and filled < plan.qty:
                self._forgo(plan.side)

    def _within(self, plan: Planned, px: Decimal) -> Decimal:
        assert plan.px is not None
        return min(px, plan.px) if plan.side is Side.BUY else max(px, plan.px)

    def _release(self) -> None:
        waiting = [order for order in self.orders if order.plan.waits and not order.sent]
        decided = judge_waiting(
            [self._as_stored(order, self._moving_against(order)) for order in waiting],
            {SYMBOL: self.instrument},
            now=NOW,
            age_ms_max=AGE_MS_MAX,
        )
        for order in waiting:
            if order.number in {copy.id for copy in decided.send}:
                self.send(order)
            elif order.number in {settlement.copy_id for settlement in decided.ended}:
                self.orders.remove(order)
                self._forgo(order.plan.side)

    def _moving_against(self, waiting: Order) -> bool:
        return any(o.sent and (o.plan.reduces or o.plan.side is not waiting.plan.side) for o in self.orders)

    def _as_stored(self, order: Order, closing: bool) -> WaitingOpen:
        plan = order.plan
        return WaitingOpen(
            order.number,
            1,
            self.signals,
            SYMBOL,
            PositionSide.NET,
            plan.side,
            plan.type,
            plan.qty,
            plan.px,
            "cd-1",
            self.qty,
            self.target,
            NOW,
            closing,
        )

    def _book(self, side: Side, qty: Decimal, px: Decimal) -> None:
        self.fills.append(signed(side, qty))
        before, after = self.qty, self.qty + signed(side, qty)
        if before * signed(side, Decimal(1)) >= 0:
            self.cost += qty * px
        else:
            self.cost = self.cost * abs(after) / abs(before) if before * after > 0 else ZERO
        self.qty = after

    def _forgo(self, side: Side) -> None:
        moving = sum((o.plan.qty for o in self.orders if o.plan.side is side), ZERO)
        reached = max(signed(side, self.qty) + moving, ZERO)
        self.target = signed(side, min(signed(side, self.target), reached))
